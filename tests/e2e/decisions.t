#!/bin/bash
# Deciding about a plan with the commands: what is shown before the question, exactness by digest, chosen workloads, rejections, what status, gate and
# reports say of it, and that apply does what was decided.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
need script
cp "$BIN/tare-report" "$line/tare-report"

manifest deploy/a.yaml cart web same
namespace=prod-pay manifest deploy/b.yaml ledger
namespace=dev-x manifest deploy/c.yaml toy risky-toy
plan
cat >tare.yaml <<'YAML'
version: 1
approvals:
  required: 1
  rules:
  - {match: {namespaces: ["prod-*"]}, required: 2}
  automatic: {max_risk: low, match: {namespaces: ["dev-*"]}}
windows:
- {name: freeze, kind: deny, start: 2020-01-01T00:00:00Z, end: 2090-01-01T00:00:00Z, namespaces: ["prod-*"]}
YAML
new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
digest=$(jq -r .plan <<<"$out")
for login in ann bob; do "$tare" login "$login" viewer approver >/dev/null; done
"$tare" login boss viewer admin >/dev/null
decisions() { "$tare" status "$id" --format json | jq -c "$1"; }
asked() { script -qec "$tare --as $1 approve $id ${*:2}" /dev/null <<<n | tr -d '\r'; }

# What is shown before the question.
text=$(asked ann)
like "$text" 'shop/Deployment/cart +500m → 300m +512Mi +as now +-\$4 +low +0.90 +0 of 1 +tare_approver +approvals.required' "a row a workload: requests, limits, money, risk, confidence, approvals, role and rule"
like "$text" 'prod-pay/Deployment/ledger .* 0 of 2 ' "with the number that a rule asks for"
like "$text" 'this approval: 4 workloads: monthly \$36 now, \$20 after, saved \$16' "the sums of what would be approved"
like "$text" 'allowed by rule, without approval: 1 workload' "what goes without"
like "$text" 'not in this approval: 1 workload unchanged' "what is not in it"
like "$text" 'held now: 1 workload: the deny window "freeze" is open' "the windows, for the workloads that they hold"
like "$text" "plan $digest" "the whole digest"
like "$text" 'not confirmed, nothing was done' "and the question"
is "$(decisions '.decisions | length')" 0 "no means no"
like "$(asked ann --workload shop/Deployment/web)" 'this approval: 1 workload: monthly \$9 now' "of chosen workloads, these"
run "$tare" --as ann approve "$id" </dev/null
is "$rc" 64 "without a terminal and --yes it is refused"

# Exactness.
run "$tare" --as ann approve "$id" --plan "${digest:0:11}" --yes
is "$rc" 64 "eleven digits are too few"
run "$tare" --as ann approve "$id" --plan "${digest:0:12}X" --yes
is "$rc" 64 "what is not hexadecimal neither"
run "$tare" --as ann approve "$id" --plan "$(printf '0%.0s' {1..64})" --yes
is "$rc" 79 "another digest is stale"
like "$err" "the plan of run $id is $digest, not 0+" "naming both"
is "$(decisions '.decisions | length')" 0 "and nothing is recorded"
run "$tare" --as ann approve "$id" --workload shop/Deployment/cart --workload shop/Deployment/nowhere --yes
is "$rc" 66 "an unknown workload"
like "$err" 'shop/Deployment/nowhere is not in the plan' "is named"
is "$(decisions '.decisions | length')" 0 "and the known one is not approved either"
run "$tare" --as ann approve "$id" --plan "${digest:0:12}" --workload shop/Deployment/cart --workload shop/Deployment/cart --yes
is "$rc" 0 "twelve digits do" || diag "$err"
like "$err" 'approved 1 workload$' "a workload that is named twice is one"
run "$tare" --as ann approve "$id" --plan "$digest" --yes
like "$rc $err" '^0 .*approved 3 workloads; you had approved the others already' "then the rest"
run "$tare" --as ann approve "$id" --yes
like "$rc $err" '^0 .*you had approved all of this already: nothing was added' "a second time is told so"
is "$(decisions '.decisions | length')" 2 "and adds nothing"
is "$(decisions '.missing')" '[{"approvals":1,"namespaces":["prod-pay"],"role":"tare_approver","workloads":1}]' "status tells what is missing"
run "$tare" status "$id"
like "$out" 'missing: 1 approval of role tare_approver for 1 workload in prod-pay' "in words, too"
like "$out" 'approved by ann at [^ ]*Z: the plan, holds until ' "and who approved what, until when"
like "$out" 'allowed by rule approvals.automatic: 1 workload' "and what a rule allowed"

# Rejecting.
run "$tare" --as bob reject "$id" --workload prod-pay/Deployment/ledger
is "$rc" 64 "rejecting needs a reason"
run "$tare" --as bob reject "$id" --rest --reason 'month-end'
like "$rc $err" '^0 .*rejected 1 workload$' "the rest is rejected"
is "$(state)" approved "which decides the run"
run "$tare" --as ann approve "$id" --workload prod-pay/Deployment/ledger --yes
is "$rc" 77 "approving a rejected workload"
like "$err" 'was rejected by bob: month-end' "is refused with who and why"
like "$err" 'hint:' "and a hint"
run "$tare" --as bob reject "$id" --workload shop/Deployment/same --reason x
like "$rc $err" '^77 .*is unchanged in run' "what does not change cannot be rejected"
run "$tare" gate "$id" --workload prod-pay/Deployment/ledger --workload shop/Deployment/cart
like "$out" 'ledger: rejected.*- approvals +rejected by bob: month-end.*cart: may be applied' "tare gate tells what stands against each"
unlike() { [[ $1 =~ $2 ]] && ok "$3" false || ok "$3" true; }
unlike "$out" ' \+ ' "and only that"
run "$tare" gate "$id" --explain --workload shop/Deployment/cart
like "$out" '\+ exclude .*\+ min_cpu .*\+ approvals +1 of 1 approvals of role tare_approver hold.*\+ window ' "with --explain also what passed"
run "$tare" gate "$id" --format json
is "$(jq -r '[.workloads[] | .name + "=" + .now] | sort | join(" ")' <<<"$out")" \
    "cart=may be applied ledger=rejected risky-toy=may be applied same=unchanged toy=may be applied web=may be applied" "as JSON for all"
is "$(jq -r '.plan' <<<"$out")" "$digest" "with the plan"
run "$tare" gate "$id" --workload shop/Deployment/nowhere
is "$rc" 66 "an unknown workload is refused there, too"

# Every format names the plan; those for people the command.
for format in html markdown csv json table junit prometheus; do
    run "$tare" report "$id" --format "$format"
    like "$out" "$digest" "$format names the plan"
    case $format in
        html | markdown | json | table) like "$out" "tare approve $id --plan $digest" "$format has the command that approves it" ;;
    esac
done
run "$tare" report "$id" --format json
is "$(jq -c .rules <<<"$out")" '{"approvals.automatic":1}' "the rule that stood in for people is in reports"
run "$tare" report "$id" --format html
like "$out" 'checks? passed</summary><ul><li>' "the page has what the gate found good in its folds"

# Who sees only a namespace.
run "$tare" --as boss grant bob --namespace shop
run "$tare" --as bob report "$id"
is "$rc" 66 "a narrowed login is not given the report of the whole"
like "$err" "tare report $id --mine" "and is told of its own"
run "$tare" --as bob report "$id" --mine
is "$rc" 0 "which it gets" || diag "$err"
like "$out" '\| shop/Deployment/web \| 500m → 300m \| 512Mi \| -\$4 \| low \| needs-approval \| 1 of 1 \|' "as Markdown"
unlike "$out" 'prod-pay|dev-x' "without what it does not see"
like "$out" "tare approve $id --plan $digest" "with the command to approve it"
run "$tare" --as bob report "$id" --mine --format json
is "$(jq -r '"\(.plan) \(.whole) \([.workloads[].name] | sort | join(" "))"' <<<"$out")" "$digest false cart same web" "as JSON"
run "$tare" --as bob report "$id" --mine --format table
like "$rc $out" '^0 WORKLOAD .*shop/Deployment/cart' "as a table"
run "$tare" --as bob report "$id" --mine --format html
is "$rc" 64 "other formats need the whole run"
run "$tare" --as bob status "$id"
like "$rc $out" '^0 WORKLOAD .*shop/Deployment/cart .*run [0-9]+: approved' "status tells a narrowed login of its part"
run "$tare" --as bob approve "$id" --yes
is "$rc" 0 "it approves its part" || diag "$err"
run "$tare" --as bob approve "$id" --workload prod-pay/Deployment/ledger --yes
is "$rc" 66 "and not the others'"
run "$tare" --as bob gate "$id" --format json
is "$(jq -r '[.workloads[].name] | sort | join(" ")' <<<"$out")" "cart same web" "the gate shows it its own"

# Taking back, and applying.
run "$tare" --as ann withdraw "$id" --workload shop/Deployment/cart --reason 'second thoughts'
like "$rc $err" '^0 .*withdrew 1 approval and 0 rejections' "an approval is taken back" || diag "$err"
is "$(state)" approved "others hold"
run "$tare" status "$id"
like "$out" 'shop/Deployment/cart, withdrawn at [^ ]* \(second thoughts\)' "status tells of it"
run "$tare" apply "$id" --yes
is "$rc" 0 "what is approved is applied" || diag "$err"
is "$(state)" applied "the run is applied"
is "$(outcomes apply)" "cart=done ledger=skipped risky-toy=done same=skipped toy=done web=done " "without the rejected one"
is "$("$tare" show "$id" apply | jq -r 'select(.workload.name? == "ledger") | .outcome.detail, .problems[-1].code')" \
    "rejected by bob: month-end
rejected" "whose outcome says who and why"
like "$(grep -c 500m deploy/b.yaml)$(grep -c 300m deploy/a.yaml)" '^12$' "the files say so, too"
run "$tare" report "$id" --format csv
like "$out" 'ledger.*rejected' "and the report"
run "$tare" --as ann approve "$id" --yes
is "$rc" 77 "an applied run takes no approval"
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
is "$("$tare" audit list "$id" --format json --limit 200 | jq -r '[.[] | select(.action == "approval.automatic") | .subject] | join(" ")')" approvals.automatic \
    "with the rule that stood in for people"
done_testing
