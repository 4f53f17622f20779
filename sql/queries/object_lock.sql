-- Takes the workloads of a change again. $1 change
select tare.object_lock($1::bigint)
