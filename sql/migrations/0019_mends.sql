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
