-- Takes a run whose objects were put back. $1 run, $2 plan
select tare.redo_begin($1::bigint, $2::text)
