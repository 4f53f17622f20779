-- The newest time that decisions about a run and changes of it have on record; null where there are none. $1 run
select tare.rfc3339(greatest(
    (select max(greatest(a.at, a.withdrawn_at)) from tare.approval a where a.run = $1::bigint),
    (select max(greatest(c.begun, c.updated)) from tare.change c where c.run = $1::bigint)))
