-- Takes a workload for this session. $1 run, $2 $3 $4 workload
select tare.workload_lock($1::bigint, $2::text, $3::text, $4::text)
