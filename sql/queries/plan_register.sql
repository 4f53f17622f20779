-- Registers a plan; the run's new state. $1 run, $2 digest, $3 rows, $4 life of an approval in seconds
select tare.plan_register($1::bigint, $2::text, $3::jsonb, $4::bigint)
