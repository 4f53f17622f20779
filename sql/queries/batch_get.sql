-- A batch with those of its runs that the login sees, in the order in which they were made; null where it sees none of it. A run counts
-- in the sums where it has a plan and no later run of the batch is of its cluster. $1 name
select jsonb_build_object(
    'batch', b.name, 'created', tare.rfc3339(b.created), 'started_by', b.started_by, 'program', b.program,
    'narrowed', not tare.sees_everything(),
    'runs', (select coalesce(jsonb_agg(to_jsonb(t) order by t.run), '[]') from (
        select r.id as run, r.parent, r.superseded_by, r.cluster, r.target, r.state, r.requested_by, r.reason,
               tare.rfc3339(r.created) as created, tare.rfc3339(r.next_opening) as next_opening, r.plan_digest as plan,
               r.plan_digest is not null and l.later is null as counted, l.later, s.*, a.missing as approvals_missing
        from tare.run r
        cross join lateral (select max(o.id) as later from tare.run o
                            where o.batch = r.batch and o.cluster = r.cluster and o.id > r.id) l
        cross join lateral (
            select coalesce(sum(coalesce((x.detail ->> 'records')::bigint, 1)), 0)::bigint as workloads,
                   count(*) filter (where x.verdict in ('allowed', 'needs-approval')) as changes,
                   sum(x.monthly_before_microusd)::bigint as monthly_before_microusd,
                   sum(x.monthly_after_microusd)::bigint as monthly_after_microusd,
                   sum(x.monthly_saving_microusd)::bigint as monthly_saving_microusd
            from tare.result x where x.run = r.id) s
        left join lateral (select count(*) as missing from tare.plan_rows(r.id) p
                           where p.verdict = 'needs-approval' and not p.approved) a
            on r.state in ('awaiting-approval', 'expired')
        where r.batch = b.name) t))
from tare.batch b where b.name = $1::text
