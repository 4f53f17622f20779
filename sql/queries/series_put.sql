-- Daily extremes of series. $1 cluster, $2 rows
select tare.series_put($1::text, $2::jsonb)
