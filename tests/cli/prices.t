#!/usr/bin/env bash
# tare prices: the price in force and the steps to it, lists, searching, and every way to ask for what is not there. Without a ledger.
set -u
. "$(dirname "$0")/../harness/tap.sh"
cd "$tmp" || exit 1
# A ledger that cannot be reached must not matter.
export TARE_DATABASE_URL=postgresql://127.0.0.1:1/none
prices() { run "$BIN/tare" prices "$@"; }
json() { jq -r "$@" <<<"$out"; }

# --- the price in force
prices
is "$rc" 0 "the price in force, without a ledger"
like "$out" "aws us-east-1 m6i.xlarge" "nobody said anything: the default node type"
like "$out" 'default.*\$0\.192 an hour for 4 vCPU and 16 GiB \(20[0-9-]+, AWS' "its list price, date and source"
prices --provider azure --region eastus --instance D2s_v5 --format json
is "$(json '.pools[0].price | [.microusd_per_vcpu_hour, .microusd_per_gib_hour, .path] | tostring')" '[33000,3750,"exact"]' "options are heard"
is "$(json '.pools | length')" 1 "one price where there are no pools"
printf 'version: 1\npricing:\n  provider: azure\n  region: eastus\n  instance: D2s_v5\n  discount: 0.5\n' >tare.yaml
prices --format csv
is "$(sed -n 2p <<<"$out" | cut -d, -f2,3,4,6,7,8)" '"azure","eastus","Standard_D2s_v5",0.096,0.0165,0.001875' "tare.yaml of this folder is heard, as CSV in exact dollars"
like "$out" ',date,source' "with date and source"
run "$BIN/tare-prices" --format csv
unlike "$out" azure "tare-prices alone takes no tare.yaml that nobody named"
run "$BIN/tare-prices" -c tare.yaml --format csv
like "$out" '"azure"' "but the one that is named"
rm tare.yaml

# --- lists
prices list --format json
is "$rc" 0 "every price"
is "$(json '[.[] | select(.of == "node")] | length')" "$(($(wc -l <"$root/pricing/catalogs/on-demand.csv") - 1))" "each row of on-demand.csv is there"
is "$(json '[.[] | select(.of != "node")] | length')" "$(($(wc -l <"$root/pricing/catalogs/serverless.csv") - 1))" "and each of serverless.csv"
is "$(json '[.[] | select(.of == "node") | select(((.vcpu_milli * .microusd_per_vcpu_hour + .gib_milli * .microusd_per_gib_hour) / 1000 - .microusd_per_hour | fabs) > (.vcpu_milli + .gib_milli) / 2000)] | length')" 0 \
    "unit prices make each node's list price again within half a micro-dollar a unit"
is "$(json '[.[] | select((.date // "") == "" or (.source // "") == "")] | length')" 0 "each has a date and a source"
prices list --provider gcp --region us-central1 --format csv
is "$(cut -d, -f1,2 <<<"$out" | sort -u | head -1)" '"gcp","all"' "what costs the same everywhere is in a region's list too"
is "$(cut -d, -f1 <<<"$out" | sort -u | tr '\n' ' ')" '"gcp" provider ' "a list is narrowed by provider"
like "$out" '"gcp","us-central1","e2-standard-4","node",4,16,0\.134023,0\.021811,0\.002924,' "size, list price and unit prices"
prices list --region eu-west-1
is "$(awk 'NR > 1 { print $1, $2 }' <<<"$out" | sort -u | grep -v all)" "aws eu-west-1" "and by region"
prices regions --format csv
is "$(awk -F, 'NR > 1 { sum += $3 } END { print sum }' <<<"${out//$'\r'/}")" "$(($(wc -l <"$root/pricing/catalogs/on-demand.csv") - 1))" "regions count every node type"
prices regions --provider azure
is "$(awk 'NR > 1 { print $1 }' <<<"$out" | sort -u)" azure "regions of one provider"

# --- searching
prices search d2sv5 eastus --format csv
like "$out" '"azure","eastus","Standard_D2s_v5"' "case and signs do not count"
is "$(wc -l <<<"$out")" 3 "all words must fit: eastus and eastus2"
prices search amazon FARGATE arm
is "$rc" 0 "products, and what people call a provider"
like "$out" "aws-fargate-linux-arm" "are found"
prices search m5.lagre us-east-1
is "$rc" 0 "a misspelt word"
like "$err" 'm5.lagre.*m5\.large' "is taken for the nearest name, which is said"
like "$out" "m5.large" "and found"
prices search qqqqqqqqqqq
is "$rc" 64 "a word that is near to nothing: 64"
like "$err" "qqqqqqqqqqq.*hint" "is named, with a way out"
prices search m5.large eastus
is "$rc" 64 "words that fit nothing together: 64"

# --- one price, step by step
prices show m5.large --format json
is "$(json '.pools[0].steps | map(.step) | join(" ")')" "list ratio split unit check" "the steps"
is "$(json '.pools[0].price | [.microusd_per_vcpu_hour, .microusd_per_gib_hour, .node_microusd_per_hour] | tostring')" "[34522,3370,96000]" "m5.large of us-east-1"
prices show M5.LARGE --region eu-west-1
like "$out" "aws eu-west-1 m5.large" "in another region, in any case"
prices show e2-standard-4
like "$out" "gcp us-central1 e2-standard-4" "the provider that has it is found"
prices show D2s_v5
like "$out" "azure eastus Standard_D2s_v5" "and that of an Azure type"
printf 'version: 1\npricing:\n  provider: gcp\n  region: europe-west1\n  discount: 0.3\n' >gcp.yaml
prices show e2-standard-4 -c gcp.yaml
like "$out" "gcp europe-west1 e2-standard-4" "region of the configuration"
like "$out" "discount of 0.3" "and its terms"
prices show m5.large -c gcp.yaml
like "$out" "aws us-east-1 m5.large" "but not for another provider's type"
prices show aws-fargate-linux-x86 --format json
is "$(json '.pools[0].price | [.path, .microusd_per_vcpu_hour, .microusd_per_gib_hour] | tostring')" '["serverless",40480,4445]' "a serverless product"
prices show eks-cluster-fee
like "$out" 'eks-cluster-fee.*\$0\.1 an hour' "the fee of a cluster"

# --- what is not there
refused() { # CODE PATTERN NAME ARGUMENT...
    local code=$1 pattern=$2 name=$3
    shift 3
    prices "$@"
    is "$rc" "$code" "$name: exit $code"
    like "$err" "$pattern" "$name: near names or the way out"
    is "$out" "" "$name: nothing on stdout"
}
refused 64 "did you mean 'm5.large'" "unknown type" show m5.lagre
refused 64 "e2-standard-4" "unknown type of another provider" show e2-standrd-4
refused 64 "aws-fargate" "unknown product" show aws-fargte-linux-x86
refused 64 "prices search" "a name that is near to nothing" show qqqqqqqqqqqqqqqqqqq
refused 64 "--provider gcp" "a type of another provider than the typed one" show e2-standard-4 --provider aws
refused 64 "'us-east-1'" "unknown region" list --provider aws --region us-esat-1
refused 64 "--provider azure" "a region of another provider" list --provider aws --region eastus
refused 64 "'us-east-1'" "unknown region of any provider" list --region us-esat-1
refused 64 "'aws'" "unknown provider" regions --provider awss
refused 64 "no list prices" "on-prem has none" list --provider on-prem
refused 64 "tare prices show" "unknown word" shwo
refused 64 "usage: tare prices show" "show what?" show
refused 64 "usage: tare prices search" "search what?" search
refused 64 "usage: tare prices list" "too many operands" list all
refused 64 "did you mean csv" "unknown format" --format csvv
refused 64 "did you mean 'm5.large'" "unknown type in force" --instance m5.lagre
printf 'version: 1\npricing:\n  provider: aws\n  region: mars-1\n' >mars.yaml
refused 78 "mars.yaml.*unknown region" "unknown region in a file" -c mars.yaml
prices regions -c mars.yaml
is "$rc" 0 "which keeps nobody from looking for the right one"

# --- text from outside
long=$(printf 'x%.0s' {1..253})
refused 64 "no node type" "a name of 253 characters" show "$long"
prices show $'\e[31m<script>\u202e=cmd'
is "$rc" 64 "a hostile name"
unlike "$err" $'\e'"|"$'\u202e' "does not steer the terminal"
mkdir prices && { head -1 "$root/pricing/catalogs/on-demand.csv"; printf 'aws,us-east-1,"=x\e[31m<b>",2,8,0.096,2026-01-01,"\xe2\x80\xaeevil"\n'; } >prices/on-demand.csv
prices list --catalog prices --provider aws --region us-east-1
unlike "$out" $'\e'"|"$'\u202e' "nor does a name of a price file in a table"
prices list --catalog prices --provider aws --region us-east-1 --format csv
unlike "$out" ',"=x' "and it is no formula in CSV"

prices --help
is "$rc" 0 "tare prices --help"
like "$out" "search WORD.*--provider" "says what can be asked"
"$BIN/tare" prices list >/dev/full 2>/dev/null
is $? 74 "a full disk is seen"
done_testing
