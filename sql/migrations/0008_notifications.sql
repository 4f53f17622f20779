-- The outbox of notifications: what people are to be told about a run, one row a receiver. A row holds facts and
-- the receiver's name; its address and secret stand in files of whoever delivers. Times here are those of the
-- real clock, whatever a session counts by: what waits for a server outside waits in its time.

create table tare.notification (
    id bigint generated always as identity primary key,
    token uuid not null unique default gen_random_uuid(),
    run bigint not null references tare.run,
    event text not null check (event in ('awaiting-approval', 'applied', 'refused', 'rolled-back', 'critical')),
    receiver text not null check (length(receiver) between 1 and 63),
    moved_at timestamptz not null,
    facts jsonb not null check (octet_length(facts::text) <= 65536),
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'given-up')),
    attempts integer not null default 0,
    made_by text not null,
    made_at timestamptz not null,
    next_at timestamptz not null,
    lease uuid,
    ended_at timestamptz,
    last_error tare.short_text,
    unique (run, event, receiver, moved_at),
    check ((state = 'waiting') = (ended_at is null))
);
comment on column tare.notification.token is 'What a receiver sees: the same for every try, so that it can tell a message that came twice.';
comment on column tare.notification.moved_at is 'When the run came to the state it is told about: a move is told once.';
create index notification_due on tare.notification (receiver, next_at) where state = 'waiting';
create index notification_run on tare.notification (run);
create trigger notification_keep before delete on tare.notification for each row execute function tare.row_keep();

create function tare.notification_guard() returns trigger
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if new.id <> old.id or new.token <> old.token or new.run <> old.run or new.event <> old.event
       or new.receiver <> old.receiver or new.moved_at <> old.moved_at or new.facts <> old.facts
       or new.made_by <> old.made_by or old.state = 'sent' then
        perform tare.fail('TA077', format('notification %s stays as it is', old.id));
    end if;
    return new;
end $$;
create trigger notification_guard before update on tare.notification
    for each row execute function tare.notification_guard();

-- One row a receiver: not before this instant may it be asked again, by whomever. Its row lock makes those who
-- deliver to it follow one another.
create table tare.notification_pace (
    receiver text primary key,
    not_before timestamptz not null
);

-- Puts what p_receivers are to be told into the outbox, once for each move of the run; returns how many were new.
create function tare.notify_put(p_run bigint, p_event text, p_receivers text[], p_facts jsonb) returns integer
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_now timestamptz := clock_timestamp();
    v_count integer;
begin
    perform tare.need_role('tare_operator', 'send notifications');
    if jsonb_typeof(p_facts) is distinct from 'object' then
        perform tare.fail('TA065', 'the facts of a notification are a JSON object');
    end if;
    select * into v_run from tare.run where id = p_run;
    if not found or not tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by) then
        perform tare.no_run(p_run);
    end if;
    insert into tare.notification_pace
    select distinct r, '-infinity'::timestamptz from unnest(p_receivers) r order by 1
    on conflict do nothing;
    insert into tare.notification (run, event, receiver, moved_at, facts, made_by, made_at, next_at)
    select distinct p_run, p_event, r, v_run.state_since,
           p_facts || jsonb_build_object('ledger', (select identity from tare.ledger where id = 1)),
           session_user::text, v_now, v_now
    from unnest(p_receivers) r
    on conflict do nothing;
    get diagnostics v_count = row_count;
    return v_count;
end $$;

-- Ends a notification, for better or worse, and puts that on record.
create function tare.notify_close(p_id bigint, p_state text, p_error text) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.notification;
begin
    update tare.notification set state = p_state, ended_at = clock_timestamp(), lease = null,
                                 last_error = left(p_error, 4000)
    where id = p_id returning * into v_row;
    perform tare.audit('notify.' || p_state, v_row.run, v_row.receiver,
        jsonb_strip_nulls(jsonb_build_object('notification', v_row.id, 'event', v_row.event,
            'attempts', v_row.attempts, 'error', v_row.last_error)));
end $$;

-- What nobody delivered for a week, its receiver being gone from every configuration, is given up.
create function tare.notify_expire() returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_id bigint;
begin
    for v_id in
        select id from tare.notification
        where state = 'waiting' and made_at < clock_timestamp() - interval '7 days' and next_at < clock_timestamp()
        order by id for update skip locked
    loop
        perform tare.notify_close(v_id, 'given-up', 'nobody delivered it for 7 days');
    end loop;
end $$;

-- Takes one notification that is due for one of p_receivers ([{"name","interval_seconds"}]), so that nobody else
-- does: until p_lease_seconds are over, then it is due again, since whoever took it must have died. Of one run a receiver is told in order. No row: nothing is due.
create function tare.notify_take(p_receivers jsonb, p_lease_seconds integer)
returns table (id bigint, token uuid, lease uuid, run bigint, event text, receiver text, facts jsonb, attempts integer,
               age_seconds bigint)
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
#variable_conflict use_column
declare
    v_pace record;
    v_id bigint;
    v_at timestamptz := clock_timestamp();
begin
    perform tare.need_role('tare_operator', 'send notifications');
    perform tare.notify_expire();
    for v_pace in
        select p.receiver, x.interval_seconds from tare.notification_pace p
        join jsonb_to_recordset(p_receivers) x (name text, interval_seconds integer) on x.name = p.receiver
        where p.not_before <= v_at
          and exists (select 1 from tare.notification n where n.receiver = p.receiver and n.state = 'waiting'
                        and n.next_at <= v_at)
        order by p.not_before, p.receiver for update of p skip locked
    loop
        select n.id into v_id from tare.notification n
        where n.receiver = v_pace.receiver and n.state = 'waiting'
          and n.next_at <= v_at and tare.sees_run(n.run)
          and not exists (select 1 from tare.notification o where o.receiver = n.receiver and o.run = n.run
                            and o.state = 'waiting' and o.id < n.id)
        order by n.next_at, n.id for update skip locked limit 1;
        if found then
            update tare.notification_pace p set not_before = v_at + make_interval(secs => v_pace.interval_seconds)
            where p.receiver = v_pace.receiver;
            return query
                update tare.notification n
                set attempts = n.attempts + 1, lease = gen_random_uuid(),
                    next_at = v_at + make_interval(secs => p_lease_seconds)
                where n.id = v_id
                returning n.id, n.token, n.lease, n.run, n.event, n.receiver, n.facts, n.attempts,
                          extract(epoch from v_at - n.made_at)::bigint;
            return;
        end if;
    end loop;
end $$;

-- What came of it, said by who took it: 'sent', 'given-up', or 'waiting' for another try after p_wait_ms. p_pause_ms is
-- how long the receiver asked to be left alone. False where the lease was somebody else's by then.
create function tare.notify_done(p_id bigint, p_lease uuid, p_outcome text, p_error text, p_wait_ms bigint,
                                 p_pause_ms bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.notification;
begin
    perform tare.need_role('tare_operator', 'send notifications');
    select * into v_row from tare.notification where id = p_id for update;
    if not found or v_row.lease is distinct from p_lease or v_row.state <> 'waiting' then
        return false;
    end if;
    if p_outcome = 'waiting' then
        update tare.notification
        set lease = null, last_error = left(p_error, 4000),
            next_at = clock_timestamp() + make_interval(secs => p_wait_ms / 1000.0)
        where id = p_id;
    else
        perform tare.notify_close(p_id, p_outcome, p_error);
    end if;
    if p_pause_ms > 0 then
        update tare.notification_pace
        set not_before = greatest(not_before, clock_timestamp() + make_interval(secs => p_pause_ms / 1000.0))
        where receiver = v_row.receiver;
    end if;
    return true;
end $$;

-- Gives one that was given up (null: all of them that the caller may see) another life; how many.
create function tare.notify_retry(p_id bigint) returns integer
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_count integer;
    v_now timestamptz := clock_timestamp();
begin
    perform tare.need_role('tare_operator', 'send notifications');
    update tare.notification
    set state = 'waiting', ended_at = null, attempts = 0, made_at = v_now, next_at = v_now, last_error = null
    where state = 'given-up' and (p_id is null or id = p_id) and tare.sees_run(run);
    get diagnostics v_count = row_count;
    if p_id is not null and v_count = 0 then
        perform tare.fail('TA065', format('no notification %s was given up', p_id), 'tare notify list');
    end if;
    return v_count;
end $$;

-- Makes due what waits for its next try; how many. What somebody is just trying stays theirs.
create function tare.notify_hurry(p_receivers text[]) returns integer
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_count integer;
begin
    perform tare.need_role('tare_operator', 'send notifications');
    update tare.notification set next_at = clock_timestamp()
    where state = 'waiting' and lease is null and receiver = any (p_receivers) and tare.sees_run(run);
    get diagnostics v_count = row_count;
    return v_count;
end $$;

-- Milliseconds until something is due for one of these receivers; null where nothing waits.
create function tare.notify_next(p_receivers text[]) returns bigint
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select case when count(*) > 0 then
        ceil(greatest(0, min(extract(epoch from greatest(n.next_at, p.not_before) - clock_timestamp()))) * 1000)::bigint end
    from tare.notification n join tare.notification_pace p on p.receiver = n.receiver
    where n.state = 'waiting' and n.receiver = any (p_receivers) and tare.sees_run(n.run)
      and not exists (select 1 from tare.notification o where o.receiver = n.receiver and o.run = n.run
                        and o.state = 'waiting' and o.id < n.id)
$$;

revoke all on tare.notification, tare.notification_pace from public;
revoke all on sequence tare.notification_id_seq from public;
grant select on tare.notification, tare.notification_pace to tare_viewer;
alter table tare.notification enable row level security;
create policy seen on tare.notification for select using (tare.sees_run(run));
alter table tare.notification_pace enable row level security;
create policy seen on tare.notification_pace for select using (true);

revoke all on function
    tare.notification_guard(), tare.notify_put(bigint, text, text[], jsonb), tare.notify_close(bigint, text, text),
    tare.notify_expire(), tare.notify_take(jsonb, integer),
    tare.notify_done(bigint, uuid, text, text, bigint, bigint), tare.notify_retry(bigint), tare.notify_hurry(text[]),
    tare.notify_next(text[])
from public;
grant execute on function
    tare.notify_put(bigint, text, text[], jsonb), tare.notify_take(jsonb, integer),
    tare.notify_done(bigint, uuid, text, text, bigint, bigint), tare.notify_retry(bigint), tare.notify_hurry(text[]),
    tare.notify_next(text[])
to tare_viewer;
