#!/usr/bin/env bash
# Many at once on one ledger: runners, approvers, appliers, reruns. Nothing is lost, nothing happens twice, nothing
# deadlocks, and the audit chain stays one line.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

seconds=${TARE_TEST_SECONDS:-6}
end=$((SECONDS + seconds))

applies() { cat "$tmp"/applier-*.out 2>/dev/null | grep -c '^applied'; }
# Until the time is over and, on a busy machine, a few applies happened.
going() { ((SECONDS < end)) || { ((SECONDS < end + 40)) && (($(applies) < 3)); }; }

loop() { # NAME COMMAND...
    local name=$1
    shift
    while going; do
        "$@"
    done >>"$tmp/$name.out" 2>&1
}
runner() { plan_run "$1" "$one_row" "$RANDOM"; }
random_run="select id from tare.run where state in (%s) order by random() limit 1"
pick() { pg view ledger -c "$(printf "$random_run" "$1")"; }
approver() {
    local id
    id=$(pick "'awaiting-approval'")
    [[ -n $id ]] && pg "$1" ledger -v VERBOSITY=sqlstate -c "select tare.approve($id, $(the_plan "$id"), null, null, null, null)"
    id=$(pick "'approved'")
    [[ -n $id && $((RANDOM % 4)) == 0 ]] &&
        pg "$1" ledger -v VERBOSITY=sqlstate -c "select tare.withdraw($id, null, null, null, 'hm')"
    return 0
}
applier() {
    local id
    id=$(pick "'approved', 'applying'")
    [[ -z $id ]] && return 0
    pg "$1" ledger -v VERBOSITY=sqlstate -v id="$id" <<'SQL'
select tare.apply_begin(:id, null, false);
select tare.workload_lock(:id, 'shop', 'Deployment', 'cart');
select id as change from tare.change_begin(:id, 'cart.yaml',
    '[{"namespace":"shop","kind":"Deployment","name":"cart"}]', 'before', '{}') \gset
select tare.change_to(:change, 'writing', '{}');
select tare.change_to(:change, 'written', '{}');
select tare.change_to(:change, 'verifying', '{}');
select tare.change_to(:change, 'done', '{}');
select tare.apply_end(:id, 'applied', null);
\echo applied :id
SQL
}
rerunner() {
    local id
    id=$(pick "'approved', 'awaiting-approval'")
    [[ -n $id ]] && pg "$1" ledger -v VERBOSITY=sqlstate -c "select tare.rerun($id, '{}', null)"
    sleep 0.1
}

children=()
for who in op op2; do loop "runner-$who" runner "$who" & children+=($!); done
for who in rev rev2; do loop "approver-$who" approver "$who" & children+=($!); done
for i in 1 2 3; do loop "applier-$i" applier op & children+=($!); done
loop rerunner rerunner op2 & children+=($!)
loop settler pg view ledger -c 'select tare.settle_due()' & children+=($!)
wait "${children[@]}"

diag "$(as boss "select string_agg(state || ' ' || n, ', ') from (select state, count(*) n from tare.run group by 1) t")"
is "$(cat "$tmp"/*.out | grep -o 'ERROR:  [A-Z0-9]*' | sort -u | grep -v -e TA077 -e TA075)" "" \
    "nothing failed but by refusals (TA077) and locks (TA075): no deadlock, no lost write"
ok "there were applies" test "$(applies)" -ge 1
is "$(cat "$tmp"/applier-*.out | grep '^applied' | sort | uniq -d)" "" "no run was applied twice"
is "$(cat "$tmp"/applier-*.out | grep -c '^applied')" "$(as boss "select count(*) from tare.run where state = 'applied'")" \
    "what the appliers saw is what the ledger says"
is "$(as boss "select count(*) from tare.audit_event where action = 'run.applied'")" \
    "$(as boss "select count(*) from tare.run where state = 'applied'")" "one audit event for each"
is "$(as view "select intact from tare.audit_verify()")" t "the audit chain is whole"
is "$(as boss "select count(*) from tare.audit_event")" "$(as boss "select max(position) from tare.audit_event")" \
    "and has no gap"
is "$(as boss "select count(*) from tare.run r where state = 'applied' and not exists (
    select 1 from tare.audit_event e where e.run = r.id and e.action = 'approval.given')")" 0 \
    "nothing was applied that nobody approved"
is "$(as boss "select count(*) from tare.run where state in ('running', 'applying') and id not in (
    select run from tare.attempt where run is not null) and parent is null")" 0 "no run was lost half-made"
# Waits until so many locks are held: the server gives those of a session back a moment after its end.
locks() {
    for _ in {1..600}; do
        [[ $(as boss "select count(*) from pg_locks where locktype = 'advisory'") == "$1" ]] && return
        sleep 0.1
    done
    diag "there are never $1 locks"
}
locks 0
is "$(as boss "select count(*) from pg_locks where locktype = 'advisory'")" 0 "no lock is left"

# Two at once on one workload: by two runs of one cluster.
first=$(plan_run op "$one_row" x)
second=$(plan_run op "$one_row" y)
as rev "select tare.approve($first, $(the_plan "$first"), null, null, null, null), tare.approve($second, $(the_plan "$second"), null, null, null, null)" \
    >/dev/null
mkfifo "$tmp/hold"
PGOPTIONS='' psql -h "$pg_dir" -U op -d ledger -XqAt >/dev/null <"$tmp/hold" &
holder=$!
disown "$holder"
exec 7>"$tmp/hold"
echo "select tare.apply_begin($first, null, false); select tare.workload_lock($first, 'shop', 'Deployment', 'cart');" >&7
locks 2
is "$(state op2 "select tare.apply_begin($second, null, false);
    select tare.workload_lock($second, 'shop', 'Deployment', 'cart')")" TA075 "a workload is changed by one run at a time"
is "$(state op2 "select tare.apply_begin($first, null, true)")" TA075 "a run is applied by one process at a time"
kill -9 "$holder"
exec 7>&-
locks 0
is "$(state op2 "select tare.apply_begin($first, null, true); select tare.apply_end($first, 'failed', 'killed')")" ok \
    "kill -9 of a process gives its locks back, and another goes on"
done_testing
