#!/bin/bash
# Price files of one's own through the whole line: the run takes them by option, and a plan made from others is stale.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"

mkdir prices
write_prices() { # PRICE
    printf 'instance_type,provider,region,vcpu,memory_gib,usd_per_hour,date,source,currency\nown.large,aws,us-east-1,2,8,%s,2026-11-01,contract 7,EUR\n' "$1" >prices/on-demand.csv
}
write_prices 0.092
# The demo's own pricing goes; a pool for payments, and euros.
awk '/^pricing:/ { skip = 1; next } /^[a-z]/ { skip = 0 } !skip' tare.yaml >own.yaml
cat >>own.yaml <<'YAML'
pricing:
  provider: aws
  region: us-east-1
  instance: own.large
  currency: {code: EUR, per_usd: 0.92, date: 2026-11-20}
  pools:
  - {name: cheap, match: {kinds: [Deployment]}, discount: 0.5}
YAML
run "$tare" run -c own.yaml --catalog prices --end "$end" --format json
is "$rc" 0 "a run with price files" || diag "$err"
id=$(json .run)
costs=$("$tare" show "$id" price)
is "$(head -n 1 <<<"$costs" | jq -c '.settings.price | [.node_microusd_per_hour, .path, .currency.code, (.pools | map(.name))]')" '[100000,"exact","EUR",["cheap",null]]' \
    "the header tells the price from the file, in dollars"
is "$(jq -c 'select(.workload.kind? == "Deployment" and .cost != null) | .cost.price.pool' <<<"$costs" | sort -u)" '"cheap"' "Deployments are in the pool"
is "$(jq -c 'select(.workload.kind? == "StatefulSet" and .cost != null) | .cost.price.pool' <<<"$costs" | sort -u)" 'null' "StatefulSets are not"
"$tare" login ann viewer approver >/dev/null 2>&1
"$tare" --as ann approve "$id" --yes >/dev/null 2>&1
run "$tare" apply "$id" --dry-run -c own.yaml
is "$rc" 0 "the plan is not stale while the files are the same" || diag "$err"
write_prices 0.1
run "$tare" apply "$id" --yes -c own.yaml
is "$rc" 79 "other prices make it stale"
like "$err" "price table has the digest" "and that is said"
rm -r prices
run "$tare" apply "$id" --yes -c own.yaml
is "$rc" 79 "so do prices that are gone"
like "$err" "cannot be read" "and that is said"
done_testing
