-- What the ledger knows of a run and of those before it in its cluster, for its report: tokens of the analysis it stands on, the
-- money of the last runs, and what applied plans were said to save and saved. Null: of every cluster, without tokens. What row-level
-- security hides from this login is in no figure; "narrowed" says that there may be such rows. $1 run or null, $2 most rows of each list
with recursive me as (
    select r.id, r.cluster from tare.run r where r.id = $1::bigint
), analysed as (
    -- A rerun may stand on the analysis of an earlier run.
    select a.id, a.run, a.inherited_from from tare.attempt a where a.run = $1::bigint and a.stage = 'analyze'
    union
    select b.id, b.run, b.inherited_from from tare.attempt b join analysed a on b.id = a.inherited_from
), seen as (
    select r.id, r.cluster, r.created, r.state, r.proposal is not null as proposed from tare.run r
    where $1::bigint is null or (r.cluster = (select cluster from me) and r.id <= (select id from me))
), last_runs as (
    -- A proposal is about one workload: it says nothing of how runs went.
    select r.* from seen r where (not r.proposed or r.id = $1::bigint) and exists (select 1 from tare.result s where s.run = r.id) order by r.id desc limit $2::bigint
), trend as (
    select r.id as run, r.cluster, tare.rfc3339(r.created) as created, r.state, s.* from last_runs r cross join lateral (
        select sum(coalesce((x.detail ->> 'records')::bigint, 1))::bigint as workloads,
               count(*) filter (where x.verdict in ('allowed', 'needs-approval')) as changes,
               sum(x.monthly_before_microusd)::bigint as monthly_before_microusd,
               sum(x.monthly_after_microusd)::bigint as monthly_after_microusd,
               sum(x.monthly_saving_microusd)::bigint as monthly_saving_microusd
        from tare.result x where x.run = r.id) s
), last_applied as (
    select r.id from seen r
    where r.state in ('applied', 'failed') and exists (select 1 from tare.change c where c.run = r.id and c.state = 'done')
    order by r.id desc limit $2::bigint
), written as (
    -- Workloads that a run changed and that stand as it left them, since when, and the next run that changed them again. Later runs
    -- count here too: their writes end what the earlier one saved by itself.
    select w.*, lead(w.run) over (partition by w.cluster, w.namespace, w.kind, w.name order by w.since, w.run) as next
    from (
        select c.run, c.cluster, x.namespace, x.kind, x.name, max(c.updated) as since
        from tare.change c
        join tare.run r on r.id = c.run
        cross join lateral jsonb_to_recordset(c.workloads) x (namespace text, kind text, name text)
        where c.state = 'done' and r.state in ('applied', 'failed') and c.run >= (select min(id) from last_applied)
          and ($1::bigint is null or c.cluster = (select cluster from me))
        group by c.run, c.cluster, x.namespace, x.kind, x.name) w
), predicted as (
    select w.*, s.monthly_before_microusd as before, s.monthly_saving_microusd as saving, s.detail -> 'unit' as unit
    from written w
    join last_applied a on a.id = w.run
    join tare.result s on s.run = w.run and s.namespace = w.namespace and s.kind = w.kind and s.name = w.name
    where s.verdict in ('allowed', 'needs-approval') and s.monthly_saving_microusd is not null
), measured as (
    -- The newest run that read the sources anew after the write and priced the workload, up to the one that changed it next.
    select p.*, m.run as by, m.before as before_then, m.unit as unit_then
    from predicted p
    left join lateral (
        select s.run, s.monthly_before_microusd as before, s.detail -> 'unit' as unit from tare.result s
        where s.cluster = p.cluster and s.namespace = p.namespace and s.kind = p.kind and s.name = p.name
          and s.run > p.run and (p.next is null or s.run <= p.next) and s.monthly_before_microusd is not null
          and exists (select 1 from tare.attempt a
                      where a.run = s.run and a.stage = 'parse' and a.state = 'finished' and a.started >= p.since)
        order by s.run desc limit 1) m on true
), realized as (
    -- What is asked for and used now, at the replicas and unit prices of the run that changed it; where rows do not know those, as it
    -- was priced.
    select m.*, m.before - case
        when m.unit is null or m.unit_then is null then m.before_then
        else round(((m.unit_then ->> 'cpu_millicores')::numeric * (m.unit ->> 'microusd_per_vcpu_hour')::numeric / 1000
                    + (m.unit_then ->> 'memory_bytes')::numeric * (m.unit ->> 'microusd_per_gib_hour')::numeric / 1073741824)
                   * (m.unit ->> 'replicas')::numeric * (m.unit ->> 'hours')::numeric)::bigint end as realized
    from measured m
), applied as (
    select m.run, m.cluster, tare.rfc3339(max(m.since)) as applied, count(*) as workloads, count(m.by) as measured,
           sum(m.saving)::bigint as expected_microusd,
           coalesce(sum(m.saving) filter (where m.by is not null), 0)::bigint as predicted_microusd,
           coalesce(sum(m.realized) filter (where m.by is not null), 0)::bigint as realized_microusd, max(m.by) as measured_by
    from realized m group by m.run, m.cluster
)
select jsonb_build_object(
    'tare', 'past', 'version', 1, 'run', $1::bigint,
    'narrowed', exists (select 1 from tare.login_namespace n where n.login = session_user),
    'llm', (select jsonb_build_object('exchanges', count(*), 'failed', count(*) filter (where e.outcome = 'failed'),
                                      'input_tokens', coalesce(sum(e.input_tokens), 0),
                                      'cache_read_tokens', coalesce(sum(e.cache_read_tokens), 0),
                                      'output_tokens', coalesce(sum(e.output_tokens), 0),
                                      'cost_microusd', coalesce(sum(e.cost_microusd), 0),
                                      'unpriced', count(*) filter (where e.cost_microusd is null and e.outcome <> 'failed'))
            from tare.llm_exchange e where e.stage = 'analyze' and e.run in (select a.run from analysed a where a.inherited_from is null)),
    'trend', (select coalesce(jsonb_agg(to_jsonb(t) order by t.run desc), '[]') from trend t),
    'applied', (select coalesce(jsonb_agg(to_jsonb(a) order by a.run desc), '[]') from applied a))
