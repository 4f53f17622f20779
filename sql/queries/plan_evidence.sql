-- What the ledger has that a plan can be held against: its rows, what the audit trail says of it, the newest time on record. $1 run
select jsonb_build_object(
    'rows', (select coalesce(jsonb_agg(to_jsonb(q) - 'reasons' order by q.namespace, q.kind, q.name), '[]')
             from tare.plan_requirement q where q.run = r.id),
    'plans', (select coalesce(jsonb_agg(distinct e.detail::jsonb ->> 'plan'), '[]') from tare.audit_event e
              where e.run = r.id and e.action like 'run.%' and e.detail::jsonb ->> 'plan' is not null),
    'finished', (select coalesce(jsonb_agg(jsonb_build_array(e.subject, e.detail::jsonb ->> 'artifact') order by e.position), '[]')
                 from tare.audit_event e where e.run = r.id and e.action = 'attempt.finished'),
    'settings', encode(sha256(convert_to(r.settings::text, 'UTF8')), 'hex'),
    'settings_recorded', (select e.detail::jsonb ->> 'settings' from tare.audit_event e
                          where e.run = r.id and e.action = 'run.created' order by e.position limit 1))
from tare.run r where r.id = $1::bigint
