-- Milliseconds until something is due, null for nothing. $1 JSON array of names
select tare.notify_next(array(select jsonb_array_elements_text($1::jsonb)))
