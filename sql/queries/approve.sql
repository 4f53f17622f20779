-- Approves. $1 run, $2 digest of the plan, $3 list of workloads or null, $4 reason
select tare.approve_workloads($1::bigint, $2::text, $3::jsonb, $4::text)
