-- What later runs and people look back on: flat rows of each workload, extremes of series, exchanges with an
-- LLM.

create table tare.result (
    run bigint not null references tare.run,
    cluster text not null,
    namespace text not null,
    kind text not null,
    name text not null,
    action text,
    verdict text,
    confidence double precision,
    risk text,
    source text,
    cpu_before_millicores bigint,
    cpu_after_millicores bigint,
    memory_before_bytes bigint,
    memory_after_bytes bigint,
    monthly_before_microusd bigint,
    monthly_after_microusd bigint,
    monthly_saving_microusd bigint,
    detail jsonb,
    primary key (run, namespace, kind, name)
);
create index result_workload on tare.result (cluster, namespace, kind, name, run);

create table tare.series_history (
    cluster text not null,
    namespace text not null,
    kind text not null,
    name text not null,
    container text not null,
    series text not null,
    day date not null,
    minimum double precision,
    maximum double precision,
    mean double precision,
    samples bigint,
    detail jsonb,
    seen_at timestamptz not null,
    primary key (cluster, namespace, kind, name, container, series, day)
);
create index series_history_day on tare.series_history (cluster, day);

create table tare.llm_exchange (
    key text primary key check (length(key) between 1 and 200),
    run bigint references tare.run,
    prompt_digest tare.digest not null,
    provider tare.short_text not null,
    model tare.short_text not null,
    reply text not null check (octet_length(reply) <= 1048576),
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_microusd bigint not null default 0,
    latency_ms bigint,
    at timestamptz not null
);
create index llm_exchange_at on tare.llm_exchange (at);

create function tare.results_put(p_run bigint, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_count bigint;
begin
    perform tare.need_role('tare_operator', 'store results');
    v_run := tare.run_take(p_run);
    if v_run.state <> 'running' then
        perform tare.fail('TA077', format('run %s is %s: its results stand', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    delete from tare.result r using jsonb_to_recordset(p_rows) x (namespace text, kind text, name text)
    where r.run = p_run and r.namespace = x.namespace and r.kind = x.kind and r.name = x.name;
    insert into tare.result
    select p_run, v_run.cluster, x.* from jsonb_to_recordset(p_rows) x (
        namespace text, kind text, name text, action text, verdict text, confidence double precision,
            risk text,
        source text, cpu_before_millicores bigint, cpu_after_millicores bigint, memory_before_bytes bigint,
        memory_after_bytes bigint, monthly_before_microusd bigint, monthly_after_microusd bigint,
        monthly_saving_microusd bigint, detail jsonb)
    on conflict do nothing;
    get diagnostics v_count = row_count;
    return v_count;
end $$;

-- Keeps the wider of two views of one day: a later run may have seen less of it.
create function tare.series_put(p_cluster text, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_count bigint;
begin
    perform tare.need_role('tare_operator', 'store history');
    insert into tare.series_history as h
    select distinct on (x.namespace, x.kind, x.name, x.container, x.series, x.day) p_cluster, x.*, tare.now()
    from jsonb_to_recordset(p_rows) x (
        namespace text, kind text, name text, container text, series text, day date, minimum double precision,
        maximum double precision, mean double precision, samples bigint, detail jsonb)
    where tare.sees_namespace(p_cluster, x.namespace)
    order by x.namespace, x.kind, x.name, x.container, x.series, x.day, x.samples desc nulls last
    on conflict (cluster, namespace, kind, name, container, series, day) do update
    set minimum = least(h.minimum, excluded.minimum), maximum = greatest(h.maximum, excluded.maximum),
        mean = case when coalesce(excluded.samples, 0) >= coalesce(h.samples, 0) then excluded.mean
            else h.mean end,
        detail = case when coalesce(excluded.samples, 0) >= coalesce(h.samples, 0)
                      then excluded.detail else h.detail end,
        samples = greatest(h.samples, excluded.samples), seen_at = excluded.seen_at;
    get diagnostics v_count = row_count;
    return v_count;
end $$;

create function tare.llm_put(p_run bigint, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_count bigint;
begin
    perform tare.need_role('tare_operator', 'store exchanges');
    if p_run is not null then
        perform tare.run_take(p_run);
    end if;
    insert into tare.llm_exchange (key, run, prompt_digest, provider, model, reply, input_tokens,
                                   output_tokens, cost_microusd, latency_ms, at)
    select x.key, p_run, x.prompt_digest, x.provider, x.model, x.reply, coalesce(x.input_tokens, 0),
           coalesce(x.output_tokens, 0), coalesce(x.cost_microusd, 0), x.latency_ms, coalesce(x.at,
               tare.now())
    from jsonb_to_recordset(p_rows) x (
        key text, prompt_digest text, provider text, model text, reply text, input_tokens bigint,
        output_tokens bigint, cost_microusd bigint, latency_ms bigint, at timestamptz)
    on conflict do nothing;
    get diagnostics v_count = row_count;
    return v_count;
end $$;

-- Spent since the month began, over all exchanges, whoever may read them: the budget is one.
create function tare.llm_month(out tokens bigint, out microusd bigint)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select coalesce(sum(input_tokens + output_tokens), 0)::bigint, coalesce(sum(cost_microusd), 0)::bigint
    from tare.llm_exchange
    where at >= date_trunc('month', tare.now() at time zone 'UTC') at time zone 'UTC'
$$;

-- Rows of any run that wait for an approval this login may give; enough to decide from, without the
-- artifacts.
create function tare.mine()
returns table (run bigint, plan text, state text, namespace text, kind text, name text, required integer,
               valid bigint, risk text, saving_microusd bigint, reasons jsonb, result jsonb)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with c as materialized (
        select r.id, r.state, n.* from tare.run r cross join lateral tare.plan_counts(r, tare.now()) n
        where r.state in ('awaiting-approval', 'refused') and tare.holds_role(session_user, 'tare_approver')
          and not (tare.separation_wanted() and tare.had_hand(r.id, session_user))
    )
    select q.run, q.plan_digest::text, c.state, q.namespace, q.kind, q.name, q.required, c.valid, q.risk,
           q.saving_microusd, q.reasons, to_jsonb(s) - 'run' - 'cluster' - 'namespace' - 'kind' - 'name'
    from c
    join tare.plan_requirement q on q.run = c.id and q.namespace = c.namespace and q.kind = c.kind
                                and q.name = c.name
    left join tare.result s on s.run = q.run and s.namespace = q.namespace and s.kind = q.kind
        and s.name = q.name
    where c.valid < c.required and tare.holds_role(session_user, q.role)
      and tare.sees_namespace(q.cluster, q.namespace)
    order by q.run, q.namespace, q.kind, q.name
$$;
