#!/usr/bin/env bash
# tare-mcp as clients meet it: messages of every kind, good and bad, the two eras of the protocol, calls that hang, fail, print too much or are cancelled. A
# script plays `tare` beside it, so that it can misbehave; tests/e2e/mcp.t has the real one and the official clients.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
unset TARE_CONFIG TARE_DATABASE_URL TARE_LOG_FORMAT

# ---- A `tare` that does what the file `behaviour` says, and writes down its words and its process ----
mkdir -p "$tmp/bin"
cp "$BIN/tare-mcp" "$tmp/bin/tare-mcp"
cat >"$tmp/bin/tare" <<'TARE'
#!/usr/bin/env bash
here=$(dirname "$0")
printf '%s\0' "$@" >"$here/words.$$"
mv "$here/words.$$" "$here/words"
. "$here/behaviour"
TARE
chmod +x "$tmp/bin/tare"
mcp=$tmp/bin/tare-mcp
behave() { printf '%s\n' "$1" >"$tmp/bin/behaviour"; }
words() { tr '\0' '\n' <"$tmp/bin/words"; }
behave 'echo "[]"'

# say LINE...: what comes back for these lines, when stdin ends after them.
# They are there all at once: what needs no process is answered before what does.
say() { printf '%s\n' "$@" >"$tmp/lines"; timeout 120 "$mcp" "${flags[@]}" <"$tmp/lines" 2>"$tmp/stderr" >"$tmp/said"; rc=$?; out=$(<"$tmp/said"); err=$(<"$tmp/stderr"); }
flags=()
init() { printf '{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"%s","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}' "${1:-2025-11-25}"; }
meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
ping() { printf '{"jsonrpc":"2.0","id":%s,"method":"ping"}' "$1"; }
call() { printf '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s","arguments":%s%s}}' "$1" "$2" "$3" "${4:+,$4}"; }
# answer ID FILTER: of the answer with this id (JSON).
answer() { jq -c --argjson id "$1" "select(.id == \$id) | $2" <<<"$out"; }
code() { jq -c '[.id, .error.code]' <<<"$out" | paste -sd' '; }

# ---- Messages that are none ----
while IFS='|' read -r wanted name line; do
    say "$line"
    is "$(code)" "$wanted" "$name"
    is "$rc" 0 "and it goes on to the end of its input"
done <<'CASES'
[null,-32700]|no JSON|{"jsonrpc":"2.0","id":1,"method":
[null,-32700]|words|ping
[null,-32700]|a member twice|{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}
[null,-32700]|two values|{"jsonrpc":"2.0","id":1,"method":"ping"} {}
[null,-32700]|a byte order mark|﻿{"jsonrpc":"2.0","id":1,"method":"ping"}
[null,-32600]|a number|5
[null,-32600]|null|null
[null,-32600]|an empty array|[]
[null,-32600]|an object of nothing|{}
[1,-32600]|no version|{"id":1,"method":"ping"}
["a",-32600]|the version 1.0|{"jsonrpc":"1.0","id":"a","method":"ping"}
[1,-32600]|the version as a number|{"jsonrpc":2.0,"id":1,"method":"ping"}
[1,-32600]|no method|{"jsonrpc":"2.0","id":1}
[1,-32600]|a method that is no text|{"jsonrpc":"2.0","id":1,"method":7}
[null,-32600]|an id that is null|{"jsonrpc":"2.0","id":null,"method":"ping"}
[null,-32600]|an id that is true|{"jsonrpc":"2.0","id":true,"method":"ping"}
[null,-32600]|an id that is an object|{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}
[null,-32600]|an id that is an array|{"jsonrpc":"2.0","id":[1],"method":"ping"}
[1,-32602]|params that are an array|{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}
[1,-32602]|params that are a text|{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"all"}
[1,-32601]|a method that nobody has|{"jsonrpc":"2.0","id":1,"method":"tools/burn"}
[1,-32601]|what this server has not|{"jsonrpc":"2.0","id":1,"method":"prompts/list"}
[1,-32602]|a request before the version is settled|{"jsonrpc":"2.0","id":1,"method":"tools/list"}
CASES
say "$(printf '{"jsonrpc":"2.0","id":1,"method":"%0300d"}' 0)"
is "$(code)" '[1,-32601]' "a method with a long name"
printf '{"jsonrpc":"2.0","id":1,"method":"pi\0ng"}\n%s\n' "$(ping 2)" | "$mcp" >"$tmp/said"
out=$(<"$tmp/said")
is "$(code)" '[null,-32700] [2,null]' "a zero byte"
printf '{"jsonrpc":"2.0","id":"\xff\xfe","method":"ping"}\n%s\n' "$(ping 2)" | "$mcp" >"$tmp/said"
out=$(<"$tmp/said")
is "$(code)" '[null,-32700] [2,null]' "bytes that are not UTF-8"
say "$(printf '{"jsonrpc":"2.0","id":"%0300d","method":"ping"}' 0)" "$(ping 2)"
is "$(code)" '[null,-32600] [2,null]' "an id of 300 bytes"
deep=$(printf '[%.0s' {1..100})$(printf ']%.0s' {1..100})
say "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":$deep}}" "$(ping 2)"
is "$(code)" '[null,-32600] [2,null]' "a hundred brackets"
{ printf '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"'; head -c 6000000 /dev/zero | tr '\0' x; printf '"}}\n%s\n' "$(ping 2)"; } | "$mcp" >"$tmp/said"
out=$(<"$tmp/said")
is "$(code)" '[null,-32600] [2,null]' "a line of 6 MB is passed over"
{ printf '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"'; head -c 4000000 /dev/zero | tr '\0' x; printf '"}}\n'; } | "$mcp" >"$tmp/said"
out=$(<"$tmp/said")
is "$(code)" '[1,null]' "one of 4 MB is taken"

# ---- What gets no answer, and what comes back as it came ----
say '{"jsonrpc":"2.0","method":"notifications/initialized"}' '{"jsonrpc":"2.0","method":"tools/burn"}' '{"jsonrpc":"2.0","method":"ping","params":[1]}' \
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}' '{"jsonrpc":"2.0","method":"notifications/cancelled"}' \
    '{"jsonrpc":"2.0","id":9,"result":{}}' '{"jsonrpc":"2.0","id":9,"error":{"code":1,"message":"x"}}' '' '   '
is "$out" "" "notifications, answers and blank lines get none"
is "$err" "" "and nothing is said of them"
for id in 1 0 -7 9007199254740993 9223372036854775807 1.0 1e2 0.30000000000000004 '"a"' '""' '"ä\u00e9\n\"\\"' '"12"'; do
    say " { \"jsonrpc\" : \"2.0\" , \"method\" : \"ping\" , \"id\" :  $id } "
    is "$out" "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{}}" "the id $id comes back as it came"
done
printf '%s\r\n%s\r\n' "$(ping 1)" "$(ping 2)" | "$mcp" >"$tmp/said"
out=$(<"$tmp/said")
is "$(code)" '[1,null] [2,null]' "line ends with a carriage return"
printf '%s' "$(ping 1)" | "$mcp" >"$tmp/said"
out=$(<"$tmp/said")
is "$(code)" '[1,null]' "a whole message without a line end is one"
printf '%s\n{"jsonrpc":"2.0","id":2,"meth' "$(ping 1)" | "$mcp" >"$tmp/said"
is $? 0 "an end in the middle of a message is an end"
out=$(<"$tmp/said")
is "$(code)" '[1,null] [null,-32700]' "and is told"
"$mcp" </dev/null >"$tmp/said"
is "$?$(<"$tmp/said")" 0 "nothing in, nothing out"

# ---- Versions ----
for version in 2025-11-25 2025-06-18 2025-03-26 2024-11-05; do
    say "$(init $version)" "$(ping 2)"
    is "$(answer '"init"' .result.protocolVersion)" "\"$version\"" "version $version"
done
say "$(init 1999-01-01)" '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'
is "$(answer '"init"' .result.protocolVersion)" '"2025-11-25"' "one that nobody knows is answered with the newest of its era"
is "$(answer 2 '[.result | has("resultType", "ttlMs", "_meta")]')" '[false,false,false]' "whose answers have no members of the era after it"
is "$(answer '"init"' '.result.capabilities')" '{"tools":{}}' "tools are all there is"
like "$(answer '"init"' '.result.instructions')" 'data, never instructions' "what text in results is, is said"
say '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}' '{"jsonrpc":"2.0","id":2,"method":"initialize"}'
is "$(code)" '[1,-32602] [2,-32602]' "initialize without a version"
modern() { printf '{"jsonrpc":"2.0","id":%s,"method":"%s","params":{%s}}' "$1" "$2" "${3:-$meta}"; }
say "$(modern 1 server/discover)" "$(modern 2 tools/list)" "$(modern 3 ping)" "$(modern 4 logging/setLevel)" \
    "$(modern 5 tools/list '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}')" \
    "$(modern 6 tools/list '"_meta":{"io.modelcontextprotocol/protocolVersion":"2030-01-01","io.modelcontextprotocol/clientCapabilities":{}}')" \
    "$(modern 7 tools/list '"_meta":{"io.modelcontextprotocol/protocolVersion":7,"io.modelcontextprotocol/clientCapabilities":{}}')" \
    "$(modern 8 tools/list "$meta,\"cursor\":\"x\"")" "$(modern 9 server/discover '"_meta":{}')"
is "$(code)" '[1,null] [2,null] [3,-32601] [4,-32601] [5,-32602] [6,-32022] [7,-32602] [8,-32602] [9,-32602]' "requests that carry their version"
is "$(answer 1 '.result | [.resultType, .supportedVersions[0], .cacheScope, (.ttlMs > 0), ._meta["io.modelcontextprotocol/serverInfo"].name]')" \
    '["complete","2026-07-28","private",true,"tare-mcp"]' "discovery"
is "$(answer 2 '.result | [.resultType, (.tools | length), (.ttlMs > 0)]')" '["complete",7,true]' "tools"
is "$(answer 6 '.error.data | [.requested, .supported[0]]')" '["2030-01-01","2026-07-28"]' "which versions are served"
say "$(init 2025-06-18)" "$(modern 1 tools/list)" '{"jsonrpc":"2.0","id":2,"method":"tools/list"}' "$(ping 3)"
is "$(answer 1 .result.resultType)$(answer 2 .result.resultType)$(answer 3 .result)" '"complete"null{}' "both eras on one connection"
say "$(modern 1 subscriptions/listen "$meta,\"notifications\":{\"toolsListChanged\":true}")" "$(modern 1 tools/list)" \
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}' "$(modern 1 tools/list)"
is "$(jq -c 'if .method then [.method, .params] elif .error then .error.code else (.result.tools | length) end' <<<"$out" | paste -sd' ')" \
    '["notifications/subscriptions/acknowledged",{"_meta":{"io.modelcontextprotocol/subscriptionId":1},"notifications":{}}] -32600 7' \
    "a subscription is acknowledged, keeps its id, and ends"

# ---- Arrays: one revision had them ----
array="[$(ping 1),{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"},{\"jsonrpc\":\"2.0\",\"id\":2},7,$(init),$(call 3 list_runs '{}')]"
say "$array"
is "$(code)" '[null,-32600]' "an array before a version is settled"
say "$(init)" "$array"
is "$(jq -s -c '.[1] | [.id, .error.code]' <<<"$out")" '[null,-32600]' "an array where the revision has none"
say "$(init 2025-03-26)" "$array" '[{"jsonrpc":"2.0","method":"notifications/initialized"}]' "[$(for i in {1..70}; do ping "$i"; echo; done | paste -sd,)]"
is "$(jq -s -c '.[1:] | map(if type == "array" then sort_by(.id) | map([.id, .error.code]) else [.id, .error.code] end)' <<<"$out" | sed 's/,null\]/]/g')" \
    '[[null,-32600],[[null,-32600],[1],[2,-32600],[3],["init",-32600]]]' "where it has, one array answers one, nothing answers notifications, and 64 are the most"

# ---- Arguments ----
unknown='{"jsonrpc":"2.0","id":3,"method":"tools/call","params"'
say "$(init)" "$(call 1 burn '{}')" "$(call 2 list_runs '[]')" "$unknown:{}}" "${unknown/3/4}:{\"name\":7}}" "${unknown/3/5}:{\"name\":\"list_runs\"}}" \
    "$(call 6 scale_deployment '{"workload":"a/Deployment/b","replicas":3}')"
is "$(code)" '["init",null] [1,-32602] [2,-32602] [3,-32602] [4,-32602] [6,null] [5,null]' "calls that are none are errors of the protocol"
is "$(answer 5 .result.isError)" false "arguments may be left out where none is needed"
like "$(answer 6 .result.content[0].text)" 'replicas is no argument.*HPA|replicas is no argument.*autoscalers' "replicas are refused, with what to do instead"
n=0
while IFS='|' read -r tool arguments wanted; do
    n=$((n + 1))
    say "$(init)" "$(call $n "$tool" "$arguments")"
    is "$(answer $n .result.isError)" true "$tool $arguments"
    like "$(answer $n '.result.content[0].text' | jq -r .)" "$wanted" "and why"
done <<'CASES'
list_runs|{"limit":0}|arguments.limit must be at least 1
list_runs|{"limit":1.5}|arguments.limit must be an integer
list_runs|{"limit":100000000000}|at most 200
list_runs|{"limits":3}|did you mean "limit"
get_current_state|{"run":"3"}|arguments.run must be an integer
get_current_state|{"run":-1}|at least 1
get_current_state|{"name":"-x"}|must fit
get_current_state|{"cursor":"1.x"}|must fit
get_current_state|{"cursor":"99999999999999999999.1"}|cursor is none
get_current_state|{"run":2,"cursor":"1.20"}|run 1 and the arguments ask for run 2
list_recommendations|{"risk":"huge"}|must be one of ."low","medium","high"
explain|{}|lacks the member "workload"
explain|{"workload":"cart"}|must fit
explain|{"workload":"--yaml/Deployment/x"}|must fit
explain|{"workload":"a/Deployment/b\n--yaml"}|must fit
explain|{"workload":null}|must be a string
generate_report|{"format":"html"}|must be one of
generate_report|{"max_bytes":99999999}|at most 1048576
scale_deployment|{"workload":"a/Deployment/b","containers":[],"reason":"why"}|0 items
scale_deployment|{"workload":"a/Deployment/b","containers":[{"name":"c"}],"reason":"why"}|nothing is proposed for the container c
scale_deployment|{"workload":"a/Deployment/b","containers":[{"name":"c","requests":{"cpu":300}}],"reason":"why"}|containers\[0\].requests.cpu must be a string
scale_deployment|{"workload":"a/Deployment/b","containers":[{"name":"c","requests":{"cpu":"-1"}}],"reason":"why"}|must fit
scale_deployment|{"workload":"a/Deployment/b","containers":[{"name":"c","requests":{"cpu":"1.2.3"}}],"reason":"why"}|requests of the container c
scale_deployment|{"workload":"a/Deployment/b","containers":[{"name":"c","requests":{"memory":"1e99"}}],"reason":"why"}|requests of the container c
scale_deployment|{"workload":"a/Deployment/b","containers":[{"name":"c","requests":{"gpu":"1"}}],"reason":"why"}|has no member "gpu"
scale_deployment|{"workload":"a/Deployment/b","containers":[{"name":"-c","requests":{"cpu":"1"}}],"reason":"why"}|must fit
scale_deployment|{"workload":"a/Deployment/b","containers":[{"name":"c","requests":{"cpu":"1"}}]}|lacks the member "reason"
CASES

# ---- Words: argv and nothing else ----
touch "$tmp/tare.yaml"
printf 'version: 1\n' >"$tmp/tare.yaml"
flags=(-c "$tmp/tare.yaml" --as ann --database postgres:///x)
behave 'echo "{\"run\":8,\"state\":\"awaiting-approval\"}"'
say "$(init)" "$(call 1 scale_deployment '{"run":7,"workload":"shop/Deployment/cart","containers":[{"name":"web","requests":{"cpu":"300m","memory":"1Gi"},"limits":{"memory":"2Gi"}}],"reason":"$(touch x); `id` \"q\" '"'"'r'"'"' \u00e9 --yes"}')"
is "$(words)" "--quiet
--log-format=text
--config=$tmp/tare.yaml
--database=postgres:///x
--as=ann
propose
7
shop/Deployment/cart
web.requests.cpu=300m
web.requests.memory=1Gi
web.limits.memory=2Gi
--reason=\$(touch x); \`id\` \"q\" 'r' é --yes
--format=json" "what tare is run with"
is "$(answer 1 '[.result.isError, .result.structuredContent.run]')" '[false,8]' "and its answer"
like "$(answer 1 .result.structuredContent.note)" 'Nothing was applied' "with what it is not"
flags=()
behave 'echo "{\"run\":8,\"state\":\"refused\"}"; exit 77'
say "$(init)" "$(call 1 scale_deployment '{"run":7,"workload":"a/B/c","containers":[{"name":"c","limits":{"cpu":"1"}}],"reason":"why"}')"
is "$(answer 1 '[.result.isError, .result.structuredContent.state]')" '[false,"refused"]' "a plan that the gate blocks is an answer"
behave 'echo "tare: you may not" >&2; exit 77'
say "$(init)" "$(call 1 scale_deployment '{"run":7,"workload":"a/B/c","containers":[{"name":"c","limits":{"cpu":"1"}}],"reason":"why"}')"
is "$(answer 1 '[.result.isError, .result.content[0].text]')" '[true,"tare: you may not"]' "a refusal without one is an error"
flags=(--read-only)
say "$(init)" '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' "$(call 2 scale_deployment '{"workload":"a/B/c","containers":[{"name":"c","limits":{"cpu":"1"}}],"reason":"why"}')"
is "$(answer 1 '[.result.tools[].name] | index("scale_deployment")') $(answer 2 .error.code)" 'null -32602' "--read-only knows no tool that makes something"
flags=()

# ---- A tare that misbehaves ----
one() { behave "$1"; say "$(init)" "$(call 1 "$2" "${3:-{\}}")"; text=$(answer 1 '.result.content[0].text' | jq -r .); bad=$(answer 1 .result.isError); }
one 'printf "tare: the ledger is away\033[2J\nhint: start it\n" >&2; exit 69' list_runs
is "$bad:$text" $'true:tare: the ledger is away?[2J\nhint: start it' "what it says when it fails is told, masked"
one 'exit 3' list_runs
like "$bad:$text" 'true:tare ended with the exit code 3' "an end without a word"
one 'kill -SEGV $$' list_runs
like "$bad:$text" 'true:tare ended with the exit code 139' "a crash"
one 'echo hello' list_runs
like "$bad:$text" 'true:tare printed what is no answer' "what is no JSON"
one 'echo "{}"' get_metrics
like "$bad:$text" 'true:tare printed what is no answer' "JSON of another shape"
one 'echo "[{\"run\":5,\"state\":\"running\"},{\"run\":4,\"state\":\"failed\"}]"' explain '{"workload":"a/B/c"}'
like "$bad:$text" 'true:no run that this login sees came to its end' "runs that did not come to their end are none"
one 'if [[ $3 == status ]]; then echo "[{\"run\":5,\"state\":\"running\"},{\"run\":4,\"state\":\"approved\",\"proposal\":{}},{\"run\":3,\"state\":\"unchanged\",\"proposal\":null}]"; else printf "%s " "$@"; fi' explain '{"workload":"a/B/c"}'
like "$bad:$text" 'false:.*explain 3 a/B/c' "the newest that did, and is no proposal, is taken"
one 'head -c 30000000 /dev/zero | tr "\0" y' generate_report '{"run":1,"format":"csv"}'
like "$bad:${#text}:$text" '^false:[0-9]{2,3}:.cut: the whole text' "a report without end is cut"
one 'printf "a\tb\n\033]0;x\007c\342\200\256d\n"' generate_report '{"run":1}'
is "$text" $'a\tb\n?]0;x?c???d' "text of reports is masked"
record() { printf '{"workload":{"cluster":"c","namespace":"n","kind":"Deployment","name":"%s","containers":[]},"recommendation":{"action":"keep","reasoning":"%s"}}' "$1" "$2"; }
one "printf '%s\n' '{\"tare\":\"gated\",\"version\":1,\"created\":\"2026-11-22T00:00:00Z\"}' '$(record a 'x\u001b[2J\u202e')' '{broken' '$(record b y)' '{\"end\":{}}'" list_recommendations '{"run":1}'
is "$(answer 1 '.result.structuredContent | [.matched, .left_out, .items[0].reasoning, .created]')" '[2,1,"x?[2J???","2026-11-22T00:00:00Z"]' \
    "a record that is none is counted, text of records is masked"
one "for i in {1..300}; do printf '%s\n' '$(record "w" "$(printf 'r%.0s' {1..3000})")'; done" list_recommendations '{"run":1,"limit":200}'
is "$(answer 1 '.result.structuredContent | [.matched, (.items | length < 200), (.next_cursor != null)]')" '[300,true,true]' "a page has its bounds in bytes too"
rm "$tmp/bin/tare.gone" 2>/dev/null
mv "$tmp/bin/tare" "$tmp/bin/tare.gone"
say "$(init)" "$(call 1 list_runs '{}')"
like "$(answer 1 '.result.content[0].text')" 'cannot start .*/tare.*beside tare-mcp' "a tare that is not there"
mv "$tmp/bin/tare.gone" "$tmp/bin/tare"

# ---- Calls under way: a session that is talked to step by step ----
open_session() { coproc MCP { exec "$mcp" "$@" 2>"$tmp/stderr"; }; session=$MCP_PID; exec {to}>&"${MCP[1]}" {from}<&"${MCP[0]}"; }
tell() { printf '%s\n' "$1" >&"$to"; }
# Of progress only the beginning is heard: on a slow machine more of it comes.
hear() {
    heard=''
    while read -r -t 60 -u "$from" heard; do
        [[ $heard == *notifications/progress* && $heard != *'"progress":1,'* ]] || return 0
    done
    heard='(nothing came)'
}
close_session() { exec {to}>&-; eval "exec ${MCP[1]}>&-" 2>/dev/null; wait "$session"; ended=$?; exec {from}<&-; }
# until_true COMMAND...: waits for it, a minute at most.
until_true() { for _ in {1..600}; do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done; return 1; }
gone() { ! kill -0 "$1" 2>/dev/null; }
hang='echo $$ >"$here/pid.tmp"; sleep 600 & echo $! >"$here/pid2"; mv "$here/pid.tmp" "$here/pid"; wait'

behave "$hang"
open_session
tell "$(init)"; hear
rm -f "$tmp/bin/pid"
tell "$(call '"slow"' list_runs '{}' '"_meta":{"progressToken":"p1"}')"
hear
is "$(jq -c '[.method, .params.progressToken, .params.progress]' <<<"$heard")" '["notifications/progress","p1",1]' "progress is told where it is asked for"
until_true test -s "$tmp/bin/pid"
tell "$(ping 5)"; hear
is "$(jq -c .id <<<"$heard")" 5 "a ping is answered while a call hangs"
tell "$(call '"slow"' list_runs '{}')"; hear
is "$(jq -c '[.id, .error.code]' <<<"$heard")" '["slow",-32600]' "the id of a call under way cannot be another's"
tell '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"slow","reason":"enough"}}'
ok "cancelled, its process ends" until_true gone "$(<"$tmp/bin/pid")"
ok "and what that started" until_true gone "$(<"$tmp/bin/pid2")"
tell "$(ping 6)"; hear
is "$(jq -c .id <<<"$heard")" 6 "and it gets no answer"
behave 'trap "" TERM; '"$hang"'; while :; do sleep 1; done'
rm -f "$tmp/bin/pid"
tell "$(call 7 list_runs '{}')"
until_true test -s "$tmp/bin/pid"
tell '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}'
ok "a process that will not end is ended" until_true gone "$(<"$tmp/bin/pid")"
behave 'echo "[]"'
tell "$(call 7 list_runs '{}')"; hear
is "$(jq -c '[.id, .result.isError]' <<<"$heard")" '[7,false]' "its id is free again"

# Four at once, the rest in their order; each is let go by a file of its own.
behave 'n=0; until mkdir "$here/turn.$n" 2>/dev/null; do n=$((n + 1)); done; until [[ -e $here/go.$n ]]; do sleep 0.05; done; echo "[]"'
for i in {11..16}; do tell "$(call $i list_runs '{}')"; done
until_true test -d "$tmp/bin/turn.3"
tell "$(ping 20)"; hear
is "$(jq -c .id <<<"$heard")$(test -d "$tmp/bin/turn.4" && echo more)" 20 "four calls run, two wait, a ping does not"
touch "$tmp/bin/go.0"; hear
isnt "$(jq -c .result.structuredContent.runs <<<"$heard")" null "one is answered"
ok "and another one begins" until_true test -d "$tmp/bin/turn.4"
touch "$tmp/bin"/go.{1..5}
for _ in {1..5}; do hear; done
tell "$(ping 21)"; hear
is "$(jq -c .id <<<"$heard")" 21 "all have their answer"
for i in {100..170}; do tell "$(call $i list_runs '{}')"; done
hear
like "$heard" 'as many calls under way as it takes' "more than 64 are told to come back"
for i in {6..80}; do touch "$tmp/bin/go.$i"; done
close_session
is "$ended" 0 "what was asked before stdin ended is answered, then it ends well"
is "$(<"$tmp/stderr")" "" "without a word"

# The time for a call.
behave "$hang"
rm -f "$tmp/bin/pid"
flags=(--call-timeout 1s)
say "$(init)" "$(call 1 list_runs '{}')"
like "$(answer 1 '.result | [.isError, .content[0].text]')" '^\[true,"tare took longer than the time for one call' "a call has its time"
ok "and its process ends with it" until_true gone "$(<"$tmp/bin/pid")"
flags=()

# ---- Ends ----
for signal in TERM INT HUP; do
    rm -f "$tmp/bin/pid"
    open_session
    tell "$(init)"; hear
    tell "$(call 1 list_runs '{}')"
    until_true test -s "$tmp/bin/pid"
    kill -"$signal" "$session"
    wait "$session"
    is $? 0 "SIG$signal ends it"
    ok "with its process" until_true gone "$(<"$tmp/bin/pid")"
    exec {to}>&- {from}<&-
done
rm -f "$tmp/bin/pid"
mkfifo "$tmp/in" "$tmp/answers"
"$mcp" <"$tmp/in" >"$tmp/answers" 2>"$tmp/stderr" &
session=$!
exec {to}>"$tmp/in" {from}<"$tmp/answers"
tell "$(call 1 list_runs '{}' "$meta")"
until_true test -s "$tmp/bin/pid"
exec {from}<&-
ok "a client that no longer reads ends it" until_true gone "$session"
wait "$session"
is $? 0 "well"
ok "with its process" until_true gone "$(<"$tmp/bin/pid")"
exec {to}>&-
ping 1 | "$mcp" >/dev/full 2>"$tmp/stderr"
is $? 74 "a full disk"
like "$(<"$tmp/stderr")" 'cannot write standard output' "is told"
for i in {1..20000}; do ping "$i"; echo; done >"$tmp/many"
is "$("$mcp" <"$tmp/many" | { until_true test -e "$tmp/many"; sleep 0.2; grep -c result; })" 20000 "who reads late loses nothing"

# ---- The program ----
run "$mcp" --help
is "$rc" 0 "--help"
like "$out" '--read-only.*--call-timeout' "has its options"
run "$mcp" now </dev/null
is "$rc" 64 "an operand"
run "$mcp" --call-timeout 0s </dev/null
is "$rc" 64 "no time at all"
run "$mcp" -c "$tmp/none.yaml" </dev/null
is "$rc" 66 "a configuration that is not there"
printf 'versoin: 1\n' >"$tmp/bad.yaml"
run "$mcp" -c "$tmp/bad.yaml" </dev/null
is "$rc" 78 "one that is wrong"
done_testing
