#!/bin/bash
# Change windows against an independent oracle: Postgres' own time zone arithmetic (windows_oracle.sql). Random schedules in
# 14 zones, three quarters of the instants within a day and a half of a change of offset. TARE_ORACLE_CASES, TARE_SEED.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

cases=${TARE_ORACLE_CASES:-400}
pg boss postgres -v seed="${TARE_SEED:-0.25}" -v cases="$cases" -f "$(dirname "$0")/windows_oracle.sql" >"$tmp/cases" 2>"$tmp/sql.err" ||
    diag "$(cat "$tmp/sql.err")"
is "$(wc -l <"$tmp/cases")" "$cases" "the oracle answers every case"
cut -d'|' -f1-4 "$tmp/cases" | "$BIN/harness/window" >"$tmp/answers"
# A date that never exists (30 February) is refused, where the oracle just never finds it.
paste -d'|' "$tmp/cases" "$tmp/answers" | awk -F'|' '$6 !~ /never comes/ && $5 != $6' >"$tmp/wrong"
is "$(cat "$tmp/wrong")" "" "every answer is the oracle's"
ok "open and closed both occur" test "$(grep -c '|1$' "$tmp/cases")" -gt $((cases / 20)) -a "$(grep -c '|0$' "$tmp/cases")" -gt $((cases / 20))
done_testing
