-- Workloads that are left alone now. $1 cluster, null: any
select coalesce(jsonb_agg(jsonb_build_object('cluster', b.cluster, 'namespace', b.namespace, 'kind', b.kind, 'name', b.name,
           'times', b.times, 'run', b.run, 'at', tare.rfc3339(b.at), 'until', tare.rfc3339(b.until), 'reason', b.reason)
           order by b.cluster, b.namespace, b.kind, b.name), '[]')
from tare.backoff b where b.until > tare.now() and ($1::text is null or b.cluster = $1::text)
