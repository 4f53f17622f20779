#!/bin/bash
# Reports of runs in the ledger: every configured format as a file, what changed between two runs, and a size that is not passed.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
need xmllint promtool
cp "$BIN/tare-report" "$line/"
export TMPDIR=$tmp/scratch
mkdir "$TMPDIR"
echo 'reports: {formats: [html, markdown, csv, json, junit, prometheus, table]}' >tare.yaml
manifest deploy/shop.yaml cart web same-db
plan
new_run --config tare.yaml
first=$id
is "$(ls reports)" "$(printf "run-$first.%s\n" csv html json md prom txt xml)" "a run writes every format that is configured"
ok "its JUnit results are XML" xmllint --nonet --noout "reports/run-$first.xml"
ok "its metrics can be collected" promtool check metrics <"reports/run-$first.prom"
like "$(<"reports/run-$first.prom")" "run=\"$first\"" "and name the run"

manifest deploy/shop.yaml cart same-db fresh
plan 250m medium
sed -i 's/"cpu_millicores":300/"cpu_millicores":250/' "$tmp"/{analyze,price,diff}.jsonl
sleep 1.1
new_run --config tare.yaml
second=$id
run "$tare" report "$second" --compare "$first"
is "$rc" 0 "what changed since the first run" || diag "$err"
like "$out" "## What changed for default: run $first → run $second" "names both runs"
like "$out" '\*\*2 workloads differ, 1 was added, 1 is gone\.' "says how many"
like "$out" 'shop/\*\*fresh\*\* Deployment \(added\)' "who was added"
like "$out" 'shop/\*\*web\*\* Deployment \(gone\)' "who is gone"
like "$out" 'app: recommended CPU request 300m → 250m' "and what differs"
is "$(ls -A "$TMPDIR")" "" "and leaves nothing behind"
run "$tare" report "$second" --compare "$first" --format json
is "$(jq -c '[.then.run, .now.run, .workloads_by_change.added, .workloads_by_change.gone, .now.totals.monthly_before_microusd]' <<<"$out")" \
    "[$first,$second,1,1,27000000]" "as JSON too"
run "$tare" report "$first" --compare "$first"
like "$out" 'Nothing changed: 3 workloads are as before' "a run with itself"
run "$tare" report "$second" --compare "$first" --format html --output "$tmp/c.html"
is "$rc,$(grep -c '</html>' "$tmp/c.html")" "0,1" "into a file"
run "$tare" report "$second" --compare 99
is "$rc" 66 "a run that is not there" || diag "$err"
run "$tare" report "$second" --compare last
is "$rc" 64 "no number"
like "$err" '"last" is not the number of a run' "is told"
run "$tare" report "$second" --compare "$first" --format junit
is "$rc" 64 "no JUnit results of two runs"
like "$err" 'junit tells the state of one run' "and why"
is "$(ls -A "$TMPDIR")" "" "nothing is left of those either"

manifest deploy/shop.yaml $(printf 'app-%s ' {1..60})
plan
new_run --config tare.yaml
run "$tare" report "$id" --max-bytes 5000
is "$rc,$(($(wc -c <"$tmp/.out") <= 5000))" "0,1" "at most 5000 bytes"
like "$out" "tare report $id --format html" "and the command that shows all"
run "$tare" report "$id" --format csv --max-bytes 5000
is "$rc" 64 "csv is not cut"
run "$tare" report "$id" --format prometheus
is "$(grep -c '^tare_workload_monthly_cost_before_usd{.*} 9$' <<<"$out")" 60 "metrics of every workload"
done_testing
