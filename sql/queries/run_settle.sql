-- Brings a run's state up to date. $1 run
select tare.run_settle($1::bigint)
