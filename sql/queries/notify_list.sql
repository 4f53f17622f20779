-- Notifications, newest first, what waits or was given up before what was sent. $1 limit
select coalesce(jsonb_agg(to_jsonb(t) order by t.state = 'sent', t.id desc), '[]') from (
    select n.id, n.run, n.event, n.receiver, n.state, n.attempts, tare.rfc3339(n.made_at) as made,
           case when n.state = 'waiting' then tare.rfc3339(n.next_at) end as next_try, tare.rfc3339(n.ended_at) as ended,
           n.last_error
    from tare.notification n order by n.state = 'sent', n.id desc limit $1::bigint) t
