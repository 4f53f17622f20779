-- Ends that. $1 run, $2 reason
select tare.redo_end($1::bigint, $2::text)
