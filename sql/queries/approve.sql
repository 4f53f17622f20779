-- Approves; the run's state after. $1 run, $2 plan or null, $3 $4 $5 workload or null, $6 reason
select tare.approve($1::bigint, $2::text, $3::text, $4::text, $5::text, $6::text)
