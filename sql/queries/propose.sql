-- A run beside another, for one workload. $1 run, $2 JSON array of stages to keep, $3 settings or null, $4 proposal
select tare.propose($1::bigint, array(select jsonb_array_elements_text($2::jsonb)), $3::jsonb, $4::jsonb)
