-- Withdraws one's decisions. $1 run, $2 list of workloads or null, $3 reason
select tare.withdraw_workloads($1::bigint, $2::jsonb, $3::text)
