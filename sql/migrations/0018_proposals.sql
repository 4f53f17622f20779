-- Proposals: somebody's own numbers for one workload. A run beside another, on what that one read and measured, and in nobody's
-- place: it goes through price, diff and gate like any other, and a person always has to approve it.

alter table tare.run add column proposal jsonb;
comment on column tare.run.proposal is
    'Of a proposal: {"by","containers","reason","workload"}; who asked for which amounts, and why. Reruns of it stay one.';

-- A rerun of a proposal is the same proposal, of the same person.
create function tare.run_proposed() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    new.proposal := (select proposal from tare.run where id = new.parent);
    return new;
end $$;
create trigger run_proposed before insert on tare.run
    for each row when (new.parent is not null and new.proposal is null) execute function tare.run_proposed();

create function tare.run_proposal_keep() returns trigger
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.fail('TA077', format('what run %s was asked cannot be changed', old.id), 'make another: tare propose');
    return null;
end $$;
create trigger run_proposal_keep before update on tare.run
    for each row when (new.proposal is distinct from old.proposal) execute function tare.run_proposal_keep();

-- What a proposal has to say, with who says it.
create function tare.proposal_checked(p_proposal jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, tare, pg_temp as $$
begin
    if p_proposal is null or jsonb_typeof(p_proposal) <> 'object' or length(p_proposal::text) > 65536
       or jsonb_typeof(p_proposal -> 'workload') is distinct from 'string'
       or array_length(string_to_array(p_proposal ->> 'workload', '/'), 1) <> 3
       or jsonb_typeof(p_proposal -> 'reason') is distinct from 'string' or btrim(p_proposal ->> 'reason') = ''
       or jsonb_typeof(p_proposal -> 'containers') is distinct from 'array'
       or jsonb_array_length(p_proposal -> 'containers') = 0 then
        perform tare.fail('TA065', 'a proposal names a workload, what it asks for it, and why');
    end if;
    return jsonb_build_object('by', session_user, 'containers', p_proposal -> 'containers', 'reason', p_proposal -> 'reason',
                              'workload', p_proposal -> 'workload');
end $$;

-- A run beside p_run that takes over its p_keep stages. p_run stays what it is: a proposal supersedes nothing.
create function tare.propose(p_run bigint, p_keep text[], p_settings jsonb, p_proposal jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_run tare.run;
    v_id bigint;
    v_stage text;
    v_proposal jsonb;
    v_now timestamptz := date_trunc('second', tare.now());
begin
    perform tare.need_role('tare_operator', 'start runs');
    v_run := tare.run_take(p_run);
    v_proposal := tare.proposal_checked(p_proposal);
    foreach v_stage in array coalesce(p_keep, '{}') loop
        if not exists (select 1 from tare.attempt where run = p_run and stage = v_stage and state = 'finished') then
            perform tare.fail('TA066', format('run %s has no finished %s to propose on', p_run, v_stage), 'tare run makes a new run');
        end if;
    end loop;
    insert into tare.run (parent, created, state_since, requested_by, cluster, target, program, settings, namespaces, proposal)
    values (p_run, v_now, v_now, session_user, v_run.cluster, v_run.target, v_run.program, coalesce(p_settings, v_run.settings),
            v_run.namespaces, v_proposal)
    returning id into v_id;
    insert into tare.attempt (run, stage, number, state, worked_by, started, ended, input, artifact, inherited_from, detail)
    select distinct on (stage) v_id, stage, 1, state, worked_by, started, ended, input, artifact, id, detail
    from tare.attempt where run = p_run and state = 'finished' and stage = any (p_keep)
    order by stage, number desc;
    perform tare.audit('run.proposed', v_id, v_proposal ->> 'workload',
        jsonb_build_object('beside', p_run, 'reason', left(v_proposal ->> 'reason', 4000), 'containers', v_proposal -> 'containers'));
    return v_id;
end $$;

-- A proposal's plan is about its workload alone, and no rule stands in for the person who approves it.
create function tare.plan_check_proposal(p_run tare.run, p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
declare
    v_row record;
begin
    if p_run.proposal is null then
        return;
    end if;
    select concat_ws('/', x.namespace, x.kind, x.name) as what, x.verdict, coalesce(x.approvals_required, 0) as asked into v_row
    from jsonb_to_recordset(p_rows) x (namespace text, kind text, name text, verdict text, approvals_required int)
    where (x.verdict = 'allowed' or (x.verdict = 'needs-approval'
           and (coalesce(x.approvals_required, 0) < 1 or concat_ws('/', x.namespace, x.kind, x.name) <> p_run.proposal ->> 'workload')))
    order by 1 limit 1;
    if not found then
        return;
    elsif v_row.what <> p_run.proposal ->> 'workload' then
        perform tare.fail('TA077', format('run %s is a proposal for %s: its plan may not change %s', p_run.id,
            p_run.proposal ->> 'workload', v_row.what), format('tare rerun %s --from analyze', p_run.id));
    end if;
    perform tare.fail('TA077', format('run %s is a proposal: somebody has to approve %s', p_run.id, v_row.what),
        format('tare rerun %s --from gate', p_run.id));
end $$;

-- As in 0010, and a proposal's.
create or replace function tare.plan_insert(p_run tare.run, p_plan text, p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, tare, pg_temp as $$
begin
    perform tare.plan_check_proposal(p_run, p_rows);
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

-- As in 0016, and who proposed the numbers, whoever made a run again of them.
create or replace function tare.had_hand(p_run bigint, p_login text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, tare, pg_temp as $$
begin
    return exists (select 1 from tare.run r where r.id = p_run and r.requested_by = p_login)
        or exists (select 1 from tare.attempt a join tare.run r on r.id = a.run
                   where a.run = p_run and a.worked_by = p_login
                     and a.stage not in ('apply', 'rollback', 'report')
                     and (a.inherited_from is null or a.artifact = r.plan_digest))
        or exists (select 1 from tare.run r where r.id = p_run and r.scheduled -> 'asked_by' ? p_login)
        or exists (select 1 from tare.run r where r.id = p_run and r.proposal ->> 'by' = p_login);
end $$;

revoke all on function
    tare.run_proposed(), tare.run_proposal_keep(), tare.proposal_checked(jsonb), tare.propose(bigint, text[], jsonb, jsonb),
    tare.plan_check_proposal(tare.run, jsonb)
from public;
grant execute on function tare.propose(bigint, text[], jsonb, jsonb) to tare_viewer;
