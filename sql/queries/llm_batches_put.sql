-- Batches that a vendor took. $1 attempt, $2 rows
select tare.llm_batches_put($1::bigint, $2::jsonb)
