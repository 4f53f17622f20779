#!/bin/bash
# Known truths: what is planted is found and named, and nothing grave is said of what is healthy. The tables of fixtures/truths in
# several sizes, through a real Prometheus: parse | collect | analyze.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/truths.sh"
need prometheus jq awk curl

truths=$root/fixtures/truths
end=2026-11-22T00:00:00Z # a Sunday
seeds=${SEEDS:-1 2 3}
cat "$truths"/{planted,healthy,others}.table >"$tmp/all.table"
is "$(grep -h '^workload' "$truths"/*.table | awk '{ print $2, $3, $4 }' | sort | uniq -d)" "" "no two workloads have one name"
ok "at least 30 workloads are planted" test "$(grep -c '^workload' "$truths/planted.table")" -ge 30
ok "and 40 are healthy" test "$(grep -c '^workload' "$truths/healthy.table")" -ge 40
is "$(awk '$1 == "workload" { if (waits) print waits; waits = $3 "/" $4 } $1 == "expect" { waits = "" } END { if (waits) print waits }' "$truths"/*.table)" "" \
    "each says what is expected of it"

# Findings that are guesses at what is unusual may err now and then: of all healthy workloads of all seeds this share at most.
share_of_hunches=5 # per cent

for seed in $seeds; do
    dir=$tmp/seed.$seed
    truths_line "$dir" "$tmp/all.table" "$end" --vary --seed "$seed" 2>"$tmp/line.err"
    is $? 0 "seed $seed: the line ends well" || diag "$(tail -3 "$tmp/line.err")"
    for table in planted healthy others; do
        truths_judge "$dir/records" "$truths/$table.table" >"$dir/$table"
        truths_told "$dir/$table" "seed $seed, $table"
    done
    sed 's/^  expect .*/  expect quiet/' "$truths/healthy.table" >"$tmp/quiet.table"
    truths_judge "$dir/records" "$tmp/quiet.table" | sed "s/\$/ (seed $seed)/" >>"$tmp/quiet"
    is "$(jq -s '[.[] | select(.recommendation) | .recommendation.findings[] | select((.message | length) == 0 or .start == null and .code != "drift")] | length' "$dir/records")" 0 \
        "seed $seed: every finding says what and since when"
    "$prometheus" stop "$dir/prom"
    rm -rf "$dir/prom"
done
wrong=$(grep -c '^not ok' "$tmp/quiet") all=$(grep -c . "$tmp/quiet")
ok "something unusual is seen in $wrong of $all healthy workloads, $share_of_hunches % at most" test $((100 * wrong)) -le $((share_of_hunches * all)) ||
    diag "$(grep '^not ok' "$tmp/quiet" | cut -f2-)"

# Rhythms of weeks.
window=21d truths_line "$tmp/weeks" "$truths/weeks.table" "$end" --vary --seed 1 --days 21 2>"$tmp/line.err"
is $? 0 "three weeks: the line ends well" || diag "$(tail -3 "$tmp/line.err")"
truths_judge "$tmp/weeks/records" "$truths/weeks.table" >"$tmp/weeks/verdicts"
truths_told "$tmp/weeks/verdicts" "three weeks"

# By query_range the server makes the rates at other instants; the findings are the same.
codes() { jq -sc '.[] | select(.workload) | [.workload.name, ([.recommendation.findings[]? | "\(.code) \(.severity)"] | sort)]' "$1"; }
"$BIN/tare-collect" -q --created "$end" --prometheus "$url" --source query-range --end "$end" --window 21d <"$tmp/weeks/inventory" 2>"$tmp/line.err" |
    "$BIN/tare-analyze" -q --created "$end" >"$tmp/weeks/ranged" 2>>"$tmp/line.err"
is "$(codes "$tmp/weeks/ranged")" "$(codes "$tmp/weeks/records")" "three weeks: query_range leads to the same findings"
ok "the same question gives the same bytes" cmp "$tmp/weeks/records" <("$BIN/tare-analyze" -q --created "$end" <"$tmp/weeks/usage")
done_testing
