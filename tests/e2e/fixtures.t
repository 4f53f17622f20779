#!/bin/bash
# The demo shop: its manifests, its table of metrics and what Prometheus says of them agree.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq fy-tool promtool prometheus curl

demo=$root/fixtures/demo
metrics=$BIN/fixtures/metrics
end=2026-11-22T00:00:00Z # a Sunday

# ---- manifests against the table ------------------------------------------------------------------------------

# NAMESPACE KIND NAME ROLE CONTAINER CPU-REQUEST/MEM-REQUEST LIMITS IMAGE of all manifests, in m and MiB.
# fy-tool resolves aliases and merge keys.
manifest_facts() {
    find "$demo/manifests" -type f \( -name '*.yaml' -o -name '*.yml' -o -name '*.json' \) -print0 | sort -z |
        while IFS= read -r -d '' file; do
            fy-tool --dump --resolve --mode=json "$file" || echo "\"broken $file\""
        done | jq -r '
        def cpu: if . == null then "-" else tostring
            | if endswith("m") then .[:-1] | tonumber else tonumber * 1000 end | round end;
        def mem: if . == null then "-" else tostring
            | if endswith("Gi") then (.[:-2] | tonumber) * 1024 elif endswith("Mi") then .[:-2] | tonumber
              elif endswith("M") then (.[:-1] | tonumber) * 1000000 / 1048576 else tonumber / 1048576 end | round end;
        select(type == "object") | if .kind == "List" then .items[] else . end
        | select(.kind | test("^(Deployment|StatefulSet|DaemonSet|ReplicaSet|ReplicationController|Job|CronJob|Pod)$"))
        | [(.metadata.namespace // "default"), .kind, .metadata.name] as $id
        | (if .kind == "CronJob" then .spec.jobTemplate.spec.template.spec
           elif .kind == "Pod" then .spec else .spec.template.spec end) as $pod
        | (($pod.initContainers // [])[] + {role: "init"}), ($pod.containers[] + {role: "container"})
        | (if .restartPolicy == "Always" and .role == "init" then "sidecar" else .role end) as $role
        | $id + [$role, .name,
            "\(.resources.requests.cpu | cpu)/\(.resources.requests.memory | mem)",
            "\(.resources.limits.cpu | cpu)/\(.resources.limits.memory | mem)", .image] | join(" ")'
}

table_facts() {
    awk '{ sub(/#.*/, "") }
        $1 == "workload" { id = $2 " " $3 " " $4 }
        $1 == "container" || $1 == "init" || $1 == "sidecar" {
            request = limit = "-/-"
            for (i = 3; i <= NF; i++) {
                key = value = $i
                sub(/=.*/, "", key); sub(/^[^=]*=/, "", value)
                if (key == "request") request = value
                if (key == "limit") limit = value
                if (key == "image") image = value
            }
            print id, $1, $2, request, limit, image
        }' "$demo/workloads.table"
}

manifest_facts | sort >"$tmp/manifests"
table_facts | sort >"$tmp/table"
unlike "$(grep broken "$tmp/manifests")" . "every manifest parses"

# `loyalty` has no metrics: its containers are in the manifest only.
grep -v ' loyalty ' "$tmp/manifests" >"$tmp/with-metrics"
is "$(diff "$tmp/with-metrics" "$tmp/table")" "" "manifests and table name the same containers, resources and images"
is "$(cut -d' ' -f1-3 "$tmp/manifests" | sort -u)" \
    "$(awk '$1 == "workload" { print $2, $3, $4 }' "$demo/workloads.table" | sort -u)" \
    "every workload of the table has a manifest and every manifest is in the table"
is "$(awk '$1 == "workload"' "$demo/workloads.table" | grep -vc truth=)" 0 "every workload says what is planted in it"

workloads=$(cut -d' ' -f1-3 "$tmp/manifests" | sort -u | wc -l)
ok "there are at least 24 workloads ($workloads)" test "$workloads" -ge 24
is "$(cut -d' ' -f2 "$tmp/manifests" | sort -u | xargs)" \
    "CronJob DaemonSet Deployment Job Pod ReplicaSet ReplicationController StatefulSet" "of every kind"
ok "a List is among the files" grep -rqx 'kind: List' "$demo/manifests"

# ---- the generator --------------------------------------------------------------------------------------------

run "$metrics" --table "$demo/workloads.table" --end "$end" --days 1 --step 300
is "$rc" 0 "the generator runs"
like "$out" '# EOF$' "its text ends as OpenMetrics must"
is "$("$metrics" --table "$demo/workloads.table" --end "$end" --days 1 --step 300 | sha256sum)" \
    "$(printf '%s\n' "$out" | sha256sum)" "the same arguments give the same bytes"
unlike "$("$metrics" --table "$demo/workloads.table" --end "$end" --days 1 --step 300 --seed 2 | sha256sum)" \
    "$(printf '%s\n' "$out" | sha256sum)" "another seed gives others"
run "$metrics" --table /nonexistent --end "$end"
is "$rc" 66 "a missing table is exit 66"
run "$metrics" --table "$demo/workloads.table" --end yesterday
is "$rc" 64 "a bad time is exit 64"
printf 'workload a Deployment b colour=red\n' >"$tmp/bad.table"
run "$metrics" --table "$tmp/bad.table" --end "$end"
is "$rc" 65 "a bad table is exit 65"
like "$err" 'bad\.table:1:.*colour' "and names file, line and word"

mkdir "$tmp/made"
run "$metrics" --workloads 60 --pods 3 --manifests "$tmp/made" --no-metrics
is "$rc $(cat "$tmp/made"/*.yaml | grep -c '^kind: Deployment')" "0 60" "made manifests: one for each made workload"
is "$("$metrics" --workloads 60 --pods 3 --end "$end" --pods-only | wc -l)" 180 "and three pods for each"

cat >"$tmp/more.table" <<'TABLE'
workload a Deployment scaled replicas=2 hpa=2/6@50 vpa=Off
  container app image=x cpu=daily:100,500,12 mem=steady:100 request=200/128
workload a CronJob weekly runs=weekly@26h/3h
  container app image=x cpu=steady:100 mem=steady:100 request=200/128
workload a Deployment event
  container app image=x cpu=steady:100 noise=0 mem=steady:100 mem_noise=0 event=3,6h,30m mem_event=2,6h,30m,12h request=200/128
workload a Deployment loop backoff=yes
  container app image=x cpu=steady:100 mem=steady:300 limit=-/200
  expect found=oom-loop
TABLE
"$metrics" --table "$tmp/more.table" --end "$end" --days 1 --slow-step 60 >"$tmp/more.om"
# values METRIC TEXT: value and time (hours before the end) of the samples of a metric whose labels hold the text
values() { grep -F "$1{" "$tmp/more.om" | grep -F 'container="app"' | grep -F "$2" | awk -v end="$(date -d "$end" +%s)" '{ print $(NF - 1), (end - $NF) / 3600 }'; }
count_of() { values "$1" "$2" | awk "$3" | wc -l; }
is "$("$metrics" --table "$tmp/more.table" --end "$end" --days 1 --pods-only | grep -c scaled)" 5 "as many pods as an autoscaler would have run"
is "$(values container_memory_working_set_bytes scaled- | awk '{ print int($2 * 60) }' | sort | uniq -c | awk '{ n[$1]++ } END { for (i in n) print i }' | sort -n | xargs)" "2 3 4 5" \
    "two of them at night, five at noon"
is "$(count_of container_memory_working_set_bytes event- '$1 > 150 * 2^20 && ($2 < 5.5 || $2 > 6) && ($2 < 17.5 || $2 > 18)') $(count_of container_memory_working_set_bytes event- '$1 > 150 * 2^20')" "0 60" \
    "memory is twice as much when its event is on, and never else"
is "$(values container_cpu_usage_seconds_total event- | awk 'NR > 1 { d = $1 - c; n[d > 12] += 1 } { c = $1 } END { print n[1] }')" 30 "CPU thrice as much for half an hour"
ok "a container that keeps dying is started less and less often" test "$(values kube_pod_container_status_restarts_total loop- | sort -n | tail -1 | cut -d. -f1 | cut -d' ' -f1)" -lt 300
is "$("$metrics" --table "$tmp/more.table" --end "$end" --days 14 --pods-only | grep -c weekly-)" 2 "a weekly CronJob ran twice in two weeks"
mkdir "$tmp/more"
run "$metrics" --table "$tmp/more.table" --manifests "$tmp/more" --no-metrics
like "$(cat "$tmp/more"/*)" 'schedule: "0 2 \* \* 1"' "its manifest says when"
is "$(cat "$tmp/more"/* | sed -n 's/^kind: //p' | sort | uniq -c | xargs)" "1 CronJob 3 Deployment 1 HorizontalPodAutoscaler 1 VerticalPodAutoscaler" "manifests of a table, autoscalers too"
is "$("$BIN/tare-parse" -q "$tmp/more" | jq -r 'select(.workload.autoscaler) | .workload.autoscaler | "\(.kind) \(.min) \(.max) \(.also | length)"')" \
    "HorizontalPodAutoscaler 2 6 1" "as tare-parse reads them"
varied() { "$metrics" --table "$tmp/more.table" --end "$end" --days 1 --step 600 --vary --seed "$1" | sha256sum; }
isnt "$(varied 1)" "$(varied 2)" "--vary: other sizes for another seed"
is "$(varied 2)" "$(varied 2)" "and the same for the same"
for bad in 'hpa=3/2@50' 'hpa=2/3' 'runs=monthly@1h/1h'; do
    printf 'workload a Deployment b %s\n  container c request=100/100\n' "$bad" >"$tmp/bad.table"
    run "$metrics" --table "$tmp/bad.table" --end "$end"
    is "$rc" 65 "a bad word: $bad"
done

# ---- what Prometheus says: the truths that are planted -----------------------------------------------------------

dir=$tmp/prometheus
at_exit "$root/fixtures/prometheus.sh" stop "$dir"
# The samples of a data folder, in any order.
dump() {
    mkdir -p "$1/wal" # without it promtool refuses
    promtool tsdb dump "$1" | sort
}
"$metrics" --table "$demo/workloads.table" --end "$end" --step 300 >"$tmp/metrics.om"
ok "promtool takes the text" "$root/fixtures/prometheus.sh" backfill "$tmp/metrics.om" "$tmp/text"
ok "blocks are made" "$root/fixtures/prometheus.sh" fill "$dir" "$metrics" --table "$demo/workloads.table" --end "$end" --step 300
is "$(dump "$dir/data" | sha256sum)" "$(dump "$tmp/text/data" | sha256sum)" "with the same samples"
like "$(promtool tsdb analyze "$dir/data")" 'Series: [1-9]' "and promtool can read their index"
rm -rf "$tmp/metrics.om" "$tmp/text"
ok "blocks are made of all" "$root/fixtures/prometheus.sh" fill "$dir" "$metrics" --table "$demo/workloads.table" --end "$end"
run "$root/fixtures/prometheus.sh" fill "$tmp/none" "$metrics" --table /nonexistent --end "$end"
is "$rc $(ls "$tmp/none")" "66 " "a generator that fails leaves no data"
run "$root/fixtures/prometheus.sh" start "$dir"
url=$out
like "$url" '^http://127\.0\.0\.1:[0-9]+$' "a private Prometheus serves it"
is "$("$root/fixtures/prometheus.sh" start "$dir")" "$url" "a second start finds the first"

# The values of a query at the end of the window, one a line.
query() {
    curl -s --noproxy '*' "$url/api/v1/query" --data-urlencode "query=$1" --data-urlencode "time=$end" |
        jq -r '.data.result[].value[1]' | sort -g
}
# between LOW HIGH NAME QUERY: the only value of the query lies there.
between() {
    local value
    value=$(query "$4")
    awk -v v="$value" -v low="$1" -v high="$2" 'BEGIN { exit !(v != "" && v + 0 >= low && v + 0 <= high) }'
    tap_result $? "$3" || diag "got: $value"
}
cpu() { printf 'rate(container_cpu_usage_seconds_total{container="%s",pod=~"%s-.*"}[4m])' "$1" "$2"; }
working_set() { printf 'container_memory_working_set_bytes{container="%s",pod=~"%s-.*"}' "$1" "$2"; }

between 0.145 0.155 "steady: ledger uses 150 millicores" "avg_over_time($(cpu ledger ledger)[7d:5m])"
between 0.19 0.24 "daily: storefront peaks at 210 millicores" "max(quantile_over_time(0.99, $(cpu web storefront)[7d:5m]))"
between 0.55 0.72 "short daily peak: ledger-export reaches 600 millicores" "max_over_time($(cpu export ledger-export)[7d:1m])"
between 0.015 0.025 "and is at 20 half of the time" "quantile_over_time(0.5, $(cpu export ledger-export)[7d:1m])"
between 0.8 1.2 "spikes: images reaches 900 millicores" "max(max_over_time($(cpu imgproxy images)[7d:1m]))"
between 0.19 0.2001 "throttled: checkout never passes its limit" "max(max_over_time($(cpu checkout checkout)[7d:1m]))"
between 0.4 0.6 "and half of its periods are throttled" 'sum(increase(container_cpu_cfs_throttled_periods_total{container="checkout"}[7d])) / sum(increase(container_cpu_cfs_periods_total{container="checkout"}[7d]))'
between 15 22 "killed: search restarts three times a day" 'max(max_over_time(kube_pod_container_status_restarts_total{container="search"}[7d]))'
between 1 1 "and kube-state-metrics says why" 'count(last_over_time(kube_pod_container_status_last_terminated_reason{container="search",reason="OOMKilled"}[7d]))'
between 20 35 "killed without kube-state-metrics: statements" 'sum(increase(container_oom_events_total{container="render"}[7d]))'
between 1 1 "leak: recommendations is killed once" 'max(max_over_time(kube_pod_container_status_restarts_total{container="model"}[7d]))'
between 755 768 "after it reached its limit" "max(max_over_time($(working_set model recommendations)[7d:1m])) / 1048576"
between 0.95 0.99 "heap: catalog sits just below its limit" "min(quantile_over_time(0.5, $(working_set catalog catalog)[3d])) / 1610612736"
between 2.2 3 "hot replica: sessions-0 works 2.6 times as much" "avg_over_time(rate(container_cpu_usage_seconds_total{container=\"redis\",pod=\"sessions-0\"}[4m])[7d:5m]) / on() avg_over_time(rate(container_cpu_usage_seconds_total{container=\"redis\",pod=\"sessions-1\"}[4m])[7d:5m])"
between 2.5 3.2 "step: stream-enricher nearly trebles" "avg(avg_over_time($(cpu enrich stream-enricher)[1d:5m])) / avg(avg_over_time($(cpu enrich stream-enricher)[1d:5m] offset 4d))"
between 1.8 2.3 "drift: feature-store's memory doubles" 'avg_over_time(container_memory_working_set_bytes{container="store"}[1h]) / avg_over_time(container_memory_working_set_bytes{container="store"}[1h] offset 167h)'
between 580 610 "brand-new: banner has ten hours of samples" 'max(count_over_time(container_memory_working_set_bytes{namespace="shop",pod=~"banner-.*",container="nginx"}[7d]))'
between 4 4 "rollout: catalog had four pods" 'count(count by (pod) (last_over_time(container_memory_working_set_bytes{container="catalog"}[7d])))'
between 7 7 "nightly-etl ran seven times" 'count(count by (pod) (last_over_time(container_memory_working_set_bytes{container="etl"}[7d])))'
between 2 2 "weekend-rollup twice" 'count(count by (pod) (last_over_time(container_memory_working_set_bytes{container="rollup"}[7d])))'
between 168 168 "and kube-state-metrics knows sitemap's 168 jobs" 'count(last_over_time(kube_job_owner{owner_name="sitemap"}[7d]))'
is "$(query 'count(last_over_time(kube_pod_owner{namespace="payments"}[7d]))')" "" "no owners are known in payments"
is "$(query 'count(last_over_time(container_memory_working_set_bytes{pod=~"loyalty-.*"}[7d]))')" "" "loyalty never ran"
between 2 2 "vault-agent and cluster-dns run although nobody asked" 'count(count by (namespace) (last_over_time(container_memory_working_set_bytes{container=~"agent|coredns"}[7d])))'
between 300 100000 "whole pods have series that must not be counted twice" 'sum(count_over_time(container_cpu_usage_seconds_total{container="",namespace="shop",pod=~"cart-.*"}[7d]))'

# ---- recorded series --------------------------------------------------------------------------------------------

{
    echo timestamp,value
    for ((i = 0; i < 2400; i++)); do echo "2014-02-14 14:30:00,$((i % 12 < 6 ? 20 : 60)).0"; done
} >"$tmp/square.csv"
printf 'shop/StatefulSet/db/main/2\nshop/StatefulSet/db/side/2\n' |
    "$metrics" --series "$tmp/square.csv" --millicores 1000 --end "$end" >"$tmp/series.om"
"$root/fixtures/prometheus.sh" stop "$dir"
ok "promtool takes recorded series" "$root/fixtures/prometheus.sh" backfill "$tmp/series.om" "$dir"
run "$root/fixtures/prometheus.sh" start "$dir"
url=$out
between 0.599 0.601 "60 per cent of a core at the end" "rate(container_cpu_usage_seconds_total{pod=\"db-1\",container=\"side\"}[4m]) and on() vector(1)"
between 0.398 0.402 "40 per cent on average" 'avg_over_time(rate(container_cpu_usage_seconds_total{pod="db-0",container="main"}[4m])[6d:5m])'
between 7 7.01 "over seven days" '(max_over_time(timestamp(container_memory_working_set_bytes{pod="db-0",container="main"})[8d:10m]) - min_over_time(timestamp(container_memory_working_set_bytes{pod="db-0",container="main"})[8d:10m])) / 86400 + 0.007'

pid=$(<"$dir/prometheus.pid")
ok "stop ends it" "$root/fixtures/prometheus.sh" stop "$dir"
ok "and its process is gone" test -z "$(cat "/proc/$pid/cmdline" 2>/dev/null | tr -d "\0")"
ok "another stop is fine" "$root/fixtures/prometheus.sh" stop "$dir"
echo $$ >"$dir/prometheus.pid"
ok "a stale pid file that names another process" "$root/fixtures/prometheus.sh" stop "$dir"
ok "does not end that process" kill -0 $$

done_testing
