-- Events in order. $1 run or null, $2 after this position, $3 limit
select coalesce(jsonb_agg(to_jsonb(t) order by t.position), '[]') from (
    select position, tare.rfc3339(at) as at, actor, action, run, subject, detail::jsonb as detail,
           encode(digest, 'hex') as digest
    from tare.audit_event
    where ($1::bigint is null or run = $1::bigint) and position > $2::bigint
    order by position limit $3::bigint) t
