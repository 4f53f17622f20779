#!/bin/bash
# An API server that restarts, goes away or stays away in the middle of an apply, and an etcd that stands still: apply waits, or stops with
# what is known; in the end every object is as planned, and nothing is written twice.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
. "$root/tests/harness/kube_faults.sh"
kube_start "$tmp/plane" "${kube_programs[@]}"
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
. "$root/tests/e2e/cluster_three.sh"

# The API server goes and comes.
# Controllers and kwok find the server again in their own time: the rollout is given enough of it.
anew rollout_timeout=300s
begun
kube_restart kube-apiserver
ended
whole "an API server that restarts"
anew rollout_timeout=300s
begun
"$cluster_dir/server.sh" stop "$kube_dir" kube-apiserver
sleep 3
"$cluster_dir/server.sh" start "$kube_dir" "${kube_programs[@]}" >"$tmp/restart.log" 2>&1 6>&- 7>&- 8>&-
ended
whole "an API server that is away for some seconds"
anew rollout_timeout=30s
begun
"$cluster_dir/server.sh" stop "$kube_dir" kube-apiserver
back_ended
like "$rc" '^(69|75)$' "an API server that stays away: it stops with what is known ($rc)" || diag "$err"
"$cluster_dir/server.sh" start "$kube_dir" "${kube_programs[@]}" >"$tmp/restart.log" 2>&1 6>&- 7>&- 8>&-
kube_go kwok
settings parallel=1 rollout_timeout=300s backoff=0s
apply --resume
whole "--resume goes on when it is back"

# Its store stands still.
anew rollout_timeout=300s
begun
kube_hold etcd
sleep 5
kube_go etcd
ended
whole "an etcd that stands still for some seconds"
audit_holds
done_testing
