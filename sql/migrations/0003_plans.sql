-- Plans, approvals, the stored policy, namespace mappings, window overrides.

-- The policy in force is the newest row.
create table tare.policy (
    id bigint generated always as identity primary key,
    digest tare.digest not null,
    source text not null check (octet_length(source) <= 1048576),
    body text not null check (octet_length(body) <= 1048576),
    set_by text not null,
    set_at timestamptz not null
);

-- One row a workload of the plan, as the gate judged it.
create table tare.plan_requirement (
    run bigint not null references tare.run,
    namespace text not null,
    kind text not null,
    name text not null,
    plan_digest tare.digest not null,
    cluster text not null,
    verdict text not null check (verdict in ('allowed', 'needs-approval', 'blocked', 'unchanged')),
    required integer not null check (required between 0 and 100),
    role text not null default 'tare_approver',
    rule tare.short_text,
    risk text check (risk in ('low', 'medium', 'high')),
    saving_microusd bigint,
    reasons jsonb not null default '[]',
    primary key (run, namespace, kind, name),
    check ((verdict = 'needs-approval') = (required > 0))
);
create trigger plan_requirement_keep before update or delete on tare.plan_requirement
    for each row execute function tare.row_keep();

-- Decisions of people. A null workload is the whole plan (all of it that the approver may decide about).
create table tare.approval (
    id bigint generated always as identity primary key,
    run bigint not null references tare.run,
    plan_digest tare.digest not null,
    namespace text,
    kind text,
    name text,
    decision text not null check (decision in ('approve', 'reject')),
    approver text not null,
    at timestamptz not null,
    expires timestamptz,
    reason tare.short_text,
    withdrawn_at timestamptz,
    withdrawn_by text,
    withdrawn_reason tare.short_text,
    check (num_nulls(namespace, kind, name) in (0, 3)),
    check (decision <> 'reject' or coalesce(length(reason), 0) > 0)
);
create index approval_run on tare.approval (run);
create trigger approval_keep before delete on tare.approval for each row execute function tare.row_keep();

create function tare.approval_guard() returns trigger
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if old.withdrawn_at is not null
       or (to_jsonb(old) - 'withdrawn_at' - 'withdrawn_by' - 'withdrawn_reason')
          <> (to_jsonb(new) - 'withdrawn_at' - 'withdrawn_by' - 'withdrawn_reason') then
        perform tare.fail('TA077', 'an approval is withdrawn once and otherwise never changed');
    end if;
    return new;
end $$;
create trigger approval_guard before update on tare.approval
    for each row execute function tare.approval_guard();

create table tare.window_override (
    id bigint generated always as identity primary key,
    run bigint not null references tare.run,
    name tare.short_text not null,
    reason tare.short_text not null check (length(reason) > 0),
    made_by text not null,
    at timestamptz not null
);
create index window_override_run on tare.window_override (run);
create trigger window_override_keep before update or delete on tare.window_override
    for each row execute function tare.row_keep();

-- ---- What the stored policy says ----

create function tare.policy_body() returns jsonb
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select body::jsonb from tare.policy order by id desc limit 1
$$;

-- "24h" and its like, or whole seconds (what `tare policy set` makes of it); null for anything else.
create function tare.duration(p text) returns interval
language sql immutable set search_path = pg_catalog, tare, pg_temp as $$
    select case when p ~ '^[0-9]{1,9}$' then make_interval(secs => p::int)
        when p ~ '^[0-9]{1,6}[smhd]$'
        then make_interval(secs => left(p, -1)::int
            * case right(p, 1) when 's' then 1 when 'm' then 60 when 'h' then 3600 else 86400 end) end
$$;

create function tare.separation_wanted() returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select coalesce(tare.policy_body() #>> '{approvals,separation_of_duties}', 'true') <> 'false'
$$;

-- The fewest approvals that the stored policy asks of any workload; null where none is stored. Labels and
-- money are not the database's to judge: the gate applies the finer rules, this is the floor it cannot go
-- below.
create function tare.policy_floor(p_verdict text) returns integer
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select case
        when b is null then null
        when p_verdict = 'allowed' and coalesce(jsonb_typeof(b #> '{approvals,automatic}'), 'null') <> 'null'
            then 0
        else least(coalesce((b #>> '{approvals,required}')::int, 1),
                   (select min((o #>> '{approvals,required}')::int)
                    from jsonb_array_elements(case jsonb_typeof(b #> '{policy,overrides}')
                                              when 'array' then b #> '{policy,overrides}' else '[]' end) o))
        end
    from (select tare.policy_body() as b) p
$$;

-- ---- Do the approvals hold? ----

-- Whether a login had a hand in the plan: it asked for the run, worked on one of its stages itself, or made
-- the `changes` artifact.
create function tare.had_hand(p_run bigint, p_login text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select exists (select 1 from tare.run r where r.id = p_run and r.requested_by = p_login)
        or exists (select 1 from tare.attempt a join tare.run r on r.id = a.run
                   where a.run = p_run and a.worked_by = p_login
                     and a.stage not in ('apply', 'rollback', 'report')
                     and (a.inherited_from is null or a.artifact = r.plan_digest))
$$;

-- For each workload that needs approvals (or the one named): how many different people's approvals hold at an
-- instant. Roles, namespaces and separation of duties are asked once for each person, not for each workload.
create function tare.plan_counts(p_run tare.run, p_at timestamptz, p_namespace text default null,
                                 p_kind text default null, p_name text default null)
returns table (namespace text, kind text, name text, required integer, valid bigint)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with need as materialized (
        select q.namespace, q.kind, q.name, q.required, q.role from tare.plan_requirement q
        where q.run = p_run.id and q.plan_digest = p_run.plan_digest and q.verdict = 'needs-approval'
          and (p_name is null or (q.namespace = p_namespace and q.kind = p_kind and q.name = p_name))
    ), given as materialized (
        select a.approver, a.namespace, a.kind, a.name from tare.approval a
        where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'approve'
          and a.withdrawn_at is null and a.expires > p_at
    ), person as materialized (
        select p.approver from (select distinct g.approver from given g) p
        where tare.holds_role(p.approver, 'tare_approver')
          and not (tare.separation_wanted() and tare.had_hand(p_run.id, p.approver))
    ), may as materialized (
        select p.approver, n.namespace, n.role from person p, (select distinct namespace, role from need) n
        where tare.holds_role(p.approver, n.role) and tare.login_sees(p.approver, p_run.cluster, n.namespace)
    )
    select n.namespace, n.kind, n.name, n.required, count(distinct m.approver)
    from need n
    left join given g on g.name is null or (g.namespace = n.namespace and g.kind = n.kind and g.name = n.name)
    left join may m on m.approver = g.approver and m.namespace = n.namespace and m.role = n.role
    group by n.namespace, n.kind, n.name, n.required
$$;

-- Whether every workload of the plan that needs approvals has them at an instant.
create function tare.plan_holds(p_run tare.run, p_at timestamptz) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select not exists (select 1 from tare.plan_counts(p_run, p_at) c where c.valid < c.required)
$$;

-- Whether one approval counts now.
create function tare.approval_holds(p_approval bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select a.decision = 'approve' and a.withdrawn_at is null and a.expires > tare.now()
       and a.plan_digest = r.plan_digest and tare.holds_role(a.approver, 'tare_approver')
       and not (tare.separation_wanted() and tare.had_hand(r.id, a.approver))
    from tare.approval a join tare.run r on r.id = a.run where a.id = p_approval
$$;

-- What the plan asks for and what holds now, for the workloads that the caller may see.
create function tare.plan_rows(p_run bigint)
returns table (namespace text, kind text, name text, verdict text, approvals_required integer,
               approvals_valid bigint, approved boolean, role text, rule text, risk text,
               saving_microusd bigint, reasons jsonb)
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    with c as materialized (
        select n.* from tare.run r cross join lateral tare.plan_counts(r, tare.now()) n where r.id = p_run
    )
    select q.namespace, q.kind, q.name, q.verdict, q.required, coalesce(c.valid, 0),
           q.verdict = 'allowed' or (q.verdict = 'needs-approval' and c.valid >= q.required),
           q.role, q.rule::text, q.risk, q.saving_microusd, q.reasons
    from tare.plan_requirement q
    left join c on c.namespace = q.namespace and c.kind = q.kind and c.name = q.name
    where q.run = p_run and tare.sees_namespace(q.cluster, q.namespace)
    order by q.namespace, q.kind, q.name
$$;

-- Brings a run's state up to what its approvals and the clock say. Called before anything that depends on it.
create function tare.run_settle(p_run bigint) returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_now timestamptz := tare.now();
    v_holds boolean;
    v_to text;
begin
    select * into v_run from tare.run where id = p_run;
    if not found or v_run.state not in ('awaiting-approval', 'approved', 'refused') then
        return v_run.state;
    end if;
    select * into v_run from tare.run where id = p_run for update;
    v_holds := tare.plan_holds(v_run, v_now);
    if v_run.state = 'awaiting-approval' then
        v_to := case when v_holds then 'approved' when v_now >= v_run.plan_expires then 'expired' end;
    elsif v_run.state in ('approved', 'refused') then
        if not v_holds and tare.plan_holds(v_run, '-infinity') then
            v_to := 'expired';
        elsif not v_holds and v_run.state = 'approved' then
            v_to := 'awaiting-approval';
        elsif v_now >= v_run.plan_expires and not exists (
            select 1 from tare.plan_requirement where run = p_run and verdict = 'needs-approval') then
            v_to := 'expired';
        end if;
    end if;
    if v_to is not null then
        update tare.run set state = v_to, reason = case v_to
            when 'expired' then case when v_run.state = 'awaiting-approval' or v_holds
                                     then 'the plan lay too long' else 'its approvals ran out' end
            when 'awaiting-approval' then 'approvals it had no longer hold' end
        where id = p_run;
    end if;
    return coalesce(v_to, v_run.state);
end $$;

-- The same for all runs that may be due; runs somebody is just working on are left to them.
create function tare.settle_due() returns integer
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_id bigint;
    v_count integer := 0;
begin
    for v_id in
        select r.id from tare.run r
        where r.state in ('awaiting-approval', 'approved', 'refused')
          and (r.plan_expires <= tare.now()
               or exists (select 1 from tare.approval a where a.run = r.id and a.expires <= tare.now()))
        order by r.id for update skip locked
    loop
        perform tare.run_settle(v_id);
        v_count := v_count + 1;
    end loop;
    return v_count;
end $$;

-- ---- Registering a plan ----

create function tare.plan_check_floor(p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row record;
begin
    select x.namespace, x.kind, x.name, coalesce(x.approvals_required, 0) as required,
           tare.policy_floor(x.verdict) as floor into v_row
    from jsonb_to_recordset(p_rows) x (namespace text, kind text, name text, verdict text,
                                       approvals_required int)
    where x.verdict in ('allowed', 'needs-approval')
      and coalesce(x.approvals_required, 0) < coalesce(tare.policy_floor(x.verdict), 0) limit 1;
    if found then
        perform tare.fail('TA077',
            format('the stored policy asks for %s approvals of every change, the plan for %s of %s/%s/%s',
                v_row.floor, v_row.required, v_row.namespace, v_row.kind, v_row.name),
            'tare policy get, then tare rerun RUN --from gate');
    end if;
end $$;

create function tare.plan_insert(p_run tare.run, p_plan text, p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    insert into tare.plan_requirement (run, namespace, kind, name, plan_digest, cluster, verdict, required,
                                       role, rule, risk, saving_microusd, reasons)
    select p_run.id, x.namespace, x.kind, x.name, p_plan, p_run.cluster, x.verdict,
           coalesce(x.approvals_required, 0), coalesce(x.role, 'tare_approver'), x.rule, x.risk,
           x.saving_microusd, coalesce(x.reasons, '[]')
    from jsonb_to_recordset(p_rows) x (namespace text, kind text, name text, verdict text,
                                       approvals_required int, role text, rule text, risk text,
                                       saving_microusd bigint, reasons jsonb);
exception when unique_violation then
    perform tare.fail('TA065', format('the plan of run %s names a workload twice', p_run.id));
end $$;

create function tare.plan_register(p_run bigint, p_plan text, p_rows jsonb, p_approval_seconds bigint)
    returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_now timestamptz := tare.now();
    v_life interval;
    v_to text;
    v_n record;
begin
    perform tare.need_role('tare_operator', 'register plans');
    v_run := tare.run_take(p_run);
    if v_run.state <> 'running' then
        perform tare.fail('TA077', format('run %s is %s: its plan stands', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    if p_plan is distinct from (
            select a.artifact from tare.attempt a join tare.artifact f on f.digest = a.artifact
            where a.run = p_run and a.state = 'finished' and f.kind = 'changes'
                                order by a.number desc limit 1) then
        perform tare.fail('TA079', format('%s is not the newest changes artifact of run %s', p_plan, p_run));
    end if;
    perform tare.plan_check_floor(p_rows);
    perform tare.plan_insert(v_run, p_plan, p_rows);
    select count(*) filter (where verdict = 'needs-approval') as needing,
           count(*) filter (where verdict = 'allowed') as allowed,
           count(*) filter (where verdict = 'blocked') as blocked,
           count(*) filter (where verdict = 'unchanged') as unchanged,
           jsonb_agg(distinct rule) filter (where verdict = 'allowed') as rules
    into v_n from tare.plan_requirement where run = p_run;
    v_life := least(make_interval(secs => coalesce(nullif(p_approval_seconds, 0), 86400)),
                    tare.duration(tare.policy_body() #>> '{approvals,expires_after}'));
    v_to := case when v_n.needing > 0 then 'awaiting-approval' when v_n.allowed > 0 then 'approved'
                 when v_n.blocked > 0 then 'failed' else 'unchanged' end;
    perform tare.audit('plan.registered', p_run, p_plan,
        jsonb_build_object('needs_approval', v_n.needing, 'allowed', v_n.allowed, 'blocked', v_n.blocked,
            'unchanged', v_n.unchanged, 'rules', v_n.rules, 'policy',
            (select digest from tare.policy order by id desc limit 1)));
    update tare.run
    set plan_digest = p_plan, plan_at = v_now, approval_life = v_life,
        plan_expires = v_now + greatest(v_life, interval '7 days'), state = v_to,
        reason = case v_to when 'failed' then 'every change is blocked by the gate' end,
        namespaces = (select coalesce(array_agg(distinct n order by n), '{}') from (
                          select unnest(coalesce(v_run.namespaces, '{}')) union
                          select namespace from tare.plan_requirement where run = p_run) u (n))
    where id = p_run;
    return v_to;
end $$;

-- ---- Deciding ----

-- Refusals that approving and withdrawing share; gives the run, locked. A narrowed approver need not see all
-- of it.
create function tare.decide_take(p_run bigint, p_verb text) returns tare.run
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    perform tare.need_role('tare_approver', p_verb || ' plans');
    select * into v_run from tare.run where id = p_run for update;
    if not found or not (tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by)
        or exists (select 1 from tare.plan_requirement q
                   where q.run = p_run and tare.sees_namespace(q.cluster, q.namespace))) then
        perform tare.no_run(p_run);
    end if;
    if v_run.plan_digest is null then
        perform tare.fail('TA077', format('run %s is %s and has no plan yet', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    return v_run;
end $$;

create function tare.need_separation(p_run bigint) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    if tare.separation_wanted() and tare.had_hand(p_run, session_user) then
        perform tare.fail('TA077',
            format('%s %s run %s and may not approve it', session_user,
                case when exists (select 1 from tare.run where id = p_run and requested_by = session_user)
                     then 'asked for' else 'worked on the plan of' end,
            p_run), format('somebody else approves it: tare --as LOGIN approve %s', p_run));
    end if;
end $$;

-- How many workloads that need approval this decision would cover, for this login.
create function tare.covers(p_run tare.run, p_namespace text, p_kind text, p_name text) returns bigint
language sql stable set search_path = pg_catalog, tare, pg_temp as $$
    select count(*) from tare.plan_requirement q
    where q.run = p_run.id and q.verdict = 'needs-approval'
      and (p_name is null or (q.namespace = p_namespace and q.kind = p_kind and q.name = p_name))
      and tare.holds_role(session_user, q.role) and tare.sees_namespace(q.cluster, q.namespace)
$$;

create function tare.approve(p_run bigint, p_plan text, p_namespace text, p_kind text, p_name text,
    p_reason text)
returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_what text := case when p_name is null then 'the plan' else concat_ws('/', p_namespace, p_kind,
        p_name) end;
    v_now timestamptz := tare.now();
begin
    perform tare.need_separation(p_run);
    v_run := tare.decide_take(p_run, 'approve');
    if v_run.state not in ('awaiting-approval', 'approved', 'refused') then
        perform tare.fail('TA077', format('run %s is %s and takes no approval', p_run, v_run.state),
            format('tare status %s', coalesce(v_run.superseded_by, p_run)));
    end if;
    if p_plan is not null and p_plan <> v_run.plan_digest then
        perform tare.fail('TA079',
            format('the plan of run %s is %s, not %s', p_run, v_run.plan_digest, left(p_plan, 64)),
            format('tare report %s', p_run));
    end if;
    if tare.covers(v_run, p_namespace, p_kind, p_name) = 0 then
        perform tare.fail('TA077',
            format('nothing of %s in run %s needs an approval that %s may give', v_what, p_run, session_user),
            format('tare report %s --mine', p_run));
    end if;
    insert into tare.approval (run, plan_digest, namespace, kind, name, decision, approver, at, expires,
        reason)
    values (p_run, v_run.plan_digest, p_namespace, p_kind, p_name, 'approve', session_user, v_now,
            v_now + v_run.approval_life, nullif(p_reason, ''));
    perform tare.audit('approval.given', p_run, v_what,
        jsonb_strip_nulls(jsonb_build_object('plan', v_run.plan_digest, 'reason', p_reason,
                                             'expires', tare.rfc3339(v_now + v_run.approval_life))));
    return tare.run_settle(p_run);
end $$;

create function tare.reject(p_run bigint, p_reason text) returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run := tare.decide_take(p_run, 'reject');
begin
    if not tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by) then
        perform tare.fail('TA077',
            format('%s does not see all of run %s and may not reject it', session_user, p_run));
    end if;
    if coalesce(btrim(p_reason), '') = '' then
        perform tare.fail('TA077', 'rejecting needs a reason', format('tare reject %s --reason TEXT', p_run));
    end if;
    if v_run.state <> 'awaiting-approval' then
        perform tare.fail('TA077',
            format('run %s is %s: only a plan that awaits approval is rejected', p_run, v_run.state),
            case when v_run.state in ('approved', 'refused')
                 then format('withdraw the approval first: tare withdraw %s', p_run)
                 else format('tare status %s', p_run) end);
    end if;
    insert into tare.approval (run, plan_digest, decision, approver, at, reason)
    values (p_run, v_run.plan_digest, 'reject', session_user, tare.now(), p_reason);
    perform tare.audit('approval.rejected', p_run, 'the plan',
        jsonb_build_object('plan', v_run.plan_digest, 'reason', p_reason));
    update tare.run set state = 'rejected', reason = p_reason where id = p_run;
    return 'rejected';
end $$;

create function tare.withdraw(p_run bigint, p_namespace text, p_kind text, p_name text, p_reason text)
    returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run := tare.decide_take(p_run, 'withdraw approvals of');
begin
    update tare.approval
    set withdrawn_at = tare.now(), withdrawn_by = session_user, withdrawn_reason = nullif(p_reason, '')
    where run = p_run and decision = 'approve' and approver = session_user and withdrawn_at is null
      and (p_name is null or (namespace = p_namespace and kind = p_kind and name = p_name));
    if not found then
        perform tare.fail('TA077',
            format('%s has no such approval of run %s to withdraw', session_user, p_run),
            format('tare status %s', p_run));
    end if;
    perform tare.audit('approval.withdrawn', p_run,
        case when p_name is null then 'the plan' else concat_ws('/', p_namespace, p_kind, p_name) end,
        jsonb_strip_nulls(jsonb_build_object('plan', v_run.plan_digest, 'reason', p_reason)));
    return tare.run_settle(p_run);
end $$;

-- ---- What an administrator stores ----

create function tare.policy_set(p_source text, p_body text) returns text
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_digest text := encode(sha256(convert_to(p_body, 'UTF8')), 'hex');
begin
    perform tare.need_role('tare_admin', 'store the policy');
    if jsonb_typeof(p_body::jsonb) <> 'object' then
        perform tare.fail('TA065', 'a policy is a JSON object');
    end if;
    insert into tare.policy (digest, source, body, set_by, set_at)
    values (v_digest, p_source, p_body, session_user, tare.now());
    perform tare.audit('policy.set', null, v_digest);
    return v_digest;
end $$;

create function tare.grant_namespace(p_login text, p_namespace text, p_cluster text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_admin', 'map logins to namespaces');
    if not exists (select 1 from pg_catalog.pg_roles where rolname = p_login) then
        perform tare.fail('TA065', format('there is no login %s', p_login),
            format('an administrator of the database can run: create role "%s" login', p_login));
    end if;
    insert into tare.login_namespace values (p_login, p_namespace, coalesce(p_cluster, '*'), session_user,
        tare.now())
    on conflict do nothing;
    perform tare.audit('grant.namespace', null, p_login,
        jsonb_build_object('namespace', p_namespace, 'cluster', coalesce(p_cluster, '*')));
end $$;

create function tare.revoke_namespace(p_login text, p_namespace text, p_cluster text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_admin', 'map logins to namespaces');
    delete from tare.login_namespace
    where login = p_login and namespace = p_namespace and cluster = coalesce(p_cluster, '*');
    if not found then
        perform tare.fail('TA065', format('%s is not mapped to namespace %s', p_login, p_namespace));
    end if;
    perform tare.audit('grant.revoked', null, p_login,
        jsonb_build_object('namespace', p_namespace, 'cluster', coalesce(p_cluster, '*'), 'sees_all_now',
            not exists (select 1 from tare.login_namespace where login = p_login)));
end $$;

create function tare.window_override_add(p_run bigint, p_name text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_policy jsonb := tare.policy_body();
begin
    perform tare.need_role('tare_operator', 'override windows');
    perform tare.run_take(p_run);
    if coalesce(btrim(p_reason), '') = '' then
        perform tare.fail('TA077', format('overriding window %s needs a reason', p_name));
    end if;
    if v_policy is not null and not exists (
        select 1 from jsonb_array_elements(case jsonb_typeof(v_policy -> 'windows')
                                           when 'array' then v_policy -> 'windows' else '[]' end) w
        where w ->> 'name' = p_name and w ->> 'override' = 'true') then
        perform tare.fail('TA077', format('the stored policy does not let window %s be overridden', p_name),
            'tare windows');
    end if;
    insert into tare.window_override (run, name, reason, made_by, at)
    values (p_run, p_name, p_reason, session_user, tare.now());
    perform tare.audit('window.override', p_run, p_name, jsonb_build_object('reason', p_reason));
end $$;
