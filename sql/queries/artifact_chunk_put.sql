-- Stores one piece. $1 digest, $2 sequence, $3 bytes
select tare.artifact_chunk_put($1::text, $2::integer, $3)
