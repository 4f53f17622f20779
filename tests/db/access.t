#!/usr/bin/env bash
# Role by action, with real logins: nothing is allowed that the table in sql/README.md does not allow.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

id=$(plan_run op "$one_row" a)
# duo holds two roles; nop and nrev are narrowed to another team's namespace, which lends and takes no role.
as boss "create role nop login in role tare_operator; create role nrev login in role tare_approver" >/dev/null
as adm "select tare.grant_namespace('nop', 'elsewhere', null), tare.grant_namespace('nrev', 'elsewhere', null)" >/dev/null
people='view op rev adm duo nop nrev stranger'

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
# ---- Direct SQL on every table, as each person ----
tables=$(as boss "select string_agg(relname, ' ' order by relname) from pg_class
    where relnamespace = 'tare'::regnamespace and relkind = 'r'")
for table in $tables; do
    column=$(as boss "select attname from pg_attribute where attrelid = 'tare.$table'::regclass and attnum > 1
        and attidentity = '' and attgenerated = '' order by attnum limit 1")
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
is "$bad" "" "insert, update, delete, truncate, lock, alter and drop: refused to everybody on all tables"
is "$(for t in $tables; do state stranger "select 1 from tare.$t"; done | sort -u)" 42501 "a stranger reads nothing"
# What nobody reads has no policy either: one mistake alone opens nothing.
hidden=$(as boss "select string_agg(relname, ' ' order by relname) from pg_class c where relnamespace = 'tare'::regnamespace
    and relkind = 'r' and not exists (select 1 from pg_policy p where p.polrelid = c.oid)")
is "$(for t in $tables; do [[ $(state view "select 1 from tare.$t") == ok ]] || echo "$t"; done | xargs)" "$hidden" \
    "a viewer reads all tables but those that are nobody's"
for t in artifact_offer audit_head clock_override; do like " $hidden " " $t " "$t is nobody's"; done

# ---- Every function, as each person, by the table of sql/README.md ----
# FUNCTION VIEWER OPERATOR APPROVER ADMIN NOBODY, each yes or no.
awk -F'|' '/^## Role/ { on = 1; next } /^##/ { on = 0 } on && NF == 9 && $8 ~ /`/ {
        answers = ""
        for (i = 3; i <= 7; i++) answers = answers ($i ~ /yes/ ? " yes" : " no")
        n = split($8, names, "`")
        for (i = 2; i <= n; i += 2) print names[i] answers }' "$root/sql/README.md" | sort >"$tmp/table"
ok "(the table names many functions)" test "$(wc -l <"$tmp/table")" -ge 60
is "$(cut -d' ' -f1 "$tmp/table" | uniq -d | xargs)" "" "each stands in one row"
is "$(cut -d' ' -f1 "$tmp/table" | xargs)" "$(as boss "select distinct proname from pg_proc
    where pronamespace = 'tare'::regnamespace and has_function_privilege('view', oid, 'execute')" | sort | xargs)" \
    "the table lists every function that anybody may call, and no other"

# A call of each form of each, about nothing that exists: what matters is whether it is the role that is asked for.
as boss "select p.proname || '|' || format('tare.%I(%s)', p.proname, (
        select string_agg(case t.typname when 'int8' then '0' when 'int4' then '0' when 'text' then '''x''' when '_text' then '''{}'''
                              when 'jsonb' then '''[]''' when 'bool' then 'false' when 'bytea' then '''x'''
                              when 'timestamptz' then '''2030-01-01''' else 'null' end || '::' || t.typname, ', ' order by a.ordinality)
        from unnest(p.proargtypes) with ordinality a (type, ordinality) join pg_type t on t.oid = a.type))
    from pg_proc p where pronamespace = 'tare'::regnamespace and has_function_privilege('view', p.oid, 'execute')
    order by 1" >"$tmp/calls"
while IFS='|' read -r name call; do
    printf '\\echo == %s\nbegin; select * from %s; rollback;\n' "$name" "$call"
done <"$tmp/calls" >"$tmp/calls.sql"
# FUNCTION ANSWER: no where the role is missing. Moving the clock is answered, by false.
answers() {
    pg "$1" ledger -v ON_ERROR_STOP=0 -f "$tmp/calls.sql" 2>&1 |
        awk '/^== / { if (label != "") print label "|" text; label = substr($0, 4); text = ""; next }
             { text = text " " $0 } END { print label "|" text }' |
        awk -F'|' '{ no = /permission denied|that takes the role/ || ($1 == "clock_set" && $2 == " f"); print $1 " " (no ? "no" : "yes") }'
}
declare -A column=([view]=2 [op]=3 [rev]=4 [adm]=5 [nop]=3 [nrev]=4 [stranger]=6)
for login in $people; do
    # Who holds two roles may what one of them may.
    if [[ $login == duo ]]; then
        awk '{ print $1, ($3 == "yes" || $4 == "yes" ? "yes" : "no") }' "$tmp/table" >"$tmp/wanted"
    else
        awk -v at="${column[$login]}" '{ print $1, $at }' "$tmp/table" >"$tmp/wanted"
    fi
    answers "$login" | sort -u >"$tmp/got"
    is "$(diff "$tmp/wanted" "$tmp/got")" "" "every function as $login: it works for the roles of the table, for no other"
done
is "$(as op "set role tare_viewer; select session_user")" op "(session_user stays what it was under SET ROLE)"

# ---- Approving ----
refused op "select tare.approve($id, $(the_plan "$id"), null, null, null, null)" TA077 "the requester may not approve"
refused op "set role tare_approver" 42501 "nor take the role"
as boss "grant tare_approver to op" >/dev/null
refused op "select tare.approve($id, $(the_plan "$id"), null, null, null, null)" TA077 "nor as an approver by right"
refused op "set role tare_approver; select tare.approve($id, $(the_plan "$id"), null, null, null, null)" TA077 "nor under SET ROLE"
as boss "revoke tare_approver from op" >/dev/null
refused rev "set session authorization op; select 1" 42501 "and nobody becomes somebody else"
own=$(plan_run duo "$one_row" mine)
refused duo "select tare.approve($own, $(the_plan "$own"), null, null, null, null)" TA077 "both roles in one hand approve not their own"
is "$(state duo "select tare.approve($id, $(the_plan "$id"), null, null, null, null)")" ok "but somebody else's"
helped=$(pg op ledger <<'SQL'
select tare.run_create('prod', 'files', '0.1.0', null, '{}');
SQL
)
store duo "$helped" '{"workload":{"namespace":"shop","kind":"Deployment","name":"cart"}}' >/dev/null
as duo "select tare.plan_register($helped, '$digest', '$one_row', 0)" >/dev/null
refused duo "select tare.approve($helped, $(the_plan "$helped"), null, null, null, null)" TA077 "who made the plan may not approve it"
is "$(as rev "select tare.approve($helped, $(the_plan "$helped"), null, null, null, null)")" approved "somebody without a hand in it may"

# A trap in the search path: an object of the caller's must not step in.
trap_sql="create temp table run as select 1 as id; create function pg_temp.holds_role(text, text) returns boolean
    language sql as 'select true'; set search_path = pg_temp, pg_catalog; select tare.policy_set('{}', '{}')"
refused op "$trap_sql" TA077 "temporary objects do not step in"
refused op "create function tare.evil() returns int language sql as 'select 1'" 42501 "nobody adds to the schema"

# ---- Stored policy: separation can be lifted by an admin only, and only there ----
as adm "select tare.policy_set('x', '{\"approvals\":{\"separation_of_duties\":false,\"required\":1}}')" >/dev/null
is "$(state duo "select tare.approve($own, $(the_plan "$own"), null, null, null, null)")" ok "the policy may lift the separation"
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
refused team "select tare.approve($mixed, $(the_plan "$mixed"), 'pay', 'Deployment', 'till', null)" TA066 "approving others' workloads neither"
is "$(as team "select tare.approve($mixed, $(the_plan "$mixed"), 'shop', 'Deployment', 'cart', null)")" awaiting-approval "its own it may"
is "$(as team "select count(*) from tare.login_namespace")" 1 "it sees its own mapping"

# ---- The clock ----
is "$(as op "select tare.clock_set('2040-01-01')")" f "an operator does not move a shared ledger's clock"
is "$(as op "set tare.clock = '00000000-0000-0000-0000-000000000000'; select extract(year from tare.now()) < 2039")" t \
    "nor by a setting"
is "$(pg adm ledger -c "select tare.clock_set('2040-01-01') \g /dev/null
select 1" 2>/dev/null; as adm "select tare.clock_set('2040-01-01')")" t "an admin does"
is "$(as adm "select count(*) > 0 from tare.audit_event where action = 'clock.override'")" t "and that is on record"
done_testing
