#!/bin/bash
# tare-analyze as a program: rules without options, the shape of what it writes, policy, providers and their failures, history.
set -u
. "$(dirname "$0")/../harness/tap.sh"

server="$BIN/harness/http_server"

# usage NAME...: an artifact of kind usage with one made workload each; the name says what is planted.
usage() {
    local name records=0
    printf '%s\n' '{"by":"test","created":"2026-11-22T03:00:00Z","settings":{"collect":{"source":"file"}},"tare":"usage","version":1}'
    for name in "$@"; do
        records=$((records + 1))
        record "$name"
    done
    printf '{"end":{"input":null,"problems":0,"records":%d,"skipped":{},"workloads":%d}}\n' "$records" "$records"
}

record() {
    local usage='' pod='"pods":2,"replicas":2' history=604800 oom=0 memory=200000000 requests='{"cpu_millicores":500,"memory_bytes":536870912}'
    case $1 in
        *nousage) usage=null ;;
        *new) history=36000 ;;
        *oom) oom=3 memory=536000000 ;;
        *unset) requests='{"cpu_millicores":null,"memory_bytes":null}' ;;
    esac
    if [[ -z $usage ]]; then
        usage='{"containers":{"app":{"cpu_millicores":{"bh90":160,"max":300,"p50":80,"p90":130,"p95":150,"p99":200,"p99_5":220,"samples":20160,"wp95":155,"hourly":{"min":{"low":1,"high":2,"codes":"AC__"},"mean":{"low":2,"high":3,"codes":"AC__"},"max":{"low":3,"high":4,"codes":"AC__"}}},"memory_bytes":{"max":'$memory',"p50":190000000,"p90":195000000,"p95":196000000,"p99":198000000,"samples":20160,"wp99":198000000},"oom_kills":'$oom',"restarts":0,"throttled_ratio":0}},"coverage":1,"history_seconds":'$history','$pod',"source":"file","window":{"end":"2026-11-22T03:00:00Z","seconds":604800,"start":"2026-11-15T03:00:00Z"}}'
    fi
    printf '{"problems":[],"usage":%s,"workload":{"api_version":"apps/v1","autoscaler":null,"cluster":"c","containers":[{"image":"shop/app:1","limits":{"cpu_millicores":null,"memory_bytes":536870912},"name":"app","requests":%s,"role":"container"}],"kind":"Deployment","labels":{},"name":"%s","namespace":"shop","replicas":2,"source":{"document":1,"file":"%s.yaml","item":null,"line":1,"sha256":"0"}}}\n' \
        "$usage" "$requests" "$1" "$1"
}

# field PATH|[PATH…] < artifact: that member (or these) of the recommendation of each record, one a line.
field() {
    case $1 in
        '['*) jq -rc "select(.workload) | .recommendation | $1" ;;
        *) jq -rc "select(.workload) | .recommendation.$1" ;;
    esac
}

need jq

# --- rules ---
usage a b-nousage c-new d-oom e-unset >"$tmp/in"
run "$BIN/tare-analyze" <"$tmp/in"
is "$rc" 0 "without options it uses the rules"
printf '%s\n' "$out" >"$tmp/out"
is "$(field action <"$tmp/out" | tr '\n' ' ')" "resize none none resize resize " "actions"
is "$(field source <"$tmp/out" | sort -u)" rules "the rules are named as the source"
is "$(field 'containers.app.requests.cpu_millicores' <"$tmp/out" | head -1)" 250 "a number worked out by hand"
is "$(jq -rc 'select(.workload) | [.problems[].code]' <"$tmp/out" | tr '\n' ' ')" '[] ["no-usage"] ["insufficient-data"] [] [] ' "problems"
is "$(jq -rc 'select(.end) | .end | [.records,.workloads,.problems]' <"$tmp/out")" "[5,5,2]" "nothing is dropped"
is "$(head -1 "$tmp/out" | jq -c '[.tare,.settings.collect.source,.settings.analyze.rules_version,.settings.analyze.providers]')" \
    '["recommendations","file",2,[{"provider":"rules"}]]' "the header says what it was made by"
ok "every number lies within its bounds" jq -e -n '[inputs | select(.workload) | .recommendation.containers[] | .requests, .limits | . as $a
    | ("cpu_millicores","memory_bytes") | select($a[.] != null) | ($a[.] >= $a.bounds[.].min and $a[.] <= $a.bounds[.].max)] | all and length > 4' "$tmp/out"
like "$(field reasoning <"$tmp/out" | head -1)" "weighted p95 155m.*20160 samples.*500m to 250m" "the reasoning gives its evidence"
run "$BIN/tare-analyze" --llm rules <"$tmp/in"
is "$(sed 1d <<<"$out" | sed '$d')" "$(sed 1d "$tmp/out" | sed '$d')" "--llm rules is the same, byte by byte"

# --- policy ---
printf 'version: 1\npolicy:\n  guardrails: {max_decrease_percent: 10}\n' >"$tmp/tare.yaml"
run "$BIN/tare-analyze" -c "$tmp/tare.yaml" <"$tmp/in"
is "$(field 'containers.app.requests.cpu_millicores' <<<"$out" | head -1)" 450 "a guardrail holds the step"
is "$(field 'clamps[0].by' <<<"$out" | head -1)" max_decrease_percent "and is named"
isnt "$(head -1 <<<"$out" | jq -r .settings.analyze.policy_sha256)" "$(head -1 "$tmp/out" | jq -r .settings.analyze.policy_sha256)" \
    "another policy has another digest in the header"

# --- history ---
run "$BIN/tare-analyze" --history-out "$tmp/history" <"$tmp/in"
is "$rc" 0 "--history-out"
is "$(sed -n 2p "$tmp/history" | jq -rc '[.name,.container,.series,.day,.minimum,.maximum]')" \
    '["a","app","cpu_millicores","2026-11-15",1,4]' "daily extremes of each series"
run "$BIN/tare-analyze" --history "$tmp/history" <"$tmp/in"
is "$rc:$(head -1 <<<"$out" | jq -r .settings.analyze.history_sha256)" "0:$(sha256sum <"$tmp/history" | cut -d' ' -f1)" \
    "the history's digest stands in the header"
run "$BIN/tare-analyze" --history "$tmp/none" <"$tmp/in"
is "$rc" 66 "a missing history"
echo garbage >"$tmp/broken"
run "$BIN/tare-analyze" --history "$tmp/broken" <"$tmp/in"
is "$rc" 65 "a broken history"
run "$BIN/tare-analyze" --history-out "$tmp/no/such/folder" <"$tmp/in"
is "$rc" 73 "a history that cannot be written"
is "$(ls "$tmp" | grep -c 'history\.')" 0 "no temporary file stays"

# --- input ---
run "$BIN/tare-analyze" </dev/null
is "$rc" 65 "no artifact"
run "$BIN/tare-analyze" < <(head -2 "$tmp/in")
is "$rc" 65 "a truncated artifact"
run "$BIN/tare-analyze" --llm gemini <"$tmp/in"
is "$rc" 64 "an unknown provider"
run "$BIN/tare-analyze" --llm openai <"$tmp/in"
is "$rc" 64 "a provider without a model"
like "$err" "llm-model" "and how to name one"
run "$BIN/tare-analyze" --llm-model x <"$tmp/in"
is "$rc" 64 "a model without a provider"

# --- providers ---
# serve SCRIPT...: starts a scripted server; $url is its address.
serve() {
    printf '%s\n' "$@" >"$tmp/script"
    rm -f "$tmp/port"
    mkfifo "$tmp/port"
    "$server" "$tmp/script" >"$tmp/port" &
    at_exit kill $!
    url="http://127.0.0.1:$(<"$tmp/port")"
}

answer() { # CPU MEMORY [NAME]
    jq -nc --arg w "shop/Deployment/${3:-a}" --argjson c "$1" --argjson m "$2" \
        '{workload:$w,class:"web",confidence:0.7,reasoning:"It serves a shop.",containers:[{name:"app",cpu_request_millicores:$c,memory_request_bytes:$m,cpu_limit_millicores:0,memory_limit_bytes:0}]}'
}
anthropic() { jq -nc --arg t "$1" '{type:"message",model:"claude-haiku-5-5",content:[{type:"thinking",thinking:""},{type:"text",text:$t}],stop_reason:"end_turn",usage:{input_tokens:400,output_tokens:90}}'; }
openai() { jq -nc --arg t "$1" '{model:"m",choices:[{message:{content:$t},finish_reason:"stop"}],usage:{prompt_tokens:400,completion_tokens:90}}'; }

usage a b-nousage >"$tmp/one"
serve "on POST /v1/messages" "body $(anthropic "$(answer 300 300000000)")"
ANTHROPIC_API_KEY=sk-secret run "$BIN/tare-analyze" --llm anthropic --llm-url "$url" --history-out "$tmp/history" <"$tmp/one"
is "$rc" 0 "anthropic answers"
is "$(field '[.source,.provider,.containers.app.requests.cpu_millicores,.class_of_model,.class,.confidence,.fallback]' <<<"$out" | head -1)" \
    '["llm","anthropic",300,"web","service",0.7,null]' "its numbers are taken; what it takes the workload for stands beside the class that policy goes by"
is "$(field source <<<"$out" | tail -1)" rules "a workload without usage is not asked about"
is "$(curl -s "$url/__count")" 1 "one question"
unlike "$out$err$(<"$tmp/history")" "sk-secret" "the key is nowhere"
is "$(tail -1 "$tmp/history" | jq -rc 'has("llm")')$(jq -rc 'select(.llm) | .llm | [.provider,.input_tokens,.output_tokens]' "$tmp/history")" \
    'false["anthropic",400,90]' "the exchange is kept for the ledger"
like "$(curl -s "$url/__requests")" "anthropic-version: 2023-06-01" "the API's version is named"

serve "on POST /chat/completions" "body $(openai "$(answer 1 99999999999999)")"
run "$BIN/tare-analyze" --llm openai --llm-model m --llm-url "$url" <"$tmp/one"
is "$(field 'containers.app.requests | [.cpu_millicores,.memory_bytes == .bounds.memory_bytes.max]' <<<"$out" | head -1)" "[250,false]" \
    "openai: absurd numbers end at the bounds"
ok "within them" jq -e 'select(.workload) | .recommendation.containers.app.requests | .memory_bytes <= .bounds.memory_bytes.max' <<<"$(sed -n 2p <<<"$out")"
is "$(sed -n 2p <<<"$out" | jq -c '[.problems[].code]')" '["clamped"]' "and that is a problem to look at"

# falls_back NAME RULE...: the rules decide, the reason is given, the exit is 0.
falls_back() {
    local name=$1 pattern=$2
    shift 2
    serve "$@"
    ANTHROPIC_API_KEY=sk-secret run "$BIN/tare-analyze" --llm anthropic --llm-url "$url" --timeout 60s <"$tmp/one"
    local got
    got=$(sed -n 2p <<<"$out" | jq -rc '.recommendation | [.source,.fallback.from,.containers.app.requests.cpu_millicores] | join(" ")')
    is "$rc $got" "0 rules anthropic 250" "$name: the rules decide"
    like "$(sed -n 2p <<<"$out" | jq -r '.recommendation.fallback.reason')" "$pattern" "$name: the reason"
}
falls_back "broken JSON" "JSON" "on POST /v1/messages" "body $(anthropic '{"workload":')"
is "$(curl -s "$url/__count")" 2 "a broken answer is asked for once more"
like "$(curl -s "$url/__requests")" "have no answer that can be used" "with the reason"
falls_back "another workload" "no answer has this name" "on POST /v1/messages" "body $(anthropic "$(answer 300 300000000 other)")"
falls_back "an extra container" "does not have" "on POST /v1/messages" \
    "body $(anthropic "$(answer 300 300000000 | jq -c '.containers[1]=.containers[0] | .containers[1].name="x"')")"
falls_back "negative" "out of range" "on POST /v1/messages" "body $(anthropic "$(answer -5 300000000)")"
falls_back "units as text" "not a number" "on POST /v1/messages" "body $(anthropic "$(answer '"300m"' 300000000)")"
falls_back "cut" "max_tokens" "on POST /v1/messages" "body $(anthropic '{' | jq -c '.stop_reason="max_tokens"')"
falls_back "refusal" "refusal" "on POST /v1/messages" "body $(anthropic '' | jq -c '.stop_reason="refusal"')"
falls_back "HTML" "." "on POST /v1/messages" "header Content-Type: text/html" "body <html>"
falls_back "401" "401" "on POST /v1/messages" "status 401" 'body {"error":{"message":"bad key sk-secret"}}'
unlike "$out$err" "sk-secret" "401: the key is not quoted"
falls_back "402" "402" "on POST /v1/messages" "status 402" 'body {}'
falls_back "100 MB" "." "on POST /v1/messages" "repeat 2000000 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

run "$BIN/tare-analyze" --llm anthropic --llm-url http://127.0.0.1:1 <"$tmp/one"
is "$rc $(field fallback.reason <<<"$out" | head -1)" "0 no API key in the environment variable ANTHROPIC_API_KEY" "no key: the rules, and why"

# a chain: the first is down, the second answers
serve "on POST /chat/completions" "body $(openai "$(answer 300 300000000)")"
printf 'version: 1\nanalysis:\n  providers: [anthropic, openai, rules]\n  openai: {model: m, base_url: "%s"}\n' "$url" >"$tmp/tare.yaml"
run "$BIN/tare-analyze" -c "$tmp/tare.yaml" <"$tmp/one"
is "$(field '[.source,.provider,.fallback.from]' <<<"$out" | head -1)" '["llm","openai","anthropic"]' "the next of the chain is asked"

# a repair: the first answer is bad, the second good
serve "on POST /chat/completions" "times 1" "body $(openai 'let me think')" "on POST /chat/completions" "body $(openai "$(answer 300 300000000)")"
run "$BIN/tare-analyze" --llm openai --llm-model m --llm-url "$url" <"$tmp/one"
is "$(field 'source' <<<"$out" | head -1)" llm "an answer that was repaired is taken"

# the budget
serve "on POST /chat/completions" "body $(openai "$(answer 300 300000000)")"
printf 'version: 1\nanalysis: {max_tokens_per_run: 100}\n' >"$tmp/tare.yaml"
run "$BIN/tare-analyze" -c "$tmp/tare.yaml" --llm openai --llm-model m --llm-url "$url" <"$tmp/one"
is "$(curl -s "$url/__count") $(field source <<<"$out" | head -1)" "0 rules" "beyond the token budget nothing is asked"
like "$(field fallback.reason <<<"$out" | head -1)" "budget" "and that is the reason"

done_testing
