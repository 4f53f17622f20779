-- One run. $1 run
select r.id, r.parent, r.superseded_by, r.state, r.cluster, r.target, r.requested_by, tare.rfc3339(r.created),
       tare.rfc3339(r.state_since), r.reason, tare.rfc3339(r.next_opening), r.plan_digest, r.program, r.batch,
       r.settings, r.schedule, r.proposal
from tare.run r where r.id = $1::bigint
