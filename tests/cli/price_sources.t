#!/usr/bin/env bash
# Where prices come from: options, keys, node pools, price files and other currencies; and what is wrong with each of them.
set -u
. "$(dirname "$0")/../harness/tap.sh"
export TARE_NOW=2026-11-22T03:00:00Z

workload() { # NAMESPACE NAME [SCHEDULING]
    printf '{"workload":{"cluster":null,"namespace":"%s","kind":"Deployment","name":"%s","replicas":1,"source":{"file":"%s.yaml","document":1,"item":null,"line":1},' "$1" "$2" "$2"
    printf '"scheduling":%s,"containers":[{"name":"c","role":"container","requests":{"cpu_millicores":1000,"memory_bytes":1073741824},"limits":{}}]},"problems":[]}\n' "${3:-null}"
}
{
    printf '{"tare":"recommendations","version":1,"created":"2026-11-22T03:00:00Z","by":"test","settings":{}}\n'
    workload batch-1 a
    workload shop b '{"node_selector":{"pool":"big"}}'
    workload shop c
    printf '{"end":{"records":3,"workloads":3,"problems":0,"skipped":{},"input":null}}\n'
} >"$tmp/in"
price() { run "$BIN/tare-price" "$@" <"$tmp/in"; }
config() { printf 'version: 1\npricing:\n%s\n' "$1" >"$tmp/tare.yaml"; }
refused() { # CODE PATTERN NAME OPTION...
    local code=$1 pattern=$2 name=$3
    shift 3
    price "$@"
    is "$rc" "$code" "$name: exit $code"
    like "$err" "$pattern" "$name: said so"
    is "$(grep -c . <<<"$err")" "$(grep -c -E '^tare-price: |hint|^  ' <<<"$err")" "$name: in one sentence"
    unlike "$out" '"end"' "$name: no trailer"
}

# 1 vCPU and 1 GiB for 730 h: the unit prices' sum times 730.
price --serverless gke-autopilot-general
like "$out" '"monthly_before_microusd":36078790' "a serverless product by option: (44500 + 4923) × 730"
like "$out" '"path":"serverless"' "and it is told"
price --serverless aws-fargate-linux-x86 --region eu-west-1
like "$out" '"path":"other-region".*"code":"price-estimated"' "the same elsewhere is flagged"
refused 64 "did you mean 'aws-fargate-linux-x86'" "unknown product" --serverless aws-fargate-linux-x87
refused 64 "a product of gcp, and the provider is aws" "a product of another provider" --provider aws --serverless gke-autopilot-general

config '  provider: azure
  region: eastus
  instance: D2s_v5
  discount: 0.5
  pools:
  - {name: batch, match: {namespaces: [batch-*]}, discounts: [0.5, 0.5]}
  - {name: big, match: {node_selector: {pool: big}}, usd_per_vcpu_hour: 0.05, usd_per_gib_hour: 0.005, discount: 0}'
price -c "$tmp/tare.yaml"
is "$rc" 0 "pools"
# 36750 × 730 = 26827500 at list; × 0.25, own prices 55000 × 730, × 0.5
like "$(grep '"name":"a"' <<<"$out")" '"monthly_before_microusd":6707240' "by namespace, with discounts that compound: (8250 + 938) × 730"
like "$(grep '"name":"b"' <<<"$out")" '"monthly_before_microusd":40150000' "by node selector, with prices of its own"
like "$(grep '"name":"c"' <<<"$out")" '"monthly_before_microusd":13413750' "and all others: (16500 + 1875) × 730"
like "$(head -n 1 <<<"$out")" '"pools":\[\{"match":\{"kinds":\[\],"namespaces":\["batch-\*"\]\},"name":"batch"' "the header names the pools"
price -c "$tmp/tare.yaml" --provider gcp
unlike "$(head -n 1 <<<"$out")" '"name":"batch"' "another provider by option sets the file's pools aside"

config '  on_prem: {hardware_usd: 8760, amortisation_months: 12, watts: 1000, pue: 1.5, usd_per_kwh: 0.2, overhead: 0.5, vcpu: 8, memory_gib: 32, cpu_memory_ratio: 4}'
price -c "$tmp/tare.yaml"
# (1 + 0.3) × 1.5 = 1.95 an hour: 32 x + 32 x, x = 0.03046875
like "$out" '"microusd_per_gib_hour":30469,"microusd_per_vcpu_hour":121875' "hardware of one's own, by hand"
like "$out" '"path":"on-prem"' "and it is told"

config '  instance: m5.large
  reserved: {share: 0.7}
  spot: {share: 0.4}'
refused 78 'line 5: pricing.spot.share: reserved and spot shares are together more than all' "shares over 1" -c "$tmp/tare.yaml"
config '  instance: m5.large
  reserved: {share: 0.5}'
price -c "$tmp/tare.yaml"
like "$(head -n 1 <<<"$out")" '"source":"median of AWS reserved instances, 1 year' "a median says that it is one"
config '  usd_per_vcpu_hour: .nan
  usd_per_gib_hour: 1'
refused 78 'line 3: pricing.usd_per_vcpu_hour: must be a number' "NaN in the configuration" -c "$tmp/tare.yaml"

# Price files
mkdir "$tmp/prices"
nodes=provider,region,instance_type,vcpu,memory_gib,usd_per_hour,date,source
file() { printf "$@" >"$tmp/prices/on-demand.csv"; }
file '%s\naws,us-east-1,own.large,2,8,0.1,2026-11-01,contract\n' "$nodes"
price --catalog "$tmp/prices" --provider aws --region us-east-1 --instance own.large
is "$rc" 0 "a price file in place of the embedded one"
like "$out" '"date":"2026-11-01".*"source":"contract"' "with its date and source"
digest=$(grep -o '"catalog":"[0-9a-f]*"' <<<"$out")
price
unlike "$out" "$digest" "the digest is of what was used"
refused 64 "unknown instance type 'm5.large'" "what the file does not have" --catalog "$tmp/prices" --provider aws --region us-east-1 --instance m5.large
config "  catalog: prices
  provider: aws
  instance: own.large"
price -c "$tmp/tare.yaml"
is "$rc" 0 "the same by key, relative to the configuration"

bad() { # PATTERN NAME, after file
    refused 78 "$1" "$2" --catalog "$tmp/prices" --provider aws
}
file ''; bad 'on-demand.csv: the file is empty' 'an empty file'
file '%s\n' "$nodes"; bad 'no rows' 'a file without rows'
file 'provider,region,instance_type,vcpu,usd_per_hour,date,source\n'; bad "on-demand.csv:1: there is no column 'memory_gib'" 'a missing column'
file '%s\naws,us-east-1,own.large,2,8,-0.1,2026,s\n' "$nodes"; bad "on-demand.csv:2: price '-0.1'" 'a negative price'
file '%s\naws,us-east-1,own.large,2,8,NaN,2026,s\n' "$nodes"; bad "on-demand.csv:2: price 'NaN'" 'NaN'
file '%s\naws,us-east-1,own.large,2,8,inf,2026,s\n' "$nodes"; bad "on-demand.csv:2: price 'inf'" 'infinity'
file '%s\naws,us-east-1,own.large,2,8,1,2026,s\naws,us-east-1,own.large,2,8,1,2026,s\n' "$nodes"; bad 'on-demand.csv:3: two prices of own.large in aws us-east-1, the first in line 2' 'a duplicate row'
file '%s\naws,us-east-1,own.large,2,900000,1,2026,s\n' "$nodes"; bad "size '900000'" 'an absurd size'
file '%s\naws,us-east-1,own.large,2,8,1,2026-02-31,s\n' "$nodes"; bad "date '2026-02-31'" 'a wrong date'
file '%s\n\0\001\n' "$nodes"; bad 'on-demand.csv:2: not a text file' 'a binary file'
file '%s\naws,us-east-1,=cmd,2,8,1,2026,s\n' "$nodes"; price --catalog "$tmp/prices" --provider aws --instance =cmd; is "$rc" 0 'a name is text, whatever it begins with'
file '%s,currency\naws,us-east-1,own.large,2,8,0.092,2026,s,EUR\n' "$nodes"; bad "the currency 'EUR' is not USD, and no rate" 'a currency without a rate'
config "  catalog: prices
  provider: aws
  instance: own.large
  currency: {code: EUR, per_usd: 0.92, date: 2026-11-20}"
price -c "$tmp/tare.yaml"
like "$out" '"node_microusd_per_hour":100000' "the configured currency is turned into dollars by the stated rate"
like "$(head -n 1 <<<"$out")" '"currency":\{"code":"EUR","date":"2026-11-20","per_usd_ppm":920000\}' "which stands in the header"
sed -i 's/EUR/GBP/' "$tmp/tare.yaml"
refused 78 "the currency 'EUR' is neither USD nor that of pricing.currency" "a currency that does not match" -c "$tmp/tare.yaml"

rm "$tmp/prices/on-demand.csv"
refused 78 'has none of the files of a price catalog' 'an empty folder' --catalog "$tmp/prices"
printf 'x\n' >"$tmp/prices/on_demand.csv"
refused 78 'on_demand.csv is none of the files' 'a file of another name' --catalog "$tmp/prices"
like "$err" 'did you mean on-demand.csv' 'and the near name'
refused 66 'cannot read the price catalog' 'a folder that is not there' --catalog "$tmp/nowhere"
refused 66 'cannot read the price catalog' 'a file in place of a folder' --catalog "$tmp/in"

done_testing
