-- Gives a run back. $1 run
select tare.run_unlock($1::bigint)
