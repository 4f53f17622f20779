-- One notification that is due. $1 receivers, $2 seconds of the lease
select to_jsonb(t) from tare.notify_take($1::jsonb, $2::integer) t
