-- Makes or changes a schedule. $1 name, $2 cluster, $3 cron, $4 zone, $5 overlap, $6 missed, $7 grace in seconds, $8 request
select tare.schedule_set($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::bigint, $8::jsonb)::integer
