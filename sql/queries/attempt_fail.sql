-- An attempt failed. $1 attempt, $2 exit code, $3 message
select tare.attempt_fail($1::bigint, $2::integer, $3::text)
