-- Pauses or resumes a schedule. $1 name, $2 whether it pauses
select tare.schedule_pause($1::text, $2::boolean)::integer
