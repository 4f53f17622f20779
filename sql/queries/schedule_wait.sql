-- Whether this session is the one that waits. $1 name
select tare.schedule_wait($1::text)::integer
