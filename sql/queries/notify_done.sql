-- What came of it. $1 id, $2 lease, $3 outcome, $4 error or null, $5 wait and $6 pause in milliseconds
select tare.notify_done($1::bigint, $2::uuid, $3::text, $4::text, $5::bigint, $6::bigint)
