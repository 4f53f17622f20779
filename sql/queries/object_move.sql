-- Moves an object on. $1 change, $2 state, $3 detail, $4 back-off
select tare.object_move($1::bigint, $2::text, $3::jsonb, $4::jsonb)
