#!/bin/bash
# The gate: the stored policy against a run's own file, approval rules, the automatic rule, the quota, exclusions.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"

manifest deploy/a.yaml cart web
namespace=prod-pay manifest deploy/b.yaml ledger
namespace=dev-x manifest deploy/c.yaml toy risky-toy
plan
verdicts() { "$tare" show "$id" gate | jq -r 'select(.workload) | .workload.name + "=" + .gate.verdict' | sort | tr '\n' ' '; }
reasons() { "$tare" show "$id" gate | jq -r --arg name "$1" 'select(.workload.name? == $name) | .gate.reasons[] | select(.ok | not) | .message'; }

cat >tare.yaml <<'YAML'
version: 1
approvals:
  required: 1
  rules:
  - {match: {namespaces: ["prod-*"]}, required: 2}
  automatic: {max_risk: low, match: {namespaces: ["dev-*"]}}
YAML
new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
is "$(verdicts)" "cart=needs-approval ledger=needs-approval risky-toy=needs-approval toy=allowed web=needs-approval " "rules and the automatic rule"
is "$("$tare" show "$id" gate | jq -c 'select(.workload.name? == "toy") | .gate.requirement')" '{"approvals":0,"role":null,"rule":"approvals.automatic"}' "the rule stands in for an approver"
for login in ann bob; do "$tare" login "$login" viewer approver >/dev/null; done
"$tare" login boss viewer admin >/dev/null
"$tare" --as ann approve "$id" --yes >/dev/null 2>&1
is "$(state)" awaiting-approval "one approval is not enough where a rule asks for two"
run "$tare" apply "$id" --yes
is "$rc" 77 "and apply is refused"
"$tare" --as ann approve "$id" --yes >/dev/null 2>&1
is "$(state)" awaiting-approval "the same person twice counts once"
"$tare" --as bob approve "$id" --yes >/dev/null 2>&1
is "$(state)" approved "two people do"
"$tare" --as bob withdraw "$id" --yes >/dev/null 2>&1
is "$(state)" awaiting-approval "until one takes it back"
run "$tare" apply "$id" --yes
is "$rc" 77 "then apply is refused again"

cat >policy.yaml <<'YAML'
approvals: {required: 2}
policy: {guardrails: {max_decrease_percent: 45}, exclude: {namespaces: [dev-x]}}
YAML
run "$tare" policy set policy.yaml
is "$rc" 77 "an operator does not store the policy"
run "$tare" --as boss policy set policy.yaml
is "$rc" 0 "an administrator does" || diag "$err"
run "$tare" run deploy
is "$rc" 78 "a weaker own file is refused"
like "$err" 'tare.yaml, line [0-9]+: approvals.required: 1 is weaker than 2 in the stored policy' "naming both values" || diag "$err"
printf 'version: 1\n' >tare.yaml
new_run
is "$(verdicts)" "cart=needs-approval ledger=needs-approval risky-toy=blocked toy=blocked web=needs-approval " "where the own file is silent the stored policy counts"
is "$("$tare" show "$id" gate | jq -c 'select(.workload.name? == "cart") | .gate.requirement.approvals')" 2 "its number of approvals"
is "$("$tare" show "$id" gate | jq -r 'select(.tare) | .settings.gate.policy_from')" ledger "and the header says where it is from"
stored=$("$tare" policy history --format json | jq -r '.[] | select(.in_force) | .digest')
is "$("$tare" show "$id" gate | jq -r 'select(.tare) | .settings.gate.policy_stored')" "$stored" "and which it is"
printf 'policy: {guardrails: {max_decrease_percent: 30}}\n' >tare.yaml
run "$tare" run deploy --format json
is "$rc" 77 "a stricter own file counts: every change is blocked"
id=$(jq -r .run <<<"$out")
like "$(reasons cart)" 'requests.cpu' "the guardrail says which value"
is "$(state)" failed "the run failed"

printf 'policy: {guardrails: {max_changes: 1}}\n' >tare.yaml
new_run
is "$(verdicts)" "cart=needs-approval ledger=blocked risky-toy=blocked toy=blocked web=blocked " "the quota of a run"
like "$(reasons web)" 'may make 1 change' "says so"

# A plan whose windows or approvals are not for it, by hand.
"$tare" show "$id" diff >"$tmp/changes"
sed 's/"300m"/"301m"/' "$tmp/changes" | sed '$d' >"$tmp/other"
echo '{"end":{"records":5,"workloads":5,"problems":0,"input":null}}' >>"$tmp/other"
"$line/tare-gate" -c tare.yaml --run "$id" <"$tmp/other" >"$tmp/gated"
is "$?" 0 "the gate exits 0 whatever its verdicts"
like "$(cat "$tmp/gated")" 'another plan and do not carry over' "approvals of another plan do not carry over"
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
