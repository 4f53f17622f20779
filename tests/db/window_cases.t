#!/bin/bash
# The table of change windows (window_cases.table): what it wants, what Postgres says (window_verdicts.sql) and what tare says are the same
# for every case. Changes of clocks in seven zones, leap days, ends of months and years, midnight, recurrences, precedence, selectors,
# overrides, and what users of other tools ran into, by the number of their issue.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"
need jq

here=$(dirname "$0")
grep -v '^#' "$here/window_cases.table" >"$tmp/cases"
ok "at least 300 cases" test "$(wc -l <"$tmp/cases")" -ge 300
is "$(cut -f1 "$tmp/cases" | sort | uniq -d)" "" "each has a name of its own"
for known in 'argo-cd 3204' 'argo-cd 3831' 'argo-cd 5590' 'argo-cd 21692' 'kured 204'; do
    ok "known defect: $known" grep -q "^$known" "$tmp/cases"
done
cut -f2-4 "$tmp/cases" | jq -cR 'split("\t") | {groups: (.[0] | fromjson), subject: (.[1] | fromjson), at: .[2]}' >"$tmp/questions"
pg boss postgres -f "$here/window_verdicts.sql" <"$tmp/questions" >"$tmp/oracle" 2>"$tmp/sql.err" || diag "$(head -5 "$tmp/sql.err")"
bash "$here/window_questions.sh" "$tmp/questions" | "$BIN/harness/window" >"$tmp/tare"
is "$(wc -l <"$tmp/oracle")" "$(wc -l <"$tmp/cases")" "Postgres answers every case"
is "$(paste "$tmp/cases" "$tmp/oracle" | awk -F'\t' '$5 != $6 { print $1 ": " $6 }')" "" "Postgres says what the table wants"
is "$(paste "$tmp/cases" "$tmp/tare" | awk -F'\t' '$5 != $6 { print $1 ": " $6 }')" "" "tare says what the table wants"

# Sets of windows at random, each for a subject. A rule that libical begins on another day than its start is refused, not misread.
# TARE_VERDICT_CASES, TARE_SEED.
cases=${TARE_VERDICT_CASES:-80}
pg boss postgres -v seed="${TARE_SEED:-0.25}" -v cases="$cases" -f "$here/window_random.sql" >"$tmp/random" 2>"$tmp/sql.err" || diag "$(head -5 "$tmp/sql.err")"
pg boss postgres -f "$here/window_verdicts.sql" <"$tmp/random" >"$tmp/oracle" 2>"$tmp/sql.err" || diag "$(head -5 "$tmp/sql.err")"
bash "$here/window_questions.sh" "$tmp/random" | "$BIN/harness/window" >"$tmp/tare"
is "$(wc -l <"$tmp/oracle")" "$cases" "Postgres answers every random set"
is "$(paste -d'|' "$tmp/oracle" "$tmp/tare" "$tmp/random" | awk -F'|' '$2 !~ /does not begin with DTSTART/ && $1 != $2')" "" "random sets of windows with selectors: tare says what Postgres says"
ok "few are refused" test "$(grep -c refused "$tmp/tare")" -le $((cases / 20 + 1))
ok "allowed and denied both occur" test "$(grep -c allowed "$tmp/tare")" -gt $((cases / 10)) -a "$(grep -c denied "$tmp/tare")" -gt $((cases / 10))
done_testing
