#!/bin/bash
# tare drift on a real API server: where live objects and their manifests disagree in requests, limits and replicas, and who holds the
# fields; the same in a run's findings.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
kube_shared
kube_namespace
need jq
unset KUBECONFIG TARE_CONFIG
export TARE_STATE_DIR=$tmp/state
tare=$BIN/tare
mkdir -p "$tmp/tree/deploy" && cd "$tmp/tree" || exit 1
workload() { # KIND NAME
    cat <<YAML
---
apiVersion: apps/v1
kind: $1
metadata: {name: $2, namespace: $namespace}
spec:
  replicas: 2
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}}
    spec:
      containers:
      - {name: app, image: "example/$2:1", resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 512Mi}}}
      - {name: side, image: example/side, resources: {requests: {cpu: 10m}}}
YAML
}
workload Deployment cart >deploy/cart.yaml
workload StatefulSet store >deploy/store.yaml
workload Deployment quiet >deploy/quiet.yaml
kube apply -f deploy >"$tmp/apply.log" 2>&1 || { cat "$tmp/apply.log"; echo "Bail out! the manifests are not taken"; exit 1; }
drift() { run "$tare" drift deploy --kubeconfig "$kube_dir/kubeconfig" "$@"; }
# NAME CONTAINER FIELD MANIFEST LIVE MANAGER of each difference.
facts() { jq -r '.drift[] | "\(.name) \(.container) \(.field) \(.manifest) \(.live) \(.owners | map("\(.manager)/\(.operation)") | sort | join(","))"' <<<"$out"; }

drift
is "$rc $out" "0 " "what is as its manifests say drifts nowhere" || diag "$err"
like "$err" '3 workloads are in the cluster as their manifests say' "which is said"
drift --format json
is "$(jq -cS 'del(.drift, .not_live)' <<<"$out") $(jq -c '[.drift, .not_live]' <<<"$out")" '{"compared":3,"drifted":0,"workloads":3} [[],[]]' "as JSON, too"

kube set resources deployment cart -n "$namespace" -c app --requests=cpu=300m,memory=512Mi --limits=memory=512Mi,cpu=1 >/dev/null
kube scale statefulset store -n "$namespace" --replicas=5 >/dev/null
kube patch statefulset store -n "$namespace" --type=json --field-manager=helper \
    -p '[{"op":"remove","path":"/spec/template/spec/containers/1/resources/requests"}]' >/dev/null
drift --format json
is "$rc" 79 "drift ends with 79" || diag "$err"
like "$err" '2 of 3 workloads are not in the cluster as their manifests say' "and says of how many"
is "$(facts)" "cart app requests.cpu_millicores 500 300 kubectl-set/Update
cart app limits.cpu_millicores null 1000 kubectl-set/Update
store null replicas 2 5 kubectl/Update
store side requests.cpu_millicores 10 null " "each field, both values, and who holds it"
is "$(jq -r '.drift[0] | "\(.namespace) \(.kind) \(.file) \(.line)"' <<<"$out")" "$namespace Deployment deploy/cart.yaml 2" "and where the manifest stands"
is "$(jq -r '.drift[2].owners[0].subresource' <<<"$out")" scale "replicas were set through the subresource"
like "$(jq -r '.drift[0].owners[0].time' <<<"$out")" '^20[0-9-]+T[0-9:]+Z$' "since when"
drift
like "$out" "$namespace/Deployment/cart +requests.cpu of app +500m +300m +kubectl-set \(Update, 20" "the table has amounts as people write them"
like "$out" "$namespace/StatefulSet/store +replicas +2 +5 +kubectl \(Update of scale" "and replicas"
like "$out" "deploy/store.yaml:2" "and the file"

# An autoscaler's replicas are its own business; what is not there is told apart.
cat >deploy/hpa.yaml <<YAML
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: store, namespace: $namespace}
spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: store}}
YAML
workload Deployment absent >deploy/absent.yaml
drift --format json
is "$(facts | grep -c replicas)" 0 "replicas that an autoscaler sets are no drift"
is "$rc $(jq -r '.not_live[].name' <<<"$out")" "79 absent" "what the cluster does not have is named apart"
rm deploy/{hpa,absent}.yaml
kube replace --field-manager=argocd -f deploy >/dev/null 2>&1
drift --format json
is "$(facts)" "" "put back by its delivery tool, nothing drifts" || diag "$rc $err"
is "$rc" 0 "and it ends with 0"

# Another's manager is named; a run says it as a finding.
kube patch deployment quiet -n "$namespace" --type=strategic --field-manager=somebody \
    -p '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"requests":{"cpu":"700m"}}}]}}}}' >/dev/null
drift --format json
is "$(facts)" "quiet app requests.cpu_millicores 500 700 somebody/Update" "another's manager is named"
"$BIN/tare-parse" -q deploy --target cluster --kubeconfig "$kube_dir/kubeconfig" >"$tmp/inventory" 2>"$tmp/parse.err"
is "$(jq -c 'select(.workload.name == "quiet").workload.live | [.replicas, (.drift | length), has("owners")]' "$tmp/inventory")" '[2,1,false]' "the inventory has it"
# The finding, by a week that was made: tare-analyze reads usage, and what of it there is does not matter here.
jq -c 'if .tare then .tare = "usage" elif .end then del(.end.sha256) elif .workload then .usage = null else . end' "$tmp/inventory" |
    "$BIN/tare-analyze" -q 2>"$tmp/analyze.err" >"$tmp/recommendations"
like "$(jq -r 'select(.workload.name == "quiet") | .recommendation.findings[]? | select(.code == "drift").message' "$tmp/recommendations")" \
    'than its manifest gives; they are held by somebody since 20' "the finding of a run names the manager" || diag "$(<"$tmp/analyze.err")"

# What cannot be compared.
run "$tare" drift --kubeconfig "$kube_dir/kubeconfig"
is "$rc" 64 "without manifests there is nothing to compare"
run "$tare" drift deploy --kubeconfig "$tmp/none"
is "$rc" 66 "nor without a kubeconfig" || diag "$err"
run "$tare" drift nowhere --kubeconfig "$kube_dir/kubeconfig"
is "$rc" 66 "nor without the files"
run "$tare" drift deploy --kubeconfig "$kube_dir/kubeconfig" --format html
is "$rc" 64 "as table or json"
kube delete namespace "$namespace" --wait=false >/dev/null 2>&1
done_testing
