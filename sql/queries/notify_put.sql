-- What receivers are to be told. $1 run, $2 event, $3 JSON array of names, $4 facts
select tare.notify_put($1::bigint, $2::text, array(select jsonb_array_elements_text($3::jsonb)), $4::jsonb)
