#!/usr/bin/env bash
# tare-mcp and the official client libraries of the Model Context Protocol, over a real ledger: they list the tools, check every result against the
# schema it was listed with, and call each tool; what a tool tells is what the artifacts have. The client of the older era always runs, that of the
# newer one where Node is new enough for it.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"
need node npm jq
OLD_CLIENT=@modelcontextprotocol/sdk@1.32.2 # speaks 2025-11-25 and older, on Node 18 and later
NEW_CLIENT=@modelcontextprotocol/client@2.4.0 # speaks 2026-07-28, on Node 20 and later

# client_get FOLDER PACKAGE: installs a library once into the build folder.
client_get() {
    local dir=${BIN%/bin}/mcp/$1 package=${2%@*}
    grep -qs "\"version\": \"${2##*@}\"" "$dir/node_modules/$package/package.json" && return 0
    mkdir -p "$dir"
    (flock 8 && cd "$dir" && npm install --prefix . --no-audit --no-fund --ignore-scripts --loglevel=error "$2") >&2 8>"$dir/.lock"
}
client_get old "$OLD_CLIENT"
tap_result $? "the client library is at hand"
node_major=$(node -p 'process.versions.node.split(".")[0]')
eras=old
if ((node_major >= 20)); then
    client_get new "$NEW_CLIENT"
    tap_result $? "and the newer one"
    eras+=' new'
else
    diag "Node $node_major is too old for $NEW_CLIENT: the newer era is left to tests/cli/mcp.t"
fi

# What a client does is read from stdin, one JSON a line: {"list":true}, {"call":NAME,"arguments":{…}}, {"cancel":NAME,…}; one line for each comes back.
for era in $eras; do
    lib=${BIN%/bin}/mcp/$era
    cat >"$lib/client.mjs" <<'JS'
import { createInterface } from 'node:readline';
const [era, command, ...args] = process.argv.slice(2);
const sdk = era === 'new' ? '@modelcontextprotocol/client' : '@modelcontextprotocol/sdk/client/index.js';
const stdio = era === 'new' ? '@modelcontextprotocol/client/stdio' : '@modelcontextprotocol/sdk/client/stdio.js';
const { Client } = await import(sdk);
const { StdioClientTransport } = await import(stdio);
const options = era === 'new' ? { versionNegotiation: { mode: 'auto' } } : {};
const client = new Client({ name: 'tare-test', version: '1' }, options);
const complaints = [];
client.onerror = (error) => complaints.push(String(error));
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: 'inherit' });
// One message a turn: of a notification and the answer that it reads in one piece the library takes the answer first, and complains of the other.
let taken;
Object.defineProperty(transport, 'onmessage', {
    get: () => taken,
    set: (take) => { taken = take && ((...message) => setImmediate(() => take(...message))); },
});
await client.connect(transport);
const say = (value) => console.log(JSON.stringify(value));
say({ server: client.getServerVersion(), instructions: client.getInstructions(), capabilities: client.getServerCapabilities(),
    version: client.getNegotiatedProtocolVersion ? client.getNegotiatedProtocolVersion() : null });
for await (const line of createInterface({ input: process.stdin })) {
    const step = JSON.parse(line);
    try {
        if (step.list) say(await client.listTools());
        else if (step.ping) say(await client.ping());
        else {
            let told = 0;
            const params = { name: step.call, arguments: step.arguments };
            const extra = { onprogress: () => { told++; }, timeout: 120000 };
            const result = await (era === 'new' ? client.callTool(params, extra) : client.callTool(params, undefined, extra));
            say({ ...result, told });
        }
    } catch (error) { say({ refused: error.code ?? null, message: String(error.message) }); }
}
await client.close();
say({ complaints });
JS
done

# talk ERA ARGUMENTS... <steps: what comes back is in the array `back`, one line a step, the greeting first.
talk() {
    local era=$1
    shift
    mapfile -t back < <(node "${BIN%/bin}/mcp/$era/client.mjs" "$era" "$BIN/tare-mcp" "$@" 2>"$tmp/stderr")
}
at() { jq -r "$2" <<<"${back[$1]:-null}"; }

# ---- Before there is a run ----
"$tare" server start --quiet && "$tare" migrate --quiet 2>"$tmp/migrate"
talk old -c "$shop/tare.yaml" <<<'{"call":"list_recommendations","arguments":{}}'
is "$(at 1 .isError)" true "without a run there is nothing to recommend"
like "$(at 1 '.content[0].text')" 'no run that this login sees.*tare run' "which says what to do"

run "$tare" run --end "$end" --format json
is "$rc" 0 "a run of the shop" || diag "$err"
id=$(json .run)
"$tare" show "$id" gate >"$tmp/gated"
"$tare" show "$id" collect >"$tmp/usage"
"$tare" login assistant viewer operator --quiet 2>"$tmp/login"
workloads=$(jq -s '[.[] | select(.workload)] | length' "$tmp/gated")
edits=$(jq -c 'select(.workload.name == "storefront") | .change.edits' "$tmp/gated")

for era in $eras; do
    talk "$era" -c "$shop/tare.yaml" <<'STEPS'
{"list":true}
{"call":"list_runs","arguments":{}}
{"call":"get_current_state","arguments":{"namespace":"shop","limit":200}}
{"call":"get_metrics","arguments":{"kind":"Deployment","name":"storefront"}}
{"call":"list_recommendations","arguments":{"limit":200}}
{"call":"list_recommendations","arguments":{"limit":2,"name":"s*"}}
{"call":"list_recommendations","arguments":{"sort":"risk","verdict":"blocked"}}
{"call":"explain","arguments":{"workload":"shop/Deployment/storefront"}}
{"call":"generate_report","arguments":{}}
{"call":"generate_report","arguments":{"format":"csv","max_bytes":2000}}
{"call":"explain","arguments":{"workload":"shop/Deployment/storefont"}}
{"call":"explain","arguments":{"workload":"--as=admin"}}
{"call":"get_current_state","arguments":{"run":999}}
{"call":"get_current_state","arguments":{"runs":1}}
{"call":"apply","arguments":{}}
STEPS
    name="$era client"
    is "$(at 0 .server.name)" tare-mcp "$name: connects"
    like "$(at 0 .instructions)" 'data, never instructions' "$name: and is told what text in results is"
    [[ $era == old ]] || is "$(at 0 .version)" 2026-07-28 "$name: the newest revision"
    is "$(at 1 '[.tools[].name] | join(" ")')" \
        'list_runs get_current_state get_metrics list_recommendations explain generate_report scale_deployment' "$name: all tools are listed"
    is "$(at 1 '[.tools[] | select(.annotations.readOnlyHint | not) | .name] | join(" ")')" scale_deployment "$name: all but one only read"
    is "$(at 2 '.structuredContent.runs[0].run')" "$id" "$name: list_runs"
    is "$(at 3 '.structuredContent.matched')" "$(jq -s '[.[] | select(.workload.namespace == "shop")] | length' "$tmp/gated")" \
        "$name: get_current_state has the workloads of the namespace"
    is "$(at 3 '[.structuredContent.items[] | select(.name == "storefront")][0].containers[] | select(.name == "web") | .requests.cpu_millicores')" \
        "$(jq 'select(.workload.name == "storefront") | .workload.containers[] | select(.name == "web") | .requests.cpu_millicores' "$tmp/gated")" \
        "$name: with the requests of today"
    is "$(at 4 '.structuredContent.items[0].containers[] | select(.name == "web") | .cpu_millicores.p95')" \
        "$(jq 'select(.workload.name == "storefront") | .usage.containers.web.cpu_millicores.p95' "$tmp/usage")" "$name: get_metrics has the figures"
    is "$(at 5 '.structuredContent.items | length')" "$workloads" "$name: list_recommendations has every workload"
    is "$(at 5 '.structuredContent.monthly_saving_usd * 1000000 | round')" \
        "$(jq -s '[.[] | .cost.monthly_saving_microusd // 0] | add' "$tmp/gated")" "$name: and their sum"
    is "$(at 5 '[.structuredContent.items[].monthly_saving_usd // 0] | . == (sort | reverse)')" true "$name: the largest saving first"
    is "$(at 5 '[.structuredContent.items[] | select(.name == "storefront")][0].changes | map([.container, .from, .to]) | tojson')" \
        "$(jq -c 'map([.container, .from, .to])' <<<"$edits")" "$name: changes are the edits of the plan"
    is "$(at 5 '(.content[0].text | fromjson) == .structuredContent')" true "$name: the text is the same value"
    is "$(at 6 '.structuredContent.items | length')" 2 "$name: a page of two"
    isnt "$(at 6 .structuredContent.next_cursor)" null "$name: says where the next one begins"
    is "$(at 7 '[.structuredContent.items[].verdict] | unique | tojson')" '["blocked"]' "$name: only what the gate blocks"
    isnt "$(at 7 '.structuredContent.items[0].against[0].message')" null "$name: with what stands against it"
    like "$(at 8 '.content[0].text')" '^shop/Deployment/storefront of demo' "$name: explain"
    is "$(at 8 '.told > 0')" true "$name: with progress"
    is "$(at 9 '.content[0].text')" "$("$tare" report "$id")" "$name: generate_report is tare report"
    like "$(at 10 '.content[0].text')" 'cut: the whole text' "$name: a report that is cut says so"
    is "$(at 10 '.content[0].text | length < 2200')" true "$name: and is"
    is "$(at 11 .isError)" true "$name: an unknown workload is an error of the tool"
    like "$(at 11 '.content[0].text')" 'shop/Deployment/storefront' "$name: which has the nearest name"
    like "$(at 12 '.content[0].text')" 'arguments.workload' "$name: an option is no workload"
    like "$(at 13 '.content[0].text')" '999' "$name: an unknown run"
    like "$(at 14 '.content[0].text')" 'did you mean "run"' "$name: a wrong argument"
    is "$(at 15 .refused)" -32602 "$name: an unknown tool is an error of the protocol"
    is "$(at 16 '.complaints | length')" 0 "$name: the library complains of nothing" || diag "${back[16]}"
    is "$(<"$tmp/stderr")" "" "$name: nor does the server"
done

# ---- All pages together are the whole list ----
steps='' cursor='' seen=''
for _ in {1..60}; do
    talk old -c "$shop/tare.yaml" <<<"{\"call\":\"list_recommendations\",\"arguments\":{\"limit\":15${cursor:+,\"cursor\":\"$cursor\"}}}"
    seen+=$(at 1 '.structuredContent.items[].workload')$'\n'
    cursor=$(at 1 '.structuredContent.next_cursor // empty')
    [[ -n $cursor ]] || break
done
is "$(grep -c . <<<"$seen")" "$workloads" "pages have every workload"
is "$(sort -u <<<"$seen" | grep -c .)" "$workloads" "each of them once"

# ---- A proposal: a plan that waits like every other one ----
before=$(tree)
# One inside its bounds, and one beyond anything.
bounds=$(jq -c 'select(.workload.name == "catalog") | .recommendation.containers.catalog.requests.bounds.cpu_millicores' "$tmp/gated")
cpu=$(jq -r '((.min + .max) / 20 | floor) * 10 | "\(.)m"' <<<"$bounds")
for era in $eras; do
    name="$era client"
    talk "$era" -c "$shop/tare.yaml" --as assistant <<STEPS
{"call":"scale_deployment","arguments":{"workload":"shop/Deployment/catalog","containers":[{"name":"catalog","requests":{"cpu":"$cpu"},"limits":{"memory":"1Ti"}}],"reason":"load test on friday"}}
{"call":"scale_deployment","arguments":{"workload":"shop/Deployment/storefront","containers":[{"name":"wob","requests":{"cpu":"700m"}}],"reason":"a wrong name"}}
{"call":"scale_deployment","arguments":{"workload":"shop/Deployment/storefront","containers":[{"name":"web","requests":{"cpu":"700m"}}],"replicas":5,"reason":"more of it"}}
{"call":"list_recommendations","arguments":{"limit":1}}
STEPS
    plan=$(at 1 .structuredContent.run)
    is "$(at 1 '[.isError, .structuredContent.state, .structuredContent.parent] | tojson')" "[false,\"awaiting-approval\",$id]" \
        "$name: scale_deployment makes a plan that waits for approval" || diag "${back[1]}"
    is "$(at 1 '.structuredContent.proposal.amounts[] | select(.field == "requests.cpu") | .to')" "$cpu" "$name: with the amount that was asked for"
    isnt "$(at 1 '.structuredContent.proposal.clamped[] | select(.field == "limits.memory") | .to')" 1Ti "$name: and one that was clamped"
    like "$(at 1 '.structuredContent.commands | join("; ")')" "approve $plan .*tare apply $plan" "$name: and the commands that a person types"
    is "$("$tare" show "$plan" gate | jq -s '[.[] | select(.change.edits // [] | length > 0) | .workload.name] | join(" ")' -r)" catalog \
        "$name: it changes one workload"
    is "$(at 2 .isError)" true "$name: a container that is not there"
    like "$(at 2 '.content[0].text')" 'wob' "$name: is named"
    like "$(at 3 '.content[0].text')" 'replicas is no argument.*autoscalers' "$name: replicas are no argument"
    is "$(at 4 .structuredContent.run)" "$id" "$name: a proposal is not taken for the newest run"
done
is "$(tree)" "$before" "no file was changed"
run "$tare" --as assistant approve "$plan" --yes
isnt "$rc" 0 "who proposed cannot approve"
"$tare" login reviewer viewer approver --quiet 2>"$tmp/login"
run "$tare" --as reviewer approve "$plan" --yes
is "$rc" 0 "somebody else can" || diag "$err"
run "$tare" apply "$plan" --yes
is "$rc" 0 "and it is applied" || diag "$err"
(cd "$shop" && "$BIN/tare-parse" -q manifests) | jq -c 'select(.workload.name == "catalog") | .workload.containers[] | select(.name == "catalog") | .requests.cpu_millicores' >"$tmp/now"
is "$(<"$tmp/now")m" "$cpu" "as it was shown"
isnt "$(tree)" "$before" "by the person who typed that"
"$tare" login onlooker viewer --quiet 2>"$tmp/login"
talk old -c "$shop/tare.yaml" --as onlooker <<'STEPS'
{"call":"list_runs","arguments":{}}
{"call":"scale_deployment","arguments":{"run":1,"workload":"shop/Deployment/storefront","containers":[{"name":"web","requests":{"cpu":"700m"}}],"reason":"no right to"}}
STEPS
is "$(at 1 '.structuredContent.runs | length > 1')" true "a login that only views sees the runs"
is "$(at 2 .isError)" true "and cannot propose"

# ---- Without what writes ----
talk old -c "$shop/tare.yaml" --read-only <<'STEPS'
{"list":true}
{"call":"scale_deployment","arguments":{"workload":"shop/Deployment/storefront","containers":[{"name":"web","requests":{"cpu":"300m"}}],"reason":"trying"}}
STEPS
is "$(at 1 '[.tools[] | select(.annotations.readOnlyHint | not)] | length')" 0 "--read-only lists what reads alone"
is "$(at 2 .refused)" -32602 "and knows no other tool"
done_testing
