-- Runs, who may see them, the attempts at their stages, and the artifacts those gave.

create table tare.run (
    id bigint generated always as identity primary key,
    parent bigint references tare.run,
    superseded_by bigint references tare.run,
    state text not null default 'running',
    state_since timestamptz not null,
    created timestamptz not null,
    requested_by text not null,
    cluster tare.short_text not null,
    target text not null check (target in ('files', 'cluster')),
    program tare.short_text not null,
    batch tare.short_text,
    schedule tare.short_text,
    settings jsonb not null default '{}',
    namespaces text[],
    reason tare.short_text,
    next_opening timestamptz,
    plan_digest tare.digest,
    plan_at timestamptz,
    plan_expires timestamptz,
    approval_life interval
);
create index run_state on tare.run (state, id);
create index run_parent on tare.run (parent) where parent is not null;
create index run_batch on tare.run (batch) where batch is not null;

-- Legal moves, as design section 4 has them.
create table tare.run_move (from_state text, to_state text, primary key (from_state, to_state));
insert into tare.run_move
select m.from_state, unnest(m.to_states) from (values
    ('running', array['awaiting-approval', 'approved', 'unchanged', 'failed']),
    ('awaiting-approval', array['approved', 'rejected', 'expired', 'superseded']),
    ('approved', array['awaiting-approval', 'applying', 'refused', 'superseded', 'expired']),
    ('refused', array['applying', 'expired', 'superseded']),
    ('applying', array['applied', 'rolled-back', 'failed']),
    ('applied', array['rolled-back']),
    ('failed', array['rolled-back']),
    ('rolled-back', array['applied', 'failed'])) m (from_state, to_states);

create function tare.run_guard() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if new.id <> old.id or new.requested_by <> old.requested_by or new.created <> old.created
       or new.parent is distinct from old.parent or new.cluster <> old.cluster or new.target <> old.target
       or (old.plan_digest is not null and new.plan_digest is distinct from old.plan_digest) then
        perform tare.fail('TA077', format('what run %s was asked and its plan cannot be changed', old.id),
            format('tare rerun %s --from STAGE', old.id));
    end if;
    if new.state = old.state then
        return new;
    end if;
    if not exists (select 1 from tare.run_move where from_state = old.state and to_state = new.state) then
        perform tare.fail('TA077', format('run %s is %s and cannot become %s', old.id, old.state, new.state),
            format('tare status %s', old.id));
    end if;
    new.state_since := tare.now();
    return new;
end $$;
create trigger run_guard before update on tare.run for each row execute function tare.run_guard();

create function tare.run_record() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        perform tare.audit('run.created', new.id, null,
            jsonb_build_object('cluster', new.cluster, 'target', new.target, 'program', new.program, 'parent',
                new.parent, 'created', tare.rfc3339(new.created), 'settings',
                encode(sha256(convert_to(new.settings::text, 'UTF8')), 'hex')));
    elsif new.state <> old.state then
        perform tare.audit('run.' || new.state, new.id, null,
            jsonb_strip_nulls(jsonb_build_object(
                'from', old.state, 'reason', new.reason, 'plan', new.plan_digest,
                'superseded_by', new.superseded_by, 'next_opening', tare.rfc3339(new.next_opening))));
    end if;
    return null;
end $$;
create trigger run_record after insert or update on tare.run for each row execute function tare.run_record();

create function tare.row_keep() returns trigger
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.fail('TA077', format('rows of %s stay as they are', tg_table_name));
    return null;
end $$;
create trigger run_keep before delete on tare.run for each row execute function tare.row_keep();
create trigger run_keep_all before truncate on tare.run for each statement execute function tare.row_keep();

-- ---- Who sees what ----

-- A login with rows here sees only these namespaces; one without sees what its group role may see.
create table tare.login_namespace (
    login text not null,
    namespace text not null,
    cluster text not null default '*',
    granted_by text not null,
    granted_at timestamptz not null,
    primary key (login, namespace, cluster)
);

create function tare.login_sees(p_login text, p_cluster text, p_namespace text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select not exists (select 1 from tare.login_namespace m where m.login = p_login)
        or exists (select 1 from tare.login_namespace m
                   where m.login = p_login and m.namespace = p_namespace and m.cluster in ('*', p_cluster))
$$;

create function tare.sees_namespace(p_cluster text, p_namespace text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select tare.login_sees(session_user, p_cluster, p_namespace)
$$;

-- A run is seen whole or not at all. Until its namespaces are known only its requester, and logins that are
-- not narrowed, see it.
create function tare.sees_whole(p_cluster text, p_namespaces text[], p_requester text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select not exists (select 1 from tare.login_namespace m where m.login = session_user)
        or (p_namespaces is null and p_requester = session_user)
        or (p_namespaces is not null
            and not exists (select 1 from unnest(p_namespaces) n
                            where not tare.login_sees(session_user, p_cluster, n)))
$$;

create function tare.sees_run(p_run bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select exists (select 1 from tare.run r
                   where r.id = p_run and tare.sees_whole(r.cluster, r.namespaces, r.requested_by))
$$;

create function tare.no_run(p_run bigint) returns void
language sql set search_path = pg_catalog, tare, pg_temp as $$
    select tare.fail('TA066', format('run %s does not exist, or is not yours to see', p_run), 'tare status')
$$;

-- The run, locked for a change; refused where it does not exist or is not the caller's to see.
create function tare.run_take(p_run bigint) returns tare.run
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    select * into v_run from tare.run where id = p_run for update;
    if not found or not tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by) then
        perform tare.no_run(p_run);
    end if;
    return v_run;
end $$;

-- ---- Session locks ----

-- Keys of advisory locks: the first 8 bytes of a sha256, so that any text can be one.
create function tare.lock_key(variadic p_parts text[]) returns bigint
language sql immutable set search_path = pg_catalog, tare, pg_temp as $$
    select ('x' || substr(encode(sha256(convert_to('tare' || array_to_string(p_parts, chr(31)), 'UTF8')),
        'hex'),
                          1, 16))::bit(64)::bigint
$$;

-- The backend that holds a key, null where none does.
create function tare.lock_holder(p_key bigint) returns integer
language sql volatile set search_path = pg_catalog, tare, pg_temp as $$
    select pid from pg_catalog.pg_locks
    where locktype = 'advisory' and objsubid = 1 and granted
      and database = (select oid from pg_catalog.pg_database where datname = current_database())
      and classid = ((p_key >> 32) & 4294967295)::oid and objid = (p_key & 4294967295)::oid
    limit 1
$$;

-- Takes a key once for this session; false where another session has it.
create function tare.lock_take(p_key bigint) returns boolean
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    return coalesce(tare.lock_holder(p_key) = pg_backend_pid(), false) or pg_try_advisory_lock(p_key);
end $$;

create function tare.run_lock(p_run bigint) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_key bigint := tare.lock_key('run', p_run::text);
begin
    perform tare.need_role('tare_operator', 'work on runs');
    if not tare.sees_run(p_run) then
        perform tare.no_run(p_run);
    end if;
    if not tare.lock_take(v_key) then
        perform tare.fail('TA075',
            format('run %s is being worked on by another tare (database session %s)', p_run,
            tare.lock_holder(v_key)), format('wait for it, or: tare status %s', p_run));
    end if;
end $$;

create function tare.run_unlock(p_run bigint) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_key bigint := tare.lock_key('run', p_run::text);
begin
    if tare.lock_holder(v_key) = pg_backend_pid() then
        perform pg_advisory_unlock(v_key);
    end if;
end $$;

-- ---- Making and failing runs ----

-- Who may move the clock may also say when a run starts, so that it can be repeated to the byte.
create function tare.run_create(p_cluster text, p_target text, p_program text, p_batch text, p_settings jsonb,
                                p_created timestamptz default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_id bigint;
    v_now timestamptz := date_trunc('second', tare.now());
begin
    perform tare.need_role('tare_operator', 'start runs');
    insert into tare.run (created, state_since, requested_by, cluster, target, program, batch, settings)
    values (case when p_created is not null and tare.clock_movable() then p_created else v_now end, v_now,
        session_user, p_cluster, p_target, p_program, p_batch, coalesce(p_settings, '{}'))
    returning id into v_id;
    return v_id;
end $$;

create function tare.run_namespaces(p_run bigint, p_namespaces text[]) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_operator', 'work on runs');
    perform tare.run_take(p_run);
    update tare.run set namespaces = (select coalesce(array_agg(distinct n order by n), '{}')
                                      from unnest(coalesce(namespaces, '{}') || p_namespaces) n
                                          where n is not null)
    where id = p_run;
end $$;

create function tare.run_fail(p_run bigint, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    perform tare.need_role('tare_operator', 'work on runs');
    v_run := tare.run_take(p_run);
    if v_run.state <> 'running' then
        perform tare.fail('TA077', format('run %s is %s and cannot become failed', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    update tare.run set state = 'failed', reason = left(p_reason, 4000) where id = p_run;
end $$;

-- ---- Artifacts ----

create table tare.artifact (
    digest tare.digest primary key,
    kind text not null check (kind ~ '^[a-z][a-z0-9-]{0,31}$'),
    size bigint not null check (size >= 0),
    encoding text not null default 'identity' check (encoding in ('identity', 'zstd')),
    complete boolean not null default false,
    stored_at timestamptz not null
);

create table tare.artifact_chunk (
    digest tare.digest not null references tare.artifact,
    sequence integer not null check (sequence >= 0),
    content bytea not null check (octet_length(content) between 1 and 262144),
    primary key (digest, sequence)
);

-- At commit no artifact is half there: what is not complete takes its transaction down with it.
create function tare.artifact_whole() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if exists (select 1 from tare.artifact where digest = new.digest and not complete) then
        perform tare.fail('TA065', format('artifact %s was not written to its end', new.digest));
    end if;
    return null;
end $$;
create constraint trigger artifact_whole after insert on tare.artifact
    deferrable initially deferred for each row execute function tare.artifact_whole();

create function tare.artifact_keep() returns trigger
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.fail('TA077', 'stored artifacts are not changed');
    return null;
end $$;
create trigger artifact_keep before update on tare.artifact
    for each row when (old.complete) execute function tare.artifact_keep();
create trigger artifact_chunk_keep before update on tare.artifact_chunk
    for each row execute function tare.artifact_keep();

-- ---- Attempts ----

create table tare.attempt (
    id bigint generated always as identity primary key,
    run bigint not null references tare.run,
    stage text not null check (stage ~ '^[a-z][a-z0-9-]{0,31}$'),
    number integer not null,
    state text not null default 'running' check (state in ('running', 'finished', 'failed', 'abandoned')),
    worked_by text not null,
    started timestamptz not null,
    ended timestamptz,
    input tare.digest,
    artifact tare.digest references tare.artifact,
    inherited_from bigint references tare.attempt,
    exit_code integer,
    message tare.short_text,
    detail jsonb not null default '{}',
    unique (run, stage, number),
    check ((state = 'finished') = (artifact is not null))
);
create index attempt_artifact on tare.attempt (artifact);

-- An artifact is seen by who sees a run that has it.
create function tare.sees_artifact(p_digest text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select exists (select 1 from tare.attempt a join tare.run r on r.id = a.run
                   where a.artifact = p_digest and tare.sees_whole(r.cluster, r.namespaces, r.requested_by))
$$;

create trigger attempt_keep before delete on tare.attempt for each row execute function tare.row_keep();

create function tare.attempt_guard() returns trigger
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if old.state <> 'running' then
        perform tare.fail('TA077', format('attempt %s is %s and stays so', old.id, old.state));
    end if;
    return new;
end $$;
create trigger attempt_guard before update on tare.attempt for each row execute function tare.attempt_guard();

create function tare.attempt_begin(p_run bigint, p_stage text, p_input text, p_detail jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_id bigint;
begin
    if p_stage <> 'report' then
        perform tare.run_lock(p_run);
    end if;
    perform tare.need_role('tare_operator', 'work on runs');
    v_run := tare.run_take(p_run);
    if p_stage not in ('apply', 'rollback', 'report') and v_run.state <> 'running' then
        perform tare.fail('TA077', format('run %s is %s, so its %s stands', p_run, v_run.state, p_stage),
            format('tare rerun %s --from %s', p_run, p_stage));
    end if;
    if p_stage <> 'report' then
        update tare.attempt set state = 'abandoned', ended = tare.now(), message = 'its process ended early'
        where run = p_run and stage = p_stage and state = 'running';
    end if;
    insert into tare.attempt (run, stage, number, worked_by, started, input, detail)
    select p_run, p_stage, coalesce(max(number), 0) + 1, session_user, tare.now(), p_input,
        coalesce(p_detail, '{}')
    from tare.attempt where run = p_run and stage = p_stage
    returning id into v_id;
    return v_id;
end $$;

-- The running attempt, for the login that began it.
create function tare.attempt_take(p_attempt bigint) returns tare.attempt
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_attempt tare.attempt;
begin
    perform tare.need_role('tare_operator', 'work on runs');
    select * into v_attempt from tare.attempt where id = p_attempt for update;
    if not found or v_attempt.worked_by <> session_user then
        perform tare.fail('TA066', format('attempt %s does not exist, or is not yours', p_attempt));
    end if;
    if v_attempt.state <> 'running' then
        perform tare.fail('TA077', format('attempt %s is %s and stays so', p_attempt, v_attempt.state));
    end if;
    return v_attempt;
end $$;

create function tare.attempt_fail(p_attempt bigint, p_exit_code integer, p_message text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_attempt tare.attempt := tare.attempt_take(p_attempt);
begin
    update tare.attempt set state = 'failed', ended = tare.now(), exit_code = p_exit_code,
                            message = left(p_message, 4000)
    where id = p_attempt;
    perform tare.audit('attempt.failed', v_attempt.run, v_attempt.stage,
        jsonb_build_object('attempt', p_attempt, 'exit', p_exit_code));
end $$;

-- Says what comes. True where the bytes are wanted, false where the ledger has them already.
create function tare.artifact_put(p_attempt bigint, p_digest text, p_kind text, p_size bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_have tare.artifact;
begin
    perform tare.attempt_take(p_attempt);
    insert into tare.artifact (digest, kind, size, stored_at) values (p_digest, p_kind, p_size, tare.now())
    on conflict do nothing;
    if found then
        return true;
    end if;
    select * into v_have from tare.artifact where digest = p_digest;
    if v_have.kind <> p_kind or v_have.size <> p_size then
        perform tare.fail('TA065',
            format('artifact %s is stored as %s of %s bytes, not as %s of %s bytes', p_digest, v_have.kind,
                v_have.size, p_kind, p_size));
    end if;
    return false;
end $$;

create function tare.artifact_chunk_put(p_digest text, p_sequence integer, p_content bytea) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_operator', 'work on runs');
    if not exists (select 1 from tare.artifact where digest = p_digest and not complete) then
        perform tare.fail('TA077', format('artifact %s takes no bytes (any more)', p_digest));
    end if;
    insert into tare.artifact_chunk values (p_digest, p_sequence, p_content);
end $$;

-- Marks the artifact complete and the attempt finished. Size and order of the pieces are checked here, the
-- digest too up to 64 MiB (Postgres has no running sha256); every reader checks it at any size.
create function tare.attempt_finish(p_attempt bigint, p_digest text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_attempt tare.attempt := tare.attempt_take(p_attempt);
    v_artifact tare.artifact;
    v_size bigint;
    v_count bigint;
    v_last integer;
begin
    select * into v_artifact from tare.artifact where digest = p_digest;
    if not found then
        perform tare.fail('TA065', format('artifact %s is not in the ledger', p_digest));
    end if;
    if not v_artifact.complete then
        select coalesce(sum(octet_length(content)), 0), count(*), coalesce(max(sequence), -1)
        into v_size, v_count, v_last from tare.artifact_chunk where digest = p_digest;
        if v_size <> v_artifact.size or v_count <> v_last + 1 then
            perform tare.fail('TA065',
                format('artifact %s has %s of its %s bytes', p_digest, v_size, v_artifact.size));
        end if;
        if v_size <= 67108864 and p_digest <> (
            select encode(sha256(coalesce(string_agg(content, ''::bytea order by sequence), ''::bytea)),
                'hex')
            from tare.artifact_chunk where digest = p_digest) then
            perform tare.fail('TA065', format('the bytes sent are not those of artifact %s', p_digest));
        end if;
        update tare.artifact set complete = true where digest = p_digest;
    end if;
    update tare.attempt set state = 'finished', ended = tare.now(), artifact = p_digest where id = p_attempt;
    perform tare.audit('attempt.finished', v_attempt.run, v_attempt.stage,
        jsonb_strip_nulls(jsonb_build_object('attempt', p_attempt, 'kind', v_artifact.kind,
                                             'artifact', p_digest, 'input', v_attempt.input)));
end $$;

-- ---- Rerun ----

create function tare.rerun(p_run bigint, p_keep text[], p_settings jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_id bigint;
    v_stage text;
    v_now timestamptz := date_trunc('second', tare.now());
begin
    perform tare.need_role('tare_operator', 'start runs');
    v_run := tare.run_take(p_run);
    if v_run.state = 'applying' then
        perform tare.fail('TA077', format('run %s is being applied', p_run),
            format('tare apply %s --resume, or tare rollback %s --resume', p_run, p_run));
    end if;
    if v_run.state = 'running' then
        perform tare.run_lock(p_run);
    end if;
    foreach v_stage in array coalesce(p_keep, '{}') loop
        if not exists (select 1 from tare.attempt where run = p_run and stage = v_stage
            and state = 'finished') then
            perform tare.fail('TA066', format('run %s has no finished %s to start from', p_run, v_stage),
                format('tare rerun %s --from %s', p_run, v_stage));
        end if;
    end loop;
    insert into tare.run (parent, created, state_since, requested_by, cluster, target, program, batch,
                          schedule, settings, namespaces)
    values (p_run, v_now, v_now, session_user, v_run.cluster, v_run.target, v_run.program, v_run.batch,
            v_run.schedule, coalesce(p_settings, v_run.settings), v_run.namespaces)
    returning id into v_id;
    insert into tare.attempt (run, stage, number, state, worked_by, started, ended, input, artifact,
                              inherited_from, detail)
    select distinct on (stage) v_id, stage, 1, state, worked_by, started, ended, input, artifact, id, detail
    from tare.attempt where run = p_run and state = 'finished' and stage = any (p_keep)
    order by stage, number desc;
    if v_run.state in ('awaiting-approval', 'approved', 'refused') then
        update tare.run set state = 'superseded', superseded_by = v_id, reason = format('rerun as run %s',
            v_id)
        where id = p_run;
    elsif v_run.state = 'running' then
        update tare.run set state = 'failed', superseded_by = v_id, reason = format('rerun as run %s', v_id)
        where id = p_run;
        perform tare.run_unlock(p_run);
    else
        update tare.run set superseded_by = v_id where id = p_run;
    end if;
    return v_id;
end $$;
