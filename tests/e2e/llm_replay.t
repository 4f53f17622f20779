#!/bin/bash
# What models said is kept: a second run on the same evidence asks nothing, a replay gives the same bytes without network and key, and an
# analysis that was killed or interrupted does not ask again what it heard.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/killed.sh"
. "$(dirname "$0")/../harness/llm.sh"
. "$(dirname "$0")/shop.sh"
need script
export TMPDIR=$tmp/scratch
mkdir "$TMPDIR"
llm_start
export ANTHROPIC_API_KEY=sk-test
config() { # FILE URL MORE
    sed "s|^  providers: .*|  providers: [anthropic]\n  anthropic: {base_url: $2}${3:+\n  $3}|" tare.yaml >"$1"
}
config ask.yaml "$llm_url"
recommendations() { "$tare" show "$1" analyze | sha256sum; }
kept() { "$tare" show "$1" analyze | records | sed 's/"cluster":"[a-z]*"/"cluster":""/' | sha256sum; } # without header, trailer, cluster
sources() { "$tare" show "$1" analyze | jq -r 'select(.recommendation) | .recommendation.source' | sort | uniq -c | xargs; }
new() { # MORE: a run; $id is its number
    run "$tare" run -c ask.yaml --end "$end" --format json "$@"
    id=$(json .run)
}
# Number of calls that the server saw, after the last time it was asked.
seen=0
calls() { local now; now=$(llm_count); echo $((now - seen)); }
mark() { seen=$(llm_count); }

# ---- The same evidence is not asked about twice ----
new
is "$rc" 0 "a run that asks a model" || diag "$err"
first=$id
asked=$(calls)
ok "it asked ($asked calls)" test "$asked" -gt 2
like "$(sources "$first")" '[0-9]+ llm' "and the model's answers count"
ledger() { "$tare" history llm "$@" --format json; }
is "$(ledger "$first" | jq length)" "$asked" "every call is in the ledger"
is "$("$tare" history llm "$first" | awk 'NR > 1 && / answered / { n++ } END { print n }')" "$asked" "and is listed"
is "$("$tare" history llm | awk -v run="$first" '$1 == run { print $4 }')" "$asked" "as the run is, with the number of its calls"
like "$("$tare" history llm)" 'This month, over all runs: [0-9]+ tokens, USD [0-9]+\.[0-9]{4}' "and the month's bill"
run "$tare" history llm 999
is "$rc" 66 "of a run that is not there nothing is listed"
mark
new
is "$rc:$(calls)" "0:0" "a second run on the same evidence asks nothing"
second=$id
is "$(kept "$second")" "$(kept "$first")" "and gives the same records: nothing in them tells an answer from the network from one of the cache"

# ---- Replay ----
same_as() { # RUN NAME
    is "$rc" 0 "$2" || diag "$err"
    is "$(recommendations "$id")" "$(recommendations "$1")" "gives the same artifact, byte for byte"
    like "$err" "the recommendations are those of run [0-9]+, byte for byte" "and says so"
}
replay() { run env -u ANTHROPIC_API_KEY "$tare" rerun "$1" -c "${2:-ask.yaml}" --replay --format json; id=$(json .run); }
mark
replay "$first"
same_as "$first" "a replay of the first, without a key"
replayed=$id
replay "$second"
same_as "$second" "of the second, which took its answers from the cache"
is "$(calls)" 0 "nothing was asked"
run "$tare" rerun "$first" -c ask.yaml --from analyze --replay --format json
id=$(json .run)
same_as "$first" "with --from analyze"
replay "$replayed"
same_as "$first" "a replay of a replay"
run "$tare" rerun "$first" -c ask.yaml --from price --format json
replay "$(json .run)"
same_as "$first" "and of a rerun that stands on the same analysis"

run "$tare" rerun "$first" --from parse --replay
is "$rc" 64 "other evidence is not replayed"
like "$err" "--replay repeats an analysis, and --from parse would give it other evidence" "which is said"
run "$tare" rerun "$first" --from diff --replay
is "$rc" 64 "nor what comes after"
run "$tare" run --replay
is "$rc" 64 "a new run has nothing to replay"
run "$tare" run --end "$end" --format json
rules=$(json .run)
run "$tare" rerun "$rules" --replay
is "$rc" 66 "nor has one that asked nobody"
like "$err" "the ledger holds no answers of a model for the analysis of run $rules" "which is said"
like "$err" "tare rerun $rules --from analyze" "with what to do"
is "$("$tare" status --format json | jq '[.[] | select(.state == "running")] | length')" 0 "and no run was begun for it"

# ---- A model that goes wrong: refused and failed answers, and the network gone ----
good=$llm_pid
llm_start 'workload=shop/Deployment/cart say=negative' 'workload=shop/Deployment/storefront say=refusal' 'workload=*/redis* status=400'
config bad.yaml "$llm_url" "workloads_per_call: 1"
run "$tare" run -c bad.yaml --cluster bad --end "$end" --format json
bad=$(json .run)
is "$rc" 0 "a run on a model that goes wrong" || diag "$err"
is "$("$tare" show "$bad" analyze | jq -rs '[.[] | select(.problems // [] | any(.code == "fallback"))] | length > 0')" true "the rules take the place of some answers"
llm_stop
replay "$bad" bad.yaml
same_as "$bad" "its replay with no server and no key"
ok "failed and refused calls are in the ledger" test "$(ledger "$bad" | jq '[.[] | select(.outcome != "answered")] | length')" -gt 1
llm_pid=$good

# ---- Killed and interrupted ----
llm_start 'latency=150'
config slow.yaml "$llm_url" "workloads_per_call: 1\n  parallel: 1"
until_calls() { # N PID
    while (($(calls) < $1)) && kill -0 "$2" 2>/dev/null; do sleep 0.05; done
}
child() { pgrep -P "$1" -x tare-analyze; }
seen=0
run "$tare" run -c slow.yaml --cluster whole --end "$end" --format json
whole=$(json .run)
all=$(calls)
resume() { # NAME CALLS-THAT-WERE-MADE
    local made
    again "$tare" run --resume "$broken" --format json
    made=$(calls)
    is "$rc" 0 "$1: the run goes on" || diag "$err"
    ok "without asking again what it heard ($made calls, $all for all)" test "$made" -le "$2"
    is "$(kept "$broken")" "$(kept "$whole")" "and comes to the same"
    replay "$broken" slow.yaml
    is "$(recommendations "$id")" "$(recommendations "$broken")" "so does its replay"
    mark
}
newest() { "$tare" status --format json | jq -r --arg cluster "$1" '[.[] | select(.cluster == $cluster)][0].run'; }
start() { # CLUSTER: sets $pid; what comes after it must be quick, the analysis goes on
    mark
    "$tare" run -c slow.yaml --cluster "$1" --end "$end" >"$tmp/$1.out" 2>"$tmp/$1.err" &
    pid=$!
    until_calls 4 "$pid"
}
start one
kill -9 "$(child "$pid")"
wait "$pid"
is "$?" 75 "the analysis is killed"
broken=$(newest one)
like "$(cat "$tmp/one.err")" "tare run --resume $broken" "tare says how it goes on"
resume "after a kill of tare-analyze" $((all + 1))

start two
kill -TERM "$pid"
wait "$pid"
is "$?" 75 "a signal for tare ends the analysis in its own way"
broken=$(newest two)
like "$(cat "$tmp/two.err")" "run $broken was interrupted in its analyze" "which is said"
like "$(cat "$tmp/two.err")" "tare run --resume $broken" "with how it goes on"
is "$("$tare" status --format json | jq -r --argjson run "$broken" '.[] | select(.run == $run) | .state')" running "the run is not over"
resume "after a signal" $((all + 1))

mark
mkfifo "$tmp/keys"
script -qec "$tare run -c slow.yaml --cluster three --end $end" "$tmp/three.err" <"$tmp/keys" >/dev/null 2>&1 &
pid=$!
exec 5>"$tmp/keys"
until_calls 4 "$pid"
printf '\003' >&5
wait "$pid"
is "$?" 75 "Ctrl-C at a terminal ends it in its own way"
exec 5>&-
broken=$(newest three)
like "$(cat "$tmp/three.err")" "tare run --resume $broken" "and tare says how it goes on"
resume "after Ctrl-C" $((all + 1))

start four
orphan=$(child "$pid")
kill -9 "$pid"
wait "$pid" 2>/dev/null
broken=$(newest four)
while kill -0 "$orphan" 2>/dev/null; do sleep 0.05; done
resume "after a kill of tare itself" $((all + 1))
is "$(ls -A "$TMPDIR")" "" "and nothing is left in the folder for temporary files"

# ---- Evidence that wobbles, and answers that age ----
mark
run "$tare" run -c slow.yaml --cluster whole --end "$(date -u -d "$end 10 minutes ago" +%FT%TZ)" --format json
wobbled=$(json .run)
ok "a window that ends ten minutes earlier gives other figures" test "$(kept "$wobbled")" != "$(kept "$whole")"
made=$(calls)
ok "most of which are the same in steps of the key ($made calls, $all for all)" test $((4 * made)) -lt $((3 * all))
replay "$wobbled" slow.yaml
is "$(recommendations "$id")" "$(recommendations "$wobbled")" "and its replay takes the answer that it took"
mark
config poor.yaml "$llm_url" "max_tokens_per_month: 10\n  over_budget: refuse"
run "$tare" run -c poor.yaml --cluster poor --end "$end"
is "$rc:$(calls)" "77:0" "what all runs of the month spent counts: a month's budget that is used up asks nothing"

mark
later=$(date -u -d "8 days" +%FT%TZ)
TARE_NOW=$later run "$tare" run -c slow.yaml --cluster whole --end "$end" --format json
is "$rc:$(calls)" "0:$all" "after seven days the same is asked again" || diag "$err"
done_testing
