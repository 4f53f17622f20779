-- What the stored policy asks of a change, judged by the ledger itself, at registering and again before each write;
-- who may see what, with several teams and clusters in one ledger; artifacts only for who has their bytes.

-- ---- Globs and matches, as pipeline/base/str.c and pipeline/run/selector.c have them ----

-- Functions of one expression have no search_path of their own, so that the planner puts them into the query, and the
-- others are plpgsql, whose plans are kept: a plan has ten thousand changes. Only functions with a fixed one call them.

-- `*` and `?`, on bytes as str_glob does: LIKE on bytea knows no letters. E'': what a backslash is in a plain literal is a
-- setting of the caller's session (standard_conforming_strings).
create function tare.glob(p_pattern text, p_text text) returns boolean
language sql stable as $$
    select convert_to(p_text, 'UTF8')
        like convert_to(translate(regexp_replace(p_pattern, E'([\\\\%_])', E'\\\\\\1', 'g'), '*?', '%_'), 'UTF8')
$$;

-- What is missing, null or empty matches all; null text fits no glob.
create function tare.globs_match(p_globs jsonb, p_text text) returns boolean
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
begin
    if jsonb_typeof(p_globs) is distinct from 'array' or p_globs = '[]' then
        return true;
    end if;
    return p_text is not null
        and exists (select 1 from jsonb_array_elements(p_globs) g
                    where jsonb_typeof(g) = 'string' and tare.glob(g #>> '{}', p_text));
end $$;

-- Whether the labels carry every label that is wanted; null where one is wanted of which nothing is known, which is
-- another thing than a label that the workload is known to lack (null in the facts).
create function tare.labels_match(p_wanted jsonb, p_labels jsonb) returns boolean
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_all boolean := true;
    v_key text;
    v_value jsonb;
begin
    if jsonb_typeof(p_wanted) is distinct from 'object' then
        return true;
    end if;
    for v_key, v_value in select w.key, w.value from jsonb_each(p_wanted) w loop
        v_all := v_all and case when jsonb_typeof(v_value) <> 'string' then false
                                when p_labels ? v_key then p_labels -> v_key = v_value end;
    end loop;
    return v_all;
end $$;

-- Whether a `match` fits a workload: true, false, or null where that hangs on a fact that is not known.
create function tare.rule_matches(p_match jsonb, p_cluster text, p_namespace text, p_kind text, p_facts jsonb)
    returns boolean
language sql stable as $$
    select tare.globs_match(p_match -> 'namespaces', p_namespace)
        and tare.globs_match(p_match -> 'clusters', p_cluster)
        and tare.globs_match(p_match -> 'kinds', p_kind)
        and case when p_facts ? 'class' then tare.globs_match(p_match -> 'classes', p_facts ->> 'class')
                 else nullif(tare.globs_match(p_match -> 'classes', null), false) end
        and tare.labels_match(p_match -> 'labels', p_facts -> 'labels')
$$;

-- ---- Approval rules, as pipeline/run/approval.c has them ----

create function tare.risk_rank(p_risk text) returns integer
language sql immutable as $$
    select case p_risk when 'low' then 0 when 'medium' then 1 else 2 end
$$;

-- A whole number of the policy; null for anything else, as json_get_int sees it.
create function tare.whole(p jsonb) returns bigint
language sql immutable as $$
    select case when jsonb_typeof(p) = 'number' and p #>> '{}' ~ '^-?[0-9]{1,18}$' then (p #>> '{}')::bigint end
$$;

create function tare.list_of(p jsonb) returns jsonb
language sql immutable as $$
    select case jsonb_typeof(p) when 'array' then p else '[]' end
$$;

-- Whether a threshold of `when` is reached, null where none is set. A fact that is not known counts as reached.
create function tare.reached(p_when jsonb, p_facts jsonb, p_key text) returns boolean
language sql stable as $$
    select case
        when jsonb_typeof(p_when -> p_key) is distinct from 'number' then null
        when jsonb_typeof(p_facts -> p_key) is distinct from 'number' then true
        else (p_facts ->> p_key)::double precision >= (p_when ->> p_key)::double precision end
$$;

-- Whether a rule of approvals.rules counts: it fits, and has no threshold or one that is reached. Where it is not
-- known whether it fits, it does.
create function tare.rule_counts(p_rule jsonb, p_cluster text, p_namespace text, p_kind text, p_facts jsonb)
    returns boolean
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_when jsonb := p_rule -> 'when';
    v_risk boolean := case when jsonb_typeof(v_when -> 'risk') = 'string'
        then tare.risk_rank(p_facts ->> 'risk') >= tare.risk_rank(v_when ->> 'risk') end;
    v_less boolean := tare.reached(v_when, p_facts, 'decrease_percent');
    v_more boolean := tare.reached(v_when, p_facts, 'increase_percent');
    v_usd boolean := tare.reached(v_when, p_facts, 'monthly_usd');
begin
    -- Thresholds that are not set are null: none of them reached, but one set, is the only way not to count.
    return coalesce(v_risk or v_less or v_more or v_usd, num_nonnulls(v_risk, v_less, v_more, v_usd) = 0)
        and tare.rule_matches(p_rule -> 'match', p_cluster, p_namespace, p_kind, p_facts) is not false;
end $$;

-- What a policy demands of one change: approvals, a role that must give them (null: any approver), which rules say
-- so, whether two of them ask for different roles, and whether approvals.automatic covers it. The same as
-- approval_require in C gives (tests/unit/pipeline/run/rules_test.c compares them); facts that are not known, all of
-- them where there are none, count against the change.
create function tare.rule_demand(p_policy jsonb, p_cluster text, p_namespace text, p_kind text, p_facts jsonb,
    out required integer, out role text, out rule text, out conflict boolean, out automatic boolean)
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_approvals jsonb := p_policy -> 'approvals';
    v_number bigint := coalesce(tare.whole(v_approvals -> 'required'), 1);
    v_general text := 'approvals.required';
    v_rules text[] := '{}';
    v_own bigint;
    v_fits boolean;
    v_item record;
begin
    required := 0;
    conflict := false;
    for v_item in select o.value, o.ordinality - 1 as place
                  from jsonb_array_elements(tare.list_of(p_policy #> '{policy,overrides}')) with ordinality o loop
        v_own := tare.whole(v_item.value #> '{approvals,required}');
        continue when v_own is null;
        v_fits := tare.rule_matches(v_item.value -> 'match', p_cluster, p_namespace, p_kind, p_facts);
        -- One of which it is not known whether it fits may raise the number, not lower it.
        if v_fits or (v_fits is null and v_own > v_number) then
            v_number := v_own;
            v_general := format('policy.overrides[%s].approvals.required', v_item.place);
        end if;
    end loop;
    v_number := case when v_number < 0 then 1 else least(v_number, 100) end;
    for v_item in select r.value, r.ordinality - 1 as place, coalesce(tare.whole(r.value -> 'required'), 1) as number,
                         case when jsonb_typeof(r.value -> 'role') = 'string' then r.value ->> 'role' end as role
                  from jsonb_array_elements(tare.list_of(v_approvals -> 'rules')) with ordinality r loop
        continue when v_item.number <= 0
            or not tare.rule_counts(v_item.value, p_cluster, p_namespace, p_kind, p_facts);
        v_rules := v_rules || format('approvals.rules[%s]', v_item.place);
        required := greatest(required, v_item.number);
        if v_item.role <> 'tare_approver' then
            conflict := conflict or coalesce(role <> v_item.role, false);
            role := v_item.role;
        end if;
    end loop;
    automatic := coalesce(jsonb_typeof(v_approvals #> '{automatic,max_risk}') = 'string'
        and tare.risk_rank(p_facts ->> 'risk') <= tare.risk_rank(v_approvals #>> '{automatic,max_risk}')
        and tare.rule_matches(v_approvals #> '{automatic,match}', p_cluster, p_namespace, p_kind, p_facts), false);
    if v_number > 0 and not automatic then
        required := greatest(required, v_number);
        v_rules := v_rules || v_general;
    elsif required = 0 then
        v_rules := v_rules || case when v_number > 0 then 'approvals.automatic' else v_general end;
    end if;
    rule := left(array_to_string(v_rules, ', '), 511);
end $$;

-- ---- Registering a plan ----

alter table tare.plan_requirement add column facts jsonb;
comment on column tare.plan_requirement.facts is
    'What the approval rules ask about, as the gate found it; null: not known, then every rule that asks counts.';

drop function tare.plan_check_floor(jsonb);
drop function tare.policy_floor(text);

-- Refuses rows that ask for less than the stored policy. Guardrails are the gate's; approvals are judged here too, so
-- that no program can leave them out.
create function tare.plan_check_rules(p_run tare.run, p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_policy jsonb := tare.policy_body();
    v_row record;
begin
    if v_policy is null then
        return;
    end if;
    for v_row in
        select concat_ws('/', x.namespace, x.kind, x.name) as what, x.verdict, coalesce(x.approvals_required, 0) as asked,
               coalesce(x.role, 'tare_approver') as asked_role, coalesce(x.rule, '') as asked_rule, d.*
        from jsonb_to_recordset(p_rows) x (namespace text, kind text, name text, verdict text, approvals_required int,
                                           role text, rule text, facts jsonb)
        cross join lateral tare.rule_demand(v_policy, p_run.cluster, x.namespace, x.kind, x.facts) d
        where x.verdict in ('allowed', 'needs-approval')
    loop
        if v_row.conflict then
            perform tare.fail('TA077', format('rules of the stored policy ask for different roles for %s (%s): it '
                'cannot be approved', v_row.what, v_row.rule), 'tare policy show');
        elsif v_row.asked < v_row.required then
            perform tare.fail('TA077', format('the stored policy asks for %s approvals of %s (%s), the plan for %s',
                v_row.required, v_row.what, v_row.rule, v_row.asked), format('tare rerun %s --from gate', p_run.id));
        elsif v_row.role is not null and v_row.role <> v_row.asked_role then
            perform tare.fail('TA077', format('the stored policy asks for role %s to approve %s (%s), the plan for %s',
                v_row.role, v_row.what, v_row.rule, v_row.asked_role), format('tare rerun %s --from gate', p_run.id));
        elsif v_row.verdict = 'allowed' and v_row.asked_rule = '' then
            perform tare.fail('TA077', format('the plan allows %s without naming the rule that does (%s of the stored '
                'policy would)', v_row.what, v_row.rule), format('tare rerun %s --from gate', p_run.id));
        end if;
    end loop;
end $$;

-- The workloads of a stored artifact. Read piece by piece, one letter a byte, since a piece may end within a letter;
-- `offset 0` keeps the planner from reading each line once for every column.
create function tare.artifact_workloads(p_digest text)
    returns table (cluster text, namespace text, kind text, name text)
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_rest text := '';
    v_lines text[];
    v_piece bytea;
begin
    for v_piece in
        select p.content from (select c.sequence, c.content from tare.artifact_chunk c where c.digest = p_digest
                               union all select null, '\x0a') p
        order by p.sequence nulls last
    loop
        v_lines := string_to_array(v_rest || convert_from(v_piece, 'LATIN1'), E'\n');
        v_rest := v_lines[cardinality(v_lines)];
        return query
            select x.w ->> 'cluster', x.w ->> 'namespace', x.w ->> 'kind', x.w ->> 'name'
            from unnest(v_lines[:cardinality(v_lines) - 1]) l
            cross join lateral (select case when l <> '' then
                convert_from(convert_to(l, 'LATIN1'), 'UTF8')::jsonb -> 'workload' end as w offset 0) x
            where jsonb_typeof(x.w) = 'object';
    end loop;
exception when data_exception then
    perform tare.fail('TA065', format('artifact %s is no artifact of records: %s', p_digest, sqlerrm));
end $$;

-- Where objects that name no namespace stand, by what the run was asked (tare run --namespace).
create function tare.run_namespace(p_run tare.run) returns text
language sql stable set search_path = pg_catalog, tare, pg_temp as $$
    select coalesce((select substr(o.value, length('--namespace=') + 1)
                     from jsonb_array_elements_text(tare.list_of(p_run.settings #> '{options,parse}'))
                          with ordinality o
                     where o.value like '--namespace=%' order by o.ordinality desc limit 1), 'default')
$$;

-- The rows are about the workloads of the artifact, all of them and no others: what is approved is what is written.
create function tare.plan_check_workloads(p_run tare.run, p_plan text, p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_own text := tare.run_namespace(p_run);
    v_odd record;
begin
    select namespace, kind, name, a.elsewhere, r.here is null as left_out into v_odd
    from (select coalesce(w.namespace, v_own) as namespace, w.kind, w.name,
                 max(w.cluster) filter (where w.cluster <> p_run.cluster) as elsewhere, true as here
          from tare.artifact_workloads(p_plan) w group by 1, 2, 3) a
    full join (select distinct x.namespace, x.kind, x.name, true as here
               from jsonb_to_recordset(p_rows) x (namespace text, kind text, name text)) r
        using (namespace, kind, name)
    where a.here is null or r.here is null or a.elsewhere is not null
    order by 1, 2, 3 limit 1;
    if found then
        perform tare.fail('TA065', concat_ws('/', v_odd.namespace, v_odd.kind, v_odd.name) || case
            when v_odd.elsewhere is not null then format(' is of cluster %s, the run is of %s', v_odd.elsewhere,
                p_run.cluster)
            when v_odd.left_out then format(' is in the artifact %s, but not among the rows of the plan', p_plan)
            else format(' is among the rows of the plan, but not in its artifact %s', p_plan) end);
    end if;
end $$;

create or replace function tare.plan_insert(p_run tare.run, p_plan text, p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    insert into tare.plan_requirement (run, namespace, kind, name, plan_digest, cluster, verdict, required,
                                       role, rule, risk, saving_microusd, reasons, facts)
    select p_run.id, x.namespace, x.kind, x.name, p_plan, p_run.cluster, x.verdict,
           coalesce(x.approvals_required, 0), coalesce(x.role, 'tare_approver'), x.rule, x.risk,
           x.saving_microusd, coalesce(x.reasons, '[]'), nullif(x.facts, 'null')
    from jsonb_to_recordset(p_rows) x (namespace text, kind text, name text, verdict text,
                                       approvals_required int, role text, rule text, risk text,
                                       saving_microusd bigint, reasons jsonb, facts jsonb);
exception when unique_violation then
    perform tare.fail('TA065', format('the plan of run %s names a workload twice', p_run.id));
end $$;

-- Refuses namespaces that the caller does not see: it would make a run that it does not see itself, or rows that
-- others take for theirs.
create function tare.need_namespaces(p_cluster text, p_namespaces text[]) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_other text;
begin
    select n into v_other from (select distinct n from unnest(p_namespaces) n) d
    where not tare.sees_namespace(p_cluster, n) order by n limit 1;
    if found then
        perform tare.fail('TA077',
            format('%s is narrowed to other namespaces than %s of cluster %s', session_user, v_other, p_cluster),
            format('run over its own namespaces, or a tare_admin: tare grant %s --namespace %s --cluster %s',
                session_user, v_other, p_cluster));
    end if;
end $$;

create or replace function tare.plan_register(p_run bigint, p_plan text, p_rows jsonb, p_approval_seconds bigint)
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
            where a.run = p_run and a.stage = 'diff' and a.state = 'finished' and f.kind = 'changes'
            order by a.number desc limit 1) then
        perform tare.fail('TA079', format('%s is not the newest changes artifact of run %s', p_plan, p_run));
    end if;
    perform tare.need_namespaces(v_run.cluster, array(
        select x.namespace from jsonb_to_recordset(p_rows) x (namespace text)));
    perform tare.plan_check_workloads(v_run, p_plan, p_rows);
    perform tare.plan_check_rules(v_run, p_rows);
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

-- ---- May this workload be written? ----

-- Whether somebody rejected this very workload, and with which words; null where nobody did.
create function tare.rejection(p_run tare.run, p_namespace text, p_kind text, p_name text) returns text
language sql stable set search_path = pg_catalog, tare, pg_temp as $$
    select format('rejected by %s: %s', a.approver, a.reason) from tare.approval a
    where a.run = p_run.id and a.plan_digest = p_run.plan_digest and a.decision = 'reject' and a.withdrawn_at is null
      and a.namespace = p_namespace and a.kind = p_kind and a.name = p_name
    order by a.id limit 1
$$;

-- What a row of a plan asks for now: the stricter of what it was registered with and of what the stored policy says
-- at this moment. Conflict: no approval can meet it.
create function tare.demand_now(p_row tare.plan_requirement, out required integer, out role text, out rule text,
    out conflict boolean)
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_policy jsonb := tare.policy_body();
    v_now record;
begin
    required := p_row.required;
    role := p_row.role;
    conflict := false;
    if v_policy is null then
        return;
    end if;
    select * into strict v_now
    from tare.rule_demand(v_policy, p_row.cluster, p_row.namespace, p_row.kind, p_row.facts);
    rule := v_now.rule;
    required := greatest(required, v_now.required);
    conflict := v_now.conflict or coalesce(role <> 'tare_approver' and role <> v_now.role, false);
    role := case when role = 'tare_approver' then coalesce(v_now.role, role) else role end;
end $$;

-- Asked before every object. The policy that is stored now counts, besides what the plan was registered with: a rule
-- that came since holds, one that went leaves the plan's own demand.
create or replace function tare.apply_check(p_run bigint, p_namespace text, p_kind text, p_name text,
    out approved boolean, out required integer, out valid integer, out reason text)
language plpgsql volatile security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_need tare.plan_requirement;
    v_now record;
    v_what text := concat_ws('/', p_namespace, p_kind, p_name);
begin
    approved := false;
    required := 0;
    valid := 0;
    select * into v_run from tare.run where id = p_run;
    if not found or not tare.sees_whole(v_run.cluster, v_run.namespaces, v_run.requested_by) then
        reason := format('run %s does not exist, or is not yours to see', p_run);
        return;
    end if;
    if v_run.state not in ('approved', 'refused', 'applying') then
        reason := format('run %s is %s', p_run, v_run.state);
        return;
    end if;
    select * into v_need from tare.plan_requirement q
    where q.run = p_run and q.plan_digest = v_run.plan_digest
      and q.namespace = p_namespace and q.kind = p_kind and q.name = p_name;
    if not found or v_need.verdict in ('blocked', 'unchanged') then
        reason := format('%s is %s in the plan of run %s', v_what, coalesce(v_need.verdict, 'not'), p_run);
        return;
    end if;
    select * into strict v_now from tare.demand_now(v_need);
    required := v_now.required;
    reason := tare.rejection(v_run, p_namespace, p_kind, p_name);
    if reason is not null then
        return;
    elsif v_now.conflict then
        reason := format('rules of the stored policy ask for different roles by now (%s)', v_now.rule);
    elsif v_now.role <> v_need.role then
        reason := format('the stored policy asks for role %s by now (%s), the plan for %s', v_now.role, v_now.rule,
            v_need.role);
    elsif v_need.verdict = 'allowed' then
        approved := required = 0;
        reason := case when approved then format('allowed by rule: %s', coalesce(v_need.rule, 'no approval required'))
            else format('the stored policy asks for %s approvals by now (%s)', required, v_now.rule) end;
    else
        select c.valid into strict valid from tare.plan_counts(v_run, tare.now(), p_namespace, p_kind, p_name) c;
        approved := coalesce(valid >= required, false);
        reason := format('%s of %s approvals of %s hold%s', valid, required, v_what,
            case when required > v_need.required then format(', as %s asks by now', v_now.rule) else '' end);
    end if;
exception when others then
    approved := false;
    reason := format('the approvals of %s could not be evaluated: %s', v_what, sqlerrm);
end $$;

-- ---- Artifacts: only who has the bytes gets at them ----

-- The digest of an artifact can be known to somebody who may not read it (the plan's stands in the flat rows that
-- approvers read). Storing "the same" artifact must not open it to them: they send the bytes, and those are compared
-- with what is there. One row for each attempt that is just sending; what is said is the same whether the artifact is
-- there or not.
create table tare.artifact_offer (
    attempt bigint primary key references tare.attempt,
    digest tare.digest not null,
    size bigint not null,
    position bigint not null default 0,
    matches boolean not null
);
comment on table tare.artifact_offer is 'Bytes that somebody is sending of an artifact that they do not see.';
create index artifact_offer_digest on tare.artifact_offer (digest);
alter table tare.artifact_offer enable row level security;
revoke all on tare.artifact_offer from public;

-- Bytes [p_from, p_from + p_length) of a stored artifact, whatever its pieces are.
create function tare.artifact_bytes(p_digest text, p_from bigint, p_length integer) returns bytea
language sql stable set search_path = pg_catalog, tare, pg_temp as $$
    select substr(string_agg(c.content, ''::bytea order by c.sequence), (p_from - min(c.start))::integer + 1, p_length)
    from (select k.sequence, k.content, sum(octet_length(k.content)) over (order by k.sequence)
                 - octet_length(k.content) as start
          from tare.artifact_chunk k where k.digest = p_digest) c
    where c.start < p_from + p_length and c.start + octet_length(c.content) > p_from
$$;

create or replace function tare.artifact_put(p_attempt bigint, p_digest text, p_kind text, p_size bigint)
    returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_have tare.artifact;
begin
    perform tare.attempt_take(p_attempt);
    insert into tare.artifact (digest, kind, size, stored_at) values (p_digest, p_kind, p_size, tare.now())
    on conflict do nothing;
    if found then
        return true;
    end if;
    -- Held to the end, so that two who send the same do not mix and nobody takes the bytes away meanwhile.
    select * into strict v_have from tare.artifact where digest = p_digest for no key update;
    if not tare.sees_artifact(p_digest) then
        insert into tare.artifact_offer (attempt, digest, size, matches)
        values (p_attempt, p_digest, p_size, v_have.kind = p_kind and v_have.size = p_size)
        on conflict (attempt) do update set digest = excluded.digest, size = excluded.size, position = 0,
                                            matches = excluded.matches;
    elsif v_have.kind <> p_kind or v_have.size <> p_size then
        perform tare.fail('TA065',
            format('artifact %s is stored as %s of %s bytes, not as %s of %s bytes', p_digest, v_have.kind,
                v_have.size, p_kind, p_size));
    elsif v_have.complete then
        return false;
    end if;
    if not v_have.complete then
        delete from tare.artifact_chunk where digest = p_digest;  -- what somebody began to send and did not end
    end if;
    return true;
end $$;

create or replace function tare.artifact_chunk_put(p_digest text, p_sequence integer, p_content bytea) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_complete boolean;
begin
    perform tare.need_role('tare_operator', 'work on runs');
    select complete into v_complete from tare.artifact where digest = p_digest for no key update;
    if v_complete is false then
        insert into tare.artifact_chunk values (p_digest, p_sequence, p_content);
        return;
    end if;
    update tare.artifact_offer o
    set matches = o.matches and coalesce(tare.artifact_bytes(p_digest, o.position, octet_length(p_content)) = p_content,
                                         false),
        position = o.position + octet_length(p_content)
    from tare.attempt a
    where o.digest = p_digest and a.id = o.attempt and a.worked_by = session_user and a.state = 'running';
    if not found then
        perform tare.fail('TA077', format('artifact %s takes no bytes (any more)', p_digest));
    end if;
end $$;

-- Refuses who sent other bytes than those that are there, or none.
create function tare.artifact_proved(p_attempt bigint, p_digest text, p_size bigint) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_offer tare.artifact_offer;
begin
    delete from tare.artifact_offer o where o.attempt = p_attempt and o.digest = p_digest returning o.* into v_offer;
    if tare.sees_artifact(p_digest) then
        return;
    elsif v_offer.attempt is null then
        perform tare.fail('TA065', format('artifact %s is not in the ledger', p_digest));
    elsif v_offer.position <> v_offer.size then
        perform tare.fail('TA065',
            format('artifact %s has %s of its %s bytes', p_digest, v_offer.position, v_offer.size));
    elsif not v_offer.matches or v_offer.position <> p_size then
        perform tare.fail('TA065', format('the bytes sent are not those of artifact %s', p_digest));
    end if;
end $$;

-- Marks the artifact complete and the attempt finished. Size and order of the pieces are checked here, the digest too
-- up to 64 MiB (Postgres has no running sha256); every reader checks it at any size.
create or replace function tare.attempt_finish(p_attempt bigint, p_digest text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_attempt tare.attempt := tare.attempt_take(p_attempt);
    v_artifact tare.artifact;
    v_size bigint;
    v_count bigint;
    v_last integer;
begin
    select * into v_artifact from tare.artifact where digest = p_digest for no key update;
    if not found then
        perform tare.fail('TA065', format('artifact %s is not in the ledger', p_digest));
    end if;
    if v_artifact.complete then
        perform tare.artifact_proved(p_attempt, p_digest, v_artifact.size);
    else
        select coalesce(sum(octet_length(content)), 0), count(*), coalesce(max(sequence), -1)
        into v_size, v_count, v_last from tare.artifact_chunk where digest = p_digest;
        if v_size <> v_artifact.size or v_count <> v_last + 1 then
            perform tare.fail('TA065',
                format('artifact %s has %s of its %s bytes', p_digest, v_size, v_artifact.size));
        end if;
        if v_size <= 67108864 and p_digest <> (
            select encode(sha256(coalesce(string_agg(content, ''::bytea order by sequence), ''::bytea)),
                'hex')
            from tare.artifact_chunk where digest = p_digest) then
            perform tare.fail('TA065', format('the bytes sent are not those of artifact %s', p_digest));
        end if;
        update tare.artifact set complete = true where digest = p_digest;
        delete from tare.artifact_offer where attempt = p_attempt;
    end if;
    update tare.attempt set state = 'finished', ended = tare.now(), artifact = p_digest where id = p_attempt;
    perform tare.audit('attempt.finished', v_attempt.run, v_attempt.stage,
        jsonb_strip_nulls(jsonb_build_object('attempt', p_attempt, 'kind', v_artifact.kind,
                                             'artifact', p_digest, 'input', v_attempt.input)));
end $$;

-- ---- Who sees what ----

-- `*` is every namespace, of the cluster that is named or (`*`) of every one.
create or replace function tare.login_sees(p_login text, p_cluster text, p_namespace text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select not exists (select 1 from tare.login_namespace m where m.login = p_login)
        or exists (select 1 from tare.login_namespace m
                   where m.login = p_login and m.namespace in ('*', p_namespace) and m.cluster in ('*', p_cluster))
$$;

-- Whether the caller sees all that there is of a cluster.
create function tare.sees_cluster(p_cluster text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select not exists (select 1 from tare.login_namespace m where m.login = session_user)
        or exists (select 1 from tare.login_namespace m
                   where m.login = session_user and m.namespace = '*' and m.cluster in ('*', p_cluster))
$$;

-- Whether the caller sees all that there is, also what belongs to no cluster.
create function tare.sees_everything() returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select not exists (select 1 from tare.login_namespace m where m.login = session_user)
        or exists (select 1 from tare.login_namespace m
                   where m.login = session_user and m.namespace = '*' and m.cluster = '*')
$$;

-- A run is seen whole or not at all. While its namespaces are not known, or where it has none, only its requester and
-- who sees all of its cluster see it.
create or replace function tare.sees_whole(p_cluster text, p_namespaces text[], p_requester text) returns boolean
language sql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
    select tare.sees_cluster(p_cluster)
        or case when coalesce(cardinality(p_namespaces), 0) = 0 then p_requester = session_user
                else not exists (select 1 from unnest(p_namespaces) n
                                 where not tare.login_sees(session_user, p_cluster, n)) end
$$;

alter policy seen on tare.llm_exchange using (
    case when run is null then tare.sees_everything() else tare.sees_run(run) end);
alter policy seen on tare.audit_event using (
    actor = session_user or case when run is null then tare.sees_everything() else tare.sees_run(run) end);
-- Names of receivers tell who else uses the ledger.
alter policy seen on tare.notification_pace using (
    tare.sees_everything()
    or exists (select 1 from tare.notification n where n.receiver = notification_pace.receiver));

create or replace function tare.run_namespaces(p_run bigint, p_namespaces text[]) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
begin
    perform tare.need_role('tare_operator', 'work on runs');
    v_run := tare.run_take(p_run);
    perform tare.need_namespaces(v_run.cluster, p_namespaces);
    update tare.run set namespaces = (select coalesce(array_agg(distinct n order by n), '{}')
                                      from unnest(coalesce(namespaces, '{}') || p_namespaces) n
                                          where n is not null)
    where id = p_run;
end $$;

create or replace function tare.results_put(p_run bigint, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_count bigint;
begin
    perform tare.need_role('tare_operator', 'store results');
    v_run := tare.run_take(p_run);
    if v_run.state <> 'running' then
        perform tare.fail('TA077', format('run %s is %s: its results stand', p_run, v_run.state),
            format('tare status %s', p_run));
    end if;
    perform tare.need_namespaces(v_run.cluster, array(
        select x.namespace from jsonb_to_recordset(p_rows) x (namespace text)));
    delete from tare.result r using jsonb_to_recordset(p_rows) x (namespace text, kind text, name text)
    where r.run = p_run and r.namespace = x.namespace and r.kind = x.kind and r.name = x.name;
    insert into tare.result
    select p_run, v_run.cluster, x.* from jsonb_to_recordset(p_rows) x (
        namespace text, kind text, name text, action text, verdict text, confidence double precision,
            risk text,
        source text, cpu_before_millicores bigint, cpu_after_millicores bigint, memory_before_bytes bigint,
        memory_after_bytes bigint, monthly_before_microusd bigint, monthly_after_microusd bigint,
        monthly_saving_microusd bigint, detail jsonb)
    on conflict do nothing;
    get diagnostics v_count = row_count;
    return v_count;
end $$;

-- Tells how many were handed in, not how many were new: that would tell whether another team asked the same. What a
-- program says of the time lies between the run's start and now, and nothing is paid back: the month's bill is one.
create or replace function tare.llm_put(p_run bigint, p_rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_now timestamptz := tare.now();
begin
    perform tare.need_role('tare_operator', 'store exchanges');
    if p_run is not null then
        v_run := tare.run_take(p_run);
    end if;
    insert into tare.llm_exchange (key, run, prompt_digest, provider, model, reply, input_tokens,
                                   output_tokens, cost_microusd, latency_ms, at)
    select x.key, p_run, x.prompt_digest, x.provider, x.model, x.reply, greatest(x.input_tokens, 0),
           greatest(x.output_tokens, 0), greatest(x.cost_microusd, 0), x.latency_ms,
           least(v_now, greatest(coalesce(x.at, v_now), coalesce(v_run.created, v_now)))
    from jsonb_to_recordset(p_rows) x (
        key text, prompt_digest text, provider text, model text, reply text, input_tokens bigint,
        output_tokens bigint, cost_microusd bigint, latency_ms bigint, at timestamptz)
    on conflict do nothing;
    return jsonb_array_length(p_rows);
end $$;

create or replace function tare.audit_append(p_action text, p_run bigint, p_subject text, p_detail jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_operator', 'add audit events');
    if p_action !~ '^(conductor|gate|apply|rollback|report)([.][a-z-]+)+$'
       or p_action in ('apply.resumed', 'rollback.begun', 'rollback.ended') then  -- the ledger's own
        perform tare.fail('TA065', format('"%s" is no audit action of a program', left(p_action, 80)));
    end if;
    if octet_length(p_detail::text) > 65536 then
        perform tare.fail('TA065', 'the detail of an audit event is larger than 64 KiB');
    end if;
    if p_run is not null and not tare.sees_run(p_run) then
        perform tare.no_run(p_run);
    end if;
    perform tare.audit(p_action, p_run, p_subject, p_detail);
end $$;

create or replace function tare.notify_done(p_id bigint, p_lease uuid, p_outcome text, p_error text, p_wait_ms bigint,
                                            p_pause_ms bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row tare.notification;
begin
    perform tare.need_role('tare_operator', 'send notifications');
    select * into v_row from tare.notification where id = p_id for update;
    if not found or not tare.sees_run(v_row.run) or v_row.lease is distinct from p_lease or v_row.state <> 'waiting' then
        return false;
    end if;
    if p_outcome = 'waiting' then
        update tare.notification
        set lease = null, last_error = left(p_error, 4000),
            next_at = clock_timestamp() + make_interval(secs => p_wait_ms / 1000.0)
        where id = p_id;
    else
        perform tare.notify_close(p_id, p_outcome, p_error);
    end if;
    if p_pause_ms > 0 then
        update tare.notification_pace
        set not_before = greatest(not_before, clock_timestamp() + make_interval(secs => p_pause_ms / 1000.0))
        where receiver = v_row.receiver;
    end if;
    return true;
end $$;

-- Only workloads of the run's plan: to lock another team's, or to hear how they stand, is nobody's business.
create or replace function tare.workload_lock(p_run bigint, p_namespace text, p_kind text, p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_key bigint;
    v_had boolean;
    v_other tare.change;
    v_what text := concat_ws('/', p_namespace, p_kind, p_name);
begin
    perform tare.need_role('tare_operator', 'apply runs');
    select * into v_run from tare.run where id = p_run;
    if not found or not tare.sees_run(p_run) then
        perform tare.no_run(p_run);
    end if;
    perform tare.apply_held(p_run);
    if not exists (select 1 from tare.plan_requirement q where q.run = p_run and q.namespace = p_namespace
                     and q.kind = p_kind and q.name = p_name) then
        perform tare.fail('TA077', format('%s is not in the plan of run %s', v_what, p_run),
            format('tare report %s', p_run));
    end if;
    v_key := tare.workload_key(v_run.cluster, p_namespace, p_kind, p_name);
    v_had := tare.lock_mine(v_key);
    if not tare.lock_take(v_key) then
        perform tare.fail('TA075',
            format('%s is being changed by another run (database session %s)', v_what,
            tare.lock_holder(v_key)), 'wait for it, then apply again');
    end if;
    select c.* into v_other from tare.change c
    where c.cluster = v_run.cluster and c.run <> p_run
      and c.state in ('writing', 'written', 'verifying', 'rolling-back', 'rollback-failed')
      and c.workloads @> jsonb_build_array(jsonb_build_object('namespace', p_namespace, 'kind', p_kind,
                                                              'name', p_name)) limit 1;
    if found then
        if not v_had then
            perform pg_advisory_unlock(v_key);
        end if;
        perform tare.fail('TA077',
            format('run %s left %s half changed (%s)', v_other.run, v_what, v_other.state),
            format('tare apply %s --resume, or tare rollback %s --resume', v_other.run, v_other.run));
    end if;
end $$;

create or replace function tare.change_to(p_change bigint, p_to text, p_detail jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_change tare.change;
    v_run tare.run;
begin
    perform tare.need_role('tare_operator', 'apply runs');
    select * into v_change from tare.change where id = p_change;
    if not found or not tare.sees_run(v_change.run) then
        perform tare.fail('TA066', format('change %s does not exist, or is not yours to see', p_change));
    end if;
    v_run := tare.run_take(v_change.run);
    perform tare.apply_held(v_run.id);
    if p_to = 'writing' then
        if v_run.state <> 'applying' then
            perform tare.apply_refusal(v_run);
        end if;
        perform tare.change_allowed(v_run, v_change.workloads);
    end if;
    update tare.change set state = p_to, detail = detail || coalesce(p_detail, '{}'), updated = tare.now(),
                           worked_by = session_user
    where id = p_change;
end $$;

-- ---- Narrowing logins ----

-- Null is `*`: every namespace, every cluster.
create or replace function tare.grant_namespace(p_login text, p_namespace text, p_cluster text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_admin', 'map logins to namespaces');
    if not exists (select 1 from pg_catalog.pg_roles where rolname = p_login) then
        perform tare.fail('TA065', format('there is no login %s', p_login),
            format('an administrator of the database can run: create role %I login', p_login));
    end if;
    if p_namespace = '' or p_cluster = '' then
        perform tare.fail('TA065', 'a namespace or cluster has a name; * is all of them');
    end if;
    insert into tare.login_namespace values (p_login, coalesce(p_namespace, '*'), coalesce(p_cluster, '*'),
        session_user, tare.now())
    on conflict do nothing;
    perform tare.audit('grant.namespace', null, p_login,
        jsonb_build_object('namespace', coalesce(p_namespace, '*'), 'cluster', coalesce(p_cluster, '*')));
end $$;

-- Taking the last row of a login away would let it see everything: only revoke_all does that.
create or replace function tare.revoke_namespace(p_login text, p_namespace text, p_cluster text) returns void
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.need_role('tare_admin', 'map logins to namespaces');
    -- Locked first, so that two who each take one of the last two do not both succeed.
    perform 1 from tare.login_namespace where login = p_login order by namespace, cluster for update;
    delete from tare.login_namespace
    where login = p_login and namespace = coalesce(p_namespace, '*') and cluster = coalesce(p_cluster, '*');
    if not found then
        perform tare.fail('TA065', format('%s is not mapped to namespace %s of cluster %s', p_login,
            coalesce(p_namespace, '*'), coalesce(p_cluster, '*')), 'tare grant');
    end if;
    if not exists (select 1 from tare.login_namespace where login = p_login) then
        perform tare.fail('TA077', format('%s would see every namespace then: this is the last that it is narrowed to',
            p_login), format('tare revoke %s --all says that you mean it', p_login));
    end if;
    perform tare.audit('grant.revoked', null, p_login,
        jsonb_build_object('namespace', coalesce(p_namespace, '*'), 'cluster', coalesce(p_cluster, '*'),
            'sees_all_now', false));
end $$;

-- Takes back all that narrows a login: from now on it sees what its role sees. How many rows that were.
create function tare.revoke_all(p_login text) returns integer
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_count integer;
begin
    perform tare.need_role('tare_admin', 'map logins to namespaces');
    delete from tare.login_namespace where login = p_login;
    get diagnostics v_count = row_count;
    if v_count = 0 then
        perform tare.fail('TA065', format('%s is not narrowed', p_login), 'tare grant');
    end if;
    perform tare.audit('grant.revoked', null, p_login, jsonb_build_object('rows', v_count, 'sees_all_now', true));
    return v_count;
end $$;

revoke all on function
    tare.glob(text, text), tare.globs_match(jsonb, text), tare.labels_match(jsonb, jsonb),
    tare.rule_matches(jsonb, text, text, text, jsonb), tare.risk_rank(text), tare.whole(jsonb),
    tare.reached(jsonb, jsonb, text), tare.rule_counts(jsonb, text, text, text, jsonb), tare.list_of(jsonb),
    tare.rule_demand(jsonb, text, text, text, jsonb), tare.plan_check_rules(tare.run, jsonb),
    tare.artifact_workloads(text), tare.run_namespace(tare.run), tare.plan_check_workloads(tare.run, text, jsonb),
    tare.need_namespaces(text, text[]), tare.rejection(tare.run, text, text, text),
    tare.demand_now(tare.plan_requirement),
    tare.artifact_bytes(text, bigint, integer), tare.artifact_proved(bigint, text, bigint),
    tare.sees_cluster(text), tare.sees_everything(), tare.revoke_all(text)
from public;
-- Reading needs these: they say nothing but what the caller itself may see.
grant execute on function tare.sees_cluster(text), tare.sees_everything() to tare_viewer;
grant execute on function tare.revoke_all(text) to tare_viewer;
