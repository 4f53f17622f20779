-- The policies that were ever stored, latest first. $1 most rows
select coalesce(jsonb_agg(jsonb_build_object('digest', digest, 'set_by', set_by, 'at', tare.rfc3339(set_at), 'in_force', newest)
                          order by id desc), '[]')
from (select id, digest, set_by, set_at, id = max(id) over () as newest from tare.policy order by id desc limit $1::bigint) p
