-- An attempt finished. $1 attempt, $2 digest of its artifact
select tare.attempt_finish($1::bigint, $2::text)
