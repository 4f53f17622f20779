#!/usr/bin/env bash
# Proposals in the ledger: a run beside another that supersedes nothing, about one workload, which somebody else approves.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

proposal='{"by":"rev","workload":"shop/Deployment/cart","reason":"load test","containers":[{"name":"server","cpu_request_millicores":300}]}'
propose() { # LOGIN RUN [PROPOSAL] [KEEP]
    as "$1" "select tare.propose($2, '${4:-{\}}', null, '${3:-$proposal}')"
}
# Registers a plan of a run with ROWS; prints the state, or what is against it.
register() { # LOGIN RUN ROWS
    pg "$1" ledger -v run="$2" -v rows="$3" -v salt="$RANDOM$RANDOM" 2>&1 <<'SQL' | sed -n 's/.*ERROR:  //p; /^[a-z][a-z-]*$/p' | tail -1
select tare.attempt_begin(:run, 'diff', null, '{}') as attempt \gset
select convert_to(jsonb_build_object('of', :'run', 'salt', :'salt')::text || E'\n' || string_agg(
    jsonb_build_object('workload', jsonb_build_object('namespace', r -> 'namespace', 'kind', r -> 'kind', 'name', r -> 'name'))::text
    || E'\n', ''), 'UTF8') as text from jsonb_array_elements(:'rows') r \gset
select encode(sha256(:'text'), 'hex') as digest, octet_length(:'text'::bytea) as size \gset
begin;
select tare.artifact_put(:attempt, :'digest', 'changes', :size) \g /dev/null
select tare.artifact_chunk_put(:'digest', 0, :'text') \g /dev/null
select tare.attempt_finish(:attempt, :'digest') \g /dev/null
commit;
select tare.plan_register(:run, :'digest', :'rows', 0);
SQL
    gone
}
row() { # NAME VERDICT APPROVALS
    printf '{"namespace":"shop","kind":"Deployment","name":"%s","verdict":"%s","approvals_required":%s,"rule":"x"}' "$@"
}

base=$(plan_run op "$one_row" a)
as op "select tare.run_namespaces($base, '{shop}')" >/dev/null

# ---- A run beside another ----
id=$(propose op2 "$base" '' '{diff}')
like "$id" '^[0-9]+$' "an operator proposes"
is "$(as op "select state from tare.run where id = $base")" awaiting-approval "the run beside which it is made stays what it was"
is "$(as op "select superseded_by is null from tare.run where id = $base")" t "and nothing takes its place"
is "$(as op "select parent, state, requested_by, batch is null, schedule is null, namespaces from tare.run where id = $id")" \
    "$base|running|op2|t|t|{shop}" "the new one is of who asked, beside the other, and sees what that one sees"
is "$(as op "select proposal ->> 'by', proposal ->> 'workload', proposal ->> 'reason' from tare.run where id = $id")" \
    "op2|shop/Deployment/cart|load test" "who proposes is who is logged in, whatever the words say"
is "$(as op "select count(*) from tare.attempt a join tare.attempt b on b.id = a.inherited_from where a.run = $id and b.run = $base and a.stage = 'diff'")" 1 \
    "it takes over the stages that it names"
is "$(as op "select actor, subject, detail::jsonb ->> 'beside', detail::jsonb ->> 'reason' from tare.audit_event where run = $id and action = 'run.proposed'")" \
    "op2|shop/Deployment/cart|$base|load test" "and it is on record"
refused boss "update tare.run set proposal = null where id = $id" TA077 "what was proposed is not changed, by the owner neither"
refused boss "update tare.run set proposal = '{}' where id = $base" TA077 "nor does another run become one"

# ---- Refused ----
runs=$(as op "select count(*) from tare.run")
for bad in null '[]' '{}' '"x"' '{"workload":"shop/Deployment/cart","reason":"x"}' '{"workload":"shop/Deployment/cart","reason":"x","containers":[]}' \
    '{"workload":"cart","reason":"x","containers":[1]}' '{"workload":"shop/Deployment/cart","reason":"  ","containers":[1]}' \
    '{"workload":"shop/Deployment/cart","containers":[1]}' '{"workload":7,"reason":"x","containers":[1]}'; do
    refused op "select tare.propose($base, '{}', null, '$bad')" TA065 "refused: $bad"
done
refused op "select tare.propose($base, '{}', null, null)" TA065 "and nothing at all"
refused op "select tare.propose($base, '{}', null, jsonb_build_object('workload', 'a/b/c', 'reason', repeat('x', 70000), 'containers', '[1]'::jsonb))" TA065 \
    "a reason without end neither"
refused op "select tare.propose($base, '{collect}', null, '$proposal')" TA066 "a stage that the run has not finished"
refused op "select tare.propose(999999, '{}', null, '$proposal')" TA066 "a run that there is not"
refused view "select tare.propose($base, '{}', null, '$proposal')" TA077 "a viewer proposes nothing"
refused rev "select tare.propose($base, '{}', null, '$proposal')" TA077 "an approver neither"
as boss "create role team login in role tare_operator" >/dev/null
as adm "select tare.grant_namespace('team', 'pay', 'prod')" >/dev/null
refused team "select tare.propose($base, '{}', null, '$proposal')" TA066 "who does not see the run does not know it"
is "$(as op "select count(*) from tare.run")" "$runs" "and none of these left a run"

# ---- Its plan ----
like "$(register op2 "$id" "[$(row cart allowed 0)]")" "run $id is a proposal: somebody has to approve shop/Deployment/cart" "no rule lets it through"
like "$(register op2 "$id" "[$(row cart needs-approval 0)]")" 'somebody has to approve' "nor a plan that asks for no approval"
like "$(register op2 "$id" "[$(row cart needs-approval 1),$(row web needs-approval 1)]")" \
    "run $id is a proposal for shop/Deployment/cart: its plan may not change shop/Deployment/web" "and it changes no other workload"
as adm "select tare.policy_set('x', '{\"approvals\":{\"required\":0}}')" >/dev/null
like "$(register op2 "$id" "[$(row cart allowed 0)]")" 'somebody has to approve' "whatever the stored policy lets through"
is "$(register op2 "$id" "[$(row cart needs-approval 1),$(row web unchanged 0)]")" awaiting-approval "a plan about it alone is registered"

# ---- Who approves it ----
as boss "grant tare_approver to op2, op" >/dev/null
refused op2 "select tare.approve($id, $(the_plan "$id"), null, null, null, null)" TA077 "who proposed does not approve"
again=$(as op "select tare.rerun($id, '{}', null)")
is "$(as op "select proposal ->> 'by', requested_by from tare.run where id = $again")" "op2|op" "a rerun of it is the same proposal of the same person"
is "$(as op "select state from tare.run where id = $id")" superseded "(and takes its place, as a rerun does)"
is "$(register op "$again" "[$(row cart needs-approval 1)]")" awaiting-approval "with a plan of its own"
refused op2 "select tare.approve($again, $(the_plan "$again"), null, null, null, null)" TA077 "which who proposed does not approve either"
refused op "select tare.approve($again, $(the_plan "$again"), null, null, null, null)" TA077 "nor who made it again"
is "$(as rev "select tare.approve($again, $(the_plan "$again"), null, null, null, null)")" approved "somebody else does"
is "$(as view "select approved from tare.apply_check($again, 'shop', 'Deployment', 'cart')")" t "and that holds"
is "$(as rev "select tare.approve($base, $(the_plan "$base"), null, null, null, null)")" approved "the run beside it is approved by itself"

# ---- A proposal on a proposal is of who made it ----
third=$(propose op "$again")
is "$(as op "select proposal ->> 'by', parent from tare.run where id = $third")" "op|$again" "another proposal may stand on one"
is "$(as op "select state from tare.run where id = $again")" approved "which supersedes nothing either"
is "$(as view "select intact from tare.audit_verify()")" t "the audit trail is intact"
done_testing
