-- Handing out the audit trail, and letting go of what is old.

-- ---- The audit trail for keeping elsewhere ----

-- A time as the digest of an event covers it.
create function tare.audit_time(p timestamptz) returns text
language sql stable set search_path = pg_catalog, tare, pg_temp as $$
    select to_char(p at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- The end of the chain: what to keep elsewhere. It tells of no run.
create function tare.audit_anchor(out ledger uuid, out "position" bigint, out digest text, out at text)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select l.identity, h.position, encode(h.digest, 'hex'), tare.audit_time(e.at)
    from tare.audit_head h join tare.ledger l on l.id = 1
    left join tare.audit_event e on e.position = h.position
    where h.id = 1
$$;

-- Whether the chain has the events of anchors that were kept elsewhere: holds, differs, or beyond its end.
create function tare.audit_anchors(p_anchors jsonb) returns table ("position" bigint, state text)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select a."position", case
        when a."position" = 0 then case when a.digest = repeat('00', 32) then 'holds' else 'differs' end
        when a."position" > coalesce((select max(m.position) from tare.audit_event m), 0) then 'beyond'
        when encode(e.digest, 'hex') = a.digest and coalesce(a.at = tare.audit_time(e.at), true) then 'holds'
        else 'differs' end
    from jsonb_to_recordset(p_anchors) a ("position" bigint, digest text, at text)
    left join tare.audit_event e on e.position = a."position"
$$;

-- A page of events with everything that their digests cover. All teams' events are in it: for logins that see everything.
create function tare.audit_page(p_after bigint, p_to bigint, p_limit integer)
returns table ("position" bigint, at text, actor text, action text, run bigint, subject text, detail text, previous text,
               digest text)
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_viewer', 'read the audit trail');
    if not tare.sees_everything() then
        perform tare.fail('TA077',
            format('%s is narrowed to namespaces, and the whole audit trail tells of all of them', session_user),
            'somebody who sees everything exports it; tare audit list shows your part');
    end if;
    return query
        select e.position, tare.audit_time(e.at), e.actor, e.action, e.run, e.subject::text, e.detail,
               encode(e.previous, 'hex'), encode(e.digest, 'hex')
        from tare.audit_event e where e.position > p_after and e.position <= p_to
        order by e.position limit least(p_limit, 10000);
end $$;

-- ---- What was pruned says so ----

-- The row of an artifact stays, with digest, kind and size; its bytes go, and it is not `complete` until somebody stores them again.
alter table tare.artifact add column pruned_at timestamptz, add column pruned_by text;
alter table tare.run add column pruned_at timestamptz, add column pruned_by text;
alter table tare.change add column pruned_at timestamptz, add column pruned_by text,
    alter column before_image drop not null, add check (before_image is not null or pruned_at is not null);
create index run_kept on tare.run (cluster, created) where pruned_at is null;
create index change_images on tare.change (run) where before_image is not null;

create function tare.artifact_guard() returns trigger
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if new.digest <> old.digest or new.kind <> old.kind or new.size <> old.size or new.encoding <> old.encoding
       or (old.complete and (new.complete or new.pruned_at is null or new.stored_at <> old.stored_at)) then
        perform tare.fail('TA077', 'stored artifacts are not changed');
    end if;
    if new.complete and old.pruned_at is not null then
        new.pruned_at := null;
        new.pruned_by := null;
        new.stored_at := tare.now();
    end if;
    return new;
end $$;
drop trigger artifact_keep on tare.artifact;
create trigger artifact_guard before update on tare.artifact for each row execute function tare.artifact_guard();

-- What stands in the bytes of an artifact can be taken over only while they are there. The row's lock makes pruning wait, or this.
create function tare.attempt_has_bytes() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_artifact tare.artifact;
begin
    select * into v_artifact from tare.artifact where digest = new.artifact for key share;
    if found and not v_artifact.complete then
        if new.inherited_from is not null then
            perform tare.fail('TA066',
                format('the %s of run %s was pruned at %s by %s', new.stage,
                    (select run from tare.attempt where id = new.inherited_from), tare.rfc3339(v_artifact.pruned_at),
                    v_artifact.pruned_by),
                'tare run makes a new run');
        end if;
        perform tare.fail('TA075', format('artifact %s was pruned just now', new.artifact), 'run the same command again');
    end if;
    return new;
end $$;
create trigger attempt_has_bytes before insert or update of artifact on tare.attempt
    for each row when (new.artifact is not null) execute function tare.attempt_has_bytes();

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
    if new.state <> old.state and not exists (
        select 1 from tare.change_move where from_state = old.state and to_state = new.state) then
        perform tare.fail('TA077',
            format('%s in run %s is %s and cannot become %s', old.object, old.run, old.state, new.state),
            format('tare status %s', old.run));
    end if;
    return new;
end $$;

-- Notifications are kept until they have ended; then they may be pruned.
drop trigger notification_keep on tare.notification;
create trigger notification_keep before delete on tare.notification
    for each row when (old.state = 'waiting') execute function tare.row_keep();

-- Says so where what a rollback needs was pruned.
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
    perform tare.audit('rollback.begun', p_run, null, jsonb_build_object('from', v_run.state));
end $$;

-- ---- What may go ----

-- Whether a run could still be put back: it wrote something that was not rolled back, and the bytes before are there.
create function tare.run_restorable(p_run bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select exists (select 1 from tare.change c
                   where c.run = p_run and c.before_image is not null and c.state not in ('planned', 'rolled-back'))
$$;

-- Runs that may go, oldest first: ended more than p_older_seconds ago (null: whenever), not among the newest p_keep of their cluster
-- (null: however many), not open, nothing left half changed, and not what was applied last in its cluster. `images`: what stood there
-- before goes too, since it can be put back no more, or its last change is more than p_images_seconds ago (null: it stays).
create function tare.prune_runs(p_older_seconds bigint, p_keep integer, p_images_seconds bigint)
returns table (run bigint, images boolean)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with ranked as materialized (
        select r.id, r.state, r.state_since, r.pruned_at,
               row_number() over (partition by r.cluster order by r.id desc) as place,
               row_number() over (partition by r.cluster, r.state order by r.state_since desc, r.id desc) as place_in_state
        from tare.run r
    ), old as materialized (
        select k.* from ranked k
        where (p_older_seconds is not null or p_keep is not null)
          and k.state in ('unchanged', 'rejected', 'expired', 'superseded', 'applied', 'rolled-back', 'failed')
          and not (k.state = 'applied' and k.place_in_state = 1)
          and (p_older_seconds is null or k.state_since < tare.now() - make_interval(secs => p_older_seconds))
          and (p_keep is null or k.place > p_keep)
          and not exists (select 1 from tare.change c where c.run = k.id
                          and c.state in ('writing', 'written', 'verifying', 'rolling-back', 'rollback-failed'))
    ), judged as (
        select o.id, o.pruned_at, c.held > 0 and (c.restorable = 0 or c.last < tare.now() - make_interval(secs => p_images_seconds)) as images
        from old o cross join lateral (
            select count(*) filter (where x.before_image is not null) as held,
                   count(*) filter (where x.before_image is not null and x.state not in ('planned', 'rolled-back')) as restorable,
                   max(x.updated) as last
            from tare.change x where x.run = o.id) c
    )
    select j.id, coalesce(j.images, false) from judged j where j.pruned_at is null or j.images order by j.id
$$;

-- Artifacts whose bytes nothing needs once p_runs are pruned, those in p_bare without a way back: every run that has them is pruned, and
-- none that could be put back has them as its gate's, which a rollback reads.
create function tare.prune_artifacts(p_runs bigint[], p_bare bigint[]) returns table (digest text, size bigint)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select f.digest::text, f.size from tare.artifact f
    where f.complete and exists (select 1 from tare.attempt a join tare.run r on r.id = a.run
                                 where a.artifact = f.digest and (r.id = any (p_runs) or r.pruned_at is not null))
      and not exists (
        select 1 from tare.attempt a join tare.run r on r.id = a.run
        where a.artifact = f.digest
          and (not (r.id = any (p_runs) or r.pruned_at is not null)
               or (a.stage = 'gate' and not r.id = any (p_bare) and tare.run_restorable(r.id))))
$$;

-- The first day of each cluster's history that a run which is kept, or the next one, is told of.
create function tare.prune_days(p_runs bigint[]) returns table (cluster text, first_day date)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select c.cluster, least((tare.now() at time zone 'UTC')::date, min((r.created at time zone 'UTC')::date)) - 90
    from (select distinct h.cluster from tare.series_history h) c
    left join tare.run r on r.cluster = c.cluster and r.pruned_at is null and not r.id = any (p_runs)
    group by c.cluster
$$;

-- Exchanges with an LLM that may go: of runs whose analysis nobody keeps, or of none and old; never of this month, whose bill is not closed.
create function tare.prune_exchanges(p_runs bigint[], p_gone text[], p_older_seconds bigint) returns table (key text, bytes bigint)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select e.key, pg_column_size(e.*)::bigint from tare.llm_exchange e left join tare.run r on r.id = e.run
    where e.at < date_trunc('month', tare.now() at time zone 'UTC') at time zone 'UTC'
      and case when e.run is null then e.at < tare.now() - make_interval(secs => p_older_seconds)
          else (r.pruned_at is not null or r.id = any (p_runs))
               and not exists (select 1 from tare.attempt a join tare.artifact f on f.digest = a.artifact
                               where a.run = e.run and a.stage = 'analyze' and f.complete and f.digest <> all (p_gone)) end
$$;

-- What pruning would take now: rows and bytes of each kind.
create function tare.prune_plan(p_older_seconds bigint, p_keep integer, p_images_seconds bigint) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_runs bigint[];
    v_bare bigint[];
    v_gone text[];
    v_out jsonb;
begin
    perform tare.prune_allowed();
    select coalesce(array_agg(p.run), '{}'), coalesce(array_agg(p.run) filter (where p.images), '{}') into v_runs, v_bare
    from tare.prune_runs(p_older_seconds, p_keep, p_images_seconds) p;
    select coalesce(array_agg(a.digest), '{}'),
           jsonb_build_object('artifacts', jsonb_build_object('rows', count(*), 'bytes', coalesce(sum(a.size), 0)))
    into v_gone, v_out from tare.prune_artifacts(v_runs, v_bare) a;
    return v_out || jsonb_build_object('runs', cardinality(v_runs))
        || (select jsonb_build_object('before_images', jsonb_build_object('rows', count(*),
                'bytes', coalesce(sum(octet_length(c.before_image)), 0)))
            from tare.change c where c.run = any (v_bare) and c.before_image is not null)
        || (select jsonb_build_object('series_history', jsonb_build_object('rows', count(*),
                'bytes', coalesce(sum(pg_column_size(h.*)), 0)))
            from tare.series_history h join tare.prune_days(v_runs) d on d.cluster = h.cluster and h.day < d.first_day
            where p_older_seconds is not null or p_keep is not null)
        || (select jsonb_build_object('llm_exchanges', jsonb_build_object('rows', count(*), 'bytes', coalesce(sum(e.bytes), 0)))
            from tare.prune_exchanges(v_runs, v_gone, p_older_seconds) e)
        || (select jsonb_build_object('notifications', jsonb_build_object('rows', count(*),
                'bytes', coalesce(sum(pg_column_size(n.*)), 0)))
            from tare.notification n where n.state <> 'waiting'
              and (n.run = any (v_runs) or exists (select 1 from tare.run r where r.id = n.run and r.pruned_at is not null)))
        || (select jsonb_build_object('clock_overrides', jsonb_build_object('rows', count(*),
                'bytes', coalesce(sum(pg_column_size(o.*)), 0)))
            from tare.clock_override o where o.made_at < clock_timestamp() - interval '7 days'
              and (p_older_seconds is not null or p_keep is not null));
end $$;

-- Who prunes must see what goes.
create function tare.prune_allowed() returns void
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_admin', 'prune the ledger');
    if not tare.sees_everything() then
        perform tare.fail('TA077', format('%s is narrowed to namespaces and may not prune what it does not see', session_user),
            'somebody who sees everything prunes');
    end if;
end $$;

-- Locks runs of a list as far as nobody works on them, and gives those.
create function tare.prune_take(p_runs bigint[]) returns bigint[]
language plpgsql volatile set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_id bigint;
    v_taken bigint[] := '{}';
begin
    for v_id in select r.id from tare.run r where r.id = any (p_runs) order by r.id for update skip locked loop
        if pg_try_advisory_xact_lock(tare.apply_key(v_id)) and pg_try_advisory_xact_lock(tare.lock_key('run', v_id::text)) then
            v_taken := v_taken || v_id;
        end if;
    end loop;
    return v_taken;
end $$;

-- Takes the bytes of artifacts that nothing needs any more; rows and bytes. What somebody is just taking over is left.
create function tare.prune_bytes() returns table (digests text[], bytes bigint)
language plpgsql volatile set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_locked text[];
begin
    select array_agg(x.digest) into v_locked
    from (select f.digest::text from tare.artifact f
          where f.digest in (select a.digest from tare.prune_artifacts('{}', '{}') a)
          order by f.digest for update skip locked) x;
    -- Asked again: by now the locks are held, and whoever took one over before is seen.
    select coalesce(array_agg(a.digest), '{}'), coalesce(sum(a.size), 0) into digests, bytes
    from tare.prune_artifacts('{}', '{}') a where a.digest = any (v_locked);
    delete from tare.artifact_chunk c where c.digest = any (digests);
    update tare.artifact f set complete = false, pruned_at = tare.now(), pruned_by = session_user where f.digest = any (digests);
    return next;
end $$;

-- Takes up to p_limit runs (`of_runs`), or, where none is left, what is old beside them; one transaction, one audit event. Gives what
-- went as prune_plan does; nothing at all where there was nothing left to do.
create function tare.prune_step(p_older_seconds bigint, p_keep integer, p_images_seconds bigint, p_limit integer)
    returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_runs bigint[];
    v_bare bigint[];
    v_n record;
    v_out jsonb := '{}';
begin
    perform tare.prune_allowed();
    if p_older_seconds is null and p_keep is null then
        return v_out;
    end if;
    select tare.prune_take(array_agg(x.run)) into v_runs
    from (select p.run from tare.prune_runs(p_older_seconds, p_keep, p_images_seconds) p limit greatest(p_limit, 1)) x;
    -- Judged again now that nobody else moves them.
    select coalesce(array_agg(p.run), '{}'), coalesce(array_agg(p.run) filter (where p.images), '{}') into v_runs, v_bare
    from tare.prune_runs(p_older_seconds, p_keep, p_images_seconds) p where p.run = any (v_runs);
    update tare.run set pruned_at = coalesce(pruned_at, tare.now()), pruned_by = coalesce(pruned_by, session_user)
    where id = any (v_runs);
    with gone as (select c.id, octet_length(c.before_image) as size from tare.change c
                  where c.run = any (v_bare) and c.before_image is not null),
         done as (update tare.change c set before_image = null, pruned_at = tare.now(), pruned_by = session_user
                  from gone g where c.id = g.id)
    select count(*) as rows, coalesce(sum(g.size), 0) as bytes into v_n from gone g;
    v_out := tare.prune_note(v_out, 'before_images', v_n.rows, v_n.bytes);
    select cardinality(b.digests) as rows, b.bytes into v_n from tare.prune_bytes() b;
    v_out := tare.prune_note(v_out, 'artifacts', v_n.rows, v_n.bytes);
    with gone as (delete from tare.llm_exchange e using tare.prune_exchanges('{}', '{}', p_older_seconds) x where e.key = x.key
                  returning x.bytes)
    select count(*) as rows, coalesce(sum(g.bytes), 0) as bytes into v_n from gone g;
    v_out := tare.prune_note(v_out, 'llm_exchanges', v_n.rows, v_n.bytes);
    with gone as (delete from tare.notification n using tare.run r
                  where r.id = n.run and r.pruned_at is not null and n.state <> 'waiting' returning pg_column_size(n.*) as bytes)
    select count(*) as rows, coalesce(sum(g.bytes), 0) as bytes into v_n from gone g;
    v_out := tare.prune_note(v_out, 'notifications', v_n.rows, v_n.bytes);
    if cardinality(v_runs) = 0 then
        v_out := tare.prune_beside(v_out);
    end if;
    if cardinality(v_runs) > 0 then
        v_out := v_out || jsonb_build_object('runs', to_jsonb(v_runs));
    end if;
    if v_out <> '{}' then
        perform tare.audit('prune.done', null, null, v_out || jsonb_strip_nulls(jsonb_build_object('older_than_seconds', p_older_seconds,
            'keep_runs', p_keep, 'before_images_seconds', p_images_seconds)));
    end if;
    return v_out;
end $$;

-- A kind of thing that went, added to what did.
create function tare.prune_note(p_out jsonb, p_kind text, p_rows bigint, p_bytes numeric) returns jsonb
language sql immutable set search_path = pg_catalog, tare, pg_temp as $$
    select case when p_rows = 0 then p_out
                else p_out || jsonb_build_object(p_kind, jsonb_build_object('rows', p_rows, 'bytes', p_bytes)) end
$$;

-- History that no kept run was told of and no later one will be, at most so much that a transaction stays short; clocks that were moved.
create function tare.prune_beside(p_out jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_n record;
    v_out jsonb := p_out;
begin
    with old as (select h.ctid as place from tare.series_history h join tare.prune_days('{}') d
                     on d.cluster = h.cluster and h.day < d.first_day limit 50000),
         gone as (delete from tare.series_history h using old o where h.ctid = o.place returning pg_column_size(h.*) as bytes)
    select count(*) as rows, coalesce(sum(g.bytes), 0) as bytes into v_n from gone g;
    v_out := tare.prune_note(v_out, 'series_history', v_n.rows, v_n.bytes);
    with gone as (delete from tare.clock_override o where o.made_at < clock_timestamp() - interval '7 days'
                  returning pg_column_size(o.*) as bytes)
    select count(*) as rows, coalesce(sum(g.bytes), 0) as bytes into v_n from gone g;
    return tare.prune_note(v_out, 'clock_overrides', v_n.rows, v_n.bytes);
end $$;

-- ---- How large it is ----

-- Bytes on disk of the database and of each part of the ledger, largest first, and how many runs have their artifacts.
create function tare.ledger_size() returns jsonb
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with part as (
        select case when c.relname in ('artifact', 'artifact_chunk') then 'artifacts'
                    when c.relname = 'change' then 'before-images'
                    when c.relname = 'series_history' then 'series history'
                    when c.relname = 'llm_exchange' then 'exchanges with an LLM'
                    when c.relname like 'notification%' then 'notifications'
                    when c.relname like 'audit%' then 'audit trail'
                    when c.relname in ('result', 'plan_requirement') then 'rows of workloads'
                    else 'the rest' end as name,
               sum(pg_catalog.pg_total_relation_size(c.oid))::bigint as bytes
        from pg_catalog.pg_class c
        where c.relnamespace = 'tare'::regnamespace and c.relkind = 'r' group by 1)
    select jsonb_build_object('database_bytes', pg_catalog.pg_database_size(current_database()),
        'parts', (select jsonb_agg(jsonb_build_object('part', p.name, 'bytes', p.bytes)
                                   order by p.name = 'the rest', p.bytes desc, p.name) from part p),
        'runs', case when tare.sees_everything() then
            (select count(distinct a.run) from tare.attempt a join tare.artifact f on f.digest = a.artifact where f.complete) end)
$$;

-- Rows and bytes of what pruning can take, as they are stored now.
create function tare.prune_counts() returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.prune_allowed();
    return (select jsonb_agg(jsonb_build_object('table', t.name, 'rows', t.rows, 'bytes', t.bytes) order by t.place) from (
        select 1 as place, 'artifacts' as name, (select count(*) from tare.artifact where complete) as rows,
               coalesce(sum(pg_column_size(content)), 0) as bytes from tare.artifact_chunk
        union all select 2, 'before-images', count(before_image), coalesce(sum(pg_column_size(before_image)), 0) from tare.change
        union all select 3, 'series history', count(*), coalesce(sum(pg_column_size(h.*)), 0) from tare.series_history h
        union all select 4, 'exchanges with an LLM', count(*), coalesce(sum(pg_column_size(e.*)), 0) from tare.llm_exchange e
        union all select 5, 'notifications', count(*), coalesce(sum(pg_column_size(n.*)), 0) from tare.notification n
        union all select 6, 'moved clocks', count(*), coalesce(sum(pg_column_size(o.*)), 0) from tare.clock_override o) t);
end $$;

revoke all on function
    tare.audit_time(timestamptz), tare.audit_anchor(), tare.audit_anchors(jsonb),
    tare.audit_page(bigint, bigint, integer), tare.artifact_guard(), tare.attempt_has_bytes(), tare.run_restorable(bigint),
    tare.prune_runs(bigint, integer, bigint), tare.prune_artifacts(bigint[], bigint[]), tare.prune_days(bigint[]),
    tare.prune_exchanges(bigint[], text[], bigint), tare.prune_plan(bigint, integer, bigint), tare.prune_allowed(),
    tare.prune_take(bigint[]), tare.prune_bytes(), tare.prune_step(bigint, integer, bigint, integer),
    tare.prune_note(jsonb, text, bigint, numeric), tare.prune_beside(jsonb), tare.ledger_size(), tare.prune_counts()
from public;
grant execute on function
    tare.audit_anchor(), tare.audit_anchors(jsonb), tare.audit_page(bigint, bigint, integer),
    tare.prune_plan(bigint, integer, bigint), tare.prune_step(bigint, integer, bigint, integer), tare.prune_counts(),
    tare.ledger_size()
to tare_viewer;
