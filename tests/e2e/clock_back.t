#!/bin/bash
# The ledger's clock goes backwards in the middle of an apply: a real Postgres whose clock is moved. An approval that ran out and a window
# that closed do not come back to life: apply stops before the next file (75), and goes on once the clock is right.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need strace
fake=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
[[ -n $fake ]] || { tap_done=1; echo '1..0 # SKIP there is no libfaketime (hint: apt-get install libfaketime)'; exit 0; }

# Postgres starts under a clock that a file moves.
shift_file=$tmp/shift
echo +0s >"$shift_file"
chmod 644 "$shift_file"
export -n shift_file
. "$root/tests/db/server.sh"
pg_stop
unroot env LD_PRELOAD="$fake" FAKETIME_TIMESTAMP_FILE="$shift_file" FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
    "$pg_bin/pg_ctl" -D "$pg_dir/data" -l "$pg_dir/log" -w -o \
    "-c listen_addresses='' -c unix_socket_directories='$pg_dir' -c fsync=off" start >"$tmp/start.log" 2>&1 || { cat "$tmp/start.log" "$pg_dir/log"; echo "Bail out! no Postgres under another clock"; exit 1; }
. "$(dirname "$0")/stub_line.sh"
set_clock() { echo "$1" >"$shift_file.new" && chmod 644 "$shift_file.new" && mv "$shift_file.new" "$shift_file"; }
ledger_clock() { pg boss team -c "select extract(epoch from clock_timestamp() - '$(date -u +%FT%TZ)')::int"; }

pg boss postgres -c "create database team"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=boss"
run "$tare" migrate
is "$rc" 0 "a ledger" || diag "$err"
pg boss team -c "create role olga login in role tare_operator; create role reviewer login in role tare_approver"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=olga"
set_clock +1h
ok "the clock of the database can be moved ($(ledger_clock) s)" test "$(ledger_clock)" -gt 3500
set_clock +0s

manifests() { rm -f deploy/*; manifest deploy/a.yaml cart web; manifest deploy/b.yaml risky-pay; manifest deploy/c.yaml same-job api; plan; }
manifests
before=$(tree)
mv "$line/tare-apply" "$line/tare-apply.real"
cp "$line/tare-apply.real" "$line/tare-apply"
done_files() { grep -l 300m deploy/*.yaml | wc -l; }
# linger [OPTION…] -- COMMAND…: applies; the command runs while the first file is being written: between its flush and its rename.
linger() {
    local options=()
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    shift
    apply_held "${options[@]}"
    "$@"
    apply_goes_on
}

# An approval of an hour, of which an hour and a half pass; then the clock goes back to where it held.
echo 'approvals: {expires_after: 1h}' >tare.yaml
approved_run
linger -- set_clock -90s
is "$rc" 75 "the clock steps back by 90 seconds in the middle of an apply: it stops" || diag "$err"
like "$err" "the ledger's clock went backwards: it reads [0-9TZ:-]+ and was at [0-9TZ:-]+ before" "and says what it reads and what it was"
like "$err" "apply $id --resume" "with what to type"
is "$(done_files)" 1 "the file that was being written is written, no further one"
is "$(state)" applying "the run is still being applied"
run "$tare" apply "$id" --resume --yes
is "$rc" 75 "a resume under that clock stops too: what the ledger recorded is later" || diag "$err"
is "$(done_files)" 1 "and writes nothing"
set_clock +90m
run "$tare" apply "$id" --resume --yes
isnt "$rc" 0 "an hour and a half later the approval has run out"
is "$(done_files)" 1 "and nothing more is written"
set_clock +0s
run "$tare" rollback "$id" --resume --yes
is "$rc $(tree)" "0 $before" "a rollback is not held back by a clock" || diag "$err"

# The approval ran out while apply was at its first file, and then the clock went back: it is as dead as before.
set_clock +0s
approved_run
run_out() { set_clock +61m; pg boss team -c "select 1" >/dev/null; sleep 0.2; set_clock -10s; }
linger -- run_out
is "$rc $(done_files)" "75 1" "an approval that ran out and a clock that then goes back: stopped" || diag "$err"
set_clock +0s
"$tare" rollback "$id" --resume --yes >/dev/null 2>&1

# A deny window that has begun, and a clock that goes back before it.
begin=$(date -u -d '+20 minutes' +%FT%H:%M:00Z) finish=$(date -u -d '+80 minutes' +%FT%H:%M:00Z)
printf 'approvals: {expires_after: 24h}\nwindows:\n- {name: freeze, kind: deny, start: "%s", end: "%s"}\n' "$begin" "$finish" >tare.yaml
set_clock +0s
approved_run
linger -- set_clock +30m
is "$rc $(done_files)" "77 1" "a window that begins in the middle stops" || diag "$err"
"$tare" rollback "$id" --yes >/dev/null 2>&1
is "$(tree)" "$before" "put back"
set_clock +30m
approved_run
run "$tare" apply "$id" --yes
is "$rc" 77 "in the window apply is refused" || diag "$err"
set_clock +0s
run "$tare" apply "$id" --yes
is "$rc" 75 "the clock goes back before the window: what was approved in it says that it has begun" || diag "$err"
is "$(tree)" "$before" "and nothing is written"

# What is no step: a second or two, and a clock that goes forward.
rm tare.yaml
set_clock +0s
approved_run
linger -- set_clock -2s
is "$rc $(state)" "0 applied" "two seconds are no step" || diag "$err"
"$tare" rollback "$id" --yes >/dev/null 2>&1
set_clock +0s
approved_run
linger -- set_clock +5m
is "$rc $(state)" "0 applied" "nor is a step forward" || diag "$err"
done_testing
