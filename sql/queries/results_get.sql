-- Flat rows of a run. $1 run
select coalesce(jsonb_agg(to_jsonb(r) - 'run' order by r.namespace, r.kind, r.name), '[]')
from tare.result r where r.run = $1::bigint
