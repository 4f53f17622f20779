#!/bin/bash
# Changes whose pods fail on a real control plane roll back on their own: exit 80, and all objects as they were.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
kube_cluster
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
. "$root/tests/e2e/cluster_fails.sh"

anew planted crash-loop
fails "crash loop" 'middle-bad.*CrashLoopBackOff|middle-bad.*crash'
is "$(fates)" "good=rolled-back middle-bad=rolled-back " "and those before it, by policy"
anew planted oom
fails "killed for memory" 'middle-bad.*(OOM|memory)'
anew planted oom-loop after=300ms
settings rollout_timeout=60s settle=6s # it fails while it settles, however late
fails "killed for memory after it was ready" 'middle-bad.*(OOM|memory)'
anew planted restart
fails "a restart" 'middle-bad.*restart'
anew planted never-ready deadline=10
settings rollout_timeout=90s
fails "never ready, by the progress deadline" 'middle-bad.*(progress|deadline)'
anew planted never-ready
settings rollout_timeout=25s # in which those that are well come up
fails "never ready, by rollout_timeout" 'middle-bad.*(25s|25 s|ready|available)'
anew planted image
fails "an image that cannot be pulled" 'middle-bad.*ImagePull'
anew planted flap
settings rollout_timeout=60s settle=6s # longer than a turn of it, however late
fails "flapping" 'middle-bad'
set_of() { kube_workload statefulset bad replicas=2 fail=crash-loop fine=500m; }
anew set_of
fails "a StatefulSet" 'StatefulSet/bad.*(CrashLoopBackOff|crash)'
ok "its pods run again" kube_settled
daemons() { kube_workload daemonset bad fail=oom fine=500m; }
anew daemons
fails "a DaemonSet" 'DaemonSet/bad.*(OOM|memory)'

# The policy of what is undone.
many() { kube_workload deployment good1; kube_workload deployment good2; kube_workload deployment middle-bad fail=oom fine=500m; kube_workload deployment risky-last; }
anew many
settings on_failure=rollback-object parallel=1
approved
apply
is "$rc" 80 "rollback-object: exit 80" || diag "$err"
like "$(fates)" 'good1=done good2=done middle-bad=rolled-back risky-last=(planned|skipped)' "undoes the one that failed, keeps those before it, begins none after it"
anew many
settings on_failure=stop parallel=1
approved
apply
isnt "$rc" 0 "stop: it failed ($rc)"
like "$(kube_resources deployment/middle-bad)" '300m' "stop leaves what failed as it is"
like "$(kube_resources deployment/risky-last)" '500m' "and begins nothing more"
anew many
settings failure_budget=1 parallel=1
approved
apply
is "$rc" 80 "a failure within the budget: exit 80 all the same" || diag "$err"
is "$(fates)" "good1=done good2=done middle-bad=rolled-back risky-last=done " "and the others go on"
audit_holds
done_testing
