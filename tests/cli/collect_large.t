#!/bin/bash
# tare-collect and one workload that is larger than any bound: 111 pods, 7 days, 30 seconds, 4.5 M samples of made frames (the whole
# answer to every read). It is read by parts of its pods, and past 2 M samples a resource its percentiles are approximate.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/collect.sh"
need jq curl

pods=111 first=$((1795305600 - 7 * 86400)) # the window's start
# Pod i uses 10 i millicores and i MiB all the time: each percentile is that of one pod.
for ((i = 1; i <= pods; i++)); do
    where="namespace=\"shop\",pod=\"web-$((i - 1))\",container=\"web\""
    printf 'frame\nseries __name__="container_cpu_usage_seconds_total",%s\npoints %d 30 20200 1000 %s\n' "$where" $((first - 1170)) "$((i * 3 / 10)).$((i * 3 % 10))"
    printf 'frame\nseries __name__="container_memory_working_set_bytes",%s\npoints %d 30 20200 %d 0\n' "$where" $((first - 1170)) $((i * 1048576))
done | "$BIN/harness/make_frames" >"$tmp/large.bin"
index=$(for ((i = 0; i < pods; i++)); do printf ',{"__name__":"container_memory_working_set_bytes","namespace":"shop","pod":"web-%d","container":"web"}' $i; done)
{ workload shop StatefulSet web web; workload shop StatefulSet other other; } >"$tmp/records"
inventory "$tmp/records" >"$tmp/inventory"
serve "on * /api/v1/series
body {\"status\":\"success\",\"data\":[${index#,}]}
on POST /api/v1/read
times 1
header Content-Type: application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse
on POST /api/v1/read
header Content-Type: application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse
body-file $tmp/large.bin"
usage=$tmp/usage
"$BIN/harness/measure" "$tmp/measured" "$collect" --prometheus "http://127.0.0.1:$port" --source remote-read --end 2026-11-22T00:00:00Z --window 7d \
    <"$tmp/inventory" >"$usage" 2>"$tmp/stderr"
is $? 0 "exit 0"
reads=$(curl --silent --noproxy '*' "http://127.0.0.1:$port/__count")
kill "$server"
((reads > 4))
tap_result $? "it was read in parts ($reads requests)"
is "$(value shop StatefulSet/web '[.usage.pods,.usage.replicas,.usage.coverage,(.problems|length)]|@json')" "[111,111,1,0]" "pods, replicas, coverage, no problem"
is "$(value shop StatefulSet/other '[.usage,.problems[0].code]|@json')" '[null,"no-data"]' "another workload of the namespace has nothing of it"
for resource in cpu_millicores:10 memory_bytes:1048576; do
    unit=${resource#*:} resource=${resource%:*}
    figure() { value shop StatefulSet/web ".usage.containers.web.$resource|$1"; }
    is "$(figure '[.samples,.expected,.approximate,.pods]|@json')" "[2237760,2237760,true,111]" "$resource: every sample counts, approximate is said"
    is "$(figure "[.mean,.min,.max]|map(./$unit*1e6|round/1e6)|@json")" "[56,1,111]" "$resource: mean, minimum and maximum are exact"
    # The pod that holds the share q of all samples, and of all weights alike; its value is off by a bucket of 2 % at most.
    is "$(figure "[.p50,.p90,.p95,.p99,.p99_5,.wp50,.wp95,.bh90]|[.,[56,100,106,110,111,56,106,100]]|transpose|map((.[0]/$unit/.[1]-1)|fabs < 0.02)|all")" true "$resource: percentiles within 2 %"
    is "$(figure "[.pod_wp95_max,.pod_wp95_median,.pod_wp95_p95]|[.,[111,56,106]]|transpose|map((.[0]/$unit/.[1]-1)|fabs < 0.02)|all")" true "$resource: so are those over pods"
done
peak=$(awk '{ print int($3 / 1024) }' "$tmp/measured")
((${SANITIZED:-0} || peak < 192))
tap_result $? "in less than 192 MiB ($peak)"
done_testing
