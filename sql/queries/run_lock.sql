-- Takes a run for this session. $1 run
select tare.run_lock($1::bigint)
