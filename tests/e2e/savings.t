#!/bin/bash
# What applied plans saved in fact: measured by later runs at the plan's own replicas and prices, ended by the next change, gone with a
# rollback; and that reports are handed it in private.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
need psql
export TMPDIR=$tmp/scratch
mkdir "$TMPDIR"
# The real report, and a look at what it is handed.
cp "$BIN/tare-report" "$line/tare-report.real"
cat >"$line/tare-report" <<'SH'
#!/bin/sh
for word; do
    case $word in
        --past=*) cp "${word#*=}" "$PAST/handed"; stat -c '%a' "${word#*=}" "$(dirname "${word#*=}")" >"$PAST/modes" ;;
    esac
done
exec "$0.real" "$@"
SH
export PAST=$tmp

# costs BILLED REPLICAS VCPU GIB [AFTER]: gives the planned artifacts a cost: CPU that is paid for, replicas, unit prices, CPU after.
costs() {
    local stage
    for stage in price diff; do
        jq -cS --argjson c "$1" --argjson r "$2" --argjson v "$3" --argjson g "$4" --argjson to "${5:-300}" '
            if .workload then
                ($c / 1000 * $v * 730 * $r | round) as $before | ($to / 1000 * $v * 730 * $r | round) as $after |
                (0.5 * $g * 730 * $r | round) as $memory |
                .cost = {hours: 730, replicas: $r, price: {microusd_per_vcpu_hour: $v, microusd_per_gib_hour: $g},
                    monthly_before_microusd: ($before + $memory), monthly_after_microusd: ($after + $memory),
                    monthly_saving_microusd: ($before - $after),
                    containers: {app: {cpu_billed_before_millicores: $c, memory_billed_before_bytes: 536870912,
                        cpu_before_microusd: $before, cpu_after_microusd: $after,
                        memory_before_microusd: $memory, memory_after_microusd: $memory}}}
            else . end' "$tmp/$stage.jsonl" >"$tmp/costs" && mv "$tmp/costs" "$tmp/$stage.jsonl"
    done
}
# What a later run finds: nothing to change.
settled() {
    jq -cS 'if .change then .change.edits = [] else . end' "$tmp/diff.jsonl" >"$tmp/settled" && mv "$tmp/settled" "$tmp/diff.jsonl"
}
look() { plan; costs "$@"; settled; new_run; }
savings() { "$tare" history savings --format json "$@" 2>"$tmp/savings.err"; }
# Measured workloads, said, saved and the measuring run of plan $1.
of() { savings | jq -r --argjson run "$1" '.[] | select(.run == $run) | "\(.measured) \(.predicted_microusd) \(.realized_microusd) \(.measured_by)"'; }
sql() {
    local socket
    socket=$(dirname "$(find "$TARE_STATE_DIR" -name '.s.PGSQL.*' -not -name '*.lock' | head -1)")
    psql -h "$socket" -p "$(ls -A "$socket" | sed -n 's/^\.s\.PGSQL\.\([0-9]*\)$/\1/p')" -d tare -XqAtc "$1"
}

manifest deploy/shop.yaml cart web
plan
costs 500 2 40000 5000
new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
is "$(savings)" "[]" "nothing was applied yet"
like "$("$tare" history savings 2>&1)" "no plan was applied yet" "and that is said"
"$tare" login reviewer viewer approver >/dev/null 2>&1
"$tare" --as reviewer approve "$id" --yes >/dev/null 2>&1
is "$(savings)" "[]" "an approved plan is not an applied one"
"$tare" apply "$id" --yes >/dev/null 2>&1
is "$(state)" applied "a plan is applied"
first=$id
saved=$((2 * (500 - 300) * 40000 * 730 * 2 / 1000))
is "$(savings | jq -c '.[] | [.run, .workloads, .measured, .expected_microusd, .measured_by]')" "[$first,2,0,$saved,null]" "and waits to be measured"

# Reruns that read nothing anew, and runs that began before the write, measure nothing.
run "$tare" rerun "$first" --from gate
is "$rc" 0 "a rerun of its gate" || diag "$err"
is "$(savings | jq -c '.[] | .measured')" 0 "which read no manifest after the write measures nothing"

look 300 2 40000 5000
second=$id
is "$(of "$first")" "2 $saved $saved $second" "a run that finds what was planned: saved as said"
look 300 6 90000 9000
third=$id
is "$(of "$first")" "2 $saved $saved $third" "replicas and prices that changed since are no saving and no loss"
look 400 6 90000 9000
fourth=$id
is "$(of "$first")" "2 $saved $((saved / 2)) $fourth" "use that grew above the request is: half is saved"
plan
new_run
is "$(of "$first")" "2 $saved $((18000000 - 18000000 + 2 * (500 * 40000 * 730 * 2 / 1000 + 5000 * 730 - 9000000))) $id" \
    "where a run's rows do not know what the cost is made of, it counts as it was priced"

# The report is handed it.
sql "select tare.llm_put($third, '[{\"key\":\"k\",\"prompt_digest\":\"$(printf '0%.0s' {1..64})\",\"provider\":\"p\",\"model\":\"m\",\"reply\":\"r\",
    \"input_tokens\":3000,\"output_tokens\":40,\"cost_microusd\":1234}]')" >/dev/null
run "$tare" report "$third" --format json
is "$rc" 0 "a report of a run" || diag "$err"
is "$(jq -c '[.run, .llm.exchanges, .llm.input_tokens, .llm.cost_microusd, .narrowed]' "$tmp/handed")" "[$third,1,3000,1234,false]" "is handed the run's tokens"
is "$(jq -c '[.trend[].run]' "$tmp/handed")" "$(jq -nc "[$third,$second,$((first + 1)),$first]")" "the runs before it, newest first"
is "$(jq -c '.trend[0] | [.workloads, .changes, .monthly_saving_microusd]' "$tmp/handed")" "[2,0,0]" "what no manifest takes saves nothing there"
is "$(jq -c '.applied | map(.run)' "$tmp/handed")" "[$first]" "and the plans that were applied"
is "$(tr '\n' ' ' <"$tmp/modes")" "600 700 " "in a file and a folder for this user only"
is "$(ls -A "$TMPDIR")" "" "which are gone after"
is "$(jq -c '[.past.llm.cost_microusd, (.past.applied | length)]' <<<"$out")" "[1234,1]" "and shows it"
run "$tare" rerun "$third" --from gate --format json
run "$tare" report "$(jq -r .run <<<"$out")" --format json
is "$(jq -c .past.llm.exchanges <<<"$out")" 1 "a rerun stands on the same analysis: its tokens"

# The next change ends what the first one saved by itself; both together are what was saved in all.
sed -i 's/cpu: 300m/cpu: 500m/' deploy/shop.yaml
plan
costs 400 2 40000 5000
new_run
"$tare" --as reviewer approve "$id" --yes >/dev/null 2>&1
"$tare" apply "$id" --yes >/dev/null 2>&1
is "$(state)" applied "another plan on the same workloads"
again=$id
is "$(of "$first")" "2 $saved $((saved / 2)) $again" "the first is measured by the run that changed them next"
sleep 1.1
look 300 2 40000 5000
is "$(of "$first")" "2 $saved $((saved / 2)) $again" "and by no later one"
is "$(of "$again")" "2 $((saved / 2)) $((saved / 2)) $id" "which measures the second"
run "$tare" rollback "$again" --yes
is "$rc" 0 "the second is rolled back" || diag "$err"
is "$(savings | jq -c 'map(.run)')" "[$first]" "what was rolled back is not counted"
is "$(of "$first")" "2 $saved $saved $id" "and ends nothing"
like "$("$tare" history savings)" "$first +default +.* 2 +2 " "the table has it too"

# A login that is narrowed to namespaces.
"$tare" login teller viewer >/dev/null 2>&1
"$tare" login chief viewer admin >/dev/null 2>&1
"$tare" --as chief grant teller --namespace other >/dev/null 2>&1
is "$("$tare" --as teller history savings --format json 2>"$tmp/savings.err")" "[]" "who may not see a run is not told of its savings"
like "$(cat "$tmp/savings.err")" "this login does not see whole" "and that this may be so"
done_testing
