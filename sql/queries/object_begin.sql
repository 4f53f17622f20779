-- Locks a workload, checks its approvals and stores a before-image. $1 run, $2 object, $3 $4 $5 workload, $6 bytes, $7 detail, $8 clock
select id, state from tare.object_begin($1::bigint, $2::text, $3::text, $4::text, $5::text, $6, $7::jsonb, $8::timestamptz)
