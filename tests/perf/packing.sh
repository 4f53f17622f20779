#!/bin/bash
# packing.sh [--short] [BUILD]: made clusters of 1,000 and 10,000 pods packed on nodes, before and after a plan: nodes beside the lower bound, seconds of CPU
# for both sides and the search for a better type, and whether a verifier finds every rule kept. Exit 1 where a limit is not held.
set -u
cd "$(dirname "$0")/../.." || exit 74
[[ ${1:-} == --short ]] && shift
build=$(realpath "${1:-.build}")
GAP=3 SECONDS_10000=1 MIB=32
work=$(mktemp -d "${TMPDIR:-/tmp}/tare-packing.XXXXXX") || exit 73
trap 'rm -rf "$work"' EXIT
bad=0
for pods in 1000 10000; do
    printf '\n== packing: %s pods\n' "$pods"
    # Three times: the least time counts, since what else the machine does only adds.
    rm -f "$work/m" "$work/out"
    for attempt in 1 2 3; do
        "$build/bin/harness/measure" "$work/m" "$build/bin/harness/packing" "$pods" >>"$work/out" || bad=1
    done
    awk -F'|' -v gap_limit="$GAP" -v seconds_limit="$SECONDS_10000" '
    BEGIN { printf "%-18s %8s %8s %8s %7s %8s %8s %7s %9s  %s\n", "pods", "nodes", "bound", "gap %", "", "nodes", "bound", "gap %", "CPU s", "" }
    !($1 in least) || $11 < least[$1] { least[$1] = $11 }
    !($1 in row) { row[$1] = $0; order[++sets] = $1 }
    function judge(cpu,    verdict) {
        verdict = $12 == "holds" ? "" : " " $12
        if ($3 < $4 || $6 < $7) verdict = verdict " below the bound"
        if ($5 > gap_limit || $8 > gap_limit) verdict = verdict " too many nodes"
        if (cpu > seconds_limit) verdict = verdict " too slow"
        if ($9 > 0) verdict = verdict " pods without a node"
        printf "%-18s %8d %8d %8.2f %7s %8d %8d %7.2f %9.3f  %s\n", $1, $3, $4, $5, "", $6, $7, $8, cpu, verdict == "" ? "ok" : "NOT" verdict
        bad += verdict != ""
    }
    END {
        for (i = 1; i <= sets; i++) { $0 = row[order[i]]; judge(least[order[i]]) }
        if (sets < 7) { print "some were not packed"; bad++ }
        exit bad > 0
    }' "$work/out" || bad=1
    read -r _ _ kib _ <"$work/m"
    printf 'peak memory of the program: %d MiB (limit %d)\n' $((kib / 1024)) "$MIB"
    ((kib <= MIB * 1024)) || bad=1
done
printf '\nlimits: %d %% above the lower bound, %d s of CPU; the bound is never passed, every rule holds\n' "$GAP" "$SECONDS_10000"
exit $bad
