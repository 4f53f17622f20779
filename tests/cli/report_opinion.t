#!/usr/bin/env bash
# Every format says who recommended a workload's numbers, who was not used and why, what was moved; a summary says how often, and what it cost.
# Names of models, reasons and people come from outside and stay text.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq

bad=$'<script>alert(1)</script></details>\x1b[31m [x](http://evil) | =1+1 ```'
record() { # NAME LINE RECOMMENDATION
    jq -cn --arg name "$1" --argjson line "$2" --argjson more "$3" '
    {workload: {cluster: "prod", namespace: "shop", kind: "Deployment", name: $name, replicas: 1, source: {file: "f.yaml", document: $line, item: null, line: $line},
      containers: [{name: "app", role: "container", requests: {cpu_millicores: 500, memory_bytes: 536870912}, limits: {}}]},
     usage: {containers: {app: {}}},
     recommendation: ({action: "resize", confidence: 0.9, risk: "medium", reasoning: "because", findings: [], containers: {app: {requests: {cpu_millicores: 250}}}} + $more),
     cost: {monthly_before_microusd: 2000000, monthly_after_microusd: 1000000, replicas: 1,
            containers: {app: {cpu_before_microusd: 2000000, cpu_after_microusd: 1000000, memory_before_microusd: 0, memory_after_microusd: 0}}}, problems: []}'
}
clamps='[{"container":"app","field":"requests.cpu","proposed":1,"value":250,"after":250,"bound":250,"by":"lower-bound","kind":"statistics"}]'
{
    echo '{"tare":"costs","version":1,"created":"2026-11-22T03:00:00Z","by":"test","settings":{"analyze":{"providers":[{"provider":"openai","model":"m"},{"provider":"rules"}]}}}'
    record plain 1 '{"source":"rules","clamps":'"$clamps"'}'
    record told 2 '{"source":"llm","provider":"anthropic","model":"m-1","disagreement":0.42,"clamps":'"$clamps"'}'
    record left 3 '{"source":"rules","fallback":{"from":"openai","reason":"the server took too long"}}'
    record late 4 '{"source":"llm","provider":"anthropic","model":"m-1","disagreement":0.1,"fallback":{"from":"openai","reason":"the server took too long"}}'
    record own 5 '{"source":"proposal","proposed_by":"ann","clamps":'"$clamps"'}'
    record other 6 '{"source":"proposal","proposed_by":null}'
    record odd 7 "$(jq -cn --arg t "$bad" '{source: "llm", provider: $t, model: $t, fallback: {from: $t, reason: $t}, clamps: [{container: $t, field: $t, proposed: $t, by: $t}, 7, null]}')"
    echo '{"end":{"records":7,"workloads":7,"problems":0,"skipped":{},"input":null}}'
} >"$tmp/in"
echo '{"tare":"past","version":1,"run":3,"narrowed":false,"trend":[],"applied":[],"llm":{"exchanges":5,"input_tokens":9000,"output_tokens":1000,"cost_microusd":12000}}' >"$tmp/past"
report() { run "$BIN/tare-report" --past "$tmp/past" "$@" <"$tmp/in"; }
moved='app requests.cpu: 1m asked, 250m given: not below what the statistics show \(lower-bound\)'

for format in html markdown table; do
    report --format "$format"
    is "$rc" 0 "$format" || diag "$err"
    flat=$(tr -s '\n ' '  ' <<<"$out")
    like "$flat" 'm-1 \(anthropic\) for 2 workloads' "$format: how often which model"
    like "$flat" 'the rules for 2 workloads' "$format: how often the rules"
    like "$flat" "ann('|&#39;|\\\\')s proposal for 1 workload" "$format: whose proposal"
    like "$flat" '2 workloads: openai was not used: the server took too long' "$format: who was not used, how often and why"
    like "$flat" '5 exchanges with a language model, 10000 tokens for \$0\.012' "$format: tokens and cost"
done

report --format html
like "$out" 'Recommended by m-1 \(anthropic\)' "html names the model of a workload"
like "$out" "$moved" "html tells each amount that was moved"
like "$out" 'up to 42 % away from the rules' "html tells the disagreement"
is "$(grep -c '<script>alert' <<<"$out")" 0 "html: no markup of others"
report --format markdown
like "$out" 'Recommended by ann' "Markdown names who proposed"
like "$out" '  - app requests.cpu: 1m asked, 250m given' "Markdown tells each amount that was moved"
is "$(grep -c '<script>\|](http://evil)' <<<"$out")" 0 "Markdown: no markup of others"
report --format table
like "$out" 'by m-1 \(anthropic\); 1 amount moved into bounds' "the table has a line for what the rules did not decide"
like "$out" 'by the rules; openai was not used: the server took too long' "and for who was not used"
is "$(grep -c $'\x1b' <<<"$out")" 0 "the table: no terminal bytes of others"
is "$(grep -c '^  by ' <<<"$out")" 5 "none for the rules alone, none for what a proposal leaves alone"
report --format csv
is "$(sed -n 2p <<<"$out" | tr -d '\r' | awk -F, '{ print $(NF-6) "|" $(NF-5) "|" $(NF-4) "|" $(NF-3) "|" $(NF-2) "|" $(NF-1) "|" $NF }')" '"rules"||||||0' "CSV: a row of the rules"
like "$(grep '"told"' <<<"$out" | tr -d '\r')" '"llm","anthropic","m-1",,,0\.42,1$' "CSV: a row of a model"
like "$(grep '"own"' <<<"$out" | tr -d '\r')" '"proposal",,,"ann",,,1$' "CSV: a row of a proposal"
like "$(grep '"late"' <<<"$out" | tr -d '\r')" '"openai was not used: the server took too long",0\.1,0$' "CSV: who was not used"
is "$(grep -c '^=\|,=1\|"=1' <<<"$out")" 0 "CSV: no formula of others"
report --format json
is "$(jq -c '[.recommended_by["m-1 (anthropic)"], .recommended_by["the rules"], .recommended_by["ann'"'"'s proposal"], .not_used["openai was not used: the server took too long"]]' <<<"$out")" \
    '[2,2,1,2]' "JSON counts them"
is "$(jq -c '.workloads[] | select(.name == "told") | [.source, .provider, .model, .disagreement, .clamps[0].kind, .clamps[0].bound, .fallback]' <<<"$out")" \
    '["llm","anthropic","m-1",0.42,"statistics",250,null]' "JSON has each workload's"
report --format explain --workload shop/Deployment/told
like "$(tr -s '\n ' '  ' <<<"$out")" "decided by m-1 \(anthropic\) .*up to 42 % away from the rules' numbers $moved" "explain tells all of it"
report --format explain --workload shop/Deployment/odd
is "$rc$(grep -c $'\x1b' <<<"$out")" 00 "explain: no terminal bytes of others"

# Against another run: who recommends now.
sed 's/"model":"m-1"/"model":"m-2"/; s/"2026-11-22T03/"2026-11-23T03/' "$tmp/in" >"$tmp/later"
for format in markdown table html json; do
    run "$BIN/tare-report" --format "$format" --compare "$tmp/in" <"$tmp/later"
    is "$rc" 0 "$format of two runs" || diag "$err"
    [[ $format == json ]] || like "$(tr -s '\n ' '  ' <<<"$out")" 'recommended by.{0,12} m-1 \(anthropic\).{0,24}m-2 \(anthropic\)' "$format tells that another model recommends"
done
is "$(jq -c '[.workloads[] | select(.differs | index("recommended by")) | .name] | sort' <<<"$out" 2>/dev/null)" '["late","told"]' "of these workloads alone"

# The rules alone need no words.
sed -i '/"source":"llm"\|"source":"proposal"\|"fallback"/d; s/"records":7,"workloads":7/"records":1,"workloads":1/' "$tmp/in"
run "$BIN/tare-report" --format markdown <"$tmp/in"
is "$rc$(grep -c 'Recommended by' <<<"$out")" 00 "where the rules decided all of it, nothing is said"
done_testing
