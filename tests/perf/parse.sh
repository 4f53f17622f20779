#!/bin/bash
# parse.sh [--short] [BUILD]: what tare-parse costs beside a program that only runs libyaml's parser (tests/harness/yaml_bare) over
# the same bytes: 10,000 files (--short: 3,000), CPU time, the least of each in runs that take turns, since what else the machine does only
# adds; and the memory that a workload more takes, from the peaks for a tenth of the files and for all of them. Exit 1 where a limit is passed.
#
# The files are copies of the demo shop's manifests with what stands beside workloads in real files (neighbours.yaml, definition.awk), in the proportions of public
# repositories: a workload to about five kilobytes, half of them definitions of custom resources. TARE_BENCH_MANIFESTS=DIR: of what
# lies there as well.
set -u
cd "$(dirname "$0")/../.." || exit 74
files=10000 rounds=7
[[ ${1:-} == --short ]] && { files=3000 rounds=11; shift; }
BIN=$(realpath "${1:-.build}")/bin
RATIO_LIMIT=2.0 MEMORY_LIMIT=512
# The short form is for a machine that does other things as well: its limit finds what went wrong, the figure that is promised stands above.
((files == 10000)) || RATIO_LIMIT=2.5
SLACK_KIB=512 # the allocator's: it counts where there are few files

work=$(mktemp -d "${TMPDIR:-/tmp}/tare-bench.XXXXXX") || exit 73
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
unset TARE_CONFIG
export LC_ALL=C.UTF-8
die() { printf 'bench: %s\n' "$*" >&2; exit 1; }

# The folder that is copied.
make_mix() {
    local file number
    cp -r fixtures/demo/manifests "$1" || return 1
    find "$1" -name '*.y*ml' -exec sh -c 'for file; do cat tests/perf/neighbours.yaml >>"$file"; done' sh {} +
    mkdir "$1/definitions"
    for number in 1 2 3 4 5 6; do
        awk -v number=$number -f tests/perf/definition.awk >"$1/definitions/thing$number.yaml" || return 1
    done
}

# copies FROM TO N: N files in TO, copies of those in FROM as often as it takes.
copies() {
    local copy=0 more=$3 each
    each=$(find "$1" -type f | wc -l)
    ((each > 0)) && mkdir -p "$2" || return 1
    for (( ; more >= each; more -= each)); do
        cp -r "$1" "$2/$((copy++))" || return 1
    done
    mkdir "$2/$copy"
    find "$1" -type f | sort | head -n "$more" | while IFS= read -r file; do
        cp "$file" "$2/$copy/$(basename "$(dirname "$file")")-$(basename "$file")"
    done
}

parse() { "$BIN/harness/measure" "$work/parse" "$BIN/tare-parse" -q "$1" >"$work/inventory" 2>"$work/err" || die "tare-parse: $(tail -2 "$work/err")"; }
least() { sort -n -k 2,2 | awk 'NR == 1 { print $2 }'; }
workloads() { tail -1 "$work/inventory" | sed 's/.*"workloads":\([0-9]*\).*/\1/'; }

# compare NAME FROM: measures copies of FROM and prints a line.
compare() {
    local name=$1 few many attempt
    copies "$2" "$work/few" $((files / 10)) && copies "$2" "$work/many" "$files" || die "no copies of $2"
    find "$work/many" -type f \( -name '*.yaml' -o -name '*.yml' -o -name '*.json' \) | sort >"$work/list"
    parse "$work/few" && few=$(workloads)
    parse "$work/many" && many=$(workloads)
    # A machine that is busy with other things just then gets two more chances to show the least.
    for attempt in 1 2 3; do
        for ((i = 0; i < rounds; i++)); do
            "$BIN/harness/measure" "$work/bare" "$BIN/harness/yaml_bare" <"$work/list" >"$work/bare.out" || die "yaml_bare failed"
            parse "$work/many"
        done
        # The first two lines of `parse` are the peaks.
        { sed 1,2d "$work/parse" | least && least <"$work/bare"; } | paste -s -d ' ' >"$work/times"
        awk -v limit="$RATIO_LIMIT" '{ exit $1 / $2 > limit }' "$work/times" && break
    done
    awk -v name="$name" -v few="$few" -v many="$many" -v bare="$(cat "$work/bare.out")" -v limit="$RATIO_LIMIT" -v memory="$MEMORY_LIMIT" -v slack="$SLACK_KIB" '
        FILENAME ~ /times$/ { with = $1; alone = $2; ratio = with / alone; next }
        FNR <= 2 { kib[FNR] = $3 }
        END {
            per = (kib[2] - kib[1]) * 1024 / (many - few)
            over = ratio > limit || per > memory + slack * 1024 / (many - few)
            printf "parse, %-10s %s, %d workloads: CPU %.2f s, libyaml alone %.2f s: × %.2f (limit %.1f); memory %d bytes a workload (limit %d) %s\n",
                name ":", bare, many, with, alone, ratio, limit, per, memory, over ? "NOT within limits" : "ok"
            exit over
        }' "$work/times" "$work/parse"
    local rc=$?
    rm -rf "$work/few" "$work/many" "$work/parse" "$work/bare"
    return $rc
}

make_mix "$work/mix" || die "no files to copy"
bad=0
compare "shop" "$work/mix" || bad=1
[[ -n ${TARE_BENCH_MANIFESTS:-} ]] && { compare "given" "$TARE_BENCH_MANIFESTS" || bad=1; }
exit $bad
