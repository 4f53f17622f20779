#!/usr/bin/env bash
# Every move of a run and of an object is tried from every state: the database allows those of the design, no other.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

wanted_run='applied rolled-back
applying applied
applying failed
applying rolled-back
approved applying
approved awaiting-approval
approved expired
approved refused
approved superseded
awaiting-approval approved
awaiting-approval expired
awaiting-approval rejected
awaiting-approval superseded
failed rolled-back
refused applying
refused expired
refused superseded
rolled-back applied
rolled-back failed
running approved
running awaiting-approval
running failed
running unchanged'

run_id=$(as op "select tare.run_create('prod', 'files', '0.1.0', null, '{}')")
got=$(pg boss ledger -v run="$run_id" <<'SQL'
create temp table tried (line text);
grant all on tried to public;
create function pg_temp.try(p_run bigint) returns void language plpgsql as $$
declare
    names text[] := array['running', 'awaiting-approval', 'approved', 'unchanged', 'rejected', 'expired', 'superseded',
                          'refused', 'applying', 'applied', 'rolled-back', 'failed'];
    a text; b text;
begin
    foreach a in array names loop
        foreach b in array names loop
            continue when a = b;
            set local session_replication_role = replica;
            update tare.run set state = a where id = p_run;
            set local session_replication_role = origin;
            begin
                update tare.run set state = b where id = p_run;
                insert into tried values (a || ' ' || b);
            exception when sqlstate 'TA077' then null;
            end;
        end loop;
    end loop;
end $$;
select pg_temp.try(:run) \g /dev/null
select line from tried order by line collate "C";
SQL
)
is "$got" "$wanted_run" "the moves of a run are those of the design (132 tried)"

events=$(as boss "select count(*) from tare.audit_event where run = $run_id and action <> 'run.created'")
is "$events" "$(wc -l <<<"$wanted_run")" "each of these moves is one audit event"
refused boss "update tare.run set state = 'nonsense' where id = $run_id" TA077 "an unknown state is refused"
refused boss "update tare.run set requested_by = 'rev' where id = $run_id" TA077 "the requester cannot be changed"
refused boss "delete from tare.run where id = $run_id" TA077 "a run is not removed"

# Objects.
wanted_change='done rolling-back
planned writing
rollback-failed rolling-back
rolling-back rollback-failed
rolling-back rolled-back
verifying done
verifying rolling-back
writing done
writing rolling-back
writing written
written done
written rolling-back
written verifying'
as boss "insert into tare.change (run, sequence, cluster, object, workloads, before_image, before_digest, begun, updated,
                                  worked_by)
         values ($run_id, 1, 'prod', 'a.yaml', '[]', 'x', encode(sha256('x'), 'hex'), now(), now(), 'op')" >/dev/null
got=$(pg boss ledger -v run="$run_id" <<'SQL'
create temp table tried (line text);
create function pg_temp.try(p_run bigint) returns void language plpgsql as $$
declare
    names text[] := array['planned', 'writing', 'written', 'verifying', 'done', 'rolling-back', 'rolled-back',
                          'rollback-failed'];
    a text; b text;
begin
    foreach a in array names loop
        foreach b in array names loop
            continue when a = b;
            set local session_replication_role = replica;
            update tare.change set state = a where run = p_run;
            set local session_replication_role = origin;
            begin
                update tare.change set state = b where run = p_run;
                insert into tried values (a || ' ' || b);
            exception when sqlstate 'TA077' then null;
            end;
        end loop;
    end loop;
    set local session_replication_role = replica;
    update tare.change set state = 'writing' where run = p_run;
end $$;
select pg_temp.try(:run) \g /dev/null
select line from tried order by line collate "C";
SQL
)
is "$got" "$wanted_change" "the moves of an object are those of the design (56 tried)"
refused boss "update tare.change set before_image = 'y' where run = $run_id" TA077 "a before-image stands once written"

# Through the functions, in the wrong order.
id=$(plan_run op "$one_row" s1)
refused op "select tare.apply_begin($id, null, false)" TA077 "no apply before approval"
refused op "select tare.apply_end($id, 'applied', null)" TA077 "no end without a beginning"
refused op "select tare.rollback_begin($id)" TA077 "no rollback of what was not written"
refused op "select tare.plan_register($id, repeat('a', 64), '[]', 0)" TA077 "a second plan is refused"
refused op "select tare.attempt_begin($id, 'analyze', null, '{}')" TA077 "a planned run takes no other analysis"
refused op "select tare.run_fail($id, 'x')" TA077 "a planned run does not fail by itself"
refused op "select tare.results_put($id, '[]')" TA077 "results of a planned run stand"
refused op "select tare.change_begin($id, 'x', '[]', 'x', '{}')" TA077 "no change without the apply lock"
as rev "select tare.approve($id, $(the_plan "$id"), null, null, null, 'fine')" >/dev/null
is "$(as op "select state from tare.run where id = $id")" approved "enough approvals approve the run"
refused rev "select tare.reject($id, 'no')" TA077 "an approved plan is not rejected"
as op "select tare.rerun($id, '{}', null)" >/dev/null
is "$(as op "select state from tare.run where id = $id")" superseded "a rerun supersedes it"
refused rev "select tare.approve($id, $(the_plan "$id"), null, null, null, 'fine')" TA077 "a superseded plan takes no approval"

# An artifact is whole or not there.
half=$(pg op ledger 2>&1 <<'SQL'
select tare.run_create('prod', 'files', '0.1.0', null, '{}') as run \gset
select tare.attempt_begin(:run, 'parse', null, '{}') as attempt \gset
\set ON_ERROR_STOP 0
\set VERBOSITY sqlstate
select tare.artifact_put(:attempt, repeat('b', 64), 'inventory', 3);
begin;
select tare.artifact_put(:attempt, repeat('b', 64), 'inventory', 3) \g /dev/null
select tare.artifact_chunk_put(repeat('b', 64), 0, 'xyz') \g /dev/null
select tare.attempt_finish(:attempt, repeat('b', 64));
rollback;
begin;
select tare.artifact_put(:attempt, repeat('b', 64), 'inventory', 3) \g /dev/null
commit;
select count(*) from tare.artifact where digest = repeat('b', 64);
SQL
)
is "$(tr -s '\n ' ' ' <<<"$half")" "ERROR: TA065 ERROR: TA065 ERROR: TA065 0 " \
    "an artifact without its bytes, with wrong bytes or half sent is refused"
done_testing
