-- Moves an object on. $1 change, $2 state, $3 detail
select tare.change_to($1::bigint, $2::text, $3::jsonb)
