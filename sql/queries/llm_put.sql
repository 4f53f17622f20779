-- Exchanges with an LLM. $1 run or null, $2 rows
select tare.llm_put($1::bigint, $2::jsonb)
