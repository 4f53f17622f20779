-- Random questions for window_verdicts.sql, one a line: sets of windows of every form with selectors, in one or two groups, about a
-- subject at an instant that is often near a change of clocks or the edge of an opening. Variables: seed (between -1 and 1), cases.
set timezone = 'UTC';

create function pg_temp.pick(variadic p text[]) returns text language sql volatile as $$
    select p[1 + floor(random() * cardinality(p))::int]
$$;
create function pg_temp.below(p int) returns int language sql volatile as $$ select floor(random() * p)::int $$;

create temp table zone as
    select z, (select coalesce(array_agg(h), '{}') from (
                   select h, h at time zone z - lag(h) over (order by h) at time zone z as step
                   from generate_series(timestamptz '2011-06-01', timestamptz '2012-06-01', interval '6 hours') h
                   union all
                   select h, h at time zone z - lag(h) over (order by h) at time zone z
                   from generate_series(timestamptz '2018-01-01', timestamptz '2027-06-01', interval '6 hours') h) t
               where step <> interval '6 hours') as changes
    from unnest(array['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Africa/Casablanca', 'Pacific/Apia',
                      'Asia/Tehran', 'Europe/Dublin', 'America/Havana', 'Pacific/Chatham', 'America/Santiago', 'Asia/Kathmandu', 'UTC']) z;

create function pg_temp.a_zone() returns text language sql volatile as $$ select z from zone order by random() limit 1 $$;

create function pg_temp.cron() returns jsonb language sql volatile as $$
    select jsonb_build_object('schedule', concat_ws(' ', pg_temp.pick('0', '30', '15', '59', '7', '0,30', '*/20'),
        pg_temp.pick('0', '2', '2', '3', '23', '17', '*/7', '1-20/4'), pg_temp.pick('*', '*', '*', '1', '29', '15', '*/9', '5-9', '31,2'),
        pg_temp.pick('*', '*', '*', '*/2', 'MAR,oct', '2-5'), pg_temp.pick('*', '*', '1-5', 'FRI-SUN', '0', '7', 'Mon,wed', '*/3')),
        'duration', pg_temp.pick('1m', '30m', '1h', '90m', '6h', '10h', '24h', '36h', '3d', '31d'), 'timezone', pg_temp.a_zone())
$$;

-- A rule whose first date is p_start.
create function pg_temp.rule(p_start timestamp, p_day boolean) returns text language plpgsql volatile as $$
declare
    v_name text := substr('SUMOTUWETHFRSA', extract(dow from p_start)::int * 2 + 1, 2);
    v_left int := (date_trunc('month', p_start) + interval '1 month')::date - p_start::date;
    v_month text := 'BYMONTH=' || extract(month from p_start);
    v_of_month text := 'BYMONTHDAY=' || extract(day from p_start);
    v_nth text := 'BYDAY=' || ((extract(day from p_start)::int - 1) / 7 + 1) || v_name;
    v_freq text := pg_temp.pick('DAILY', 'WEEKLY', 'WEEKLY', 'MONTHLY', 'MONTHLY', 'YEARLY');
    v text;
begin
    v := case v_freq
        when 'DAILY' then pg_temp.pick('', '', 'BYDAY=' || v_name || ',SA', v_month)
        when 'WEEKLY' then concat_ws(';', nullif(pg_temp.pick('', 'BYDAY=' || v_name || ',WE,SU', 'BYDAY=' || v_name || ',FR'), ''),
                                     nullif(pg_temp.pick('', 'WKST=SU', 'WKST=TH', 'WKST=MO'), ''))
        when 'MONTHLY' then pg_temp.pick('', v_of_month, 'BYMONTHDAY=-' || v_left, v_nth, 'BYDAY=' || v_name, v_of_month || ',3')
        else pg_temp.pick('', v_month || ';' || v_of_month, v_month || ';' || v_nth, 'BYYEARDAY=' || extract(doy from p_start), v_month || ';BYDAY=' || v_name)
        end;
    v := concat_ws(';', 'FREQ=' || v_freq, nullif(pg_temp.pick('', '', 'INTERVAL=2', 'INTERVAL=5'), ''), nullif(v, ''));
    if not p_day and random() < 0.15 then
        v := v || ';BYHOUR=' || concat_ws(',', extract(hour from p_start)::int, case when extract(hour from p_start) < 22 then '22' end);
    end if;
    return v || case pg_temp.below(4) when 0 then ';COUNT=' || 1 + pg_temp.below(60)
        when 1 then ';UNTIL=' || to_char(p_start + make_interval(days => 3 + pg_temp.below(4000)), case when p_day then 'YYYYMMDD' else 'YYYYMMDD"T"HH24MISS"Z"' end)
        else '' end;
end $$;

create function pg_temp.local_text(p timestamptz) returns text language sql immutable as $$ select to_char(p, 'YYYY-MM-DD"T"HH24:MI:SS') $$;

create function pg_temp.event(p_near timestamptz) returns jsonb language plpgsql volatile as $$
declare
    v_day boolean := random() < 0.3;
    v_start timestamp := date_trunc('day', p_near at time zone 'UTC') - make_interval(days => pg_temp.below(pg_temp.pick('1', '4', '41', '400', '3000')::int))
        + case when v_day then interval '0' else make_interval(hours => pg_temp.pick('0', '1', '2', '3', '23', '14')::int, mins => pg_temp.pick('0', '0', '30', '15')::int) end;
    v jsonb := jsonb_build_object('start', pg_temp.local_text(v_start), 'zone', pg_temp.a_zone());
begin
    v := v || case when v_day then jsonb_build_object('allday', true, 'days', pg_temp.pick('1', '1', '2', '7', '31')::int)
        when random() < 0.3 then jsonb_build_object('days', 1 + pg_temp.below(2), 'seconds', 3600)
        else jsonb_build_object('seconds', pg_temp.pick('60', '1800', '3600', '7200', '36000', '86400')::int) end;
    if random() < 0.75 then
        v := v || jsonb_build_object('rrule', pg_temp.rule(v_start, v_day));
    end if;
    if random() < 0.4 then
        v := v || jsonb_build_object('exdate', (select jsonb_agg(pg_temp.local_text(v_start + make_interval(days => pg_temp.pick('0', '1', '7', '14', '28', '31', '365')::int)))
                                                from generate_series(1, 3)));
    end if;
    if random() < 0.2 then
        v := v || jsonb_build_object('rdate', jsonb_build_array(pg_temp.local_text(
            date_trunc('day', p_near at time zone 'UTC') + v_start::time + make_interval(days => pg_temp.below(12) - 3))));
    end if;
    return v;
end $$;

create function pg_temp.window(p_name text, p_near timestamptz) returns jsonb language plpgsql volatile as $$
declare
    v_from timestamptz := p_near + make_interval(mins => pg_temp.below(6000) - 3000);
    v_form float8 := random();
    v jsonb := jsonb_build_object('name', p_name, 'kind', pg_temp.pick('allow', 'deny'), 'override', random() < 0.3);
begin
    v := v || case when v_form < 0.45 then pg_temp.cron()
        when v_form < 0.6 then jsonb_build_object('start', pg_temp.local_text(v_from) || 'Z', 'end',
            pg_temp.local_text(v_from + make_interval(secs => 1 + pg_temp.below(300000))) || 'Z')
        else jsonb_build_object('events', jsonb_build_array(pg_temp.event(p_near))) end;
    if random() < 0.4 then
        v := v || jsonb_build_object('namespaces', pg_temp.pick('["prod-*"]', '["shop","prod-?"]', '["*"]', '["dev"]')::jsonb);
    end if;
    if random() < 0.2 then
        v := v || jsonb_build_object('clusters', pg_temp.pick('["eu"]', '["*-east"]', '["eu","us-*"]')::jsonb);
    end if;
    if random() < 0.2 then
        v := v || jsonb_build_object('labels', pg_temp.pick('{"tier":"web"}', '{"tier":"web","team":"a"}', '{"team":"b"}')::jsonb);
    end if;
    return v;
end $$;

create function pg_temp.question() returns jsonb language plpgsql volatile as $$
declare
    v_changes timestamptz[] := (select changes from zone where cardinality(changes) > 0 order by random() limit 1);
    v_near timestamptz := date_trunc('minute', case when random() < 0.6
        then v_changes[1 + pg_temp.below(cardinality(v_changes))] + make_interval(mins => pg_temp.below(4000) - 2000)
        else timestamptz '2024-01-01' + make_interval(mins => pg_temp.below(1500000)) end);
begin
    if random() < 0.5 then
        v_near := date_trunc('hour', v_near) - make_interval(secs => pg_temp.pick('0', '0', '1')::int);
    end if;
    return jsonb_build_object('at', pg_temp.local_text(v_near) || 'Z',
        'groups', (select jsonb_agg(w) from (
            select jsonb_agg(pg_temp.window('w' || g || i, v_near)) as w from generate_series(1, 1 + pg_temp.below(2)) g, generate_series(1, 1 + pg_temp.below(3)) i
            group by g) t),
        'subject', jsonb_strip_nulls(jsonb_build_object('namespace', pg_temp.pick('prod-a', 'shop', 'dev', 'prod-'), 'cluster', pg_temp.pick('eu', 'us-east'),
            'labels', pg_temp.pick('{}', '{"tier":"web"}', '{"tier":"web","team":"a"}')::jsonb,
            'override', case when random() < 0.2 then pg_temp.pick('w11', 'w12') end)));
end $$;

select setseed(:seed) is not null as seeded \gset
select pg_temp.question() from generate_series(1, :cases);
