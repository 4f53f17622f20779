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
-- to the day it began, as they stood before it began; the first p_limit after the row p_after ('{}': from the
-- start). Who sees the run has all its namespaces, so that rows need no look of their own. A row that is no pair
-- of numbers helps nobody. The order is the primary key's from its end: so the newest view of a day comes first,
-- and each page is read from the index where the one before ended, whatever the table holds and whatever the
-- planner knows of it.
create function tare.history_page(p_run bigint, p_days integer, p_after jsonb, p_limit integer)
returns table (namespace text, kind text, name text, container text, series text, day date, minimum double precision,
               maximum double precision, mean double precision, samples bigint, detail jsonb)
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp
    set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
    v_run tare.run;
    v_day date;
begin
    select * into v_run from tare.run where id = p_run;
    if not found or not tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by) then
        return;
    end if;
    v_day := (v_run.created at time zone 'UTC')::date;
    return query execute format($query$
        select distinct on (h.namespace, h.kind, h.name, h.container, h.series, h.day)
            h.namespace, h.kind, h.name, h.container, h.series, h.day, h.minimum, h.maximum, h.mean, h.samples, h.detail
        from tare.series_history h
        where h.cluster = $1 and array_position($2, h.namespace) is not null
          and h.seen_at < $3 and h.day between $4 - $5 and $4
          and h.minimum > '-Infinity' and h.minimum <= h.maximum and h.maximum < 'Infinity' %s
        order by h.namespace desc, h.kind desc, h.name desc, h.container desc, h.series desc, h.day desc, h.seen_at desc
        limit $7 $query$,
        case when p_after = '{}' then '' else
            'and (h.namespace, h.kind, h.name, h.container, h.series, h.day) <
                 ($6 ->> ''namespace'', $6 ->> ''kind'', $6 ->> ''name'', $6 ->> ''container'', $6 ->> ''series'',
                  ($6 ->> ''day'')::date)' end)
    using v_run.cluster, v_run.namespaces, v_run.created, v_day, p_days, p_after, p_limit;
end $$;
revoke all on function tare.history_page(bigint, integer, jsonb, integer) from public;
grant execute on function tare.history_page(bigint, integer, jsonb, integer) to tare_viewer;
