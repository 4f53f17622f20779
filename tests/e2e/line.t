#!/bin/bash
# The whole story on the demo shop: run, report, approval, apply, rollback, rerun; and the pipe without a database.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"
before=$(tree)

run "$tare" run --end "$end" --format json
is "$rc" 0 "tare run ends well" || diag "$err"
is "$(json .state)" awaiting-approval "and waits for approval"
id=$(json .run)
plan=$(json .plan)
like "$plan" '^[0-9a-f]{64}$' "the plan has a digest"
is "$(json '.monthly_before_microusd - .monthly_after_microusd - .monthly_saving_microusd')" 0 "the totals add up"
is "$(tree)" "$before" "nothing was written"

run "$tare" show "$id" diff
is "$(sha256sum <"$tmp/.out" | cut -d' ' -f1)" "$plan" "the plan is the digest of the changes"
"$tare" show "$id" analyze >"$tmp/analyze"
"$tare" show "$id" gate >"$tmp/gated"
is "$(jq -s '[.[] | select(.workload)] | length' "$tmp/gated")" "$(jq -s '[.[] | select(.workload)] | length' "$tmp/analyze")" \
    "no workload is lost on the way"

"$BIN/tare-parse" -c tare.yaml 2>/dev/null |
    "$BIN/tare-collect" -c tare.yaml --end "$end" 2>/dev/null | "$BIN/tare-analyze" -c tare.yaml 2>/dev/null >"$tmp/piped"
is "$(records <"$tmp/piped" | sha256sum)" "$(records <"$tmp/analyze" | sha256sum)" \
    "the pipe without a database gives the same recommendations"

ok "the HTML report is there" test -s "reports/run-$id.html"
ok "the Markdown report is there" test -s "reports/run-$id.md"
ok "the report names the plan" grep -q "$plan" "reports/run-$id.html"

run "$tare" apply "$id" --yes
is "$rc" 77 "apply without approval is refused"
like "$err" 'hint: ' "with a hint"
is "$(tree)" "$before" "and nothing was written"
run "$tare" approve "$id" --yes
is "$rc" 77 "the requester cannot approve"

run "$tare" login reviewer viewer approver
is "$rc" 0 "a reviewer's login"
run "$tare" --as reviewer approve "$id" </dev/null
is "$rc" 64 "approve asks, and says so where there is no terminal"
run "$tare" --as reviewer approve "$id" --yes
is "$rc" 0 "the reviewer approves" || diag "$err"
run "$tare" status "$id" --format json
is "$(json .state)" approved "the run is approved"

run "$tare" apply "$id" --dry-run
is "$rc" 0 "a dry run ends well" || diag "$err"
is "$(tree)" "$before" "and writes nothing"
run "$tare" apply "$id" --yes
is "$rc" 0 "apply ends well" || diag "$err"
isnt "$(tree)" "$before" "the manifests changed"
run "$tare" status "$id" --format json
is "$(json .state)" applied "the run is applied"

# What was written is what was shown: the plan's patches on the original tree give the same bytes.
mkdir "$tmp/patched" && cp -R "$root/fixtures/demo/manifests" "$tmp/patched/"
jq -r 'select(.change.edits | length > 0) | select(.gate.verdict != "blocked") | .workload.source.file' "$tmp/gated" | sort -u >"$tmp/files"
changed=$(cd "$shop" && diff -rq manifests "$tmp/patched/manifests" | sed -n 's/^Files \(manifests[^ ]*\) and .*/\1/p' | sort -u)
is "$changed" "$(sed 's|//|/|g' "$tmp/files")" "exactly the planned files changed"

run "$tare" apply "$id" --yes
isnt "$rc" 0 "a second apply is refused"
applied=$(tree)
mapfile -t many < <(for ((i = 0; i < 100; i++)); do echo --workload=shop/Deployment/storefront; done)
run "$tare" rollback "$id" "${many[@]}" --workload no/Such/thing --yes
is "$rc" 64 "the last of many --workload counts too"
is "$(tree)" "$applied" "and nothing was put back"
run "$tare" rollback "$id" --yes
is "$rc" 0 "rollback ends well" || diag "$err"
is "$(tree)" "$before" "every byte is back"
run "$tare" status "$id" --format json
is "$(json .state)" rolled-back "the run is rolled back"

run "$tare" run --end "$end" --format json
second=$(json .run)
is "$(json .state)" awaiting-approval "a second run"
"$tare" show "$second" analyze >"$tmp/analyze2"
is "$(records <"$tmp/analyze2" | sha256sum)" "$(records <"$tmp/analyze" | sha256sum)" "the same input gives the same records"
run "$tare" --as reviewer approve "$second" --yes
is "$rc" 0 "it is approved"
sed -i 's/aggressiveness: balanced/aggressiveness: safe/' tare.yaml
run "$tare" rerun "$second" --from analyze --format json
is "$rc" 0 "rerun from analyze" || diag "$err"
third=$(json .run)
isnt "$(json .plan)" "$plan" "a changed policy gives another plan"
is "$(json .parent)" "$second" "its parent is the old run"
is "$(json .state)" awaiting-approval "the approval does not carry over"
run "$tare" status "$second" --format json
is "$(json .state)" superseded "the old run is superseded"
is "$(json .superseded_by)" "$third" "by the new one"
run "$tare" apply "$second" --yes
is "$rc" 77 "the old plan cannot be applied"
run "$tare" apply "$third" --yes
is "$rc" 77 "the new one neither, without approval"
is "$(tree)" "$before" "nothing was written"
run "$tare" rerun "$third" --from nowhere
is "$rc" 64 "an unknown stage"

run "$tare" history --format json
is "$rc" 0 "history"
is "$(json length)" 3 "knows three runs"
run "$tare" history shop/Deployment/storefront --format json
is "$(json length)" 3 "of one workload too"
run "$tare" audit verify
is "$rc" 0 "the audit trail is intact"
run "$tare" windows --format json
is "$(json .verdict)" allowed "windows"
done_testing
