-- What somebody who sees only rows of a run may know of it. $1 run
select h.run, h.state, h.plan, h.cluster, h.requested_by, tare.rfc3339(h.created), h.superseded_by, h.seen_whole
from tare.run_head($1::bigint) h
