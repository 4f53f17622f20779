-- Gives a workload back. $1 run, $2 $3 $4 workload
select tare.workload_unlock($1::bigint, $2::text, $3::text, $4::text)
