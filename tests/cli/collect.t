#!/bin/bash
# tare-collect against a real Prometheus filled with series of all kinds, by both ways of reading. The figures are computed once
# more by tests/harness/oracle_main.c, from the raw samples and the definitions. Bad days are in collect_faults.t.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/collect.sh"
need prometheus promtool jq awk curl

end=1795305600 # 2026-11-22T00:00:00Z
end_text=2026-11-22T00:00:00Z
hours=30
start=$((end - hours * 3600))
raw=$tmp/raw.om

# ---- data: OpenMetrics text; times in milliseconds, and a tenth of one that keeps them from being rounded down ------
awk -v start="$start" -v end="$end" '
function noise() { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648 }
function put(metric, labels, ms, value) {
    printf "%s{%s} %s %d.%03d1\n", metric, labels, value, start + int((ms + 1e9) / 1000) - 1000000, (ms + 1e9) % 1000
}
# One container of a pod from a to b (seconds after the start), scraped every `every` at phase `phase` with `jitter` (ms). `how`: words
# gap:FROM:LENGTH, reset:AT (same labels), restart:AT (another id, the old one told for three scrapes more).
function run(ns, name, container, a, b, every, phase, jitter, base, how,    t, i, words, w, cpu) {
    n = 0; again = 0; cpu = 3 + base; gap = reset = restart = -1
    split(how, words, " ")
    for (i in words) { split(words[i], w, ":"); if (w[1] == "gap") { gap = w[2]; gap_end = w[2] + w[3] } if (w[1] == "reset") reset = w[2]; if (w[1] == "restart") restart = w[2] }
    for (t = a; t <= b; t += every) {
        cpu += every * base * (1 + 0.8 * sin(t / 2000) + (noise() > 0.97 ? 6 : 0) + 0.3 * noise())
        if (reset >= 0 && t >= reset) { cpu = 0.5 * base; reset = -1 }
        if (restart >= 0 && t >= restart) { cpu = base; restart = -1; again = n + 1 }
        if (gap >= 0 && t >= gap && t < gap_end) continue
        n++
        T[n] = t * 1000 + phase * 1000 + int((2 * noise() - 1) * jitter); C[n] = sprintf("%.9f", cpu)
        M[n] = sprintf("%d", 1e8 * base * (2 + sin(t / 5000)) + noise() * 1e6)
    }
    where = sprintf("namespace=\"%s\",pod=\"%s\",container=\"%s\"", ns, name, container)
}
# Tells what run() made, with further labels; `part` of the samples only, moved by `by` ms.
function tell(labels, part, by,    metric, i, id, dropped) {
    for (metric = 1; metric <= 2; metric++) {
        name = metric == 1 ? "container_cpu_usage_seconds_total" : "container_memory_working_set_bytes"
        for (id = 1; id <= 1 + (again > 0); id++) {
            for (i = id == 1 ? 1 : again; i <= n; i++) {
                if (id == 1 && again && i >= again + 3) break
                if (part < 1 && (i * 7919) % 1000 >= part * 1000) continue
                v = metric == 1 ? (id == 1 && again && i >= again ? C[again - 1] : C[i]) : M[i]
                put(name, where "," labels ",id=\"/x/" name_of_run "-" id "\"", T[i] + by, v)
            }
        }
    }
}
function pod(ns, name, container, a, b, every, phase, jitter, base, how) { run(ns, name, container, a, b, every, phase, jitter, base, how); tell("job=\"kubelet\"", 1, 0) }
BEGIN {
    seed = 42; all = end - start; before = -7200
    run("shop", "web-7d9f8b6c5d-bbbbb", "web", before, all, 60, 31, 400, 0.2, "gap:30000:1500 reset:50040")
    tell("job=\"kubelet\"", 1, 0); tell("job=\"cadvisor\"", 0.9, 0)
    for (i = 1; i <= n; i++) { # the pod as a whole, and what holds its network, must not count
        put("container_cpu_usage_seconds_total", "namespace=\"shop\",pod=\"web-7d9f8b6c5d-bbbbb\",container=\"\",job=\"kubelet\"", T[i], 7 * C[i])
        put("container_cpu_usage_seconds_total", "namespace=\"shop\",pod=\"web-7d9f8b6c5d-bbbbb\",container=\"POD\",job=\"kubelet\"", T[i], 9 * C[i])
        put("container_memory_working_set_bytes", "namespace=\"shop\",pod=\"web-7d9f8b6c5d-bbbbb\",container=\"\",job=\"kubelet\"", T[i], 7 * M[i])
    }
    pod("shop", "web-7d9f8b6c5d-bbbbb", "proxy", before, all, 60, 31, 400, 0.02)
    pod("shop", "web-7d9f8b6c5d-ccccc", "migrate", 14400, 14640, 60, 11, 300, 0.4)
    pod("shop", "web-7d9f8b6c5d-ccccc", "web", 14700, 60000, 60, 11, 300, 0.3, "restart:40020")
    pod("shop", "web-7d9f8b6c5d-ccccc", "proxy", 14700, 60000, 60, 11, 300, 0.02)
    pod("shop", "web-5b8c7d9f6b-ddddd", "migrate", 60060, 60360, 60, 41, 300, 0.5)
    pod("shop", "web-5b8c7d9f6b-ddddd", "web", 60420, all, 60, 41, 300, 0.25)
    pod("shop", "web-5b8c7d9f6b-ddddd", "proxy", 60420, all, 60, 41, 300, 0.02)
    pod("shop", "web-api-6c5d7d9f8b-eeeee", "api", before, all, 60, 21, 200, 0.05)
    pod("shop", "web-0", "db", before, all, 60, 26, 200, 0.1, "gap:20000:130")
    pod("shop", "web-0", "vault", before, all, 60, 26, 200, 0.01)
    pod("shop", "agent-x7k2p", "agent", before, all, 60, 33, 200, 0.05)
    pod("shop", "agent-b4m9z", "agent", 20000, all, 60, 13, 200, 0.2)
    pod("shop", "agent-q2w8e", "agent", before, 70000, 60, 43, 200, 0.06)
    pod("shop", "nightly-29421360-abcde", "job", 10800, 11400, 60, 17, 100, 0.9)
    pod("shop", "nightly-29422080-fghij", "job", 54000, 54660, 60, 17, 100, 0.8)
    pod("shop", "nightly-29422800-klmno", "job", 97200, 97500, 60, 17, 100, 0.7)
    pod("shop", "import-k8d2s", "load", 600, 2400, 60, 17, 100, 0.7)
    run("fast", "fast-0", "main", 72000, 90000, 15, 4, 100, 0.5, "gap:80000:600")
    tell("job=\"kubelet\",prometheus_replica=\"a\"", 1, 0)
    run("fast", "fast-0", "main", 72000, 90000, 15, 4, 100, 0.5, "gap:75000:1500")
    tell("job=\"kubelet\",prometheus_replica=\"b\"", 1, 7000)
    pod("slow", "slow-0", "slow", before, all, 300, 130, 500, 0.5, "gap:40000:2000")
    run("lossy", "lossy-0", "lossy", before, all, 60, 17, 100, 0.5); tell("job=\"kubelet\"", 0.88, 0)
    pod("edge", "edge-0", "edge", before, all, 60, 0, 0, 0.1, "reset:30000")
    # Values that are no numbers or make no sense, and a counter that falls at every sample.
    for (t = before; t <= all; t += 60) {
        v = t % 3000 == 0 ? "NaN" : t % 3000 == 600 ? "+Inf" : t % 3000 == 1200 ? "-Inf" : t % 3000 == 1800 ? "-5" : sprintf("%.3f", (t + 7200) * 0.1)
        put("container_cpu_usage_seconds_total", "namespace=\"odd\",pod=\"odd-0\",container=\"odd\",job=\"k\"", t * 1000 + 29000, v)
    }
    for (t = before; t <= all; t += 60) {
        v = t % 3000 == 0 ? "NaN" : t % 3000 == 600 ? "+Inf" : t % 3000 == 1800 ? "-5" : sprintf("%d", 1e6 + t)
        put("container_memory_working_set_bytes", "namespace=\"odd\",pod=\"odd-0\",container=\"odd\",job=\"k\"", t * 1000 + 29000, v)
    }
    for (t = before; t <= all; t += 60) put("container_cpu_usage_seconds_total", "namespace=\"odd\",pod=\"falls-0\",container=\"falls\",job=\"k\"", t * 1000 + 29000, (all - t) / 10)
    # One sample, and none inside the window.
    put("container_memory_working_set_bytes", "namespace=\"odd\",pod=\"once-0\",container=\"once\",job=\"k\"", 3660500, 12345)
    put("container_cpu_usage_seconds_total", "namespace=\"odd\",pod=\"once-0\",container=\"once\",job=\"k\"", 3660500, 12345)
    for (t = before; t <= 0; t += 60) put("container_memory_working_set_bytes", "namespace=\"odd\",pod=\"early-0\",container=\"early\",job=\"k\"", t * 1000, 777)
}' >"$raw"

# Owners by kube-state-metrics: names that say nothing, pods that are gone, a workload that was made anew, somebody else's.
awk -v start="$start" -v end="$end" '
function kube(metric, labels, t, v) { printf "%s{namespace=\"owned\",%s} %s %d\n", metric, labels, v, t }
function owner(object, label, kind, name) { return label "=\"" object "\",owner_kind=\"" kind "\",owner_name=\"" name "\",owner_is_controller=\"true\"" }
function runs(pod, a, b, base,    t) { for (t = start + a; t <= start + b; t += 60) {
    labels = "pod=\"" pod "\",container=\"app\""
    kube("container_memory_working_set_bytes", labels, t, base); kube("container_cpu_usage_seconds_total", labels, t, (t - start) * base / 10000)
} }
function owned(pod, kind, name, a, b,    t) { for (t = start + a; t <= start + b; t += 60) kube("kube_pod_owner", owner(pod, "pod", kind, name), t, 1) }
function above(metric, label, object, kind, name, a, b,    t) { for (t = start + a; t <= start + b; t += 60) kube(metric, owner(object, label, kind, name), t, 1) }
BEGIN {
    all = end - start
    runs("odd-1", 0, 7200, 1000); runs("odd-2", 0, all, 2000); runs("odd-3", 50040, all, 2500); runs("other-1", 0, all, 3000)
    owned("odd-1", "ReplicaSet", "rs-1", 0, 7200); owned("odd-2", "ReplicaSet", "rs-2", 0, all)
    owned("odd-3", "ReplicaSet", "made-anew", 50040, all); owned("other-1", "ReplicaSet", "other-rs", 0, all)
    above("kube_replicaset_owner", "replicaset", "rs-1", "Deployment", "app", 0, 7200)
    above("kube_replicaset_owner", "replicaset", "rs-2", "Deployment", "app", 0, all)
    above("kube_replicaset_owner", "replicaset", "made-anew", "Deployment", "app", 50040, all)
    above("kube_replicaset_owner", "replicaset", "other-rs", "Deployment", "other", 0, all)
    runs("batch-x", 3600, 5400, 5000); owned("batch-x", "Job", "tick-1", 3600, 5400)
    runs("batch-y", 90000, 91800, 6000); owned("batch-y", "Job", "tick-2", 90000, 91800)
    above("kube_job_owner", "job_name", "tick-1", "CronJob", "tick", 3600, 9000)
    above("kube_job_owner", "job_name", "tick-2", "CronJob", "tick", 90000, all)
    runs("ledger-0", 0, all, 7000); owned("ledger-0", "StatefulSet", "ledger", 0, all)
    runs("bare", 0, 36000, 8000); for (t = start; t <= start + 36000; t += 60) kube("kube_pod_owner", owner("bare", "pod", "<none>", "<none>"), t, 1)
    for (t = start; t <= end; t += 60) {
        c = "pod=\"odd-2\",container=\"app\""
        restarts = (t >= start + 10800) + (t >= start + 14400) + (t >= start + 18000)
        oom = (t >= start + 10800 && t < start + 14400) || t >= start + 18120 # the first and the third were OOM kills, the third was told late
        kube("kube_pod_container_status_restarts_total", c, t, restarts)
        if (oom) kube("kube_pod_container_status_last_terminated_reason", c ",reason=\"OOMKilled\"", t, 1)
        if (!oom && restarts) kube("kube_pod_container_status_last_terminated_reason", c ",reason=\"Error\"", t, 1)
        kube("kube_pod_container_resource_limits", c ",resource=\"memory\",unit=\"byte\"", t, t < start + 16200 ? 104857600 : 209715200)
        kube("container_cpu_cfs_periods_total", c, t, (t - start) * 10)
        kube("container_cpu_cfs_throttled_periods_total", c, t, t < start + 3600 ? (t - start) * 5 : 18000)
        kube("container_oom_events_total", "pod=\"ledger-0\",container=\"app\"", t, (t >= start + 4000) + 2 * (t >= start + 8000))
    }
}' >>"$raw"
echo '# EOF' >>"$raw"

prometheus=$root/fixtures/prometheus.sh
at_exit "$prometheus" stop "$tmp/prom"
ok "data are backfilled" "$prometheus" backfill "$raw" "$tmp/prom"

# The same series told once more in between, in blocks of their own: Prometheus has to merge chunks that overlap.
between() { # OFFSET
    awk -v start="$start" -v offset="$1" 'BEGIN { for (t = start - 1800 + offset; t <= start + 108000; t += 60) {
        where = "{namespace=\"overlap\",pod=\"overlap-0\",container=\"main\",job=\"k\"}"
        printf "container_cpu_usage_seconds_total%s %.6f %d.0001\n", where, (t - start + 9000) * 0.2 + 0.1 * sin(t / 900), t
        printf "container_memory_working_set_bytes%s %d %d.0001\n", where, 1e6 + t % 977, t
    } }'
}
{ between 10; echo '# EOF'; } >"$tmp/first.om"
{ between 40; echo '# EOF'; } >"$tmp/second.om"
for part in first second; do
    "$prometheus" backfill "$tmp/$part.om" "$tmp/$part" && mv "$tmp/$part"/data/0* "$tmp/prom/data/"
done
{ grep -v '^# EOF' "$raw"; between 10; between 40; } >"$tmp/whole.om" && mv "$tmp/whole.om" "$raw"
url=$("$prometheus" start "$tmp/prom") || { echo "Bail out! no Prometheus"; exit 1; }

# ---- the records -----------------------------------------------------------------------------------------------
{
    workload shop Deployment web web migrate:init
    workload owned Deployment app app
    workload shop Deployment web-api api
    workload slow StatefulSet slow slow
    workload shop StatefulSet web db vault:sidecar
    workload null Deployment nothing x
    workload shop DaemonSet agent agent
    workload shop CronJob nightly job
    workload shop Job import load
    workload fast StatefulSet fast main
    workload edge StatefulSet edge edge
    workload lossy StatefulSet lossy lossy
    workload odd StatefulSet odd odd
    workload odd StatefulSet falls falls
    workload odd StatefulSet once once
    workload odd StatefulSet early early
    workload overlap StatefulSet overlap main
    workload owned CronJob tick app
    workload owned StatefulSet ledger app
    workload owned Pod bare app
    workload shop Deployment we we
    workload shop Deployment web web migrate:init
} >"$tmp/records"
inventory "$tmp/records" >"$tmp/inventory"

# ---- Prometheus' own rate, at the times of the samples: the oracle must know it before it may judge --------------------
rates() { # NAMESPACE POD CONTAINER EXTRA-LABELS INTERVAL
    local samples selector
    "$BIN/harness/oracle" -i "$5" -s CPU "$start" "$end" "$raw" "$1" "$2" | awk -v c="$3" '$2 == c' | awk 'NR % 67 == 3 || NR < 4' >"$tmp/asked"
    selector="rate(container_cpu_usage_seconds_total{namespace=\"$1\",pod=\"$2\",container=\"$3\"$4}[$(($5 < 30 ? 119999 : $5 * 4000 - 1))ms])"
    awk -v url="$url" -v q="$(jq -rn --arg q "$selector" '$q|@uri')" '{ printf "url = \"%s/api/v1/query?query=%s&time=%.3f\"\n", url, q, $3 / 1000 }' "$tmp/asked" |
        curl --silent --noproxy '*' -K - | jq -r '.data.result[0].value[1] // "none"' >"$tmp/told"
    paste -d' ' "$tmp/asked" "$tmp/told" | awk '{ d = $4 - 1000 * $5; if (d < 0) d = -d; if ($5 == "none" || d > 0.001 * $4) { print; bad = 1 } } END { if (bad || NR < 5) exit 1 }'
}
ok "rates are Prometheus' own: jitter, a gap, a reset" rates shop web-7d9f8b6c5d-bbbbb web ',job="kubelet"' 60
ok "rates of the first samples of a pod" rates shop web-5b8c7d9f6b-ddddd web '' 60
ok "rates at 5 minutes" rates slow slow-0 slow '' 300
ok "rates of samples on the grid" rates edge edge-0 edge '' 60
ok "rates of a counter that falls at every sample" rates odd falls-0 falls '' 60
ok "rates of overlapping blocks" rates overlap overlap-0 main '' 30

# ---- both ways of reading ----------------------------------------------------------------------------------------
check_usage() { # WAY ORACLE-OPTION...
    local way=$1
    shift
    same shop Deployment/web 'web-(7d9f8b6c5d|5b8c7d9f6b)-.*' "$way: pods that come and go, a gap, a reset, a restart, two scrape jobs, an init and an injected container" "$@"
    same shop Deployment/web-api 'web-api-.*' "$way: a workload whose name begins like another's" "$@"
    same shop StatefulSet/web 'web-0' "$way: a StatefulSet with a sidecar, and a gap of two samples" "$@"
    same shop DaemonSet/agent 'agent-.*' "$way: a DaemonSet with a hot pod" "$@"
    same shop CronJob/nightly 'nightly-.*' "$way: a CronJob" "$@"
    same shop Job/import 'import-.*' "$way: a Job" "$@"
    same slow StatefulSet/slow 'slow-0' "$way: scrapes every 5 minutes" "$@"
    same edge StatefulSet/edge 'edge-0' "$way: samples on the edges of window, hours and steps" "$@"
    # By query_range the server makes rates of what is no counter, too.
    [[ $way == remote-read ]] || local beside='^containers\.odd\.cpu'
    same odd StatefulSet/odd 'odd-0' "$way: values that are no numbers" "$@"
    beside=''
    same lossy StatefulSet/lossy 'lossy-0' "$way: one scrape in eight is lost" "$@"
    same odd StatefulSet/falls 'falls-0' "$way: a counter that falls at every sample" "$@"
    same odd StatefulSet/once 'once-0' "$way: one sample" "$@"
    same fast StatefulSet/fast 'fast-0' "$way: two Prometheus replicas, 15 seconds" "$@"
    same overlap StatefulSet/overlap 'overlap-0' "$way: overlapping blocks" "$@"
    same owned Deployment/app 'odd-.*' "$way: owners by kube-state-metrics" "$@"
    same owned CronJob/tick 'batch-.*' "$way: a CronJob by its Jobs" "$@"
    same owned StatefulSet/ledger 'ledger-0' "$way: OOM kills by cAdvisor" "$@"
    same owned Pod/bare 'bare' "$way: a pod of nobody" "$@"
}
check_records() { # WAY
    local way=$1
    is "$(jq -r 'select(.workload)|.workload.kind+"/"+.workload.name' "$usage" | paste -sd' ')" \
        "$(jq -r '.workload.kind+"/"+.workload.name' "$tmp/records" | paste -sd' ')" "$way: records keep their order"
    is "$(tail -1 "$usage" | jq -c '[.end.records,.end.workloads]')" '[22,22]' "$way: a trailer with the counts"
    is "$(value shop Deployment/web '.usage|[.pods,.replicas_max,.matched_by,.source]|@csv')" "3,2,\"names\",\"$way\"" "$way: pods and replicas of web"
    is "$(value shop Deployment/web '.usage.containers|keys|@csv')" '"proxy","web"' "$way: a container that is not in the manifest counts"
    is "$(value shop Deployment/web '.usage|[.containers.proxy.declared,.containers.web.declared,.init_containers.migrate.declared]|@csv')" false,true,true "$way: and says so"
    is "$(value shop StatefulSet/web '.usage.containers|keys|@csv')" '"db","vault"' "$way: a sidecar stands with the containers"
    is "$(value shop DaemonSet/agent '.usage.containers.agent.cpu_millicores.hot_pod')" agent-b4m9z "$way: the hot pod"
    is "$(value slow StatefulSet/slow '.usage|[.interval_seconds,.rate_window_seconds]|@csv')" "300,1200" "$way: an interval of 5 minutes is found"
    is "$(value lossy StatefulSet/lossy '.usage|[.interval_seconds,.rate_window_seconds]|@csv')" "60,240" "$way: lost scrapes do not make it longer"
    is "$(value fast StatefulSet/fast '.usage|[.interval_seconds,.rate_window_seconds]|@csv')" "15,120" "$way: one of 15 seconds"
    is "$(value owned Deployment/app '.usage|[.pods,.matched_by]|@csv')" '3,"owners"' "$way: owners find pods by ReplicaSet, gone ones and those of a workload made anew too"
    is "$(value owned Deployment/app '.usage.containers.app.memory_bytes.max')" 2500 "$way: and not the pods of another workload"
    is "$(value shop CronJob/nightly '.usage|[.pods,.replicas]|@csv')" '3,1' "$way: the pods of a CronJob by name"
    is "$(value owned Deployment/app '.usage.containers.app|[.restarts,.oom_kills,.oom_limit_bytes]|@csv')" "3,2,209715200" "$way: three restarts, two by OOM, the limit at the last"
    is "$(value owned Deployment/app '.usage.containers.app.oom_last_at')" "2026-11-20T23:00:00Z" "$way: when it was"
    is "$(value owned StatefulSet/ledger '.usage.containers.app|[.restarts,.oom_kills]|@json')" '[null,3]' "$way: OOM kills that cAdvisor alone tells"
    is "$(value owned Deployment/app '.usage.containers.app|[(.throttled_ratio*10000|round),(.throttled_worst_hour*1000|round),.throttled_worst_hour_at]|@csv')" \
        '167,500,"2026-11-20T18:00:00Z"' "$way: throttling over the window and in its worst hour"
    is "$(value shop Deployment/web '.usage.containers.web|[.restarts,.oom_kills,.throttled_ratio]|@json')" '[null,null,null]' "$way: unknown is null, not 0"
    is "$(jq -sc '[.[]|select(.workload.name=="nothing")][0]|[.usage,.problems[0].code]' "$usage")" '[null,"no-data"]' "$way: no data: usage null and a problem"
    is "$(value shop Deployment/we '[.usage,.problems[0].code]|@json')" '[null,"no-data"]' "$way: a prefix of another name takes nothing"
    is "$(value odd StatefulSet/early '[.usage,.problems[0].code]|@json')" '[null,"no-data"]' "$way: samples before the window are none"
    is "$(jq -sc '[.[]|select(.workload.name=="web" and .workload.kind=="Deployment").usage]|.[0] == .[1]' "$usage")" true "$way: a second record of a workload has the same usage"
}

ask() { # SOURCE OUTPUT
    "$collect" --prometheus "$url" --source "$1" --end "$end_text" --window ${hours}h --created 2026-11-22T00:00:00Z <"$tmp/inventory" >"$2" 2>"$tmp/stderr"
}
usage=$tmp/read
ask remote-read "$usage"
is $? 0 "remote-read: exit 0"
like "$(<"$tmp/stderr")" "no-data 3" "remote-read: a summary on stderr"
check_records remote-read
check_usage remote-read
codes() { value "$1" "$2" '[.problems[].code]|unique|@csv' | tr -d '"'; }
is "$(codes odd StatefulSet/odd)" odd-samples "remote-read: values that are no numbers are told of"
is "$(codes odd StatefulSet/falls)" "counter-resets,partial-data" "remote-read: so are many resets, and memory that nobody tells of"
is "$(codes fast StatefulSet/fast)" duplicate-series "remote-read: and two Prometheus replicas"
is "$(codes shop Deployment/web)" duplicate-series "remote-read: and two scrape jobs"
is "$(codes shop Deployment/web-api)" "" "remote-read: nothing is told where all is well"

usage=$tmp/range
ask query-range "$usage"
is $? 0 "query-range: exit 0"
check_records query-range
check_usage query-range -g

# ---- a window that begins and ends at no hour, with samples after its end ------------------------------------------------
whole_end=$end whole_start=$start
end=1795303061 start=$((end - 43 * 60 - 5 * 3600)) # 2026-11-21T23:17:41Z
for way in remote-read query-range; do
    usage=$tmp/odd.$way
    "$collect" --prometheus "$url" --source $way --end 2026-11-21T23:17:41Z --window 343m <"$tmp/inventory" >"$usage" 2>"$tmp/stderr"
    grid=()
    [[ $way == remote-read ]] || grid=(-g)
    same shop Deployment/web 'web-(7d9f8b6c5d|5b8c7d9f6b)-.*' "$way, odd window: a Deployment" "${grid[@]}"
    same shop DaemonSet/agent 'agent-.*' "$way, odd window: a DaemonSet" "${grid[@]}"
    same overlap StatefulSet/overlap 'overlap-0' "$way, odd window: overlapping blocks" "${grid[@]}"
    same slow StatefulSet/slow 'slow-0' "$way, odd window: scrapes every 5 minutes" "${grid[@]}"
    same edge StatefulSet/edge 'edge-0' "$way, odd window: samples on full minutes" "${grid[@]}"
done
end=$whole_end start=$whole_start

# ---- the same again -------------------------------------------------------------------------------------------
"$collect" --prometheus "$url" --end "$end_text" --window ${hours}h --created 2026-11-22T00:00:00Z --parallel 1 <"$tmp/inventory" >"$tmp/auto" 2>"$tmp/stderr"
is "$(jq -sr '[.[].usage.source|select(.)]|unique|@csv' "$tmp/auto")" '"remote-read"' "auto takes remote-read where it is served"
is "$(tail -n +2 "$tmp/auto" | grep -v '"end"' | sha256sum)" "$(tail -n +2 "$tmp/read" | grep -v '"end"' | sha256sum)" "one thread finds the same as many"
ask remote-read "$tmp/again"
ok "the same question gives the same bytes" cmp "$tmp/read" "$tmp/again"
ask query-range "$tmp/again"
ok "by query_range too" cmp "$tmp/range" "$tmp/again"
done_testing
