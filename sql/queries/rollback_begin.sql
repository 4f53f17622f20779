-- Takes a run for rolling back. $1 run
select tare.rollback_begin($1::bigint)
