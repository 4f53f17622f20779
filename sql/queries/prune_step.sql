-- Prunes as much as one transaction should. $1 to $3 as in prune_plan.sql, $4 most runs
select tare.prune_step($1::bigint, $2::integer, $3::bigint, $4::integer)
