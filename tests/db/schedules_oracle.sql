-- Random schedules and the instants they mean, by Postgres' own time zone arithmetic. Prints ZONE|CRON|FROM|UNTIL|INSTANTS, the
-- instants after FROM and up to UNTIL. Variables: seed (between -1 and 1), cases.
--
-- A reading of the wall clock is reached in the first minute of UTC at which the clocks show it or later: so at each minute those
-- readings are reached that lie after the latest one shown before and not after the one shown now. An instant is a minute that
-- reaches a reading of the schedule.

create type pg_temp.field as (body text, members int[], star boolean);

create function pg_temp.field(p_low int, p_high int) returns pg_temp.field language plpgsql as $$
declare
    v_kind float8 := random();
    v_a int := p_low + floor(random() * (p_high - p_low + 1));
    v_b int := v_a + floor(random() * (p_high - v_a + 1));
    v_step int := (array[2, 3, 5, 7, 10])[1 + floor(random() * 5)];
begin
    if v_kind < 0.3 then
        return ('*'::text, (select array_agg(n) from generate_series(p_low, p_high) n), true);
    elsif v_kind < 0.45 then
        return ('*/' || v_step, (select array_agg(n) from generate_series(p_low, p_high, v_step) n), true);
    elsif v_kind < 0.75 then
        return (v_a::text, array[v_a], false);
    elsif v_kind < 0.9 then
        return (v_a || '-' || v_b, (select array_agg(n) from generate_series(v_a, v_b) n), false);
    end if;
    return (v_b || ',' || v_a, array[v_a, v_b], false);
end $$;

create function pg_temp.instants(p_zone text, f pg_temp.field[], p_from timestamptz, p_until timestamptz) returns text language sql as $$
    with minute as (
        select u, u at time zone p_zone as shown from generate_series(p_from - interval '30 hours', p_until, interval '1 minute') u
    ), reached as (
        select u, shown, max(shown) over (order by u rows between unbounded preceding and 1 preceding) as before from minute
    )
    select coalesce(string_agg(to_char(r.u at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ' ' order by r.u), '')
    from reached r
    where r.u > p_from and exists (
        select 1 from generate_series(r.before + interval '1 minute', r.shown, interval '1 minute') w
        where extract(minute from w)::int = any (f[1].members) and extract(hour from w)::int = any (f[2].members)
          and extract(month from w)::int = any (f[4].members)
          and case when f[3].star or f[5].star
              then extract(day from w)::int = any (f[3].members) and extract(dow from w)::int = any (f[5].members)
              else extract(day from w)::int = any (f[3].members) or extract(dow from w)::int = any (f[5].members) end)
$$;

create function pg_temp.cases(p_count int) returns setof text language plpgsql as $$
declare
    v_zones text[] := array['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Auckland', 'America/Santiago',
                            'Europe/Dublin', 'Africa/Casablanca', 'America/Havana', 'Pacific/Chatham', 'UTC', 'Africa/Cairo', 'Asia/Kolkata'];
    v_zone text;
    v_changes timestamptz[];
    v_at timestamptz;
    f pg_temp.field[];
begin
    for i in 1 .. p_count loop
        v_zone := v_zones[1 + i % array_length(v_zones, 1)];
        select coalesce(array_agg(t.at), '{}') into v_changes
        from (select h as at, h at time zone v_zone - lag(h) over (order by h) at time zone v_zone as step
              from generate_series('2026-01-01T00:00Z'::timestamptz, '2027-12-31T23:00Z', interval '1 hour') h) t
        where t.step <> interval '1 hour';
        v_at := case when cardinality(v_changes) > 0 and random() < 0.8 then v_changes[1 + floor(random() * cardinality(v_changes))]
                     else '2026-01-01T00:00Z'::timestamptz + make_interval(hours => floor(random() * 17000)::int) end;
        f := array[pg_temp.field(0, 59), pg_temp.field(0, 23), pg_temp.field(1, 31), pg_temp.field(1, 12), pg_temp.field(0, 6)];
        if random() < 0.6 then  -- about the hours that clocks skip or repeat
            f[2] := (select (string_agg(h::text, ','), array_agg(h), false)::pg_temp.field from generate_series(0, 3) h);
            f[3] := ('*'::text, (select array_agg(n) from generate_series(1, 31) n), true);
            f[4] := ('*'::text, (select array_agg(n) from generate_series(1, 12) n), true);
        end if;
        return next format('%s|%s %s %s %s %s|%s|%s|%s', v_zone, f[1].body, f[2].body, f[3].body, f[4].body, f[5].body,
            to_char((v_at - interval '20 hours') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            to_char((v_at + interval '20 hours') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            pg_temp.instants(v_zone, f, v_at - interval '20 hours', v_at + interval '20 hours'));
    end loop;
end $$;

select setseed(:seed) \g /dev/null
select pg_temp.cases(:cases);
