#!/usr/bin/env bash
# Role by action, with real logins: nothing is allowed that the table in sql/README.md does not allow.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

id=$(plan_run op "$one_row" a)
people='view op rev adm stranger'

# ---- Rules that hold for everything in the schema ----
is "$(as boss "select string_agg(relname, ' ' order by relname) from pg_class
    where relnamespace = 'tare'::regnamespace and relkind = 'r' and not relrowsecurity")" "" \
    "every table has row-level security"
is "$(as boss "select string_agg(proname, ' ' order by proname) from pg_proc
    where pronamespace = 'tare'::regnamespace and prosecdef
      and not coalesce(proconfig @> array['search_path=pg_catalog, tare, pg_temp'], false)")" "" \
    "every definer function has a fixed search_path, temporary objects last"
is "$(as boss "select string_agg(proname, ' ' order by proname) from pg_proc
    where pronamespace = 'tare'::regnamespace and has_function_privilege('stranger', oid, 'execute')")" "" \
    "a login without a role may call nothing"
is "$(as boss "select string_agg(c.relname || ':' || p, ' ') from pg_class c,
        unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p,
        unnest(array['view', 'op', 'rev', 'adm', 'stranger']) r
    where c.relnamespace = 'tare'::regnamespace and c.relkind = 'r' and has_table_privilege(r, c.oid, p)")" "" \
    "nobody holds a right to write on any table"
is "$(as boss "select string_agg(c.relname, ' ') from pg_class c, unnest(array['view', 'op', 'rev', 'adm']) r
    where c.relnamespace = 'tare'::regnamespace and c.relkind = 'S' and has_sequence_privilege(r, c.oid, 'usage')")" "" \
    "nor on a sequence"
# need_role is asked for by every function that changes something; these change nothing that is not due anyway.
free='attempt_take|audit_append|clock_set|now|run_settle|run_unlock|settle_due|workload_unlock|apply_check|approve|reject|withdraw|attempt_fail|attempt_finish|artifact_put'
is "$(as boss "select string_agg(proname, ' ' order by proname) from pg_proc
    where pronamespace = 'tare'::regnamespace and provolatile = 'v' and prosecdef
      and has_function_privilege('view', oid, 'execute')
      and prosrc !~ 'tare.need_role' and proname !~ '^($free)\$'")" "" \
    "every other function that a viewer may call and that writes asks for the role"

# ---- Direct SQL on every table, as each person ----
tables=$(as boss "select string_agg(relname, ' ' order by relname) from pg_class
    where relnamespace = 'tare'::regnamespace and relkind = 'r'")
for table in $tables; do
    column=$(as boss "select attname from pg_attribute where attrelid = 'tare.$table'::regclass and attnum > 1
        and attidentity = '' order by attnum limit 1")
    printf '%s;\n' "insert into tare.$table ($column) select $column from tare.$table limit 0" \
        "update tare.$table set $column = $column" "delete from tare.$table" "truncate tare.$table" \
        "alter table tare.$table disable trigger all" "drop table tare.$table"
    printf 'begin; lock table tare.%s in exclusive mode; rollback;\n' "$table"
done >"$tmp/writes.sql"
bad=''
for login in $people; do
    got=$(pg "$login" ledger -v ON_ERROR_STOP=0 -v VERBOSITY=sqlstate -f "$tmp/writes.sql" 2>&1)
    [[ $(grep -c 'ERROR:  42501$' <<<"$got") == $(wc -l <"$tmp/writes.sql") ]] ||
        bad+="$login: $(grep -v 'ERROR:  42501$' <<<"$got") "
    [[ $(wc -l <<<"$got") == $(wc -l <"$tmp/writes.sql") ]] || bad+="$login: other answers: $got"
done
ok "(that was tried on at least 18 tables)" test "$(wc -l <"$tmp/writes.sql")" -ge 126
is "$bad" "" "insert, update, delete, truncate, lock, alter and drop: refused to all five on all tables"
is "$(for t in $tables; do state stranger "select 1 from tare.$t"; done | sort -u)" 42501 "a stranger reads nothing"
is "$(for t in $tables; do [[ $(state view "select 1 from tare.$t") == ok ]] || echo "$t"; done | tr '\n' ' ')" \
    "audit_head clock_override " "a viewer reads all tables but the two that are nobody's"

# ---- Every function that changes something, as each person ----
zeros=$(printf '0%.0s' {1..64})
calls="op|tare.run_create('c', 'files', 'p', null, '{}')
op|tare.run_namespaces(0, '{}')
op|tare.run_fail(0, 'x')
op|tare.run_lock(0)
op|tare.rerun(0, '{}', null)
op|tare.attempt_begin(0, 'parse', null, '{}')
op|tare.attempt_fail(0, 1, 'x')
op|tare.attempt_finish(0, '$zeros')
op|tare.artifact_put(0, '$zeros', 'inventory', 1)
op|tare.artifact_chunk_put('$zeros', 0, 'x')
op|tare.plan_register(0, '$zeros', '[]', 0)
op|tare.window_override_add(0, 'w', 'r')
op|tare.apply_begin(0, null, false)
op|tare.apply_end(0, 'applied', null)
op|tare.refuse(0, 'r', null)
op|tare.workload_lock(0, 'n', 'k', 'w')
op|tare.change_begin(0, 'o', '[]', 'b', '{}')
op|tare.change_to(0, 'writing', '{}')
op|tare.rollback_begin(0)
op|tare.rollback_end(0, 'rolled-back', null)
op|tare.audit_append('conductor.x', null, null, '{}')
op|tare.results_put(0, '[]')
op|tare.series_put('c', '[]')
op|tare.llm_put(null, '[]')
rev|tare.approve(0, null, null, null, null, null)
rev|tare.reject(0, 'r')
rev|tare.withdraw(0, null, null, null, null)
adm|tare.policy_set('{}', '{}')
adm|tare.grant_namespace('nobody-here', 'n', null)
adm|tare.revoke_namespace('nobody-here', 'n', null)"
while IFS='|' read -r who call; do
    printf '\\echo == %s\nbegin; select %s; rollback;\n' "$who ${call%%(*}" "$call"
done <<<"$calls" >"$tmp/calls.sql"
bad=''
for login in $people; do
    # One line a call: its label and what came of it.
    got=$(pg "$login" ledger -v ON_ERROR_STOP=0 -f "$tmp/calls.sql" 2>&1 |
        awk '/^== / { if (label != "") print label "|" text; label = substr($0, 4); text = ""; next }
             { text = text " " $0 } END { print label "|" text }')
    [[ $(wc -l <<<"$got") == 30 ]] || bad+="$login: not 30 answers"
    while IFS='|' read -r label text; do
        case $text in
            *"permission denied"* | *"that takes the role"*) answer=no ;;
            *) answer=yes ;;
        esac
        [[ $login == "${label%% *}" ]] && wanted=yes || wanted=no
        [[ $answer == "$wanted" ]] || bad+="$login: $label: $text; "
    done <<<"$got"
done
is "$bad" "" "30 functions as five people: each works for the role of the table, for no other"
is "$(as op "set role tare_viewer; select session_user")" op "(session_user stays what it was under SET ROLE)"

# ---- Approving ----
refused op "select tare.approve($id, null, null, null, null, null)" TA077 "the requester may not approve"
refused op "set role tare_approver" 42501 "nor take the role"
as boss "grant tare_approver to op" >/dev/null
refused op "select tare.approve($id, null, null, null, null, null)" TA077 "nor as an approver by right"
refused op "set role tare_approver; select tare.approve($id, null, null, null, null, null)" TA077 "nor under SET ROLE"
as boss "revoke tare_approver from op" >/dev/null
refused rev "set session authorization op; select 1" 42501 "and nobody becomes somebody else"
own=$(plan_run duo "$one_row" mine)
refused duo "select tare.approve($own, null, null, null, null, null)" TA077 "both roles in one hand approve not their own"
is "$(state duo "select tare.approve($id, null, null, null, null, null)")" ok "but somebody else's"
helped=$(pg op ledger <<'SQL'
select tare.run_create('prod', 'files', '0.1.0', null, '{}');
SQL
)
pg duo ledger >/dev/null <<SQL
select tare.attempt_begin($helped, 'diff', null, '{}') as attempt \gset
begin;
select tare.artifact_put(:attempt, encode(sha256('p'), 'hex'), 'changes', 1);
select tare.artifact_chunk_put(encode(sha256('p'), 'hex'), 0, 'p');
select tare.attempt_finish(:attempt, encode(sha256('p'), 'hex'));
commit;
select tare.plan_register($helped, encode(sha256('p'), 'hex'), '$one_row', 0);
SQL
refused duo "select tare.approve($helped, null, null, null, null, null)" TA077 "who made the plan may not approve it"
is "$(as rev "select tare.approve($helped, null, null, null, null, null)")" approved "somebody without a hand in it may"

# A trap in the search path: an object of the caller's must not step in.
trap_sql="create temp table run as select 1 as id; create function pg_temp.holds_role(text, text) returns boolean
    language sql as 'select true'; set search_path = pg_temp, pg_catalog; select tare.policy_set('{}', '{}')"
refused op "$trap_sql" TA077 "temporary objects do not step in"
refused op "create function tare.evil() returns int language sql as 'select 1'" 42501 "nobody adds to the schema"

# ---- Stored policy: separation can be lifted by an admin only, and only there ----
as adm "select tare.policy_set('x', '{\"approvals\":{\"separation_of_duties\":false,\"required\":1}}')" >/dev/null
is "$(state duo "select tare.approve($own, null, null, null, null, null)")" ok "the policy may lift the separation"
as adm "select tare.policy_set('x', '{\"approvals\":{\"separation_of_duties\":true,\"required\":1}}')" >/dev/null
is "$(as view "select approved from tare.apply_check($own, 'shop', 'Deployment', 'cart')")" f \
    "and when it is set again, that approval no longer counts"

is "$(as boss "select string_agg(coalesce(tare.duration(d)::text, 'none'), ' ' order by n) from
    unnest(array['3600', '90s', '15m', '24h', '7d', '', '1w', '-5', '1e9']) with ordinality x (d, n)")" \
    "01:00:00 00:01:30 00:15:00 24:00:00 168:00:00 none none none none" "durations of a policy: seconds or number and unit"
as adm "select tare.policy_set('x', '{\"approvals\":{\"required\":1,\"expires_after\":3600}}')" >/dev/null
short=$(plan_run op "$one_row" short)
is "$(as op "select approval_life from tare.run where id = $short")" 01:00:00 "the stored policy makes an approval's life shorter"
as adm "select tare.policy_set('x', '{\"approvals\":{\"required\":2}}')" >/dev/null
is "$(plan_run op "$one_row" lax 2>&1 | grep -o 'the stored policy asks for 2 approvals')" \
    "the stored policy asks for 2 approvals" "a plan that asks for fewer approvals than the stored policy is refused"
as adm "select tare.policy_set('x', '{}')" >/dev/null

# ---- Rows ----
two='[{"namespace":"shop","kind":"Deployment","name":"cart","verdict":"needs-approval","approvals_required":1},
      {"namespace":"pay","kind":"Deployment","name":"till","verdict":"needs-approval","approvals_required":1}]'
mixed=$(plan_run op "$two" b)
other=$(plan_run op "$one_row" c elsewhere)
as boss "create role team login in role tare_operator, tare_approver" >/dev/null
as adm "select tare.grant_namespace('team', 'shop', 'prod')" >/dev/null
is "$(as team "select count(*) from tare.run where id in ($mixed, $other)")" 0 "a run is seen whole or not at all"
is "$(as team "select count(*) from tare.run where id = $id")" 1 "one with only its namespaces is seen"
is "$(as team "select string_agg(namespace, ' ') from tare.plan_requirement where run = $mixed")" shop "flat rows are its own"
is "$(as team "select count(*) from tare.plan_requirement where run = $other")" 0 "and of the cluster it was given"
for table in attempt change window_override; do
    is "$(as team "select count(*) from tare.$table where run = $mixed")" 0 "$table: nothing of others"
done
digest=$(as op "select plan_digest from tare.run where id = $mixed")
is "$(as team "select (select count(*) from tare.artifact where digest = '$digest') +
    (select count(*) from tare.artifact_chunk where digest = '$digest')")" 0 "artifacts: nothing of others"
is "$(as team "select count(*) from tare.audit_event where run = $mixed")" 0 "audit: nothing of others"
is "$(as team "select intact from tare.audit_verify()")" t "but the verdict over the whole chain"
refused team "select tare.attempt_begin($mixed, 'report', null, '{}')" TA066 "no function opens what is not seen"
refused team "select tare.apply_begin($mixed, null, false)" TA066 "applying neither"
refused team "select tare.approve($mixed, null, 'pay', 'Deployment', 'till', null)" TA077 "approving others' workloads neither"
is "$(as team "select tare.approve($mixed, null, 'shop', 'Deployment', 'cart', null)")" awaiting-approval "its own it may"
is "$(as team "select count(*) from tare.login_namespace")" 1 "it sees its own mapping"

# ---- The clock ----
is "$(as op "select tare.clock_set('2040-01-01')")" f "an operator does not move a shared ledger's clock"
is "$(as op "set tare.clock = '00000000-0000-0000-0000-000000000000'; select extract(year from tare.now()) < 2039")" t \
    "nor by a setting"
is "$(pg adm ledger -c "select tare.clock_set('2040-01-01') \g /dev/null
select 1" 2>/dev/null; as adm "select tare.clock_set('2040-01-01')")" t "an admin does"
is "$(as adm "select count(*) > 0 from tare.audit_event where action = 'clock.override'")" t "and that is on record"
done_testing
