#!/usr/bin/env bash
# Good and bad approvals, with real logins: what each refusal is, and that nothing of it is left behind.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

as boss "create role pay_lead; grant pay_lead to rev2; create role rev3 login in role tare_approver, tare_viewer;
    create role rev4 login in role tare_approver" >/dev/null
need='"verdict":"needs-approval","approvals_required":'
cart='{"namespace":"shop","kind":"Deployment","name":"cart",'$need'1}'
web='{"namespace":"shop","kind":"Deployment","name":"web",'$need'1}'
till='{"namespace":"pay","kind":"Deployment","name":"till",'$need'1,"role":"pay_lead"}'
toy='{"namespace":"dev","kind":"Deployment","name":"toy","verdict":"allowed","rule":"approvals.automatic"}'
wall='{"namespace":"shop","kind":"Deployment","name":"wall","verdict":"blocked"}'
two_of='[{"namespace":"shop","kind":"Deployment","name":"cart",'$need'2}]'
salt=0
new_plan() { # ROWS [LOGIN]: $id is the run, $plan its digest
    salt=$((salt + 1))
    id=$(plan_run "${2:-op}" "$1" "s$salt")
    plan=$(as boss "select plan_digest from tare.run where id = $id")
}
run_state() { as boss "select state from tare.run where id = ${1:-$id}"; }
decisions() { as boss "select count(*) from tare.approval where run = ${1:-$id}"; }
holding() { as boss "select valid from tare.run r, tare.plan_counts(r, tare.now(), '$1', 'Deployment', '$2') where r.id = $id"; }
names() { # NAMESPACE/NAME ...: a list of Deployments
    local item list=''
    for item in "$@"; do list+=",{\"namespace\":\"${item%/*}\",\"kind\":\"Deployment\",\"name\":\"${item#*/}\"}"; done
    echo "'[${list#,}]'"
}
approve() { echo "select tare.approve_workloads($id, '$plan', ${1:-null}, 'read it') ->> 'state'"; }
reject() { echo "select tare.reject_workloads($id, ${1:-null}, '${2-not now}') ->> 'state'"; }
withdraw() { echo "select tare.withdraw_workloads($id, ${1:-null}, 'hm') ->> 'state'"; }
# bad LOGIN SQL CODE PATTERN NAME: refused with this code and sentence, with a hint, and no decision more than before.
bad() {
    local before after text code
    before=$(as boss "select count(*) from tare.approval")
    text=$(pg "$1" ledger -v VERBOSITY=verbose -c "$2" 2>&1 >/dev/null)
    after=$(as boss "select count(*) from tare.approval")
    code=${text#*ERROR:  }
    if [[ ${code%%:*} == "$3" && $text =~ $4 && $text == *HINT:* && $before == "$after" ]]; then
        ok "$5: $3" true
    else
        ok "$5: $3" false
        diag "$before → $after decisions; $text"
    fi
}

# ---- The digest ----
new_plan "[$cart]"
bad rev "select tare.approve($id, null, null, null, null, null)" TA064 'names the whole sha256' "an approval without a digest"
bad rev "select tare.approve($id, '${plan:0:12}', null, null, null, null)" TA064 'whole sha256' "one with a part of it"
bad rev "select tare.approve($id, '${plan^^}', null, null, null, null)" TA064 'whole sha256' "one in other letters"
bad rev "select tare.approve($id, repeat('a', 64), null, null, null, null)" TA079 "is $plan, not a{64}" "one of another digest"
old=$id old_plan=$plan
is "$(as rev "$(approve)")" approved "the right one is taken"
new_plan "[$cart]"
bad rev "select tare.approve($id, '$old_plan', null, null, null, null)" TA079 'not '"$old_plan" "the digest of another run"
id=$(as op "select tare.rerun($old, '{}', null)")
bad rev "select tare.approve($old, '$old_plan', null, null, null, null)" TA077 "superseded by run $id" "a plan that was superseded"
bad rev "select tare.approve($id, '$old_plan', null, null, null, null)" TA077 'no plan yet' "its digest for the run that came after"
bad rev "select tare.approve(999999, '$old_plan', null, null, null, null)" TA066 'does not exist' "a run that is not there"

# ---- Who ----
new_plan "[$cart]"
as boss "grant tare_approver to op" >/dev/null
bad op "$(approve)" TA077 'op asked for run' "the requester"
bad op "set role tare_approver; $(approve)" TA077 'op asked for run' "the requester under SET ROLE"
as boss "revoke tare_approver from op" >/dev/null
bad view "$(approve)" TA077 'takes the role tare_approver' "a viewer"
bad adm "$(approve)" TA077 'takes the role tare_approver' "an administrator"
helped=$(as op "select tare.run_create('prod', 'files', '0.1.0', null, '{}')")
pg duo ledger >/dev/null 2>&1 <<SQL
select tare.attempt_begin($helped, 'parse', null, '{}') as attempt \gset
begin;
select tare.artifact_put(:attempt, encode(sha256('i'), 'hex'), 'inventory', 1);
select tare.artifact_chunk_put(encode(sha256('i'), 'hex'), 0, 'i');
select tare.attempt_finish(:attempt, encode(sha256('i'), 'hex'));
commit;
SQL
pg op ledger >/dev/null <<SQL
select tare.attempt_begin($helped, 'diff', null, '{}') as attempt \gset
select convert_to('{"salt":"h"}' || E'\n' || '{"workload":{"namespace":"shop","kind":"Deployment","name":"cart"}}' || E'\n', 'UTF8') as text \gset
select encode(sha256(:'text'), 'hex') as digest, octet_length(:'text'::bytea) as size \gset
begin;
select tare.artifact_put(:attempt, :'digest', 'changes', :size);
select tare.artifact_chunk_put(:'digest', 0, :'text');
select tare.attempt_finish(:attempt, :'digest');
commit;
select tare.plan_register($helped, :'digest', '[$cart]', 0);
SQL
id=$helped plan=$(as boss "select plan_digest from tare.run where id = $helped")
bad duo "$(approve)" TA077 'duo worked on the plan' "who worked on a stage"
is "$(as rev "$(approve)")" approved "somebody else may"

new_plan "[$cart]"
as rev3 "$(approve)" >/dev/null
is "$(run_state)" approved "rev3 approves"
as boss "revoke tare_approver from rev3" >/dev/null
is "$(holding shop cart)" 0 "an approver who lost the role counts no more"
is "$(as view "select tare.run_settle($id)")" awaiting-approval "and the run waits again"
bad rev3 "$(withdraw)" TA077 'takes the role tare_approver' "who lost the role"
as boss "grant tare_approver to rev3" >/dev/null
is "$(as view "select tare.run_settle($id)")" approved "with the role the approval is back"
as adm "select tare.grant_namespace('rev3', 'elsewhere', null)" >/dev/null
is "$(holding shop cart)" 0 "an approver who lost the namespace counts no more"
is "$(as op "select approved from tare.apply_check($id, 'shop', 'Deployment', 'cart')")" f "and nothing is written on the word of that"
as adm "select tare.revoke_all('rev3')" >/dev/null

# What was approved does not grow with the rights of who approved it.
new_plan "[$cart,$till]"
as adm "select tare.grant_namespace('rev4', 'shop', null)" >/dev/null
as rev4 "$(approve)" >/dev/null
as boss "grant pay_lead to rev4" >/dev/null
as adm "select tare.grant_namespace('rev4', 'pay', null)" >/dev/null
is "$(holding shop cart),$(holding pay till)" 1,0 "rights that come later do not widen an approval of the whole plan"
is "$(as rev4 "$(approve)")" approved "approving again with them does"
as boss "revoke pay_lead from rev4" >/dev/null
new_plan "[$cart,${web/shop/pay}]"
as adm "select tare.revoke_namespace('rev4', 'pay', null)" >/dev/null
as rev4 "$(approve)" >/dev/null
as adm "select tare.grant_namespace('rev4', 'pay', null)" >/dev/null
is "$(holding shop cart),$(holding pay web)" 1,0 "a namespace alone that comes later does not, either"
as adm "select tare.revoke_all('rev4')" >/dev/null

# ---- How many, of which role ----
new_plan "$two_of"
as rev "$(approve)" >/dev/null
is "$(as rev "select tare.approve_workloads($id, '$plan', null, 'again')")" '{"state": "awaiting-approval", "covers": 1, "already": 1}' \
    "the same person again is told so"
is "$(decisions),$(holding shop cart)" 1,1 "and counts once"
is "$(as boss "select count(*) from tare.audit_event where run = $id and action = 'approval.given'")" 1 "with one event"
as rev "$(approve "$(names shop/cart)")" >/dev/null
is "$(decisions)" 1 "naming what the whole plan covers adds nothing either"
is "$(as rev3 "$(approve)")" approved "a second person is a second approval"

new_plan "[$cart,$till]"
is "$(as rev "$(approve)")" awaiting-approval "an approver without the role approves what needs none"
is "$(holding shop cart),$(holding pay till)" 1,0 "the rule of the other namespace is not met"
bad rev "$(approve "$(names pay/till)")" TA077 'takes the role pay_lead' "a workload that needs another role"
bad rev "$(approve "$(names shop/cart pay/till)")" TA077 'takes the role pay_lead' "two of which one needs another role"
is "$(as rev2 "$(approve "$(names pay/till)")")" approved "with both rules met the run is approved"
is "$(as view "select string_agg(name || ':' || approvers::text, ' ' order by name) from tare.plan_rows($id)")" "cart:{rev} till:{rev2}" \
    "each row tells who approved it"

# ---- When ----
new_plan "[$cart]"
as rev "$(approve)" >/dev/null
is "$(as boss "select string_agg(c.valid::text, ' ' order by d) from tare.run r, tare.approval a,
    unnest(array[interval '-1 microsecond', interval '0', interval '1 microsecond']) d, tare.plan_counts(r, a.expires + d) c
    where r.id = $id and a.run = $id")" "1 0 0" "an approval holds until its last instant, which is not in it"
as boss "update tare.ledger set private = true" >/dev/null
later="select tare.clock_set((select expires from tare.approval where run = $id)) \g /dev/null"
is "$(pg op ledger 2>&1 <<SQL
$later
select tare.run_settle($id)
SQL
)" expired "at that second the run is expired"
bad rev "$(approve)" TA077 'is expired \(its approvals ran out\)' "an approval of an expired run"
new_plan "[$cart]"
late=$(pg rev ledger -v ON_ERROR_STOP=0 2>&1 <<SQL
select tare.clock_set((select plan_expires from tare.run where id = $id)) \g /dev/null
$(approve);
SQL
)
like "$late" 'is expired \(the plan lay too long\) and takes no approval' "approving at the very second at which the plan expires is too late"
is "$(decisions)" 0 "and nothing is recorded"
# Held back by a window, and then nothing of it holds any more: it lies no longer than its plan.
at_expiry() { # SQL: settled at the instant at which the plan expires
    pg "$1" ledger -v ON_ERROR_STOP=0 2>&1 <<SQL
select tare.clock_set((select plan_expires from tare.run where id = $id)) \g /dev/null
$2;
SQL
}
new_plan "[$cart]"
as rev "$(approve)" >/dev/null
as op "select tare.refuse($id, 'a freeze', null)" >/dev/null
as rev "$(withdraw)" >/dev/null
is "$(run_state)" refused "a refused run whose approval is taken back stays refused"
like "$(at_expiry rev "$(approve)")" 'is expired \(the plan lay too long\) and takes no approval' "until its plan has lain too long"
is "$(at_expiry op "select tare.run_settle($id)")" expired "then it is expired"
new_plan "[$toy]"
as op "select tare.refuse($id, 'a freeze', null)" >/dev/null
as rev "$(reject "$(names dev/toy)")" >/dev/null
is "$(run_state)" refused "so is one of which every change was rejected"
is "$(at_expiry op "select tare.run_settle($id)")" expired "till then"
new_plan "[$cart]"
pg rev ledger >/dev/null <<SQL
select tare.clock_set((select plan_expires - interval '1 hour' from tare.run where id = $id)) \g /dev/null
$(approve);
SQL
is "$(at_expiry op "select tare.refuse($id, 'a freeze', null) \\g /dev/null
select tare.run_settle($id)")" refused "one whose approvals hold still waits for its window"
as boss "update tare.ledger set private = false" >/dev/null

# ---- Taking back ----
new_plan "[$cart,$web]"
bad rev "$(withdraw)" TA077 'no such approval or rejection' "taking back what was not given"
as rev "$(approve)" >/dev/null
bad rev "$(withdraw "$(names shop/cart)")" TA077 'none of shop/Deployment/cart alone' "one workload of an approval of the whole plan"
bad rev2 "$(withdraw)" TA077 'rev2 has no such' "taking back what somebody else gave"
is "$(as rev "$(withdraw)")" awaiting-approval "one's own"
bad rev "$(withdraw)" TA077 'no such approval' "taking back twice"
is "$(holding shop cart)" 0 "a withdrawn approval counts no more"
is "$(as rev "$(approve)")" approved "and can be given anew"

# ---- Rejecting ----
new_plan "[$cart,$web,$toy,$wall]"
bad rev "$(reject null '')" TA064 'needs a reason' "a rejection without a reason"
bad rev "$(reject null '  ')" TA064 'needs a reason' "one whose reason is blank"
bad rev "select tare.reject($id, ' ')" TA064 'needs a reason' "one of the whole plan without a reason"
bad rev "$(reject "$(names shop/wall)")" TA077 'is blocked in run' "rejecting what is blocked"
bad op "$(reject)" TA077 'takes the role' "an operator's rejection"
is "$(as rev "$(reject "$(names shop/web)" 'on sale')")" awaiting-approval "a workload is rejected"
bad rev2 "$(approve "$(names shop/web)")" TA077 'was rejected by rev: on sale' "approving a rejected workload"
is "$(as rev "select tare.reject_workloads($id, $(names shop/web), 'again') ->> 'already'")" 1 "rejecting it again changes nothing"
is "$(as rev2 "$(approve)")" approved "with the others approved the run is approved"
is "$(as op "select approved || ' ' || reason from tare.apply_check($id, 'shop', 'Deployment', 'web')")" "false rejected by rev: on sale" \
    "the rejected one is not written, and says why"
is "$(as op "select string_agg(name, ' ' order by name) from tare.plan_rows($id) where approved")" "cart toy" "the others are"
is "$(as view "select rejected from tare.plan_rows($id) where name = 'web'")" "rejected by rev: on sale" "the plan's rows say so, too"
bad rev2 "$(withdraw "$(names shop/web)")" TA077 'rev2 has no such' "taking back somebody else's rejection"
is "$(as rev "$(withdraw "$(names shop/web)")")" awaiting-approval "its rejecter takes it back"
is "$(holding shop web),$(holding shop cart)" 0,1 "what was approved meanwhile does not cover it"
is "$(as rev2 "$(approve)")" approved "approving again does"
is "$(as rev3 "$(reject "$(names dev/toy)")")" approved "what a rule allows can be rejected"
is "$(as op "select approved from tare.apply_check($id, 'dev', 'Deployment', 'toy')")" f "and is not written then"

new_plan "[$cart,$web]"
as rev "$(approve "$(names shop/cart)")" >/dev/null
is "$(as rev2 "$(reject)")" approved "rejecting the rest decides the run"
is "$(as view "select string_agg(name, ' ') from tare.plan_rows($id) where rejected is not null")" web "only what was not approved"
bad rev2 "$(reject)" TA077 'is left to reject' "a rest that is empty"
is "$(as rev3 "$(reject "$(names shop/cart)")")" rejected "with the last one rejected the run is rejected"
is "$(as boss "select string_agg(action, ' ' order by position) from tare.audit_event where run = $id and action ~ '^run.' and
    position > (select max(position) from tare.audit_event where run = $id and action = 'approval.rejected')")" \
    "run.awaiting-approval run.rejected" "by moves that the design has"
bad rev "$(approve)" TA077 'is rejected \(every change was rejected\)' "approving a rejected run"
bad rev3 "$(withdraw)" TA077 'takes no withdrawal' "taking back what rejected it"
new_plan "[$cart]"
is "$(as rev "select tare.reject($id, 'no')")" rejected "the whole plan"
bad rev2 "$(approve)" TA077 'is rejected \(no\)' "approving that"

# ---- What takes no approval ----
new_plan '[{"namespace":"shop","kind":"Deployment","name":"cart","verdict":"unchanged"}]'
bad rev "$(approve)" TA077 'is unchanged and takes no approval' "a run without changes"
new_plan "[$wall]"
bad rev "$(approve)" TA077 'is failed .* takes no approval' "a run whose changes are all blocked"
new_plan "[$toy]"
bad rev "$(approve)" TA077 'nothing of the plan' "a run that a rule allowed"
bad rev "$(approve "$(names dev/toy)")" TA077 'is allowed in run [0-9]+ by rule approvals.automatic' "a workload that a rule allowed"
is "$(as op "select subject || ' ' || (detail::jsonb ->> 'workloads') from tare.audit_event where run = $id and action = 'approval.automatic'")" \
    "approvals.automatic 1" "the rule is on record as the approver"
new_plan "[$cart,$web,$wall]"
bad rev "$(approve "$(names shop/cart shop/nowhere)")" TA066 'shop/Deployment/nowhere is not in the plan' "an unknown workload, of several"
bad rev "$(approve "$(names "shop/x''; drop table tare.approval; --")")" TA066 "x'; drop table tare.approval; -- is not in the plan" "SQL in a name"
bad rev "$(approve "$(names shop/cart shop/wall)")" TA077 'shop/Deployment/wall is blocked' "a blocked one, of several"
bad rev "$(approve "'[]'")" TA065 'names its workloads' "an empty list"
is "$(as rev "select tare.approve_workloads($id, '$plan', $(names shop/cart shop/cart), null)")" \
    '{"state": "awaiting-approval", "covers": 1, "already": 0}' "a workload that is named twice is one"
is "$(decisions)" 1 "and one decision"

# ---- While it is applied ----
new_plan "[$cart,$web]"
as rev "$(approve)" >/dev/null
as op "select tare.apply_begin($id, '$plan', false)" >/dev/null
bad rev2 "$(approve)" TA077 'is applying and takes no approval' "approving during apply"
is "$(as rev2 "$(reject "$(names shop/web)")")" applying "rejecting what is not written yet"
is "$(as op "select reason from tare.apply_check($id, 'shop', 'Deployment', 'web')")" "rejected by rev2: not now" "keeps it from being written"
is "$(as rev "$(withdraw)")" applying "and so does taking the approval back"
is "$(as op "select approved from tare.apply_check($id, 'shop', 'Deployment', 'cart')")" f "for the others"

# ---- Narrowed logins ----
new_plan "[$cart,$till]"
as adm "select tare.grant_namespace('rev4', 'shop', null)" >/dev/null
is "$(as rev4 "select state || ' ' || seen_whole || ' ' || (plan = '$plan') from tare.run_head($id)")" "awaiting-approval false true" \
    "a narrowed login knows state and plan"
is "$(as rev4 "select string_agg(name, ' ') from tare.plan_rows($id)")" cart "and its rows"
bad rev4 "$(approve "$(names pay/till)")" TA066 'or is not yours to see' "a workload that it does not see"
bad rev4 "select tare.reject($id, 'no')" TA077 'does not see all' "rejecting what it does not see"
is "$(as rev4 "$(approve)")" awaiting-approval "it approves what it sees"
as adm "select tare.grant_namespace('rev4', 'elsewhere', null), tare.revoke_namespace('rev4', 'shop', null)" >/dev/null
is "$(as rev4 "select count(*) from tare.run_head($id)"),$(as rev4 "select tare.run_settle($id) is null")" 0,t "elsewhere it knows nothing of the run"
is "$(as rev4 "select bool_and(tare.approval_holds(id) is null) from (select generate_series(1, 50) as id) a where not exists (
    select 1 from tare.approval b where b.id = a.id)")" t "not even whether an approval holds"
as adm "select tare.revoke_all('rev4')" >/dev/null

# ---- Two at once ----
lost=0
for _ in 1 2 3 4 5 6 7 8; do
    new_plan "$two_of"
    as rev "$(approve)" >/dev/null &
    first=$!
    as rev2 "$(approve)" >/dev/null &
    wait "$first" $!
    [[ $(run_state) == approved && $(decisions) == 2 ]] || lost=$((lost + 1))
done
is "$lost" 0 "of two approvals at once none is lost"
for _ in 1 2 3 4; do
    new_plan "$two_of"
    as rev "$(approve)" >/dev/null &
    first=$!
    as rev "$(approve)" >/dev/null &
    wait "$first" $!
    [[ $(decisions) == 1 ]] || lost=$((lost + 1))
done
is "$lost" 0 "of the same person's, one"

# A session that holds a transaction open, told line by line.
hold() { # LOGIN
    rm -f "$tmp/hold"
    mkfifo "$tmp/hold"
    pg "$1" ledger -v ON_ERROR_STOP=0 <"$tmp/hold" >"$tmp/held" 2>&1 &
    holder=$!
    exec 7>"$tmp/hold"
}
say() { # SQL: and wait until it is done
    rm -f "$tmp/said"
    printf '%s\n\\! touch %s\n' "$1" "$tmp/said" >&7
    for _ in {1..600}; do
        [[ -e $tmp/said ]] && return
        sleep 0.1
    done
    diag "the session does not answer: $(cat "$tmp/held")"
}
let_go() { # LAST SQL
    say "$1"
    exec 7>&-
    wait "$holder"
}
behind() { # waits until somebody waits for a lock
    for _ in {1..600}; do
        [[ $(as boss "select count(*) from pg_stat_activity where wait_event_type = 'Lock'") != 0 ]] && return
        sleep 0.1
    done
    diag "nobody waits for a lock"
}
late_approval() { # PLAN
    plan=$1
    pg rev ledger -v VERBOSITY=verbose -c "$(approve)" >"$tmp/late" 2>&1 &
    late=$!
    behind
}
for end in commit rollback; do
    new_plan "[$cart]"
    hold op
    say "begin; select tare.rerun($id, '{}', null);"
    late_approval "$plan"
    let_go "$end;"
    wait "$late"
    if [[ $end == commit ]]; then
        like "$(cat "$tmp/late")" 'TA077: run [0-9]+ is superseded by run [0-9]+ .*' "an approval while a rerun supersedes the plan is refused" ||
            diag "$(cat "$tmp/late")"
        is "$(decisions)" 0 "and leaves nothing"
    else
        is "$(cat "$tmp/late")" approved "a rerun that did not come about stands in nobody's way"
    fi
done
being_made() { # a run whose plan is registered, but not committed yet; $id, $plan
    id=$(as op "select tare.run_create('prod', 'files', '0.1.0', null, '{}')")
    hold op
    say "select tare.attempt_begin($id, 'diff', null, '{}') as attempt \gset"
    say "select convert_to('{\"salt\":$id}' || E'\n' || '{\"workload\":{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\"}}' || E'\n', 'UTF8') as text \gset"
    say "select encode(sha256(:'text'), 'hex') as digest, octet_length(:'text'::bytea) as size \gset"
    say "begin; select tare.artifact_put(:attempt, :'digest', 'changes', :size); select tare.artifact_chunk_put(:'digest', 0, :'text');
         select tare.attempt_finish(:attempt, :'digest'); commit;"
    say "begin; select tare.plan_register($id, :'digest', '[$cart]', 0);"
    plan=$(as boss "select artifact from tare.attempt where run = $id and stage = 'diff'")
}
being_made
right=$plan
late_approval "$old_plan"
let_go "commit;"
wait "$late"
like "$(cat "$tmp/late")" "TA079: the plan of run $id is $right, not $old_plan" "an approval of one digest while another is being written is refused"
is "$(run_state),$(decisions)" awaiting-approval,0 "and leaves nothing"
being_made
late_approval "$plan"
let_go "commit;"
wait "$late"
is "$(cat "$tmp/late"),$(run_state)" approved,approved "of the very one it waits, and holds"
being_made
late_approval "$plan"
let_go "rollback;"
wait "$late"
like "$(cat "$tmp/late")" 'TA077: run [0-9]+ is running and has no plan yet' "of one that was not written after all it is refused"

is "$(as view "select intact from tare.audit_verify()")" t "the audit trail is whole"
# ---- A workload that is named by half is not the plan ----
new_plan "[$cart,$web]"
bad rev "select tare.approve($id, '$plan', 'shop', 'Deployment', null, 'x')" TA066 'is not in the plan' "an approval without the name of its workload is not one of the plan"
bad rev "select tare.approve($id, '$plan', 'shop', null, null, 'x')" TA066 'is not in the plan' "nor one of a namespace"
as rev "$(approve)" >/dev/null
is "$(state rev "select tare.withdraw($id, 'shop', 'Deployment', null, 'x')")" TA066 "a withdrawal takes no more back than it names"
is "$(run_state)" approved "and nothing happened"

done_testing
