-- Calls to models of a run, in the order in which they were stored. $1 run, $2 most rows
select coalesce(jsonb_agg(to_jsonb(e) - 'id' - 'at' || jsonb_build_object('at', tare.rfc3339(e.at)) order by e.id), '[]')
from (select x.* from tare.llm_exchange x where x.run = $1::bigint order by x.id limit $2::bigint) e
