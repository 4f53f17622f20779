-- Namespace mappings that this login may see.
select coalesce(jsonb_agg(jsonb_build_object('login', login, 'namespace', namespace, 'cluster', cluster)
                          order by login, cluster, namespace), '[]')
from tare.login_namespace
