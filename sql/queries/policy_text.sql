-- An earlier policy, by the beginning of its digest; the latest of that text. $1 beginning of a digest
select jsonb_build_object('digest', digest, 'policy', body::jsonb, 'text', source, 'files', files, 'set_by', set_by,
                          'at', tare.rfc3339(set_at))
from tare.policy where starts_with(digest, $1::text) order by id desc limit 1
