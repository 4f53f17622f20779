#!/bin/bash
# A run meets what runs meet: kills, a database that goes away, a full disk, a twin.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/killed.sh"
. "$(dirname "$0")/shop.sh"
need psql
kills=${TARE_KILLS:-8}
stages="parse collect analyze price diff gate"

# Digests of the records of every stage of run $1.
digests() {
    local stage
    for stage in $stages; do
        "$tare" show "$1" "$stage" 2>/dev/null | records | sha256sum
    done
}

# Goes on with the run that was disturbed: sets $rc, and $out with its number. One that was over by then, or had not begun, leaves nothing
# to go on with (66): then the newest that is over counts.
go_on() {
    again "$tare" run --resume --format json
    if [[ $rc == 66 ]]; then
        run "$tare" status --format json
        out=$(jq -c '[.[] | select(.state != "running")][0] | {run: .run}' <<<"$out")
        rc=0
    fi
}

run "$tare" run --end "$end" --format json
is "$rc" 0 "an undisturbed run" || diag "$err"
wanted=$(digests "$(json .run)")
# Kills belong within a run, however fast the machine is: milliseconds that one takes where the ledger is already there.
began=$(date +%s%3N)
run "$tare" run --end "$end" --quiet
lasts=$(($(date +%s%3N) - began))
part() { awk -v n="$1" -v of="$2" -v ms="$lasts" 'BEGIN { printf "%.3f", ms * n / of / 1000 }'; }

# kill -9 of the conductor at moments spread over the run, then of single stages.
for ((i = 1; i <= kills; i++)); do
    "$tare" run --end "$end" --quiet >/dev/null 2>&1 &
    pid=$!
    sleep "$(part "$i" "$kills")"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    go_on
    is "$rc" 0 "kill $i: the run goes on" || diag "$err"
    is "$(digests "$(json .run)")" "$wanted" "kill $i: the same digests"
done

# A conductor killed at its last statement: the database ends the run after the next one has read it as running. A session of our own
# plays that statement: it holds the run's lock, and commits as soon as another one was refused it, who waits a moment.
as_owner() { psql -h "$TARE_STATE_DIR/socket" -U tare_superuser -d tare -XqAt "$@" 2>&1; }
run "$tare" run --end "$end" --format json
late=$(json .run)
for round in 1 2 3; do # again where the database itself took longer than that
    as_owner -c "set session_replication_role = replica; update tare.run set state = 'running' where id = $late"
    coproc last { as_owner; }
    last_pid=$!
    cat >&"${last[1]}" <<SQL
set synchronous_commit = off;
select pg_advisory_lock(tare.lock_key('run', '$late'));
begin;
set local session_replication_role = replica;
update tare.run set state = 'awaiting-approval' where id = $late;
select 'ready';
do \$\$ begin
    for n in 1..12000 loop
        exit when exists (select 1 from pg_stat_activity where query like '%run_lock%' and pid <> pg_backend_pid() and state = 'idle');
        perform pg_sleep(0.01), pg_stat_clear_snapshot();
    end loop;
end \$\$;
commit;
select pg_advisory_unlock_all();
SQL
    exec {last[1]}>&-
    while read -r -t 60 line <&"${last[0]}" && [[ $line != ready ]]; do :; done
    is "$line" ready "a statement that ends a run is under way"
    "$tare" run --resume "$late" --format json >"$tmp/out" 2>"$tmp/err"
    rc=$?
    wait "$last_pid"
    [[ $rc == 75 && $(<"$tmp/err") == *"is being worked on by another tare"* ]] || break
done
is "$rc" 0 "a run that ended while it was waited for is no failure" || diag "$(cat "$tmp/err")"
is "$(digests "$(jq .run "$tmp/out")")" "$wanted" "and its results stand"

for stage in $stages; do
    "$tare" run --end "$end" --quiet >/dev/null 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
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
    go_on
    is "$rc" 0 "killed tare-$stage: the run goes on" || diag "$err"
    is "$(digests "$(json .run)")" "$wanted" "killed tare-$stage: the same digests"
done

# The database dies in the middle.
"$tare" run --end "$end" --quiet >"$tmp/out" 2>"$tmp/err" &
pid=$!
sleep "$(part 1 3)"
"$tare" server stop --quiet
wait "$pid"
rc=$?
if [[ $rc == 0 ]]; then
    tap_result 0 "the run was quicker than the stop of the database"
else
    is "$rc" 75 "a lost database is worth another try"
fi
go_on
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
