-- Decisions about a plan: of all of it or of chosen workloads, and what of them holds.

-- What a decision about the whole plan was about when it was made: rights that somebody gets later do not widen
-- it. Null in rows of before this migration.
alter table tare.approval add column namespaces text[], add column roles text[];

-- ---- What holds ----

-- What each workload of a plan that needs approvals asks for. What the stored policy asks for by now is judged before
-- each write (apply_check): a plan that was judged by another policy is stale then.
create function tare.plan_asks(p_run tare.run, p_namespace text default null, p_kind text default null,
                               p_name text default null)
returns table (namespace text, kind text, name text, required integer, role text)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select q.namespace, q.kind, q.name, q.required, q.role from tare.plan_requirement q
    where q.run = p_run.id and q.plan_digest = p_run.plan_digest and q.verdict = 'needs-approval'
      and (p_name is null or (q.namespace = p_namespace and q.kind = p_kind and q.name = p_name))
$$;

-- The workloads of a plan whose rejection stands, with who and why.
create function tare.plan_rejected(p_run tare.run)
returns table (namespace text, kind text, name text, rejected text)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select distinct on (a.namespace, a.kind, a.name) a.namespace, a.kind, a.name,
           format('rejected by %s: %s', a.approver, a.reason)
    from tare.approval a
    where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'reject'
      and a.withdrawn_at is null and a.name is not null
    order by a.namespace, a.kind, a.name, a.id
$$;

-- For each workload that needs approvals (or the one named): what is asked of it, how many different people's
-- approvals hold at an instant, whose, and the rejection that stands. A rejection stands against approvals that come
-- after it until it is taken back; roles, namespaces and separation of duties are asked as they are now, once for
-- each person.
drop function tare.plan_counts(tare.run, timestamptz, text, text, text);
create function tare.plan_counts(p_run tare.run, p_at timestamptz, p_namespace text default null,
                                 p_kind text default null, p_name text default null)
returns table (namespace text, kind text, name text, required integer, valid bigint, role text,
               approvers text[], rejected text)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with need as materialized (
        select q.* from tare.plan_asks(p_run, p_namespace, p_kind, p_name) q
    ), given as materialized (
        select a.* from tare.approval a
        where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'approve'
          and a.withdrawn_at is null and a.expires > p_at
    ), said_no as materialized (
        select a.* from tare.approval a
        where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'reject'
          and a.name is not null
    ), person as materialized (
        select p.approver from (select distinct g.approver from given g) p
        where tare.holds_role(p.approver, 'tare_approver')
          and not (tare.separation_wanted() and tare.had_hand(p_run.id, p.approver))
    ), may as materialized (
        select p.approver, n.namespace, n.role from person p, (select distinct namespace, role from need) n
        where tare.holds_role(p.approver, n.role) and tare.login_sees(p.approver, p_run.cluster, n.namespace)
    ), about as (
        select n.namespace, n.kind, n.name, g.id, g.at, g.approver
        from given g join may m on m.approver = g.approver
        join need n on n.namespace = m.namespace and n.role = m.role
        where g.name is null and (g.namespaces is null or n.namespace = any (g.namespaces))
          and (g.roles is null or n.role = any (g.roles))
        union all
        select n.namespace, n.kind, n.name, g.id, g.at, g.approver
        from given g join need n on n.namespace = g.namespace and n.kind = g.kind and n.name = g.name
        join may m on m.approver = g.approver and m.namespace = n.namespace and m.role = n.role
    ), counted as materialized (
        select b.namespace, b.kind, b.name, array_agg(distinct b.approver order by b.approver) as who
        from about b
        where not exists (select 1 from said_no x
                          where x.namespace = b.namespace and x.kind = b.kind and x.name = b.name and x.id < b.id
                            and (x.withdrawn_at is null or x.withdrawn_at > b.at))
        group by b.namespace, b.kind, b.name
    ), standing as materialized (
        select * from tare.plan_rejected(p_run)
    )
    select n.namespace, n.kind, n.name, n.required, coalesce(cardinality(c.who), 0)::bigint, n.role,
           coalesce(c.who, '{}'), s.rejected
    from need n
    left join counted c on c.namespace = n.namespace and c.kind = n.kind and c.name = n.name
    left join standing s on s.namespace = n.namespace and s.kind = n.kind and s.name = n.name
$$;

-- Of a plan at an instant: workloads that still need a decision, and those that may be written.
create function tare.plan_tally(p_run tare.run, p_at timestamptz, out undecided bigint, out free bigint)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select c.undecided, c.free + (
        select count(*) from tare.plan_requirement q
        where q.run = p_run.id and q.plan_digest = p_run.plan_digest and q.verdict = 'allowed'
          and not exists (select 1 from tare.plan_rejected(p_run) x
                          where x.namespace = q.namespace and x.kind = q.kind and x.name = q.name))
    from (select count(*) filter (where c.rejected is null and c.valid < c.required) as undecided,
                 count(*) filter (where c.rejected is null and c.valid >= c.required) as free
          from tare.plan_counts(p_run, p_at) c) c
$$;

-- Whether every workload that needs a decision has one at an instant, and something is left to write. What rules alone
-- allowed holds no longer than its plan lies, whether somebody settled the run since or not.
create or replace function tare.plan_holds(p_run tare.run, p_at timestamptz) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select coalesce(t.undecided = 0 and t.free > 0 and (p_at < p_run.plan_expires or exists (
               select 1 from tare.plan_requirement q where q.run = p_run.id and q.verdict = 'needs-approval')), false)
    from tare.plan_tally(p_run, p_at) t
$$;

-- Whether the caller sees a run, or a flat row of it.
create function tare.sees_part(p_run tare.run) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select tare.sees_whole(p_run.cluster, p_run.namespaces, p_run.requested_by)
        or exists (select 1 from (select distinct q.cluster, q.namespace from tare.plan_requirement q
                                  where q.run = p_run.id) n
                   where tare.sees_namespace(n.cluster, n.namespace))
$$;

-- Whether one decision counts now; null where it is not the caller's to see.
create or replace function tare.approval_holds(p_approval bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select case
        when a.approver <> session_user and not tare.sees_whole(r.cluster, r.namespaces, r.requested_by)
             and not (a.name is not null and tare.sees_namespace(r.cluster, a.namespace)) then null
        when a.withdrawn_at is not null or a.plan_digest is distinct from r.plan_digest then false
        when a.decision = 'reject' then true
        else a.expires > tare.now() and tare.holds_role(a.approver, 'tare_approver')
             and not (tare.separation_wanted() and tare.had_hand(r.id, a.approver))
             and case when a.name is null then exists (
                     select 1 from (select distinct q.namespace, q.role from tare.plan_asks(r) q) n
                     where (a.namespaces is null or n.namespace = any (a.namespaces))
                       and (a.roles is null or n.role = any (a.roles)) and tare.holds_role(a.approver, n.role)
                       and tare.login_sees(a.approver, r.cluster, n.namespace))
                 else exists (select 1 from tare.plan_counts(r, tare.now(), a.namespace, a.kind, a.name) c
                              where a.approver = any (c.approvers)) end
        end
    from tare.approval a join tare.run r on r.id = a.run where a.id = p_approval
$$;

-- What the plan asks for and what holds now, for the workloads that the caller may see. `open_to_me`: an approval
-- of the caller's would count here and is not given yet.
drop function tare.plan_rows(bigint);
create function tare.plan_rows(p_run bigint)
returns table (namespace text, kind text, name text, verdict text, approvals_required integer,
               approvals_valid bigint, approved boolean, role text, rule text, risk text,
               saving_microusd bigint, reasons jsonb, facts jsonb, plan text, approvers text[], rejected text,
               open_to_me boolean)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with r as materialized (
        select * from tare.run where id = p_run
    ), c as materialized (
        select n.* from tare.run r cross join lateral tare.plan_counts(r, tare.now()) n where r.id = p_run
    ), x as materialized (
        select n.* from tare.run r cross join lateral tare.plan_rejected(r) n where r.id = p_run
    ), me as materialized (
        select tare.holds_role(session_user, 'tare_approver')
               and not (tare.separation_wanted() and tare.had_hand(p_run, session_user)) as may
    ), held as materialized (
        select n.role, tare.holds_role(session_user, n.role) as mine from (select distinct role from c) n
    ), seen as materialized (
        select n.cluster, n.namespace from (select distinct q.cluster, q.namespace from tare.plan_requirement q
                                            where q.run = p_run) n
        where tare.sees_namespace(n.cluster, n.namespace)
    )
    select q.namespace, q.kind, q.name, q.verdict, coalesce(c.required, q.required), coalesce(c.valid, 0),
           x.rejected is null
               and (q.verdict = 'allowed' or (q.verdict = 'needs-approval' and c.valid >= c.required)),
           coalesce(c.role, q.role), q.rule::text, q.risk, q.saving_microusd, q.reasons, q.facts,
           q.plan_digest::text,
           coalesce(c.approvers, '{}'), x.rejected,
           c.name is not null and x.rejected is null and me.may and held.mine
               and session_user <> all (c.approvers)
    from tare.plan_requirement q
    join seen on seen.cluster = q.cluster and seen.namespace = q.namespace
    cross join me
    left join c on c.namespace = q.namespace and c.kind = q.kind and c.name = q.name
    left join x on x.namespace = q.namespace and x.kind = q.kind and x.name = q.name
    left join held on held.role = c.role
    where q.run = p_run
    order by q.namespace, q.kind, q.name
$$;

-- What somebody who sees only some rows of a run may know of it as a whole.
create function tare.run_head(p_run bigint)
returns table (run bigint, state text, plan text, cluster text, requested_by text, created timestamptz,
               plan_at timestamptz, plan_expires timestamptz, superseded_by bigint, seen_whole boolean)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select r.id, r.state, r.plan_digest::text, r.cluster::text, r.requested_by, r.created, r.plan_at,
           r.plan_expires, r.superseded_by, tare.sees_whole(r.cluster, r.namespaces, r.requested_by)
    from tare.run r where r.id = p_run and tare.sees_part(r)
$$;

-- ---- Settling ----

-- Brings a run's state up to what its decisions and the clock say.
create function tare.run_settle_now(p_run bigint) returns text
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_now timestamptz := tare.now();
    v_tally record;
    v_to text;
    v_reason text;
begin
    select * into v_run from tare.run where id = p_run;
    if not found or v_run.state not in ('awaiting-approval', 'approved', 'refused') then
        return v_run.state;
    end if;
    select * into v_run from tare.run where id = p_run for update;
    if v_run.state not in ('awaiting-approval', 'approved', 'refused') then
        return v_run.state;
    end if;
    select * into v_tally from tare.plan_tally(v_run, v_now);
    if v_tally.undecided = 0 and v_tally.free = 0 then
        v_to := case v_run.state when 'awaiting-approval' then 'rejected' when 'approved' then 'awaiting-approval' end;
        v_reason := 'every change was rejected';
    elsif v_run.state = 'awaiting-approval' then
        v_to := case when v_now >= v_run.plan_expires then 'expired'
                     when v_tally.undecided = 0 then 'approved' end;
        v_reason := case v_to when 'expired' then 'the plan lay too long' end;
    elsif v_tally.undecided > 0 then
        v_to := case when tare.plan_holds(v_run, '-infinity') then 'expired'
                     when v_run.state = 'approved' then 'awaiting-approval' end;
        v_reason := case v_to when 'expired' then 'its approvals ran out'
                              else 'not all of it is approved or rejected any more' end;
    elsif v_now >= v_run.plan_expires and not exists (
        select 1 from tare.plan_requirement where run = p_run and verdict = 'needs-approval') then
        v_to := 'expired';
        v_reason := 'the plan lay too long';
    end if;
    if v_to is not null then
        update tare.run set state = v_to, reason = v_reason where id = p_run;
        if v_to = 'awaiting-approval' and v_tally.undecided = 0 then
            return tare.run_settle_now(p_run);
        end if;
    end if;
    return coalesce(v_to, v_run.state);
end $$;

-- The same for callers: of a run that they see something of; null for another.
create or replace function tare.run_settle(p_run bigint) returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    if not exists (select 1 from tare.run r where r.id = p_run and tare.sees_part(r)) then
        return null;
    end if;
    return tare.run_settle_now(p_run);
end $$;

-- The same for all runs that may be due; runs somebody is just working on are left to them. Counts those that
-- the caller sees something of.
create or replace function tare.settle_due() returns integer
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_count integer := 0;
begin
    for v_run in
        select r.* from tare.run r
        where r.state in ('awaiting-approval', 'approved', 'refused')
          and (r.plan_expires <= tare.now()
               or exists (select 1 from tare.approval a where a.run = r.id and a.expires <= tare.now()))
        order by r.id for update skip locked
    loop
        perform tare.run_settle_now(v_run.id);
        v_count := v_count + tare.sees_part(v_run)::integer;
    end loop;
    return v_count;
end $$;

-- ---- Deciding ----

-- Refusals that all decisions share; gives the run, locked and settled. A narrowed approver need not see all of it.
create or replace function tare.decide_take(p_run bigint, p_verb text) returns tare.run
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    perform tare.need_role('tare_approver', p_verb || ' plans');
    select * into v_run from tare.run where id = p_run for update;
    if not found or not tare.sees_part(v_run) then
        perform tare.no_run(p_run);
    end if;
    if v_run.plan_digest is null then
        perform tare.fail('TA077', format('run %s is %s and has no plan yet', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    perform tare.run_settle_now(p_run);
    select * into v_run from tare.run where id = p_run;
    return v_run;
end $$;

-- Refuses decisions about a run whose state takes them no more.
create function tare.decide_state(p_run tare.run, p_what text, p_states text[]) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if p_run.state <> all (p_states) then
        perform tare.fail('TA077',
            format('run %s is %s%s and takes no %s', p_run.id, p_run.state,
                case when p_run.superseded_by is not null then format(' by run %s', p_run.superseded_by)
                     when p_run.reason is not null then format(' (%s)', p_run.reason) else '' end, p_what),
            case when p_run.superseded_by is not null then format('tare status %s', p_run.superseded_by)
                 when p_run.state in ('expired', 'rejected') then format('tare rerun %s --from parse', p_run.id)
                 else format('tare status %s', p_run.id) end);
    end if;
end $$;

-- The rows of the plan that a list of workloads names, each once; what is not there, or not the caller's to see, is
-- refused, and with it the whole decision.
create function tare.decide_named(p_run tare.run, p_workloads jsonb) returns setof tare.plan_requirement
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_w record;
begin
    if jsonb_typeof(p_workloads) <> 'array' or jsonb_array_length(p_workloads) = 0 then
        perform tare.fail('TA065', 'a decision names its workloads as a list of namespace, kind and name',
            format('null is all that you may decide about; tare report %s --mine lists it', p_run.id));
    end if;
    for v_w in
        select x.namespace, x.kind, x.name, q as row
        from (select distinct namespace, kind, name
              from jsonb_to_recordset(p_workloads) w (namespace text, kind text, name text)) x
        left join tare.plan_requirement q
            on q.run = p_run.id and q.namespace = x.namespace and q.kind = x.kind and q.name = x.name
        order by x.namespace, x.kind, x.name
    loop
        if (v_w.row).run is null or not tare.sees_namespace((v_w.row).cluster, (v_w.row).namespace) then
            perform tare.fail('TA066',
                format('%s is not in the plan of run %s, or is not yours to see',
                    concat_ws('/', v_w.namespace, v_w.kind, v_w.name), p_run.id),
                format('tare report %s --mine lists what you may decide about', p_run.id));
        end if;
        return next v_w.row;
    end loop;
end $$;

-- Refuses an approval of a workload that the caller may not give or that nobody can.
create function tare.approve_one_check(p_run tare.run, p_row tare.plan_requirement) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_what text := concat_ws('/', p_row.namespace, p_row.kind, p_row.name);
    v_ask record;
begin
    select * into v_ask from tare.plan_counts(p_run, tare.now(), p_row.namespace, p_row.kind, p_row.name);
    if not found then
        perform tare.fail('TA077',
            format('%s is %s in run %s%s: there is nothing to approve', v_what, p_row.verdict, p_run.id,
                case when p_row.verdict = 'allowed' then format(' by rule %s', p_row.rule) else '' end),
            format('tare gate %s --explain --workload %s', p_run.id, v_what));
    end if;
    if v_ask.rejected is not null then
        perform tare.fail('TA077', format('%s was %s', v_what, v_ask.rejected),
            format('who rejected it takes that back: tare withdraw %s --workload %s', p_run.id, v_what));
    end if;
    if not tare.holds_role(session_user, v_ask.role) then
        perform tare.fail('TA077',
            format('nothing of %s in run %s needs an approval that %s may give: it takes the role %s', v_what,
                p_run.id, session_user, v_ask.role),
            format('tare status %s tells who is still needed', p_run.id));
    end if;
end $$;

-- What must be so before anybody's approval is looked at more closely; gives the run, locked.
create function tare.approve_take(p_run bigint, p_plan text) returns tare.run
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    perform tare.need_separation(p_run);
    v_run := tare.decide_take(p_run, 'approve');
    perform tare.need_separation(p_run);
    perform tare.decide_state(v_run, 'approval', array['awaiting-approval', 'approved', 'refused']);
    if p_plan is null or p_plan !~ '^[0-9a-f]{64}$' then
        perform tare.fail('TA064', 'an approval names the whole sha256 of the plan that was read',
            format('tare approve %s --plan DIGEST; every report ends with it', p_run));
    end if;
    if p_plan <> v_run.plan_digest then
        perform tare.fail('TA079',
            format('the plan of run %s is %s, not %s', p_run, v_run.plan_digest, p_plan),
            format('read it again: tare report %s', p_run));
    end if;
    return v_run;
end $$;

create function tare.approval_put(p_run tare.run, p_row tare.plan_requirement, p_reason text, p_covers bigint)
    returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_now timestamptz := tare.now();
    v_about record;
begin
    if p_row.name is null then
        select array_agg(distinct c.namespace) as namespaces, array_agg(distinct c.role) as roles into v_about
        from tare.plan_asks(p_run) c
        where tare.holds_role(session_user, c.role) and tare.sees_namespace(p_run.cluster, c.namespace);
    else
        select null::text[] as namespaces, null::text[] as roles into v_about;
    end if;
    insert into tare.approval (run, plan_digest, namespace, kind, name, decision, approver, at, expires, reason,
                               namespaces, roles)
    values (p_run.id, p_run.plan_digest, p_row.namespace, p_row.kind, p_row.name, 'approve', session_user, v_now,
            v_now + p_run.approval_life, nullif(btrim(p_reason), ''), v_about.namespaces, v_about.roles);
    perform tare.audit('approval.given', p_run.id,
        case when p_row.name is null then 'the plan'
             else concat_ws('/', p_row.namespace, p_row.kind, p_row.name) end,
        jsonb_strip_nulls(jsonb_build_object('plan', p_run.plan_digest, 'reason', nullif(btrim(p_reason), ''),
            'covers', p_covers, 'expires', tare.rfc3339(v_now + p_run.approval_life))));
end $$;

-- Approves the workloads of a list, or (null) all that the caller may approve. All of it or nothing is recorded; what
-- the caller has approved already is not recorded again. Gives {"state","covers","already"}: workloads.
create function tare.approve_workloads(p_run bigint, p_plan text, p_workloads jsonb, p_reason text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run := tare.approve_take(p_run, p_plan);
    v_row tare.plan_requirement;
    v_new tare.plan_requirement[] := '{}';
    v_covers bigint := 0;
    v_already bigint := 0;
begin
    if p_workloads is not null then
        for v_row in select * from tare.decide_named(v_run, p_workloads) loop
            perform tare.approve_one_check(v_run, v_row);
            if exists (select 1 from tare.plan_counts(v_run, tare.now(), v_row.namespace, v_row.kind, v_row.name) c
                       where session_user = any (c.approvers)) then
                v_already := v_already + 1;
            else
                v_new := v_new || v_row;
            end if;
        end loop;
        v_covers := cardinality(v_new) + v_already;
        foreach v_row in array v_new loop
            perform tare.approval_put(v_run, v_row, p_reason, 1);
        end loop;
    else
        select count(*), count(*) filter (where session_user = any (c.approvers)) into v_covers, v_already
        from tare.plan_counts(v_run, tare.now()) c
        where c.rejected is null and tare.holds_role(session_user, c.role)
          and tare.sees_namespace(v_run.cluster, c.namespace);
        if v_covers = 0 then
            perform tare.fail('TA077',
                format('nothing of the plan in run %s needs an approval that %s may give', p_run, session_user),
                format('tare report %s --mine', p_run));
        end if;
        if v_covers > v_already then
            perform tare.approval_put(v_run, null, p_reason, v_covers);
        end if;
    end if;
    return jsonb_build_object('state', tare.run_settle_now(p_run), 'covers', v_covers, 'already', v_already);
end $$;

-- One workload, or (null all three) the plan: the run's state after. A workload that is named by half is none.
create or replace function tare.approve(p_run bigint, p_plan text, p_namespace text, p_kind text, p_name text,
    p_reason text)
returns text
language sql security definer set search_path = pg_catalog, tare, pg_temp as $$
    select tare.approve_workloads(p_run, p_plan, case when num_nonnulls(p_namespace, p_kind, p_name) > 0 then
        jsonb_build_array(jsonb_build_object('namespace', p_namespace, 'kind', p_kind, 'name', p_name)) end,
        p_reason) ->> 'state'
$$;

create function tare.need_reason(p_run bigint, p_reason text) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if coalesce(btrim(p_reason), '') = '' then
        perform tare.fail('TA064', 'rejecting needs a reason', format('tare reject %s --reason TEXT', p_run));
    end if;
end $$;

-- Refuses the rejection of a workload that is not to be written, or was.
create function tare.reject_one_check(p_run tare.run, p_row tare.plan_requirement) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_what text := concat_ws('/', p_row.namespace, p_row.kind, p_row.name);
begin
    if p_row.verdict not in ('allowed', 'needs-approval') then
        perform tare.fail('TA077',
            format('%s is %s in run %s: there is nothing to reject', v_what, p_row.verdict, p_run.id),
            format('tare gate %s --explain --workload %s', p_run.id, v_what));
    end if;
    if exists (select 1 from tare.change c where c.run = p_run.id and c.state <> 'planned'
               and c.workloads @> jsonb_build_array(jsonb_build_object('namespace', p_row.namespace, 'kind',
                                                                       p_row.kind, 'name', p_row.name))) then
        perform tare.fail('TA077', format('%s was written already in run %s', v_what, p_run.id),
            format('tare rollback %s --workload %s puts it back', p_run.id, v_what));
    end if;
end $$;

-- Rejects the workloads of a list, or (null) all that need an approval, have not enough of them and are the
-- caller's to see. Gives {"state","rejected","already"}: workloads.
create function tare.reject_workloads(p_run bigint, p_workloads jsonb, p_reason text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run := tare.decide_take(p_run, 'reject');
    v_new tare.plan_requirement[];
    v_already bigint;
begin
    perform tare.need_reason(p_run, p_reason);
    perform tare.decide_state(v_run, 'rejection', array['awaiting-approval', 'approved', 'refused', 'applying']);
    if p_workloads is null then
        v_new := array(select q from tare.plan_counts(v_run, tare.now()) c
                       join tare.plan_requirement q on q.run = p_run and q.namespace = c.namespace
                           and q.kind = c.kind and q.name = c.name
                       where c.rejected is null and c.valid < c.required
                         and tare.sees_namespace(q.cluster, q.namespace)
                       order by q.namespace, q.kind, q.name);
    else
        v_new := array(select n from tare.decide_named(v_run, p_workloads) n);
        perform tare.reject_one_check(v_run, n) from unnest(v_new) n;
    end if;
    if cardinality(v_new) = 0 then
        perform tare.fail('TA077',
            format('nothing of run %s that %s sees is left to reject: each workload is approved or rejected', p_run,
                session_user), format('tare status %s', p_run));
    end if;
    v_already := cardinality(v_new);
    v_new := array(select n from unnest(v_new) n
                   left join tare.approval a on a.run = p_run and a.decision = 'reject' and a.withdrawn_at is null
                       and a.approver = session_user and a.namespace = n.namespace and a.kind = n.kind
                       and a.name = n.name
                   where a.id is null);
    v_already := v_already - cardinality(v_new);
    insert into tare.approval (run, plan_digest, namespace, kind, name, decision, approver, at, reason)
    select p_run, v_run.plan_digest, n.namespace, n.kind, n.name, 'reject', session_user, tare.now(), p_reason
    from unnest(v_new) n;
    perform tare.audit('approval.rejected', p_run, concat_ws('/', n.namespace, n.kind, n.name),
        jsonb_build_object('plan', v_run.plan_digest, 'reason', p_reason)) from unnest(v_new) n;
    return jsonb_build_object('state', tare.run_settle_now(p_run), 'rejected', cardinality(v_new),
                              'already', v_already);
end $$;

-- The whole plan, for good.
create or replace function tare.reject(p_run bigint, p_reason text) returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run := tare.decide_take(p_run, 'reject');
begin
    if not tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by) then
        perform tare.fail('TA077',
            format('%s does not see all of run %s and may not reject it', session_user, p_run),
            format('tare reject %s --rest --reason TEXT rejects what is yours', p_run));
    end if;
    perform tare.need_reason(p_run, p_reason);
    if v_run.state <> 'awaiting-approval' then
        perform tare.fail('TA077',
            format('run %s is %s: only a plan that awaits approval is rejected', p_run, v_run.state),
            case when v_run.state in ('approved', 'refused')
                 then format('withdraw your approval (tare withdraw %s), or reject workloads of it '
                             '(tare reject %s --workload NAMESPACE/KIND/NAME)', p_run, p_run)
                 else format('tare status %s', p_run) end);
    end if;
    insert into tare.approval (run, plan_digest, decision, approver, at, reason)
    values (p_run, v_run.plan_digest, 'reject', session_user, tare.now(), p_reason);
    perform tare.audit('approval.rejected', p_run, 'the plan',
        jsonb_build_object('plan', v_run.plan_digest, 'reason', p_reason));
    update tare.run set state = 'rejected', reason = p_reason where id = p_run;
    return 'rejected';
end $$;

-- Takes back the caller's decisions about the workloads of a list, or (null) all of them.
-- Gives {"state","approvals","rejections"}: decisions taken back.
create function tare.withdraw_workloads(p_run bigint, p_workloads jsonb, p_reason text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run := tare.decide_take(p_run, 'withdraw decisions about');
    v_w record;
    v_n record;
    v_total jsonb := '{"approvals": 0, "rejections": 0}';
begin
    perform tare.decide_state(v_run, 'withdrawal', array['awaiting-approval', 'approved', 'refused', 'applying']);
    for v_w in
        select n.namespace, n.kind, n.name from tare.decide_named(v_run, p_workloads) n where p_workloads is not null
        union all select null, null, null where p_workloads is null
    loop
        with gone as (
            update tare.approval a
            set withdrawn_at = tare.now(), withdrawn_by = session_user, withdrawn_reason = nullif(p_reason, '')
            where a.run = p_run and a.approver = session_user and a.withdrawn_at is null
              and (v_w.name is null or (a.namespace = v_w.namespace and a.kind = v_w.kind and a.name = v_w.name))
            returning a.decision)
        select count(*) filter (where decision = 'approve') as approvals,
               count(*) filter (where decision = 'reject') as rejections into v_n from gone;
        if v_n.approvals + v_n.rejections = 0 then
            perform tare.fail('TA077',
                format('%s has no such approval or rejection of run %s to withdraw%s', session_user, p_run,
                    case when v_w.name is not null then
                        format(': none of %s alone', concat_ws('/', v_w.namespace, v_w.kind, v_w.name)) else '' end),
                case when v_w.name is null then format('tare status %s', p_run)
                     else format('tare withdraw %s takes back all; tare reject %s --workload %s leaves one out',
                         p_run, p_run, concat_ws('/', v_w.namespace, v_w.kind, v_w.name)) end);
        end if;
        perform tare.audit('approval.withdrawn', p_run,
            case when v_w.name is null then 'the plan' else concat_ws('/', v_w.namespace, v_w.kind, v_w.name) end,
            jsonb_strip_nulls(jsonb_build_object('plan', v_run.plan_digest, 'reason', nullif(p_reason, ''),
                'approvals', v_n.approvals, 'rejections', v_n.rejections)));
        v_total := jsonb_build_object('approvals', (v_total ->> 'approvals')::bigint + v_n.approvals,
                                      'rejections', (v_total ->> 'rejections')::bigint + v_n.rejections);
    end loop;
    return v_total || jsonb_build_object('state', tare.run_settle_now(p_run));
end $$;

-- One workload, or (null) all: the run's state after.
create or replace function tare.withdraw(p_run bigint, p_namespace text, p_kind text, p_name text, p_reason text)
    returns text
language sql security definer set search_path = pg_catalog, tare, pg_temp as $$
    select tare.withdraw_workloads(p_run, case when num_nonnulls(p_namespace, p_kind, p_name) > 0 then
        jsonb_build_array(jsonb_build_object('namespace', p_namespace, 'kind', p_kind, 'name', p_name)) end,
        p_reason) ->> 'state'
$$;

drop function tare.covers(tare.run, text, text, text);

-- What waits for an approval of this login.
create or replace function tare.mine()
returns table (run bigint, plan text, state text, namespace text, kind text, name text, required integer,
               valid bigint, risk text, saving_microusd bigint, reasons jsonb, result jsonb)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select r.id, q.plan, r.state, q.namespace, q.kind, q.name, q.approvals_required, q.approvals_valid, q.risk,
           q.saving_microusd, q.reasons, to_jsonb(s) - 'run' - 'cluster' - 'namespace' - 'kind' - 'name'
    from tare.run r
    cross join lateral tare.plan_rows(r.id) q
    left join tare.result s on s.run = r.id and s.namespace = q.namespace and s.kind = q.kind and s.name = q.name
    where r.state in ('awaiting-approval', 'refused') and tare.holds_role(session_user, 'tare_approver')
      and q.open_to_me and q.approvals_valid < q.approvals_required
    order by r.id, q.namespace, q.kind, q.name
$$;

-- ---- Rules in the place of people ----

-- What no person approves, a stated rule does: each is on record when the plan is registered.
create function tare.run_ruled() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_rule record;
begin
    for v_rule in
        select coalesce(q.rule::text, 'no approval required') as name, count(*) as workloads
        from tare.plan_requirement q
        where q.run = new.id and q.plan_digest = new.plan_digest and q.verdict = 'allowed'
        group by 1 order by 1
    loop
        perform tare.audit('approval.automatic', new.id, v_rule.name,
            jsonb_build_object('plan', new.plan_digest, 'workloads', v_rule.workloads));
    end loop;
    return null;
end $$;
create trigger run_ruled after update of plan_digest on tare.run
    for each row when (old.plan_digest is null and new.plan_digest is not null)
    execute function tare.run_ruled();

-- ---- Rights ----

revoke all on function
    tare.plan_counts(tare.run, timestamptz, text, text, text),
    tare.plan_asks(tare.run, text, text, text), tare.plan_rejected(tare.run), tare.plan_tally(tare.run, timestamptz),
    tare.sees_part(tare.run), tare.plan_rows(bigint), tare.run_head(bigint), tare.run_settle_now(bigint),
    tare.decide_state(tare.run, text, text[]), tare.decide_named(tare.run, jsonb),
    tare.approve_one_check(tare.run, tare.plan_requirement), tare.approve_take(bigint, text),
    tare.approval_put(tare.run, tare.plan_requirement, text, bigint),
    tare.approve_workloads(bigint, text, jsonb, text), tare.need_reason(bigint, text),
    tare.reject_one_check(tare.run, tare.plan_requirement), tare.reject_workloads(bigint, jsonb, text),
    tare.withdraw_workloads(bigint, jsonb, text), tare.run_ruled()
from public;
grant execute on function
    tare.plan_rows(bigint), tare.run_head(bigint), tare.approve_workloads(bigint, text, jsonb, text),
    tare.reject_workloads(bigint, jsonb, text), tare.withdraw_workloads(bigint, jsonb, text)
to tare_viewer;
