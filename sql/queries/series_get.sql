-- Daily extremes of days [$2, $3), the newest view of each. $1 cluster
select coalesce(jsonb_agg(to_jsonb(h) - 'cluster' - 'seen_at'
                          order by namespace, kind, name, container, series, day), '[]')
from (select distinct on (namespace, kind, name, container, series, day) *
      from tare.series_history
      where cluster = $1::text and day >= $2::date and day < $3::date
      order by namespace, kind, name, container, series, day, seen_at desc) h
