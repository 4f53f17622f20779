#!/usr/bin/env bash
# Objects of a cluster in the ledger: one statement begins, one ends; back-off; a rollback taken back.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"
w="'shop', 'Deployment', 'cart'"
approved_run() { # SALT
    id=$(plan_run op "$one_row" "$1")
    as rev "select tare.approve($id, $(the_plan "$id"), null, null, null, null)" >/dev/null
}
# SQL of one session that holds the run; what it prints without the empty lines of functions that return nothing.
session() {
    pg op ledger -v ON_ERROR_STOP=0 -v VERBOSITY=sqlstate -c "$1" 2>&1 | sed '/^$/d; s/^ERROR:  //' | xargs
    gone
}
begin() { printf "select state from tare.object_begin(%s, 'shop/Deployment/cart', %s, 'before', '%s', %s);" "$id" "$w" "${1:-{\}}" "${2:-null}"; }
change() { as boss "select id from tare.change where run = $id"; }
locks() { printf "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();"; }

approved_run a
is "$(session "$(begin)")" TA077 "without the run nothing is begun"
got=$(session "select tare.apply_begin($id, null, false); $(begin) $(locks) $(begin) $(locks)")
is "$got" "writing 2 writing 2" "one statement locks, checks and stores as writing; asked again it gives the row"
row=$(change)
is "$(as boss "select octet_length(before_image) || ' ' || (workloads -> 0 ->> 'name') from tare.change where id = $row")" "6 cart" "with what stood there"
got=$(session "select tare.apply_begin($id, null, true); select tare.object_lock($row); select tare.object_move($row, 'written', '{\"a\":1}', null);
    select tare.object_move($row, 'written', '{\"b\":2}', null); select tare.object_move($row, 'done', null, null); $(locks) select tare.apply_end($id, 'applied', null);")
is "$got" 1 "another session goes on; the last move gives the workload back"
is "$(as boss "select state || ' ' || detail from tare.change where id = $row")" 'done {"a": 1, "b": 2}' "details add up, also where the row is there already"
is "$(state op "select tare.object_move($row, 'writing', null, null)")" TA077 "nothing is moved without the run"

# ---- Put back by a person: left alone ----
alone='{"seconds": 100, "most": 300, "failed_only": false}'
back() { session "select tare.rollback_begin($id); select tare.object_lock($row); select tare.object_move($row, 'rolling-back', null, '$alone');
    select tare.object_move($row, 'rolled-back', null, '$alone'); select tare.rollback_end($id, 'rolled-back', null);"; }
alone_for() { as boss "select times || ' ' || extract(epoch from until - at)::int from tare.backoff"; }
is "$(back)" "" "it is put back"
is "$(alone_for)" "1 100" "and left alone"
is "$(session "select tare.redo_begin($id, null); select tare.object_lock($row); select tare.object_move($row, 'writing', null, null);
    select tare.object_move($row, 'done', null, null); select tare.redo_end($id, null);")" "" "the rollback can be taken back in spite of it"
is "$(as boss "select state from tare.run where id = $id")" applied "the run is applied again"
back >/dev/null
is "$(alone_for)" "1 100" "a run counts once"
is "$(session "select tare.apply_begin($id, null, false);")" TA077 "a run that was put back is not applied"
as boss "update tare.change set state = 'writing' where id = $row" >/dev/null
isnt "$rc" 0 "and its rows are not written again but by a rollback of the rollback"
session "select tare.redo_begin($id, null);" >/dev/null
is "$(as boss "select redo from tare.run where id = $id")" t "which, where it was killed,"
session "select tare.rollback_begin($id); select tare.rollback_end($id, 'rolled-back', null);" >/dev/null
is "$(as boss "select redo from tare.run where id = $id")" f "is over with the next rollback"
is "$(session "select tare.rollback_begin($id); select tare.redo_end($id, null);")" TA077 "and cannot end what nobody began"

approved_run b
is "$(as op "select approved, reason ~ '^left alone until .*: run [0-9]+ put it back$' from tare.apply_check($id, $w)")" "f|t" "another run may not write it, and is told why"
is "$(session "select tare.apply_begin($id, null, false); $(begin)")" TA077 "nor begins"
for wanted in "2 200" "3 300" "4 300"; do
    as boss "update tare.backoff set until = tare.now()" >/dev/null
    approved_run "c$wanted"
    session "select tare.apply_begin($id, null, false); $(begin)" >/dev/null
    row=$(change)
    session "select tare.apply_begin($id, null, true); select tare.object_move($row, 'rolling-back', '{\"failure\":\"it crashed\"}', null);
        select tare.object_move($row, 'rolled-back', null, '{\"seconds\":100,\"most\":300,\"failed_only\":true}'); select tare.apply_end($id, 'rolled-back', null);" >/dev/null
    is "$(alone_for)" "$wanted" "one that fails again is left alone twice as long, up to the longest ($wanted)"
done
as boss "update tare.backoff set until = tare.now() - interval '301 seconds'" >/dev/null
approved_run d
session "select tare.apply_begin($id, null, false); $(begin)" >/dev/null
row=$(change)
session "select tare.apply_begin($id, null, true); select tare.object_move($row, 'done', null, null); select tare.apply_end($id, 'applied', null);" >/dev/null
back >/dev/null
is "$(alone_for)" "1 100" "free for longer than that, it begins anew"

# ---- What speaks against a write ----
as boss "update tare.backoff set until = tare.now()" >/dev/null
approved_run e
is "$(session "select tare.apply_begin($id, null, false); $(begin '{}' "tare.now() + interval '1 hour'")")" TA075 "a clock that went backwards begins nothing"
as rev "select tare.withdraw($id, 'no')" >/dev/null 2>&1 || true
as boss "update tare.approval set withdrawn_at = tare.now() where run = $id" >/dev/null
is "$(session "select tare.apply_begin($id, null, true); $(begin)")" TA077 "nor does one whose approval was withdrawn"

# ---- Written again, and put back because another one failed ----
as boss "update tare.backoff set until = tare.now() - interval '301 seconds'" >/dev/null
approved_run g
session "select tare.apply_begin($id, null, false); $(begin)" >/dev/null
row=$(change)
session "select tare.apply_begin($id, null, true); select tare.object_move($row, 'rolling-back', '{\"failure\":null}', null);
    select tare.object_move($row, 'rolled-back', null, '{\"seconds\":100,\"most\":300,\"failed_only\":true}'); select tare.apply_end($id, 'rolled-back', null);" >/dev/null
is "$(as boss "select state from tare.change where id = $row")" rolled-back "what is put back, and whose former failure is forgotten,"
is "$(as boss "select count(*) from tare.backoff where until > tare.now()")" 0 "is not left alone: it did not fail"

# ---- Begun, and nothing was written ----
approved_run f
session "select tare.apply_begin($id, null, false);" >/dev/null
is "$(session "select tare.rollback_begin($id); select tare.rollback_end($id, 'rolled-back', null);")" "" "a run that was killed before its first object is ended by a rollback"
is "$(as boss "select state from tare.run where id = $id")" rolled-back "which has nothing to put back"
is "$(session "select tare.rollback_begin($id);")" TA077 "and there is no other"

# ---- Reasons of any length ----
long="repeat('x', 5000000)"
approved_run h
session "select tare.refuse($id, $long, null); select tare.refuse($id, $long, null);" >/dev/null
session "select tare.apply_begin($id, null, false); $(begin)" >/dev/null
row=$(change)
session "select tare.apply_begin($id, null, true); select tare.object_move($row, 'done', null, null); select tare.apply_end($id, 'applied', $long);
    select tare.rollback_begin($id); select tare.rollback_end($id, 'applied', $long);" >/dev/null
back >/dev/null
session "select tare.redo_begin($id, null); select tare.redo_end($id, $long);" >/dev/null
is "$(as boss "select string_agg(distinct action, ' ' order by action) from tare.audit_event where run = $id and length(detail) between 4000 and 5000")" \
    "redo.ended rollback.ended run.applied run.refused" "are recorded as far as they are kept"
is "$(as boss "select intact from tare.audit_verify()")" t "the chain is whole"
done_testing
