-- What each run spent on models, the newest first; calls of no run (null) last. $1 most rows
select coalesce(jsonb_agg(to_jsonb(s) order by s.run desc nulls last), '[]')
from (select e.run, r.cluster, tare.rfc3339(min(e.at)) as first, count(*) as calls, count(*) filter (where e.outcome = 'failed') as failed,
             sum(e.workloads)::bigint as workloads, sum(e.input_tokens)::bigint as input_tokens,
             sum(e.cache_read_tokens)::bigint as cache_read_tokens, sum(e.output_tokens)::bigint as output_tokens,
             sum(e.cost_microusd)::bigint as cost_microusd, count(*) filter (where e.cost_microusd is null) as unpriced
      from tare.llm_exchange e left join tare.run r on r.id = e.run
      group by e.run, r.cluster order by e.run desc nulls last limit $1::bigint) s
