-- Exchanges not older than $1 seconds (null: all).
select coalesce(jsonb_agg(to_jsonb(e) - 'run' - 'at' || jsonb_build_object('at', tare.rfc3339(e.at))
                          order by e.key), '[]')
from tare.llm_exchange e
where $1::bigint is null or e.at >= tare.now() - make_interval(secs => $1::bigint)
