-- Runs, newest first, with the sums of their results. $1 only ids below this (null: all), $2 limit, $3 batch, $4 schedule (null: all)
select coalesce(jsonb_agg(to_jsonb(t) order by t.run desc), '[]') from (
    select r.id as run, r.parent, r.superseded_by, r.state, r.cluster, r.target, r.requested_by, r.batch, r.schedule,
           tare.rfc3339(r.created) as created, tare.rfc3339(r.state_since) as state_since, r.reason,
           tare.rfc3339(r.next_opening) as next_opening, r.plan_digest as plan, r.program, r.proposal, s.*
    from tare.run r
    cross join lateral (
        select count(*) as workloads, count(*) filter (where action = 'resize') as changes,
               sum(monthly_before_microusd) as monthly_before_microusd,
               sum(monthly_after_microusd) as monthly_after_microusd,
               sum(monthly_saving_microusd) as monthly_saving_microusd
        from tare.result x where x.run = r.id) s
    where ($1::bigint is null or r.id < $1::bigint) and ($3::text is null or r.batch = $3::text)
      and ($4::text is null or r.schedule = $4::text)
    order by r.id desc limit $2::bigint) t
