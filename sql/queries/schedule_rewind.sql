-- After a clock was set back. $1 name, $2 revision
select tare.schedule_rewind($1::text, $2::bigint)::integer
