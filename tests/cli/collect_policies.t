#!/bin/bash
# Queries of scaling policies, before a real Prometheus: one number at the end of the window for the workloads a policy is about, and
# a problem, never a number, where the answer is anything else.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/collect.sh"
need prometheus promtool jq awk curl

end=1795305600 # 2026-11-22T00:00:00Z
awk -v end="$end" 'BEGIN {
    for (t = end - 7200; t <= end + 3600; t += 60) {
        split("web api", pods, " ")
        for (i in pods) {
            labels = "namespace=\"shop\",pod=\"" pods[i] "-0\",container=\"app\""
            printf "container_cpu_usage_seconds_total{%s} %.3f %d\n", labels, (t - end + 7200) / 10, t
            printf "container_memory_working_set_bytes{%s} 1000000 %d\n", labels, t
        }
        # 120 ms before the end of the window, 900 ms after it, 400 ms for ten minutes an hour before.
        value = t > end ? 0.9 : t > end - 4200 && t <= end - 3600 ? 0.4 : 0.12
        printf "latency_seconds{namespace=\"shop\",service=\"web\"} %s %d\n", value, t
        printf "latency_seconds{namespace=\"other\",service=\"web\"} 7 %d\n", t
        printf "shared{cluster=\"a\"} 1 %d\nshared{cluster=\"b\"} 2 %d\n", t, t
        printf "broken NaN %d\n", t
    }
    print "# EOF"
}' >"$tmp/unsorted.om"
{ grep -v '^#' "$tmp/unsorted.om" | LC_ALL=C sort -s -t '{' -k1,1; echo '# EOF'; } >"$tmp/raw.om"
prometheus=$root/fixtures/prometheus.sh
at_exit "$prometheus" stop "$tmp/prom"
ok "data are backfilled" "$prometheus" backfill "$tmp/raw.om" "$tmp/prom"
url=$("$prometheus" start "$tmp/prom") || { echo "Bail out! no Prometheus"; exit 1; }

{ workload shop StatefulSet web app; workload shop StatefulSet api app; workload shop StatefulSet gone app; } >"$tmp/records"
inventory "$tmp/records" >"$tmp/inventory"
cat >"$tmp/tare.yaml" <<'YAML'
version: 1
scaling:
  policies:
  - {name: latency, type: slo, target: 0.2, query: 'avg(latency_seconds{namespace="$namespace",service="$workload"})'}
  - {name: worst, type: slo, target: 0.2, query: 'max_over_time(avg(latency_seconds{namespace=''$namespace'',service=~`$workload`})[2h:1m])'}
  - {name: many, type: slo, target: 1, query: 'shared'}
  - {name: nan, type: slo, target: 1, query: 'broken'}
  - {name: wrong, type: slo, target: 1, query: 'sum(latency_seconds'}
  - {name: rows, type: slo, target: 1, query: 'latency_seconds{namespace="shop"}[10m]'}
  - {name: odd, type: slo, target: 1, query: 'sum(latency_seconds{service="$service"})'}
  - {name: cluster, type: slo, target: 1, query: 'sum(shared{cluster="$cluster"})'}
  - {name: elsewhere, type: slo, target: 1, query: 'vector(1)', match: {namespaces: [billing]}}
  - {name: money, type: cost, max_monthly_cost_usd: 10}
YAML
# policy SOURCE WORKLOAD NAME FILTER
policy() { jq -rc --arg w "$2" --arg n "$3" "select(.workload.name == \$w) | .usage.policies[\$n] | $4" "$tmp/$1"; }
for source in remote-read query-range; do
    run "$collect" -c "$tmp/tare.yaml" --prometheus "$url" --source $source --end 2026-11-22T00:00:00Z --window 2h <"$tmp/inventory"
    printf '%s\n' "$out" >"$tmp/$source"
    is "$rc" 0 "$source: exit 0" || diag "$err"
    is "$(policy $source web latency .value)" 0.12 "$source: the value at the end of the window"
    is "$(policy $source web latency .query)" 'avg(latency_seconds{namespace="shop",service="web"})' "$source: and the query that gave it"
    is "$(policy $source web worst .value)" 0.4 "$source: a subquery over the window"
    is "$(policy $source api latency '[.value, .reason]')" '[null,"the answer is empty"]' "$source: no series is no number"
    for name in many nan wrong rows odd cluster; do
        is "$(policy $source web $name .value)" null "$source: $name: no number"
    done
    like "$(policy $source web many .reason)" '2 numbers' "$source: two series are not one number"
    like "$(policy $source web nan .reason)" 'no finite number' "$source: NaN is none"
    like "$(policy $source web wrong .reason)" 'parse error|unclosed' "$source: what the server says of a wrong query"
    like "$(policy $source web odd .reason)" 'there are \$namespace, \$workload and \$cluster' "$source: an unknown variable"
    like "$(policy $source web cluster .reason)" 'metrics.cluster_label' "$source: \$cluster without a label"
    is "$(jq -rc 'select(.workload.name == "web") | [(.problems[] | select(.code == "policy-query") | .message | split(":")[0])] | sort' "$tmp/$source")" \
        '["policy cluster","policy many","policy nan","policy odd","policy rows","policy wrong"]' "$source: each is a problem"
    is "$(jq -rc 'select(.workload.name == "web") | .usage.policies | [has("elsewhere"), has("money")]' "$tmp/$source")" '[false,false]' \
        "$source: a policy about others, or without a query, is not asked"
    is "$(jq -rc 'select(.workload.name == "gone") | [.usage, [.problems[].code]]' "$tmp/$source")" '[null,["no-data"]]' "$source: without usage nothing is asked"
    is "$(jq -rc 'select(.workload.name == "web") | .usage.containers.app.memory_bytes.max' "$tmp/$source")" 1000000 "$source: the figures are as ever"
done

# Several clusters on one server: a query that does not name one would add them up.
sed 's/^scaling:/metrics: {cluster_label: {name: cluster, value: a}}\n&/' "$tmp/tare.yaml" >"$tmp/labelled.yaml"
sed 's/^\(shared\|latency_seconds{namespace="shop"\)/&/; s/container="app"/container="app",cluster="a"/' "$tmp/raw.om" >"$tmp/labelled.om"
at_exit "$prometheus" stop "$tmp/labelled"
"$prometheus" backfill "$tmp/labelled.om" "$tmp/labelled" >"$tmp/backfill.log" 2>&1
url=$("$prometheus" start "$tmp/labelled")
run "$collect" -c "$tmp/labelled.yaml" --prometheus "$url" --end 2026-11-22T00:00:00Z --window 2h <"$tmp/inventory"
printf '%s\n' "$out" >"$tmp/labelled.out"
is "$(policy labelled.out web cluster .value)" 1 "\$cluster is the label's value" || diag "$err"
like "$(policy labelled.out web latency .reason)" 'does not name the cluster' "and a query without it is refused"

# A file answers no queries.
run "$collect" -c "$tmp/tare.yaml" --offline "$tmp/raw.om" --window 2h <"$tmp/inventory"
printf '%s\n' "$out" >"$tmp/offline"
is "$rc" 0 "--offline" || diag "$err"
is "$(policy offline web latency '[.value, .reason]')" '[null,"usage was read from a file, which no query can be asked of"]' "no value, and why"
is "$(jq -rc 'select(.workload.name == "web") | [.problems[] | select(.code == "policy-query")]' "$tmp/offline")" '[]' "which is no problem"
is "$(jq -rc 'select(.workload.name == "web") | .usage.policies.cluster.value' "$tmp/offline")" null "for any of them"

# What cannot be followed is refused before anything is read.
refuses() { # NAME PATTERN POLICY
    printf 'version: 1\nscaling:\n  policies:\n  - %s\n' "$3" >"$tmp/bad.yaml"
    run "$BIN/tare-analyze" -c "$tmp/bad.yaml" <"$tmp/offline"
    is "$rc" 78 "$1"
    like "$err" "$2" "$1: says where"
}
refuses "a policy without a name" 'scaling.policies\[0\].name' '{type: slo, query: x, target: 1}'
refuses "a policy without a type" 'scaling.policies\[0\].type' '{name: a, query: x, target: 1}'
refuses "a policy without a query" 'scaling.policies\[0\].query' '{name: a, type: slo, target: 1}'
refuses "a policy without a target" 'scaling.policies\[0\].target' '{name: a, type: proportional, query: x}'
refuses "a minimum above the maximum" 'scaling.policies\[0\].min' '{name: a, type: slo, query: x, target: 1, min: 5, max: 2}'
refuses "a cost without an amount" 'max_monthly_cost_usd' '{name: a, type: cost}'
printf 'version: 1\nscaling: {timezone: Mars/Olympus}\n' >"$tmp/bad.yaml"
run "$BIN/tare-analyze" -c "$tmp/bad.yaml" <"$tmp/offline"
is "$rc" 78 "an unknown time zone"
for image in '""' '"a b"' '"x\ny"'; do
    printf 'version: 1\nscaling: {kubectl_image: %s}\n' "$image" >"$tmp/bad.yaml"
    run "$BIN/tare-analyze" -c "$tmp/bad.yaml" <"$tmp/offline"
    is "$rc" 78 "an image called $image"
    like "$err" 'scaling.kubectl_image' "… says where"
done
done_testing
