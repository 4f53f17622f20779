#!/bin/bash
# Change windows against another implementation: Python's zoneinfo and a search minute by minute. Random schedules in 14
# zones, three quarters of the instants within a day and a half of a change of offset. TARE_ORACLE_CASES, TARE_SEED.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need python3
ok "every random case agrees" python3 "$(dirname "$0")/windows_oracle.py" "$BIN/harness/window" "${TARE_SEED:-1}" \
    "${TARE_ORACLE_CASES:-600}" || python3 "$(dirname "$0")/windows_oracle.py" "$BIN/harness/window" "${TARE_SEED:-1}" 600 >&2
done_testing
