-- Forgets a schedule. $1 name
select tare.schedule_remove($1::text)
