-- Adds to the namespaces of a run. $1 run, $2 JSON array of names
select tare.run_namespaces($1::bigint, array(select jsonb_array_elements_text($2::jsonb)))
