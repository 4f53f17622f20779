#!/bin/bash
# A model's numbers that are far from the rules' need a person where the policy asks for nobody; what a model asks beyond its bounds is moved, and
# told; the gate judges the numbers themselves.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/llm.sh"
. "$(dirname "$0")/shop.sh"
unset OPENAI_API_KEY ANTHROPIC_API_KEY
sed -i 's/^  required: 1/  required: 0/' tare.yaml
llm_start
models=(--llm openai --llm-url "$llm_url/v1" --llm-model scripted)
records() { "$tare" show "$1" gate | jq -c 'select(.workload)'; }
# What is wrong with a run's records at a threshold: each that the model changed is judged by how far it is from the rules.
wrong() { # RUN THRESHOLD
    records "$1" | jq -c --argjson from "$2" 'select(.recommendation.source == "llm" and (.change.edits | length) > 0 and .gate.verdict != "blocked") |
        (.recommendation.disagreement > $from) as $far |
        select(($far and ((.gate.verdict != "needs-approval") or (.gate.requirement.approvals < 1) or .recommendation.risk == "low")) or
               (($far | not) and .gate.verdict != "allowed")) | [.workload.name, .recommendation.disagreement, .gate.verdict, .recommendation.risk]'
}
at() { # THRESHOLD
    sed -i '/^  disagreement:/d; s/^analysis:$/analysis:\n  disagreement: '"$1"'/' tare.yaml
    run "$tare" run manifests --end "$end" --no-history --format json -q "${models[@]}"
    id=$(json .run)
}

at 0.3
is "$rc" 0 "a run with a model" || diag "$err"
told=$(records "$id" | jq -s 'map(select(.recommendation.source == "llm")) | length')
ok "(it had a say in many workloads)" test "$told" -gt 20
far=$(records "$id" | jq -s 'map(select(.recommendation.disagreement > 0.3 and (.change.edits | length) > 0)) | length')
near=$(records "$id" | jq -s 'map(select(.recommendation.source == "llm" and .recommendation.disagreement <= 0.3 and (.change.edits | length) > 0)) | length')
ok "(some of its numbers are far from the rules', some are near)" test "$far" -gt 0 -a "$near" -gt 0
is "$(wrong "$id" 0.3)" "" "what is far needs a person and is of medium risk at least, what is near goes as the policy says"
is "$(json .state)" awaiting-approval "so the run waits, although the policy asks for nobody"
like "$("$tare" gate "$id" --explain)" "the model's numbers differ from the rules' by up to [0-9]+ %, more than 30 % \(analysis.disagreement\): somebody approves it" "and the gate says why"
is "$(records "$id" | jq -c 'select(.recommendation.confidence > 1 or .recommendation.class_of_model == null and .recommendation.source == "llm") | .workload.name')" "" \
    "each record has the model's class and a confidence"

at 100
is "$(wrong "$id" 100)" "" "with a threshold that nothing passes nobody is asked"
is "$(json .state)" approved "and the run is let through"
at 0
is "$(wrong "$id" 0)" "" "with none every difference is one"

# The threshold of the stored policy counts, whatever the own file says.
"$tare" login boss viewer admin >/dev/null
printf 'version: 1\napprovals: {required: 0}\nanalysis: {disagreement: 0.3}\npolicy: {guardrails: {max_increase_percent: 200, max_decrease_percent: 50}}\n' >stored.yaml
run "$tare" --as boss policy set stored.yaml
is "$rc" 0 "(a policy is stored)" || diag "$err"
at 100
is "$rc" 0 "a run with a file that allows more" || diag "$err"
is "$(json .state)" awaiting-approval "waits for somebody all the same"

# Far beyond the bounds: everything is moved inside, and told.
llm_start 'say=beyond'
models=(--llm openai --llm-url "$llm_url/v1" --llm-model scripted)
at 0.3
is "$rc" 0 "a run with a model that asks for too much" || diag "$err"
is "$(records "$id" | jq -c 'select(.recommendation.source == "llm") | .recommendation.containers | to_entries[] | .key as $c | .value |
    (.requests, .limits) | . as $s | ("cpu_millicores", "memory_bytes") | select($s[.] != null and $s.bounds[.] != null and ($s[.] < $s.bounds[.].min or $s[.] > $s.bounds[.].max))')" "" \
    "no number lies outside its bounds"
is "$(records "$id" | jq -s 'map(select(.recommendation.source == "llm" and (.recommendation.clamps | map(select(.kind == null or .by == null or .proposed == null)) | length) > 0)) | length')" 0 \
    "each amount that was moved says from what, and by what sort of thing"
ok "(there were many)" test "$(records "$id" | jq -s 'map(select(.recommendation.source == "llm") | .recommendation.clamps | length) | add')" -gt 20
is "$(records "$id" | jq -c 'select(any(.gate.reasons[]; .ok == false and (.code | test("^m(ax|in)_(increase|decrease|cpu|memory)")))) | select(.recommendation.source == "llm") | .workload.name')" "" \
    "so the gate, which judges the numbers again, finds none beyond a guardrail"
done_testing
