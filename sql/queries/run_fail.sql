-- A running run fails. $1 run, $2 reason
select tare.run_fail($1::bigint, $2::text)
