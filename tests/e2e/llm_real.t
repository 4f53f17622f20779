#!/bin/bash
# A whole run on a real server with schema-constrained decoding (llama.cpp, with a toy model that judges nothing): what it says never leaves
# the bounds; a second run asks nothing, a replay gives the same bytes. LLM_WORKLOADS workloads (40; make llm-real: 200), nearly a second of
# processor time each. The server lies beside the project: where it does not, this is skipped; where it does, it has to run (Node 20 or later;
# npm fetches llama.cpp into the build folder, once).
set -u
. "$(dirname "$0")/../harness/tap.sh"
start=$(realpath -m "$root/../shared/tools/llm-server/start.sh")
[[ -x $start ]] || { tap_done=1; echo "1..0 # SKIP there is no real model server beside this tree"; exit 0; }
. "$(dirname "$0")/../harness/objects_line.sh"
need node npm curl
workloads=${LLM_WORKLOADS:-40} end=2026-11-22T00:00:00Z
sed -i 's/ 2$/ 2 '"$end/" "$line/tare-collect" # usage of the same week in every run
"$BIN/fixtures/metrics" --end "$end" --workloads "$workloads" --pods 1 --manifests deploy --no-metrics || exit 1

stop_model() {
    [[ -n $model ]] || return 0
    kill "$model" 2>/dev/null
    while kill -0 "$model" 2>/dev/null; do sleep 0.1; done
    model=''
}
model=''
at_exit stop_model
for _ in 1 2 3; do
    port=$((20000 + RANDOM % 10000))
    model=$(TMPDIR=$(dirname "$BIN") "$start" "$port" 2>"$tmp/model.err") && break
done
[[ -n $model ]] || { diag "$(cat "$tmp/model.err")"; echo "Bail out! the model server does not start"; exit 1; }
cat >tare.yaml <<YAML
version: 1
metrics: {prometheus: "http://127.0.0.1:1"}
analysis:
  providers: [openai]
  parallel: 1
  workloads_per_call: 1
  openai: {base_url: "http://127.0.0.1:$port/v1", model: toy}
YAML

analysis() { "$tare" show "$1" analyze; }
records() { analysis "$1" | grep -a '^{.*"recommendation"'; }
by_model() { records "$1" | jq -c 'select(.recommendation.source == "llm")' | wc -l; }
calls() { "$tare" history llm "$1" --format json | jq length; }

began=$SECONDS
objects_run deploy
first=$id
is "$rc" 0 "a run of $workloads workloads" || diag "$err"
diag "asked $(calls "$first") questions in $((SECONDS - began)) s"
is "$(records "$first" | wc -l)" "$workloads" "no record is lost"
answered=$(by_model "$first")
ok "the model's answers count for most ($answered of $workloads)" test "$answered" -ge $((workloads * 9 / 10))
is "$(records "$first" | jq -r '.problems[] | select(.code == "fallback")' | jq -s length)" $((workloads - answered)) "the others say why not"
outside() { # RUN: amounts that are not within their bounds, one a line
    records "$1" | jq -c '.workload.name as $name | .recommendation.containers | to_entries[] | .value | (.requests, .limits) |
        . as $part | ("cpu_millicores", "memory_bytes") | select($part[.] != null) |
        if $part.bounds[.] == null then [$name, ., "no bounds"]
        elif $part[.] < $part.bounds[.].min or $part[.] > $part.bounds[.].max then [$name, ., $part[.], $part.bounds[.]] else empty end'
}
is "$(outside "$first")" "" "no number is outside its bounds"
ok "and some had to be moved there" test "$(records "$first" | jq -c '.recommendation.clamps[]?' | wc -l)" -gt 0
like "$("$tare" report "$first" --format markdown)" "toy" "the report names the model"

stop_model
objects_run deploy
second=$id
is "$rc" 0 "a second run, and the server is gone" || diag "$err"
is "$(calls "$second"):$(by_model "$second")" "0:$answered" "asks nothing, and has the same answers"
is "$(records "$second" | sha256sum)" "$(records "$first" | sha256sum)" "its records are the same"
for run in "$first" "$second"; do
    run "$tare" rerun "$run" --replay --format json
    id=$(jq -r .run <<<"$out")
    is "$rc" 0 "a replay of run $run" || diag "$err"
    is "$(analysis "$id" | sha256sum)" "$(analysis "$run" | sha256sum)" "gives the same bytes"
done
done_testing
