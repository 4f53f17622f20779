-- A child run that takes over attempts. $1 run, $2 JSON array of stages to keep, $3 settings or null
select tare.rerun($1::bigint, array(select jsonb_array_elements_text($2::jsonb)), $3::jsonb)
