-- Takes an instant of a schedule. $1 name, $2 revision, $3 instant or null, $4 instants besides
select c.outcome, c.run from tare.schedule_claim($1::text, $2::bigint, $3::timestamptz, $4::bigint) c
