-- One piece. $1 digest, $2 sequence
select content from tare.artifact_chunk where digest = $1::text and sequence = $2::integer
