#!/bin/bash
# A run meets what runs meet: kills, a database that goes away, a full disk, a twin.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"
kills=${TARE_KILLS:-8}
stages="parse collect analyze price diff gate"

# Digests of the records of every stage of run $1.
digests() {
    local stage
    for stage in $stages; do
        "$tare" show "$1" "$stage" 2>/dev/null | records | sha256sum
    done
}

run "$tare" run --end "$end" --format json
is "$rc" 0 "an undisturbed run" || diag "$err"
wanted=$(digests "$(json .run)")

# kill -9 of the conductor at moments spread over the run, then of single stages.
for ((i = 1; i <= kills; i++)); do
    "$tare" run --end "$end" --quiet >/dev/null 2>&1 &
    pid=$!
    sleep "$(awk -v i="$i" -v n="$kills" 'BEGIN { printf "%.2f", 0.05 + 2.5 * i / n }')"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    run "$tare" run --resume --format json
    if [[ $rc == 66 ]]; then
        run "$tare" status --limit 1 --format json
        out=$(jq -c '.[0] | {run: .run}' <<<"$out")
        rc=0
    fi
    is "$rc" 0 "kill $i: the run goes on" || diag "$err"
    is "$(digests "$(json .run)")" "$wanted" "kill $i: the same digests"
done

for stage in $stages; do
    "$tare" run --end "$end" --quiet >/dev/null 2>&1 &
    pid=$!
    for ((n = 0; n < 400; n++)); do
        victim=$(pgrep -P "$pid" -f "tare-$stage" | head -n1)
        [[ -n $victim ]] && kill -9 "$victim" 2>/dev/null && break
        sleep 0.01
    done
    wait "$pid" 2>/dev/null
    run "$tare" run --resume --window 5d
    if [[ $rc != 66 ]]; then
        is "$rc" 64 "killed tare-$stage: going on with another window is refused"
        like "$err" 'did not begin with this --window' "and says which option it is"
    fi
    run "$tare" run --resume --format json
    [[ $rc == 66 ]] && { run "$tare" status --limit 1 --format json; out=$(jq -c '.[0] | {run: .run}' <<<"$out"); rc=0; }
    is "$rc" 0 "killed tare-$stage: the run goes on" || diag "$err"
    is "$(digests "$(json .run)")" "$wanted" "killed tare-$stage: the same digests"
done

# The database dies in the middle.
"$tare" run --end "$end" --quiet >"$tmp/out" 2>"$tmp/err" &
pid=$!
sleep 1
"$tare" server stop --quiet
wait "$pid"
rc=$?
if [[ $rc == 0 ]]; then
    tap_result 0 "the run was quicker than the stop of the database"
else
    is "$rc" 75 "a lost database is worth another try"
fi
run "$tare" run --resume --format json
[[ $rc == 66 ]] && { run "$tare" status --limit 1 --format json; out=$(jq -c '.[0] | {run: .run}' <<<"$out"); rc=0; }
is "$rc" 0 "and the run goes on" || diag "$err"
is "$(digests "$(json .run)")" "$wanted" "with the same digests"

# Two at once on one ledger.
"$tare" run --end "$end" --format json >"$tmp/one" 2>"$tmp/one.err" &
one=$!
"$tare" run --end "$end" --format json >"$tmp/two" 2>"$tmp/two.err" &
two=$!
wait "$one"
is "$?" 0 "the first of two runs at once" || diag "$(cat "$tmp/one.err")"
wait "$two"
is "$?" 0 "the second of two runs at once" || diag "$(cat "$tmp/two.err")"
isnt "$(jq .run "$tmp/one")" "$(jq .run "$tmp/two")" "they are two runs"
is "$(digests "$(jq .run "$tmp/one")")" "$wanted" "the first has the same digests"
is "$(digests "$(jq .run "$tmp/two")")" "$wanted" "the second has the same digests"
run "$tare" audit verify
is "$rc" 0 "the audit trail is intact after all that"

# Databases that are not there.
run "$tare" run --database "postgresql://127.0.0.1:1/none" --end "$end"
is "$rc" 69 "no database at that address"
like "$err" 'hint: ' "with a hint"
run "$tare" run --database "postgresql://u:secret@127.0.0.1:1/none" --end "$end"
is "$rc" 64 "a password on the command line is refused"
unlike "$err" secret "and not shown"

# A full disk.
"$BIN/tare-parse" manifests >/dev/full 2>"$tmp/err"
is "$?" 74 "a full disk under a stage"
like "$(cat "$tmp/err")" 'No space left' "says so"
"$tare" show 1 parse >/dev/full 2>"$tmp/err"
is "$?" 74 "a full disk under the conductor"
done_testing
