-- What came of asking about workloads. $1 attempt at analyze, $2 rows
select tare.answers_put($1::bigint, $2::jsonb)
