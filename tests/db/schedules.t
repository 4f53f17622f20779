#!/bin/bash
# Schedules in the ledger: when instants come (against Postgres' own time zone arithmetic), whose they are, and who may do what.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

# ---- Instants ----
cases=${TARE_ORACLE_CASES:-150}
pg boss postgres -v seed="${TARE_SEED:-0.5}" -v cases="$cases" -f "$(dirname "$0")/schedules_oracle.sql" >"$tmp/cases" 2>"$tmp/sql.err" ||
    diag "$(cat "$tmp/sql.err")"
is "$(wc -l <"$tmp/cases")" "$cases" "the oracle answers every case"
cut -d'|' -f1-4 "$tmp/cases" | "$BIN/harness/schedule" >"$tmp/answers"
paste -d'|' "$tmp/cases" "$tmp/answers" | awk -F'|' '$6 !~ /never comes/ && $5 != $6' >"$tmp/wrong"
is "$(cat "$tmp/wrong")" "" "every instant is the oracle's, the last and the missed ones too"
ok "(many of them have instants)" test "$(awk -F'|' '$5 != ""' "$tmp/cases" | wc -l)" -gt $((cases / 3))

# A crontab in another zone misses none of them: each instant's reading there is in its lines.
cat >"$tmp/crontabs" <<'CASES'
UTC|Europe/Berlin|30 2 * * *
UTC|America/New_York|*/20 1-3 * * 0
Europe/Berlin|America/New_York|15 19,20 * * *
Europe/Berlin|UTC|30 0,1 * * *
America/Havana|Europe/Dublin|0 4-6 * * *
Australia/Lord_Howe|Asia/Kolkata|10 20,21 * * *
CASES
while IFS='|' read -r machine zone cron; do
    lines=$(printf 'crontab|%s|%s|%s|2026-01-01T00:00:00Z\n' "$machine" "$zone" "$cron" | "$BIN/harness/schedule")
    printf '%s|%s|2026-01-01T00:00:00Z|2027-12-31T00:00:00Z\n' "$zone" "$cron" | "$BIN/harness/schedule" | tr ' ' '\n' >"$tmp/instants"
    is "$(pg boss postgres -v lines="$lines" -v zone="$machine" <<SQL
create temp table instant (at timestamptz);
\\copy instant from '$tmp/instants'
with line as (select split_part(l, ' ', 1) as m, split_part(l, ' ', 2) as h from unnest(string_to_array(:'lines', ';')) l where l <> ''),
     item as (select h, m, split_part(mi, '-', 1) as ma, split_part(mi, '-', 2) as mb, split_part(hi, '-', 1) as ha, split_part(hi, '-', 2) as hb
              from line, unnest(string_to_array(m, ',')) mi, unnest(string_to_array(h, ',')) hi)
select count(*) > 300, count(*) filter (where not exists (select 1 from item
    where (ma = '*' or extract(minute from at at time zone :'zone') between ma::int and coalesce(nullif(mb, ''), ma)::int)
      and (ha = '*' or extract(hour from at at time zone :'zone') between ha::int and coalesce(nullif(hb, ''), ha)::int))) from instant;
SQL
)" "t|0" "the crontab of $zone $cron on a machine in $machine fires at each instant"
done <"$tmp/crontabs"

# ---- Keeping ----
keep() { as "$1" "select tare.schedule_set('$2', 'prod', '${3:-0 3 * * *}', '${4:-UTC}', '${5:-skip}', '${6:-run}', ${7:-3600}, '{\"words\": []}')"; }
field() { as boss "select $2 from tare.schedule where name = '$1'"; }
revision() { field "$1" revision; }
is "$(keep op nightly)" t "an operator makes a schedule"
is "$(keep op nightly '0 4 * * *')" f "and changes it"
is "$(as view "select string_agg(action || ' ' || actor || ' ' || subject, ', ' order by position) from tare.audit_event where action like 'schedule.%'")" \
    "schedule.made op nightly, schedule.changed op nightly" "both are on record"
is "$(as view "select detail::jsonb #>> '{from,cron}', detail::jsonb #>> '{to,cron}' from tare.audit_event where action = 'schedule.changed'")" \
    "0 3 * * *|0 4 * * *" "with what was before"
refused op2 "select tare.schedule_set('nightly', 'x', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '{}')" TA077 "another operator may not change it"
refused op2 "select tare.schedule_pause('nightly', true)" TA077 "nor pause it"
refused op2 "select tare.schedule_remove('nightly')" TA077 "nor remove it"
is "$(as adm "select tare.schedule_pause('nightly', true), tare.schedule_pause('nightly', true), tare.schedule_pause('nightly', false)")" "t|f|t" \
    "an admin may"
for who in view rev stranger; do
    for call in "schedule_set('x', 'x', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '{}')" "schedule_pause('nightly', true)" "schedule_remove('nightly')" \
        "schedule_claim('nightly', 1, null, 0)" "schedule_skip('nightly', 1, now(), 0, 0, 'x')" "schedule_wait('nightly')" \
        "schedule_end('nightly', 0, null)" "schedule_rewind('nightly', 1)"; do
        got=$(state "$who" "select tare.$call")
        [[ $got == TA077 || ($who == stranger && $got == 42501) ]] || diag "$who: $call: $got"
        printf '%s\n' "$got"
    done
done >"$tmp/states"
is "$(grep -c -e TA077 -e 42501 "$tmp/states")" 24 "viewer, approver and stranger: eight functions, none of them works"
bad=0
for values in "'A', 'c', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '{}'" "'a''b', 'c', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '{}'" \
    "'$(printf 'a%.0s' {1..41})', 'c', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '{}'" "'ok', 'c', '', 'UTC', 'skip', 'run', 3600, '{}'" \
    "'ok', 'c', '0 3 * * *', 'a b', 'skip', 'run', 3600, '{}'" "'ok', 'c', '0 3 * * *', 'UTC', 'wait', 'run', 3600, '{}'" \
    "'ok', 'c', '0 3 * * *', 'UTC', 'skip', 'all', 3600, '{}'" "'ok', 'c', '0 3 * * *', 'UTC', 'skip', 'run', 59, '{}'" \
    "'ok', 'c', '0 3 * * *', 'UTC', 'skip', 'run', 9999999, '{}'" "'ok', 'c', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '[]'" \
    "null, 'c', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '{}'" "'ok', 'c', '0 3 * * *', 'UTC', 'skip', 'run', 3600, null"; do
    [[ $(state op "select tare.schedule_set($values)") == 2350[0-9] || $(state op "select tare.schedule_set($values)") == 23514 ]] || { bad=1; diag "$values"; }
done
is "$bad" 0 "what cannot be a schedule is none in the database either"
as boss "create role team login in role tare_operator" >/dev/null
as adm "select tare.grant_namespace('team', 'shop', 'prod')" >/dev/null
is "$(keep team teamly)" t "a narrowed login keeps schedules of its own"
is "$(as team "select string_agg(name, ' ') from tare.schedule")" teamly "and sees no others"
is "$(as team "select jsonb_array_length(tare.schedules())")" 1 "by the function neither"
refused team "select tare.schedule_claim('nightly', 1, null, 0)" TA066 "nor fires them"
refused team "select tare.schedule_set('nightly', 'x', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '{}')" TA077 "nor takes their names"
is "$(as op "select string_agg(name, ' ' order by name) from tare.schedule")" "nightly teamly" "who is not narrowed sees all"

# ---- Firing: instants of the past, since the rule is the programs' business ----
past() { as boss "update tare.schedule set handled = now() - interval '$2', revision = revision + 1 where name = '$1'" >/dev/null; }
due="date_trunc('minute', now()) - interval '5 minutes'"
# How many sessions go on beside the claims.
going=0
claims() { # LOGIN SQL...: one session
    pg "$1" ledger -c "$2" 2>&1
    gone "$going"
}
past nightly '1 hour'
rev=$(revision nightly)
is "$(claims op "select outcome from tare.schedule_claim('nightly', $rev - 1, $due, 0)")" changed "a row that moved on is not claimed by what was read before"
is "$(claims op "select outcome from tare.schedule_claim('nightly', null, $due, 0)")" changed "nor by what was not read at all"
is "$(claims op "select tare.schedule_skip('nightly', null, $due, 0, 0, 'x')")" f "nor passed over"
is "$(claims op "select outcome from tare.schedule_claim('nightly', $rev, now() + interval '1 hour', 0)")" changed "what is to come neither"
is "$(claims op "select outcome from tare.schedule_claim('nightly', $rev, now() - interval '2 hours', 0)")" changed "what is dealt with neither"
refused op "select tare.run_create('c', 'files', 'p', null, '{}', null, 'nightly')" TA077 "no run bears the name of a schedule that does not fire"
pg op ledger >"$tmp/out" 2>&1 <<SQL
select outcome from tare.schedule_claim('nightly', $rev, $due, 2);
select tare.run_create('c', 'files', 'p', null, '{}', null, 'nightly') as run \gset
select scheduled ->> 'missed', scheduled -> 'asked_by', schedule from tare.run where id = :run;
select tare.run_fail(:run, 'x');
select tare.schedule_end('nightly', 65, 'it was broken');
select tare.schedule_end('nightly', 0, null);
SQL
like "$(cat "$tmp/out")" $'^claimed\n2\|\["op", "op"\]\|nightly\n' "a claimed instant makes a run that says whose it is and what it stands for"
like "$(cat "$tmp/out")" "has no firing of yours to end" "which ends once"
is "$(field nightly "missed_total || ' ' || last_exit || ' ' || firing_open || ' ' || (last_success is null)")" "2 65 false true" "a failed run is on record with its code"
is "$(claims op "select outcome from tare.schedule_claim('nightly', $(revision nightly), $due, 0)")" changed "its instant is nobody's any more"

# Who keeps a schedule had a hand in its plans, whoever fires it.
as boss "create role keeper login in role tare_operator, tare_approver; create role timer login in role tare_operator" >/dev/null
keep keeper kept >/dev/null
pg timer ledger >"$tmp/out" <<SQL
select outcome from tare.schedule_claim('kept', 1, null, 0) \g /dev/null
select tare.run_create('c', 'files', 'p', null, '{}', null, 'kept') as run \gset
select :run;
SQL
run=$(cat "$tmp/out")
is "$(as boss "select tare.had_hand($run, 'keeper'), tare.had_hand($run, 'timer'), tare.had_hand($run, 'rev')")" "t|t|f" \
    "who keeps a schedule had a hand in the plans of its runs, as who fires it"
again=$(as timer "select tare.rerun($run, '{}', null)")
is "$(as boss "select tare.had_hand($again, 'keeper')")" t "in those of its reruns, too"

# A dead process: its instant is taken up again.
past nightly '1 hour'
rev=$(revision nightly)
at=$(as op "select $due")
is "$(claims op "select outcome from tare.schedule_claim('nightly', $rev, '$at', 0)")" claimed "a firing that dies before its run"
is "$(as op "select tare.schedules('nightly') #>> '{0,firing}'")" unstarted "is seen as that"
is "$(claims op "select outcome from tare.schedule_claim('nightly', $(revision nightly), '$at', 0)")" claimed "and its instant is taken again"
pg op ledger >/dev/null <<SQL
select outcome from tare.schedule_claim('nightly', $(revision nightly), '$at', 0);
select tare.run_create('c', 'files', 'p', null, '{}', null, 'nightly');
SQL
gone
is "$(as op "select tare.schedules('nightly') #>> '{0,firing}'")" interrupted "one that dies within its run is seen as that"
run=$(field nightly last_run)
# Whoever goes on with it holds it: nobody else fails it meanwhile, and who may fail it holds it no longer than that.
pg op ledger >"$tmp/out" 2>&1 <<SQL
select tare.run_lock($run);
\! psql -h "$pg_dir" -U op2 -d ledger -XqAt -v VERBOSITY=sqlstate -c "select tare.run_fail($run, 'x')" 2>&1
select state from tare.run where id = $run;
SQL
gone
is "$(xargs <"$tmp/out")" "ERROR: TA075 running" "a run that another session works on is not failed"
is "$(pg op ledger -c "select tare.run_fail($run, 'x')" -c "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()" | xargs)" 0 \
    "one that nobody works on is, and is not held after that"
is "$(as op "select tare.schedules('nightly') #>> '{0,firing}'")" finished "and one that dies after it as that"
is "$(claims op "select outcome from tare.schedule_claim('nightly', $(revision nightly), '$at', 0)")" changed "which is not run again"
as op2 "select tare.schedule_end('nightly', 70, 'found')" >/dev/null
is "$(field nightly "firing_open || ' ' || last_exit")" "false 70" "anybody who fires it may say so"

# 75 leaves it open.
past nightly '1 hour'
pg op ledger >/dev/null <<SQL
select outcome from tare.schedule_claim('nightly', $(revision nightly), '$at', 0);
select tare.schedule_end('nightly', 75, 'later');
SQL
gone
is "$(field nightly "firing_open || ' ' || last_exit")" "true 75" "a run that is not over leaves its firing open"
is "$(claims op "select tare.schedule_skip('nightly', $(revision nightly), '$at', 1, 0, 'too late')")" t "until it is too late for it"
is "$(field nightly "firing_open || ' ' || missed_total")" "false 3" "which counts as missed"

# ---- Twenty at once ----
past nightly '1 hour'
rev=$(revision nightly)
for i in $(seq 20); do
    pg op ledger -c "select outcome from tare.schedule_claim('nightly', $rev, '$at', 0)" -c "select pg_sleep(1.5)" >"$tmp/claim.$i" 2>&1 &
    pids[i]=$!
done
wait "${pids[@]}"
gone
is "$(cat "$tmp"/claim.* | grep -c '^claimed')" 1 "of twenty that fire at once one has the instant"
is "$(cat "$tmp"/claim.* | grep -c '^changed')" 19 "and the others know it"

# Busy, and one waits at most: sessions that are told line by line, and go on.
told() { # FILE: until an answer is there
    for _ in {1..600}; do
        [[ -s $1 ]] && return
        sleep 0.1
    done
    diag "no answer in $1"
}
past nightly '1 hour'
as op "select tare.schedule_end('nightly', 0, null)" >/dev/null
mkfifo "$tmp/holder.in" "$tmp/waiter.in"
pg op ledger <"$tmp/holder.in" >"$tmp/holder" 2>&1 &
holder=$!
exec 7>"$tmp/holder.in"
echo "select outcome from tare.schedule_claim('nightly', $(revision nightly), '$at', 0);" >&7
told "$tmp/holder"
going=1
as boss "update tare.schedule set handled = now() - interval '1 hour', revision = revision + 1 where name = 'nightly'" >/dev/null
is "$(claims op2 "select outcome, run from tare.schedule_claim('nightly', $(revision nightly), '$at', 0)")" "busy|0" "a live firing is in the way"
pg op ledger <"$tmp/waiter.in" >"$tmp/waiter" 2>&1 7>&- &
waiter=$!
exec 8>"$tmp/waiter.in"
echo "select tare.schedule_wait('nightly');" >&8
told "$tmp/waiter"
going=2
is "$(claims op2 "select tare.schedule_wait('nightly')")|$(head -1 "$tmp/waiter")" "f|t" "one waits, a second one does not"
refused op2 "select tare.schedule_end('nightly', 0, null)" TA075 "nobody ends a live firing"
exec 7>&- 8>&-
wait "$holder" "$waiter"
going=0
gone
is "$(claims op2 "select outcome from tare.schedule_claim('nightly', $(revision nightly), '$at', 0)")" claimed "a dead one is in nobody's way"

# Clocks.
as boss "update tare.schedule set handled = now() + interval '20 hours', firing_open = false, revision = revision + 1 where name = 'nightly'" >/dev/null
is "$(claims op "select tare.schedule_rewind('nightly', $(revision nightly))")" f "a clock that stepped back by hours runs nothing twice"
as boss "update tare.schedule set handled = now() + interval '3 years', revision = revision + 1 where name = 'nightly'" >/dev/null
is "$(claims op "select tare.schedule_rewind('nightly', $(revision nightly))")" t "one that was years ahead keeps nothing from running"
is "$(field nightly "handled <= now()")" t "from now on"

as op "select tare.schedule_remove('nightly')" >/dev/null
is "$(as op "select jsonb_array_length(tare.schedules('nightly'))")" 0 "a schedule that is removed is gone"
refused op "select tare.schedule_remove('nightly')" TA066 "once"
is "$(as op "select count(*) = 2 from tare.run where schedule = 'nightly'")" t "its runs stay"
is "$(as view "select intact from tare.audit_verify()")" t "the audit chain is whole"
done_testing
