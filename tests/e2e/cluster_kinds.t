#!/bin/bash
# Kinds whose controllers do not replace pods at once, on a real control plane: their template is changed, and it is said that pods keep
# what they have; a rollback puts the template back.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
kube_cluster
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
{
    kube_workload statefulset by-hand replicas=2 update=OnDelete
    kube_workload statefulset in-part replicas=3 update=partition:2
    kube_workload daemonset daemons update=OnDelete
    kube_workload daemonset rolling
    kube_workload cronjob nightly
    kube_workload deployment anew replicas=2 update=Recreate
    kube_workload deployment none replicas=0
} >"$tmp/objects.yaml"
ok "seven workloads are there" kube_make "$tmp/objects.yaml"
kube_snapshot >"$tmp/before"
settings backoff=0s rollout_timeout=60s
for name in by-hand in-part daemons rolling anew; do kube_pods "$name" >"$tmp/pods.$name"; done
approved
apply
is "$rc" 0 "all are changed" || diag "$err"
is "$(fates)" "anew=done by-hand=done daemons=done in-part=done nightly=done none=done rolling=done " "and done"
is "$(kube_resources | grep -c '"cpu":"300m"')" 7 "every template asks for what was advised"
is "$(kube_pods by-hand)" "$(<"$tmp/pods.by-hand")" "a StatefulSet that is updated by hand keeps its pods"
like "$err" 'StatefulSet/by-hand: [^:]*pod' "which is said"
is "$(kube_pods daemons)" "$(<"$tmp/pods.daemons")" "and a DaemonSet"
is "$(kube_pods in-part | grep -c -x -F -f "$tmp/pods.in-part")" 2 "a partition keeps those below it"
is "$(kube_pods rolling | grep -c -x -F -f "$tmp/pods.rolling")" 0 "a rolling DaemonSet gets new ones"
is "$(kube_pods anew | grep -c -x -F -f "$tmp/pods.anew")" 0 "so does a Deployment that is made anew"
like "$err" 'CronJob/nightly: .*next job' "the next job of a CronJob gets a new template, which is said"
rollback
is "$rc" 0 "all are rolled back" || diag "$err"
is "$(kube_snapshot | diff "$tmp/before" - | head -5)" "" "every object equals what it was"
audit_holds
done_testing
