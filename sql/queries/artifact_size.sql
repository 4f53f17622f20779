-- Size of a stored artifact, and when and by whom its bytes were pruned (null: they are there). $1 digest
select size, tare.rfc3339(pruned_at), pruned_by from tare.artifact where digest = $1::text
