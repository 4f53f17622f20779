-- Size of a stored artifact. $1 digest
select size from tare.artifact where digest = $1::text
