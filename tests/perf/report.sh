#!/bin/bash
# report.sh [--short] [BUILD]: what tare-report costs for 10,000 workloads (--short: 3,000) of real size, about 40 KB each with usage, forecast and all: CPU
# time, peak memory and bytes of every format, and of a comparison of two runs. Exit 1 where a limit is passed: REPORT_SECONDS and REPORT_MIB
# for 10,000 workloads (of a comparison: twice REPORT_SECONDS), HTML_BYTES whatever their number.
#
# 500 workloads go through the line; the rest are copies under other names, with a trailer that holds.
set -u
cd "$(dirname "$0")/../.." || exit 74
copies=20
[[ ${1:-} == --short ]] && { copies=6; shift; }
BIN=$(realpath "${1:-.build}")/bin
REPORT_SECONDS=5 REPORT_MIB=128 HTML_BYTES=25000000
each=500

work=$(mktemp -d "${TMPDIR:-/tmp}/tare-bench.XXXXXX") || exit 73
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
unset TARE_CONFIG
export TARE_NOW=2026-11-22T00:00:00Z LC_ALL=C.UTF-8
die() { printf 'bench: %s\n' "$*" >&2; exit 1; }

# line CPU: the artifact of 500 workloads before the copies, at prices of instance $1.
line() {
    "$BIN/tare-price" -q --created "$TARE_NOW" --provider aws --region us-east-1 --instance "$1" <"$work/recommendations" |
        "$BIN/tare-diff" -q --created "$TARE_NOW" | "$BIN/tare-gate" -q --created "$TARE_NOW"
}

# multiply FROM TO: records under as many names as there are copies, in the order of their files.
multiply() {
    awk -v copies="$copies" '
        NR == 1 { print; next }
        /^\{"end":/ { exit }
        { line[++n] = $0 }
        END {
            for (c = 0; c < copies; c++) {
                for (i = 1; i <= n; i++) {
                    text = line[i]
                    gsub(/svc-[0-9]+/, sprintf("&-%02d", c), text)
                    sub(/"file":"deploy\//, sprintf("\"file\":\"deploy%02d/", c), text)
                    print text
                }
            }
        }' "$1" >"$2" || return 1
    printf '{"end":{"input":null,"problems":%d,"records":%d,"sha256":"%s","skipped":{},"workloads":%d}}\n' \
        "$((copies * $(tail -1 "$1" | sed 's/.*"problems":\([0-9]*\).*/\1/')))" $((copies * each)) "$(sha256sum <"$2" | cut -d' ' -f1)" \
        $((copies * each)) >>"$2"
}

mkdir "$work/deploy"
"$BIN/fixtures/metrics" --vary --end "$TARE_NOW" --workloads "$each" --pods 1 --manifests "$work/deploy" --no-metrics || die "no manifests"
(cd "$work" && "$BIN/tare-parse" -q --created "$TARE_NOW" deploy) >"$work/inventory" || die "no inventory"
"$BIN/harness/make_usage" 7 <"$work/inventory" | "$BIN/tare-analyze" -q --created "$TARE_NOW" >"$work/recommendations" || die "no recommendations"
(cd "$work" && line m6i.xlarge >small && line m5.large >other) || die "no plan"
multiply "$work/small" "$work/plan" && multiply "$work/other" "$work/before" || die "no copies"
rm "$work/small" "$work/other"

bad=0
# judge NAME OUTPUT OPTION…: one report, three times; the least counts, since what else the machine does only adds.
judge() {
    local name=$1 out=$2 attempt
    shift 2
    rm -f "$work/m"
    for attempt in 1 2 3; do
        "$BIN/harness/measure" "$work/m" "$BIN/tare-report" -q "$@" <"$work/plan" >"$work/$out" 2>"$work/err" || die "$name: $(tail -2 "$work/err")"
        (($(wc -c <"$work/$out") > 0)) || die "$name is empty"
    done
    awk -v name="$name" -v workloads=$((copies * each)) -v bytes="$(stat -c %s "$work/$out")" -v seconds="$REPORT_SECONDS" -v mib="$REPORT_MIB" \
        -v most="$([[ $out == *html ]] && echo $HTML_BYTES || echo 0)" '
        NR == 1 || $2 < cpu { cpu = $2 }
        $3 > kib { kib = $3 }
        END {
            verdict = ""
            # The page fills its bytes with fewer workloads, too: it has the share of time that it has of them.
            share = workloads / 10000
            if (most > 0 && bytes / most > share) share = bytes / most
            if (cpu > seconds * share) verdict = verdict " slow"
            if (kib > mib * 1024) verdict = verdict " memory"
            if (most > 0 && bytes >= most) verdict = verdict " large"
            printf "report, %-18s %d workloads: CPU %.2f s, %.1f MiB, %d bytes: %s\n", name ":", workloads, cpu, kib / 1024, bytes, verdict == "" ? "ok" : "NOT within limits:" verdict
            exit verdict != ""
        }' "$work/m" || bad=1
}

printf 'report: %d bytes a workload are read; limits %s s of CPU time and %s MiB for 10,000 workloads, html below %s bytes\n' \
    $(($(stat -c %s "$work/plan") / (copies * each))) "$REPORT_SECONDS" "$REPORT_MIB" "$HTML_BYTES"
for format in markdown html csv json table junit prometheus; do
    judge "$format" "$format" --format "$format"
done
# Two artifacts are read: twice the time.
REPORT_SECONDS=$((2 * REPORT_SECONDS))
judge "compare markdown" compared --format markdown --compare "$work/before"
judge "compare html" compared.html --format html --compare "$work/before"
exit $bad
