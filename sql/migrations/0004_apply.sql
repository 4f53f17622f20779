-- Applying and rolling back: one write-ahead row an object, with what stood there before.

create table tare.change (
    id bigint generated always as identity primary key,
    run bigint not null references tare.run,
    sequence integer not null,
    cluster text not null,
    object tare.short_text not null,
    workloads jsonb not null,
    state text not null default 'planned',
    before_image bytea not null check (octet_length(before_image) <= 16777216),
    before_digest tare.digest not null,
    detail jsonb not null default '{}',
    begun timestamptz not null,
    updated timestamptz not null,
    worked_by text not null,
    unique (run, object),
    unique (run, sequence)
);
create index change_open on tare.change (cluster, state)
    where state in ('writing', 'written', 'verifying', 'rolling-back', 'rollback-failed');
create trigger change_keep before delete on tare.change for each row execute function tare.row_keep();

-- Legal moves, as design section 6 has them; a rollback that failed may be tried again.
create table tare.change_move (from_state text, to_state text, primary key (from_state, to_state));
insert into tare.change_move values
    ('planned', 'writing'), ('writing', 'written'), ('written', 'verifying'), ('verifying', 'done'),
    ('writing', 'rolling-back'), ('written', 'rolling-back'), ('verifying', 'rolling-back'),
    ('done', 'rolling-back'), ('rolling-back', 'rolled-back'), ('rolling-back', 'rollback-failed'),
    ('rollback-failed', 'rolling-back');

create function tare.change_guard() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if new.run <> old.run or new.object <> old.object or new.cluster <> old.cluster
       or (old.state <> 'planned' and (new.before_image <> old.before_image or new.workloads <> old.workloads
                                       or new.before_digest <> old.before_digest)) then
        perform tare.fail('TA077', format('the before-image of %s in run %s stands', old.object, old.run));
    end if;
    if new.state <> old.state and not exists (
        select 1 from tare.change_move where from_state = old.state and to_state = new.state) then
        perform tare.fail('TA077',
            format('%s in run %s is %s and cannot become %s', old.object, old.run, old.state, new.state),
            format('tare status %s', old.run));
    end if;
    return new;
end $$;
create trigger change_guard before update on tare.change for each row execute function tare.change_guard();

create function tare.change_record() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if tg_op = 'INSERT' or new.state <> old.state then
        perform tare.audit('change.' || new.state, new.run, new.object,
            jsonb_build_object('change', new.id, 'before', new.before_digest));
    end if;
    return null;
end $$;
create trigger change_record after insert or update on tare.change
    for each row execute function tare.change_record();

-- ---- May this workload be written? ----

create function tare.apply_check(p_run bigint, p_namespace text, p_kind text, p_name text,
                                 out approved boolean, out required integer, out valid integer,
                                     out reason text)
language plpgsql volatile security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_need tare.plan_requirement;
    v_what text := concat_ws('/', p_namespace, p_kind, p_name);
begin
    approved := false;
    required := 0;
    valid := 0;
    select * into v_run from tare.run where id = p_run;
    if not found or not tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by) then
        reason := format('run %s does not exist, or is not yours to see', p_run);
        return;
    end if;
    if v_run.state not in ('approved', 'refused', 'applying') then
        reason := format('run %s is %s', p_run, v_run.state);
        return;
    end if;
    select * into v_need from tare.plan_requirement q
    where q.run = p_run and q.plan_digest = v_run.plan_digest
      and q.namespace = p_namespace and q.kind = p_kind and q.name = p_name;
    if not found or v_need.verdict in ('blocked', 'unchanged') then
        reason := format('%s is %s in the plan of run %s', v_what, coalesce(v_need.verdict, 'not'), p_run);
        return;
    end if;
    if v_need.verdict = 'allowed' then
        approved := v_need.required >= coalesce(tare.policy_floor('allowed'), 0);
        reason := case when approved then format('allowed by rule: %s', coalesce(v_need.rule,
            'no approval required'))
                       else 'the stored policy asks for approvals by now' end;
        return;
    end if;
    required := greatest(v_need.required, coalesce(tare.policy_floor('needs-approval'), 0));
    select c.valid into strict valid from tare.plan_counts(v_run, tare.now(), p_namespace, p_kind, p_name) c;
    approved := valid >= required;
    reason := format('%s of %s approvals of %s hold', valid, required, v_what);
exception when others then
    approved := false;
    reason := format('the approvals of %s could not be evaluated: %s', v_what, sqlerrm);
end $$;

-- ---- Taking and giving back a run ----

create function tare.apply_key(p_run bigint) returns bigint
language sql immutable set search_path = pg_catalog, tare, pg_temp as $$
    select tare.lock_key('apply', p_run::text)
$$;

create function tare.apply_lock(p_run bigint) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if not tare.lock_take(tare.apply_key(p_run)) then
        perform tare.fail('TA075',
            format('run %s is being applied or rolled back by another tare (session %s)', p_run,
                tare.lock_holder(tare.apply_key(p_run))),
            format('wait for it, or: tare status %s', p_run));
    end if;
end $$;

-- No writing without the lock: a session that lost its connection lost the lock with it.
create function tare.apply_held(p_run bigint) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if tare.lock_holder(tare.apply_key(p_run)) is distinct from pg_backend_pid() then
        perform tare.fail('TA077', format('this session does not hold run %s for applying', p_run),
            format('tare apply %s --resume', p_run));
    end if;
end $$;

create function tare.apply_refusal(p_run tare.run) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_next text := format('tare status %s', coalesce(p_run.superseded_by, p_run.id));
begin
    if p_run.state = 'awaiting-approval' then
        v_next := format('tare --as LOGIN approve %s', p_run.id);
    elsif p_run.state in ('expired', 'rejected', 'failed', 'rolled-back') then
        v_next := format('tare rerun %s --from collect', p_run.id);
    end if;
    perform tare.fail('TA077',
        format('run %s is %s%s and is not applied', p_run.id, p_run.state,
            case when p_run.state = 'superseded' then format(' by run %s', p_run.superseded_by)
                 when p_run.reason is not null then format(' (%s)', p_run.reason) else '' end),
        v_next);
end $$;

-- On an error the transaction goes, but a lock taken in it would stay: it is given back first.
create function tare.apply_begin(p_run bigint, p_plan text, p_resume boolean) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_had boolean := tare.lock_holder(tare.apply_key(p_run)) = pg_backend_pid();
begin
    perform tare.need_role('tare_operator', 'apply runs');
    v_run := tare.run_take(p_run);
    if p_plan is not null and p_plan is distinct from v_run.plan_digest then
        perform tare.fail('TA079',
            format('the plan of run %s is %s, not %s', p_run, v_run.plan_digest, left(p_plan, 64)),
            format('tare report %s', p_run));
    end if;
    perform tare.apply_lock(p_run);
    if v_run.state = 'applying' then
        if not p_resume then
            perform tare.fail('TA077', format('an apply of run %s was interrupted', p_run),
                format('tare apply %s --resume, or tare rollback %s --resume', p_run, p_run));
        end if;
        perform tare.audit('apply.resumed', p_run, null);
        return;
    end if;
    if v_run.state not in ('approved', 'refused') then
        perform tare.apply_refusal(v_run);
    end if;
    if not tare.plan_holds(v_run, tare.now()) then
        perform tare.fail('TA077', format('approvals of run %s no longer hold', p_run),
            format('tare --as LOGIN approve %s', p_run));
    end if;
    update tare.run set state = 'applying', reason = null, next_opening = null where id = p_run;
exception when others then
    if v_had is not true and tare.lock_holder(tare.apply_key(p_run)) = pg_backend_pid() then
        perform pg_advisory_unlock(tare.apply_key(p_run));
    end if;
    raise;
end $$;

create function tare.locks_release(p_run bigint) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_key bigint;
begin
    for v_key in
        select (l.classid::bigint << 32) | l.objid::bigint from pg_catalog.pg_locks l
        where l.locktype = 'advisory' and l.objsubid = 1 and l.pid = pg_backend_pid()
        intersect
        (select tare.workload_key(r.cluster, q.namespace, q.kind, q.name)
         from tare.run r join tare.plan_requirement q on q.run = r.id where r.id = p_run
         union select tare.apply_key(p_run))
    loop
        perform pg_advisory_unlock(v_key);
    end loop;
end $$;

create function tare.lock_mine(p_key bigint) returns boolean
language sql volatile set search_path = pg_catalog, tare, pg_temp as $$
    select coalesce(tare.lock_holder(p_key) = pg_backend_pid(), false)
$$;

create function tare.workload_key(p_cluster text, p_namespace text, p_kind text, p_name text) returns bigint
language sql immutable set search_path = pg_catalog, tare, pg_temp as $$
    select tare.lock_key('workload', p_cluster, p_namespace, p_kind, p_name)
$$;

create function tare.apply_end(p_run bigint, p_outcome text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_left text;
begin
    perform tare.need_role('tare_operator', 'apply runs');
    perform tare.run_take(p_run);
    perform tare.apply_held(p_run);
    select format('%s is %s', object, state) into v_left from tare.change
    where run = p_run and state <> all (case p_outcome when 'applied' then array['done']
                                        when 'rolled-back' then array['planned', 'rolled-back']
                                        else array[state] end) order by sequence limit 1;
    if found then
        perform tare.fail('TA077', format('run %s cannot end as %s: %s', p_run, p_outcome, v_left),
            format('tare apply %s --resume', p_run));
    end if;
    update tare.run set state = p_outcome, reason = nullif(left(p_reason, 4000), '') where id = p_run;
    perform tare.locks_release(p_run);
end $$;

create function tare.refuse(p_run bigint, p_reason text, p_next_opening timestamptz) returns void
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
            jsonb_strip_nulls(jsonb_build_object('from', 'refused', 'reason', p_reason,
                                                 'next_opening', tare.rfc3339(p_next_opening))));
    end if;
    update tare.run set state = 'refused', reason = left(p_reason, 4000), next_opening = p_next_opening
    where id = p_run;
end $$;

-- ---- Workloads and objects ----

create function tare.workload_lock(p_run bigint, p_namespace text, p_kind text, p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_key bigint;
    v_had boolean;
    v_other tare.change;
    v_what text := concat_ws('/', p_namespace, p_kind, p_name);
begin
    perform tare.need_role('tare_operator', 'apply runs');
    select * into v_run from tare.run where id = p_run;
    if not found or not tare.sees_run(p_run) then
        perform tare.no_run(p_run);
    end if;
    perform tare.apply_held(p_run);
    v_key := tare.workload_key(v_run.cluster, p_namespace, p_kind, p_name);
    v_had := tare.lock_mine(v_key);
    if not tare.lock_take(v_key) then
        perform tare.fail('TA075',
            format('%s is being changed by another run (database session %s)', v_what,
            tare.lock_holder(v_key)), 'wait for it, then apply again');
    end if;
    select c.* into v_other from tare.change c
    where c.cluster = v_run.cluster and c.run <> p_run
      and c.state in ('writing', 'written', 'verifying', 'rolling-back', 'rollback-failed')
      and c.workloads @> jsonb_build_array(jsonb_build_object('namespace', p_namespace, 'kind', p_kind,
                                                              'name', p_name)) limit 1;
    if found then
        if not v_had then
            perform pg_advisory_unlock(v_key);
        end if;
        perform tare.fail('TA077',
            format('run %s left %s half changed (%s)', v_other.run, v_what, v_other.state),
            format('tare apply %s --resume, or tare rollback %s --resume', v_other.run, v_other.run));
    end if;
end $$;

create function tare.workload_unlock(p_run bigint, p_namespace text, p_kind text, p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_key bigint;
begin
    select tare.workload_key(cluster, p_namespace, p_kind, p_name) into v_key from tare.run where id = p_run;
    if tare.lock_mine(v_key) then
        perform pg_advisory_unlock(v_key);
    end if;
end $$;

-- Every workload of a change: locked by this session and (going forward) approved.
create function tare.change_allowed(p_run tare.run, p_workloads jsonb) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_w record;
    v_check record;
begin
    if coalesce(jsonb_array_length(p_workloads), 0) = 0 then
        perform tare.fail('TA065', 'a change names the workloads it is for');
    end if;
    for v_w in select * from jsonb_to_recordset(p_workloads) x (namespace text, kind text, name text) loop
        if not tare.lock_mine(tare.workload_key(p_run.cluster, v_w.namespace, v_w.kind, v_w.name)) then
            perform tare.fail('TA077',
                format('%s/%s/%s is not locked by this session', v_w.namespace, v_w.kind, v_w.name));
        end if;
        select * into v_check from tare.apply_check(p_run.id, v_w.namespace, v_w.kind, v_w.name);
        if v_check.approved is not true then
            perform tare.fail('TA077',
                format('%s/%s/%s is not approved: %s', v_w.namespace, v_w.kind, v_w.name, v_check.reason),
                format('tare --as LOGIN approve %s', p_run.id));
        end if;
    end loop;
end $$;

create function tare.change_begin(p_run bigint, p_object text, p_workloads jsonb, p_before bytea,
    p_detail jsonb,
                                  out id bigint, out state text)
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_old tare.change;
    v_now timestamptz := tare.now();
    v_digest text := encode(sha256(p_before), 'hex');
begin
    perform tare.need_role('tare_operator', 'apply runs');
    v_run := tare.run_take(p_run);
    perform tare.apply_held(p_run);
    select * into v_old from tare.change c where c.run = p_run and c.object = p_object;
    if found and v_old.state <> 'planned' then
        id := v_old.id;
        state := v_old.state;
        return;
    end if;
    if v_run.state <> 'applying' then
        perform tare.apply_refusal(v_run);
    end if;
    perform tare.change_allowed(v_run, p_workloads);
    if v_old.id is not null then
        update tare.change c set before_image = p_before, before_digest = v_digest, workloads = p_workloads,
                                 detail = coalesce(p_detail, '{}'), updated = v_now, worked_by = session_user
        where c.id = v_old.id returning c.id, c.state into id, state;
        return;
    end if;
    insert into tare.change (run, sequence, cluster, object, workloads, before_image, before_digest, detail,
                             begun, updated, worked_by)
    select p_run, coalesce(max(c.sequence), 0) + 1, v_run.cluster, p_object, p_workloads, p_before, v_digest,
           coalesce(p_detail, '{}'), v_now, v_now, session_user
    from tare.change c where c.run = p_run
    returning change.id, change.state into id, state;
end $$;

create function tare.change_to(p_change bigint, p_to text, p_detail jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_change tare.change;
    v_run tare.run;
begin
    perform tare.need_role('tare_operator', 'apply runs');
    select * into v_change from tare.change where id = p_change;
    if not found then
        perform tare.fail('TA066', format('change %s does not exist', p_change));
    end if;
    v_run := tare.run_take(v_change.run);
    perform tare.apply_held(v_run.id);
    if p_to = 'writing' then
        if v_run.state <> 'applying' then
            perform tare.apply_refusal(v_run);
        end if;
        perform tare.change_allowed(v_run, v_change.workloads);
    end if;
    update tare.change set state = p_to, detail = detail || coalesce(p_detail, '{}'), updated = tare.now(),
                           worked_by = session_user
    where id = p_change;
end $$;

-- ---- Rolling back ----

create function tare.rollback_begin(p_run bigint) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    perform tare.need_role('tare_operator', 'roll back runs');
    v_run := tare.run_take(p_run);
    if v_run.state not in ('applying', 'applied', 'failed', 'rolled-back')
       or not exists (select 1 from tare.change where run = p_run) then
        perform tare.fail('TA077',
            format('run %s is %s and wrote nothing that could be rolled back', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    perform tare.apply_lock(p_run);
    perform tare.audit('rollback.begun', p_run, null, jsonb_build_object('from', v_run.state));
end $$;

-- Full: rolled-back. Partial or failed: a run that was applied or failed keeps its state, one that was still
-- being applied becomes failed.
create function tare.rollback_end(p_run bigint, p_outcome text, p_reason text) returns void
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
            jsonb_strip_nulls(jsonb_build_object('outcome', p_outcome, 'left', v_left, 'reason', p_reason)));
    end if;
    update tare.run set state = v_to, reason = coalesce(nullif(left(p_reason, 4000), ''), reason)
        where id = p_run;
    perform tare.locks_release(p_run);
end $$;
