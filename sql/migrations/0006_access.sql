-- Who may do what. Nobody gets INSERT, UPDATE or DELETE on a table: what is written goes through functions.
-- Reading goes by SELECT, narrowed row by row. A later migration that adds a table or function repeats this
-- for it; tests/db/access.t fails where one was forgotten.

revoke all on schema tare from public;
grant usage on schema tare to tare_viewer;

revoke all on all tables in schema tare from public;
revoke all on all sequences in schema tare from public;
revoke all on all functions in schema tare from public;

grant select on
    tare.migration, tare.ledger, tare.run, tare.run_move, tare.attempt, tare.artifact, tare.artifact_chunk,
    tare.plan_requirement, tare.approval, tare.window_override, tare.policy, tare.login_namespace,
    tare.change, tare.change_move, tare.audit_event, tare.result, tare.series_history, tare.llm_exchange
to tare_viewer;

-- Row by row.
alter table tare.run enable row level security;
create policy seen on tare.run for select using (tare.sees_whole(cluster, namespaces, requested_by));

alter table tare.attempt enable row level security;
create policy seen on tare.attempt for select using (tare.sees_run(run));

alter table tare.artifact enable row level security;
create policy seen on tare.artifact for select using (tare.sees_artifact(digest));
alter table tare.artifact_chunk enable row level security;
create policy seen on tare.artifact_chunk for select using (tare.sees_artifact(digest));

alter table tare.plan_requirement enable row level security;
create policy seen on tare.plan_requirement for select using (tare.sees_namespace(cluster, namespace));

-- Decisions about a run that is seen, about a workload that is seen, and one's own.
alter table tare.approval enable row level security;
create policy seen on tare.approval for select using (
    approver = session_user or tare.sees_run(run)
    or exists (select 1 from tare.plan_requirement q
               where q.run = approval.run and q.namespace = approval.namespace and q.kind = approval.kind
                 and q.name = approval.name));

alter table tare.window_override enable row level security;
create policy seen on tare.window_override for select using (tare.sees_run(run));

alter table tare.change enable row level security;
create policy seen on tare.change for select using (tare.sees_run(run));

alter table tare.result enable row level security;
create policy seen on tare.result for select using (tare.sees_namespace(cluster, namespace));

alter table tare.series_history enable row level security;
create policy seen on tare.series_history for select using (tare.sees_namespace(cluster, namespace));

-- Prompts quote workloads: who is narrowed sees those of whole runs it sees.
alter table tare.llm_exchange enable row level security;
create policy seen on tare.llm_exchange for select using (
    case when run is null then not exists (select 1 from tare.login_namespace m where m.login = session_user)
         else tare.sees_run(run) end);

alter table tare.login_namespace enable row level security;
create policy seen on tare.login_namespace for select using (
    login = session_user or tare.holds_role(session_user, 'tare_admin'));

alter table tare.audit_event enable row level security;
create policy seen on tare.audit_event for select using (
    actor = session_user
    or case when run is null then not exists (select 1 from tare.login_namespace m
        where m.login = session_user)
            else tare.sees_run(run) end);

-- Without rights at all: only functions read and write these.
alter table tare.clock_override enable row level security;
alter table tare.audit_head enable row level security;

-- The rest has nothing that a viewer may not see.
alter table tare.migration enable row level security;
create policy seen on tare.migration for select using (true);
alter table tare.ledger enable row level security;
create policy seen on tare.ledger for select using (true);
alter table tare.policy enable row level security;
create policy seen on tare.policy for select using (true);
alter table tare.run_move enable row level security;
create policy seen on tare.run_move for select using (true);
alter table tare.change_move enable row level security;
create policy seen on tare.change_move for select using (true);

-- What reading needs.
grant execute on function
    tare.now(), tare.clock_set(timestamptz), tare.rfc3339(timestamptz), tare.audit_verify(),
    tare.holds_role(text, text), tare.sees_namespace(text, text), tare.sees_whole(text, text[], text),
    tare.sees_run(bigint), tare.sees_artifact(text), tare.approval_holds(bigint), tare.plan_rows(bigint),
    tare.settle_due(), tare.run_settle(bigint), tare.llm_month(), tare.apply_check(bigint, text, text, text)
to tare_viewer;

-- What changes something is open to whoever may use the ledger at all, because each of these functions first
-- asks whether session_user has the role (tare.need_role): that names the role in the refusal, and no SET
-- ROLE gets past it. tests/db/access.t tries each as each role.
grant execute on function
    tare.run_create(text, text, text, text, jsonb, timestamptz),
    tare.run_namespaces(bigint, text[]), tare.run_fail(bigint, text), tare.run_lock(bigint),
        tare.run_unlock(bigint), tare.rerun(bigint, text[], jsonb),
    tare.attempt_begin(bigint, text, text, jsonb), tare.attempt_fail(bigint, integer, text),
    tare.attempt_finish(bigint, text), tare.artifact_put(bigint, text, text, bigint),
    tare.artifact_chunk_put(text, integer, bytea), tare.plan_register(bigint, text, jsonb, bigint),
    tare.window_override_add(bigint, text, text), tare.apply_begin(bigint, text, boolean),
    tare.apply_end(bigint, text, text), tare.refuse(bigint, text, timestamptz),
    tare.workload_lock(bigint, text, text, text), tare.workload_unlock(bigint, text, text, text),
    tare.change_begin(bigint, text, jsonb, bytea, jsonb), tare.change_to(bigint, text, jsonb),
    tare.rollback_begin(bigint), tare.rollback_end(bigint, text, text),
    tare.audit_append(text, bigint, text, jsonb), tare.results_put(bigint, jsonb),
    tare.series_put(text, jsonb), tare.llm_put(bigint, jsonb),
    tare.approve(bigint, text, text, text, text, text), tare.reject(bigint, text),
    tare.withdraw(bigint, text, text, text, text), tare.mine(),
    tare.policy_set(text, text), tare.grant_namespace(text, text, text), tare.revoke_namespace(text, text,
        text)
to tare_viewer;
