-- Takes a run for applying. $1 run, $2 plan or null, $3 resume
select tare.apply_begin($1::bigint, $2::text, $3::boolean)
