#!/usr/bin/env bash
# tare-price alone: sums recomputed by hand, where prices come from, and every way to ask for what is not there.
set -u
. "$(dirname "$0")/../harness/tap.sh"
export TARE_NOW=2026-11-22T03:00:00Z # the digests of two runs are compared

# One workload of 500m and 512Mi three times, where 200m and 128Mi are used on average and 100m and 256Mi are recommended.
cart='{"workload":{"cluster":null,"namespace":"shop","kind":"Deployment","name":"cart","replicas":9,"source":{"file":"a.yaml","document":1,"item":null,"line":1},
"containers":[{"name":"server","role":"container","requests":{"cpu_millicores":500,"memory_bytes":536870912},"limits":{"cpu_millicores":null,"memory_bytes":null}}]},
"usage":{"replicas_mean":3,"pods":3,"containers":{"server":{"cpu_millicores":{"mean":200.0},"memory_bytes":{"mean":134217728.0}}}},
"recommendation":{"action":"resize","containers":{"server":{"requests":{"cpu_millicores":100,"memory_bytes":268435456},"limits":{"cpu_millicores":null,"memory_bytes":null},"remove":[]}}},"problems":[]}'
# One that nothing is known of.
blank='{"workload":{"cluster":null,"namespace":"shop","kind":"Job","name":"blank","replicas":null,"source":{"file":"b.yaml","document":1,"item":null,"line":1},
"containers":[{"name":"x","role":"container","requests":{},"limits":{}}]},"usage":null,"recommendation":null,"problems":[]}'
artifact() { # KIND RECORD...
    printf '{"tare":"%s","version":1,"created":"2026-11-22T03:00:00Z","by":"test","settings":{}}\n' "$1"
    shift
    printf '%s\n' "${@//$'\n'/}"
    printf '{"end":{"records":%d,"workloads":%d,"problems":0,"skipped":{},"input":null}}\n' $# $#
}
artifact recommendations "$cart" "$blank" >"$tmp/in"
price() { run "$BIN/tare-price" "$@" <"$tmp/in"; }

# D2s_v5 in eastus: 0.033 a vCPU-hour and 0.00375 a GiB-hour.
# before 0.5 × 33000 × 730 × 3 + 0.5 × 3750 × 730 × 3 = 36135000 + 4106250; after 0.2 × … (usage) + 0.25 × … = 14454000 + 2053125.
price --provider azure --region eastus --instance D2s_v5
is "$rc" 0 "a priced artifact"
like "$out" '"monthly_before_microusd":40241250' "the cost before, by hand"
like "$out" '"monthly_after_microusd":16507125' "the cost after is never below usage, by hand"
like "$out" '"monthly_saving_microusd":23734125' "the saving is their difference"
like "$out" '"path":"exact"' "the price path is recorded"
like "$out" '"cost":null.*"code":"unpriced"' "what cannot be priced is there, and says so"
like "$out" '"settings":\{"price":\{.*"catalog":"[0-9a-f]{64}"' "the catalog's digest is in the header"
first=$out
price --provider azure --region eastus --instance Standard_D2s_v5
is "${out#*$'\n'}" "${first#*$'\n'}" "the same records come out again, under the type's full name"

price
is "$rc" 0 "without options"
like "$out" '"path":"default"' "a stated default price"
price --provider aws --region eu-west-3 --instance m5.large
like "$out" '"path":"other-region".*"code":"price-estimated"' "the same type of another region is flagged"
price --provider gcp
like "$out" '"path":"estimated".*"code":"price-estimated"' "no node type: an estimate, flagged"
price --provider on-prem --usd-per-vcpu-hour 0.02 --usd-per-gib-hour 0.003
# 0.5 × 20000 × 730 × 3 + 0.5 × 3000 × 730 × 3 = 21900000 + 3285000
like "$out" '"monthly_before_microusd":25185000' "prices of one's own, by hand"
like "$out" '"path":"override"' "and they are recorded as such"
price --provider azure --region eastus --instance D2s_v5 --discount 0.5
like "$out" '"microusd_per_gib_hour":1875,"microusd_per_vcpu_hour":16500' "a discount comes off the unit prices"

# How the money came about, so that anybody can multiply again.
price --provider azure --region eastus --instance D2s_v5
explained=$("$BIN/tare-report" --format explain --workload shop/Deployment/cart <<<"$out")
explained=$(sed -n '/^PRICE/,$p' <<<"$explained" | tr -s ' \n' ' ')
for line in 'exactly $40.24125 and $16.507125' 'exactly $482.895 and $198.0855: 12 months' 'not used $24.760688 of it now, $1.026563 with' \
    'CPU now: max(request 500, mean use 200) = 500 millicores / 1000 × $0.033 × 730 h × 3 = $36.135; not used, 500 − 200: $21.681' \
    'after: max(request 100, mean use 200) = 200 millicores / 1000 × $0.033 × 730 h × 3 = $14.454; not used, 200 − 200: $0' \
    'memory now: max(request 536870912, mean use 134217728) = 536870912 bytes / 1073741824 × $0.00375 × 730 h × 3 = $4.10625;' \
    'azure eastus Standard_D2s_v5, path exact, of 2026-06-18, from Azure Retail Prices API'; do
    ok "tare explain: $line" grep -qF -- "$line" <<<"$explained"
done
like "$explained" '1\. list price of Standard_D2s_v5.*\$0\.096 an hour for 2 vCPU and 8 GiB.*2 vCPU × \$0\.033 \+ 8 GiB × \$0\.00375 = \$0\.096' \
    "and each step to the unit prices"
explained=$("$BIN/tare-report" --format explain --workload shop/Job/blank <<<"$out" | tr -s ' \n' ' ')
like "$explained" "PRICE none container 'x' has neither a request nor usage data for cpu and memory" "or why there is no price"

# Node pools: a namespace that the manifest leaves out is the one that it was looked up in.
printf 'version: 1\npricing:\n  provider: aws\n  instance: m5.large\n  pools: [{name: prod, match: {namespaces: [prod]}, instance: c5.large}]\n' >"$tmp/pools.yaml"
sed 's/"settings":{}/"settings":{"parse":{"namespace":"prod"}}/; s/"namespace":"shop"/"namespace":null/' "$tmp/in" >"$tmp/null"
run "$BIN/tare-price" -c "$tmp/pools.yaml" <"$tmp/null"
like "$(sed -n 2p <<<"$out")" '"instance":"c5.large".*"pool":"prod"' "a pool by the namespace that was meant"
is "$(jq -c 'select(.workload.name == "blank") | [.cost, .pool]' <<<"$out")" '[null,"prod"]' "told also of what has no price"
price -c "$tmp/pools.yaml"
like "$(sed -n 2p <<<"$out")" '"instance":"m5.large".*"pool":null' "else the price for everything"

refused() { # CODE PATTERN NAME OPTION...
    local code=$1 pattern=$2 name=$3
    shift 3
    price "$@"
    is "$rc" "$code" "$name: exit $code"
    like "$err" "$pattern" "$name: near names or the way out"
    unlike "$out" '"end"' "$name: no trailer"
}
refused 64 "did you mean 'aws'" "unknown provider" --provider awss
refused 64 "'us-east-1'" "unknown region" --provider aws --region us-esat-1
refused 64 "'m5.large'" "unknown type" --provider aws --region us-east-1 --instance m5.lagre
refused 64 "--provider gcp" "a type of another provider" --provider aws --instance e2-standard-4
refused 64 "usd-per-vcpu-hour" "on-prem without prices" --provider on-prem
refused 64 "both" "half of the prices" --usd-per-vcpu-hour 0.02
refused 64 "0.3" "a discount that is none" --discount 30
refused 64 "dollars" "a price that is none" --usd-per-vcpu-hour -1 --usd-per-gib-hour 1

printf 'version: 1\npricing:\n  provider: aws\n  region: us-east-1\n  instance: m5.lagre\n' >"$tmp/type.yaml"
refused 78 "'m5.large'" "unknown type in a file" -c "$tmp/type.yaml"
like "$err" "type.yaml" "unknown type in a file: the file is named"
printf 'version: 1\npricing:\n  provider: aws\n  region: mars-1\n' >"$tmp/region.yaml"
refused 78 "unknown region" "unknown region in a file" -c "$tmp/region.yaml"
printf 'version: 1\npricing:\n  provider: azure\n  region: eastus\n  instance: D2s_v5\n  discount: 0.5\n' >"$tmp/good.yaml"
price -c "$tmp/good.yaml"
like "$out" '"microusd_per_vcpu_hour":16500' "the file's prices are used"
price -c "$tmp/good.yaml" --provider gcp --discount 0
like "$out" '"path":"estimated"' "another provider on the command line sets the file's region and type aside"

artifact costs "$cart" >"$tmp/in"
price
is "$rc" 65 "an artifact of another kind is refused"
artifact recommendations "$cart" | head -n 2 >"$tmp/in"
price
is "$rc" 65 "a cut artifact is refused"
unlike "$out" '"end"' "and gets no trailer"

done_testing
