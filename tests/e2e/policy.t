#!/bin/bash
# A stored policy: what sets it is checked first, earlier ones stay known, a run's own file may only be stricter, and the gate obeys
# classes, amounts, the share of a namespace, the least saving, kinds and protected workloads.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"

manifest deploy/a.yaml cart web search mail
namespace=dev manifest deploy/b.yaml toy
plan
"$tare" run deploy >/dev/null 2>&1
"$tare" login boss viewer admin >/dev/null
verdicts() { "$tare" show "$id" gate | jq -r 'select(.workload) | .workload.name + "=" + .gate.verdict' | sort | tr '\n' ' '; }
codes() { "$tare" show "$id" gate | jq -r --arg name "$1" 'select(.workload.name? == $name) | .gate.reasons[] | .code + (if .ok then "" else "!" end)' | tr '\n' ' '; }
set_policy() { cat >policy.yaml; run "$tare" --as boss policy set policy.yaml; }

set_policy <<<'policy: {guardrails: {max_changs: 1}}'
is "$rc" 78 "what has an error is not set"
run "$tare" policy show
like "$out" 'no policy is stored' "and nothing came into force"
set_policy <<<'approvals: {required: 1, automatic: {max_risk: low}}'
is "$rc" 0 "what is only odd is" || diag "$err"
like "$err" 'approvals.automatic: has an empty match' "with a warning"
like "$out" '^policy [0-9a-f]{64} is in force$' "and one line on stdout"
first=$(cut -d' ' -f2 <<<"$out")
run "$tare" policy set policy.yaml
is "$rc" 77 "an operator does not set it"

printf 'version: 1\n' >tare.yaml
set_policy <<'YAML'
policy:
  guardrails: {max_namespace_share_percent: 50}
  exclude: {workloads: [shop/Deployment/mail], kinds: [DaemonSet]}
YAML
new_run
is "$(verdicts | tr ' ' '\n' | grep -c needs-approval)" 3 "half of the four workloads of a namespace, and one of one" || diag "$(verdicts)"
like "$(codes mail)" '^exclude! ' "a protected workload"
is "$("$tare" show "$id" gate | jq -r 'select(.gate.reasons) | .gate.reasons[] | select(.code == "max_namespace_share" and (.ok | not)) | .message')" \
    "2 of the namespace's 4 workloads may change in a run (max_namespace_share_percent is 50), and others have lower risk or save more" "the others wait, and are told why"
is "$(codes toy)" "exclude max_decrease_percent min_cpu max_namespace_share approvals! window " "every reason in a fixed order" || diag "$(codes toy)"

set_policy <<'YAML'
policy: {guardrails: {min_monthly_saving_usd: 100000}}
YAML
new_run
is "$(verdicts)" "cart=unchanged mail=unchanged search=unchanged toy=unchanged web=unchanged " "a run of trifles" || diag "$(codes cart)"
is "$(state)" unchanged "ends unchanged"
is "$rc" 0 "with 0"
like "$(codes cart)" 'min_saving! $' "the reason is told"

# Own files beside a stored policy: KEY | OWN.
set_policy <<'YAML'
policy:
  guardrails: {max_increase_cpu: 1, max_decrease_cpu: 400m, max_increase_memory: 1Gi, max_decrease_memory: 300Mi, max_replicas: 9, max_namespace_share_percent: 50, min_monthly_saving_usd: 0.01}
  exclude: {kinds: [Job], workloads: ["prod/*"]}
  overrides:
  - {match: {namespaces: [prod-*]}, guardrails: {max_decrease_percent: 20}, approvals: {required: 3}}
  - {match: {classes: [database]}, guardrails: {max_decrease_cpu: 100m}}
approvals: {rules: [{match: {namespaces: [shop]}, required: 2}]}
YAML
while IFS='|' read -r key own; do
    printf '%b\n' "$own" >own.yaml
    run "$tare" policy check own.yaml --against stored
    is "$rc $(grep -c -E "own\.yaml, line [0-9]+: $key: .* is weaker than .* in the stored policy" <<<"$err")" "78 1" "weaker: $own" || diag "$err"
    cp own.yaml tare.yaml
    run "$tare" run deploy
    is "$rc" 78 "and no run begins with it"
done <<'OWN'
policy\.guardrails\.max_increase_cpu|policy: {guardrails: {max_increase_cpu: 1001m}}
policy\.guardrails\.max_decrease_cpu|policy: {guardrails: {max_decrease_cpu: null}}
policy\.guardrails\.max_increase_memory|policy: {guardrails: {max_increase_memory: 2Gi}}
policy\.guardrails\.max_decrease_memory|policy: {guardrails: {max_decrease_memory: 301Mi}}
policy\.guardrails\.max_replicas|policy: {guardrails: {max_replicas: 10}}
policy\.guardrails\.max_namespace_share_percent|policy: {guardrails: {max_namespace_share_percent: 51}}
policy\.guardrails\.min_monthly_saving_usd|policy: {guardrails: {min_monthly_saving_usd: 0}}
policy\.exclude\.kinds|policy: {exclude: {kinds: []}}
policy\.exclude\.workloads|policy: {exclude: {workloads: ["prod/Deployment/*"]}}
policy\.overrides\[0\]\.guardrails\.max_decrease_percent|policy: {overrides: [{match: {namespaces: [prod-a]}, guardrails: {max_decrease_percent: 30}}]}
policy\.overrides\[0\]\.approvals\.required|policy: {overrides: [{match: {namespaces: [prod-a]}, approvals: {required: 2}}]}
policy\.overrides\[0\]\.guardrails\.max_decrease_cpu|policy: {overrides: [{match: {classes: [database], kinds: [StatefulSet]}, guardrails: {max_decrease_cpu: 200m}}]}
approvals\.rules\[0\]\.required|approvals: {rules: [{match: {namespaces: [shop]}, required: 1}]}
approvals\.automatic|approvals: {automatic: {max_risk: low, match: {namespaces: [dev]}}}
OWN
printf 'policy: {guardrails: {max_decrease_cpu: 100m}, exclude: {kinds: [Job, CronJob], workloads: ["prod/*", "pay/*"]}}\n' >own.yaml
run "$tare" policy check own.yaml --against stored
is "$rc" 0 "a stricter file is taken" || diag "$err"
like "$out" 'no weaker than the stored policy [0-9a-f]{64}' "and it says beside which policy"
run "$tare" policy check policy.yaml --against stored --format json
is "$rc $(jq -r '.against | length' <<<"$out")" "0 64" "so is the stored policy itself"
printf 'approvals: {rules: [{match: {namespaces: [shop]}, required: 2, role: no_such_role}]}\n' >own.yaml
run "$tare" policy check own.yaml --against stored
like "$err" 'approvals.rules\[0\].role: the ledger.s server has no role "no_such_role".*\[no-such-role\]' "a role that nobody can have"

set_policy <own.yaml
is "$rc" 0 "such a policy can be stored" || diag "$err"
like "$err" 'server has no role "no_such_role".*\[no-such-role\]' "and the warning comes with it"
cat >policy.yaml <<<'approvals: {required: 1}'
run "$tare" --database "host=$TARE_STATE_DIR/socket dbname=tare user=boss" policy set policy.yaml
is "$rc" 0 "a new policy may be weaker than the stored one, whose place it takes, also where --database is typed" || diag "$err"

run "$tare" policy history --format json
is "$(jq -r 'length' <<<"$out") $(jq -r '.[0].in_force, .[-1].in_force' <<<"$out" | tr '\n' ' ')" "6 true false " "every policy that was ever set" || diag "$out"
is "$(jq -r '[.[].set_by] | unique | join(" ")' <<<"$out")" boss "and by whom"
is "$(jq -r '.[-1].digest' <<<"$out")" "$first" "the first one last"
run "$tare" policy show "${first:0:12}"
like "$out" 'automatic: \{max_risk: low\}' "an earlier one can be shown" || diag "$err"
run "$tare" policy show
like "$out" '# before it: policy [0-9a-f]{12}, set by boss at 20' "the one in force says what was before it"
run "$tare" policy show 000000000000
is "$rc" 66 "one that never was"
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
