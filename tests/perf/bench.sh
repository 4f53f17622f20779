#!/bin/bash
# bench.sh [--short] [BUILD]: seconds and peak memory of every stage for 100, 1,000 and 10,000 workloads (--short: 100, 1,000 and 3,000),
# how they grow from the second number to the third, and whether that is within limits. Exit 1 where it is not.
#
# Manifests are made by fixtures/metrics, usage by tests/harness/make_usage; collect runs against a private Prometheus with one day of
# samples every 5 minutes (the other stages see seven days). All of it lands in a temporary folder and goes away.
set -u
cd "$(dirname "$0")/../.." || exit 74
sizes=(100 1000 10000) short=()
[[ ${1:-} == --short ]] && { sizes=(100 1000 3000) short=(--short); shift; }
build=$(realpath "${1:-.build}")
BIN=$build/bin

# Limits are ratios, so that they hold on any machine, and of CPU time, so that other work on it does not decide: TIME × the growth in
# workloads; and bytes of memory for each workload more. The
# stages that stream must stay flat; parse, gate and report may keep 512 bytes a workload (design, section 2). SLACK is for the allocator.
# Analyze has limits of its own besides: ANALYZE_SECONDS of CPU time for 10,000 workloads of one container with series every five minutes
# (rules, backtest, forecast, findings and all), and ANALYZE_MIB.
ANALYZE_SECONDS=60 ANALYZE_MIB=128
TIME_LIMIT=1.5
SLACK_KIB=6144
streaming=0 spooling=512

work=$(mktemp -d "${TMPDIR:-/tmp}/tare-bench.XXXXXX") || exit 73
chmod 711 "$work" # run by root, the private ledger belongs to another user, who must reach it
servers=()
finish() {
    local stop
    for stop in "${servers[@]}"; do
        eval "$stop" >/dev/null 2>&1
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
unset TARE_CONFIG TARE_DATABASE_URL TARE_PROMETHEUS_URL
export TARE_NOW=2026-11-22T00:00:00Z TARE_STATE_DIR=$work/state LC_ALL=C.UTF-8 TZ=UTC
end=$TARE_NOW

say() { printf 'bench: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# measure STAGE SIZE IN OUT COMMAND…: three runs; notes the least time, since what else the machine does only adds, and the most memory.
measure() {
    local stage=$1 size=$2 in=$3 out=$4 attempt rc
    shift 4
    rm -f "$work/m"
    for attempt in 1 2 3; do
        "$BIN/harness/measure" "$work/m" "$@" <"$in" >"$out" 2>"$work/err"
        rc=$?
        ((rc == 0)) || die "$stage failed for $size workloads (exit $rc): $(tail -2 "$work/err")"
    done
    read -r seconds cpu kib < <(awk 'NR == 1 || $2 < cpu { seconds = $1; cpu = $2 } $3 > kib { kib = $3 } END { print seconds, cpu, kib }' "$work/m")
    printf '%s %s %s %s %s %s\n' "$stage" "$size" "$seconds" "$cpu" "$kib" "$(stat -c %s "$out")" >>"$work/results"
}

# prometheus_for SIZE: backfills and starts a server; sets url.
prometheus_for() {
    local dir=$work/prometheus.$1
    fixtures/prometheus.sh fill "$dir" "$BIN/fixtures/metrics" --lean --end "$end" --days 1 --step 300 --workloads "$1" --pods 1 >&2 &&
        url=$(fixtures/prometheus.sh start "$dir") || die "no Prometheus for $1 workloads"
    servers+=("fixtures/prometheus.sh stop $dir")
}

"$BIN/tare" migrate >/dev/null 2>"$work/err" || die "no ledger: $(tail -2 "$work/err")"
servers+=("$BIN/tare server stop")
"$BIN/tare" server start >/dev/null 2>"$work/err" || die "no ledger: $(tail -2 "$work/err")"

for size in "${sizes[@]}"; do
    say "$size workloads"
    dir=$work/$size
    mkdir -p "$dir/deploy"
    "$BIN/fixtures/metrics" --end "$end" --workloads "$size" --pods 1 --manifests "$dir/deploy" --no-metrics || die "no manifests"
    cd "$dir" || exit 74
    measure parse "$size" /dev/null inventory "$BIN/tare-parse" -q --created "$end" deploy
    if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
        cd "$OLDPWD" && prometheus_for "$size" && cd "$dir" || exit 74
        measure collect "$size" inventory collected "$BIN/tare-collect" -q --created "$end" --end "$end" --window 1d --prometheus "$url"
        eval "${servers[-1]}" >/dev/null 2>&1
        rm -f collected
    fi
    "$BIN/harness/make_usage" 7 <inventory >usage || die "no usage"
    measure analyze "$size" usage recommendations "$BIN/tare-analyze" -q --created "$end"
    rm -f usage
    measure price "$size" recommendations costs "$BIN/tare-price" -q --created "$end" --provider aws --region us-east-1 --instance m6i.xlarge
    rm -f recommendations
    measure diff "$size" costs changes "$BIN/tare-diff" -q --created "$end"
    rm -f costs
    measure gate "$size" changes gated "$BIN/tare-gate" -q --created "$end"
    rm -f changes
    for format in markdown html csv json table; do
        measure "report:$format" "$size" gated "report.$format" "$BIN/tare-report" -q --format "$format"
    done
    cd "$OLDPWD" || exit 74
    rm -rf "$dir"
done

awk -v small="${sizes[0]}" -v middle="${sizes[1]}" -v large="${sizes[2]}" -v time_limit="$TIME_LIMIT" -v slack="$SLACK_KIB" \
    -v streaming="$streaming" -v spooling="$spooling" -v analyze_seconds="$ANALYZE_SECONDS" -v analyze_mib="$ANALYZE_MIB" '
{
    if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 }
    seconds[$1, $2] = $3; cpu[$1, $2] = $4; kib[$1, $2] = $5; bytes[$1, $2] = $6
}
END {
    printf "%-16s %10s %10s %10s   %9s %9s %9s   %10s %12s %10s\n", "stage", small, middle, large, small, middle, large, "CPU time", "memory", "output"
    printf "%-16s %10s %10s %10s   %9s %9s %9s   %10s %12s %10s\n", "", "s", "s", "s", "MiB", "MiB", "MiB", "×" large / middle, "bytes/w.", "bytes/w."
    for (i = 1; i <= n; i++) {
        s = order[i]
        # Below a twentieth of a second it is the start of the program that is measured.
        base = cpu[s, middle] < 0.05 ? 0.05 : cpu[s, middle]
        growth = cpu[s, large] / base
        per = (kib[s, large] - kib[s, middle]) * 1024 / (large - middle)
        allowed = (s ~ /^(parse|gate|report)/ ? spooling : streaming) + slack * 1024 / (large - middle)
        verdict = ""
        if (growth > time_limit * large / middle) verdict = verdict " slower than linear"
        if (per > allowed) verdict = verdict " memory grows"
        if (s == "analyze" && cpu[s, large] > analyze_seconds * large / 10000) verdict = verdict " too slow"
        if (s == "analyze" && kib[s, large] > analyze_mib * 1024) verdict = verdict " too much memory"
        printf "%-16s %10.2f %10.2f %10.2f   %9.1f %9.1f %9.1f   %10.1f %12d %10d %s\n", s, seconds[s, small], seconds[s, middle], seconds[s, large],
            kib[s, small] / 1024, kib[s, middle] / 1024, kib[s, large] / 1024, growth, per, bytes[s, large] / large, verdict == "" ? "ok" : "NOT" verdict
        bad += verdict != ""
    }
    printf "\nlimits: CPU time × %.1f at most for ×%.1f workloads; memory %d bytes a workload (parse, gate, report) or none, and %d KiB of slack\n", time_limit * large / middle, large / middle, spooling, slack
    printf "analyze: %.2f ms of CPU time a workload, %.1f MiB (limits %.1f ms, %d MiB)\n", cpu["analyze", large] * 1000 / large, kib["analyze", large] / 1024,
        analyze_seconds / 10, analyze_mib
    if (n < 9) { print "some stages were not measured"; bad++ }
    exit bad > 0
}' "$work/results"
bad=$?
tests/perf/parse.sh "${short[@]}" "$build" || bad=1
tests/perf/collect.sh "${short[@]}" "$build" || bad=1
tests/perf/report.sh "${short[@]}" "$build" || bad=1
tests/perf/packing.sh "${short[@]}" "$build" || bad=1
tests/perf/advice.sh "${short[@]}" "$build" || bad=1
tests/perf/audit.sh "${short[@]}" "$build" || bad=1
tests/perf/llm.sh "${short[@]}" "$build" || bad=1
exit $bad
