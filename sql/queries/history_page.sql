-- What a run may know of the past. $1 run, $2 days, $3 the row before ({}: from the start), $4 most rows
select container, day, detail, kind, maximum, mean, minimum, name, namespace, samples, series
from tare.history_page($1::bigint, $2::integer, $3::jsonb, $4::integer)
