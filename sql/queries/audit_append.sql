-- Adds an event of a program. $1 action, $2 run or null, $3 subject or null, $4 detail
select tare.audit_append($1::text, $2::bigint, $3::text, $4::jsonb)
