-- Withdraws one's approvals; the run's state after. $1 run, $2 $3 $4 workload or null, $5 reason
select tare.withdraw($1::bigint, $2::text, $3::text, $4::text, $5::text)
