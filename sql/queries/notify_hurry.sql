-- Makes due what waits for its next try. $1 JSON array of names
select tare.notify_hurry(array(select jsonb_array_elements_text($1::jsonb)))
