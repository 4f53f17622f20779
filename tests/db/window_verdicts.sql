-- What windows say of a subject at an instant, by Postgres' own calendar and time zone arithmetic; nothing here knows how tare
-- does it. Reads questions, a line of JSON each, from standard input and prints "allowed", "denied NEXT" or "denied -" for each:
--   {"groups":[[window…]…],"subject":{"namespace","cluster","labels","override"},"at"}
-- A window has schedule + duration + timezone, start + end, or events: [{start, zone, end | days | seconds, rrule, exdate, rdate}] with
-- readings of the wall clock ("2026-12-20T18:00:00"; "days": whole days by the calendar).

\set ON_ERROR_STOP on
set timezone = 'UTC';

-- The first instant at which a zone's clocks show a reading or a later one: of a reading that comes twice the first, of one that
-- clocks skip the end of the gap. Looked for minute by minute where the offset changes nearby.
create function pg_temp.instant(p_wall timestamp, p_zone text) returns timestamptz language plpgsql immutable as $$
declare
    g timestamptz := p_wall at time zone p_zone;
begin
    if ((g - interval '26 hours') at time zone p_zone) - ((g - interval '26 hours') at time zone 'UTC')
       = ((g + interval '26 hours') at time zone p_zone) - ((g + interval '26 hours') at time zone 'UTC')
       and g at time zone p_zone = p_wall then
        return g;
    end if;
    return (select min(u) from generate_series(date_trunc('minute', g) - interval '26 hours', g + interval '26 hours', interval '1 minute') m,
                   lateral (select m + make_interval(secs => extract(second from p_wall)::int) as u) s
            where m at time zone p_zone >= date_trunc('minute', p_wall) and (u at time zone p_zone >= p_wall));
end $$;

-- The numbers that a field of a schedule names.
create function pg_temp.field(p_text text, p_low int, p_high int, p_names text) returns int[] language plpgsql immutable as $$
declare
    item text;
    part text[];
    a int;
    b int;
    members int[] := '{}';
    t text := lower(p_text);
begin
    for i in 0 .. length(p_names) / 3 - 1 loop
        t := replace(t, substr(p_names, 3 * i + 1, 3), (i + p_low)::text);
    end loop;
    foreach item in array string_to_array(t, ',') loop
        part := regexp_match(item, '^(\*|(\d+)(-(\d+))?)(/(\d+))?$');
        a := case when part[1] = '*' then p_low else part[2]::int end;
        b := case when part[1] = '*' or (part[4] is null and part[6] is not null) then p_high else coalesce(part[4], part[2])::int end;
        if p_high = 6 and b = 0 and a > 0 then
            b := 7;
        end if;
        members := members || (select array_agg(n % (case when p_high = 6 then 7 else 1000 end)) from generate_series(a, b, coalesce(part[6], '1')::int) n);
    end loop;
    return members;
end $$;

create function pg_temp.seconds(p text) returns int language sql immutable as $$
    select left(p, -1)::int * case right(p, 1) when 's' then 1 when 'm' then 60 when 'h' then 3600 else 86400 end
$$;

-- Readings of a schedule between two days.
create function pg_temp.cron(p_text text, p_from date, p_to date) returns setof timestamp language sql stable as $$
    with f as (
        select regexp_split_to_array(btrim(p_text), '\s+') as w
    ), s as (
        select w, pg_temp.field(w[1], 0, 59, '') as minutes, pg_temp.field(w[2], 0, 23, '') as hours,
               pg_temp.field(w[3], 1, 31, '') as days, pg_temp.field(w[4], 1, 12, 'janfebmaraprmayjunjulaugsepoctnovdec') as months,
               pg_temp.field(w[5], 0, 6, 'sunmontuewedthufrisat') as weekdays
        from f
    )
    select d + make_interval(hours => h, mins => m)
    from s, generate_series(p_from::timestamp, p_to, interval '1 day') d, unnest(hours) h, unnest(minutes) m
    where extract(month from d)::int = any (months)
      and case when left(w[3], 1) = '*' or left(w[5], 1) = '*'
          then extract(day from d)::int = any (days) and extract(dow from d)::int = any (weekdays)
          else extract(day from d)::int = any (days) or extract(dow from d)::int = any (weekdays) end
$$;

create function pg_temp.numbers(p jsonb, p_key text) returns int[] language sql immutable as $$
    select string_to_array(p ->> p_key, ',')::int[]
$$;

-- Whether a day is one of a BYDAY list; numbered ones count in the month or the year.
create function pg_temp.by_day(p_list text, p_day timestamp, p_in_year boolean) returns boolean language sql immutable as $$
    select bool_or(substr('SUMOTUWETHFRSA', extract(dow from p_day)::int * 2 + 1, 2) = right(x, 2)
        and case when length(x) = 2 then true
            when p_in_year then left(x, -2)::int in ((extract(doy from p_day)::int - 1) / 7 + 1,
                -((extract(doy from date_trunc('year', p_day) + interval '1 year' - interval '1 day')::int - extract(doy from p_day)::int) / 7 + 1))
            else left(x, -2)::int in ((extract(day from p_day)::int - 1) / 7 + 1,
                -((extract(day from date_trunc('month', p_day) + interval '1 month' - interval '1 day')::int - extract(day from p_day)::int) / 7 + 1)) end)
    from unnest(string_to_array(p_list, ',')) x
$$;

-- Readings of a recurrence rule (RFC 5545) up to a day, from its start.
create function pg_temp.recur(p_start timestamp, p_rule text, p_to date) returns setof timestamp language sql stable as $$
    with rule as (
        select jsonb_object_agg(split_part(x, '=', 1), split_part(x, '=', 2)) as r from unnest(string_to_array(p_rule, ';')) x
    ), p as (
        select r, r ->> 'FREQ' as freq, coalesce((r ->> 'INTERVAL')::int, 1) as step,
               position(coalesce(r ->> 'WKST', 'MO') in 'SUMOTUWETHFRSA') / 2 as wkst,
               pg_temp.numbers(r, 'BYMONTH') as months, pg_temp.numbers(r, 'BYMONTHDAY') as days, pg_temp.numbers(r, 'BYYEARDAY') as yeardays,
               pg_temp.numbers(r, 'BYWEEKNO') as weeks, r ->> 'BYDAY' as weekdays, pg_temp.numbers(r, 'BYSETPOS') as positions,
               coalesce(pg_temp.numbers(r, 'BYHOUR'), array[extract(hour from p_start)::int]) as hours,
               coalesce(pg_temp.numbers(r, 'BYMINUTE'), array[extract(minute from p_start)::int]) as minutes
        from rule
    ), day as (
        select p.*, d, extract(day from d)::int as dom, extract(day from date_trunc('month', d) + interval '1 month' - interval '1 day')::int as dim,
               extract(doy from d)::int as doy, extract(doy from date_trunc('year', d) + interval '1 year' - interval '1 day')::int as diy,
               case freq when 'DAILY' then d::date - p_start::date
                   when 'WEEKLY' then (d::date - date '1899-12-31' - wkst) / 7 - (p_start::date - date '1899-12-31' - wkst) / 7
                   when 'MONTHLY' then (extract(year from d) * 12 + extract(month from d) - extract(year from p_start) * 12 - extract(month from p_start))::int
                   else (extract(year from d) - extract(year from p_start))::int end as period
        from p, generate_series(case when freq in ('MONTHLY', 'YEARLY') then date_trunc('year', p_start) else p_start::date - interval '7 days' end,
                                case when freq in ('MONTHLY', 'YEARLY') then date_trunc('year', p_to::timestamp) + interval '1 year' else p_to + interval '7 days' end,
                                interval '1 day') d
    ), fit as (
        select *, d + make_interval(hours => h, mins => m) + make_interval(secs => extract(second from p_start)::int) as w
        from day, unnest(hours) h, unnest(minutes) m
        where period >= 0 and period % step = 0
          and (months is null or extract(month from d)::int = any (months))
          and (days is null or dom = any (days) or dom - dim - 1 = any (days))
          and (yeardays is null or doy = any (yeardays) or doy - diy - 1 = any (yeardays))
          and (weeks is null or extract(week from d)::int = any (weeks))
          and (weekdays is null or pg_temp.by_day(weekdays, d, freq = 'YEARLY' and months is null))
          and case freq when 'DAILY' then true
              when 'WEEKLY' then weekdays is not null or extract(dow from d) = extract(dow from p_start)
              when 'MONTHLY' then days is not null or weekdays is not null or dom = extract(day from p_start)
              else case when weeks is not null then weekdays is not null or extract(dow from d) = extract(dow from p_start)
                   when weekdays is not null or yeardays is not null or days is not null then true
                   when months is not null then dom = extract(day from p_start)
                   else dom = extract(day from p_start) and extract(month from d) = extract(month from p_start) end end
    ), placed as (
        select *, row_number() over (partition by period order by w) as up, row_number() over (partition by period order by w desc) as down from fit
    ), chosen as (
        select w, r, row_number() over (order by w) as n from placed
        where (positions is null or up::int = any (positions) or -down::int = any (positions)) and w >= p_start
    )
    select w from chosen where (r ->> 'COUNT' is null or n <= (r ->> 'COUNT')::int) and w < p_to + 1
$$;

-- Openings of an event that can matter between two instants.
create function pg_temp.event(p jsonb, p_from timestamptz, p_to timestamptz) returns table (s timestamptz, e timestamptz) language plpgsql stable as $$
declare
    z text := coalesce(p ->> 'zone', 'UTC');
    first timestamp := (p ->> 'start')::timestamp;
    rule text := regexp_replace(coalesce(p ->> 'rrule', ''), ';?UNTIL=[^;]*', '');
    until_text text := substring(p ->> 'rrule' from 'UNTIL=([0-9TZ]+)');
    until_at timestamptz := case when until_text like '%Z' then to_timestamp(until_text, 'YYYYMMDD"T"HH24MISS"Z"') end;
    until_wall timestamp := case when until_text not like '%Z' then to_timestamp(rpad(until_text, 8), 'YYYYMMDD')::timestamp end;
    length interval := make_interval(secs => coalesce((p ->> 'seconds')::int, extract(epoch from
        pg_temp.instant((p ->> 'end')::timestamp, z) - pg_temp.instant(first, z))::int, 0));
    whole interval := make_interval(days => coalesce((p ->> 'days')::int, 0));
begin
    return query
    select o.s, o.e from (
        select w, pg_temp.instant(w, z) as s, pg_temp.instant(w + whole, z) + length as e from (
            select w from pg_temp.recur(first, rule, p_to::date + 2) w where rule <> ''
                and (until_at is null or pg_temp.instant(w, z) <= until_at) and (until_wall is null or w <= until_wall)
            union select first where rule = ''
            union select x::timestamp from jsonb_array_elements_text(coalesce(p -> 'rdate', '[]')) x) w
        where w > (p_from at time zone z) - interval '35 days' and w < (p_to at time zone z) + interval '2 days') o
    where o.e > o.s and o.s not in (select pg_temp.instant(x::timestamp, z) from jsonb_array_elements_text(coalesce(p -> 'exdate', '[]')) x);
end $$;

create function pg_temp.openings(p jsonb, p_from timestamptz, p_to timestamptz) returns table (s timestamptz, e timestamptz) language plpgsql stable as $$
declare
    z text := coalesce(p ->> 'timezone', 'UTC');
begin
    if p ? 'events' then
        return query select o.s, o.e from jsonb_array_elements(p -> 'events') x, pg_temp.event(x, p_from, p_to) o;
    elsif p ? 'start' then
        return query select (p ->> 'start')::timestamptz, (p ->> 'end')::timestamptz;
    else
        return query select i, i + make_interval(secs => pg_temp.seconds(p ->> 'duration'))
            from pg_temp.cron(p ->> 'schedule', (p_from at time zone z)::date - 1, (p_to at time zone z)::date + 1) w, pg_temp.instant(w, z) i;
    end if;
end $$;

create function pg_temp.fits(p_list jsonb, p_text text) returns boolean language sql immutable as $$
    select coalesce(jsonb_array_length(p_list), 0) = 0 or exists (
        select 1 from jsonb_array_elements_text(p_list) g
        where coalesce(p_text, '') ~ ('^' || replace(replace(regexp_replace(g, '([.+^$(){}|\\\[\]])', '\\\1', 'g'), '*', '.*'), '?', '.') || '$'))
$$;

create temp table opening (grp int, id int, kind text, over boolean, name text, s timestamptz, e timestamptz);

-- Whether changes are allowed at an instant; p_override names a window, or is null.
create function pg_temp.allowed(p_at timestamptz, p_override text) returns boolean language sql stable as $$
    with state as (
        select grp, id, kind, over, name, bool_or(s <= p_at and p_at < e) as active from opening group by grp, id, kind, over, name
    ), passes as (
        select coalesce(bool_or(name = p_override) filter (where kind = 'deny' and active), false)
               and coalesce(bool_and(over) filter (where kind = 'deny' and active), true) as yes from state
    )
    select coalesce(bool_and(g.ok), true) from (
        select (not coalesce(bool_or(active and kind = 'deny'), false) or (select yes from passes))
               and (coalesce(bool_or(active and kind = 'allow'), false) or not coalesce(bool_or(kind = 'allow'), false)) as ok
        from state group by grp) g
$$;

create function pg_temp.fill(p jsonb, p_from timestamptz, p_to timestamptz) returns void language plpgsql as $$
begin
    truncate opening;
    insert into opening
    select g.ordinality, w.ordinality, x ->> 'kind', coalesce((x ->> 'override')::boolean, false), x ->> 'name', o.s, o.e
    from jsonb_array_elements(p -> 'groups') with ordinality g, jsonb_array_elements(g.value) with ordinality w,
        lateral (select w.value as x) v
        left join lateral pg_temp.openings(v.x, p_from, p_to) o on true
    where pg_temp.fits(v.x -> 'namespaces', p #>> '{subject,namespace}') and pg_temp.fits(v.x -> 'clusters', p #>> '{subject,cluster}')
      and coalesce(p #> '{subject,labels}', '{}') @> coalesce(v.x -> 'labels', '{}');
end $$;

create function pg_temp.next_opening(p_at timestamptz, p_to timestamptz) returns timestamptz language plpgsql stable as $$
declare
    v record;
begin
    for v in select s as c from opening where kind = 'allow' and s > p_at and s < p_to
             union select e from opening where kind = 'deny' and e > p_at and e < p_to order by c loop
        if pg_temp.allowed(v.c, null) then
            return v.c;
        end if;
    end loop;
    return null;
end $$;

-- Looks a fortnight ahead first, then as far as tare does (400 days).
create function pg_temp.verdict(p jsonb) returns text language plpgsql as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_next timestamptz;
begin
    perform pg_temp.fill(p, v_at - interval '33 days', v_at + interval '15 days');
    if pg_temp.allowed(v_at, p #>> '{subject,override}') then
        return 'allowed';
    end if;
    v_next := pg_temp.next_opening(v_at, v_at + interval '14 days');
    if v_next is null then
        perform pg_temp.fill(p, v_at - interval '33 days', v_at + interval '435 days');
        v_next := pg_temp.next_opening(v_at, v_at + interval '400 days');
    end if;
    return 'denied ' || coalesce(to_char(v_next at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '-');
end $$;

create temp table question (n bigint generated always as identity, line text);
\copy question (line) from pstdin with (format csv, quote e'\x01', delimiter e'\x02')
do $$
declare
    q record;
begin
    create temp table answer (n bigint, verdict text);
    for q in select n, line::jsonb as j from question order by n loop
        insert into answer values (q.n, pg_temp.verdict(q.j));
    end loop;
end $$;
select verdict from answer order by n;
