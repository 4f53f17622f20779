#!/bin/bash
# A whole run of 200 workloads on the scripted model servers, from local to cloud to the rules: nothing is lost, every number stays within
# its bounds, whoever was passed over is told of; a second run asks nothing, a replay gives the same bytes.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/llm.sh"
. "$(dirname "$0")/../harness/objects_line.sh"
need curl
workloads=200 end=2026-11-22T00:00:00Z
export ANTHROPIC_API_KEY=sk-test
sed -i 's/ 2$/ 2 '"$end/" "$line/tare-collect" # usage of the same week in every run
"$BIN/fixtures/metrics" --end "$end" --workloads "$workloads" --pods 1 --manifests deploy --no-metrics || exit 1

# The local model refuses 20 workloads and fails now and then; the cloud never gives a good answer about 10 of those, and asks to wait.
llm_start 'workload=*/svc-00??3 say=refusal' 'every=25 status=500' 'every=40 status=503 retry-after=0' 'latency=5'
local_url=$llm_url local_pid=$llm_pid
llm_start 'workload=*/svc-000?3 say=negative' 'nth=2 status=429 retry-after=1' 'nth=4 status=529' 'latency=20'
cloud_url=$llm_url cloud_pid=$llm_pid
cat >tare.yaml <<YAML
version: 1
metrics: {prometheus: "http://127.0.0.1:1"}
analysis:
  providers: [openai, anthropic]
  openai: {base_url: "$local_url/v1", model: local, key_env: NO_KEY_FOR_IT}
  anthropic: {base_url: "$cloud_url"}
YAML

analysis() { "$tare" show "$1" analyze; }
records() { analysis "$1" | grep -a '^{.*"recommendation"'; }
of() { records "$1" | jq -r "$2" | sort | uniq -c | xargs; }
calls() { echo "$(llm_count "$local_url") $(llm_count "$cloud_url")"; }

objects_run deploy
first=$id
is "$rc" 0 "a run of $workloads workloads" || diag "$err"
is "$(records "$first" | wc -l)" "$workloads" "no record is lost"
is "$(records "$first" | jq -r '.workload.name' | uniq | sort -c && echo sorted)" sorted "and they stand in the order of the manifests"
is "$(of "$first" '.recommendation | .source + " " + (.provider // "-") + " " + (.model // "-")')" \
    "10 llm anthropic claude-haiku-5-5 180 llm openai local 10 rules - -" "180 are the local model's, 10 the cloud's, 10 the rules'"
is "$(records "$first" | jq -r 'select(.recommendation.source == "rules") | .workload.name' | xargs)" "$(seq -f 'svc-000%g3' 0 9 | xargs)" "the right ones"
is "$(of "$first" '.problems[] | select(.code == "fallback") | .message')" "20 openai was not used: the model refused to answer (refusal)" \
    "whose records say why"
outside() { # RUN: amounts that are not within their bounds, one a line
    records "$1" | jq -c '.workload.name as $name | .recommendation.containers | to_entries[] | .value | (.requests, .limits) |
        . as $part | ("cpu_millicores", "memory_bytes") | select($part[.] != null) |
        if $part.bounds[.] == null then [$name, ., "no bounds"]
        elif $part[.] < $part.bounds[.].min or $part[.] > $part.bounds[.].max then [$name, ., $part[.], $part.bounds[.]] else empty end'
}
amounts() { records "$1" | jq '.recommendation.containers[] | (.requests, .limits) | (.cpu_millicores, .memory_bytes) | select(. != null)' | wc -l; }
is "$(outside "$first")" "" "no number is outside its bounds"
ok "of $(amounts "$first")" test "$(amounts "$first")" -gt "$workloads"
ok "the local model went wrong and was asked again" test "$(llm_stat refused "$local_url")" -gt 0
is "$(llm_stat refused "$cloud_url")" 2 "the cloud made it wait"

# The ledger has every call and what came of each workload with each model.
ledger() { "$tare" history llm "$1" --format json; }
read -r local_calls cloud_calls <<<"$(calls)"
tries=$(($(llm_stat refused "$local_url") + $(llm_stat refused "$cloud_url")))
is "$(ledger "$first" | jq 'length')" "$((local_calls + cloud_calls - tries))" "the ledger has every question that was answered"
like "$("$tare" report "$first" --format markdown)" "the model refused to answer" "the report says why the rules decided"

# Again: nothing is asked, and the records are the same.
objects_run deploy
second=$id
is "$rc:$(calls)" "0:$local_calls $cloud_calls" "a second run asks nothing" || diag "$err"
is "$(records "$second" | sha256sum)" "$(records "$first" | sha256sum)" "and comes to the same records"

# On a terminal the run shows how far its questions are, and its last word on a failure is the stage's, not what was shown before it.
llm_start 'latency=300'
cat >terminal.yaml <<YAML
analysis: {providers: [anthropic], anthropic: {base_url: "$llm_url"}, max_tokens_per_run: 40000, over_budget: refuse, cache_ttl: 0s}
YAML
script -qec "'$tare' rerun $first --from analyze --no-history -c terminal.yaml" "$tmp/seen" >/dev/null </dev/null
like "$(<"$tmp/seen")" 'questions: [0-9]+ of [0-9]+ so far' "a terminal shows how far a run is"
like "$(tr -d '\r' <"$tmp/seen")" "tare: the stage analyze of run [0-9]+ failed: the run's budget of 40000 tokens" "and then why it failed"
llm_stop

# Without servers and key.
llm_stop "$cloud_pid"
llm_stop "$local_pid"
unset ANTHROPIC_API_KEY
for run in "$first" "$second"; do
    run "$tare" rerun "$run" --replay --format json
    id=$(jq -r .run <<<"$out")
    is "$rc" 0 "a replay of run $run" || diag "$err"
    is "$(analysis "$id" | sha256sum)" "$(analysis "$run" | sha256sum)" "gives the same bytes"
done
done_testing
