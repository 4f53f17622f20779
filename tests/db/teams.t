#!/usr/bin/env bash
# Several teams and clusters in one ledger: what a narrowed login does not see, it cannot tell from what does not exist.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

# Team a has namespace ours of cluster prod; everything that belongs to team b bears the word hushhush.
as boss "create role a_op login in role tare_operator; create role a_rev login in role tare_approver;
    create role a_both login in role tare_operator, tare_approver, tare_admin;
    create role hushhush_op login in role tare_operator; create role hushhush_rev login in role tare_approver;
    create role whole login in role tare_operator, tare_approver" >/dev/null
for login in a_op a_rev a_both; do as adm "select tare.grant_namespace('$login', 'ours', 'prod')" >/dev/null; done
# Numbers that are nothing else, so that they can be told in what is said.
for at in run:7100 attempt:7200 change:7300 approval:7400 notification:7500; do
    as boss "alter table tare.${at%:*} alter column id restart with ${at#*:}" >/dev/null
done
row() { echo "[{\"namespace\":\"$1\",\"kind\":\"Deployment\",\"name\":\"$2\",\"verdict\":\"needs-approval\",\"approvals_required\":1,\"reasons\":[\"$2\"]}]"; }

# Everything that a run of team b leaves behind, up to an object that is just being written; prints RUN DIGEST ATTEMPT CHANGE
# APPROVAL NOTIFICATION LEASE.
fill() { # OPERATOR APPROVER NAMESPACE NAME RECEIVER
    local run digest
    run=$(plan_run "$1" "$(row "$3" "$4")" "$4")
    digest=$(as boss "select plan_digest from tare.run where id = $run")
    as "$2" "select tare.approve($run, '$digest', null, null, null, '$4 is fine')" >/dev/null
    pg "$1" ledger -v run="$run" -v ns="$3" -v name="$4" -v receiver="$5" -v digest="$digest" <<'SQL'
select tare.audit_append('conductor.said', :run, :'name', '{}') \g /dev/null
select tare.notify_put(:run, 'awaiting-approval', array[:'receiver'], jsonb_build_object('of', :'name')) \g /dev/null
select tare.llm_put(:run, jsonb_build_array(jsonb_build_object('key', 'key-' || :'name', 'prompt_digest', repeat('a', 64), 'provider', 'p',
    'model', 'm', 'reply', :'name'))) \g /dev/null
select tare.series_put('prod', jsonb_build_array(jsonb_build_object('namespace', :'ns', 'kind', 'Deployment', 'name', :'name',
    'container', 'c', 'series', 'cpu', 'day', '2026-11-01', 'minimum', 1, 'maximum', 2, 'mean', 1, 'samples', 3))) \g /dev/null
select tare.window_override_add(:run, 'freeze-' || :'name', 'because') \g /dev/null
select tare.apply_begin(:run, :'digest', false) \g /dev/null
select tare.workload_lock(:run, :'ns', 'Deployment', :'name') \g /dev/null
select tare.change_begin(:run, :'ns' || '/Deployment/' || :'name', jsonb_build_array(jsonb_build_object('namespace', :'ns',
    'kind', 'Deployment', 'name', :'name')), convert_to(:'name', 'UTF8'), '{}') \g /dev/null
select id as change from tare.change where run = :run \gset
select tare.change_to(:change, 'writing', '{}') \g /dev/null
select tare.attempt_begin(:run, 'report', null, '{}') as attempt \gset
select tare.schedule_set(split_part(:'name', '_', 1) || '-nightly', 'prod', '0 3 * * *', 'UTC', 'skip', 'run', 3600, '{}') \g /dev/null
select tare.batch_begin(:'name', jsonb_build_array(jsonb_build_object('cluster', 'prod', 'target', 'files', 'settings', '{}'::jsonb))) \g /dev/null
select :run, :'digest', :attempt, :change, (select max(id) from tare.approval where run = :run), n.id, n.lease
    from tare.notify_take(jsonb_build_array(jsonb_build_object('name', :'receiver', 'interval_seconds', 0)), 3600) n;
SQL
}
IFS='|' read -r run digest attempt change approval notification lease < <(fill hushhush_op hushhush_rev hushhush_ns hushhush_app hushhush_room)
ok "team b has a run that is being applied, and all that belongs to it" test -n "$notification" -a -n "$change"
IFS='|' read -r own _ < <(fill a_op a_rev ours cart room)
ok "team a has one, too" test -n "$own"
empty=$(plan_run hushhush_op '[]' hushhush_empty)
fresh=$(as hushhush_op "select tare.run_create('prod', 'files', 'hushhush', 'hushhush', '{}')")

# ---- Rows ----
tables=$(as boss "select string_agg(relname, ' ' order by relname) from pg_class
    where relnamespace = 'tare'::regnamespace and relkind = 'r' and has_table_privilege('view', oid, 'select')")
# Rows of a table that have the word in any column; bytes as text.
count_of() { as "$1" "select count(*) from tare.$2 t where t::text like '%hushhush%' or t::text like '%' || encode('hushhush', 'hex') || '%'"; }
touched='' seen=''
for table in $tables; do
    (($(count_of op "$table") > 0)) && touched+="$table "
    for login in a_op a_rev; do
        n=$(count_of "$login" "$table")
        [[ $n == 0 ]] || seen+="$login sees $n of $table; "
    done
done
is "$seen" "" "nothing of team b in any table"
for table in approval artifact_chunk attempt audit_event batch change llm_exchange notification notification_pace plan_requirement result run \
    schedule series_history window_override; do
    [[ $table == result ]] || like " $touched" " $table " "(there was something to see in $table)"
done
is "$(as a_op "select string_agg(id::text, ' ') from tare.run where batch is null")" "$own" "its own run is all it sees: none that names no namespace, none that is just beginning"
is "$(as a_op "select count(*) from tare.llm_exchange where key = 'key-cart'")" 1 "it sees its own exchange"
is "$(as a_op "select string_agg(receiver, ' ') from tare.notification_pace")" room "and its own receiver"
for query in run_list trend_runs trend_workload run_past llm_list llm_runs llm_batches audit_list mine run_latest grant_list notify_list schedule_list; do
    [[ -e $root/sql/queries/$query.sql ]] || continue
    sql=$(grep -v '^--' "$root/sql/queries/$query.sql" | sed -E 's/\$1::bigint\[\]/null::bigint[]/g; s/\$[0-9]+::(bigint|integer)/1000/g; s/\$[0-9]+/null/g')
    [[ $query != run_past ]] || sql=$(grep -v '^--' "$root/sql/queries/$query.sql" | sed -E 's/\$1::bigint/null::bigint/g; s/\$2::bigint/1000/g')
    got=$(as a_rev "$sql")
    [[ $got != *hushhush* && $rc == 0 ]] && status=0 || status=1
    tap_result "$status" "the list $query has nothing of them" || diag "$got $(cat "$tmp/.err")"
done

# ---- Functions: about team b's things they say what they say about things that do not exist ----
as boss "select p.proname || '|' || p.oid::regprocedure from pg_proc p
    where pronamespace = 'tare'::regnamespace and has_function_privilege('view', p.oid, 'execute') order by 1" >"$tmp/functions"
# Arguments by their names: those of team b, or as many that do not exist. A digest that is nobody's is made of the same letters.
calls() { # RUN DIGEST ATTEMPT CHANGE APPROVAL NOTIFICATION LEASE NAMESPACE NAME RECEIVER SCHEDULE
    as boss "select 'select ' || quote_literal(p.proname) || '; select * from ' || format('tare.%I(%s)', p.proname, (
        select string_agg(coalesce(case
            when a.name = 'p_run' then '$1' when a.name = 'p_attempt' then '$3' when a.name = 'p_change' then '$4'
            when a.name = 'p_approval' then '$5' when a.name = 'p_id' then '$6' when a.name = 'p_lease' then '''$7'''
            when a.name in ('p_digest', 'p_plan') then '''$2''' when a.name = 'p_namespace' then '''$8''' when a.name = 'p_kind' then '''Deployment'''
            when p.proname ~ '^schedule_' and a.name = 'p_name' then '''${11}''' when a.name = 'p_name' then '''$9''' when a.name = 'p_cluster' then '''prod''' when a.name = 'p_stage' then '''report'''
            when a.name = 'p_namespaces' then '''{$8}''' when a.name = 'p_receivers' and t.typname = '_text' then '''{${10}}'''
            when a.name = 'p_receivers' then '''[{\"name\":\"${10}\",\"interval_seconds\":0}]'''
            when a.name = 'p_workloads' then '''[{\"namespace\":\"$8\",\"kind\":\"Deployment\",\"name\":\"$9\"}]'''
            when a.name = 'p_action' then '''conductor.x''' when a.name = 'p_to' then '''written''' when a.name = 'p_outcome' then '''applied'''
            when a.name = 'p_rows' then '''[{\"namespace\":\"$8\",\"kind\":\"Deployment\",\"name\":\"$9\",\"key\":\"key-$9\",\"prompt_digest\":\"' || repeat('a', 64)
                || '\",\"provider\":\"p\",\"model\":\"m\",\"reply\":\"x\"}]''' end,
            case t.typname when 'int8' then '0' when 'int4' then '0' when 'text' then '''x''' when '_text' then '''{}'''
                when 'jsonb' then '''[]''' when 'bool' then 'false' when 'bytea' then '''x''' when 'timestamptz' then '''2030-01-01''' else 'null' end)
            || '::' || t.typname, ', ' order by a.at)
        from unnest(p.proargtypes) with ordinality y (type, at) join unnest(p.proargnames) with ordinality a (name, at) using (at)
        join pg_type t on t.oid = y.type)) || ';'
      from pg_proc p where pronamespace = 'tare'::regnamespace and has_function_privilege('view', p.oid, 'execute')
        and p.proname !~ '^(now|rfc3339|clock_set|holds_role|sees_whole|grant_namespace|revoke_namespace|revoke_all|policy_set|audit_verify|prune_|schedule_set\$)'
      order by p.oid::regprocedure::text"
}
# What each says, with what was asked taken out. (schedule_set is left out: that a name is taken has to be said.)
answers() { # LOGIN, then as above
    local login=$1
    shift
    calls "$@" | sed 's/^/begin; /; s/$/ rollback;/' >"$tmp/calls.sql"
    pg "$login" ledger -v ON_ERROR_STOP=0 -v SHOW_CONTEXT=never -f "$tmp/calls.sql" 2>&1 |
        sed -E "s|psql:[^ ]*||; /^LINE [0-9]+:/d; s|$2|DIGEST|g; s|\b$1\b|RUN|g; s|\b$3\b|ATTEMPT|g; s|\b$4\b|CHANGE|g; s|\b$5\b|APPROVAL|g; s|\b$6\b|NOTE|g; s|$9|NAME|g; s|$8|NS|g; s|${10}|RECEIVER|g; s|$7|LEASE|g; s|${11}|SCHEDULE|g"
}
nothing="810001 $(printf 'f0%.0s' {1..32}) 810002 810003 810004 810005 00000000-0000-4000-8000-000000000000 absent_ns absent_app absent_room absent-nightly"
for login in a_op a_rev a_both; do
    answers "$login" "$run" "$digest" "$attempt" "$change" "$approval" "$notification" "$lease" hushhush_ns hushhush_app hushhush_room hushhush-nightly >"$tmp/theirs"
    # shellcheck disable=SC2086
    answers "$login" $nothing >"$tmp/nothing"
    is "$(diff "$tmp/nothing" "$tmp/theirs" | head -20)" "" "$login: no function tells team b's things from what does not exist"
done
ok "(that was asked of many functions)" test "$(grep -c . "$tmp/functions")" -ge 60
answers a_op "$own" x 810002 810003 810004 810005 00000000-0000-4000-8000-000000000000 ours cart room cart-nightly >"$tmp/ours"
ok "(about its own things they do tell)" test "$(diff "$tmp/nothing" "$tmp/ours" | grep -c '^[<>]')" -gt 10

# ---- Working in the other's name ----
mine=$(as a_op "select tare.run_create('prod', 'files', 'p', null, '{}')")
refused a_op "select tare.run_namespaces($mine, '{ours,hushhush_ns}')" TA077 "a narrowed operator runs over its own namespaces only"
refused a_op "select tare.results_put($mine, '$(row hushhush_ns hushhush_app)')" TA077 "and writes no results of others"
store a_op "$mine" '{"workload":{"namespace":"hushhush_ns","kind":"Deployment","name":"hushhush_app"}}' >/dev/null
refused a_op "select tare.plan_register($mine, '$digest', '$(row hushhush_ns hushhush_app)', 0)" TA077 "nor plans"
mine=$(as a_op "select tare.run_create('dev', 'files', 'p', null, '{}')")
refused a_op "select tare.run_namespaces($mine, '{ours}')" TA077 "its namespace of another cluster is not its own"
own2=$(plan_run a_op "$(row ours cart2)" own2)
refused op "select tare.run_namespaces($own2, '{hushhush_ns}')" TA077 "nobody hides a planned run by another team's namespace"
is "$(pg op ledger -v ON_ERROR_STOP=0 -v VERBOSITY=sqlstate 2>&1 <<SQL
select tare.run_lock($mine) \g /dev/null
\! psql -h "$pg_dir" -U a_op -d ledger -XqAt -v VERBOSITY=sqlstate -c "select tare.run_namespaces($mine, '{ours}')" 2>&1
SQL
)" "ERROR:  TA075" "nor while another session works on it"
as hushhush_rev "select tare.approve($own2, plan_digest, null, null, null, null) from tare.run where id = $own2" >/dev/null
is "$(pg a_op ledger -v VERBOSITY=terse 2>&1 <<SQL
select tare.apply_begin($own2, null, false) \g /dev/null
select tare.workload_lock($own2, 'hushhush_ns', 'Deployment', 'hushhush_app');
SQL
)" "ERROR:  hushhush_ns/Deployment/hushhush_app is not in the plan of run $own2" \
    "another team's workload cannot be locked, and how it stands is not told"

# ---- Bytes: who does not see an artifact sends it, or does not get it ----
secret='{"secret":"hushhush"}'
theirs=$(as hushhush_op "select tare.run_create('prod', 'files', 'p', null, '{}')")
as hushhush_op "select tare.run_namespaces($theirs, '{hushhush_ns}')" >/dev/null
store hushhush_op "$theirs" "$secret" >/dev/null
known=$digest
mine=$(as a_op "select tare.run_create('prod', 'files', 'p', null, '{}')")
as a_op "select tare.run_namespaces($mine, '{ours}')" >/dev/null
take() { # SIZE TEXT [FINISH_ONLY]: tries to get at $known with a digest and other bytes
    pg a_op ledger -v VERBOSITY=terse 2>&1 <<SQL
select tare.attempt_begin($mine, 'diff', null, '{}') as attempt \gset
begin;
$([[ ${3-} ]] || echo "select 'wanted', tare.artifact_put(:attempt, '$known', 'changes', $1);")
$([[ -z $2 ]] || echo "select tare.artifact_chunk_put('$known', 0, '$2') \g /dev/null")
select tare.attempt_finish(:attempt, '$known');
commit;
SQL
    gone
}
size=${#secret}
is "$(take "$size" '')" "wanted|t
ERROR:  artifact $known has 0 of its $size bytes" "a digest alone opens nothing: the bytes are wanted"
is "$(take "$size" "${secret/hush/HUSH}")" "wanted|t
ERROR:  the bytes sent are not those of artifact $known" "nor do other bytes"
is "$(take 3 abc)" "wanted|t
ERROR:  the bytes sent are not those of artifact $known" "nor fewer"
is "$(take 0 '' finish)" "ERROR:  artifact $known is not in the ledger" "and finishing with it, having sent nothing, finds nothing"
is "$(as a_op "select count(*) from tare.artifact where digest = '$known'")" 0 "it is not seen"
absent=$known known=$(printf 'e0%.0s' {1..32})
is "$(take "$size" "${secret/hush/HUSH}")" "wanted|t
ERROR:  the bytes sent are not those of artifact $known" "of an artifact that is not there the very same is said"
is "$(take "$size" '')" "wanted|t
ERROR:  artifact $known has 0 of its $size bytes" "in every case"
is "$(take 0 '' finish)" "ERROR:  artifact $known is not in the ledger" "(all three)"
known=$absent
# In pieces that are not the stored ones.
is "$(pg a_op ledger 2>&1 <<SQL
select tare.attempt_begin($mine, 'diff', null, '{}') as attempt \gset
begin;
select tare.artifact_put(:attempt, '$known', 'changes', $size);
select tare.artifact_chunk_put('$known', 0, '${secret:0:5}') \g /dev/null
select tare.artifact_chunk_put('$known', 1, '${secret:5}') \g /dev/null
select tare.attempt_finish(:attempt, '$known') \g /dev/null
commit;
SQL
)" t "who has the bytes sends them, in whatever pieces"
is "$(as a_op "select convert_from(content, 'UTF8') from tare.artifact_chunk where digest = '$known'")" "$secret" "and has the artifact then"
is "$(as boss "select count(*) from tare.artifact_offer")" 0 "nothing is left of the sending"
is "$(store hushhush_op "$theirs" "$secret")" "" "who sees it need not send it again"

# ---- Clusters, and all of them ----
eu=$(plan_run op "$(row ours cart)" eu eu)
two=$(plan_run op '[{"namespace":"ours","kind":"Job","name":"x","verdict":"blocked"},{"namespace":"more","kind":"Job","name":"y","verdict":"unchanged"}]' two eu)
begun=$(as op "select tare.run_create('eu', 'files', 'p', null, '{}')")
runs() { as whole "select string_agg(id::text, ' ' order by id) from tare.run where id in ($own, $eu, $two, $begun, $empty)"; }
as adm "select tare.grant_namespace('whole', null, 'eu')" >/dev/null
is "$(runs)" "$eu $two $begun" "a grant of a whole cluster shows all of its runs, those that are just beginning too"
is "$(state whole "select tare.run_fail($begun, 'x')")" ok "and it works on them"
as adm "select tare.grant_namespace('whole', 'ours', 'prod')" >/dev/null
is "$(runs)" "$own $eu $two $begun" "a namespace of another cluster is added"
is "$(as whole "select tare.sees_everything()")" f "which is not everything"
as adm "select tare.grant_namespace('whole', '*', '*')" >/dev/null
is "$(runs)" "$own $empty $eu $two $begun" "* of * is everything"
is "$(as whole "select tare.sees_everything(), count(*) > 0 from tare.audit_event where run is null")" "t|t" "what belongs to no run, too"
refused adm "select tare.grant_namespace('whole', '', 'eu')" TA065 "an empty name is none"

# ---- Taking back ----
refused adm "select tare.revoke_namespace('whole', 'other', 'eu')" TA065 "what was not granted is not taken back"
as adm "select tare.revoke_namespace('whole', '*', '*'), tare.revoke_namespace('whole', 'ours', 'prod')" >/dev/null
is "$(runs)" "$eu $two $begun" "what is taken back is not seen any more"
refused adm "select tare.revoke_namespace('whole', null, 'eu')" TA077 "the last row is not taken back in passing: that would open everything"
is "$(runs)" "$eu $two $begun" "(and it was not)"
as adm "select tare.grant_namespace('whole', 'ours', 'prod')" >/dev/null
# Two administrators take one each of the last two at once: one of them is refused.
come_to() { # WHERE: until one session of adm is so far
    for _ in {1..600}; do
        [[ $(as boss "select count(*) from pg_stat_activity where usename = 'adm' and $1") == 1 ]] && return
        sleep 0.1
    done
    diag "never: $1"
}
mkfifo "$tmp/slow"
pg adm ledger <"$tmp/slow" >/dev/null 2>&1 &
slow=$!
exec 7>"$tmp/slow"
echo "begin; select tare.revoke_namespace('whole', null, 'eu');" >&7
come_to "state = 'idle in transaction'"
state adm "select tare.revoke_namespace('whole', 'ours', 'prod')" >"$tmp/second" 7>&- &
second=$!
come_to "wait_event_type = 'Lock'"
echo "commit;" >&7
exec 7>&-
wait "$slow" "$second"
is "$(cat "$tmp/second")" TA077 "nor by two at once"
is "$(as adm "select tare.revoke_all('whole')")" 1 "revoke_all says that it is meant"
is "$(as whole "select tare.sees_everything()")" t "then the role alone counts"
refused adm "select tare.revoke_all('whole')" TA065 "who is not narrowed has nothing to be taken back"
is "$(as adm "select detail::jsonb ->> 'sees_all_now' from tare.audit_event where action = 'grant.revoked' order by position desc limit 1")" \
    true "and the trail says that it sees everything"
done_testing
