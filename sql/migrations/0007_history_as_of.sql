-- What a run was told of the past can be told again, byte for byte: a better view of a day no longer takes the
-- place of the one before but stands beside it, and a run reads what stood there before it began. A day mostly
-- has two rows: what was seen of it while it lasted, and all of it.

alter table tare.series_history drop constraint series_history_pkey;
alter table tare.series_history
    add primary key (cluster, namespace, kind, name, container, series, day, seen_at);

-- Adds what is wider, or seen for longer, than what is known of a day; what tells nothing new adds no row. Of a
-- cluster one at a time, so that two runs do not each add to what the other did not see yet.
create or replace function tare.series_put(p_cluster text, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_count bigint;
    v_now timestamptz;
begin
    perform tare.need_role('tare_operator', 'store history');
    perform pg_catalog.pg_advisory_xact_lock(tare.lock_key('series', p_cluster));
    v_now := tare.now();
    insert into tare.series_history as h
    select p_cluster, x.namespace, x.kind, x.name, x.container, x.series, x.day,
        least(o.minimum, x.minimum), greatest(o.maximum, x.maximum),
        case when o.cluster is null or coalesce(x.samples, 0) >= coalesce(o.samples, 0) then x.mean else o.mean end,
        greatest(o.samples, x.samples),
        case when o.cluster is null or coalesce(x.samples, 0) >= coalesce(o.samples, 0)
            then x.detail else o.detail end,
        v_now
    from (
        select distinct on (r.namespace, r.kind, r.name, r.container, r.series, r.day) r.*
        from jsonb_to_recordset(p_rows) r (
            namespace text, kind text, name text, container text, series text, day date,
            minimum double precision, maximum double precision, mean double precision, samples bigint,
            detail jsonb)
        where r.namespace in (
            select n.namespace from (select distinct q.namespace
                                     from jsonb_to_recordset(p_rows) q (namespace text)) n
            where tare.sees_namespace(p_cluster, n.namespace))
        order by r.namespace, r.kind, r.name, r.container, r.series, r.day, r.samples desc nulls last
    ) x
    left join lateral (
        select s.* from tare.series_history s
        where s.cluster = p_cluster and s.namespace = x.namespace and s.kind = x.kind and s.name = x.name
          and s.container = x.container and s.series = x.series and s.day = x.day
        order by s.seen_at desc limit 1
    ) o on true
    where o.cluster is null
       or least(o.minimum, x.minimum) is distinct from o.minimum
       or greatest(o.maximum, x.maximum) is distinct from o.maximum
       or coalesce(x.samples, 0) > coalesce(o.samples, 0)
       or (coalesce(x.samples, 0) = coalesce(o.samples, 0)
           and (x.mean is distinct from o.mean or x.detail is distinct from o.detail))
    on conflict (cluster, namespace, kind, name, container, series, day, seen_at) do update
    set minimum = excluded.minimum, maximum = excluded.maximum, mean = excluded.mean,
        samples = excluded.samples, detail = excluded.detail;
    get diagnostics v_count = row_count;
    return v_count;
end $$;

-- A page of what a run may know of the past: daily extremes of its cluster and namespaces, of the p_days days up
-- to the day it began, as they stood before it began; the first p_limit after the row p_after. Who sees the run
-- has all its namespaces, so that rows need no look of their own. A row that is no pair of numbers helps nobody.
create function tare.history_page(p_run bigint, p_days integer, p_after jsonb, p_limit integer) returns jsonb
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select coalesce(jsonb_agg(p.line order by p.namespace, p.kind, p.name, p.container, p.series, p.day), '[]')
    from (
        select distinct on (h.namespace, h.kind, h.name, h.container, h.series, h.day)
            h.namespace, h.kind, h.name, h.container, h.series, h.day,
            jsonb_build_object('namespace', h.namespace, 'kind', h.kind, 'name', h.name, 'container', h.container,
                'series', h.series, 'day', h.day, 'minimum', h.minimum, 'maximum', h.maximum, 'mean', h.mean,
                'samples', h.samples)
                || case when h.detail is null then '{}' else jsonb_build_object('detail', h.detail) end as line
        from tare.run r
        join tare.series_history h on h.cluster = r.cluster and h.namespace = any (r.namespaces)
        where r.id = p_run and tare.sees_whole(r.cluster, r.namespaces, r.requested_by)
          and h.seen_at < r.created
          and h.minimum > '-Infinity' and h.minimum <= h.maximum and h.maximum < 'Infinity'
          and h.day between (r.created at time zone 'UTC')::date - p_days and (r.created at time zone 'UTC')::date
          and (h.namespace, h.kind, h.name, h.container, h.series, h.day) >
              (coalesce(p_after ->> 'namespace', ''), coalesce(p_after ->> 'kind', ''),
               coalesce(p_after ->> 'name', ''), coalesce(p_after ->> 'container', ''),
               coalesce(p_after ->> 'series', ''), coalesce((p_after ->> 'day')::date, '-infinity'))
        order by h.namespace, h.kind, h.name, h.container, h.series, h.day, h.seen_at desc
        limit p_limit
    ) p
$$;
revoke all on function tare.history_page(bigint, integer, jsonb, integer) from public;
grant execute on function tare.history_page(bigint, integer, jsonb, integer) to tare_viewer;
