#!/bin/bash
# Two records of one identity: their plan is one row, judged by what the one that changes asks for.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
manifest deploy/a.yaml cart
manifest deploy/b.yaml cart
printf 'version: 1\napprovals: {required: 1, automatic: {max_risk: low, match: {namespaces: [shop]}}}\n' >tare.yaml
plan
# The first of them stays as it is.
jq -c 'if .workload.source.file == "deploy/a.yaml" then .change.edits = [] else . end' "$tmp/diff.jsonl" >"$tmp/d" && mv "$tmp/d" "$tmp/diff.jsonl"
"$tare" login adam viewer admin >/dev/null
run "$tare" --as adam policy set tare.yaml
is "$rc" 0 "a policy is stored" || diag "$err"
run "$tare" run deploy --format json
is "$rc $(jq -r .state <<<"$out")" "0 approved" "the second's rule is the row's" || diag "$err"
done_testing
