-- Daily extremes of days [$2, $3). $1 cluster
select coalesce(jsonb_agg(to_jsonb(h) - 'cluster' - 'seen_at'
                          order by namespace, kind, name, container, series, day), '[]')
from tare.series_history h
where h.cluster = $1::text and h.day >= $2::date and h.day < $3::date
