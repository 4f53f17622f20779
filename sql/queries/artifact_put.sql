-- Announces an artifact; true where its bytes are wanted. $1 attempt, $2 digest, $3 kind, $4 size
select tare.artifact_put($1::bigint, $2::text, $3::text, $4::bigint)
