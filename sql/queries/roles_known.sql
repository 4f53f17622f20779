-- Which of some roles the server has. $1 JSON array of names
select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]')
from pg_catalog.pg_roles r where r.rolname in (select jsonb_array_elements_text($1::jsonb))
