-- Do the approvals of a workload hold, and what does the ledger's clock say? $1 run, $2 $3 $4 workload
select c.approved, c.reason, tare.rfc3339(tare.now())
from tare.apply_check($1::bigint, $2::text, $3::text, $4::text) c
