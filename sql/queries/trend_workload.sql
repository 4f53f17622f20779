-- One workload over the runs. $1 $2 $3 workload, $4 limit
select coalesce(jsonb_agg(to_jsonb(t) order by t.run desc), '[]') from (
    select s.*, tare.rfc3339(r.created) as created, r.state
    from tare.result s join tare.run r on r.id = s.run
    where ($1::text is null or s.namespace = $1::text) and ($2::text is null or s.kind = $2::text)
      and ($3::text is null or s.name = $3::text)
    order by s.run desc, s.namespace, s.kind, s.name limit $4::bigint) t
