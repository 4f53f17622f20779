-- Objects of a cluster: a row begun and ended in one statement each, workloads that are left alone after they were put back, and a
-- rollback that is taken back.

-- Nothing is verified where nobody waits for it; what was put back may be written again (a rollback of a rollback).
insert into tare.change_move values ('writing', 'done'), ('written', 'done'), ('rolled-back', 'writing');

-- ---- Back-off ----

create table tare.backoff (
    cluster tare.short_text not null,
    namespace tare.short_text not null,
    kind tare.short_text not null,
    name tare.short_text not null,
    times integer not null check (times > 0),
    run bigint not null references tare.run,
    at timestamptz not null,
    until timestamptz not null,
    reason text,
    primary key (cluster, namespace, kind, name)
);
comment on table tare.backoff is 'A workload that was put back, and until when it is left alone: twice as long each time.';
alter table tare.backoff enable row level security;
create policy seen on tare.backoff for select using (tare.sees_namespace(cluster, namespace));
revoke all on tare.backoff from public;
grant select on tare.backoff to tare_viewer;

-- Begins anew for a workload that was free for longer than the longest back-off. A run counts once, however many objects of the workload
-- it put back.
create function tare.backoff_add(p_run tare.run, p_namespace text, p_kind text, p_name text, p_seconds bigint, p_most bigint,
                                 p_reason text) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_now timestamptz := tare.now();
    v_most bigint := least(greatest(p_most, p_seconds), 366 * 86400);
    v_old tare.backoff;
    v_times integer := 1;
    v_seconds double precision;
begin
    if coalesce(p_seconds, 0) <= 0 then
        return;
    end if;
    select * into v_old from tare.backoff b
    where b.cluster = p_run.cluster and b.namespace = p_namespace and b.kind = p_kind and b.name = p_name for update;
    if found and v_old.until > v_now - make_interval(secs => v_most) then
        v_times := least(v_old.times + case when v_old.run = p_run.id then 0 else 1 end, 1000);
    end if;
    v_seconds := least(p_seconds * power(2::double precision, least(v_times - 1, 40)), v_most);
    insert into tare.backoff values (p_run.cluster, p_namespace, p_kind, p_name, v_times, p_run.id, v_now,
                                     v_now + make_interval(secs => v_seconds), left(p_reason, 4000))
    on conflict (cluster, namespace, kind, name) do update
        set times = excluded.times, run = excluded.run, at = excluded.at, until = excluded.until, reason = excluded.reason;
    perform tare.audit('change.backoff', p_run.id, concat_ws('/', p_namespace, p_kind, p_name),
        jsonb_build_object('times', v_times, 'seconds', v_seconds::bigint));
end $$;

-- Why a workload is left alone at an instant; null where it is not.
create function tare.backoff_reason(p_cluster text, p_namespace text, p_kind text, p_name text, p_at timestamptz) returns text
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
begin
    return (select format('left alone until %s: run %s put it back%s', tare.rfc3339(b.until), b.run,
                          case when b.times > 1 then format(', the %s time in a row',
                              case when b.times = 2 then '2nd' when b.times = 3 then '3rd' else b.times || 'th' end) else '' end)
            from tare.backoff b
            where b.cluster = p_cluster and b.namespace = p_namespace and b.kind = p_kind and b.name = p_name and b.until > p_at);
end $$;

-- ---- A rollback of a rollback ----

alter table tare.run add column redo boolean not null default false;
comment on column tare.run.redo is 'Somebody is writing again what was put back.';

-- What is legal of an object's row; what was put back is only written again by a rollback of the rollback.
create or replace function tare.change_guard() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if new.pruned_at is not null and old.pruned_at is null and new.before_image is null
       and (to_jsonb(old) - 'before_image' - 'pruned_at' - 'pruned_by')
         = (to_jsonb(new) - 'before_image' - 'pruned_at' - 'pruned_by') then
        return new;
    end if;
    if new.run <> old.run or new.object <> old.object or new.cluster <> old.cluster
       or new.pruned_at is distinct from old.pruned_at
       or (old.state <> 'planned' and (new.before_image is distinct from old.before_image
                                       or new.workloads <> old.workloads or new.before_digest <> old.before_digest)) then
        perform tare.fail('TA077', format('the before-image of %s in run %s stands', old.object, old.run));
    end if;
    if new.state <> old.state and (not exists (
            select 1 from tare.change_move where from_state = old.state and to_state = new.state)
        or (old.state = 'rolled-back' and not (select r.redo from tare.run r where r.id = old.run))) then
        perform tare.fail('TA077',
            format('%s in run %s is %s and cannot become %s', old.object, old.run, old.state, new.state),
            format('tare status %s', old.run));
    end if;
    return new;
end $$;

-- Takes a run whose objects were put back, to write them again: its approvals must hold as for the first time.
create function tare.redo_begin(p_run bigint, p_plan text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    perform tare.need_role('tare_operator', 'apply runs');
    v_run := tare.run_take(p_run);
    if p_plan is not null and p_plan is distinct from v_run.plan_digest then
        perform tare.fail('TA079', format('the plan of run %s is %s, not %s', p_run, v_run.plan_digest, left(p_plan, 64)),
            format('tare report %s', p_run));
    end if;
    if v_run.state not in ('applied', 'failed', 'rolled-back')
       or not exists (select 1 from tare.change where run = p_run and (state = 'rolled-back' or v_run.redo)) then
        perform tare.fail('TA077', format('run %s is %s and has nothing that was put back', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    if not tare.plan_holds(v_run, tare.now()) then
        perform tare.fail('TA077', format('approvals of run %s no longer hold', p_run),
            format('make a new run: tare rerun %s --from collect', p_run));
    end if;
    perform tare.apply_lock(p_run);
    update tare.run set redo = true where id = p_run;
    perform tare.audit('redo.begun', p_run, null, jsonb_build_object('from', v_run.state));
end $$;

-- Ends it: applied where every object is done; else what it is.
create function tare.redo_end(p_run bigint, p_reason text) returns void
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
        'objects', v_n.all_of_them, 'reason', nullif(p_reason, ''))));
    update tare.run set state = v_to, redo = false, reason = nullif(left(p_reason, 4000), '') where id = p_run;
    perform tare.locks_release(p_run);
end $$;

-- As 0013 has it; besides, a rollback of the rollback that was killed is over: what it put back is not written again.
create or replace function tare.rollback_begin(p_run bigint) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_pruned tare.change;
begin
    perform tare.need_role('tare_operator', 'roll back runs');
    v_run := tare.run_take(p_run);
    if v_run.state not in ('applying', 'applied', 'failed', 'rolled-back')
       or not exists (select 1 from tare.change where run = p_run) then
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

-- ---- How runs end, in words ----

-- As 0004 has it; besides, a run that is applied is told from one that may not be.
create or replace function tare.apply_refusal(p_run tare.run) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_next text := format('tare status %s', coalesce(p_run.superseded_by, p_run.id));
begin
    if p_run.state = 'awaiting-approval' then
        v_next := format('tare --as LOGIN approve %s', p_run.id);
    elsif p_run.state in ('expired', 'rejected', 'failed', 'rolled-back') then
        v_next := format('tare rerun %s --from collect', p_run.id);
    elsif p_run.state = 'applied' then
        perform tare.fail('TA077', format('run %s is applied already', p_run.id), v_next);
    end if;
    perform tare.fail('TA077',
        format('run %s is %s%s and is not applied', p_run.id, p_run.state,
            case when p_run.state = 'superseded' then format(' by run %s', p_run.superseded_by)
                 when p_run.reason is not null then format(' (%s)', p_run.reason) else '' end),
        v_next);
end $$;

-- As 0004 has it; besides, what stood in the way of a rollback is forgotten once a later one came through: each object's row keeps why it
-- failed.
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
            jsonb_strip_nulls(jsonb_build_object('outcome', p_outcome, 'left', v_left, 'reason', p_reason)));
    end if;
    update tare.run set state = v_to,
            reason = coalesce(nullif(left(p_reason, 4000), ''), case when v_run.state not in ('applied', 'failed') or (v_run.state = 'failed' and v_to = 'failed') then reason end)
        where id = p_run;
    perform tare.locks_release(p_run);
end $$;

-- ---- What may be written ----

-- As 0010 has it; besides, a workload that is left alone is not written, unless a rollback of it is taken back.
create or replace function tare.apply_check(p_run bigint, p_namespace text, p_kind text, p_name text,
    out approved boolean, out required integer, out valid integer, out reason text)
language plpgsql volatile security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_need tare.plan_requirement;
    v_now record;
    v_alone text;
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
    if v_run.state not in ('approved', 'refused', 'applying') and not v_run.redo then
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
    select * into strict v_now from tare.demand_now(v_need);
    required := v_now.required;
    reason := tare.rejection(v_run, p_namespace, p_kind, p_name);
    if reason is not null then
        return;
    elsif v_now.conflict then
        reason := format('rules of the stored policy ask for different roles by now (%s)', v_now.rule);
    elsif v_now.role <> v_need.role then
        reason := format('the stored policy asks for role %s by now (%s), the plan for %s', v_now.role, v_now.rule,
            v_need.role);
    elsif v_need.verdict = 'allowed' then
        approved := required = 0;
        reason := case when approved then format('allowed by rule: %s', coalesce(v_need.rule, 'no approval required'))
            else format('the stored policy asks for %s approvals by now (%s)', required, v_now.rule) end;
    else
        select c.valid into strict valid from tare.plan_counts(v_run, tare.now(), p_namespace, p_kind, p_name) c;
        approved := coalesce(valid >= required, false);
        reason := format('%s of %s approvals of %s hold%s', valid, required, v_what,
            case when required > v_need.required then format(', as %s asks by now', v_now.rule) else '' end);
    end if;
    if approved and not v_run.redo then
        v_alone := tare.backoff_reason(v_run.cluster, p_namespace, p_kind, p_name, tare.now());
        approved := v_alone is null;
        reason := coalesce(v_alone, reason);
    end if;
exception when others then
    approved := false;
    reason := format('the approvals of %s could not be evaluated: %s', v_what, sqlerrm);
end $$;

-- ---- Objects ----

create function tare.object_clock(p_floor timestamptz) returns timestamptz
language plpgsql volatile set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_now timestamptz := tare.now();
begin
    if v_now < p_floor then
        perform tare.fail('TA075', format('the ledger''s clock went backwards: it reads %s and was at %s before',
            tare.rfc3339(v_now), tare.rfc3339(p_floor)), 'set the clock of the database right, then go on with --resume');
    end if;
    return v_now;
end $$;

-- Takes an object's workload for this session, sees that its approvals hold, and stores what stands there as a row that is already
-- `writing`: all that has to be durable before the first byte, in one statement. One that is there already is given as it is.
create function tare.object_begin(p_run bigint, p_object text, p_namespace text, p_kind text, p_name text, p_before bytea,
                                  p_detail jsonb, p_floor timestamptz, out id bigint, out state text)
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_old tare.change;
    v_now timestamptz;
    v_workloads jsonb := jsonb_build_array(jsonb_build_object('namespace', p_namespace, 'kind', p_kind, 'name', p_name));
begin
    perform tare.need_role('tare_operator', 'apply runs');
    perform tare.workload_lock(p_run, p_namespace, p_kind, p_name);
    v_run := tare.run_take(p_run);
    v_now := tare.object_clock(p_floor);
    select * into v_old from tare.change c where c.run = p_run and c.object = p_object;
    if found then
        id := v_old.id;
        state := v_old.state;
        return;
    end if;
    if v_run.state <> 'applying' then
        perform tare.apply_refusal(v_run);
    end if;
    perform tare.change_allowed(v_run, v_workloads);
    if octet_length(p_detail::text) > 4194304 then
        perform tare.fail('TA065', format('what is kept of %s is larger than 4 MiB', p_object));
    end if;
    insert into tare.change (run, sequence, cluster, object, workloads, state, before_image, before_digest, detail, begun, updated,
                             worked_by)
    select p_run, coalesce((select c.sequence from tare.change c where c.run = p_run order by c.sequence desc limit 1), 0) + 1,
           v_run.cluster, p_object, v_workloads, 'writing', p_before, encode(sha256(p_before), 'hex'), coalesce(p_detail, '{}'),
           v_now, v_now, session_user
    returning change.id, change.state into id, state;
end $$;

-- The run of an object's row, for a change of it by the session that holds the run.
create function tare.object_run(p_change tare.change, p_id bigint) returns tare.run
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    if p_change.id is null or not tare.sees_run(p_change.run) then
        perform tare.fail('TA066', format('change %s does not exist, or is not yours to see', p_id));
    end if;
    v_run := tare.run_take(p_change.run);
    perform tare.apply_held(v_run.id);
    return v_run;
end $$;

-- Takes the workloads of a row again (a resumed apply, a rollback).
create function tare.object_lock(p_change bigint) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_change tare.change;
    v_w record;
begin
    perform tare.need_role('tare_operator', 'apply runs');
    select * into v_change from tare.change where id = p_change;
    perform tare.object_run(v_change, p_change);
    for v_w in select * from jsonb_to_recordset(v_change.workloads) x (namespace text, kind text, name text) loop
        perform tare.workload_lock(v_change.run, v_w.namespace, v_w.kind, v_w.name);
    end loop;
end $$;

-- Moves an object on and, from where it has come to an end, gives its workloads back, in one statement. A row that is there already
-- takes the detail only. `p_backoff` {"seconds","most","failed_only"}: what is put back is left alone for so long, doubling.
create function tare.object_move(p_change bigint, p_to text, p_detail jsonb, p_backoff jsonb) returns void
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
        if p_to <> 'done' and p_to <> v_old.state and (v_detail ? 'failure' or p_backoff -> 'failed_only' = 'false') then
            perform tare.backoff_add(v_run, v_w.namespace, v_w.kind, v_w.name, tare.whole(p_backoff -> 'seconds'),
                tare.whole(p_backoff -> 'most'), v_detail ->> 'failure');
        end if;
    end loop;
end $$;

-- ---- The same answers for less ----

-- What is asked at every object, and at every row that somebody sees. The body of a function in SQL is planned anew at each call, which
-- took ten times as long as the answer; plpgsql keeps its plans. Meaning and rights are those of the migrations named.

-- 0002
create or replace function tare.lock_key(variadic p_parts text[]) returns bigint
language plpgsql immutable set search_path = pg_catalog, tare, pg_temp as $$
begin
    return ('x' || substr(encode(sha256(convert_to('tare' || array_to_string(p_parts, chr(31)), 'UTF8')), 'hex'), 1, 16))::bit(64)::bigint;
end $$;

create or replace function tare.lock_holder(p_key bigint) returns integer
language plpgsql volatile set search_path = pg_catalog, tare, pg_temp as $$
begin
    return (select pid from pg_catalog.pg_locks
            where locktype = 'advisory' and objsubid = 1 and granted
              and database = (select oid from pg_catalog.pg_database where datname = current_database())
              and classid = ((p_key >> 32) & 4294967295)::oid and objid = (p_key & 4294967295)::oid
            limit 1);
end $$;

-- 0004
create or replace function tare.lock_mine(p_key bigint) returns boolean
language plpgsql volatile set search_path = pg_catalog, tare, pg_temp as $$
begin
    return coalesce(tare.lock_holder(p_key) = pg_backend_pid(), false);
end $$;

create or replace function tare.apply_key(p_run bigint) returns bigint
language plpgsql immutable set search_path = pg_catalog, tare, pg_temp as $$
begin
    return tare.lock_key('apply', p_run::text);
end $$;

create or replace function tare.workload_key(p_cluster text, p_namespace text, p_kind text, p_name text) returns bigint
language plpgsql immutable set search_path = pg_catalog, tare, pg_temp as $$
begin
    return tare.lock_key('workload', p_cluster, p_namespace, p_kind, p_name);
end $$;

-- 0001
create or replace function tare.rfc3339(p timestamptz) returns text
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
begin
    return to_char(p at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
end $$;

create or replace function tare.audit(p_action text, p_run bigint, p_subject text, p_detail jsonb default '{}') returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    insert into tare.audit_event (action, run, subject, detail)
    values (p_action, p_run, left(p_subject, 4000), coalesce(p_detail, '{}')::text);
end $$;

-- 0002, 0010: who sees what
create or replace function tare.login_sees(p_login text, p_cluster text, p_namespace text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return not exists (select 1 from tare.login_namespace m where m.login = p_login)
        or exists (select 1 from tare.login_namespace m
                   where m.login = p_login and m.namespace in ('*', p_namespace) and m.cluster in ('*', p_cluster));
end $$;

create or replace function tare.sees_namespace(p_cluster text, p_namespace text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return tare.login_sees(session_user, p_cluster, p_namespace);
end $$;

create or replace function tare.sees_cluster(p_cluster text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return not exists (select 1 from tare.login_namespace m where m.login = session_user)
        or exists (select 1 from tare.login_namespace m
                   where m.login = session_user and m.namespace = '*' and m.cluster in ('*', p_cluster));
end $$;

create or replace function tare.sees_whole(p_cluster text, p_namespaces text[], p_requester text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return tare.sees_cluster(p_cluster)
        or case when coalesce(cardinality(p_namespaces), 0) = 0 then p_requester = session_user
                else not exists (select 1 from unnest(p_namespaces) n
                                 where not tare.login_sees(session_user, p_cluster, n)) end;
end $$;

create or replace function tare.sees_run(p_run bigint) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return exists (select 1 from tare.run r
                   where r.id = p_run and tare.sees_whole(r.cluster, r.namespaces, r.requested_by));
end $$;

-- 0003, 0014: what the stored policy says, and who had a hand in a plan
create or replace function tare.policy_body() returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return (select body::jsonb from tare.policy order by id desc limit 1);
end $$;

create or replace function tare.separation_wanted() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return coalesce(tare.policy_body() #>> '{approvals,separation_of_duties}', 'true') <> 'false';
end $$;

create or replace function tare.had_hand(p_run bigint, p_login text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return exists (select 1 from tare.run r where r.id = p_run and r.requested_by = p_login)
        or exists (select 1 from tare.attempt a join tare.run r on r.id = a.run
                   where a.run = p_run and a.worked_by = p_login
                     and a.stage not in ('apply', 'rollback', 'report')
                     and (a.inherited_from is null or a.artifact = r.plan_digest))
        or exists (select 1 from tare.run r where r.id = p_run and r.scheduled -> 'asked_by' ? p_login);
end $$;

-- 0010, 0011: decisions
create or replace function tare.rejection(p_run tare.run, p_namespace text, p_kind text, p_name text) returns text
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
begin
    return (select format('rejected by %s: %s', a.approver, a.reason) from tare.approval a
            where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'reject' and a.withdrawn_at is null
              and a.namespace = p_namespace and a.kind = p_kind and a.name = p_name
            order by a.id limit 1);
end $$;

create or replace function tare.plan_rejected(p_run tare.run)
returns table (namespace text, kind text, name text, rejected text)
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
#variable_conflict use_column
begin
    return query select distinct on (a.namespace, a.kind, a.name) a.namespace, a.kind, a.name,
           format('rejected by %s: %s', a.approver, a.reason)
    from tare.approval a
    where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'reject'
      and a.withdrawn_at is null and a.name is not null
    order by a.namespace, a.kind, a.name, a.id;
end $$;

-- One workload is found by its key: a kept plan must not read the whole run for it.
create or replace function tare.plan_asks(p_run tare.run, p_namespace text default null, p_kind text default null,
                                          p_name text default null)
returns table (namespace text, kind text, name text, required integer, role text)
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
#variable_conflict use_column
begin
    if p_name is null then
        return query select q.namespace, q.kind, q.name, q.required, q.role from tare.plan_requirement q
        where q.run = p_run.id and q.plan_digest = p_run.plan_digest and q.verdict = 'needs-approval';
    else
        return query select q.namespace, q.kind, q.name, q.required, q.role from tare.plan_requirement q
        where q.run = p_run.id and q.plan_digest = p_run.plan_digest and q.verdict = 'needs-approval'
          and q.namespace = p_namespace and q.kind = p_kind and q.name = p_name;
    end if;
end $$;

create or replace function tare.plan_counts(p_run tare.run, p_at timestamptz, p_namespace text default null,
                                 p_kind text default null, p_name text default null)
returns table (namespace text, kind text, name text, required integer, valid bigint, role text,
               approvers text[], rejected text)
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
#variable_conflict use_column
begin
    return query
    with need as materialized (
        select q.* from tare.plan_asks(p_run, p_namespace, p_kind, p_name) q
    ), given as materialized (
        select a.* from tare.approval a
        where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'approve'
          and a.withdrawn_at is null and a.expires > p_at
    ), said_no as materialized (
        select a.* from tare.approval a
        where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'reject'
          and a.name is not null
    ), person as materialized (
        select p.approver from (select distinct g.approver from given g) p
        where tare.holds_role(p.approver, 'tare_approver')
          and not (tare.separation_wanted() and tare.had_hand(p_run.id, p.approver))
    ), may as materialized (
        select p.approver, n.namespace, n.role from person p, (select distinct namespace, role from need) n
        where tare.holds_role(p.approver, n.role) and tare.login_sees(p.approver, p_run.cluster, n.namespace)
    ), about as (
        select n.namespace, n.kind, n.name, g.id, g.at, g.approver
        from given g join may m on m.approver = g.approver
        join need n on n.namespace = m.namespace and n.role = m.role
        where g.name is null and (g.namespaces is null or n.namespace = any (g.namespaces))
          and (g.roles is null or n.role = any (g.roles))
        union all
        select n.namespace, n.kind, n.name, g.id, g.at, g.approver
        from given g join need n on n.namespace = g.namespace and n.kind = g.kind and n.name = g.name
        join may m on m.approver = g.approver and m.namespace = n.namespace and m.role = n.role
    ), counted as materialized (
        select b.namespace, b.kind, b.name, array_agg(distinct b.approver order by b.approver) as who
        from about b
        where not exists (select 1 from said_no x
                          where x.namespace = b.namespace and x.kind = b.kind and x.name = b.name and x.id < b.id
                            and (x.withdrawn_at is null or x.withdrawn_at > b.at))
        group by b.namespace, b.kind, b.name
    ), standing as materialized (
        select * from tare.plan_rejected(p_run)
    )
    select n.namespace, n.kind, n.name, n.required, coalesce(cardinality(c.who), 0)::bigint, n.role,
           coalesce(c.who, '{}'), s.rejected
    from need n
    left join counted c on c.namespace = n.namespace and c.kind = n.kind and c.name = n.name
    left join standing s on s.namespace = n.namespace and s.kind = n.kind and s.name = n.name;
end $$;

revoke all on function
    tare.backoff_add(tare.run, text, text, text, bigint, bigint, text), tare.backoff_reason(text, text, text, text, timestamptz),
    tare.redo_begin(bigint, text), tare.redo_end(bigint, text), tare.object_clock(timestamptz),
    tare.object_begin(bigint, text, text, text, text, bytea, jsonb, timestamptz), tare.object_run(tare.change, bigint),
    tare.object_lock(bigint), tare.object_move(bigint, text, jsonb, jsonb)
from public;
grant execute on function
    tare.redo_begin(bigint, text), tare.redo_end(bigint, text),
    tare.object_begin(bigint, text, text, text, text, bytea, jsonb, timestamptz), tare.object_lock(bigint),
    tare.object_move(bigint, text, jsonb, jsonb)
to tare_viewer;
