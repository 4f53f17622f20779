-- What came of a firing. $1 name, $2 exit code, $3 reason or null
select tare.schedule_end($1::text, $2::integer, $3::text)
