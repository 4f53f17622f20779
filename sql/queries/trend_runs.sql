-- Sums over the runs. $1 limit
select coalesce(jsonb_agg(to_jsonb(t) order by t.run desc), '[]') from (
    select r.id as run, r.cluster, tare.rfc3339(r.created) as created, r.state, count(s.name) as workloads,
           count(*) filter (where s.action = 'resize') as changes,
           sum(s.monthly_before_microusd) as monthly_before_microusd,
           sum(s.monthly_after_microusd) as monthly_after_microusd,
           sum(s.monthly_saving_microusd) as monthly_saving_microusd
    from tare.run r left join tare.result s on s.run = r.id
    group by r.id, r.cluster, r.created, r.state order by r.id desc limit $1::bigint) t
