#!/bin/bash
# What namespaces, autoscalers, annotations and the configuration make of numbers, from manifests as tare-parse reads them.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq

# The same usage for each container: the rules alone ask for 175m and 208 MiB, and a memory limit of 232 MiB.
figures='{"cpu_millicores":{"bh90":160,"max":300,"p50":80,"p90":130,"p95":150,"p99":200,"p99_5":220,"samples":20160,"wp95":155,"wp99":200},"memory_bytes":{"max":200000000,"p50":190000000,"p90":195000000,"p95":196000000,"p99":198000000,"samples":20160,"wp99":198000000},"oom_kills":0,"restarts":0,"throttled_ratio":0}'

# manifest NAMESPACE NAME [REST]: a Deployment of two replicas whose container app asks for 500m and 512Mi.
manifest() {
    cat <<YAML
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $2, namespace: $1, annotations: {${3-}}}
spec:
  replicas: 2
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}}
    spec:
      initContainers:
        - {name: migrate, image: shop/migrate, resources: {requests: {cpu: "${4:-100m}", memory: 64Mi}}}
      containers:
        - {name: app, image: shop/app, resources: {requests: {cpu: ${5:-500m}, memory: 512Mi}, limits: {memory: 512Mi${6:+, cpu: $6}}}}
YAML
}

hpa() {
    printf -- '---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: %s}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}\n  minReplicas: 2\n  maxReplicas: 9\n  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]\n' "$1" "$2"
}

# analyze [OPTION…] < manifests: the recommendations, as $out and $rc.
analyze() {
    cat >"$tmp/in.yaml"
    "$BIN/tare-parse" "$tmp/in.yaml" >"$tmp/inventory" || return
    jq -c --argjson f "$figures" 'if .tare then .tare = "usage" | .settings.collect = {source: "file"} elif .workload then
        .usage = {containers: {app: $f}, init_containers: {migrate: $f}, coverage: 1, history_seconds: 604800, pods: 2, replicas: 2,
            window: {start: "2026-11-15T03:00:00Z", end: "2026-11-22T03:00:00Z", seconds: 604800}, source: "file"}
        elif .end then del(.end.sha256) else . end' "$tmp/inventory" >"$tmp/usage"
    run "$BIN/tare-analyze" "$@" <"$tmp/usage"
    printf '%s\n' "$out" >"$tmp/out"
}

# app FIELD: requests.cpu_millicores and the like of container app, of each workload.
app() { jq -rc "select(.workload) | .recommendation.containers.app.$1" "$tmp/out" | tr '\n' ' '; }
problems() { jq -rc 'select(.workload) | [.problems[].code] | join(",")' "$tmp/out" | tr '\n' ' '; }
words() { jq -r 'select(.workload) | .recommendation.reasoning' "$tmp/out"; }

# --- plain, and an init container that holds the pod up ---
{ manifest shop a; manifest shop b '' 2; } | analyze
is "$rc $(app requests.cpu_millicores)" "0 250 250 " "a step of one half"
is "$(jq -rc 'select(.workload) | .recommendation.containers.migrate.requests.cpu_millicores' "$tmp/out" | tr '\n' ' ')" "null 1000 " \
    "an init container that holds the pod's request up is lowered"
like "$(words)" 'migrate \(starts the pod\).*2000m|2 to 1' "and it is said"

# --- LimitRange, ResourceQuota ---
{
    manifest shop a '' 400m
    printf -- '---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: least, namespace: shop}\nspec: {limits: [{type: Container, min: {cpu: 400m}, default: {cpu: "1"}}]}\n'
} | analyze
is "$(app requests.cpu_millicores) $(app why.requests.cpu_millicores.moved_by)" "400  limit-range:least " "a LimitRange's least holds"
like "$(words)" "a LimitRange of the namespace \(least\)" "and is named"
{
    manifest shop a
    printf -- '---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: least, namespace: shop}\nspec: {limits: [{type: Container, min: {cpu: 400m}}]}\n'
} | analyze
is "$(jq -rc 'select(.workload) | .recommendation.action' "$tmp/out")" keep "where the pod as it is would be refused, nothing is changed"
like "$(words)" "would be refused by a LimitRange" "and why is said"
{
    manifest shop a '' 100m 100m
    printf -- '---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: shop}\nspec: {hard: {requests.cpu: "1"}}\nstatus: {used: {requests.cpu: 900m}}\n'
} | analyze
is "$(app requests.cpu_millicores) $(app why.requests.cpu_millicores.moved_by)" "150  quota:q " "an increase is capped to what a quota has left"
{
    manifest shop a '' 100m 500m 600m
    printf -- '---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: shop}\nspec: {hard: {limits.cpu: "10"}}\n'
} >"$tmp/limits.yaml"
printf 'policy:\n  limits: {cpu: none}\n' >"$tmp/none.yaml"
analyze -c "$tmp/none.yaml" <"$tmp/limits.yaml"
is "$(app 'remove|length')" "0 " "a quota of limits keeps them"
manifest shop a '' 100m 500m 600m | analyze -c "$tmp/none.yaml"
is "$(app 'remove[0]')" "limits.cpu " "none takes them away"

# --- autoscalers ---
{ manifest shop a '' 100m; hpa shop a; } | analyze
is "$(app requests.cpu_millicores)" "null " "a request that an autoscaler counts in stays"
like "$(words)" "HorizontalPodAutoscaler h adds pods at 70 % .* 350m a pod; at a request of 250m the same load is a target of 140 %" \
    "what would keep its load is said"
{
    manifest shop a '' 100m
    printf -- '---\napiVersion: autoscaling.k8s.io/v1\nkind: VerticalPodAutoscaler\nmetadata: {name: v, namespace: shop}\nspec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: a}, updatePolicy: {updateMode: Recreate}}\n'
} | analyze
is "$(jq -rc 'select(.workload) | .recommendation.action' "$tmp/out")" keep "a VerticalPodAutoscaler that changes pods is left alone"

# --- annotations and configuration ---
{
    manifest shop a 'tare.dev/cpu-percentile: "95", tare.dev/headroom-cpu: "150%"'
    manifest shop b 'tare.dev/cpu-percentle: "95"'
    manifest team c
    manifest team d 'tare.dev/aggressiveness: brave'
    printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team, annotations: {tare.dev/aggressiveness: safe, tare.dev/headroom-cpu: "150"}}\n'
} | analyze
is "$(app requests.cpu_millicores)" "390 250 400 400 " "annotations of workloads and of namespaces are followed"
is "$(problems)" " odd-annotation  odd-annotation " "what is not understood is a problem"
like "$(jq -r 'select(.workload) | .problems[].message' "$tmp/out" | head -1)" "did you mean tare.dev/cpu-percentile" "with what may have been meant"
printf 'policy:\n  overrides:\n    - {match: {namespaces: [team]}, cpu_percentile: 95, headroom: {cpu: 150}}\n' >"$tmp/override.yaml"
{ manifest shop a; manifest team c; } | analyze -c "$tmp/override.yaml"
is "$(app requests.cpu_millicores)" "250 390 " "an override by namespace"
for wrong in 'cpu_percentile: 30|policy.cpu_percentile: must be between 50 and 100' 'headroom: {memory: 999}|policy.headroom.memory' \
    'business_hours: {schedule: "9 to 5"}|policy.business_hours.schedule.*no business hours' \
    'business_hours: {schedule: "08:00-18:00", timezone: Mars}|not a time zone' 'replica_aggregation: mean|must be one of auto.pooled.max' 'guardrails: {min_cpu: 2, max_cpu: 500m}|policy.guardrails.min_cpu: is above max_cpu' \
    'overrides: [{guardrails: {min_memory: 2Gi, max_memory: 1Gi}}]|policy.overrides.0..guardrails.min_memory: is above max_memory'; do
    printf 'policy:\n  %s\n' "${wrong%%|*}" >"$tmp/wrong.yaml"
    run "$BIN/tare-analyze" -c "$tmp/wrong.yaml" <"$tmp/usage"
    ok "${wrong%%|*} is 78" test "$rc" = 78
    like "$err" "${wrong#*|}" "and says why"
done
done_testing
