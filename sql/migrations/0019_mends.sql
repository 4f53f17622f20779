-- What came out of reading it all again: each function as it was, and what is said above it.

-- As 0016 has it; besides, a run that was killed between its beginning and its first object can be ended: nothing else gets it out of
-- `applying` once its approvals ran out or its plan is stale.
create or replace function tare.rollback_begin(p_run bigint) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_pruned tare.change;
begin
    perform tare.need_role('tare_operator', 'roll back runs');
    v_run := tare.run_take(p_run);
    if v_run.state not in ('applying', 'applied', 'failed', 'rolled-back')
       or (v_run.state <> 'applying' and not exists (select 1 from tare.change where run = p_run)) then
        perform tare.fail('TA077',
            format('run %s is %s and wrote nothing that could be rolled back', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    select * into v_pruned from tare.change
    where run = p_run and before_image is null and state not in ('planned', 'rolled-back') order by sequence limit 1;
    if found then
        perform tare.fail('TA066',
            format('run %s cannot be rolled back: what stood in %s before it was pruned at %s by %s', p_run,
                v_pruned.object, tare.rfc3339(v_pruned.pruned_at), v_pruned.pruned_by),
            'put it back from version control; its sha256 is in: tare audit list ' || p_run);
    end if;
    perform tare.apply_lock(p_run);
    update tare.run set redo = false where id = p_run and redo;
    perform tare.audit('rollback.begun', p_run, null, jsonb_build_object('from', v_run.state));
end $$;

-- As 0016 has it; besides, a failure that was forgotten (null) is none: what is put back with others, and did not fail, is not left alone.
create or replace function tare.object_move(p_change bigint, p_to text, p_detail jsonb, p_backoff jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_old tare.change;
    v_run tare.run;
    v_detail jsonb;
    v_w record;
begin
    perform tare.need_role('tare_operator', 'apply runs');
    select * into v_old from tare.change where id = p_change;
    v_run := tare.object_run(v_old, p_change);
    v_detail := v_old.detail || coalesce(p_detail, '{}');
    if p_to = 'writing' and v_old.state <> 'writing' then
        perform tare.change_allowed(v_run, v_old.workloads);
    end if;
    if octet_length(v_detail::text) > 4194304 then
        perform tare.fail('TA065', format('what is kept of %s is larger than 4 MiB', v_old.object));
    end if;
    update tare.change set state = p_to, detail = v_detail, updated = tare.now(), worked_by = session_user where id = p_change;
    if p_to not in ('done', 'rolled-back', 'rollback-failed') then
        return;
    end if;
    for v_w in select * from jsonb_to_recordset(v_old.workloads) x (namespace text, kind text, name text) loop
        perform tare.workload_unlock(v_run.id, v_w.namespace, v_w.kind, v_w.name);
        if p_to <> 'done' and p_to <> v_old.state
           and (v_detail ->> 'failure' is not null or p_backoff -> 'failed_only' = 'false') then
            perform tare.backoff_add(v_run, v_w.namespace, v_w.kind, v_w.name, tare.whole(p_backoff -> 'seconds'),
                tare.whole(p_backoff -> 'most'), v_detail ->> 'failure');
        end if;
    end loop;
end $$;

-- ---- No event of any size ----

-- As 0016 has it; besides, what no file of the trail could hold is refused. No detail of the ledger's own comes near: this keeps one
-- that was overlooked from spoiling every export.
create or replace function tare.audit(p_action text, p_run bigint, p_subject text, p_detail jsonb default '{}') returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if octet_length(p_detail::text) > 524288 then
        perform tare.fail('TA065', format('what would be recorded of %s is larger than 512 KiB', p_action));
    end if;
    insert into tare.audit_event (action, run, subject, detail)
    values (p_action, p_run, left(p_subject, 4000), coalesce(p_detail, '{}')::text);
end $$;

-- As 0004 has it; besides, a reason is recorded as far as the run keeps it.
create or replace function tare.refuse(p_run bigint, p_reason text, p_next_opening timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    perform tare.need_role('tare_operator', 'apply runs');
    v_run := tare.run_take(p_run);
    if v_run.state not in ('approved', 'refused') then
        perform tare.apply_refusal(v_run);
    end if;
    if v_run.state = 'refused' then
        perform tare.audit('run.refused', p_run, null,
            jsonb_strip_nulls(jsonb_build_object('from', 'refused', 'reason', left(p_reason, 4000),
                                                 'next_opening', tare.rfc3339(p_next_opening))));
    end if;
    update tare.run set state = 'refused', reason = left(p_reason, 4000), next_opening = p_next_opening
    where id = p_run;
end $$;

-- As 0016 has it; the same.
create or replace function tare.rollback_end(p_run bigint, p_outcome text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_left text;
    v_to text;
begin
    perform tare.need_role('tare_operator', 'roll back runs');
    v_run := tare.run_take(p_run);
    perform tare.apply_held(p_run);
    select format('%s is %s', object, state) into v_left from tare.change
    where run = p_run and state not in ('planned', 'rolled-back') order by sequence limit 1;
    if p_outcome = 'rolled-back' and v_left is not null then
        perform tare.fail('TA077', format('run %s is not rolled back: %s', p_run, v_left),
            format('tare rollback %s --resume', p_run));
    end if;
    v_to := case when p_outcome = 'rolled-back' then 'rolled-back'
                 when v_run.state = 'applying' then 'failed'
                 when v_run.state = 'rolled-back' and v_left is not null then 'failed'
                 else v_run.state end;
    if v_to = v_run.state then
        perform tare.audit('rollback.ended', p_run, null,
            jsonb_strip_nulls(jsonb_build_object('outcome', p_outcome, 'left', v_left, 'reason', left(p_reason, 4000))));
    end if;
    update tare.run set state = v_to,
            reason = coalesce(nullif(left(p_reason, 4000), ''), case when v_run.state not in ('applied', 'failed') or (v_run.state = 'failed' and v_to = 'failed') then reason end)
        where id = p_run;
    perform tare.locks_release(p_run);
end $$;

-- As 0016 has it; the same.
create or replace function tare.redo_end(p_run bigint, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_to text;
    v_n record;
begin
    perform tare.need_role('tare_operator', 'apply runs');
    v_run := tare.run_take(p_run);
    perform tare.apply_held(p_run);
    if not v_run.redo then
        perform tare.fail('TA077', format('no rollback of run %s is being taken back', p_run), format('tare status %s', p_run));
    end if;
    select count(*) filter (where state = 'done') as done, count(*) as all_of_them,
           count(*) filter (where state not in ('planned', 'rolled-back')) as written
    into v_n from tare.change where run = p_run;
    v_to := case when v_n.done = v_n.all_of_them then 'applied' when v_n.written = 0 then 'rolled-back' else 'failed' end;
    -- From applied and failed there is no way but back: a run that was put back in part is as it was said to be.
    if v_run.state <> 'rolled-back' then
        v_to := v_run.state;
    end if;
    perform tare.audit('redo.ended', p_run, null, jsonb_strip_nulls(jsonb_build_object('done', v_n.done,
        'objects', v_n.all_of_them, 'reason', nullif(left(p_reason, 4000), ''))));
    update tare.run set state = v_to, redo = false, reason = nullif(left(p_reason, 4000), '') where id = p_run;
    perform tare.locks_release(p_run);
end $$;

-- As 0015 has it; besides, of very long names of clusters the event has as many as fit: each run's own event has its cluster.
create or replace function tare.batch_begin(p_program text, p_runs jsonb, p_created timestamptz default null,
                                            p_schedule text default null) returns jsonb
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_name text;
    v_run jsonb;
    v_id bigint;
    v_ids bigint[] := '{}';
begin
    perform tare.need_role('tare_operator', 'start runs');
    if p_runs is null or jsonb_typeof(p_runs) <> 'array' or jsonb_array_length(p_runs) not between 1 and 1000 then
        perform tare.fail('TA065', 'a batch has between 1 and 1000 runs');
    end if;
    if exists (select 1 from jsonb_array_elements(p_runs) r group by r ->> 'cluster' having count(*) > 1 or r ->> 'cluster' is null) then
        perform tare.fail('TA065', 'each run of a batch has a cluster of its own');
    end if;
    insert into tare.batch (created, started_by, program)
    values (date_trunc('second', tare.now()), session_user, p_program) returning name into v_name;
    for v_run in select r from jsonb_array_elements(p_runs) with ordinality x (r, n) order by n loop
        if p_schedule is null then
            v_id := tare.run_create(v_run ->> 'cluster', v_run ->> 'target', p_program, v_name, v_run -> 'settings', p_created);
        else
            v_id := tare.run_create(v_run ->> 'cluster', v_run ->> 'target', p_program, v_name, v_run -> 'settings', p_created,
                                    p_schedule);
        end if;
        v_ids := v_ids || v_id;
    end loop;
    perform tare.audit('batch.started', null, v_name,
        jsonb_build_object('runs', to_jsonb(v_ids), 'clusters', (
            select coalesce(jsonb_agg(c.cluster order by c.n) filter (where c.bytes <= 32768), '[]')
            from (select r ->> 'cluster' as cluster, n, sum(octet_length(r ->> 'cluster')) over (order by n) as bytes
                  from jsonb_array_elements(p_runs) with ordinality x (r, n)) c)));
    return jsonb_build_object('batch', v_name, 'runs', to_jsonb(v_ids));
end $$;

-- ---- Runs that somebody works on ----

-- As 0002 has it; besides, a run that another session works on is not failed behind its back. The caller's hold of the run stays what it
-- was.
create or replace function tare.run_fail(p_run bigint, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_had boolean := tare.lock_mine(tare.lock_key('run', p_run::text));
begin
    perform tare.need_role('tare_operator', 'work on runs');
    perform tare.run_lock(p_run);
    v_run := tare.run_take(p_run);
    if v_run.state <> 'running' then
        perform tare.fail('TA077', format('run %s is %s and cannot become failed', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    update tare.run set state = 'failed', reason = left(p_reason, 4000) where id = p_run;
    if not v_had then
        perform tare.run_unlock(p_run);
    end if;
exception when others then
    if not v_had then
        perform tare.run_unlock(p_run);
    end if;
    raise;
end $$;

-- ---- Settling ----

-- As 0011 has it; besides, a refused run that nothing would be written of (a decision was withdrawn, or every change rejected) lies no
-- longer than its plan does: it could be approved and applied ever after. One whose approvals hold waits for its window as before.
create or replace function tare.run_settle_now(p_run bigint) returns text
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_now timestamptz := tare.now();
    v_tally record;
    v_to text;
    v_reason text;
begin
    select * into v_run from tare.run where id = p_run;
    if not found or v_run.state not in ('awaiting-approval', 'approved', 'refused') then
        return v_run.state;
    end if;
    select * into v_run from tare.run where id = p_run for update;
    if v_run.state not in ('awaiting-approval', 'approved', 'refused') then
        return v_run.state;
    end if;
    select * into v_tally from tare.plan_tally(v_run, v_now);
    if v_run.state = 'refused' and v_now >= v_run.plan_expires and not tare.plan_holds(v_run, '-infinity') then
        v_to := 'expired';
        v_reason := 'the plan lay too long';
    elsif v_tally.undecided = 0 and v_tally.free = 0 then
        v_to := case v_run.state when 'awaiting-approval' then 'rejected' when 'approved' then 'awaiting-approval' end;
        v_reason := 'every change was rejected';
    elsif v_run.state = 'awaiting-approval' then
        v_to := case when v_now >= v_run.plan_expires then 'expired'
                     when v_tally.undecided = 0 then 'approved' end;
        v_reason := case v_to when 'expired' then 'the plan lay too long' end;
    elsif v_tally.undecided > 0 then
        v_to := case when tare.plan_holds(v_run, '-infinity') then 'expired'
                     when v_run.state = 'approved' then 'awaiting-approval' end;
        v_reason := case v_to when 'expired' then 'its approvals ran out'
                              else 'not all of it is approved or rejected any more' end;
    elsif v_now >= v_run.plan_expires and not exists (
        select 1 from tare.plan_requirement where run = p_run and verdict = 'needs-approval') then
        v_to := 'expired';
        v_reason := 'the plan lay too long';
    end if;
    if v_to is not null then
        update tare.run set state = v_to, reason = v_reason where id = p_run;
        if v_to = 'awaiting-approval' and v_tally.undecided = 0 then
            return tare.run_settle_now(p_run);
        end if;
    end if;
    return coalesce(v_to, v_run.state);
end $$;

-- As 0010 has it; besides, only of a run that is under way, by the session that works on it: a namespace that came later would hide the
-- run from those whose it is.
create or replace function tare.run_namespaces(p_run bigint, p_namespaces text[]) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_had boolean := tare.lock_mine(tare.lock_key('run', p_run::text));
begin
    perform tare.need_role('tare_operator', 'work on runs');
    perform tare.run_lock(p_run);
    v_run := tare.run_take(p_run);
    if v_run.state <> 'running' then
        perform tare.fail('TA077', format('run %s is %s: its namespaces stand', p_run, v_run.state), format('tare status %s', p_run));
    end if;
    perform tare.need_namespaces(v_run.cluster, p_namespaces);
    update tare.run set namespaces = (select coalesce(array_agg(distinct n order by n), '{}')
                                      from unnest(coalesce(namespaces, '{}') || p_namespaces) n
                                          where n is not null)
    where id = p_run;
    if not v_had then
        perform tare.run_unlock(p_run);
    end if;
exception when others then
    if not v_had then
        perform tare.run_unlock(p_run);
    end if;
    raise;
end $$;
