-- Random change windows and whether each is open at an instant, by Postgres' own time zone arithmetic. Prints
-- ZONE|SCHEDULE|DURATION|TIME|0 or 1. Variables: seed (between -1 and 1), cases.
--
-- A reading w of the wall clock begins at the first minute u at which the clocks show w or later: so at each minute of
-- UTC those readings begin that lie after the latest one shown before and not after the one shown now. That covers gaps
-- (many readings at once) and hours that come twice (none the second time) without looking for them.

create type pg_temp.cron_field as (body text, members int[], star boolean);

create function pg_temp.random_field(p_low int, p_high int) returns pg_temp.cron_field language plpgsql as $$
declare
    v_kind float8 := random();
    v_a int := p_low + floor(random() * (p_high - p_low + 1));
    v_b int := v_a + floor(random() * (p_high - v_a + 1));
    v_step int := (array[2, 3, 5, 7, 10])[1 + floor(random() * 5)];
begin
    if v_kind < 0.35 then
        return ('*'::text, (select array_agg(n) from generate_series(p_low, p_high) n), true);
    elsif v_kind < 0.5 then
        return ('*/' || v_step, (select array_agg(n) from generate_series(p_low, p_high, v_step) n), true);
    elsif v_kind < 0.75 then
        return (v_a::text, array[v_a], false);
    elsif v_kind < 0.9 then
        return (v_a || '-' || v_b, (select array_agg(n) from generate_series(v_a, v_b) n), false);
    end if;
    return (v_b || ',' || v_a, array[v_a, v_b], false);
end $$;

-- Hours of a year after which a zone's offset is another.
create function pg_temp.changes(p_zone text, p_year int) returns timestamptz[] language sql as $$
    select coalesce(array_agg(t.at), '{}') from (
        select h as at, h at time zone p_zone - lag(h) over (order by h) at time zone p_zone as step
        from generate_series(make_timestamptz(p_year, 1, 1, 0, 0, 0, 'UTC'),
                             make_timestamptz(p_year, 12, 31, 23, 0, 0, 'UTC'), interval '1 hour') h) t
    where t.step <> interval '1 hour'
$$;

create function pg_temp.is_open(p_zone text, p_minutes int[], p_hours int[], p_days pg_temp.cron_field, p_months int[],
                                p_weekdays pg_temp.cron_field, p_duration int, p_at timestamptz)
returns boolean language sql as $$
    with minute as (
        select u, u at time zone p_zone as shown
        from generate_series(p_at - make_interval(mins => p_duration + 1800), p_at, interval '1 minute') u
    ), reached as (
        select u, shown, max(shown) over (order by u rows between unbounded preceding and 1 preceding) as before
        from minute
    )
    select exists (
        select 1 from reached r, generate_series(r.before + interval '1 minute', r.shown, interval '1 minute') w
        where r.u > p_at - make_interval(mins => p_duration)
          and extract(minute from w)::int = any (p_minutes) and extract(hour from w)::int = any (p_hours)
          and extract(month from w)::int = any (p_months)
          and case when p_days.star or p_weekdays.star
              then extract(day from w)::int = any (p_days.members) and extract(dow from w)::int = any (p_weekdays.members)
              else extract(day from w)::int = any (p_days.members) or extract(dow from w)::int = any (p_weekdays.members)
              end)
$$;

create function pg_temp.cases(p_count int) returns setof text language plpgsql as $$
declare
    v_zones text[] := array['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Auckland', 'Asia/Beirut',
                            'America/Santiago', 'Europe/Dublin', 'Africa/Casablanca', 'America/Havana', 'Asia/Tehran',
                            'Pacific/Chatham', 'UTC', 'America/Nuuk', 'Africa/Cairo'];
    v_years int[] := array[2024, 2026, 2027, 2039, 2041];
    v_durations int[] := array[1, 5, 30, 60, 90, 180, 600, 1440, 2880];
    v_zone text;
    v_year int;
    v_changes timestamptz[];
    v_at timestamptz;
    v_duration int;
    f pg_temp.cron_field[];
begin
    for i in 1 .. p_count loop
        v_zone := v_zones[1 + floor(random() * array_length(v_zones, 1))];
        v_year := v_years[1 + floor(random() * array_length(v_years, 1))];
        v_duration := v_durations[1 + floor(random() * array_length(v_durations, 1))];
        v_changes := pg_temp.changes(v_zone, v_year);
        if cardinality(v_changes) > 0 and random() < 0.75 then
            v_at := v_changes[1 + floor(random() * cardinality(v_changes))] + make_interval(mins => floor(random() * 4000)::int - 2000);
        else
            v_at := make_timestamptz(v_year, 1, 1, 0, 0, 0, 'UTC') + make_interval(mins => floor(random() * 525000)::int);
        end if;
        f := array[pg_temp.random_field(0, 59), pg_temp.random_field(0, 23), pg_temp.random_field(1, 31),
                   pg_temp.random_field(1, 12), pg_temp.random_field(0, 6)];
        if random() < 0.7 then
            f[4] := ('*'::text, array[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], true)::pg_temp.cron_field;
        end if;
        return next v_zone || '|' || (f[1]).body || ' ' || (f[2]).body || ' ' || (f[3]).body || ' ' || (f[4]).body || ' '
            || (f[5]).body || '|' || v_duration || 'm|' || to_char(v_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '|'
            || pg_temp.is_open(v_zone, (f[1]).members, (f[2]).members, f[3], (f[4]).members, f[5], v_duration, v_at)::int;
    end loop;
end $$;

select setseed(:seed) is not null as seeded \gset
select pg_temp.cases(:cases);
