#!/bin/bash
# The objects that scaling advice comes with, before a real API server with the kinds of VerticalPodAutoscaler and KEDA as their makers
# define them: each passes `kubectl apply --dry-run=server`, whatever the workload is called; and the CronJobs' account may scale its
# own Deployment and nothing else.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
need jq openssl curl
kube_start "$tmp/server"
kube_kinds
tap_result $? "the definitions of VerticalPodAutoscaler and ScaledObject are in force" || diag "$(<"$tmp/kinds.log")"

# ---- what the server refuses, so that passing means something -------------------------------------------------------------
refused() { ! kube apply --dry-run=server -n default -f - >"$tmp/refused" 2>&1; }
refused <<<'{"apiVersion":"autoscaling.k8s.io/v1","kind":"VerticalPodAutoscaler","metadata":{"name":"x"},"spec":{"targetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"x"},"updatePolicy":{"updateMode":"Sometimes"}}}'
tap_result $? "a VerticalPodAutoscaler with an unknown mode is refused" || diag "$(<"$tmp/refused")"
refused <<<'{"apiVersion":"keda.sh/v1alpha1","kind":"ScaledObject","metadata":{"name":"x"},"spec":{"scaleTargetRef":{"name":"x"}}}'
tap_result $? "a ScaledObject without triggers is refused" || diag "$(<"$tmp/refused")"
refused <<<'{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"x"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"x"},"minReplicas":5,"maxReplicas":3}}'
tap_result $? "a HorizontalPodAutoscaler whose minimum is above its maximum is refused" || diag "$(<"$tmp/refused")"

# ---- many made workloads ---------------------------------------------------------------------------------------------------
for ((i = 0; i < 150; i++)); do
    kind=$( ((i % 5 == 3)) && echo StatefulSet || { ((i % 5 == 4)) && echo DaemonSet || echo Deployment; })
    cat <<YAML
---
apiVersion: apps/v1
kind: $kind
metadata: {name: w$i, namespace: shop}
spec:
$( [[ $kind == DaemonSet ]] || echo "  replicas: $((i % 9 + 1))")
  selector: {matchLabels: {app: w$i}}
  template:
    metadata: {labels: {app: w$i}}
    spec:
      containers:
      - {name: app, image: "shop/app:1", resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 1Gi}}}
$( ((i % 4)) || echo '      - {name: "1e3", image: "shop/proxy:1", resources: {requests: {cpu: 50m, memory: 64Mi}}}')
YAML
done >"$tmp/manifests.yaml"
"$BIN/tare-parse" "$tmp/manifests.yaml" >"$tmp/inventory" 2>"$tmp/parse.log"
"$BIN/harness/make_usage" 7 <"$tmp/inventory" >"$tmp/plain" 2>"$tmp/usage.log"
is "$(jq -s '[.[]|select(.workload)]|length' "$tmp/plain")" 150 "usage of 150 workloads"

# Names and namespaces that Kubernetes takes and YAML would read as something else, or that are as long as may be; autoscalers, budgets,
# values of policies. Two names that Kubernetes would not take.
long=$(printf 'a%.0s' {1..63})
jq -c --arg long "$long" '
    def names: ["true", "null", "1e3", "0x1f", "12", "on", "y", "0.1", "1.2.3", "a.b-c", ($long), ($long + "." + $long + "." + $long + ".b"), "no", "7-7", "web"];
    if .workload then
        (.workload.name[1:] | tonumber) as $i
        | .workload.name = (if $i == 148 then "Web: {}" elif $i == 149 then "-\n" else names[$i % 15] + (if $i < 15 then "" else "-" + ($i | tostring) end) end)
        | if (.workload.name | length) > 253 then .workload.name |= .[-253:] else . end
        | .workload.name |= ltrimstr(".")
        | .workload.namespace = ["shop", "true", "123"][$i % 3]
        | (if $i % 20 == 6 then .workload.autoscaler = {kind: "HorizontalPodAutoscaler", name: "on", min: 1, max: 2,
               metrics: [{type: "Resource", resource: "cpu", container: null, target_type: "Utilization", target: 60}]} else . end)
        | (if $i % 20 == 7 then .workload.autoscaler = {kind: "ScaledObject", name: "web", min: 1, max: 2, metrics: []} else . end)
        | (if $i % 10 == 5 then .workload.disruption_budgets = [{name: "b", min_available: "50%", max_unavailable: null}] else . end)
        | .usage.policies = {latency: {value: (0.1 + ($i % 7) / 5), query: "sum(rate(x{namespace=\"\(.workload.namespace)\",a!~\"#: \u00e4\"}[5m]))", reason: null}}
    elif .end then .end |= (del(.sha256) | .input = null)
    else . end' "$tmp/plain" >"$tmp/usage"
cat >"$tmp/tare.yaml" <<'YAML'
version: 1
metrics: {prometheus: "http://prometheus.monitoring:9090"}
scaling:
  timezone: Europe/Berlin
  policies:
  - {name: latency, type: slo, query: "$namespace", target: 0.5, min: 2, max: 12, max_increment: 3, max_decrement: 1, cooldown: 10m, match: {namespaces: [shop]}}
  - {name: money, type: cost, max_monthly_cost_usd: 300, prefer: cost, match: {namespaces: ["true"]}}
YAML
run "$BIN/tare-analyze" -c "$tmp/tare.yaml" <"$tmp/usage"
is "$rc" 0 "tare-analyze" || diag "$err"
printf '%s\n' "$out" | jq -c 'select(.workload)' >"$tmp/records"
mkdir -p "$tmp/yaml"
jq -c '.recommendation.scaling.manifests[]?' "$tmp/records" >"$tmp/objects"
total=0
while IFS= read -r object; do
    total=$((total + 1))
    jq -r .yaml <<<"$object" >"$tmp/yaml/$total.yaml"
done <"$tmp/objects"
for kind in HorizontalPodAutoscaler VerticalPodAutoscaler ScaledObject CronJob ServiceAccount Role RoleBinding; do
    count=$(jq -r .kind "$tmp/objects" | grep -c -x "$kind")
    ((count >= 8))
    tap_result $? "at least eight of kind $kind ($count)"
done
for name in shop true 123; do
    kube create namespace "$name" && kube label namespace "$name" pod-security.kubernetes.io/warn=restricted
done >"$tmp/namespaces" 2>&1
run kube apply --dry-run=server --validate=strict -f "$tmp/yaml"
is "$rc" 0 "the API server takes every one of $total" || diag "$(head -20 <<<"$err")"
unlike "$err" "would violate PodSecurity" "also where Pod Security is at its strictest"
is "$(grep -c -E '(created|configured|unchanged) \(server dry run\)$' <<<"$out")" "$total" "and each by itself"
is "$(jq -r '[.recommendation.scaling.manifests[]?|.yaml|test("managed-by: tare")]|all' "$tmp/records" | sort -u)" true "each is labelled as tare's"
is "$(jq -s '[.[]|select(.workload.name == "Web: {}" or .workload.name == "-\n")|.recommendation.scaling.manifests|length]|add' "$tmp/records")" 0 \
    "a name that Kubernetes would not take gives no object"
is "$(jq -r 'select(.workload.autoscaler != null) | .recommendation.scaling.manifests[] | select(.option == "keda" or .option == "cronjobs") | .kind' "$tmp/records")" "" \
    "where an autoscaler stands, no second one is written"
is "$(jq -r 'select(.workload.autoscaler.kind == "ScaledObject") | .recommendation.scaling.manifests[].kind' "$tmp/records" | grep -x -E 'HorizontalPodAutoscaler|ScaledObject')" "" \
    "where KEDA owns the autoscaler, none is"
is "$(jq -r 'select(.workload.kind != "Deployment") | .recommendation.scaling.manifests[].kind' "$tmp/records" | sort -u)" VerticalPodAutoscaler \
    "StatefulSets and DaemonSets change in size, not in number"

# ---- the CronJobs do what they are for -------------------------------------------------------------------------------------
object=$(jq -c 'select(.workload.kind == "Deployment" and (.workload.name | length) < 40) | .workload as $w | .recommendation.scaling
    | select(any(.manifests[]; .option == "cronjobs")) | {namespace: $w.namespace, name: $w.name, schedule, manifests: [.manifests[] | select(.option == "cronjobs")]}' "$tmp/records" | head -1)
namespace=$(jq -r .namespace <<<"$object") name=$(jq -r .name <<<"$object")
jq -r '.manifests[] | "---\n" + .yaml' <<<"$object" >"$tmp/crons.yaml"
for deployment in "$name" other; do
    kube create deployment "$deployment" -n "$namespace" --image=shop/app:1 --replicas=1
done >"$tmp/deployments" 2>&1
ok "account, role and CronJobs are applied" kube apply -f "$tmp/crons.yaml"
account=$(jq -r '.manifests[] | select(.kind == "ServiceAccount") | .name' <<<"$object")
job=$(kube get cronjobs -n "$namespace" -o json | jq -c '[.items[] | select(.metadata.name | test("-tare-up"))] | sort_by(.metadata.name)[0]')
mapfile -t words < <(jq -r '.spec.jobTemplate.spec.template.spec.containers[0].command[]' <<<"$job")
wanted=$(jq -r '.spec.jobTemplate.spec.template.spec.containers[0].command[-1] | fromjson.spec.replicas' <<<"$job")
as_account() { kube "$@" -n "$namespace" --as="system:serviceaccount:$namespace:$account"; }
for ((i = 0; i < 600; i++)); do as_account auth can-i get deployments/"$name" --subresource=scale >"$tmp/may" 2>&1 && break; sleep 0.1; done
((i < 600)) || diag "the account's role does not come into force: $(<"$tmp/may")"
run as_account "${words[@]:1}"
is "$rc" 0 "the account runs the CronJob's command" || diag "$err"
is "$(kube get deployment "$name" -n "$namespace" -o jsonpath='{.spec.replicas}')" "$wanted" "and the Deployment has its $wanted replicas"
like "$wanted" '^[1-9][0-9]*$' "which is a number"
words[3]=deployments.apps/other
run as_account "${words[@]:1}"
like "$err" Forbidden "another Deployment it may not scale"
run as_account delete deployment "$name"
like "$err" Forbidden "and its own it may not delete"
done_testing
