#!/bin/bash
# tare-collect --offline: what a Prometheus once answered, saved, gives the same figures without it, in each form that can be saved.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need prometheus promtool jq awk curl
unset TARE_CONFIG TARE_PROMETHEUS_URL TARE_NOW
export HOME=$tmp TMPDIR=$tmp
cd "$tmp" || exit 1
collect=$BIN/tare-collect
end=1795305600 # 2026-11-22T00:00:00Z
hours=12

# ---- data: times and values with fractions, a pod that goes, a reset, a gap, owners ------------------------------------------
awk -v end="$end" -v start=$((end - hours * 3600)) '
function put(metric, labels, t, v) { printf "%s{namespace=\"shop\",%s} %s %.3f\n", metric, labels, v, t }
function pod(name, container, a, b,    t, cpu, labels) {
    labels = "pod=\"" name "\",container=\"" container "\",id=\"/" name "\",image=\"r/ü:1\",job=\"kubelet\""
    for (t = start + a; t <= start + b; t += 60) {
        cpu += 12 * (1 + sin(t / 3000)) + (t % 7200 == 0 ? 30 : 0)
        if (t == start + 20040) cpu = 0
        if (t > start + 9000 && t < start + 10000) continue
        put("container_cpu_usage_seconds_total", labels, t - 0.877, sprintf("%.9f", cpu))
        put("container_memory_working_set_bytes", labels, t - 0.877, sprintf("%d", 1e8 * (1 + 0.2 * cos(t / 5000))))
    }
}
BEGIN {
    last = end - start - 60
    pod("web-7d9f8b6c5d-bbbbb", "web", -3600, last)
    pod("odd-1", "web", 600, 20000)
    pod("db-0", "db", -3600, last)
    for (t = start; t <= end - 60; t += 60) {
        put("kube_pod_owner", "pod=\"odd-1\",owner_kind=\"ReplicaSet\",owner_name=\"web-5b8c7d9f6b\"", t, 1)
        put("kube_replicaset_owner", "replicaset=\"web-5b8c7d9f6b\",owner_kind=\"Deployment\",owner_name=\"web\"", t, 1)
        put("kube_pod_container_status_restarts_total", "pod=\"db-0\",container=\"db\"", t, (t > start + 7200) + (t > start + 9000))
        put("container_cpu_cfs_periods_total", "pod=\"db-0\",container=\"db\"", t, (t - start) * 10)
        put("container_cpu_cfs_throttled_periods_total", "pod=\"db-0\",container=\"db\"", t, t - start)
    }
    print "# EOF"
}
' >metrics.om
{
    printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {replicas: 2, template: {spec: {containers: [{name: web, image: i}]}}}\n---\n'
    printf 'apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\nspec: {template: {spec: {containers: [{name: db, image: i, resources: {limits: {cpu: 1}}}]}}}\n---\n'
    printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: gone, namespace: other}\nspec: {template: {spec: {containers: [{name: x, image: i}]}}}\n'
} >manifests.yaml
"$BIN/tare-parse" --created 2026-11-22T06:00:00Z manifests.yaml >inventory || { echo "Bail out! no inventory"; exit 1; }

prometheus=$root/fixtures/prometheus.sh
at_exit "$prometheus" stop "$tmp/prom"
ok "data are backfilled" "$prometheus" backfill metrics.om "$tmp/prom"
url=$("$prometheus" start "$tmp/prom") || { echo "Bail out! no Prometheus"; exit 1; }
get() { curl --silent --show-error --fail --noproxy '*' "$@"; }

# ---- saved ---------------------------------------------------------------------------------------------------------------
from=$((end - (hours + 1) * 3600))
"$BIN/harness/read_request" "${from}000" "${end}000" namespace=shop >request
ok "a remote read is saved" get -o saved.frames -H 'Content-Encoding: snappy' -H 'Content-Type: application/x-protobuf' \
    -H 'X-Prometheus-Remote-Read-Version: 0.1.0' --data-binary @request "$url/api/v1/read"
query() { get --data-urlencode "query=$1" --data-urlencode "time=$end" "$url/api/v1/query"; }
{
    query '{__name__=~"container_.*",namespace="shop"}['$((hours + 1))'h]'
    echo
    query '{__name__=~"kube_.*",namespace="shop",pod=~".+"}['$((hours + 1))'h]'
    query '{__name__=~"kube_.*",namespace="shop",pod=""}['$((hours + 1))'h]'
} >saved.json
sed '/^# EOF/d; s/ \([0-9]*\)\.\([0-9]*\)$/ \1\2/' metrics.om | sort -s -t' ' -k3,3n >saved.prom # as scrapes come, in milliseconds
ok "all forms are there" test -s saved.frames -a -s saved.json -a -s saved.prom

figures() { jq -S 'select(.workload) | del(.usage.source)' "$1"; }
settings() { jq -c '.settings.collect' "$1" | head -1; }
run "$collect" --created 2026-11-22T06:00:00Z --end 2026-11-22T00:00:00Z --window 12h --source remote-read --prometheus "$url" <inventory
is "$rc" 0 "from the server" || diag "$err"
cp .out live
is "$(jq -c 'select(.workload) | [.workload.name, .usage.source, .usage.pods, .usage.matched_by]' live | paste -sd' ')" \
    '["web","remote-read",2,"owners"] ["db","remote-read",1,"names"] ["gone",null,null,null]' "there is something to compare"
"$prometheus" stop "$tmp/prom"

# ---- read again, without network -----------------------------------------------------------------------------------------
for form in frames json om prom; do
    file=saved.$form
    [[ $form == om ]] && file=metrics.om
    run "$collect" --created 2026-11-22T06:00:00Z --window 12h --offline "$file" <inventory
    is "$rc" 0 "$form: no server is needed" || diag "$err"
    cp .out "got.$form"
    is "$(settings "got.$form" | jq -c '[.source, .file, .start, .end]')" "[\"file\",\"$file\",\"2026-11-21T11:59:00Z\",\"2026-11-21T23:59:00Z\"]" \
        "$form: the window ends with the file's last minute"
    run "$collect" --created 2026-11-22T06:00:00Z --window 12h --end 2026-11-22T00:00:00Z --offline "$file" <inventory
    cp .out "got.$form"
    ok "$form: the figures are those of the server" cmp <(figures live) <(figures "got.$form")
    is "$(jq -c 'select(.workload) | .usage.source' "got.$form" | sort -u | paste -sd' ')" '"file" null' "$form: and it is told where they come from"
done
is "$(ls "$tmp" | grep -c '^tare')" 0 "nothing is left in the folder for temporary files"

# ---- memory does not follow the file -------------------------------------------------------------------------------------
awk 'BEGIN { for (t = 1795200000; t < 1795300000; t += 10) for (p = 0; p < 60; p++)
    printf "container_memory_working_set_bytes{namespace=\"big\",pod=\"p-%d\",container=\"c\"} %d %d\n", p, t % 9973, t; print "# EOF" }' >big.om
run "$BIN/harness/measure" measured "$collect" --offline big.om --window 1d <inventory
is "$rc" 0 "a file of $(du -m big.om | cut -f1) MB"
((${SANITIZED:-0} || $(awk '{ print $3 }' measured) < 32768)) # KiB
tap_result $? "is not kept in memory" || diag "$(<measured)"

# ---- files that are none ---------------------------------------------------------------------------------------------------
refused() { # RC PATTERN NAME FILE
    run "$collect" --offline "$4" <inventory
    is "$rc" "$1" "$3"
    like "$err" "$2" "$3: is told"
    is "$(wc -c <"$tmp/.out")" 0 "$3: and nothing else"
}
refused 66 'nowhere.*No such file' "a file that is not there" nowhere
refused 66 'no regular file' "a folder" "$tmp"
refused 64 'standard input is the artifact' "standard input" -
head -c 20000 saved.frames >cut
refused 65 '^tare-collect: cut.*hint: ' "a remote read that was cut" cut
{ head -c 3000 saved.frames; printf X; tail -c +3002 saved.frames; } >flipped
refused 65 'flipped.*checksum' "a wrong byte in it" flipped
head -c 20000 saved.json >cut
refused 65 'cut, the answer at byte 0' "an answer that was cut" cut
sed '/^# EOF/d' metrics.om >cut
refused 65 'cut, line 1: .*# EOF' "OpenMetrics without its end" cut
sed '1000s/ [^ ]*$//' metrics.om >untimed
refused 65 'untimed, line 1000: .*no time' "a sample without a time" untimed
sed '77s/"}/}/; 77s/"kubelet/kubelet/' metrics.om >wrong
refused 65 'wrong, line 77' "a line that is wrong" wrong
gzip -c metrics.om >packed
refused 65 'compressed.*gunzip' "a file that is packed" packed
printf '<html>Please log in</html>' >page
refused 65 'page, line 1.*hint: .*OpenMetrics' "a web page" page
printf '# EOF\n' >none.om
run "$collect" --offline none.om <inventory
is "$rc" 0 "a file without samples"
like "$err" 'none.om holds no samples' "is told"
is "$(jq -c 'select(.workload) | .problems[].code' "$tmp/.out" | sort -u)" '"no-data"' "each workload says so"
run "$collect" --offline saved.json --prometheus http://127.0.0.1:9 <inventory
is "$rc" 64 "a file and a server"
run "$collect" --offline saved.json --source query-range <inventory
is "$rc" 64 "a file and how to ask a server"
done_testing
