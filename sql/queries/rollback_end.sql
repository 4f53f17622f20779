-- Ends a rollback. $1 run, $2 outcome, $3 reason
select tare.rollback_end($1::bigint, $2::text, $3::text)
