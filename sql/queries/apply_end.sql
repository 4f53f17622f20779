-- Ends an apply. $1 run, $2 outcome, $3 reason
select tare.apply_end($1::bigint, $2::text, $3::text)
