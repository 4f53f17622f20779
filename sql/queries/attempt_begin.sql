-- A new attempt. $1 run, $2 stage, $3 input digest or null, $4 detail
select tare.attempt_begin($1::bigint, $2::text, $3::text, $4::jsonb)
