-- What a run may know of the past. $1 run, $2 days, $3 the row before, $4 most rows
select tare.history_page($1::bigint, $2::integer, $3::jsonb, $4::integer)
