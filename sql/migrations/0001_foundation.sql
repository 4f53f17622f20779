-- Roles, the ledger's clock and the audit chain: what everything else stands on. Every function names its
-- schemas in full and fixes its search_path with pg_temp last, so that no temporary object of a caller can
-- step in.

do $$
begin
    if current_setting('server_version_num')::int < 130000 then
        raise exception using errcode = 'TA078',
            message = 'the ledger needs Postgres 13 or newer, this is ' || current_setting('server_version');
    end if;
    if current_setting('server_encoding') <> 'UTF8' then
        raise exception using errcode = 'TA078',
            message = format('the ledger needs a database in UTF8, %I is in %s', current_database(),
                             current_setting('server_encoding')),
            hint = format('createdb --encoding=UTF8 --template=template0 NAME, instead of %I',
                current_database());
    end if;
end $$;

-- Group roles belong to the whole cluster; another database's ledger may have made them already.
do $$
declare
    v_role text;
    v_missing text[];
begin
    select array_agg(r order by r) into v_missing
    from unnest(array['tare_viewer', 'tare_operator', 'tare_approver', 'tare_admin']) r
    where not exists (select 1 from pg_catalog.pg_roles where rolname = r);
    if v_missing is not null
       and not (select rolsuper or rolcreaterole from pg_catalog.pg_roles where rolname = current_user) then
        raise exception using errcode = 'TA077',
            message = format('the group roles %s are missing and %s may not create roles',
                             array_to_string(v_missing, ', '), current_user),
            hint = format('have a superuser run: create role %s; grant tare_viewer to tare_operator, '
                          'tare_approver, tare_admin; then tare migrate again',
                          array_to_string(v_missing, '; create role '));
    end if;
    foreach v_role in array coalesce(v_missing, '{}') loop
        begin
            execute format('create role %I nologin', v_role);
        exception when duplicate_object or unique_violation then
            null;  -- a migration of another database was quicker
        end;
    end loop;
    foreach v_role in array array['tare_operator', 'tare_approver', 'tare_admin'] loop
        if not pg_catalog.pg_has_role(v_role, 'tare_viewer', 'MEMBER') then
            execute format('grant tare_viewer to %I', v_role);
        end if;
    end loop;
end $$;

create schema tare;
comment on schema tare is 'The ledger of tare: runs, artifacts, approvals, changes, audit.';

create domain tare.digest as text check (value ~ '^[0-9a-f]{64}$');
create domain tare.short_text as text check (length(value) <= 4000);

create table tare.migration (
    number integer primary key,
    name text not null,
    sha256 tare.digest not null,
    applied_at timestamptz not null default clock_timestamp(),
    applied_by text not null default session_user
);

-- One row about the ledger itself. `private` is set by the superuser of the embedded cluster only.
create table tare.ledger (
    id integer primary key check (id = 1),
    identity uuid not null default gen_random_uuid(),
    private boolean not null default false,
    created timestamptz not null default clock_timestamp()
);
insert into tare.ledger (id) values (1);

-- Raises an error that tare maps to exit code nn (SQLSTATE TA0nn).
create function tare.fail(p_code text, p_message text, p_hint text default null) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if p_hint is null then
        raise exception using errcode = p_code, message = p_message;
    end if;
    raise exception using errcode = p_code, message = p_message, hint = p_hint;
end $$;

-- Whether a login holds a role; false where either does not exist.
create function tare.holds_role(p_login text, p_role text) returns boolean
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
begin
    if not exists (select 1 from pg_catalog.pg_roles where rolname = p_login)
       or not exists (select 1 from pg_catalog.pg_roles where rolname = p_role) then
        return false;
    end if;
    return pg_catalog.pg_has_role(p_login::name, p_role::name, 'MEMBER');
end $$;

-- Refuses a login that does not hold a group role. EXECUTE grants say the same; this one counts session_user,
-- so that SET ROLE cannot lend a role to somebody else's name.
create function tare.need_role(p_role text, p_action text) returns void
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
begin
    if not tare.holds_role(session_user, p_role) then
        perform tare.fail('TA077',
            format('%s may not %s: that takes the role %s', session_user, p_action, p_role),
            format('an administrator of the database can run: grant %s to "%s"', p_role, session_user));
    end if;
end $$;

-- ---- The clock ----

-- Overrides of the clock. A session proves that it owns one by a token that only it was told.
create table tare.clock_override (
    token uuid primary key,
    login text not null,
    shift interval not null,
    made_at timestamptz not null
);

-- Every time in the ledger comes from here.
create function tare.now() returns timestamptz
language plpgsql volatile security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_token text := current_setting('tare.clock', true);
    v_shift interval;
begin
    if v_token is null or v_token !~ '^[0-9a-f-]{36}$' then
        return clock_timestamp();
    end if;
    select shift into v_shift from tare.clock_override
    where token = v_token::uuid and login = session_user;
    return clock_timestamp() + coalesce(v_shift, interval '0');
end $$;

-- ---- The audit chain ----

create table tare.audit_event (
    position bigint primary key,
    at timestamptz not null,
    actor text not null,
    action text not null check (action ~ '^[a-z]+(\.[a-z-]+)+$'),
    run bigint,
    subject tare.short_text,
    detail text not null,
    previous bytea not null check (octet_length(previous) = 32),
    digest bytea not null check (octet_length(digest) = 32)
);
create index audit_event_run on tare.audit_event (run, position);

-- The end of the chain. Its row lock makes appends follow one another, so that the chain is a line.
create table tare.audit_head (
    id integer primary key check (id = 1),
    position bigint not null,
    digest bytea not null
);
insert into tare.audit_head values (1, 0, decode(repeat('00', 32), 'hex'));

-- One field as netstring; `-` for null, so that no two rows have the same text. This and the next have no
-- search_path of their own, so that the planner can put them into the query: verifying is five times as fast.
-- Only functions with a fixed one call them.
create function tare.audit_field(p_value text) returns text
language sql immutable as $$
    select case when p_value is null then '-,' else octet_length(p_value) || ':' || p_value || ',' end
$$;

-- sha256 over the canonical text of an event and the digest of the one before.
create function tare.audit_digest(p tare.audit_event) returns bytea
language sql stable as $$
    select sha256(convert_to(
        tare.audit_field(p.position::text)
        || tare.audit_field(to_char(p.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || tare.audit_field(p.actor) || tare.audit_field(p.action) || tare.audit_field(p.run::text)
        || tare.audit_field(p.subject) || tare.audit_field(p.detail)
        || tare.audit_field(encode(p.previous, 'hex')), 'UTF8'))
$$;

-- Whoever inserts: place, time, actor and digests come from here.
create function tare.audit_chain() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_head tare.audit_head;
begin
    select * into strict v_head from tare.audit_head where id = 1 for update;
    new.position := v_head.position + 1;
    new.at := tare.now();
    new.actor := session_user;
    new.previous := v_head.digest;
    new.digest := tare.audit_digest(new);
    update tare.audit_head set position = new.position, digest = new.digest where id = 1;
    return new;
end $$;
create trigger audit_chain before insert on tare.audit_event for each row execute function tare.audit_chain();

create function tare.audit_keep() returns trigger
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.fail('TA077', 'audit events are never changed or removed');
    return null;
end $$;
create trigger audit_keep before update or delete on tare.audit_event
    for each row execute function tare.audit_keep();
create trigger audit_keep_all before truncate on tare.audit_event
    for each statement execute function tare.audit_keep();
create trigger audit_head_keep before delete on tare.audit_head
    for each row execute function tare.audit_keep();
create trigger audit_head_keep_all before truncate on tare.audit_head
    for each statement execute function tare.audit_keep();

create function tare.audit(p_action text, p_run bigint, p_subject text, p_detail jsonb default '{}')
    returns void
language sql security definer set search_path = pg_catalog, tare, pg_temp as $$
    insert into tare.audit_event (action, run, subject, detail)
    values (p_action, p_run, left(p_subject, 4000), coalesce(p_detail, '{}')::text)
$$;

-- The verdict over the whole chain, and the first position that does not fit; nothing of what the events say.
create function tare.audit_verify(out intact boolean, out events bigint, out broken_at bigint, out head text,
                                  out message text)
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_head tare.audit_head;
    v_last bigint;
begin
    select * into v_head from tare.audit_head where id = 1;
    select count(*), max(position) into events, v_last from tare.audit_event;
    -- Where row n is gone the place that breaks is n, not n + 1: compare with the place it should have.
    select least(t.position, t.place) into broken_at
    from (select e.position, row_number() over w as place, e.digest, e.previous,
                 lag(e.digest, 1, decode(repeat('00', 32), 'hex')) over w as before,
                 tare.audit_digest(e) as right_digest
          from tare.audit_event e window w as (order by e.position)) t
    where t.position <> t.place or t.previous <> t.before or t.digest <> t.right_digest
    order by t.position limit 1;
    head := encode(v_head.digest, 'hex');
    if broken_at is null and (v_head.position is null or v_head.position <> coalesce(v_last, 0)
       or (v_last is not null
           and v_head.digest <> (select e.digest from tare.audit_event e where e.position = v_last))) then
        broken_at := least(coalesce(v_last, 0), coalesce(v_head.position, 0)) + 1;
    end if;
    intact := broken_at is null;
    message := case when intact then format('the audit chain of %s events is intact', events)
                    else format('the audit chain is broken at position %s: an event was changed, removed or '
                                'reordered', broken_at) end;
end $$;

-- Whether the caller may move the clock: private cluster, or a tare_admin.
create function tare.clock_movable() returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select (select private from tare.ledger where id = 1) or tare.holds_role(session_user, 'tare_admin')
$$;

-- Moves the clock of this session; true where that was allowed.
create function tare.clock_set(p_now timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_token uuid := gen_random_uuid();
begin
    if not tare.clock_movable() then
        return false;
    end if;
    delete from tare.clock_override where made_at < clock_timestamp() - interval '7 days';
    insert into tare.clock_override values (v_token, session_user, p_now - clock_timestamp(),
        clock_timestamp());
    perform set_config('tare.clock', v_token::text, false);
    perform tare.audit('clock.override', null, null,
        jsonb_build_object('to', to_char(p_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'real',
            to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
    return true;
end $$;

-- Events that programs add. Names the ledger writes itself are not theirs to use.
create function tare.audit_append(p_action text, p_run bigint, p_subject text, p_detail jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_operator', 'add audit events');
    if p_action !~ '^(conductor|gate|apply|rollback|report)(\.[a-z-]+)+$' then
        perform tare.fail('TA065', format('"%s" is no audit action of a program', left(p_action, 80)));
    end if;
    if octet_length(p_detail::text) > 65536 then
        perform tare.fail('TA065', 'the detail of an audit event is larger than 64 KiB');
    end if;
    perform tare.audit(p_action, p_run, p_subject, p_detail);
end $$;

-- RFC 3339 in UTC.
create function tare.rfc3339(p timestamptz) returns text
language sql stable set search_path = pg_catalog, tare, pg_temp as $$
    select to_char(p at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
