-- Another life for one that was given up. $1 id (null: all)
select tare.notify_retry($1::bigint)
