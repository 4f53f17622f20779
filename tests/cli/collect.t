#!/bin/bash
# tare-collect against a real Prometheus filled with a few small series, and against a scripted server for bad days. The figures are
# computed once more here, by awk, from the raw samples and the definitions of stages/collect/README.md.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need prometheus promtool jq awk curl

collect=$BIN/tare-collect
end=1795305600 # 2026-11-22T00:00:00Z
end_text=2026-11-22T00:00:00Z
hours=12
start=$((end - hours * 3600))

# ---- data: raw samples as "metric pod container job time value", one a line --------------------------------------
awk -v start="$start" -v end="$end" '
function put(metric, pod, container, job, t, v) { printf "%s %s %s %s %d %.9f\n", metric, pod, container, job, t, v }
function noise() { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648 }
# A pod from a to b (seconds after the start), scraped every `every`, with a gap and a reset of the counter where given.
function pod(name, container, jobs, a, b, every, base, gap, reset,    t, cpu, mem, n, list, j) {
    n = split(jobs, list, ","); cpu = 0
    for (t = a; t <= b; t += every) {
        cpu += every * base * (1 + 0.8 * sin(t / 2000) + (noise() > 0.97 ? 6 : 0))
        mem = 1e8 * (1 + 0.3 * sin(t / 5000)) + int(noise() * 1e6)
        if (reset && t == reset) cpu = 0
        if (gap && t > gap && t < gap + 1500) continue
        for (j = 1; j <= n; j++) {
            put("container_cpu_usage_seconds_total", name, container, list[j], start + t, cpu)
            put("container_memory_working_set_bytes", name, container, list[j], start + t, mem)
        }
    }
}
BEGIN {
    seed = 42; all = end - start
    pod("web-7d9f8b6c5d-bbbbb", "web", "kubelet,cadvisor", 0, all, 60, 0.2, 9000, 20040)
    pod("web-7d9f8b6c5d-bbbbb", "proxy", "kubelet", 0, all, 60, 0.02)
    pod("web-7d9f8b6c5d-ccccc", "web", "kubelet", 14400, 30000, 60, 0.3)
    pod("web-7d9f8b6c5d-ccccc", "proxy", "kubelet", 14400, 30000, 60, 0.02)
    pod("web-api-6c5d7d9f8b-ddddd", "api", "kubelet", 0, all, 60, 0.05)
    pod("web-0", "db", "kubelet", 0, all, 60, 0.1)
    pod("agent-abcde", "agent", "kubelet", 600, 1200, 60, 0.1)
    pod("slow-0", "slow", "kubelet", 0, all, 300, 0.5)
}' >"$tmp/raw"

# ---- the same as OpenMetrics, in namespaces, with what else a cluster reports --------------------------------------
awk -v start="$start" -v end="$end" '
{
    ns = $2 ~ /^slow/ ? "slow" : $2 ~ /^agent/ ? "batch" : "shop"
    printf "%s{namespace=\"%s\",pod=\"%s\",container=\"%s\",job=\"%s\",id=\"/x/%s\"} %s %d\n", $1, ns, $2, $3, $4, $2, $6, $5
    if ($3 == "web" && $4 == "kubelet") # the pod as a whole, which must not count
        printf "%s{namespace=\"%s\",pod=\"%s\",container=\"\",job=\"kubelet\"} %s %d\n", $1, ns, $2, $6 * 3, $5
}
function kube(metric, labels, t, v) { printf "%s{namespace=\"owned\",%s} %s %d\n", metric, labels, v, t }
END {
    # Owners: two generations of pods whose names say nothing, one of them gone, one of somebody else.
    for (t = start; t <= end; t += 60) {
        split("odd-1 odd-2 other-1", pods, " ")
        for (i = 1; i <= 3; i++) {
            if (pods[i] == "odd-1" && t > start + 7200) continue
            set = pods[i] == "other-1" ? "other-rs" : "rs-" i
            kube("kube_pod_owner", "pod=\"" pods[i] "\",owner_kind=\"ReplicaSet\",owner_name=\"" set "\",owner_is_controller=\"true\"", t, 1)
            kube("kube_replicaset_owner", "replicaset=\"" set "\",owner_kind=\"Deployment\",owner_name=\"" \
                (set == "other-rs" ? "other" : "app") "\",owner_is_controller=\"true\"", t, 1)
            kube("container_memory_working_set_bytes", "pod=\"" pods[i] "\",container=\"app\"", t, 1000 * i)
            kube("container_cpu_usage_seconds_total", "pod=\"" pods[i] "\",container=\"app\"", t, (t - start) / 10)
        }
        c = "pod=\"odd-2\",container=\"app\""
        restarts = (t >= start + 10800) + (t >= start + 14400) + (t >= start + 18000)
        kube("kube_pod_container_status_restarts_total", c, t, restarts)
        # The first and the third restart were OOM kills, the second was not.
        oom = (t >= start + 10800 && t < start + 14400) || t >= start + 18000
        if (oom) kube("kube_pod_container_status_last_terminated_reason", c ",reason=\"OOMKilled\"", t, 1)
        if (!oom && restarts) kube("kube_pod_container_status_last_terminated_reason", c ",reason=\"Error\"", t, 1)
        kube("kube_pod_container_resource_limits", c ",resource=\"memory\",unit=\"byte\"", t, t < start + 16200 ? 104857600 : 209715200)
        kube("container_cpu_cfs_periods_total", c, t, (t - start) * 10)
        kube("container_cpu_cfs_throttled_periods_total", c, t, t < start + 3600 ? (t - start) * 5 : 18000)
    }
    print "# EOF"
}' "$tmp/raw" >"$tmp/metrics.txt"

prometheus=$root/fixtures/prometheus.sh
at_exit "$prometheus" stop "$tmp/prom"
ok "data are backfilled" "$prometheus" backfill "$tmp/metrics.txt" "$tmp/prom"
url=$("$prometheus" start "$tmp/prom") || { echo "Bail out! no Prometheus"; exit 1; }

# ---- an inventory by hand ------------------------------------------------------------------------------------
workload() { # NAMESPACE KIND NAME CONTAINER...
    local namespace=$1 kind=$2 name=$3 containers
    shift 3
    containers=$(printf '{"name":"%s","role":"container","image":"x","requests":{},"limits":{}},' "$@")
    [[ $namespace == null ]] || namespace="\"$namespace\""
    printf '{"workload":{"cluster":null,"namespace":%s,"kind":"%s","name":"%s","api_version":"v1","replicas":1,"labels":{},' \
        "$namespace" "$kind" "$name"
    printf '"source":{"file":"m.yaml","document":%d,"item":null,"line":1,"sha256":null},"autoscaler":null,"containers":[%s]},"problems":[]}\n' \
        "$((++documents))" "${containers%,}"
}
documents=0
inventory() { # FILE of records
    echo '{"tare":"inventory","version":1,"created":"2026-11-22T00:00:00Z","by":"hand","settings":{}}'
    cat "$1"
    jq -sc '{end:{records:length,workloads:([.[]|select(.workload)]|length),problems:([.[].problems[]?]|length),skipped:{},input:null}}' "$1"
}
{
    workload shop Deployment web web
    workload owned Deployment app app
    workload shop Deployment web-api api
    workload slow StatefulSet slow slow
    workload shop StatefulSet web db
    workload null Deployment nothing x
    workload batch Job agent agent
    workload shop Deployment we we
    workload shop Deployment web web
} >"$tmp/records"
inventory "$tmp/records" >"$tmp/inventory"

"$collect" --prometheus "$url" --end "$end_text" --window ${hours}h <"$tmp/inventory" >"$tmp/usage" 2>"$tmp/stderr"
is $? 0 "collect exits 0"
like "$(<"$tmp/stderr")" "no-data 2" "a summary on stderr"
is "$(jq -r 'select(.workload)|.workload.kind+"/"+.workload.name' "$tmp/usage" | paste -sd' ')" \
    "Deployment/web Deployment/app Deployment/web-api StatefulSet/slow StatefulSet/web Deployment/nothing Job/agent Deployment/we Deployment/web" \
    "records keep their order"
is "$(tail -1 "$tmp/usage" | jq -c '[.end.records,.end.workloads]')" '[9,9]' "a trailer with the counts"

value() { # KIND NAME PATH: a figure of the first such record
    jq -rs --arg k "$1" --arg n "$2" "[.[]|select(.workload.kind==\$k and .workload.name==\$n)][0]|$3" "$tmp/usage"
}

# ---- the figures, computed once more ---------------------------------------------------------------------------
# samples METRIC POD-REGEX CONTAINER INTERVAL RANGE: "time value" of each sample of design.md section 2
samples() {
    awk -v metric="$1" -v pods="$2" -v container="$3" -v every="$4" -v range="$5" -v start="$start" -v end="$end" '
    $1 == metric && $2 ~ pods && $3 == container && $4 == "kubelet" { n[$2]++; t[$2, n[$2]] = $5; v[$2, n[$2]] = $6 }
    END {
        for (p in n) for (i = 1; i <= n[p]; i++) {
            if (t[p, i] <= start || t[p, i] > end) continue
            if (metric ~ /memory/) { printf "%d %.17g\n", t[p, i], v[p, i]; continue }
            increase = 0
            for (first = i; first > 1 && t[p, first - 1] > t[p, i] - range; first--)
                increase += v[p, first] >= v[p, first - 1] ? v[p, first] - v[p, first - 1] : v[p, first]
            if (first == i) continue
            sampled = t[p, i] - t[p, first]; mean = sampled / (i - first)
            before = t[p, first] - (t[p, i] - range)
            if (increase > 0 && sampled * v[p, first] / increase < before) before = sampled * v[p, first] / increase
            printf "%d %.17g\n", t[p, i], 1000 * increase * (sampled + (before < mean * 1.1 ? before : mean / 2)) / sampled / range
        }
    }' "$tmp/raw"
}
# figures: count, mean and the order statistics of the second column, and the weighted p95 and busy hour
figures() {
    sort -g -k2,2 | awk -v end="$end" '
    { t[NR] = $1; x[NR] = $2; sum += $2; w[NR] = exp(-log(2) * (end - $1) / 259200); all += w[NR]; h = int($1 % 86400 / 3600); day[h] += w[NR] }
    function rank(q,    k) { k = int(NR * q); if (k < NR * q - 1e-9) k++; return x[k] }
    END {
        for (i = 1; i <= NR && !done; i++) { part += w[i]; if (part >= 0.95 * all * (1 - 1e-12)) { wp95 = x[i]; done = 1 } }
        for (h in day) { part = 0; for (i = 1; i <= NR; i++) if (int(t[i] % 86400 / 3600) == h) {
            part += w[i]; if (part >= 0.9 * day[h] * (1 - 1e-12)) { if (x[i] > busy) busy = x[i]; break } } }
        printf "%d %.6g %.6g %.6g %.6g %.6g %.6g %.6g %.6g\n", NR, sum / NR, rank(.5), rank(.9), rank(.95), rank(.99), x[NR], wp95, busy
    }'
}
got_figures() { # KIND NAME CONTAINER RESOURCE
    value "$1" "$2" ".usage.containers.\"$3\".$4|[.samples,.mean,.p50,.p90,.p95,.p99,.max,.wp95,.bh90]|@tsv" |
        awk '{ printf "%d", $1; for (i = 2; i <= NF; i++) printf " %.6g", $i; print "" }'
}
cpu=container_cpu_usage_seconds_total memory=container_memory_working_set_bytes
# The unweighted figures take all samples; the weighted ones of web leave out the start of its second pod, so they are compared on others.
plain() { cut -d' ' -f1-7; }
is "$(got_figures Deployment web web cpu_millicores | plain)" "$(samples $cpu '^web-7d9' web 60 240 | figures | plain)" \
    "CPU of two pods with a gap, a reset and a second scrape job"
is "$(got_figures Deployment web web memory_bytes)" "$(samples $memory '^web-7d9' web 60 240 | figures)" "memory of the same"
is "$(got_figures Deployment web-api api cpu_millicores)" "$(samples $cpu '^web-api' api 60 240 | figures)" \
    "web-api's CPU is its own, weighted figures too"
is "$(got_figures StatefulSet web db memory_bytes)" "$(samples $memory '^web-0' db 60 240 | figures)" "a StatefulSet's memory"
is "$(got_figures StatefulSet slow slow cpu_millicores)" "$(samples $cpu '^slow' slow 300 1200 | figures)" \
    "a scrape interval of 5 minutes gives rates"
is "$(value StatefulSet slow '.usage|[.interval_seconds,.rate_window_seconds]|@csv')" "300,1200" "and is found"
is "$(got_figures Job agent agent memory_bytes | cut -d' ' -f1)" 11 "a job's few samples are all there, none repeated after its end"
hour_max=$(samples $memory '^web-0' db 60 240 | awk -v s="$start" '{h=int(($1-s-1)/3600)} h==3 && $2>m {m=$2} END {printf "%.9g", m}')
is "$(value StatefulSet web '.usage.containers.db.memory_bytes.hourly.max[3]' | awk '{printf "%.9g", $1}')" "$hour_max" "an hour's maximum"
is "$(value StatefulSet web '.usage.containers.db.memory_bytes.hourly|[.mean,.p95,.max,.min]|map(length)|unique|@csv')" "$hours" "as many hours as the window has"
is "$(value Deployment web '.usage.containers.web.cpu_millicores.hourly.mean|map(. == null)|any')" false "no hour of web is empty"

# ---- workloads and pods ---------------------------------------------------------------------------------------
is "$(value Deployment web '.usage|[.pods,.replicas,.replicas_max,.matched_by,.source]|@csv')" '2,1,2,"names","query-range"' "pods and replicas of web"
is "$(value Deployment web '.usage.containers|keys|@csv')" '"proxy","web"' "a sidecar that is not in the manifest counts"
is "$(value Deployment web '.usage.containers.proxy.declared')" false "and says so"
is "$(value Deployment app '.usage|[.pods,.matched_by]|@csv')" '2,"owners"' "owners find pods by ReplicaSet, one that is gone too"
is "$(value Deployment app '.usage.containers.app.memory_bytes.max')" 2000 "and not the pods of another workload"
is "$(value Deployment nothing '[.usage,.problems[0].code]|@json')" '[null,"no-data"]' "no data: usage null and a problem"
is "$(value Deployment we '.problems[0].code')" no-data "a prefix of another name takes nothing"
is "$(jq -sc '[.[]|select(.workload.name=="web" and .workload.kind=="Deployment").usage.pods]' "$tmp/usage")" '[2,2]' "a second record of a workload has the same usage"
is "$(value Deployment web '.usage.coverage')" 1 "coverage: the second pod covers the first one's gap"
covered=$(value StatefulSet slow '.usage.coverage')
is "$covered" 1 "coverage at a 5-minute interval"
is "$(value Job agent '.usage|[.replicas,(.replicas_mean*1000|round)]|@csv')" "1,$((11 * 60 * 1000 / (hours * 3600)))" "a job's replicas over time"

# ---- restarts, OOM kills, throttling ---------------------------------------------------------------------------
is "$(value Deployment app '.usage.containers.app|[.restarts,.oom_kills,.oom_limit_bytes]|@csv')" "3,2,209715200" \
    "three restarts, two by OOM, the limit at the last"
is "$(value Deployment app '.usage.containers.app.oom_last_at')" "2026-11-21T17:00:00Z" "when it was"
is "$(value Deployment app '.usage.containers.app|[(.throttled_ratio*1000|round),(.throttled_worst_hour*1000|round)]|@csv')" \
    "42,500" "throttling over the window and in its worst hour"
is "$(value Deployment web '.usage.containers.web|[.restarts,.oom_kills,.throttled_ratio]|@json')" '[null,null,null]' "unknown is null, not 0"

# ---- the same again -------------------------------------------------------------------------------------------
"$collect" --prometheus "$url" --end "$end_text" --window ${hours}h --created 2026-11-22T00:00:00Z <"$tmp/inventory" >"$tmp/one" 2>/dev/null
"$collect" --prometheus "$url" --end "$end_text" --window ${hours}h --created 2026-11-22T00:00:00Z <"$tmp/inventory" >"$tmp/two" 2>/dev/null
ok "the same question gives the same bytes" cmp "$tmp/one" "$tmp/two"

# ---- bad days: a scripted server ------------------------------------------------------------------------------
# serve SCRIPT: starts one, its port in $port
serve() {
    printf '%s\n' "$1" >"$tmp/script"
    exec {pipe}< <(exec "$BIN/harness/http_server" "$tmp/script")
    server=$!
    at_exit kill "$server"
    read -r -t 10 port <&"$pipe"
}
bad() { # SCRIPT PATTERN NAME
    serve "$1"
    run "$collect" --timeout 1s --prometheus "http://127.0.0.1:$port" <"$tmp/inventory"
    is "$rc" 69 "$3: exit 69"
    like "$err" "$2" "$3: says so"
    unlike "$out" '"end"' "$3: no trailer"
    kill "$server"
}
bad 'on * /
close' 'broke the connection: http://127.0.0.1' "a connection that is closed"
bad 'on * /
hang' 'did not answer in time' "a server that never answers"
bad 'on * /
header Content-Type: text/html
body <!DOCTYPE html><title>Sign in</title>' 'web page' "a web page"
bad 'on * /
body {"status":"error","errorType":"bad_data","error":"no\u001b[2J way"}' 'bad_data: no.\[2J way' "status:error"
bad 'on * /
status 422
body {"status":"error","errorType":"execution","error":"expanding series: no"}' 'execution' "a refusal by the API"
bad 'on * /
body {"status":"success","data":[{"__name__":"x","pod":"p"},{"__n' 'cut its answer in the middle' "an answer cut by a proxy"
bad 'on * /
repeat 1000 {"status":"success","data":[]}
cut 100' '(cut its answer|not what the Prometheus API gives)' "an answer cut on the wire"
bad 'on * /
status 401' '\(401\)' "401"
bad 'on * /
status 403' '\(403\)' "403"
bad 'on * /
status 503
header Retry-After: 0' 'status 503' "503, three times"
run "$collect" --prometheus http://127.0.0.1:1 <"$tmp/inventory"
is "$rc" 69 "nobody there: exit 69"
unlike "$err" '[[:cntrl:]]\[' "no control bytes on the terminal"

serve 'on POST /api/v1/series
times 1
body {"status":"success","data":[]}
on * /
close'
run env TARE_PROMETHEUS_URL="http://user:hush@127.0.0.1:$port/?token=hush" "$collect" <"$tmp/inventory"
is "$rc" 0 "a server that dies later: exit 0"
is "$(jq -sc '[.[]|select(.problems).problems[].code]|unique' <<<"$out")" '["metrics-error","no-data"]' "and problems"
like "$out" '"end"' "and a trailer"
unlike "$out$err" hush "no secret is shown or written"
is "$(curl -s "http://127.0.0.1:$port/__count")" 10 "it is asked no more after three silences of three tries"
kill "$server"

# ---- configuration --------------------------------------------------------------------------------------------
run "$collect" <"$tmp/inventory"
is "$rc" 64 "no address: exit 64"
like "$err" 'hint: give --prometheus' "with a hint"
run "$collect" --prometheus "$url" --source remote-read <"$tmp/inventory"
is "$rc" 64 "remote-read is not there yet: exit 64"
run "$collect" --prometheus "ftp://x" <"$tmp/inventory"
is "$rc" 64 "an address that is none, from an option: exit 64"

printf 'hush-token\n' >"$tmp/token"
cat >"$tmp/tare.yaml" <<YAML
version: 1
metrics:
  bearer_token_file: token
  headers: {X-Scope-OrgID: team-a}
  cluster_label: {name: cluster, value: prod}
YAML
serve 'on * /
match Authorization: Bearer hush-token
body {"status":"success","data":[]}'
run "$collect" -c "$tmp/tare.yaml" --prometheus "http://127.0.0.1:$port" <"$tmp/inventory"
is "$rc" 0 "a bearer token from a file"
requests=$(curl -s "http://127.0.0.1:$port/__requests")
like "$requests" 'X-Scope-OrgID: team-a' "headers of one's own"
like "$requests" ',cluster="prod"' "the cluster's label in every selector"
unlike "$out$err" hush "the token is not shown"
kill "$server"
done_testing
