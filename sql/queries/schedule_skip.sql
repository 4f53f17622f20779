-- Deals with instants without a run. $1 name, $2 revision, $3 last instant, $4 missed, $5 skipped, $6 reason
select tare.schedule_skip($1::text, $2::bigint, $3::timestamptz, $4::bigint, $5::bigint, $6::text)::integer
