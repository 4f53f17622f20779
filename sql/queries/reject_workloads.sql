-- Rejects workloads of a plan. $1 run, $2 list of workloads (null: those not approved yet), $3 reason
select tare.reject_workloads($1::bigint, $2::jsonb, $3::text)
