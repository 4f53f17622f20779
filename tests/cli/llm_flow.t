#!/bin/bash
# Many workloads and many questions at once: order, grouping, the chain, repairs, cache and replay, budgets, estimate, Ctrl-C. The model is
# the scripted server.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/llm.sh"

need jq curl

# artifact COUNT: an artifact of kind usage; every fifth workload has no usage, every seventh a request that is right already.
artifact() {
    jq -nc --argjson n "$1" '
        def series($max): {bh90: ($max * 0.5), max: $max, p50: ($max * 0.3), p90: ($max * 0.45), p95: ($max * 0.5), p99: ($max * 0.7),
            p99_5: ($max * 0.8), samples: 20160, wp95: ($max * 0.5), wp99: ($max * 0.7)};
        {by: "test", created: "2026-11-22T03:00:00Z", settings: {}, tare: "usage", version: 1},
        (range($n) | . as $i | ("w" + (1000 + $i | tostring)) as $name | {problems: [],
            usage: (if $i % 5 == 4 then null else {containers: {app: {cpu_millicores: series(300 + $i % 50), memory_bytes: series(200000000 + $i * 1000),
                oom_kills: 0, restarts: 0, throttled_ratio: 0}}, coverage: 1, history_seconds: 604800, pods: 2, replicas: 2, source: "file",
                window: {end: "2026-11-22T03:00:00Z", seconds: 604800, start: "2026-11-15T03:00:00Z"}} end),
            workload: {api_version: "apps/v1", autoscaler: null, cluster: "c", containers: [{image: "shop/app:1",
                limits: {cpu_millicores: null, memory_bytes: 536870912}, name: "app", requests: {cpu_millicores: 500, memory_bytes: 536870912},
                role: "container"}], kind: "Deployment", labels: {}, name: $name, namespace: "shop", replicas: 2,
                source: {document: 1, file: ($name + ".yaml"), item: null, line: 1, sha256: "0"}}}),
        {end: {input: null, problems: 0, records: $n, skipped: {}, workloads: $n}}'
}

# settings [KEY: VALUE,…]: tare.yaml with the server as openai, and more of `analysis`.
settings() {
    printf 'version: 1\nanalysis: {providers: [openai], openai: {model: m, base_url: "%s/v1"}, %s}\n' "$llm_url" "${1:-}" >"$tmp/tare.yaml"
}
analyze() { run "$BIN/tare-analyze" -c "$tmp/tare.yaml" --created 2026-11-22T03:00:00Z "$@"; }
sources() { jq -rc 'select(.workload) | .recommendation | .source' <<<"$out" | sort | uniq -c | sed 's/^ *//' | tr '\n' ' '; }
# rows NAME FILTER: of --history-out
rows() { jq -rc "select(.$1) | .$1 | $2" "$tmp/history"; }

artifact 120 >"$tmp/in"
names=$(jq -r 'select(.workload) | .workload.name' "$tmp/in")

# --- order and grouping do not depend on when answers come ---
llm_start 'every=3 latency=70' 'every=2 latency=10' 'workload=*/w1011 say=negative'
settings 'parallel: 1'
analyze --history-out "$tmp/history" <"$tmp/in"
is "$rc" 0 "one question at a time"
one=$out
is "$(sources)" "95 llm 25 rules " "all but those without usage, and the one that is answered badly, are a model's"
is "$(jq -r 'select(.workload) | .workload.name' <<<"$out")" "$names" "in the order of the input"
is "$(llm_count)" 25 "96 workloads in 24 questions and one more with a complaint"
is "$(rows llm .outcome | sort | uniq -c | tr -s ' \n' ' ')" " 24 answered 1 refused " "each call has its row"
is "$(rows answer '[.outcome,.provider,.model] | join(" ")' | sort | uniq -c | tr -s ' \n' ' ')" " 95 answered openai m 1 refused openai m " \
    "and each workload that was asked about"
is "$(rows llm .key | sort -u | wc -l)" 25 "the key of a call is its own"
like "$(jq -r 'select(.workload.name == "w1011") | .recommendation.fallback | [.from,.reason] | join(" ")' <<<"$out")" "^openai .*(range|negative|number)" \
    "who was not used, and why"
settings 'parallel: 16'
analyze <"$tmp/in"
is "$(sed 1d <<<"$out" | sha256sum)" "$(sed 1d <<<"$one" | sha256sum)" "sixteen at a time give the same bytes"

# --- a slow answer holds up no more than the window ---
llm_start 'workload=*/w1000 latency=1500'
settings 'parallel: 4, workloads_per_call: 1'
begin=$(date +%s%N)
analyze <"$tmp/in"
is "$rc $(sources)" "0 96 llm 24 rules " "a slow answer"
ok "is waited for beside all others" test $((($(date +%s%N) - begin) / 1000000)) -ge 1500
is "$(jq -r 'select(.workload) | .workload.name' <<<"$out")" "$names" "and keeps its place"
llm_stop

# --- a refusal that is known grows old ---
llm_start 'say=refusal'
settings 'workloads_per_call: 1'
artifact 2 >"$tmp/two"
analyze --history-out "$tmp/history" <"$tmp/two"
is "$(rows answer .outcome | sort | uniq -c | tr -s ' \n' ' ')" " 2 refused " "refused"
sed -i 's/"at":"[^"]*"/"at":"2026-11-21T23:00:00Z"/' "$tmp/history"
before=$(llm_count)
analyze --history "$tmp/history" --history-out "$tmp/again" <"$tmp/two"
is "$rc $(($(llm_count) - before))" "0 0" "a refusal that is young is not asked for again"
is "$(jq -r 'select(.answer) | .answer.at' "$tmp/again" | sort -u)" "2026-11-21T23:00:00Z" "and is no younger for being taken"
llm_stop

# --- cache and replay ---
llm_start
settings
analyze --history-out "$tmp/history" <"$tmp/in"
first=$out
before=$(llm_count)
analyze --history "$tmp/history" --history-out "$tmp/again" <"$tmp/in"
is "$rc $(($(llm_count) - before))" "0 0" "a second run asks nothing"
is "$(sed 1d <<<"$out" | sha256sum)" "$(sed 1d <<<"$first" | sha256sum)" "and comes to the same"
is "$(jq -rc 'select(.answer) | .answer.at' "$tmp/again" | sort -u)" "$(rows answer .at | sort -u)" "an answer that is used again ages"
like "$err" "96 known already" "and says so"
settings 'cache_ttl: 0s'
analyze --history "$tmp/history" <"$tmp/in"
is "$(($(llm_count) - before))" 24 "cache_ttl 0s asks again"
llm_stop
settings
analyze --replay --history "$tmp/history" <"$tmp/in"
is "$rc $(sha256sum <<<"$out")" "0 $(sha256sum <<<"$first")" "a replay needs no server and gives the same bytes, header and trailer too"
grep -v w1003 "$tmp/history" >"$tmp/less"
analyze --replay --history "$tmp/less" <"$tmp/in"
is "$rc $(jq -r 'select(.workload.name == "w1003") | .recommendation | [.source,.fallback.reason] | join(" ")' <<<"$out")" \
    "0 rules the ledger holds no answer to this evidence" "what the ledger does not hold is left to the rules"
like "$err" "1 workload was left to the rules: the ledger holds no answer" "with a warning"
analyze --replay <"$tmp/in"
is "$rc" 64 "a replay without a history"

# --- the chain ---
llm_start 'api=anthropic status=401 error=authentication_error'
printf 'version: 1\nanalysis: {providers: [anthropic, openai], anthropic: {base_url: "%s"}, openai: {model: m, base_url: "%s/v1"}}\n' \
    "$llm_url" "$llm_url" >"$tmp/tare.yaml"
ANTHROPIC_API_KEY=sk-secret-1 analyze --history-out "$tmp/history" <"$tmp/in"
is "$rc $(sources)" "0 96 llm 24 rules " "a provider that refuses the key is passed over"
is "$(jq -rc 'select(.recommendation.fallback) | .recommendation | [.provider,.fallback.from]' <<<"$out" | sort -u)" '["openai","anthropic"]' \
    "each record says who"
is "$(jq -rc 'select(.recommendation.fallback) | .recommendation.fallback.reason' <<<"$out" | sort -u | wc -l)" 1 "with the same reason"
ok "and it is not asked for ever" test "$(rows llm 'select(.provider == "anthropic") | 1' | wc -l)" -le 8
is "$(rows answer '[.provider,.outcome] | join(" ")' | sort | uniq -c | tr -s ' \n' ' ')" " 96 anthropic failed 96 openai answered " \
    "each provider that was consulted is told"
unlike "$out$err$(<"$tmp/history")" "sk-secret-1" "the key is nowhere"
chain=$out
llm_stop
analyze --replay --history "$tmp/history" <"$tmp/in"
is "$(sha256sum <<<"$out")" "$(sha256sum <<<"$chain")" "a replay of a chain needs no key and comes to the same"

# --- replies that are good for some, and none at all ---
llm_start 'workload=*/w1001 times=1 say=missing'
settings
analyze --history-out "$tmp/history" <"$tmp/in"
is "$rc $(sources)$(llm_count)" "0 96 llm 24 rules 25" "a workload that was left out is asked about once more"
is "$(llm_requests | jq -sc '[.[] | select((.body | tostring) | test("no answer that can be used")) | .workloads] | first')" '["shop/Deployment/w1001"]' \
    "alone, with what was wrong"
is "$(rows llm .outcome | sort | uniq -c | tr -s ' \n' ' ')" " 24 answered 1 repaired " "and its row says so"
like "$err" "1 repaired" "so does the summary"
llm_stop
llm_start 'workload=*/w1002 say=refusal'
settings
analyze <"$tmp/in"
is "$rc $(sources)$(llm_count)" "0 95 llm 25 rules 28" "a refusal about one workload costs the others of its question nothing"
llm_stop

# --- budgets ---
llm_start
settings 'max_tokens_per_run: 9000, parallel: 4'
analyze <"$tmp/in"
is "$rc" 0 "beyond the budget the rules decide"
like "$(jq -rc '.recommendation.fallback | select(.) | .reason' <<<"$out" | sort -u)" "^the run's budget of 9000 tokens [^.]*\(analysis.max_tokens_per_run\)" "and the reason says so"
ok "what was spent stays within it" test "$(($(llm_stat input_tokens) + $(llm_stat output_tokens)))" -le 9000
ok "and something was asked" test "$(llm_count)" -gt 0
settings 'max_tokens_per_run: 9000, over_budget: refuse'
analyze --history-out "$tmp/history" <"$tmp/in"
is "$rc" 77 "over_budget: refuse ends the run"
unlike "$out" '"end"' "without a trailer"
ok "what was paid for is kept" test "$(rows answer 1 | wc -l)" -gt 0
printf '%s\n' '{"tare":"history","version":1}' '{"spent":{"microusd":5,"tokens":100000}}' >"$tmp/spent"
settings 'max_tokens_per_month: 100100'
before=$(llm_count)
analyze --history "$tmp/spent" <"$tmp/in"
is "$rc $(($(llm_count) - before))" "0 0" "what earlier runs of the month spent counts"
like "$(jq -rc '.recommendation.fallback | select(.) | .reason' <<<"$out" | sort -u)" "month's budget of 100100" "with its own reason"

# --- estimate and prompt ---
settings 'workloads_per_call: 3'
before=$(llm_count)
analyze --estimate --history-out "$tmp/none" <"$tmp/in"
is "$rc $(($(llm_count) - before))" "0 0" "--estimate asks nothing"
like "$out" "120 workloads: 96 with something that can move, 24 without" "says how many there are"
like "$out" "openai +m +0 +96 +32 +[0-9]+ +[0-9]+ +not known" "and what they would take"
ok "and keeps nothing" test ! -e "$tmp/none"
unlike "$out" "may not do" "nothing of a budget that is large enough"
settings 'workloads_per_call: 3, max_tokens_per_run: 5000'
analyze --estimate <"$tmp/in"
like "$out" "a run may spend 5000 tokens .analysis.max_tokens_per_run., which may not do: beyond it the rules decide" "--estimate tells of a budget that may not do"
settings 'workloads_per_call: 3, max_tokens_per_month: 100100, over_budget: refuse'
analyze --estimate --history "$tmp/spent" <"$tmp/in"
like "$out" "of this month.s 100100 tokens .* [0-9]{1,5} are left, which may not do: the run would end with 77" "and what the run would do then"
echo 'analysis: {providers: [anthropic], anthropic: {batch: true}}' >"$tmp/batch.yaml"
run "$BIN/tare-analyze" -c "$tmp/batch.yaml" --estimate <"$tmp/in"
half=$(awk '$1 == "anthropic" {print $8}' <<<"$out")
run "$BIN/tare-analyze" --llm anthropic --estimate <"$tmp/in"
whole=$(awk '$1 == "anthropic" {print $8}' <<<"$out")
ok "batches are estimated at half the price" awk -v half="$half" -v whole="$whole" 'BEGIN {exit !(half > 0 && (whole / half) > 1.95 && (whole / half) < 2.05)}'
settings 'workloads_per_call: 3'
analyze --estimate <"$tmp/in"
questions=$(awk '$1 == "openai" {print $5}' <<<"$out")
tokens=$(awk '$1 == "openai" {print $6}' <<<"$out")
spent=$(llm_stat input_tokens)
analyze <"$tmp/in"
is "$(($(llm_count) - before))" "$questions" "as many questions as it said"
ok "and no more tokens" test $(($(llm_stat input_tokens) - spent)) -le "$tokens"
analyze --prompt-for shop/Deployment/w1005 <"$tmp/in"
prompt=$out
settings 'workloads_per_call: 1'
analyze <"$tmp/in"
is "$(llm_requests | jq -c 'select(.workloads == ["shop/Deployment/w1005"]) | .body' | tail -1 | jq -cS .)" "$(jq -cS . <<<"$prompt")" \
    "--prompt-for is what is sent"
analyze --prompt-for shop/Deployment/w999 <"$tmp/in"
is "$rc" 65 "no such workload"
like "$err" "w1009|w1" "the nearest are named"
run "$BIN/tare-analyze" --prompt-for shop/Deployment/w1005 <"$tmp/in"
is "$rc" 78 "nobody to ask"
llm_stop

# --- progress on a terminal, and nowhere else ---
llm_start 'latency=30'
settings 'parallel: 2'
script -qec "$BIN/tare-analyze -c $tmp/tare.yaml --created 2026-11-22T03:00:00Z <$tmp/in >$tmp/out" "$tmp/seen" >/dev/null </dev/null
like "$(<"$tmp/seen")" "questions: [0-9]+ of [0-9]+ so far; [0-9]+ tokens, USD" "a terminal shows how far it is"
script -qec "$BIN/tare-analyze -q -c $tmp/tare.yaml --created 2026-11-22T03:00:00Z <$tmp/in >$tmp/out" "$tmp/seen" >/dev/null </dev/null
unlike "$(<"$tmp/seen")" "so far;" "not with --quiet"
analyze <"$tmp/in"
unlike "$err" "so far;" "nor where messages go to a file"
like "$err" "24 questions asked about 96 workloads \(0 repaired\), 0 known already, 0 left to the rules; [0-9]+ tokens, USD [0-9.]+" "the last line sums up"
llm_stop

# --- Ctrl-C ---
llm_start 'after=3 hang'
settings 'parallel: 2, workloads_per_call: 1'
"$BIN/tare-analyze" -c "$tmp/tare.yaml" --history-out "$tmp/history" <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
pid=$!
for _ in {1..600}; do
    (($(llm_count) >= 5)) && break
    sleep 0.1
done
is "$(llm_count)" 5 "two that have no answer are under way at once"
kill -INT "$pid"
wait "$pid"
is "$?" 75 "a signal ends it with 75"
is "$(rows answer .outcome | sort | uniq -c | tr -s ' \n' ' ')" " 3 answered " "what came is kept"
is "$(grep -c '"end"' "$tmp/out")" 0 "the artifact has no trailer"
is "$(rows llm '[.outcome, .input_tokens > 0] | join(" ")' | sort | uniq -c | tr -s ' \n' ' ')" " 3 answered true 2 failed true " \
    "what was under way may be charged: it is on record"
# --- what no setting can mean ---
refused() { # EXIT SETTINGS PATTERN WHAT
    settings "$2"
    analyze <"$tmp/in"
    is "$rc:$out" "$1:" "$4"
    like "$err" "$3" "and says so"
}
for bad in 'parallel: 0' 'parallel: 65' 'workloads_per_call: 0' 'workloads_per_call: 17'; do
    refused 78 "$bad" "tare.yaml, line 2: analysis.${bad%%:*}: must be between 1 and (64|16)" "$bad is refused"
done
settings ''
sed -i 's|providers: .openai.|providers: [rules, openai]|' "$tmp/tare.yaml"
analyze <"$tmp/in"
is "$rc $(sources)" "0 120 rules " "a provider after the rules is not asked"
like "$err" "analysis.providers: openai stands after rules and is never asked" "which is said"
: >"$tmp/empty"
for bad in "66 $tmp/no-key no-key.*hint: .*key_file" "78 $tmp/empty empty is empty.*hint: put the key"; do
    read -r code file pattern <<<"$bad"
    settings "anthropic: {key_file: $file}, redact: []"
    sed -i 's/providers: .openai./providers: [anthropic]/' "$tmp/tare.yaml"
    run "$BIN/tare-analyze" -c "$tmp/tare.yaml" <"$tmp/in"
    is "$rc:$out" "$code:" "a key file that is of no use"
    like "$(tr '\n' ' ' <<<"$err")" "$pattern" "is told with what to do"
done
done_testing
