-- Rejects a plan. $1 run, $2 reason
select tare.reject($1::bigint, $2::text)
