-- Overrides of a run. $1 run
select coalesce(jsonb_agg(jsonb_build_object('window', name, 'reason', reason, 'by', made_by,
                                             'at', tare.rfc3339(at)) order by id), '[]')
from tare.window_override where run = $1::bigint
