-- What a plan asks for and what holds. $1 run
select coalesce(jsonb_agg(to_jsonb(p)), '[]') from tare.plan_rows($1::bigint) p
