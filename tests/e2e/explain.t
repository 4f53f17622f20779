#!/bin/bash
# tare explain on the demo shop: from samples to numbers for one workload of a run, also from another folder and by a reader; and what a
# second run is told of the first.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"

run "$tare" run --end "$end" --format json
is "$rc" 0 "tare run ends well" || diag "$err"
id=$(json .run)
"$tare" show "$id" gate >"$tmp/gated"
record() { jq -c --arg name "$1" 'select(.workload.name == $name)' "$tmp/gated"; }

run "$tare" explain "$id" shop/Deployment/storefront
is "$rc" 0 "a workload is explained" || diag "$err"
flat=$(tr -s ' \n' ' ' <<<"$out")
like "$out" '^shop/Deployment/storefront of demo' "by its name"
for section in SAMPLES 'FROM SAMPLES TO NUMBERS' 'CONFIDENCE AND RISK' BACKTEST FINDINGS PRICE CHANGE GATE; do
    like "$out" $'\n'"$section" "there is $section"
done
like "$flat" "remote-read from $prometheus" "where the samples came from"
like "$flat" 'a sample counts half after 3 d' "how they are weighted"
pair=$(record storefront | jq -r '.change.edits[] | select(.container == "web" and (.path | endswith("requests.cpu"))) | "CPU request \(.from) → \(.to)"')
like "$flat" "$pair" "the change of a number is that of the plan: $pair"
like "$flat" "formula .*wp" "the formula"
like "$flat" "moved by [a-z-]+: " "what moved it"
like "$flat" "KRR's rule .* VPA's rule" "the backtest beside the peers' rules"
like "$flat" "tare explain $id shop/Deployment/storefront --format json" "and where the rest is"

run "$tare" explain "$id" shop/Deployment/storefront --format json
is "$rc" 0 "as JSON"
is "$(json '.recommendation')" "$(record storefront | jq .recommendation)" "it has the record's recommendation"
is "$(json .artifact.kind)" gated "from the run's newest artifact"

# Every workload of the shop can be explained, and each of its manifests is YAML.
bad='' kinds=0
while read -r workload; do
    "$tare" explain "$id" "$workload" >"$tmp/text" 2>"$tmp/why" || bad+="$workload: $(cat "$tmp/why") "
    [[ $(awk 'length($0) > 140' "$tmp/text" | grep -vc '^    ') == 0 ]] || bad+="$workload: too wide "
    "$tare" explain "$id" "$workload" --yaml >"$tmp/yaml" 2>"$tmp/why" || bad+="$workload --yaml: $(cat "$tmp/why") "
    wanted=$(jq -c --arg w "$workload" 'select(.workload) | select("\(.workload.namespace // "default")/\(.workload.kind)/\(.workload.name)" == $w)
        | .recommendation.scaling.manifests // []' "$tmp/gated")
    [[ $wanted == '[]' ]] || kinds=$((kinds + $(grep -c '^---$' "$tmp/yaml")))
done < <(jq -r 'select(.workload) | "\(.workload.namespace // "default")/\(.workload.kind)/\(.workload.name)"' "$tmp/gated")
is "$bad" "" "all workloads of the run are explained ($kinds advised manifests)"

run "$tare" explain "$id" shop/Deployment/storefont
is "$rc" 64 "an unknown workload"
like "$err" 'shop/Deployment/storefront' "gets the nearest name"
run "$tare" explain "$id" storefront
is "$rc" 64 "a name without its place"
run "$tare" explain "$id" shop/Deployment/storefront --format html
is "$rc" 64 "a format that is none here"
run "$tare" explain 999 shop/Deployment/storefront
is "$rc" 66 "an unknown run"
run "$tare" explain
is "$rc" 64 "no run"
run "$tare" explain --help
like "$out" 'RUN NAMESPACE/KIND/NAME' "help says how"

# From the ledger alone: another folder, without the run's files, as somebody who may only look.
run "$tare" login looker viewer
mv "$shop" "$tmp/moved"
cd "$tmp" || exit 1
run "$tare" --as looker explain "$id" shop/Deployment/storefront
is "$rc" 0 "a viewer on another machine reads it too" || diag "$err"
is "$(tr -s ' \n' ' ' <<<"$out")" "$flat" "and sees the same"
mv "$tmp/moved" "$shop"
cd "$shop" || exit 1

# A run that did not come as far.
run "$tare" run --prometheus http://127.0.0.1:1 --end "$end"
isnt "$rc" 0 "a run without a metrics server"
failed=$("$tare" status --format json | jq '.[0].run')
run "$tare" explain "$failed" shop/Deployment/storefront
is "$rc" 65 "was not analyzed"
like "$err" "run $failed is failed and was not analyzed yet" "which a sentence says"

# What the run learned is what the next one is told; over the same days it changes nothing.
"$tare" show "$id" analyze | jq -r 'select(.tare) | .settings.analyze.history_sha256' >"$tmp/first"
is "$(cat "$tmp/first")" null "the first run was told nothing"
sleep 1
run "$tare" run --end "$end" --format json
second=$(json .run)
"$tare" show "$second" analyze >"$tmp/again"
like "$(jq -r 'select(.tare) | .settings.analyze.history_sha256' "$tmp/again")" '^[0-9a-f]{64}$' "the second was"
is "$(records <"$tmp/again" | sha256sum)" "$("$tare" show "$id" analyze | records | sha256sum)" "of the same days it makes the same"
run "$tare" explain "$second" shop/Deployment/storefront
like "$(tr -s ' \n' ' ' <<<"$out")" 'history of earlier runs [0-9a-f]{12}' "and tells which history it had"
run "$tare" run --end "$end" --no-history --format json
third=$(json .run)
is "$("$tare" show "$third" analyze | jq -r 'select(.tare) | .settings.analyze.history_sha256')" null "--no-history: one without"
done_testing
