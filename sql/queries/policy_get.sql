-- The policy in force.
select jsonb_build_object('digest', digest, 'policy', body::jsonb, 'text', source, 'files', files, 'set_by', set_by,
                          'at', tare.rfc3339(set_at))
from tare.policy order by id desc limit 1
