-- What pruning would take now. $1 age in seconds or null, $2 newest runs of a cluster that stay or null, $3 age of before-images in seconds or null
select tare.prune_plan($1::bigint, $2::integer, $3::bigint)
