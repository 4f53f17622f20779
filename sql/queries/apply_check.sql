-- Do the approvals of a workload hold? $1 run, $2 $3 $4 workload
select approved, required, valid, reason from tare.apply_check($1::bigint, $2::text, $3::text, $4::text)
