-- A window refuses a run. $1 run, $2 reason, $3 next opening or null
select tare.refuse($1::bigint, $2::text, $3::timestamptz)
