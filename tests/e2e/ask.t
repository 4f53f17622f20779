#!/bin/bash
# tare ask on the demo shop: a run's records answer, read-only; what a model would be sent and cost; what the doctor says of models.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/llm.sh"
. "$(dirname "$0")/shop.sh"
unset ANTHROPIC_API_KEY OPENAI_API_KEY

"$tare" server start --quiet
run "$tare" ask "why is storefront smaller?"
is "$rc" 66 "no run yet"
like "$err" "there is no run yet" "that is said"

run "$tare" run --end "$end" --format json
is "$rc" 0 "tare run ends well" || diag "$err"
id=$(json .run)
plan=$(json .plan)
gated=$("$tare" show "$id" gate | sha256sum | cut -d' ' -f1)
before=$("$tare" status "$id" --format json)

run "$tare" ask "why is storefront smaller?"
is "$rc" 0 "a question about the newest run" || diag "$err"
like "$err" "run $id, the newest" "which is named"
like "$out" '^shop/Deployment/storefront' "its answer"
like "$(tr -s ' \n' ' ' <<<"$out")" "of the gated artifact of run $id, sha256 $gated" "with the artifact it is from"
wanted=$("$tare" show "$id" gate | jq -r 'select(.workload.name == "storefront") | .change.edits[] | select(.container == "web" and (.path | endswith("requests.cpu"))) | .to')
like "$out" "CPU request .* → ${wanted//./\\.}" "its number is the plan's"
cp "$tmp/.out" "$tmp/first"
run "$tare" ask "why is storefront smaller?" "$id" --quiet
is "$out" "$(<"$tmp/first")" "the same for a run that is named"
run "$tare" ask --run "$id" "what is blocked?" --format json
is "$rc:$(json .artifact.run)" "0:$id" "as JSON"
is "$(json '.records | length')" "$("$tare" show "$id" gate | jq -s '[.[] | select(.gate.verdict == "blocked")] | length | if . > 8 then 8 else . end')" "what the gate blocks"
is "$("$tare" status "$id" --format json)" "$before" "nothing changed"
"$tare" login reader viewer --quiet >/dev/null
run "$tare" --as reader ask "the biggest saving?" "$id"
is "$rc" 0 "a viewer may ask" || diag "$err"

run "$tare" ask "why?" 999
is "$rc" 66 "an unknown run"
run "$tare" ask "why is storefront smaller?" x
is "$rc" 64 "no number of a run"
run "$tare" ask "why is storefont smaller?" "$id"
is "$rc" 65 "nothing fits"
like "$err" "shop/Deployment/storefront" "the nearest name is told"
run "$tare" ask "" "$id"
is "$rc" 64 "an empty question"
run "$tare" ask
is "$rc" 64 "none"
run "$tare" ask "why?" "$id" --run "$id"
is "$rc" 64 "a run that is named twice"

# --- What the doctor says of models ---
doctor() { "$tare" doctor 2>&1 | grep -A1 '^[a-zA-Z]* *models '; }
like "$(doctor)" '^ok +models +no model is configured' "none is configured"
LLM_SERVER_KEY=sk-right-key llm_start
models() { sed -i '/^analysis:/,$d' tare.yaml; printf '%s\n' "$@" >>tare.yaml; }
models 'analysis:' '  providers: [openai, anthropic, rules]' "  openai: {base_url: \"$llm_url/v1\", model: scripted}"
OPENAI_API_KEY=sk-right-key ANTHROPIC_API_KEY=sk-other run doctor
like "$out" "^ok +models +openai: $llm_url/v1 answers.*; anthropic: .* not asked" "both can be used; one whose answers cost is not asked"
unlike "$out" 'sk-right-key|sk-other' "no key is shown"
OPENAI_API_KEY=sk-wrong-key ANTHROPIC_API_KEY=sk-other run doctor
like "$out" "^warn +models +.*refuses the key" "a wrong key"
unlike "$out" 'sk-wrong-key' "is not shown either"
run doctor
like "$out" 'anthropic has no key: the variable ANTHROPIC_API_KEY' "a key that is not there"
models 'analysis:' '  providers: [openai]' '  openai: {base_url: "http://127.0.0.1:1/v1", model: m}'
like "$(doctor)" '^warn +models .*127.0.0.1:1' "nobody listens"
models 'analysis:' '  providers: [openai]' '  openai: {base_url: "ftp://example.org", model: m}'
like "$(doctor)" '^warn +models .*ftp' "no address"
# 0.0.0.0 is this machine, too, but no address that says so.
connections=$(llm_stat connections)
models 'analysis:' '  providers: [openai]' "  openai: {base_url: \"http://0.0.0.0:${llm_url##*:}/v1\", model: scripted}"
OPENAI_API_KEY=sk-right-key run doctor
like "$out" '^warn +models +.*its address is plain http' "a key for another machine over plain http"
is "$(llm_stat connections)" "$((connections + 1))" "is not sent there"
like "$(doctor)" '^[a-z]+ +models .*0\.0\.0\.0' "without a key it is asked"
is "$(llm_stat connections)" "$((connections + 3))" "as it would be"
models 'analysis:' '  providers: [anthropic]' '  anthropic: {key_file: no/such/key}'
like "$(doctor)" '^warn +models .*no/such/key' "a key file that is not there"

# --- A model's words, and what they cost ---
cat >"$tmp/script" <<SCRIPT
on POST /v1/chat/completions
body $(jq -nc --arg t '{"answer":"It asks for more than it uses.","records_used":[]}' '{model:"m-1",choices:[{message:{content:$t},finish_reason:"stop"}],usage:{prompt_tokens:400,completion_tokens:90}}')
SCRIPT
mkfifo "$tmp/port"
"$BIN/harness/http_server" "$tmp/script" >"$tmp/port" &
at_exit kill $!
read -r port <"$tmp/port"
url=http://127.0.0.1:$port/v1
models 'analysis:' '  providers: [openai]' "  openai: {base_url: \"$url\", model: m, usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 10}"
export TARE_NOW=$end # so that all of it is in one month
run "$tare" ask "why is storefront smaller?" "$id"
is "$rc" 0 "a model is asked" || diag "$err"
like "$out" '^It asks for more than it uses' "and its answer is shown"
like "$err" 'asked 1 question: 400 tokens in, 90 out, [$]0.0013' "with what it cost"
is "$("$tare" history llm "$id" --format json | jq -c '[.[] | select(.stage == "ask") | [.outcome, .input_tokens, .cost_microusd]]')" '[["answered",400,1300]]' "which the ledger keeps"
sed -i 's/^analysis:/&\n  max_tokens_per_month: 400/' tare.yaml
run "$tare" ask "why is storefront smaller?" "$id"
is "$rc:$out" "0:$(<"$tmp/first")" "beyond the month's budget the records answer"
like "$err" 'no model is asked: 490 tokens were spent this month' "that is told"
sed -i 's/^analysis:/&\n  over_budget: refuse/' tare.yaml
run "$tare" ask "why is storefront smaller?" "$id"
is "$rc:$out" "77:" "or the question is refused"
run "$tare" ask --llm rules "why is storefront smaller?" "$id"
is "$rc:$out" "0:$(<"$tmp/first")" "but not without a model"
unset TARE_NOW

# --- What a model would be sent, and what it would cost ---
models 'analysis:' '  providers: [openai]' "  openai: {base_url: \"$url\", model: m, usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 10}"
asked=$(curl -s "http://127.0.0.1:$port/__count")
run "$tare" run --end "$end" --estimate
is "$rc" 0 "tare run --estimate" || diag "$err"
like "$out" 'openai +m ' "names the provider"
is "$(curl -s "http://127.0.0.1:$port/__count")" "$asked" "asks nothing"
is "$("$tare" status --format json | jq -r 'length')" 1 "and makes no run"
cp "$tmp/.out" "$tmp/estimate"
run env TARE_STATE_DIR="$state_parent/none" "$tare" run --end "$end" --estimate
is "$rc:$out" "0:$(<"$tmp/estimate")" "it needs no ledger"
is "$(ls "$state_parent/none" 2>/dev/null)" "" "and makes none"
run "$tare" rerun "$id" --from analyze --estimate
is "$rc:$out" "0:$(<"$tmp/estimate")" "the same of a run that has its usage"
run "$tare" run --estimate --resume
is "$rc" 64 "an estimate resumes nothing"
run "$tare" explain "$id" shop/Deployment/storefront --prompt
is "$rc" 0 "tare explain --prompt" || diag "$err"
is "$(jq -r '.messages[0].role' <<<"$out")" system "prints the body that would be sent"
like "$out" 'shop/Deployment/storefront' "about this workload"
unlike "$out" 'shop/Deployment/cart' "alone"
is "$(curl -s "http://127.0.0.1:$port/__count")" "$asked" "and sends nothing"
run "$tare" explain "$id" shop/Deployment/storefront --prompt --llm openai --llm-model other --llm-url http://127.0.0.1:1/v1
is "$rc:$(json .model)" "0:other" "of a model that is named" || diag "$err"
run "$tare" explain "$id" shop/Deployment/storefront --llm openai
is "$rc" 64 "a model has no say in an explanation"
echo 'analysis: {providers: [anthropic], redact: [image, labels]}' >"$tmp/redact.yaml"
run "$tare" explain "$id" shop/Deployment/storefront --prompt -c "$tmp/redact.yaml"
is "$rc:$(jq -c '.messages[0].content | fromjson | .workloads[0] | [.labels, .containers[0].image]' <<<"$out")" "0:[null,null]" \
    "of another configuration: what that one withholds is not there" || diag "$err"
run "$tare" explain "$id" shop/Deployment/storefont --prompt
is "$rc" 65 "of a workload that is not there"
like "$err" 'shop/Deployment/storefront' "the nearest name is told"
run "$tare" explain "$id" shop/Deployment/storefront --prompt --yaml
is "$rc" 64 "--prompt goes with nothing else"
done_testing
