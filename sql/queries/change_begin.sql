-- Stores a before-image. $1 run, $2 object, $3 workloads, $4 bytes, $5 detail
select id, state from tare.change_begin($1::bigint, $2::text, $3::jsonb, $4, $5::jsonb)
