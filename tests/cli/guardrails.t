#!/bin/bash
# Guardrails in analyze: what each namespace, kind and class may move, by percent and as an amount; bounds show it, and clamps say it.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
cd "$tmp" || exit 1
figures='{"cpu_millicores":{"bh90":160,"max":300,"p50":80,"p90":130,"p95":150,"p99":200,"p99_5":220,"samples":20160,"wp95":155,"wp99":200},"memory_bytes":{"max":200000000,"p50":190000000,"p90":195000000,"p95":196000000,"p99":198000000,"samples":20160,"wp99":198000000},"oom_kills":0,"restarts":0,"throttled_ratio":0}'
manifest() { # manifest NAMESPACE NAME IMAGE KIND
    cat <<YAML
---
apiVersion: apps/v1
kind: ${4:-Deployment}
metadata: {name: $2, namespace: $1}
spec:
  replicas: 2
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}}
    spec: {containers: [{name: app, image: "$3", resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}}]}
YAML
}
{ manifest shop cart nginx:1; manifest shop orders postgres:16; manifest dev toy nginx:1 StatefulSet; } >in.yaml
"$BIN/tare-parse" in.yaml >inventory
jq -c --argjson f "$figures" 'if .tare then .tare = "usage" | .settings.collect = {source: "file"} elif .workload then
    .usage = {containers: {app: $f}, init_containers: {}, coverage: 1, history_seconds: 604800, pods: 2, replicas: 2,
        window: {start: "2026-11-15T03:00:00Z", end: "2026-11-22T03:00:00Z", seconds: 604800}, source: "file"}
    elif .end then del(.end.sha256) else . end' inventory >usage
analyze() { cat >tare.yaml; run "$BIN/tare-analyze" -c tare.yaml <usage; printf '%s\n' "$out" >out; }
cpu() { jq -r --arg name "$1" 'select(.workload.name? == $name) | .recommendation.containers.app.requests.cpu_millicores' out; }
bound() { jq -rc --arg name "$1" 'select(.workload.name? == $name) | .recommendation.containers.app | [.requests.bounds.cpu_millicores.min, (.why.requests.cpu_millicores.caps[] | select(.min).by)]' out; }
class() { jq -r --arg name "$1" 'select(.workload.name? == $name) | .recommendation.class' out; }

analyze <<<'version: 1'
is "$rc $(class cart) $(class orders) $(cpu cart) $(cpu orders)" "0 web database 500 500" "without guardrails of its own: half" || diag "$err"
analyze <<'YAML'
policy:
  guardrails: {max_decrease_cpu: 400m}
  overrides:
  - {match: {classes: [database]}, guardrails: {max_decrease_cpu: 100m}}
  - {match: {kinds: [StatefulSet]}, guardrails: {max_decrease_percent: 20}}
  - {match: {namespaces: [nowhere]}, guardrails: {max_decrease_cpu: 1m}}
YAML
is "$(cpu cart)" 600 "an amount for all"
is "$(cpu orders)" 900 "less for a class"
is "$(cpu toy)" 800 "a percentage for a kind"
like "$(bound orders)" '^\[900,"max_decrease_cpu"\]$' "the bounds say why" || diag "$(jq -c 'select(.workload.name? == "orders") | .recommendation.containers.app' out)"
like "$(jq -r 'select(.workload.name? == "orders") | .recommendation.clamps[].by' out | tr '\n' ' ')" 'max_decrease_cpu' "and the clamps" || diag "$(jq -c 'select(.workload.name? == "orders") | .recommendation.clamps' out)"
like "$(jq -r 'select(.workload.name? == "orders") | .recommendation.reasoning' out)" 'guardrail max_decrease_cpu' "in words"
run "$BIN/tare" policy check tare.yaml --strict
is "$rc" 0 "the file is a policy without a fault" || diag "$err"
# What analyze gives, the judge of the gate lets pass, and one step further it does not.
cat >cases.yaml <<'YAML'
cases:
- {name: at the edge, workload: {namespace: shop, class: database}, change: {app: {requests.cpu: {from: 1, to: 900m}}}, expect: {reasons: [approvals]}}
- {name: past it, workload: {namespace: shop, class: database}, change: {app: {requests.cpu: {from: 1, to: 899m}}}, expect: {reasons: [max_decrease_cpu], verdict: blocked}}
- {name: another class, workload: {namespace: shop, class: web}, change: {app: {requests.cpu: {from: 1, to: 600m}}}, expect: {verdict: needs-approval}}
YAML
run "$BIN/tare" policy test tare.yaml cases.yaml
is "$rc" 0 "analyze and gate agree" || diag "$out"
done_testing
