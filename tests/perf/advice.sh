#!/bin/bash
# advice.sh [--short] [BUILD]: how good the advice is, beside peers' rules and textbooks' methods in the same run: right-sizing, forecasts,
# findings. Prints each table and whether each limit is reached; exit 1 where one is not.
#
# Real series are read from ${TARE_SERIES:-../shared/series}, a folder of CSV files (timestamp,value) with windows.json; without it this is
# skipped. Made series are the same in every run. --short is the same: it takes less than a minute.
set -u
cd "$(dirname "$0")/../.." || exit 74
[[ ${1:-} == --short ]] && shift
build=$(realpath "${1:-.build}")
series=${TARE_SERIES:-../shared/series}
if [[ ! -d $series ]]; then
    echo "advice: skipped, no series in $series (TARE_SERIES)"
    exit 0
fi
bad=0
for part in rightsizing forecast findings; do
    printf '\n== advice: %s\n' "$part"
    "$build/bin/harness/advice" "$part" "$series" || bad=1
done
exit $bad
