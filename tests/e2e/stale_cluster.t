#!/bin/bash
# A plan for the target cluster is held against the objects of a real API server: what makes it stale, and what does not. No controllers
# run here, so that what is not stale is in the middle of a rollout for ever: refused, which is another thing.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
kube_shared
kube_namespace
. "$(dirname "$0")/stub_line.sh"
unset KUBECONFIG
config=$kube_dir/kubeconfig

# The objects: a Deployment with two containers and an init container, a StatefulSet, a CronJob.
objects() {
    cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: $namespace, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: first, image: "first:1", resources: {requests: {cpu: 100m}}}
      containers:
      - {name: app, image: "app:1", resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 512Mi}}}
      - {name: side, image: "side:1", resources: {requests: {cpu: 50m, memory: 64Mi, ephemeral-storage: 1Gi}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: data, namespace: $namespace}
spec:
  serviceName: data
  selector: {matchLabels: {app: data}}
  template:
    metadata: {labels: {app: data}}
    spec: {containers: [{name: app, image: "data:1", resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: $namespace}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: "job:1", resources: {requests: {cpu: 500m}}}]}}}}
YAML
}
objects >"$tmp/objects.yaml"
ok "the objects are there" kube apply -f "$tmp/objects.yaml"

# A plan over what tare-parse reads of them: every container "app" from 500m to 300m.
live_plan() {
    "$BIN/tare-parse" --kubeconfig "$config" --namespace "$namespace" >"$tmp/parse.jsonl" 2>"$tmp/parse.err"
    local stage
    for stage in collect:usage analyze:recommendations price:costs diff:changes; do
        jq -cS --arg stage "${stage%:*}" --arg kind "${stage#*:}" '
            if .tare then .tare = $kind
            elif .end then .end.input = null | del(.end.sha256)
            elif .workload then
                (if $stage | IN("analyze", "price", "diff") then .recommendation = {action: "resize", confidence: 0.9, source: "rules",
                    reasoning: "", risk: "low", containers: {app: {requests: {cpu_millicores: 300}}}} else . end)
                | (if $stage == "diff" then .change = {patch: null, edits: [{container: "app", from: "500m", to: "300m",
                    path: "spec.template.spec.containers[0].resources.requests.cpu"}]} else . end)
            else . end' "$tmp/parse.jsonl" >"$tmp/${stage%:*}.jsonl"
    done
    run "$tare" run --target cluster --kubeconfig "$config" --namespace "$namespace" --format json
    id=$(jq -r .run <<<"$out")
    [[ $rc == 0 ]] || diag "$err"
    run "$tare" --as reviewer approve "$id" --yes
}
live_plan
"$tare" login reviewer viewer approver >/dev/null 2>&1
run "$tare" --as reviewer approve "$id" --yes
is "$rc" 0 "a plan over live objects is approved" || diag "$err"
tree_of() { kube get deployments,statefulsets,cronjobs -n "$namespace" -o json | sha256sum; }
as_is=$(tree_of)
run "$tare" apply "$id" --dry-run
is "$rc" 77 "a dry run of it asks the server for each" || diag "$err"
like "$err" 'dry run: 3 of 3 objects would not be written|dry run: 2 of 3 objects would not be written' "and tells of all that would not be written"
is "$(tree_of)" "$as_is" "and writes nothing"
run "$tare" apply "$id" --yes
is "$rc" 77 "nothing is written in the middle of a rollout" || diag "$err"
like "$err" 'is not touched: it is in the middle of a rollout' "which is said"
is "$(tree_of)" "$as_is" "(nothing was)"
is "$(state)" approved "the run stays as it is, to be applied later"

mutations=0 missed=0
stale() { # NAME PATTERN
    mutations=$((mutations + 1))
    local how=--yes
    ((mutations % 2)) && how=--dry-run
    run "$tare" apply "$id" "$how"
    if [[ $rc != 79 ]] || ! [[ $err =~ $2 ]]; then
        missed=$((missed + 1))
        tap_result 1 "stale: $1"
        diag "exit $rc, wanted 79 and '$2': $err"
    fi
}
fresh() {
    run "$tare" apply "$id" --dry-run
    [[ $rc == 77 && $err == *"in the middle of a rollout"* ]] && rc=0
    is "$rc" 0 "not stale: $1" || diag "$err"
}
patch() { # KIND NAME JSON-PATCH
    kube patch "$1" "$2" -n "$namespace" --type=json -p "$3" >"$tmp/patch.log" 2>&1 || diag "$(<"$tmp/patch.log")"
}
# edit NAME PATTERN KIND OBJECT PATCH UNDO
edit() {
    patch "$3" "$4" "$5"
    stale "$1" "$2"
    patch "$3" "$4" "$6"
}
c=/spec/template/spec/containers
j=/spec/jobTemplate/spec/template/spec/containers
replace() { printf '[{"op":"replace","path":"%s","value":%s}]' "$1" "$2"; }
add() { printf '[{"op":"add","path":"%s","value":%s}]' "$1" "$2"; }
remove() { printf '[{"op":"remove","path":"%s"}]' "$1"; }
web="$namespace/Deployment/web"
edit "requests.cpu" "requests.cpu of container app of $web is 600m in the cluster, the plan was made from 500m" deployment web \
    "$(replace $c/0/resources/requests/cpu '"600m"')" "$(replace $c/0/resources/requests/cpu '"500m"')"
edit "requests.cpu by one millicore" "is 501m in the cluster" deployment web \
    "$(replace $c/0/resources/requests/cpu '"501m"')" "$(replace $c/0/resources/requests/cpu '"500m"')"
edit "requests.memory" "requests.memory of container app of $web is 256Mi" deployment web \
    "$(replace $c/0/resources/requests/memory '"256Mi"')" "$(replace $c/0/resources/requests/memory '"512Mi"')"
edit "limits.memory" "limits.memory of container app of $web is 1Gi in the cluster, the plan was made from 512Mi" deployment web \
    "$(replace $c/0/resources/limits/memory '"1Gi"')" "$(replace $c/0/resources/limits/memory '"512Mi"')"
edit "limits.cpu is set" "limits.cpu of container app of $web is 2 in the cluster, the plan was made from unset" deployment web \
    "$(add $c/0/resources/limits/cpu '"2"')" "$(remove $c/0/resources/limits/cpu)"
edit "limits.memory is gone" "limits.memory of container app of $web is unset in the cluster, the plan was made from 512Mi" deployment web \
    "$(remove $c/0/resources/limits/memory)" "$(add $c/0/resources/limits '{"memory":"512Mi"}')"
edit "the other container" "requests.cpu of container side of $web is 60m" deployment web \
    "$(replace $c/1/resources/requests/cpu '"60m"')" "$(replace $c/1/resources/requests/cpu '"50m"')"
edit "another resource" "other resources of container side of $web are .*2Gi.*the plan was made from .*1Gi" deployment web \
    "$(replace $c/1/resources/requests/ephemeral-storage '"2Gi"')" "$(replace $c/1/resources/requests/ephemeral-storage '"1Gi"')"
edit "the init container" "requests.cpu of container first of $web is 200m" deployment web \
    "$(replace /spec/template/spec/initContainers/0/resources/requests/cpu '"200m"')" "$(replace /spec/template/spec/initContainers/0/resources/requests/cpu '"100m"')"
edit "a container more" "$web has 4 containers in the cluster, the plan was made from 3" deployment web \
    "$(add $c/- '{"name":"more","image":"more:1"}')" "$(remove $c/2)"
edit "a container less" "$web has no container side in the cluster any more" deployment web \
    "$(remove $c/1)" "$(add $c/1 '{"name":"side","image":"side:1","resources":{"requests":{"cpu":"50m","memory":"64Mi","ephemeral-storage":"1Gi"}}}')"
edit "another name of a container" "$web has no container side" deployment web \
    "$(replace $c/1/name '"aside"')" "$(replace $c/1/name '"side"')"
edit "a StatefulSet" "requests.memory of container app of $namespace/StatefulSet/data is 2Gi" statefulset data \
    "$(replace $c/0/resources/requests/memory '"2Gi"')" "$(replace $c/0/resources/requests/memory '"1Gi"')"
edit "a CronJob" "requests.cpu of container app of $namespace/CronJob/nightly is 400m" cronjob nightly \
    "$(replace $j/0/resources/requests/cpu '"400m"')" "$(replace $j/0/resources/requests/cpu '"500m"')"
edit "a CronJob: memory is set" "requests.memory of container app of $namespace/CronJob/nightly is 1Gi in the cluster, the plan was made from unset" cronjob nightly \
    "$(add $j/0/resources/requests/memory '"1Gi"')" "$(remove $j/0/resources/requests/memory)"
fresh "everything put back"

# What may move.
version() { kube get deployment web -n "$namespace" -o jsonpath='{.metadata.resourceVersion}'; }
was=$(version)
kube annotate deployment web -n "$namespace" note=later >/dev/null
kube patch deployment web -n "$namespace" --subresource=status --type=merge -p '{"status":{"observedGeneration":1,"replicas":1}}' >"$tmp/status.log" 2>&1
isnt "$(version)" "$was" "the resourceVersion moved"
fresh "an annotation and the status: the resourceVersion alone"
kube scale deployment web -n "$namespace" --replicas=5 >/dev/null
fresh "the number of replicas"
kube label deployment web -n "$namespace" more=1 >/dev/null
kube set image deployment/web -n "$namespace" app=app:2 >/dev/null
fresh "a label and an image"
patch deployment web "$(replace $c/0/resources/requests/cpu '"0.5"')"
fresh "the same amount in other words"

# Who may not ask cannot tell: that is no stale plan.
run "$tare" apply "$id" --dry-run --kubeconfig "$(kube_config token stranger)"
is "$rc" 69 "a cluster that does not answer who asks is unreachable, not stale" || diag "$err"

# Gone, replaced, of another kind, another cluster.
kube delete cronjob nightly -n "$namespace" >/dev/null
stale "an object is gone" "$namespace/CronJob/nightly is not in the cluster any more, the plan was made from the one with the uid"
kube apply -f "$tmp/objects.yaml" >/dev/null
stale "an object was made anew" "$namespace/CronJob/nightly has the uid [0-9a-f-]+ in the cluster, the plan was made from the one with"
live_plan
fresh "a new plan of it"
kube delete deployment web -n "$namespace" >/dev/null
sed -n '1,/^---/p' "$tmp/objects.yaml" | sed '/^---/d; s/kind: Deployment/kind: StatefulSet/; s/^spec:/spec:\n  serviceName: web/' | kube apply -f - >"$tmp/kind.log" 2>&1 || diag "$(<"$tmp/kind.log")"
stale "the kind moved" "$web is not in the cluster any more"
kube delete statefulset web -n "$namespace" >/dev/null
kube apply -f "$tmp/objects.yaml" >/dev/null
live_plan
fresh "a new plan of it"
(
    kube_start "$tmp/own" >/dev/null
    kube create namespace "$namespace" >/dev/null
    kube apply -f "$tmp/objects.yaml" >/dev/null
    printf '%s\n' "$kube_dir/kubeconfig" >"$tmp/own.kubeconfig"
)
run "$tare" apply "$id" --dry-run --kubeconfig "$(<"$tmp/own.kubeconfig")"
is "$rc" 79 "another cluster with the same objects is refused" || diag "$err"
like "$err" 'is the cluster with the id [0-9a-f-]+, the plan was made from [0-9a-f-]+' "by its id"
mutations=$((mutations + 1))
"$cluster_dir/server.sh" stop "$tmp/own"
run "$tare" apply "$id" --dry-run --kubeconfig "$(<"$tmp/own.kubeconfig")"
is "$rc" 69 "a cluster that is not there is unreachable, not stale" || diag "$err"

is "$missed" 0 "every one of $mutations mutations of the objects is refused as stale, by its name"
ok "they are enough" test "$mutations" -ge 18
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
