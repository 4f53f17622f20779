#!/usr/bin/env bash
# Reports of nothing, of nothing known, and of figures that cannot be: every format says so or refuses, none adds up wrongly.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
formats="markdown html csv json table junit prometheus"

# artifact RECORD…: an artifact of costs with these records on standard output.
artifact() {
    local problems=0
    echo '{"tare":"costs","version":1,"created":"2026-11-22T00:00:00Z","by":"made","settings":{}}'
    (($# == 0)) || printf '%s\n' "$@"
    problems=$(printf '%s\n' "$@" | grep -o '"code"' | wc -l)
    printf '{"end":{"records":%d,"workloads":%d,"problems":%d,"skipped":{},"input":null}}\n' $# $# "$problems"
}
# workload NAME COST [MEMBERS]
workload() {
    printf '{"workload":{"cluster":null,"namespace":"shop","kind":"Deployment","name":"%s","replicas":1,"labels":{},"containers":[{"name":"app","role":"container","requests":{"cpu_millicores":%s},"limits":{}}]},"cost":%s%s}' \
        "$1" "${4:-100}" "$2" "${3:-}"
}
report() { run "$BIN/tare-report" "$@" <"$tmp/in"; }

artifact >"$tmp/in"
for format in $formats; do
    report --format "$format"
    is "$rc" 0 "no workload at all, $format" || diag "$err"
done
report --format json
is "$(jq -c '[.totals.workloads, .totals.monthly_before_microusd, .workloads, .namespaces]' <<<"$out")" '[0,0,[],[]]' "is a report of nothing"
unlike "$(report --format markdown; echo "$out")" "nan|inf|-0" "without figures that are none"

none=',"usage":null,"recommendation":{"action":"none","containers":{}},"problems":[{"stage":"price","code":"unpriced","message":"container '"'app'"' has neither a request nor usage data for cpu"}]'
artifact "$(workload a null "$none" null)" "$(workload b null "$none" null)" >"$tmp/in"
for format in $formats; do
    report --format "$format"
    is "$rc" 0 "nothing known of any workload, $format" || diag "$err"
done
report --format json
is "$(jq -c '[.totals.no_data, .totals.unpriced, (.workloads | length), [.workloads[].monthly_before_microusd]]' <<<"$out")" '[2,2,2,[null,null]]' "all are listed, none is in a sum"
is "$(jq -c .unpriced <<<"$out")" '[{"example":"shop/Deployment/a","reason":"container … has neither a request nor usage data for cpu","workloads":2}]' "with the reason"
report --format markdown
like "$out" "2 workloads had no usage data" "and a person is told"
like "$out" "Without a price: 2 workloads, container … has neither" "why"

for cost in '{"monthly_before_microusd":9223372036854775807,"monthly_after_microusd":0}' \
    '{"monthly_before_microusd":1,"monthly_after_microusd":-9223372036854775808}' '{"monthly_before_microusd":-1,"monthly_after_microusd":0}' \
    '{"monthly_before_microusd":1,"monthly_after_microusd":1,"waste_before_microusd":1,"waste_after_microusd":-5}' \
    '{"monthly_before_microusd":1,"monthly_after_microusd":1,"containers":{"app":{"cpu_before_microusd":4000000000000000000,"cpu_after_microusd":1}}}'; do
    artifact "$(workload absurd "$cost")" >"$tmp/in"
    for format in $formats; do
        report --format "$format"
        is "$rc" 65 "$cost, $format"
    done
    like "$err" "absurd has amounts that no price gives" "is refused by its name"
done
many=()
for ((i = 0; i < 800; i++)); do many+=("$(workload "w$i" '{"monthly_before_microusd":1000000000000000,"monthly_after_microusd":1000000000000000}')"); done
artifact "${many[@]}" >"$tmp/in"
report --format json
is "$rc" 65 "sums that 64 bits and a year do not hold are refused"
like "$err" "come to more than can be added up" "and said"
artifact "$(workload a '{"monthly_before_microusd":5,"monthly_after_microusd":1,"containers":{"app":{"cpu_before_microusd":4,"cpu_after_microusd":1}}}')" >"$tmp/in"
report --format markdown
is "$rc" 0 "money that does not add up"
like "$out" "1 workload has a cost that is not the sum of its containers" "is told"
artifact "$(workload a 1e400)" >"$tmp/in"
report --format json
is "$rc" 65 "a number that is none is refused"
artifact "$(workload a null ',"recommendation":{"containers":{"app":{"requests":{"cpu_millicores":-5}}}}' -9223372036854775808)" >"$tmp/in"
report --format json
is "$rc" 0 "amounts below nothing"
is "$(jq -c '.workloads[0].containers[0] | [.now.cpu_request_millicores, .new.cpu_request_millicores]' <<<"$out")" "[null,null]" "are none"

# What the ledger knows, from a file that is none.
artifact "$(workload a null)" >"$tmp/in"
report --past "$tmp/none" --format json
is "$rc" 66 "--past of a file that is not there"
for text in '' '[]' '{"tare":"past"}' '{"tare":"past","version":1,"trend":[{"workloads":-1}]}' '{"tare":"past","version":1,"applied":[{"realized_microusd":9223372036854775807}]}'; do
    printf '%s' "$text" >"$tmp/past"
    report --past "$tmp/past" --format json
    is "$rc" 65 "--past with $text is refused"
done
echo '{"tare":"past","version":1,"run":7,"trend":[{"run":7,"state":"<b>bold","created":"=1+1"}],"applied":[]}' >"$tmp/past"
for format in $formats; do
    report --past "$tmp/past" --format "$format"
    is "$rc" 0 "names of another kind in it, $format" || diag "$err"
    [[ $format == json ]] || unlike "$out" "<b>bold" "stay text"
done
done_testing
