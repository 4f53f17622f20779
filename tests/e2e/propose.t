#!/bin/bash
# Own numbers for one workload, from tare propose to a rollback: a run beside another, bounded like everybody's, which somebody else approves.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"
export TMPDIR=$tmp/scratch # of its own: other tests leave and take files in /tmp meanwhile
mkdir "$TMPDIR"

before=$(tree)
# Two clusters, so that a run has one to be of; and a policy that lets everything through by itself.
sed -i 's/^  required: 1/  required: 0/' tare.yaml
run "$tare" run manifests --end "$end" --format json -q
[[ $rc == 0 ]] || { diag "$err"; echo "Bail out! no run"; exit 1; }
base=$(json .run)
is "$(json .state)" approved "the policy lets the run through"
what=shop/Deployment/checkout
state() { "$tare" status "$1" --format json | jq -r .state; }
number() { "$tare" show "$1" analyze | jq "select(.workload.name == \"$2\") | .recommendation$3"; }
low=$(number "$base" checkout '.containers.checkout.limits.bounds.cpu_millicores.min')
high=$(number "$base" checkout '.containers.checkout.limits.bounds.memory_bytes.max')
inside=$((low + 33)) # no round amount
ok "(the workload has bounds to try)" test "$low" -gt 0 -a "$high" -gt 0

# ---- What comes through, and what is moved ----
run "$tare" propose "$base" "$what" "limits.cpu=${inside}m" limits.memory=100Gi --reason 'load test on friday' --format json -q
is "$rc" 0 "a proposal is taken" || diag "$err"
id=$(json .run)
is "$(json '[.state, .parent, .changes] | join(" ")')" "awaiting-approval $base 1" "it is a run of its own, beside the other, and waits although the policy asks for nobody"
is "$(json '.proposal | [.workload, .reason, .by, .verdict] | join("|")')" "$what|load test on friday|$(id -un)|needs-approval" "with whose it is and why"
is "$(json '.proposal.amounts[] | select(.field == "limits.cpu") | .to')" "${inside}m" "an amount inside the bounds comes through as it is, neither rounded nor too small"
given=$(json '.proposal.clamped[] | [.container, .field, .asked, .by, .kind] | join(" ")')
is "$given" "checkout limits.memory 100Gi upper-bound statistics" "one beyond them is moved, and it is said by what"
ok "to no more than the bound" test "$(number "$id" checkout '.containers.checkout.limits.memory_bytes')" -le "$high"
is "$(number "$id" checkout '| [.source, .risk, .proposed_by, .provider] | join(" ")')" "\"proposal medium $(id -un) \"" "the record says whose numbers they are; the risk is medium at least"
is "$("$tare" show "$id" analyze | jq -s --arg w checkout '[.[] | select(.workload and .workload.name != $w) | .recommendation |
    select(.action == "resize" or .scaling != null or (.action == "keep" and (.reasoning | startswith("Not part of this proposal") | not)))] | length')" 0 \
    "every other workload is left as it is, with the reason"
is "$("$tare" show "$id" analyze | sed -n 1p | jq -r '.settings.analyze.proposal_workload')" "$what" "the artifact's header says what it was made from"
is "$("$tare" show "$id" collect | sha256sum)" "$("$tare" show "$base" collect | sha256sum)" "it stands on the very usage of the other run"
like "$("$tare" gate "$id" --explain --workload "$what")" 'proposes these numbers, not the rules: somebody else approves them' "the gate says why it asks"
is "$(state "$base")" approved "the other run is what it was"
run "$tare" status "$id"
like "$out" "proposal of $(id -un) for $what, beside run $base: load test on friday" "status says whose it is"
is "$(ls -A "$TMPDIR")" "" "no file is left behind"

# ---- For people ----
run "$tare" propose "$base" "$what" limits.memory=100Gi --reason x
like "$out" 'moved: checkout limits.memory, 100Gi asked, .* given: not above what the statistics show \(upper-bound\)' "a terminal is told what was moved"
like "$out" 'tare --as reviewer approve|tare login reviewer' "and what to type next"
idle=$(jq '.proposal' <<<"$("$tare" propose "$base" shop/Deployment/cart requests.cpu=300m --reason x --format json -q 2>/dev/null)")
is "$(jq -c '[.verdict, (.clamped[0] | .by, .kind)]' <<<"$idle")" '["unchanged","autoscaled","autoscaler"]' "what an autoscaler follows is not moved at all, and it is said"

# ---- Refused before anything is made ----
runs() { "$tare" status --limit 0 --format json | jq length; }
count=$(runs)
refuse() { # CODE PATTERN NAME WORDS...
    local code=$1 pattern=$2 name=$3
    shift 3
    run "$tare" propose "$@"
    is "$rc" "$code" "$name: exit $code" || diag "$err"
    like "$err" "$pattern" "$name: said so"
}
refuse 64 'an operand is missing' "no workload" "$base" --reason x
refuse 64 "nothing is proposed for $what" "nothing asked" "$base" "$what" --reason x
refuse 64 'a proposal needs a reason' "no reason" "$base" "$what" limits.cpu=300m
refuse 64 'a proposal needs a reason' "an empty reason" "$base" "$what" limits.cpu=300m --reason '  '
refuse 64 'the amount of "limits.cpu=a lot" cannot be read' "nonsense" "$base" "$what" 'limits.cpu=a lot' --reason x
refuse 64 'cannot be read' "negative" "$base" "$what" limits.cpu=-1 --reason x
refuse 64 'is nothing' "nothing of it" "$base" "$what" limits.cpu=0 --reason x
refuse 64 'cannot be read|more than there can be' "1e308" "$base" "$what" limits.memory=1e308 --reason x
refuse 64 'is not \[CONTAINER.\]FIELD=AMOUNT' "a word that is none" "$base" "$what" cpu=300m --reason x
refuse 64 "$what has no container \"web\"" "an unknown container" "$base" "$what" web.limits.cpu=300m --reason x
refuse 64 'asked for twice' "a field twice" "$base" "$what" limits.cpu=300m checkout.limits.cpu=400m --reason x
refuse 64 'several containers: say which one' "two containers and none named" "$base" payments/StatefulSet/payments-db limits.memory=2Gi --reason x
refuse 65 'did you mean shop/Deployment/checkout' "an unknown workload" "$base" shop/Deployment/chekcout limits.cpu=300m --reason x
refuse 66 'run 999 does not exist' "an unknown run" 999 "$what" limits.cpu=300m --reason x
refuse 64 'not the number of a run' "no run" latest "$what" limits.cpu=300m --reason x
refuse 64 "run $base is of cluster demo, not of elsewhere" "a run of another cluster" "$base" "$what" limits.cpu=300m --reason x --cluster elsewhere
"$tare" login watcher viewer >/dev/null
refuse 77 'takes the role tare_operator' "a viewer" --as watcher "$base" "$what" limits.cpu=300m --reason x
is "$(runs)" "$count" "none of these left a run"

# ---- Approved by somebody else, applied, taken back ----
"$tare" login reviewer viewer approver >/dev/null
run "$tare" approve "$id" --yes
is "$rc" 77 "who proposed does not approve"
run "$tare" apply "$id" --yes
is "$rc" 77 "and nothing is applied without"
is "$(tree)" "$before" "nor written"
like "$("$tare" --as reviewer approve "$id" --plan "$("$tare" status "$id" --format json | jq -r .plan)" --yes 2>&1)" "proposal of $(id -un) for $what" \
    "the approver reads whose numbers these are"
is "$(state "$id")" approved "somebody else approves"
run "$tare" apply "$id" --yes
is "$rc" 0 "it is applied" || diag "$err"
is "$(grep -c "cpu: ${inside}m" manifests/shop/checkout.yaml)" 1 "with the very amount"
is "$(git diff --no-index --stat "$root/fixtures/demo/manifests" manifests | tail -1 | grep -o '^ *[0-9]* file')" " 1 file" "and nothing else is touched"
run "$tare" rollback "$id" --yes
is "$rc" 0 "it is taken back" || diag "$err"
is "$(tree)" "$before" "to the byte"
run "$tare" apply "$base" --dry-run
is "$rc" 0 "the run beside which it was made can be applied as ever" || diag "$err"

# ---- Reports ----
like "$("$tare" report "$id" --format markdown)" "Recommended by .*$(id -un)'s proposal" "Markdown names whose numbers they are"
is "$("$tare" report "$id" --format csv | sed -n 1p | tr -d '\r' | grep -c 'source,provider,model,proposed_by,fallback,disagreement,clamps$')" 1 "CSV has columns for it"
is "$("$tare" report "$id" --format json | jq -r --arg n checkout '.workloads[] | select(.name == $n) | [.source, .clamps[0].by] | join(" ")')" "proposal upper-bound" "JSON has it"
like "$("$tare" explain "$id" "$what")" 'limits.memory: 100Gi asked' "explain tells each amount"

# ---- A rerun of it is the same proposal ----
run "$tare" rerun "$id" --from analyze --format json -q
is "$(json '[.state, .proposal.workload] | join(" ")')" "awaiting-approval $what" "a rerun of it asks for the same" || diag "$err"
is "$(number "$(json .run)" checkout '.containers.checkout.limits.cpu_millicores')" "$inside" "with the same amount"

# ---- What was pruned cannot be stood on ----
"$tare" login boss viewer admin >/dev/null
TARE_NOW=2040-01-01T00:00:00Z "$tare" status >/dev/null # what waited has run out by then
TARE_NOW=2041-01-01T00:00:00Z run "$tare" --as boss prune --older-than 1d --keep 0 --yes
is "$rc" 0 "(years later all of it is pruned)" || diag "$err"
TARE_NOW=2041-01-01T00:00:00Z refuse 66 'were pruned at' "what was pruned" "$base" "$what" limits.cpu=300m --reason x
done_testing
