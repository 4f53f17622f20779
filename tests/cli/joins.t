#!/usr/bin/env bash
# What other objects say of a workload: autoscalers, disruption budgets, limit ranges, quotas, Rollouts.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
cd "$tmp" || exit 1
cases=$root/fixtures/cases

# of NAME PATH...: the workload's record of that name.
of() {
    local name=$1
    shift
    "$BIN/tare-parse" -q "$@" 2>/dev/null | jq -c --arg name "$name" 'select(.workload.name == $name)'
}
budgets() { of "$@" | jq -r '[.workload.disruption_budgets // [] | .[].name] | join(" ")'; }
notes() { "$BIN/tare-parse" -q "$@" 2>/dev/null | jq -r 'select(.note) | .note | [.outcome, .code, .source.line // "-", .source.column // "-"] | join(" ")'; }
pod() { printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s%s}\nspec: {containers: [{name: app, image: a}]}\n' "$1" "${2:+, $2}"; }

# disruption budgets
joined=$cases/joined.yaml
is "$(of web "$joined" | jq -c '.workload.disruption_budgets')" \
    '[{"max_unavailable":null,"min_available":"50%","name":"by-labels"},{"max_unavailable":1,"min_available":null,"name":"by-expressions"},{"max_unavailable":null,"min_available":0,"name":"everything"}]' \
    "budgets of the namespace by the labels of the template, merge keys too; values as written"
is "$(budgets nightly "$joined")" "by-labels everything" "of a CronJob the labels of the innermost template; an expression that does not hold"
is "$(of bare "$joined" | jq -c '.workload | [has("disruption_budgets"), has("limit_ranges"), has("quotas")]')" "[false,false,false]" "nothing of another namespace; members are absent then"
pod p 'labels: {app: web}' >pod.yaml
printf 'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b, namespace: "%s"}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n' default >named.yaml
sed 's/, namespace: "default"//; s/name: b/name: c/' named.yaml >unnamed.yaml
sed 's/default//; s/name: b/name: d/' named.yaml >empty.yaml
sed 's/default/team/; s/name: b/name: e/' named.yaml >team.yaml
is "$(budgets p pod.yaml named.yaml unnamed.yaml empty.yaml team.yaml)" "d b c" "a namespace that is not named, empty, or named as the default is one; of a Pod its own labels"
is "$(budgets p --namespace team pod.yaml named.yaml unnamed.yaml empty.yaml team.yaml)" "d e c" "--namespace is the default"
cp named.yaml again.yaml
is "$(budgets p pod.yaml named.yaml again.yaml)" "b" "the same budget twice is listed once"
is "$(sed 's/app: web}}}/app: web}, matchExpressions: [{key: tier, operator: Exists}]}}/' named.yaml >tier.yaml; budgets p pod.yaml tier.yaml)" "" "all conditions have to hold"

# refused SPEC COLUMN NAME: a budget with this spec is a note at its line 4 and joins nothing.
refused() {
    printf 'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {%s}\n' "$1" >bad.yaml
    is "$(notes pod.yaml bad.yaml) $(budgets p pod.yaml bad.yaml)" "skipped bad-value 4 $2 " "$3"
}
refused 'minAvailable: 110%, selector: {}' 22 "more than all pods"
refused 'minAvailable: "1", selector: {}' 22 "a number as text, which the API refuses"
refused 'minAvailable: -1, selector: {}' 22 "fewer than none"
refused 'minAvailable: 1, maxUnavailable: 1, selector: {}' 7 "both kinds at once"
refused 'minAvailable: 1, selector: {matchExpressions: [{key: a, operator: Like, values: [b]}]}' 55 "an unknown operator"

for i in $(seq 12); do
    pod p "namespace: n$i, labels: {app: web}"
    echo ---
    sed "s/name: b/name: of-n$i/; s/default/n$i/" named.yaml
    echo ---
done >space.yaml
cat space.yaml space.yaml >spaces.yaml
is "$("$BIN/tare-parse" -q spaces.yaml 2>/dev/null | jq 'select(.workload).workload | [.disruption_budgets[].name] == ["of-" + .namespace]' | sort | uniq -c | tr -s ' ')" " 24 true" "each namespace has its own, also where many take turns"

# limit ranges and quotas
is "$(of web "$joined" | jq -c '.workload.limit_ranges[0]')" \
    '{"default":{"cpu_millicores":500,"memory_bytes":1610612736},"default_request":{"cpu_millicores":500,"memory_bytes":64000000},"max":{"cpu_millicores":2000,"memory_bytes":1610612736},"max_limit_request_ratio":{"cpu_thousandths":2500,"memory_thousandths":4000},"min":{"cpu_millicores":10,"memory_bytes":4194304},"name":"sizes","type":"Container"}' \
    "a limit range of containers, with the defaults that the API server fills in"
is "$(of web "$joined" | jq -c '.workload.limit_ranges[1:]')" '[{"max":{"cpu_millicores":10000,"memory_bytes":null},"name":"sizes","type":"Pod"}]' \
    "of pods only what is written; volumes are left out"
is "$(of nightly "$joined" | jq -c '.workload.quotas')" \
    '[{"hard":{"limits.cpu":8000,"limits.memory":17179869184,"pods":1000,"requests.cpu":4000,"requests.memory":8589934592},"name":"total","used":{"pods":7,"requests.cpu":2500,"requests.memory":1}},{"hard":{"pods":3},"name":"best-effort","scope_selector":[{"operator":"In","scope":"PriorityClass","values":["high"]}],"scopes":["BestEffort"]}]' \
    "quotas: the smaller of both names, use where it is known, scopes; none without what concerns pods"
cat >amounts.yaml <<'E'
apiVersion: v1
kind: LimitRange
metadata: {name: l}
spec:
  limits: [{type: Container, max: {cpu: lots, memory: -1}}]
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: q}
spec: {hard: {requests.cpu: 1, limits.memory: 1Gb}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: fine}
spec: {hard: {limits.memory: 0.5}}
E
is "$(notes pod.yaml amounts.yaml)" "skipped bad-quantity 5 41
skipped bad-quantity 5 55
skipped bad-quantity 10 47" "wrong amounts are notes with their place, no errors: the workloads are whole"
is "$(of p pod.yaml amounts.yaml | jq -c '.workload | [.limit_ranges, .quotas]')" '[null,[{"hard":{"limits.memory":1},"name":"fine"}]]' \
    "and their object joins nothing; amounts round up"

# more than is listed
for i in $(seq 33); do printf -- '---\n'; sed "s/name: b/name: b$i/" named.yaml; done >many.yaml
is "$(of p pod.yaml many.yaml | jq -c '[(.workload.disruption_budgets | length), .problems[].code]')" '[32,"size-limit"]' "32 are listed; a problem says that there are more"
awk 'BEGIN { for (i = 0; i < 2001; i++) printf "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b%d}\nspec: {minAvailable: 1, selector: {matchLabels: {app: %s}}}\n", i, i < 1999 ? "no" : "web" }' >crowd.yaml
is "$(of p pod.yaml crowd.yaml | jq -c '[(.workload.disruption_budgets | length), .problems[].code]')" '[1,"size-limit"]' "2000 of a namespace are looked at"

# autoscalers
hpa() { printf 'apiVersion: %s\nkind: HorizontalPodAutoscaler\nmetadata: {name: %s%s}\nspec: {maxReplicas: 5, scaleTargetRef: {%s}}\n' "$1" "$2" "${4:+, namespace: $4}" "$3"; }
deployment() { printf 'apiVersion: %s\nkind: %s\nmetadata: {name: web%s}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n' "$1" "$2" "${3:+, namespace: $3}"; }
scaler() { of web "$@" | jq -r '.workload.autoscaler.name'; }
deployment apps/v1 Deployment >web.yaml
for version in autoscaling/v1 autoscaling/v2beta1 autoscaling/v2beta2 autoscaling/v2; do
    hpa $version h 'apiVersion: apps/v1, kind: Deployment, name: web' default >hpa.yaml
    is "$(scaler web.yaml hpa.yaml)" "h" "$version"
done
hpa autoscaling/v2 h 'apiVersion: example.com/v1, kind: Deployment, name: web' >hpa.yaml
is "$(scaler web.yaml hpa.yaml)" "null" "a target of another API group is another object"
hpa autoscaling/v2 h 'kind: Deployment, name: web' >hpa.yaml
is "$(scaler web.yaml hpa.yaml)" "h" "a target without a version is the one of that name"
hpa autoscaling/v2 h 'apiVersion: extensions/v1beta1, kind: Deployment, name: web' >hpa.yaml
is "$(scaler web.yaml hpa.yaml)" "h" "Deployments moved from one group to another"
hpa autoscaling/v2 h 'apiVersion: apps/v1, kind: StatefulSet, name: web' >hpa.yaml
is "$(scaler web.yaml hpa.yaml)" "null" "another kind"
hpa autoscaling/v2 h 'apiVersion: apps/v1, kind: Deployment, name: web' other >hpa.yaml
is "$(scaler web.yaml hpa.yaml)" "null" "another namespace"
echo '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"listed"},"spec":{"maxReplicas":2,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}}]}' >hpa.json
is "$(scaler web.yaml hpa.json)" "listed" "an autoscaler in a List in another file"
hpa autoscaling/v2 h 'apiVersion: apps/v1, kind: Deployment, name: web' >hpa.yaml
hpa autoscaling/v2 i 'apiVersion: apps/v1, kind: Deployment, name: web' >hpa2.yaml
cp hpa.yaml hpa3.yaml
is "$(of web web.yaml hpa.yaml hpa2.yaml hpa3.yaml | jq -c '.workload.autoscaler | [.name, .also[].name]')" '["h","i"]' "two autoscalers of one target: the first, and the other one beside; the same again is the same"
deployment apps.openshift.io/v1 DeploymentConfig >dc.yaml
hpa autoscaling/v1 h 'apiVersion: apps.openshift.io/v1, kind: DeploymentConfig, name: web' >hpa.yaml
is "$(scaler dc.yaml hpa.yaml)" "h" "a DeploymentConfig"
deployment argoproj.io/v1alpha1 Rollout >rollout.yaml
hpa autoscaling/v1 h 'apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web' >hpa.yaml
is "$(scaler rollout.yaml hpa.yaml)" "h" "a Rollout"
printf 'apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: k}\nspec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}, triggers: []}\n' >keda.yaml
is "$(scaler rollout.yaml keda.yaml)" "k" "a Rollout that KEDA scales"
printf 'apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: k}\nspec: {scaleTargetRef: {name: web}, triggers: []}\n' >keda.yaml
is "$(scaler web.yaml keda.yaml)" "k" "a Deployment is meant where KEDA's object names no kind"
printf 'apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {name: j}\nspec: {jobTargetRef: {template: {spec: {containers: [{name: a, image: b}]}}}, triggers: []}\n' >job.yaml
is "$("$BIN/tare-parse" -q web.yaml job.yaml | jq -c 'select(.end).end | [.workloads, .skipped]')" '[1,{"ScaledJob":1}]' "a ScaledJob has no target and is counted as skipped"

# a Rollout whose pods have the template of a Deployment
cat >by-reference.yaml <<'E'
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: canary, namespace: shop}
spec: {replicas: 3, workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
E
deployment apps/v1 Deployment shop | sed 's/spec: {template/spec: {replicas: 0, template/' >web.yaml
is "$(of canary by-reference.yaml web.yaml | jq -c '.workload | [.template_of, .containers]')" '[{"kind":"Deployment","name":"web"},[]]' "the Rollout names whose template its pods have"
is "$(of web by-reference.yaml web.yaml | jq -c '.workload | [.run_by, .replicas]')" '[{"kind":"Rollout","name":"canary","replicas":3},0]' "the Deployment names what runs its pods, and how many"
sed 's/apps\/v1/example.com\/v1/' by-reference.yaml >foreign.yaml
is "$(of web foreign.yaml web.yaml | jq -c '.workload.run_by')" "null" "not where it is of another group"

# later stages hand all of it on
members='[.disruption_budgets, .limit_ranges, .quotas, .run_by, .template_of]'
"$BIN/tare-parse" -q "$joined" by-reference.yaml web.yaml >inventory 2>err
jq -c "select(.workload).workload | $members" inventory >before
# no metrics: every record goes on as one without usage
jq -c 'if .tare then .tare = "usage" elif .workload then .usage = null elif .end then del(.end.sha256) else . end' inventory >line
for stage in analyze price diff; do
    "$BIN/tare-$stage" -q <line >next 2>err && mv next line
done
is "$(head -1 line | jq -r .tare)" "changes" "the line goes on from it"
is "$(jq -c "select(.workload).workload | $members" line)" "$(cat before)" "and every stage hands it on as it is"
done_testing
