-- The rows of a plan with the facts they were judged by. $1 run
select coalesce(jsonb_agg(jsonb_build_object('namespace', q.namespace, 'kind', q.kind, 'name', q.name,
    'verdict', q.verdict, 'approvals_required', q.required, 'role', q.role, 'facts', q.facts)
    order by q.namespace, q.kind, q.name), '[]')
from tare.plan_requirement q where q.run = $1::bigint
