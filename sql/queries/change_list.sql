-- The changes of a run. $1 run
select id, sequence, state, object, before_digest, octet_length(before_image), detail, workloads,
       tare.rfc3339(updated)
from tare.change where run = $1::bigint order by sequence
