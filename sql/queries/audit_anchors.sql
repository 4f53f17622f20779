-- How the chain stands to anchors kept elsewhere. $1 [{"position","digest","at"}]
select coalesce(jsonb_agg(to_jsonb(a) order by a."position"), '[]') from tare.audit_anchors($1::jsonb) a
