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

# A kind that is not Kubernetes' own keeps amounts as somebody wrote them, and goes back to just that. Nothing here runs it: no wait.
kube_namespace
cat >"$tmp/rollout.yaml" <<YAML
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: canary, namespace: $namespace}
spec:
  replicas: 2
  selector: {matchLabels: {app: r}}
  template:
    metadata: {labels: {app: r}}
    spec:
      containers:
      - {name: spelled, image: i, resources: {requests: {cpu: "0.5", memory: 1024Mi}, claims: [{name: gpu}]}}
      - {name: counted, image: i, resources: {requests: {cpu: 0.5, example.org/gpu: 1}, limits: {cpu: 1, example.org/gpu: 1}}}
      - {name: none, image: i, resources: {claims: [{name: gpu}]}}
YAML
rollout() { kube get rollouts.argoproj.io canary -n "$namespace" -o json | jq -cS '.spec'; }
ok "a Rollout is there" kube apply -f "$tmp/rollout.yaml"
# What its controller would say of it.
healthy() {
    kube patch rollouts.argoproj.io canary -n "$namespace" --subresource=status --type=merge -p '{"status": {"phase": "Healthy", "replicas": 2,
        "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "observedGeneration": "'"$(kube get rollouts.argoproj.io canary -n "$namespace" -o jsonpath='{.metadata.generation}')"'"}}' >/dev/null
}
healthy
rollout >"$tmp/spec"
settings
advise '{requests: {cpu_millicores: 300}} + (if .limits.cpu_millicores then {remove: ["limits.cpu"]} else {} end)'
approved
apply --no-wait
is "$rc" 0 "it is changed" || diag "$err"
is "$(rollout | jq -c '[.template.spec.containers[].resources]')" \
    '[{"claims":[{"name":"gpu"}],"requests":{"cpu":"300m","memory":"1024Mi"}},{"limits":{"example.org/gpu":1},"requests":{"cpu":"300m","example.org/gpu":1}},{"claims":[{"name":"gpu"}],"requests":{"cpu":"300m"}}]' \
    "as advised, and nothing else in it"
healthy
rollback --no-wait
is "$rc" 0 "it is rolled back" || diag "$err"
is "$(rollout)" "$(<"$tmp/spec")" "to what was written, to the type"
audit_holds
done_testing
