-- Makes a run. $1 cluster, $2 target, $3 program, $4 batch, $5 settings, $6 start or null, $7 schedule or null
select tare.run_create($1::text, $2::text, $3::text, $4::text, $5::jsonb, $6::timestamptz, $7::text)
