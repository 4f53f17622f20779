#!/usr/bin/env bash
# What people could try with SQL of their own: plans that ask for less than the stored policy, plans of something else, a way past
# approval, other times, names that are SQL.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

policy() { as adm "select tare.policy_set('x', '$1')" >/dev/null; }
# A row of a plan: NAMESPACE VERDICT NUMBER [MORE], MORE being further members.
row() { echo "[{\"namespace\":\"$1\",\"kind\":\"Deployment\",\"name\":\"w\",\"verdict\":\"$2\",\"approvals_required\":$3,\"rule\":\"r\"${4:+,$4}}]"; }
untiered='{"tier":null}'
facts() { # RISK DECREASE USD LABELS
    local labels=${4-}
    echo "\"facts\":{\"class\":\"web\",\"risk\":\"${1:-low}\",\"decrease_percent\":${2:-10},\"increase_percent\":0,\"monthly_usd\":${3:-5},\"labels\":${labels:-$untiered}}"
}
salt=0
# What the ledger says of a plan of such a row: "ok", or its refusal.
registered() {
    local said
    salt=$((salt + 1))
    said=$(plan_run op "$1" "salt$salt" 2>&1 | sed -n 's/^psql:[^ ]* *//; s/^ERROR:  //p')
    echo "${said:-ok}"
}

# ---- What the stored policy asks, at registering ----
is "$(registered "$(row prod-a allowed 0)")" ok "where no policy is stored the run's own file counts"
policy '{"approvals":{"required":1,"rules":[{"match":{"namespaces":["prod-*"]},"required":2},{"when":{"monthly_usd":500},"role":"sre"},
    {"match":{"namespaces":["mixed"]},"role":"dba"},{"match":{"labels":{"tier":"gold"}},"required":3},{"match":{"classes":["batch"]},"required":4}],
    "automatic":{"max_risk":"low","match":{"namespaces":["dev-*"]}}},
    "policy":{"overrides":[{"match":{"namespaces":["pay"]},"approvals":{"required":5}}]}}'
while IFS='|' read -r name rows wanted; do
    is "$(registered "$rows")" "$wanted" "$name"
done <<TABLE
enough approvals|$(row shop needs-approval 1 "$(facts)")|ok
more than enough|$(row shop needs-approval 9 "$(facts)")|ok
a rule by namespace|$(row prod-a needs-approval 1 "$(facts)")|the stored policy asks for 2 approvals of prod-a/Deployment/w (approvals.rules[0], approvals.required), the plan for 1
an override|$(row pay needs-approval 4 "$(facts)")|the stored policy asks for 5 approvals of pay/Deployment/w (policy.overrides[0].approvals.required), the plan for 4
a role|$(row shop needs-approval 1 "$(facts low 10 500)")|the stored policy asks for role sre to approve shop/Deployment/w (approvals.rules[1], approvals.required), the plan for tare_approver
a role that is there|$(row shop needs-approval 1 "\"role\":\"sre\",$(facts low 10 500)")|ok
not priced counts as reached|$(row shop needs-approval 1 "$(facts low 10 null)")|the stored policy asks for role sre to approve shop/Deployment/w (approvals.rules[1], approvals.required), the plan for tare_approver
two roles|$(row mixed needs-approval 1 "\"role\":\"sre\",$(facts low 10 500)")|rules of the stored policy ask for different roles for mixed/Deployment/w (approvals.rules[1], approvals.rules[2], approvals.required): it cannot be approved
a label|$(row shop needs-approval 2 "$(facts low 10 5 '{"tier":"gold"}')")|the stored policy asks for 3 approvals of shop/Deployment/w (approvals.rules[3], approvals.required), the plan for 2
a label that it has not|$(row shop needs-approval 1 "$(facts low 10 5 '{"tier":null}')")|ok
a label of which nothing is said|$(row shop needs-approval 1 "$(facts low 10 5 '{"team":"a"}')")|the stored policy asks for 3 approvals of shop/Deployment/w (approvals.rules[3], approvals.required), the plan for 1
allowed by the automatic rule|$(row dev-a allowed 0 "$(facts low 10 5 '{"tier":null}')")|ok
allowed elsewhere|$(row shop allowed 0 "$(facts low 10 5 '{"tier":null}')")|the stored policy asks for 1 approvals of shop/Deployment/w (approvals.required), the plan for 0
allowed at a higher risk|$(row dev-a allowed 0 "$(facts medium 10 5 '{"tier":null}')")|the stored policy asks for 1 approvals of dev-a/Deployment/w (approvals.required), the plan for 0
no facts: everything that asks counts|$(row dev-a allowed 0)|the stored policy asks for 4 approvals of dev-a/Deployment/w (approvals.rules[1], approvals.rules[3], approvals.rules[4], approvals.required), the plan for 0
facts that are none|$(row dev-a allowed 0 '"facts":[1]')|the stored policy asks for 4 approvals of dev-a/Deployment/w (approvals.rules[1], approvals.rules[3], approvals.rules[4], approvals.required), the plan for 0
what is not written needs nothing|$(row prod-a blocked 0)|ok
TABLE
policy '{"approvals":{"required":0,"rules":[]}}'
is "$(registered "$(row shop allowed 0 "$(facts)" | sed 's/"rule":"r"/"rule":null/')")" \
    "the plan allows shop/Deployment/w without naming the rule that does (approvals.required of the stored policy would)" "a rule is the approver: it has a name"

# ---- And again before each object ----
check() { as op "select approved, required, valid, reason from tare.apply_check($id, 'shop', 'Deployment', 'w')"; }
policy '{"approvals":{"required":1}}'
id=$(plan_run op "$(row shop needs-approval 1 "$(facts low 40)")" later)
as rev "select tare.approve($id, $(the_plan "$id"), null, null, null, 'x')" >/dev/null
is "$(check)" "t|1|1|1 of 1 approvals of shop/Deployment/w hold" "approved"
policy '{"approvals":{"required":1,"rules":[{"when":{"decrease_percent":40},"required":2}]}}'
is "$(check)" "f|2|1|1 of 2 approvals of shop/Deployment/w hold, as approvals.rules[0], approvals.required asks by now" "a policy that came since counts"
policy '{"approvals":{"required":1,"rules":[{"when":{"decrease_percent":41},"required":2}]}}'
is "$(check | cut -d'|' -f1)" t "where its rules ask for it"
policy '{"approvals":{"required":1,"rules":[{"role":"sre"}]}}'
like "$(check)" '^f\|1\|.*the stored policy asks for role sre by now \(approvals.rules\[0\], approvals.required\), the plan for tare_approver' "a role that is asked for since"
as boss "insert into tare.policy (digest, source, body, set_by, set_at) values (repeat('a', 64), 'x', 'no json', 'boss', now())" >/dev/null
like "$(check)" '^f\|.*could not be evaluated' "a policy that cannot be read approves nothing"
policy '{"approvals":{"required":1}}'
old=$(plan_run op "$(row shop needs-approval 1)" old)
as rev "select tare.approve($old, $(the_plan "$old"), null, null, null, 'x')" >/dev/null
id=$old
is "$(check | cut -d'|' -f1)" t "a plan of before there were facts is approved by rules that ask for none"
policy '{"approvals":{"required":1,"rules":[{"when":{"risk":"high"},"required":2}]}}'
is "$(check | cut -d'|' -f1,2)" "f|2" "rules that ask for one count against it"
auto=$(plan_run op "$(row shop allowed 0 "$(facts)" | sed 's/"allowed"/"blocked"/')" none)
policy '{"approvals":{"required":1,"automatic":{"max_risk":"low"}}}'
auto=$(plan_run op "$(row shop allowed 0 "$(facts)")" auto)
id=$auto
is "$(check)" "t|0|0|allowed by rule: r" "allowed by rule"
policy '{"approvals":{"required":1}}'
is "$(check)" "f|1|0|the stored policy asks for 1 approvals by now (approvals.required)" "until the rule is gone"
pg op ledger -c "select tare.apply_begin($auto, null, false)" -c "select tare.workload_lock($auto, 'shop', 'Deployment', 'w')" \
    -c "select tare.change_begin($auto, 'f', '[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"w\"}]', 'x', '{}')" >/dev/null 2>"$tmp/err"
like "$(cat "$tmp/err")" 'not approved: the stored policy asks for 1 approvals by now' "and nothing is written, whatever was begun"

# ---- A plan of something else ----
as boss "truncate tare.policy" >/dev/null
mine=$(as op "select tare.run_create('prod', 'files', 'p', null, '{}')")
line='{"workload":{"cluster":"prod","namespace":"shop","kind":"Deployment","name":"w"}}'
store op "$mine" "$line" >/dev/null
first=$digest
other=$(as op "select plan_digest from tare.run where id = $old")
refused op "select tare.plan_register($mine, '$other', '$(row shop allowed 0)', 0)" TA079 "the plan of another run is not registered"
refused op "select tare.plan_register($mine, repeat('a', 64), '$(row shop allowed 0)', 0)" TA079 "nor one that nobody stored"
refused op "select tare.plan_register($mine, null, '$(row shop allowed 0)', 0)" TA079 "nor none"
pg op ledger >/dev/null <<SQL
select tare.attempt_begin($mine, 'zzz', null, '{}') as attempt \gset
begin;
select tare.artifact_put(:attempt, encode(sha256('z'), 'hex'), 'changes', 1), tare.artifact_chunk_put(encode(sha256('z'), 'hex'), 0, 'z');
select tare.attempt_finish(:attempt, encode(sha256('z'), 'hex'));
commit;
SQL
refused op "select tare.plan_register($mine, encode(sha256('z'), 'hex'), '[]', 0)" TA079 "nor what another stage calls changes"
refused op "select tare.plan_register($mine, '$first', '$(row prod-a allowed 0)', 0)" TA065 "rows of another namespace than the artifact's"
refused op "select tare.plan_register($mine, '$first', '[]', 0)" TA065 "rows that leave a workload out"
refused op "select tare.plan_register($mine, '$first', '$(row shop allowed 0 | sed 's/]$//'),$(row more allowed 0 | sed 's/^.//')', 0)" TA065 "rows with one more"
like "$(cat "$tmp/.err"; as op "select tare.plan_register($mine, '$first', '$(row more allowed 0)', 0)"; cat "$tmp/.err")" \
    "more/Deployment/w is among the rows of the plan, but not in its artifact $first" "the workload is named"
store op "$mine" "${line/prod/eu}" >/dev/null
refused op "select tare.plan_register($mine, '$digest', '$(row shop allowed 0)', 0)" TA065 "an artifact of another cluster"
refused op "select tare.plan_register($mine, '$first', '$(row shop allowed 0)', 0)" TA079 "an older artifact than the newest"
for text in 'no json' '{"workload":' "$(printf '%s\n{"workload":{"namespace":"shop","kind":"Deployment","name":"hidden"}}' "$line")"; do
    store op "$mine" "$text" >/dev/null
    refused op "select tare.plan_register($mine, '$digest', '$(row shop allowed 0)', 0)" TA065 "an artifact that is broken, or says more in a last line without an end"
done
big=$(for i in $(seq 4000); do printf '{"pad":"%0180d","workload":{"namespace":"sh\xc3\xb6p","kind":"Deployment","name":"w%d"}}\n' "$i" "$i"; done)
digest=$(printf '%s' "$big" | sha256sum | cut -d' ' -f1)
printf '%s' "$big" >"$tmp/big"
split -b 100001 -d "$tmp/big" "$tmp/piece."
{
    echo "select tare.attempt_begin($mine, 'diff', null, '{}') as attempt \\gset"
    echo "begin; select tare.artifact_put(:attempt, '$digest', 'changes', $(stat -c %s "$tmp/big"));"
    n=0
    for piece in "$tmp"/piece.*; do
        echo "select tare.artifact_chunk_put('$digest', $n, decode('$(base64 -w0 "$piece")', 'base64'));"
        n=$((n + 1))
    done
    echo "select tare.attempt_finish(:attempt, '$digest'); commit;"
    echo "select tare.plan_register($mine, '$digest', (select jsonb_agg(jsonb_build_object('namespace', 'shöp', 'kind', 'Deployment', 'name', 'w' || i,
        'verdict', 'blocked')) from generate_series(1, 4000) i), 0);"
} >"$tmp/big.sql"
is "$(pg op ledger -f "$tmp/big.sql" 2>&1 | tail -1)" failed "4000 workloads in pieces that end anywhere are those of the rows"
named=$(as op "select tare.run_create('prod', 'files', 'p', null, '{\"options\":{\"parse\":[\"--namespace=a\",\"--namespace=team\"]}}')")
store op "$named" '{"workload":{"namespace":null,"kind":"Deployment","name":"w"}}' >/dev/null
refused op "select tare.plan_register($named, '$digest', '$(row default allowed 0)', 0)" TA065 "what names no namespace stands where the run was asked to put it"
is "$(state op "select tare.plan_register($named, '$digest', '$(row team allowed 0)', 0)")" ok "and there only"

# ---- Past approval ----
id=$(plan_run op "$(row shop needs-approval 1)" past)
plan=$(the_plan "$id")
refused op "select tare.apply_begin($id, $plan, false)" TA077 "a run that awaits approval is not applied"
refused op "select tare.apply_begin($id, $plan, true)" TA077 "nor taken up again"
refused op "select tare.change_begin($id, 'f', '[]', 'x', '{}')" TA077 "no object is begun"
refused op "select tare.apply_end($id, 'applied', null)" TA077 "it is not said to be applied"
refused op "select tare.rollback_begin($id)" TA077 "nor rolled back"
refused op "select tare.rollback_end($id, 'applied', null)" TA077 "by no end of a rollback either"
refused op "select tare.run_fail($id, 'x')" TA077 "nor failed"
refused op "select tare.refuse($id, 'x', null)" TA077 "nor refused by a window"
refused op "select tare.plan_register($id, $plan, '$(row shop allowed 0)', 0)" TA077 "its plan is not registered again"
refused op "set session_replication_role = replica" 42501 "triggers stay on"
refused op "alter role op in database ledger set session_replication_role = replica" 42501 "for good, too"
refused op "insert into tare.approval (run, plan_digest, decision, approver, at, expires) values ($id, repeat('a', 64), 'approve', 'rev', now(), now() + '1 day')" 42501 "nobody writes approvals"
refused op "create table tare.x ()" 42501 "nobody adds tables"
refused op "create role friend login in role tare_approver" 42501 "an operator makes no approvers"
refused op "grant tare_approver to op2" 42501 "nor lends the role"
is "$(as op "select state from tare.run where id = $id")" awaiting-approval "after all of that it still waits"

# ---- Other times ----
back=$(as op "select tare.run_create('prod', 'files', 'p', null, '{}', '2020-01-01')")
is "$(as op "select created > now() - interval '1 hour' from tare.run where id = $back")" t "a run is not back-dated"
as op "select tare.llm_put($back, '[{\"key\":\"k\",\"prompt_digest\":\"$(printf 'a%.0s' {1..64})\",\"provider\":\"p\",\"model\":\"m\",\"reply\":\"r\",\"cost_microusd\":-5,
    \"input_tokens\":-9,\"at\":\"2020-01-01T00:00:00Z\"}]')" >/dev/null
is "$(as op "select at > now() - interval '1 hour', cost_microusd, input_tokens from tare.llm_exchange where key = 'k'")" "t|0|0" "nor an exchange, and nothing is paid back"
policy '{"approvals":{"required":1,"expires_after":1}}'
id=$(plan_run op "$(row shop needs-approval 1 "$(facts)")" short)
as rev "select tare.approve($id, $(the_plan "$id"), null, null, null, 'x')" >/dev/null
token=$(pg adm ledger -c "select tare.clock_set(now() - interval '1 day')" -c "show tare.clock" | tail -1)
like "$token" '^[0-9a-f-]{36}$' "(an administrator moved a clock)"
sleep 1.2
is "$(as op "select tare.clock_set('2026-01-01')")" f "an operator moves no clock of a shared ledger"
for set in "set tare.clock = '$token'" "set tare.clock = 'x'" "set timezone = 'Pacific/Kiritimati'" "set datestyle = 'SQL, DMY'" "set intervalstyle = 'sql_standard'"; do
    is "$(as op "$set; select approved from tare.apply_check($id, 'shop', 'Deployment', 'w')")" f "an approval that ran out is not revived: ${set%%=*}"
    refused op "$set; select tare.apply_begin($id, null, false)" TA077 "nor is its run applied"
done
as boss "truncate tare.policy" >/dev/null

# ---- Settings of a session ----
policy '{"approvals":{"required":0,"rules":[{"match":{"clusters":["gke_prod_*","100%","back\\slash"]},"required":2}]}}'
for cluster in gke_prod_1 100% 'back\slash'; do
    for set in on off; do
        like "$(PGOPTIONS="-c standard_conforming_strings=$set" plan_run op "$(row shop allowed 0 "$(facts)")" "$set" "$cluster" 2>&1)" \
            'the stored policy asks for 2 approvals' "a rule for $cluster counts with standard_conforming_strings $set"
    done
done
is "$(registered "$(row shop allowed 0 "$(facts)")")" ok "and for no other cluster"
as boss "truncate tare.policy" >/dev/null

# ---- A plan that lay too long, of which nobody asked since ----
as boss "create role late login in role tare_operator, tare_admin" >/dev/null
id=$(plan_run op "$(row shop allowed 0 "$(facts)")" lay)
late() {
    pg late ledger -c "select tare.clock_set(now() + interval '$1')" -c "select tare.apply_begin($id, null, false)" 2>&1 >/dev/null
    gone
}
like "$(late '8 days')" 'TA077|no longer hold' "what a rule allowed is not applied after its week"
is "$(late '6 days')" "" "before, it is"

# ---- Names that are SQL ----
nasty=$(printf "o'mal\"ley \$\$ \\\\ %%s %%I :x '); drop table tare.run cascade; --")
login="$nasty"
pg boss ledger -v login="$login" -v ns="$nasty" <<'SQL' >/dev/null
create role :"login" login in role tare_operator, tare_approver, tare_admin;
SQL
rows=$(jq -nc --arg n "$nasty" '[{namespace: $n, kind: $n, name: $n, verdict: "needs-approval", approvals_required: 1, rule: $n, reasons: [$n],
    facts: {class: $n, risk: $n, labels: {($n): $n}}}]')
id=$(plan_run op "$rows" "$nasty" "$nasty")
like "$id" '^[0-9]+$' "a plan of names that are SQL"
pg adm ledger -v n="$nasty" -c "select tare.grant_namespace(:'n', :'n', :'n')" 2>/dev/null >/dev/null
pg adm ledger -v n="$nasty" >/dev/null <<'SQL'
select tare.grant_namespace(:'n', :'n', :'n'), tare.grant_namespace(:'n', :'n', null);
select tare.revoke_namespace(:'n', :'n', null);
select tare.policy_set(:'n', jsonb_build_object('approvals', jsonb_build_object('required', 1, 'rules', jsonb_build_array(
    jsonb_build_object('match', jsonb_build_object('namespaces', jsonb_build_array(:'n'), 'labels', jsonb_build_object(:'n', :'n')), 'required', 1))),
    'windows', jsonb_build_array(jsonb_build_object('name', :'n', 'override', true)))::text);
SQL
got=$(pg "$login" ledger -v id="$id" -v n="$nasty" -v plan="$(as op "select plan_digest from tare.run where id = $id")" 2>&1 <<'SQL'
select tare.approve(:id, :'plan', :'n', :'n', :'n', :'n');
select tare.withdraw(:id, :'n', :'n', :'n', :'n');
select tare.approve(:id, :'plan', null, null, null, :'n');
select count(*) from tare.plan_rows(:id) p where p.namespace = :'n' and p.name = :'n' and p.approved;
SQL
)
is "$(tr '\n' ' ' <<<"$got")" "approved awaiting-approval approved 1 " "somebody of such a name decides about it"
got=$(pg op ledger -v id="$id" -v n="$nasty" 2>&1 <<'SQL'
select tare.window_override_add(:id, :'n', :'n') \g /dev/null
select tare.audit_append('conductor.x', :id, :'n', jsonb_build_object(:'n', :'n')) \g /dev/null
select tare.apply_begin(:id, null, false) \g /dev/null
select tare.workload_lock(:id, :'n', :'n', :'n') \g /dev/null
select id as change from tare.change_begin(:id, :'n', jsonb_build_array(jsonb_build_object('namespace', :'n', 'kind', :'n', 'name', :'n')), 'x', '{}') \gset
select tare.change_to(:change, s, '{}') from unnest(array['writing', 'written', 'verifying', 'done']) s \g /dev/null
select tare.apply_end(:id, 'applied', :'n') \g /dev/null
select state from tare.run where id = :id;
SQL
)
is "$got" applied "it is applied"
is "$(as boss "select intact from tare.audit_verify()")" t "the trail holds such names"
is "$(as boss "select count(*) > 20 from tare.run")" t "and every table is still there"
refused op "select tare.plan_register(1, 'x', '[{\"namespace\":\"a\\u0000b\"}]', 0)" 22P05 "a NUL in a row is refused"
refused op "select tare.run_fail(1, E'a\\000b')" 22021 "a NUL in a text, too"
done_testing
