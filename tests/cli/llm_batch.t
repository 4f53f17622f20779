#!/bin/bash
# Questions as the vendor's batches: one price cut in half, the same records, what a batch leaves open asked one by one, and nothing paid twice.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/llm.sh"

need jq curl
export ANTHROPIC_API_KEY=sk-batch-1

artifact() {
    jq -nc --argjson n "$1" '
        {by: "test", created: "2026-11-22T03:00:00Z", settings: {}, tare: "usage", version: 1},
        (range($n) | . as $i | ("w" + (1000 + $i | tostring)) as $name | {problems: [],
            usage: {containers: {app: {cpu_millicores: {bh90: 160, max: 300, p50: 80, p90: 130, p95: 150, p99: 200, p99_5: 220, samples: 20160, wp95: 155},
                memory_bytes: {max: (200000000 + $i), p50: 190000000, p90: 195000000, p95: 196000000, p99: 198000000, samples: 20160, wp99: 198000000},
                oom_kills: 0, restarts: 0, throttled_ratio: 0}}, coverage: 1, history_seconds: 604800, pods: 2, replicas: 2, source: "file",
                window: {end: "2026-11-22T03:00:00Z", seconds: 604800, start: "2026-11-15T03:00:00Z"}},
            workload: {api_version: "apps/v1", autoscaler: null, cluster: "c", containers: [{image: "shop/app:1",
                limits: {cpu_millicores: null, memory_bytes: 536870912}, name: "app", requests: {cpu_millicores: 500, memory_bytes: 536870912},
                role: "container"}], kind: "Deployment", labels: {}, name: $name, namespace: "shop", replicas: 2,
                source: {document: 1, file: ($name + ".yaml"), item: null, line: 1, sha256: "0"}}}),
        {end: {input: null, problems: 0, records: $n, skipped: {}, workloads: $n}}'
}

# settings BATCH [KEY: VALUE,…]
settings() {
    printf 'version: 1\nanalysis: {providers: [anthropic], anthropic: {base_url: "%s", batch: %s}, %s}\n' "$llm_url" "$1" "${2:-}" >"$tmp/tare.yaml"
}
analyze() { run "$BIN/tare-analyze" -c "$tmp/tare.yaml" --created 2026-11-22T03:00:00Z "$@"; }
rows() { jq -rc "select(.$1) | .$1 | $2" "$tmp/history"; }
sources() { jq -rc 'select(.workload) | .recommendation | .source' <<<"$out" | sort | uniq -c | sed 's/^ *//' | tr '\n' ' '; }
cost() { rows llm .cost_microusd | jq -s add; }

artifact 40 >"$tmp/in"
llm_start
settings false
analyze --history-out "$tmp/history" <"$tmp/in"
alone=$out
full=$(cost)
settings true
before=$(llm_count)
analyze --history-out "$tmp/history" <"$tmp/in"
is "$rc $(sources)" "0 40 llm " "questions as a batch"
is "$(($(llm_count) - before)) $(llm_stat batches) $(llm_stat batched)" "0 1 10" "ten questions in one batch, none alone"
is "$(sha256sum <<<"$out")" "$(sha256sum <<<"$alone")" "the same bytes as without"
is "$(rows llm '[.batch,.outcome] | join(" ")' | sort | uniq -c | tr -s ' \n' ' ')" " 10 true answered " "each question has its row"
ok "at half the price" test "$(cost)" -lt "$((full * 6 / 10))" -a "$(cost)" -gt 0
is "$(rows batch '[.provider,.model] | join(" ")')" "anthropic claude-haiku-5-5" "and so has the batch"
unlike "$out$err$(<"$tmp/history")" "sk-batch-1" "the key is nowhere"

# an attempt that was killed while it waited: only the row of the batch is left
{ head -1 "$tmp/history"; jq -c 'select(.batch)' "$tmp/history"; } >"$tmp/killed"
analyze --history "$tmp/killed" <"$tmp/in"
is "$rc $(sources)$(llm_stat batches)" "0 40 llm 1" "a batch that was sent before is taken, not sent again"
analyze --history "$tmp/history" <"$tmp/in"
is "$rc $(sources)$(llm_stat batches) $(($(llm_count) - before))" "0 40 llm 1 0" "what is known needs no batch"
llm_stop

# --- what a batch leaves open ---
llm_start 'api=batched nth=2 outcome=expired' 'workload=*/w1000 times=1 say=missing' 'workload=*/w1030 say=negative'
settings true
analyze --history-out "$tmp/history" <"$tmp/in"
is "$rc $(sources)" "0 35 llm 5 rules " "an expired question and an answer that does not hold are left to the rules"
is "$(llm_count)" 2 "two repairs are asked one by one"
is "$(rows llm '[.batch,.outcome] | join(" ")' | sort | uniq -c | tr -s ' \n' ' ')" " 1 false refused 1 false repaired 9 true answered 1 true failed " \
    "each call has its row"
is "$(jq -rc '.recommendation.fallback | select(.) | .reason' <<<"$out" | sort | uniq -c | tr -s ' \n' ' ')" \
    " 1 cpu_request_millicores is out of range 4 the batch expired before this question was answered " "with the reason"
llm_stop

# --- failures in a row take nothing away of what the batch brought ---
artifact 120 >"$tmp/more"
llm_start 'api=batched workload=*/w100? outcome=expired'
settings true 'workloads_per_call: 1, parallel: 2'
analyze --history-out "$tmp/history" <"$tmp/more"
is "$rc $(sources)" "0 110 llm 10 rules " "ten expired, all others are taken"
is "$(rows llm '[.batch,.outcome] | join(" ")' | sort | uniq -c | tr -s ' \n' ' ')" " 110 true answered 10 true failed " "and on record"
llm_stop

# --- the budget, and a key that is refused ---
llm_start
settings true 'max_tokens_per_run: 15000'
analyze <"$tmp/in"
is "$rc" 0 "a budget that allows some questions"
like "$(sources)" "^[0-9]+ llm [0-9]+ rules $" "the rest is left to the rules"
like "$(jq -rc '.recommendation.fallback | select(.) | .reason' <<<"$out" | sort -u)" "^the run's budget of 15000 tokens" "for that reason"
settings true 'max_tokens_per_run: 15000, over_budget: refuse'
analyze <"$tmp/in"
is "$rc $(llm_stat batches)" "77 1" "over_budget: refuse sends no batch at all"
llm_stop
llm_start 'api=any status=401 error=authentication_error'
settings true
analyze <"$tmp/in"
is "$rc $(sources)" "0 40 rules " "a key that is refused"
is "$(jq -rc '.recommendation.fallback | select(.) | .from' <<<"$out" | sort | uniq -c | tr -s ' \n' ' ')" " 40 anthropic " "each record says so"
llm_stop

# --- Ctrl-C while a batch is waited for ---
llm_start 'api=create ended-after=600000'
settings true
"$BIN/tare-analyze" -c "$tmp/tare.yaml" --history-out "$tmp/history" <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
pid=$!
for _ in {1..600}; do
    (($(llm_stat polls) >= 1)) && break
    sleep 0.1
done
(($(llm_stat polls) >= 1)) || diag "the batch is not waited for: $(<"$tmp/err")"
kill -TERM "$pid"
wait "$pid"
is "$? $(grep -c '"end"' "$tmp/out")" "75 0" "a signal ends it with 75 and no trailer"
is "$(llm_stat cancels)" 1 "the batch is cancelled"
is "$(rows batch .provider)" anthropic "and its row is kept"
done_testing
