-- Stores flat rows. $1 run, $2 rows
select tare.results_put($1::bigint, $2::jsonb)
