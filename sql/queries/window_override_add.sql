-- Overrides a window. $1 run, $2 name, $3 reason
select tare.window_override_add($1::bigint, $2::text, $3::text)
