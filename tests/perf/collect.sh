#!/bin/bash
# collect.sh [--short] [BUILD]: what tare-collect costs beside its source, on a private Prometheus with seven days of made metrics (fixtures/metrics: labels as in real
# life, blocks of 18 hours, a scrape in four late or early). Exit 1 where a limit is passed.
#
#   remote read   wall time ÷ that of curl downloading the same samples to /dev/null: of two requests, one after the other, for all CPU and all memory, and of exactly the
#                 requests that tare-collect makes, as many at once; peak memory; CPU time a sample with few and many workloads
#   KRR           wall time of the queries that KRR makes for the same workloads, asked by curl, ten at once (krr.awk), ÷ that of tare-collect
#   query_range   wall time ÷ that of curl fetching the same pieces, as many at once; peak memory
#
# Both sides of a comparison take turns after a run of each that does not count; compared are the least times, since what else the machine does only adds. --short: 50 and
# 200 workloads only, a part of KRR's queries, query_range for 20 workloads, and wider limits of time.
set -u
cd "$(dirname "$0")/../.." || exit 74
short=false
[[ ${1:-} == --short ]] && { short=true; shift; }
BIN=$(realpath "${1:-.build}")/bin

READ_LIMIT=2.0 RANGE_LIMIT=1.15 KRR_LIMIT=50 GROWTH_LIMIT=1.5
MEMORY_LIMIT=64 MEMORY_LIMIT_LARGE=96 # MiB
krr_workloads=0 range_workloads=200
# The short form is for a machine that does other things as well: its limits find what went wrong, the figures that are promised stand above.
$short && krr_workloads=20 range_workloads=20 READ_LIMIT=5.0 RANGE_LIMIT=1.6 KRR_LIMIT=15 GROWTH_LIMIT=2.0
parallel=4 # tare-collect's default
days=7

if ! command -v prometheus >/dev/null || ! command -v curl >/dev/null; then
    echo "collect beside its source: not measured, prometheus or curl is missing (hint: .ci/setup demo bench)"
    [[ ${CI:-} != true ]]
    exit
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/tare-bench.XXXXXX") || exit 73
relay=''
finish() {
    [[ -n $relay ]] && kill "$relay" 2>/dev/null
    fixtures/prometheus.sh stop "$work/prometheus" >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
unset TARE_CONFIG TARE_PROMETHEUS_URL
export LC_ALL=C.UTF-8 TZ=UTC no_proxy=127.0.0.1
end=2026-11-22T00:00:00Z end_ms=1795305600000

say() { printf 'bench: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
bad=0

# row NAME FIGURE LIMIT most|least TEXT: a line of the table; notes where the limit is passed.
row() {
    awk -v name="$1" -v figure="$2" -v limit="$3" -v what="$4" -v text="$5" 'BEGIN {
        over = what == "most" ? figure > limit : figure < limit
        printf "%-44s %8.2f  (at %-5s %5s)  %-22s %s\n", name, figure, what, limit, over ? "NOT within limits" : "ok", text
        exit over
    }' || bad=1
}

# serve WORKLOADS STEP: a server with the metrics of so many Deployments of two pods, and their inventory. Sets url.
serve() {
    local generator=("$BIN/fixtures/metrics" --workloads "$1" --pods 2 --end "$end")
    workloads=$1
    say "$1 workloads, every $2 s"
    fixtures/prometheus.sh stop "$work/prometheus"
    fixtures/prometheus.sh fill "$work/prometheus" "${generator[@]}" --days "$days" --step "$2" --slow-step "$2" --core --jitter 6 &&
        url=$(fixtures/prometheus.sh start "$work/prometheus") || die "no Prometheus for $1 workloads"
    rm -rf "$work/deploy" && mkdir "$work/deploy" && "${generator[@]}" --manifests "$work/deploy" --no-metrics &&
        "${generator[@]}" --pods-only >"$work/pods" && "$BIN/tare-parse" -q --created "$end" "$work/deploy" >"$work/inventory" || die "no inventory"
    samples=$(($1 * 2 * 2 * days * 86400 / $2))
}

# collect FILE SOURCE [URL]: one run; adds what `measure` says to FILE.
collect() {
    "$BIN/harness/measure" "$work/$1" "$BIN/tare-collect" -q --created "$end" --end "$end" --window "${days}d" --parallel "$parallel" --source "$2" \
        --prometheus "${3:-$url}" <"$work/inventory" >"$work/usage" 2>"$work/err" || die "tare-collect failed: $(tail -2 "$work/err")"
}

# ask FILE CONFIG AT-ONCE: curl asks everything in CONFIG; adds what `measure` says to FILE and leaves bytes and answers in $work/answers.
ask() {
    "$BIN/harness/measure" "$work/$1" curl --no-progress-meter --noproxy '*' --parallel --parallel-max "$3" --config "$2" >"$work/answers" 2>"$work/err" ||
        die "curl failed: $(tail -2 "$work/err")"
    awk '$1 != 200 { bad++ } END { exit bad > 0 }' "$work/answers" || die "$1: $(grep -vc '^200 ' "$work/answers") of $(wc -l <"$work/answers") requests were refused"
}

# The least of a column of what `measure` wrote (1 wall, 2 CPU), the greatest of column 3 (KiB).
least() { awk -v column="$2" 'NR == 1 || $column < least { least = $column } END { print least }' "$work/$1"; }
peak_mib() { awk '$3 > most { most = $3 } END { printf "%.1f", most / 1024 }' "$work/$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b > 0 ? a / b : 0) }'; }
megabytes() { awk '{ bytes += $2 } END { printf "%.1f MB in %d requests", bytes / 1e6, NR }' "$work/answers"; }

# whole_cluster: $work/whole asks for all CPU and all memory, a request each.
whole_cluster() {
    local metric start=$((end_ms - days * 86400000))
    for metric in container_cpu_usage_seconds_total container_memory_working_set_bytes; do
        "$BIN/harness/read_request" "$start" "$end_ms" "__name__=$metric" 'container!=' >"$work/$metric.body" || die "no request"
        [[ $metric == *cpu* ]] || echo next
        printf '%s\n' "url = \"$url/api/v1/read\"" 'output = "/dev/null"' 'write-out = "%{http_code} %{size_download}\n"' "data-binary = \"@$work/$metric.body\"" \
            'header = "Content-Type: application/x-protobuf"' 'header = "Content-Encoding: snappy"' 'header = "X-Prometheus-Remote-Read-Version: 0.1.0"'
    done >"$work/whole"
}

# keep_requests SOURCE: a run through the relay; its requests are then in $work/kept/requests.cfg.
keep_requests() {
    local through
    rm -rf "$work/kept" && mkdir "$work/kept" && mkfifo "$work/kept/address"
    "$BIN/harness/relay" "$url" "$work/kept" >"$work/kept/address" &
    relay=$!
    read -r through <"$work/kept/address" || die "no relay"
    collect kept-runs "$1" "$through"
    kill "$relay"
    wait "$relay" 2>/dev/null
    relay=''
}

# turns ROUNDS ATTEMPTS LIMIT COMMAND…: runs COMMAND ROUNDS times; again, ATTEMPTS in all, where a machine that is busy just then shows more than LIMIT
# as the ratio of what $numerator and $denominator name.
turns() {
    local rounds=$1 attempts=$2 limit=$3 i attempt
    shift 3
    for ((attempt = 0; attempt < attempts; attempt++)); do
        for ((i = 0; i < rounds; i++)); do
            "$@"
        done
        awk -v a="$(least "$numerator" 1)" -v b="$(least "$denominator" 1)" -v limit="$limit" 'BEGIN { exit a > limit * b }' && break
    done
}

read_turn() {
    collect "read.$workloads" remote-read
    ask "whole.$workloads" "$work/whole" 1
    ask "same.$workloads" "$work/kept/requests.cfg" "$parallel"
}

# note_growth: the CPU time a sample of what was measured.
note_growth() {
    awk -v cpu="$(least "read.$workloads" 2)" -v samples="$samples" -v workloads="$workloads" 'BEGIN { print workloads, 1e9 * cpu / samples }' >>"$work/growth"
}

# compare_read MIB: remote read of what is served.
compare_read() {
    local wall whole same size
    whole_cluster
    keep_requests remote-read
    collect warm remote-read
    ask warm "$work/whole" 1
    size=$(megabytes)
    numerator=read.$workloads denominator=whole.$workloads
    turns 5 3 "$READ_LIMIT" read_turn
    wall=$(least "read.$workloads" 1) whole=$(least "whole.$workloads" 1) same=$(least "same.$workloads" 1)
    row "remote read, $workloads workloads: × curl" "$(ratio "$wall" "$whole")" "$READ_LIMIT" most "tare-collect $wall s, curl $whole s ($size)"
    row "  × curl with the same requests" "$(ratio "$wall" "$same")" "$READ_LIMIT" most "curl $same s ($(megabytes), $parallel at once)"
    row "  peak memory, MiB" "$(peak_mib "read.$workloads")" "$1" most ""
    note_growth
}

# Time a sample with the most workloads ÷ that with the fewest or, where it falls, the other way around.
growth() {
    local figures
    figures=$(awk '{ ns = ns sprintf("%s%d: %.1f ns", NR > 1 ? ", " : "", $1, $2); v[NR] = $2; if (NR == 1 || $2 < least) least = $2; if ($2 > most) most = $2 } END { print most / least, ns }' "$work/growth")
    row "remote read: CPU time a sample, most ÷ least" "${figures%% *}" "$GROWTH_LIMIT" most "${figures#* }"
}

compare_krr() {
    local krr asked
    awk -v url="$url" -v end="$end" -v container=app -v most="$krr_workloads" -f tests/perf/krr.awk "$work/pods" >"$work/krr.cfg"
    ask krr "$work/krr.cfg" 10
    $short && ask krr "$work/krr.cfg" 10
    asked=$(((krr_workloads > 0 ? krr_workloads : workloads)))
    krr=$(awk -v seconds="$(least krr 1)" -v all="$workloads" -v asked="$asked" 'BEGIN { printf "%.2f", seconds * all / asked }')
    row "KRR's queries, $workloads workloads: × tare-collect" "$(ratio "$krr" "$(least "read.$workloads" 1)")" "$KRR_LIMIT" least \
        "curl $krr s$($short && echo " (from $asked workloads)")"
}

range_turn() {
    collect range query-range
    ask pieces "$work/kept/requests.cfg" "$parallel"
}

compare_range() {
    keep_requests query-range
    numerator=range denominator=pieces
    turns 3 2 "$RANGE_LIMIT" range_turn
    row "query_range, $workloads workloads: × curl" "$(ratio "$(least range 1)" "$(least pieces 1)")" "$RANGE_LIMIT" most \
        "tare-collect $(least range 1) s, curl $(least pieces 1) s ($(megabytes))"
    row "  peak memory, MiB" "$(peak_mib range)" "$MEMORY_LIMIT" most ""
}

if $short; then
    serve "$range_workloads" 30
    compare_range
fi
serve 50 30
for i in 1 2 3 4 5 6 7; do
    collect "read.$workloads" remote-read
done
note_growth
serve 200 30
compare_read "$MEMORY_LIMIT"
compare_krr
if ! $short; then
    compare_range
    serve 4000 60
    compare_read "$MEMORY_LIMIT_LARGE"
fi
growth
exit $bad
