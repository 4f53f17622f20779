-- Decisions about a run. $1 run
select coalesce(jsonb_agg(jsonb_build_object(
    'approver', a.approver, 'decision', a.decision, 'plan', a.plan_digest,
    'workload', a.namespace || '/' || a.kind || '/' || a.name, 'at', tare.rfc3339(a.at),
    'expires', tare.rfc3339(a.expires), 'reason', a.reason, 'withdrawn', tare.rfc3339(a.withdrawn_at),
    'withdrawn_reason', a.withdrawn_reason, 'valid', tare.approval_holds(a.id)) order by a.id), '[]')
from tare.approval a where a.run = $1::bigint
