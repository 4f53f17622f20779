-- Schedules: which runs are to be started when, with what, and which of the instants they were due at are dealt
-- with. When an instant comes is reckoned by the programs (cron in a time zone is not Postgres' trade); here it is
-- only settled that each instant is somebody's, and nobody else's. Whoever reckoned says which revision of the
-- row that was from; where the row has moved on since, nothing happens and they reckon again.

create table tare.schedule (
    id bigint generated always as identity primary key,
    name text not null unique check (name ~ '^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$'),
    revision bigint not null default 1,
    cluster tare.short_text not null,
    cron text not null check (length(cron) between 9 and 256),
    timezone text not null check (timezone ~ '^[A-Za-z][A-Za-z0-9_+/-]{0,99}$'),
    overlap text not null check (overlap in ('skip', 'queue')),
    missed text not null check (missed in ('run', 'skip')),
    grace_seconds bigint not null check (grace_seconds between 60 and 2678400),
    request jsonb not null check (jsonb_typeof(request) = 'object' and octet_length(request::text) <= 65536),
    made_by text not null,
    made_at timestamptz not null,
    changed_by text not null,
    changed_at timestamptz not null,
    paused_by text,
    paused_at timestamptz,
    handled timestamptz not null,
    missed_total bigint not null default 0,
    skipped_total bigint not null default 0,
    firing_open boolean not null default false,
    firing_due timestamptz,
    firing_at timestamptz,
    firing_by text,
    firing_missed bigint not null default 0,
    firing_runs bigint[] not null default '{}',
    last_start timestamptz,
    last_success timestamptz,
    last_end timestamptz,
    last_exit integer,
    last_run bigint,
    check ((paused_by is null) = (paused_at is null))
);
comment on column tare.schedule.handled is 'Instants up to this one are dealt with: run, skipped, or before its time.';
comment on column tare.schedule.firing_open is 'Somebody took an instant and has not said what came of it; alive while a session holds its lock.';
comment on column tare.schedule.request is 'What tare run is given: {"directory","config","words":[...]}; no secret, no login, no ledger.';

alter table tare.run add column scheduled jsonb;
comment on column tare.run.scheduled is 'Of a run of a schedule: the instant it was due, how many it stands for besides, who asked for it.';
create index run_schedule on tare.run (schedule, id) where schedule is not null;

-- A rerun was asked for by whom its parent was.
create function tare.run_scheduled() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    new.scheduled := (select scheduled from tare.run where id = new.parent);
    return new;
end $$;
create trigger run_scheduled before insert on tare.run
    for each row when (new.parent is not null) execute function tare.run_scheduled();

-- ---- Keeping them ----

create function tare.no_schedule(p_name text) returns void
language sql set search_path = pg_catalog, tare, pg_temp as $$
    select tare.fail('TA066', format('there is no schedule %s, or it is not yours to see', left(p_name, 80)), 'tare schedule list')
$$;

-- The schedule, locked for a change; refused where it does not exist or is not the caller's to see.
create function tare.schedule_take(p_name text) returns tare.schedule
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.schedule;
begin
    select * into v_row from tare.schedule where name = p_name for update;
    if not found or not tare.sees_whole(v_row.cluster, null, v_row.made_by) then
        perform tare.no_schedule(p_name);
    end if;
    return v_row;
end $$;

-- An operator changes what they made themselves, an admin any.
create function tare.schedule_own(p_name text) returns tare.schedule
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.schedule := tare.schedule_take(p_name);
begin
    if v_row.made_by <> session_user and not tare.holds_role(session_user, 'tare_admin') then
        perform tare.fail('TA077', format('the schedule %s is kept by %s: you may not change it', p_name, v_row.made_by),
            format('ask %s, or somebody with the role tare_admin', v_row.made_by));
    end if;
    return v_row;
end $$;

create function tare.schedule_facts(p tare.schedule) returns jsonb
language sql stable set search_path = pg_catalog, tare, pg_temp as $$
    select jsonb_build_object('cron', p.cron, 'timezone', p.timezone, 'overlap', p.overlap, 'missed', p.missed,
        'grace_seconds', p.grace_seconds, 'cluster', p.cluster,
        'request', encode(sha256(convert_to(p.request::text, 'UTF8')), 'hex'))
$$;

-- Makes or changes a schedule; true where it is new. Its instants count from now on, where the rule is another than before.
create function tare.schedule_set(p_name text, p_cluster text, p_cron text, p_timezone text, p_overlap text,
                                  p_missed text, p_grace_seconds bigint, p_request jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_now timestamptz := tare.now();
    v_row tare.schedule;
    v_new tare.schedule;
begin
    if not tare.holds_role(session_user, 'tare_admin') then
        perform tare.need_role('tare_operator', 'keep schedules');
    end if;
    insert into tare.schedule (name, cluster, cron, timezone, overlap, missed, grace_seconds, request, made_by, made_at,
                               changed_by, changed_at, handled)
    values (p_name, p_cluster, p_cron, p_timezone, p_overlap, p_missed, p_grace_seconds, p_request, session_user, v_now,
            session_user, v_now, v_now)
    on conflict (name) do nothing returning * into v_new;
    if found then
        perform tare.audit('schedule.made', null, p_name, tare.schedule_facts(v_new));
        return true;
    end if;
    if not exists (select 1 from tare.schedule s where s.name = p_name and tare.sees_whole(s.cluster, null, s.made_by)) then
        perform tare.fail('TA077', format('the name %s is taken by a schedule that is not yours to see', p_name), 'take another name');
    end if;
    v_row := tare.schedule_own(p_name);
    update tare.schedule s
    set cluster = p_cluster, cron = p_cron, timezone = p_timezone, overlap = p_overlap, missed = p_missed,
        grace_seconds = p_grace_seconds, request = p_request, changed_by = session_user, changed_at = v_now,
        handled = case when p_cron = s.cron and p_timezone = s.timezone then s.handled else v_now end,
        revision = s.revision + 1
    where s.id = v_row.id returning * into v_new;
    perform tare.audit('schedule.changed', null, p_name,
        jsonb_build_object('from', tare.schedule_facts(v_row), 'to', tare.schedule_facts(v_new)));
    return false;
end $$;

-- Instants in a pause are nobody's: they are neither run nor missed.
create function tare.schedule_pause(p_name text, p_paused boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.schedule;
    v_now timestamptz := tare.now();
begin
    if not tare.holds_role(session_user, 'tare_admin') then
        perform tare.need_role('tare_operator', 'keep schedules');
    end if;
    v_row := tare.schedule_own(p_name);
    if (v_row.paused_at is not null) = p_paused then
        return false;
    end if;
    update tare.schedule
    set paused_by = case when p_paused then session_user::text end, paused_at = case when p_paused then v_now end,
        handled = case when p_paused then handled else greatest(handled, v_now) end, revision = revision + 1
    where id = v_row.id;
    perform tare.audit(case when p_paused then 'schedule.paused' else 'schedule.resumed' end, null, p_name);
    return true;
end $$;

create function tare.schedule_remove(p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.schedule;
begin
    if not tare.holds_role(session_user, 'tare_admin') then
        perform tare.need_role('tare_operator', 'keep schedules');
    end if;
    v_row := tare.schedule_own(p_name);
    delete from tare.schedule where id = v_row.id;
    perform tare.audit('schedule.removed', null, p_name,
        tare.schedule_facts(v_row) || jsonb_build_object('made_by', v_row.made_by, 'missed_total', v_row.missed_total,
            'skipped_total', v_row.skipped_total, 'last_run', v_row.last_run));
end $$;

-- ---- Firing ----

create function tare.schedule_key(p_id bigint) returns bigint
language sql immutable set search_path = pg_catalog, tare, pg_temp as $$
    select tare.lock_key('schedule', p_id::text)
$$;

create function tare.schedule_queue_key(p_id bigint) returns bigint
language sql immutable set search_path = pg_catalog, tare, pg_temp as $$
    select tare.lock_key('schedule-queue', p_id::text)
$$;

-- What keeps a firing from starting: the run of this schedule that another session works on or applies (0: a
-- firing that has none yet), null where nothing does. What died holds no lock.
create function tare.schedule_busy(p tare.schedule) returns bigint
language plpgsql volatile set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_holder integer := tare.lock_holder(tare.schedule_key(p.id));
begin
    if v_holder is not null and v_holder <> pg_backend_pid() then
        return coalesce(p.firing_runs[cardinality(p.firing_runs)], 0);
    end if;
    return (select r.id from tare.run r
            where r.schedule = p.name and r.state in ('running', 'applying')
              and (coalesce(tare.lock_holder(tare.lock_key('run', r.id::text)), pg_backend_pid()) <> pg_backend_pid()
                   or coalesce(tare.lock_holder(tare.apply_key(r.id)), pg_backend_pid()) <> pg_backend_pid())
            order by r.id desc limit 1);
end $$;

-- What became of a firing that is not ended: 'alive'; else its process died: 'unstarted' before it made a run,
-- 'interrupted' within one, 'finished' after it. Null where none is open.
create function tare.schedule_firing(p tare.schedule) returns text
language sql volatile set search_path = pg_catalog, tare, pg_temp as $$
    select case when not p.firing_open then null
                when coalesce(tare.lock_holder(tare.schedule_key(p.id)), pg_backend_pid()) <> pg_backend_pid() then 'alive'
                when cardinality(p.firing_runs) = 0 then 'unstarted'
                when exists (select 1 from tare.run r where r.id = any (p.firing_runs) and r.state = 'running') then 'interrupted'
                else 'finished' end
$$;

-- Takes an instant (null: now, whatever is due) for this session: 'claimed'; 'changed' where the row is no longer what was reckoned with, 'busy'
-- where another firing or a run of this schedule is under way, 'paused'. p_missed more instants are dealt with besides.
create function tare.schedule_claim(p_name text, p_revision bigint, p_due timestamptz, p_missed bigint)
    returns table (outcome text, run bigint)
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.schedule;
    v_open text;
begin
    perform tare.need_role('tare_operator', 'start runs');
    v_row := tare.schedule_take(p_name);
    v_open := tare.schedule_firing(v_row);
    if v_row.revision is distinct from p_revision or p_missed < 0 then
        return query select 'changed', null::bigint;
        return;
    end if;
    if p_due is not null and v_row.paused_at is not null then
        return query select 'paused', null::bigint;
        return;
    end if;
    if p_due > tare.now()
       or (p_due <= v_row.handled
           and not coalesce(v_open in ('unstarted', 'interrupted') and p_due >= v_row.firing_due, false)) then
        return query select 'changed', null::bigint;
        return;
    end if;
    run := tare.schedule_busy(v_row);
    if run is not null or not tare.lock_take(tare.schedule_key(v_row.id)) then
        return query select 'busy', coalesce(run, 0);
        return;
    end if;
    update tare.schedule s
    set firing_open = true, firing_due = p_due, firing_at = tare.now(), firing_by = session_user, firing_missed = p_missed,
        firing_runs = case when s.firing_open and s.firing_due = p_due then s.firing_runs else '{}' end,
        handled = greatest(s.handled, p_due), missed_total = s.missed_total + p_missed, revision = s.revision + 1
    where s.id = v_row.id;
    if tare.lock_holder(tare.schedule_queue_key(v_row.id)) = pg_backend_pid() then
        perform pg_advisory_unlock(tare.schedule_queue_key(v_row.id));
    end if;
    perform tare.audit('schedule.claimed', null, p_name,
        jsonb_strip_nulls(jsonb_build_object('due', tare.rfc3339(p_due), 'missed', p_missed, 'found', v_open)));
    return query select 'claimed', null::bigint;
end $$;

-- Deals with the instants up to p_due without a run, on record: p_missed came too late or while nothing fired, and
-- p_skipped more because another run was under way. False where the row is no longer what was reckoned with.
create function tare.schedule_skip(p_name text, p_revision bigint, p_due timestamptz, p_missed bigint, p_skipped bigint,
                                   p_reason text) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.schedule;
    v_open text;
begin
    perform tare.need_role('tare_operator', 'start runs');
    v_row := tare.schedule_take(p_name);
    v_open := tare.schedule_firing(v_row);
    if v_row.revision is distinct from p_revision or p_missed < 0 or p_skipped < 0 or p_due > tare.now() or p_due is null
       or (p_due <= v_row.handled and (v_open is null or v_open = 'alive')) then
        return false;
    end if;
    update tare.schedule
    set handled = greatest(handled, p_due), missed_total = missed_total + p_missed, skipped_total = skipped_total + p_skipped,
        firing_open = firing_open and v_open = 'alive', revision = revision + 1
    where id = v_row.id;
    if tare.lock_holder(tare.schedule_queue_key(v_row.id)) = pg_backend_pid() then
        perform pg_advisory_unlock(tare.schedule_queue_key(v_row.id));
    end if;
    perform tare.audit('schedule.skipped', null, p_name,
        jsonb_build_object('due', tare.rfc3339(p_due), 'missed', p_missed, 'skipped', p_skipped, 'reason', left(p_reason, 400)));
    return true;
end $$;

-- Whether this session is the one that waits for the run under way; it is until it claims, skips or ends.
create function tare.schedule_wait(p_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_operator', 'start runs');
    return tare.lock_take(tare.schedule_queue_key((tare.schedule_take(p_name)).id));
end $$;

-- What came of the firing of this session, or of one whose process died. With 75 it stays open: the run is not
-- over, and the next firing goes on with it.
create function tare.schedule_end(p_name text, p_exit integer, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.schedule;
begin
    perform tare.need_role('tare_operator', 'start runs');
    v_row := tare.schedule_take(p_name);
    if not v_row.firing_open or tare.schedule_firing(v_row) = 'alive' then
        perform tare.fail('TA075', format('the schedule %s has no firing of yours to end', p_name), format('tare schedule show %s', p_name));
    end if;
    update tare.schedule
    set firing_open = p_exit = 75, last_end = tare.now(), last_exit = p_exit,
        last_success = case when p_exit = 0 then tare.now() else last_success end, revision = revision + 1
    where id = v_row.id;
    perform tare.audit('schedule.ended', v_row.last_run, p_name,
        jsonb_strip_nulls(jsonb_build_object('due', tare.rfc3339(v_row.firing_due), 'exit', p_exit, 'reason', left(p_reason, 400))));
    if tare.lock_holder(tare.schedule_key(v_row.id)) = pg_backend_pid() then
        perform pg_advisory_unlock(tare.schedule_key(v_row.id));
    end if;
end $$;

-- A clock that ran far ahead and was set back must not keep a schedule from firing until it comes there again.
-- A step of up to 25 hours (a wrong zone) does not matter: what was run is not run again.
create function tare.schedule_rewind(p_name text, p_revision bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.schedule;
begin
    perform tare.need_role('tare_operator', 'start runs');
    v_row := tare.schedule_take(p_name);
    if v_row.revision is distinct from p_revision or v_row.handled <= tare.now() + interval '25 hours' then
        return false;
    end if;
    update tare.schedule set handled = tare.now(), revision = revision + 1 where id = v_row.id;
    perform tare.audit('schedule.rewound', null, p_name, jsonb_build_object('from', tare.rfc3339(v_row.handled)));
    return true;
end $$;

-- All schedules that the caller sees, or one: what is kept, and what its firing is up to. Instants in seconds of the epoch.
create function tare.schedules(p_name text default null) returns jsonb
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'name', s.name, 'revision', s.revision, 'cluster', s.cluster, 'cron', s.cron, 'timezone', s.timezone, 'overlap', s.overlap,
        'missed', s.missed, 'grace_seconds', s.grace_seconds, 'request', s.request, 'made_by', s.made_by,
        'made', tare.rfc3339(s.made_at), 'changed_by', s.changed_by, 'changed', tare.rfc3339(s.changed_at), 'paused_by', s.paused_by,
        'paused', tare.rfc3339(s.paused_at), 'handled', floor(extract(epoch from s.handled))::bigint,
        'missed_total', s.missed_total, 'skipped_total', s.skipped_total, 'firing', tare.schedule_firing(s),
        'firing_due', floor(extract(epoch from s.firing_due))::bigint, 'firing_by', s.firing_by, 'firing_runs', s.firing_runs,
        'last_start', floor(extract(epoch from s.last_start))::bigint, 'last_success', floor(extract(epoch from s.last_success))::bigint,
        'last_end', floor(extract(epoch from s.last_end))::bigint, 'last_exit', s.last_exit, 'last_run', s.last_run,
        'last_state', (select r.state from tare.run r where r.id = s.last_run),
        'now', floor(extract(epoch from tare.now()))::bigint) order by s.name), '[]')
    from tare.schedule s
    where (p_name is null or s.name = p_name) and tare.sees_whole(s.cluster, null, s.made_by)
$$;

-- ---- Runs of a schedule ----

-- As in 0002, and of which schedule it is: one that has a firing under way, by whomever. Who asked for it is who
-- keeps the schedule, besides the login that fires it.
drop function tare.run_create(text, text, text, text, jsonb, timestamptz);
create function tare.run_create(p_cluster text, p_target text, p_program text, p_batch text, p_settings jsonb,
                                p_created timestamptz default null, p_schedule text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_id bigint;
    v_now timestamptz := date_trunc('second', tare.now());
    v_schedule tare.schedule;
    v_scheduled jsonb;
begin
    perform tare.need_role('tare_operator', 'start runs');
    if p_schedule is not null then
        v_schedule := tare.schedule_take(p_schedule);
        if not v_schedule.firing_open or tare.lock_holder(tare.schedule_key(v_schedule.id)) is null then
            perform tare.fail('TA077', format('the schedule %s has no firing under way', p_schedule),
                format('tare run --schedule %s', p_schedule));
        end if;
        v_scheduled := jsonb_build_object('due', tare.rfc3339(v_schedule.firing_due), 'missed', v_schedule.firing_missed,
            'asked_by', jsonb_build_array(v_schedule.made_by, v_schedule.changed_by));
    end if;
    insert into tare.run (created, state_since, requested_by, cluster, target, program, batch, settings, schedule, scheduled)
    values (case when p_created is not null and tare.clock_movable() then p_created else v_now end, v_now,
        session_user, p_cluster, p_target, p_program, p_batch, coalesce(p_settings, '{}'), p_schedule, v_scheduled)
    returning id into v_id;
    if p_schedule is not null then
        update tare.schedule
        set firing_runs = firing_runs || v_id, last_run = v_id, last_start = tare.now(), revision = revision + 1
        where id = v_schedule.id;
    end if;
    return v_id;
end $$;

-- As in 0003, and who keeps the schedule of the run.
create or replace function tare.had_hand(p_run bigint, p_login text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select exists (select 1 from tare.run r where r.id = p_run and r.requested_by = p_login)
        or exists (select 1 from tare.attempt a join tare.run r on r.id = a.run
                   where a.run = p_run and a.worked_by = p_login
                     and a.stage not in ('apply', 'rollback', 'report')
                     and (a.inherited_from is null or a.artifact = r.plan_digest))
        or exists (select 1 from tare.run r where r.id = p_run and r.scheduled -> 'asked_by' ? p_login)
$$;

revoke all on tare.schedule from public;
revoke all on sequence tare.schedule_id_seq from public;
grant select on tare.schedule to tare_viewer;
alter table tare.schedule enable row level security;
create policy seen on tare.schedule for select using (tare.sees_whole(cluster, null::text[], made_by));

revoke all on function
    tare.run_scheduled(), tare.no_schedule(text), tare.schedule_take(text), tare.schedule_own(text), tare.schedule_facts(tare.schedule),
    tare.schedule_set(text, text, text, text, text, text, bigint, jsonb), tare.schedule_pause(text, boolean),
    tare.schedule_remove(text), tare.schedule_key(bigint), tare.schedule_queue_key(bigint), tare.schedule_busy(tare.schedule),
    tare.schedule_firing(tare.schedule), tare.schedule_claim(text, bigint, timestamptz, bigint),
    tare.schedule_skip(text, bigint, timestamptz, bigint, bigint, text), tare.schedule_wait(text),
    tare.schedule_end(text, integer, text), tare.schedule_rewind(text, bigint), tare.schedules(text),
    tare.run_create(text, text, text, text, jsonb, timestamptz, text)
from public;
grant execute on function
    tare.schedule_set(text, text, text, text, text, text, bigint, jsonb), tare.schedule_pause(text, boolean),
    tare.schedule_remove(text), tare.schedule_claim(text, bigint, timestamptz, bigint),
    tare.schedule_skip(text, bigint, timestamptz, bigint, bigint, text), tare.schedule_wait(text),
    tare.schedule_end(text, integer, text), tare.schedule_rewind(text, bigint), tare.schedules(text),
    tare.run_create(text, text, text, text, jsonb, timestamptz, text)
to tare_viewer;
