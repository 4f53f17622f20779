-- What models were asked and said: every call, failed ones too, and what came of asking about each workload, so that the same evidence is
-- not asked twice and a run's analysis can be done again without asking.

-- ---- Calls ----

-- A call is one row however often it is stored: its key is unique within its run. One run cannot take the place of another's.
alter table tare.llm_exchange drop constraint llm_exchange_pkey;
alter table tare.llm_exchange
    add column id bigint generated always as identity primary key,
    add column stage tare.short_text not null default 'analyze',
    add column asked_by text,
    add column outcome text not null default 'answered' check (outcome in ('answered', 'repaired', 'refused', 'failed')),
    add column error text check (octet_length(error) <= 8192),
    add column workloads integer check (workloads >= 0),
    add column cache_read_tokens bigint not null default 0,   -- of input_tokens
    add column cache_write_tokens bigint not null default 0,  -- of input_tokens
    add column batch boolean not null default false,
    alter column reply drop not null,
    alter column cost_microusd drop not null;                 -- null: the price is not known
create unique index llm_exchange_call on tare.llm_exchange (coalesce(run, 0), key);
create index llm_exchange_run on tare.llm_exchange (run);

-- A count of tokens or money: never less than nothing, and never so much that a sum could not hold it.
create function tare.llm_amount(p_amount bigint) returns bigint
language sql immutable set search_path = pg_catalog, tare, pg_temp as $$
    select case when p_amount is not null then least(greatest(p_amount, 0), 1000000000000) end
$$;

-- Tells how many were handed in, not how many were new: that would tell whether another team asked the same. What a program says of the
-- time lies between the run's start and now, and nothing is paid back: the month's bill is one.
create or replace function tare.llm_put(p_run bigint, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_now timestamptz := tare.now();
begin
    perform tare.need_role('tare_operator', 'store exchanges');
    if p_run is not null then
        v_run := tare.run_take(p_run);
    end if;
    insert into tare.llm_exchange (key, run, stage, asked_by, prompt_digest, provider, model, outcome, reply, error, workloads, input_tokens,
                                   output_tokens, cache_read_tokens, cache_write_tokens, cost_microusd, latency_ms, batch, at)
    select x.key, p_run, coalesce(x.stage, 'analyze'), session_user, x.prompt_digest, x.provider, x.model, coalesce(x.outcome, 'answered'),
           x.reply, left(x.error, 2000), x.workloads, coalesce(tare.llm_amount(x.input_tokens), 0),
           coalesce(tare.llm_amount(x.output_tokens), 0), coalesce(tare.llm_amount(x.cache_read_tokens), 0),
           coalesce(tare.llm_amount(x.cache_write_tokens), 0), tare.llm_amount(x.cost_microusd), x.latency_ms, coalesce(x.batch, false),
           least(v_now, greatest(coalesce(x.at, v_now), coalesce(v_run.created, v_now)))
    from jsonb_array_elements(p_rows) with ordinality e (item, place)
    cross join lateral jsonb_to_record(e.item) x (
        key text, stage text, prompt_digest text, provider text, model text, outcome text, reply text, error text, workloads integer,
        input_tokens bigint, output_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint, cost_microusd bigint,
        latency_ms bigint, batch boolean, at timestamptz)
    order by e.place
    on conflict do nothing;
    return jsonb_array_length(p_rows);
end $$;

-- ---- Answers ----

create table tare.llm_answer (
    id bigint generated always as identity primary key,  -- in the order in which they were told
    run bigint not null references tare.run,
    cluster text not null,
    namespace text not null,
    kind tare.short_text not null,
    name tare.short_text not null,
    provider tare.short_text not null,
    model tare.short_text not null,
    evidence tare.digest not null,
    key tare.digest not null,
    outcome text not null check (outcome in ('answered', 'refused', 'failed')),
    text text check (octet_length(text) <= 196608),
    reason text check (octet_length(reason) <= 16384),
    exchange tare.short_text,
    at timestamptz not null,
    check (case when outcome = 'answered' then text is not null else reason is not null end)
);
create index llm_answer_run on tare.llm_answer (run, id);
create index llm_answer_key on tare.llm_answer (cluster, key collate "C", at desc, id desc) where outcome <> 'failed';
alter table tare.llm_answer enable row level security;
create policy seen on tare.llm_answer for select using (tare.sees_namespace(cluster, namespace));
grant select on tare.llm_answer to tare_viewer;
create trigger llm_answer_keep before update on tare.llm_answer for each row execute function tare.row_keep();

-- Only who works on the analysis of a run, while it is under way, tells what came of it, and only of the run's namespaces. What was said
-- at another time was said then, but never later than now.
create function tare.answers_put(p_attempt bigint, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_attempt tare.attempt := tare.attempt_take(p_attempt);
    v_run tare.run;
    v_other text;
    v_now timestamptz := tare.now();
begin
    if v_attempt.stage <> 'analyze' then
        perform tare.fail('TA077', format('attempt %s is about %s: models are asked in analyze', p_attempt, v_attempt.stage));
    end if;
    select * into v_run from tare.run where id = v_attempt.run;
    perform tare.need_namespaces(v_run.cluster, array(select x.namespace from jsonb_to_recordset(p_rows) x (namespace text)));
    select x.namespace into v_other from jsonb_to_recordset(p_rows) x (namespace text)
    where not coalesce(x.namespace = any (v_run.namespaces), false) order by 1 limit 1;
    if found then
        perform tare.fail('TA077', format('namespace %s is not one of run %s', v_other, v_run.id));
    end if;
    insert into tare.llm_answer (run, cluster, namespace, kind, name, provider, model, evidence, key, outcome, text, reason, exchange, at)
    select v_run.id, v_run.cluster, x.namespace, x.kind, x.name, x.provider, x.model, x.evidence, x.key, x.outcome, x.text, x.reason,
           x.exchange, least(v_now, coalesce(x.at, v_now))
    from jsonb_array_elements(p_rows) with ordinality e (item, place)
    cross join lateral jsonb_to_record(e.item) x (
        namespace text, kind text, name text, provider text, model text, evidence text, key text, outcome text, text text, reason text,
        exchange text, at timestamptz)
    order by e.place;
    return jsonb_array_length(p_rows);
end $$;

-- The run whose rows tell what models said for the analysis that a run stands on: that of the attempt it took over, and where that was a
-- replay itself, the one that it replayed. Null where the run is not seen, or has no such row.
create function tare.answers_source(p_run bigint) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run bigint;
    v_replayed text;
begin
    if not tare.sees_run(p_run) then
        return null;
    end if;
    with recursive taken as (
        select a.id, a.run, a.inherited_from from tare.attempt a
        where a.id = (select x.id from tare.attempt x where x.run = p_run and x.stage = 'analyze' and x.state = 'finished'
                      order by x.number desc limit 1)
        union
        select b.id, b.run, b.inherited_from from tare.attempt b join taken t on b.id = t.inherited_from)
    select t.run into v_run from taken t where t.inherited_from is null;
    select r.settings #>> '{replay}' into v_replayed from tare.run r where r.id = v_run;
    if v_replayed ~ '^[0-9]{1,18}$' then
        v_run := v_replayed::bigint;
    end if;
    return (select v_run where tare.sees_run(v_run) and exists (select 1 from tare.llm_answer a where a.run = v_run));
end $$;

-- A page of what a run was told, in that order: p_limit rows after the row p_after. Who sees the run has all its namespaces.
create function tare.answers_of(p_run bigint, p_after bigint, p_limit integer) returns setof tare.llm_answer
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if tare.sees_run(p_run) then
        return query select a.* from tare.llm_answer a where a.run = p_run and a.id > p_after order by a.id limit p_limit;
    end if;
end $$;

-- A page of what a run may take for an answer without asking: of each key the newest answer about its cluster and namespaces that is not
-- older than p_age_seconds before it began, after the key p_after. That there was none is no answer.
create function tare.answers_young(p_run bigint, p_age_seconds bigint, p_after text, p_limit integer) returns setof tare.llm_answer
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    select * into v_run from tare.run where id = p_run;
    if not found or not tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by) then
        return;
    end if;
    return query
        select distinct on (a.key collate "C") a.* from tare.llm_answer a
        where a.cluster = v_run.cluster and a.outcome <> 'failed' and a.key collate "C" > p_after and a.namespace = any (v_run.namespaces)
          and a.at >= v_run.created - make_interval(secs => p_age_seconds)
        order by a.key collate "C", a.at desc, a.id desc limit p_limit;
end $$;

-- ---- Batches ----

-- Questions that a vendor took as a batch, by whoever works on the analysis: an attempt that goes on where another was killed fetches what
-- came instead of asking again.
create table tare.llm_batch (
    run bigint not null references tare.run,
    id text not null check (length(id) between 1 and 200),
    provider tare.short_text not null,
    model tare.short_text not null,
    questions tare.digest not null,
    at timestamptz not null,
    primary key (run, id)
);
alter table tare.llm_batch enable row level security;
create policy seen on tare.llm_batch for select using (tare.sees_run(run));
grant select on tare.llm_batch to tare_viewer;
create trigger llm_batch_keep before update or delete on tare.llm_batch for each row execute function tare.row_keep();

create function tare.llm_batches_put(p_attempt bigint, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_attempt tare.attempt := tare.attempt_take(p_attempt);
    v_now timestamptz := tare.now();
begin
    insert into tare.llm_batch (run, id, provider, model, questions, at)
    select v_attempt.run, x.id, x.provider, x.model, x.questions, least(v_now, coalesce(x.at, v_now))
    from jsonb_to_recordset(p_rows) x (id text, provider text, model text, questions text, at timestamptz)
    on conflict do nothing;
    return jsonb_array_length(p_rows);
end $$;

-- ---- What may go ----

-- Whether nobody keeps the analysis of a run any more, once p_runs and the bytes of p_gone are pruned.
create function tare.prune_analysis(p_run bigint, p_runs bigint[], p_gone text[]) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select exists (select 1 from tare.run r where r.id = p_run and (r.pruned_at is not null or r.id = any (p_runs)))
       and not exists (select 1 from tare.attempt a join tare.artifact f on f.digest = a.artifact
                       where a.run = p_run and a.stage = 'analyze' and f.complete and f.digest <> all (p_gone))
$$;

-- Answers of runs whose analysis nobody keeps.
create function tare.prune_answers(p_runs bigint[], p_gone text[]) returns table (id bigint, bytes bigint)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with gone as materialized (
        select r.id from (select distinct a.run as id from tare.llm_answer a) r where tare.prune_analysis(r.id, p_runs, p_gone))
    select a.id, pg_column_size(a.*)::bigint from tare.llm_answer a join gone g on g.id = a.run
$$;

-- Calls of runs whose analysis nobody keeps, or of none and old; never of this month, whose bill is not closed.
drop function tare.prune_exchanges(bigint[], text[], bigint);
create function tare.prune_exchanges(p_runs bigint[], p_gone text[], p_older_seconds bigint) returns table (id bigint, bytes bigint)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select e.id, pg_column_size(e.*)::bigint from tare.llm_exchange e
    where e.at < date_trunc('month', tare.now() at time zone 'UTC') at time zone 'UTC'
      and case when e.run is null then e.at < tare.now() - make_interval(secs => p_older_seconds)
          else tare.prune_analysis(e.run, p_runs, p_gone) end
$$;

-- As before, with the answers.
create or replace function tare.prune_plan(p_older_seconds bigint, p_keep integer, p_images_seconds bigint) returns jsonb
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
        || (select jsonb_build_object('llm_answers', jsonb_build_object('rows', count(*), 'bytes', coalesce(sum(a.bytes), 0)))
            from tare.prune_answers(v_runs, v_gone) a)
        || (select jsonb_build_object('notifications', jsonb_build_object('rows', count(*),
                'bytes', coalesce(sum(pg_column_size(n.*)), 0)))
            from tare.notification n where n.state <> 'waiting'
              and (n.run = any (v_runs) or exists (select 1 from tare.run r where r.id = n.run and r.pruned_at is not null)))
        || (select jsonb_build_object('clock_overrides', jsonb_build_object('rows', count(*),
                'bytes', coalesce(sum(pg_column_size(o.*)), 0)))
            from tare.clock_override o where o.made_at < clock_timestamp() - interval '7 days'
              and (p_older_seconds is not null or p_keep is not null));
end $$;

create or replace function tare.prune_step(p_older_seconds bigint, p_keep integer, p_images_seconds bigint, p_limit integer)
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
    with gone as (delete from tare.llm_exchange e using tare.prune_exchanges('{}', '{}', p_older_seconds) x where e.id = x.id
                  returning x.bytes)
    select count(*) as rows, coalesce(sum(g.bytes), 0) as bytes into v_n from gone g;
    v_out := tare.prune_note(v_out, 'llm_exchanges', v_n.rows, v_n.bytes);
    with gone as (delete from tare.llm_answer a using tare.prune_answers('{}', '{}') x where a.id = x.id returning x.bytes)
    select count(*) as rows, coalesce(sum(g.bytes), 0) as bytes into v_n from gone g;
    v_out := tare.prune_note(v_out, 'llm_answers', v_n.rows, v_n.bytes);
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

create or replace function tare.ledger_size() returns jsonb
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with part as (
        select case when c.relname in ('artifact', 'artifact_chunk') then 'artifacts'
                    when c.relname = 'change' then 'before-images'
                    when c.relname = 'series_history' then 'series history'
                    when c.relname = 'llm_exchange' then 'exchanges with an LLM'
                    when c.relname = 'llm_answer' then 'answers of models'
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

create or replace function tare.prune_counts() returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.prune_allowed();
    return (select jsonb_agg(jsonb_build_object('table', t.name, 'rows', t.rows, 'bytes', t.bytes) order by t.place) from (
        select 1 as place, 'artifacts' as name, (select count(*) from tare.artifact where complete) as rows,
               coalesce(sum(pg_column_size(content)), 0) as bytes from tare.artifact_chunk
        union all select 2, 'before-images', count(before_image), coalesce(sum(pg_column_size(before_image)), 0) from tare.change
        union all select 3, 'series history', count(*), coalesce(sum(pg_column_size(h.*)), 0) from tare.series_history h
        union all select 4, 'exchanges with an LLM', count(*), coalesce(sum(pg_column_size(e.*)), 0) from tare.llm_exchange e
        union all select 5, 'answers of models', count(*), coalesce(sum(pg_column_size(w.*)), 0) from tare.llm_answer w
        union all select 6, 'notifications', count(*), coalesce(sum(pg_column_size(n.*)), 0) from tare.notification n
        union all select 7, 'moved clocks', count(*), coalesce(sum(pg_column_size(o.*)), 0) from tare.clock_override o) t);
end $$;

revoke all on function
    tare.llm_amount(bigint), tare.llm_batches_put(bigint, jsonb), tare.answers_put(bigint, jsonb), tare.answers_source(bigint), tare.answers_of(bigint, bigint, integer),
    tare.answers_young(bigint, bigint, text, integer), tare.prune_analysis(bigint, bigint[], text[]),
    tare.prune_answers(bigint[], text[]), tare.prune_exchanges(bigint[], text[], bigint)
from public;
grant execute on function
    tare.llm_batches_put(bigint, jsonb), tare.answers_put(bigint, jsonb), tare.answers_source(bigint), tare.answers_of(bigint, bigint, integer),
    tare.answers_young(bigint, bigint, text, integer)
to tare_viewer;
