#!/bin/bash
# A run that asks by batches, at half the price: what comes in any order lands where it belongs, what expires is left to the rules, and an
# analysis that is killed while it waits is not paid for twice.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/llm.sh"
. "$(dirname "$0")/../harness/objects_line.sh"
need curl
workloads=40 end=2026-11-22T00:00:00Z
export ANTHROPIC_API_KEY=sk-test
sed -i 's/ 2$/ 2 '"$end/" "$line/tare-collect" # usage of the same week in every run
"$BIN/fixtures/metrics" --end "$end" --workloads "$workloads" --pods 1 --manifests deploy --no-metrics || exit 1
# The batch takes long enough to be killed in, which is done as soon as it is waited for.
llm_start 'api=create ended-after=20000' 'api=batched workload=*/svc-00007 outcome=expired'
cat >tare.yaml <<YAML
version: 1
metrics: {prometheus: "http://127.0.0.1:1"}
analysis:
  providers: [anthropic]
  workloads_per_call: 1
  anthropic: {base_url: "$llm_url", batch: true}
YAML
records() { "$tare" show "$1" analyze | grep -a '^{.*"recommendation"'; }

"$tare" run deploy >"$tmp/out" 2>"$tmp/err" &
pid=$!
while (($(llm_stat polls) == 0)) && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
kill -9 "$(pgrep -P "$pid" -x tare-analyze)"
wait "$pid"
is "$?" 75 "the analysis is killed while a batch is waited for" || diag "$(cat "$tmp/err")"
id=$("$tare" status --format json | jq '.[0].run')
run "$tare" run --resume "$id" --format json
is "$rc" 0 "the run goes on" || diag "$err"
is "$(llm_stat batches)" 1 "with the same batch"
is "$(llm_count)" 0 "and nothing is asked beside it"
is "$(records "$id" | wc -l)" "$workloads" "no record is lost"
is "$(records "$id" | jq -r '.recommendation | .source + " " + (.provider // "-")' | sort | uniq -c | xargs)" \
    "$((workloads - 1)) llm anthropic 1 rules -" "the model's answers count"
is "$(records "$id" | jq -r 'select(.recommendation.reasoning | contains("looks like")) | .workload.namespace + "/" + .workload.kind + "/" + .workload.name' | wc -l)" \
    "$((workloads - 1))" "its reasons stand in the records"
is "$(records "$id" | jq -c 'select(.recommendation.source == "llm") | select(.workload.name as $name | .recommendation.reasoning | contains($name) | not)' | wc -l)" 0 \
    "each in its own"
like "$(records "$id" | jq -r '.problems[].message')" "expired" "what expired is told"
is "$("$tare" history llm "$id" --format json | jq 'length')" "$workloads" "the ledger has every question"
done_testing
