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
