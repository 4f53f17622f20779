#!/bin/bash
# storm.sh [--short] [BUILD]: many people at once on one ledger: runners, rerunners, approvers, withdrawers, rejecters, appliers and
# rollbackers, by the real programs and by SQL of their own, each as a login of the database. Then the ledger is asked whether everything
# that must hold holds. TAP on stdout; numbers as comments. STORM_ACTORS (50; short: 14), STORM_SECONDS (120; short: 20).
set -u
short=''
[[ ${1:-} == --short ]] && short=1 && shift
here=$(cd "$(dirname "$0")" && pwd)
BIN=$(cd "${1:-.build}/bin" && pwd) || exit 66
export BIN
. "$here/../harness/tap.sh"
actors=${STORM_ACTORS:-${short:+14}} actors=${actors:-50}
seconds=${STORM_SECONDS:-${short:+20}} seconds=${seconds:-120}
. "$root/tests/db/server.sh"
PATH=$pg_bin:$PATH # psql itself, not what chooses one
pg_stop
unroot "$pg_bin/pg_ctl" -D "$pg_dir/data" -l "$pg_dir/log" -w -o \
    "-c listen_addresses='' -c unix_socket_directories='$pg_dir' -c fsync=off -c max_connections=400 -c log_lock_waits=on -c deadlock_timeout=500ms" \
    start >"$tmp/start.log" 2>&1 || { cat "$tmp/start.log"; echo "Bail out! no Postgres"; exit 1; }
. "$root/tests/e2e/stub_line.sh"

# --- the place: four work trees, each a cluster, with workloads of three namespaces ---------------------------------------------------
pg boss postgres -c "create database team"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=boss"
"$tare" migrate >"$tmp/migrate.log" 2>&1 || { cat "$tmp/migrate.log"; echo "Bail out! no ledger"; exit 1; }
operators=6 approvers=8 trees=4
for ((i = 1; i <= operators; i++)); do pg boss team -c "create role oper$i login in role tare_operator"; done
for ((i = 1; i <= approvers; i++)); do pg boss team -c "create role appr$i login in role tare_approver"; done
pg boss team -c "create role vera login in role tare_viewer; create role adam login in role tare_admin;
    create role janus login in role tare_operator, tare_approver"
manifest deploy/a.yaml cart web
namespace=pay manifest deploy/b.yaml ledger
namespace=lab manifest deploy/c.yaml toy risky-toy
namespace=shop manifest deploy/d.yaml api
plan
printf 'approvals:\n  required: 1\n  rules:\n  - {match: {namespaces: [pay]}, required: 2}\n' >"$tmp/policy.yaml"
TARE_DATABASE_URL="host=$pg_dir dbname=team user=adam" "$tare" policy set "$tmp/policy.yaml" >"$tmp/set.log" 2>&1 || diag "$(<"$tmp/set.log")"
for ((i = 1; i <= trees; i++)); do
    mkdir "$tmp/tree$i"
    cp -R deploy "$tmp/tree$i/"
    printf 'version: 1\ncluster: c%s\n' "$i" >"$tmp/tree$i/tare.yaml"
    mkdir "$tmp/tree$i/.line"
    for stage in parse collect analyze price diff; do
        jq -cS --arg cluster "c$i" 'if .workload then .workload.cluster = $cluster else . end' "$tmp/$stage.jsonl" >"$tmp/tree$i/.line/$stage"
    done
done
for stage in parse collect analyze price diff; do # each tree has a line of its own
    printf '#!/bin/sh\n[ "$1" = --version ] || cat .line/%s\n[ %s = parse ] || cat >/dev/null\n' "$stage" "$stage" >"$line/tare-$stage"
done
mkdir "$tmp/log" "$tmp/did"

# --- what people do -------------------------------------------------------------------------------------------------------------------
url() { printf 'host=%s dbname=team user=%s' "$pg_dir" "$1"; }
# The id and the tree of some run in one of these states.
pick() { pg vera team -F' ' -c "select id, substr(cluster, 2) from tare.run where state in ($1) order by random() limit 1" 2>/dev/null; }
any() { echo $((RANDOM % $1 + 1)); }
# did ACTION CODE [KEY]: a line of what came of it; keys of what worked are compared with the ledger.
did() {
    printf '%s %s\n' "$1" "$2" >>"$tmp/log/$me"
    [[ $2 == 0 && -n ${3-} ]] && printf '%s %s\n' "$1" "$3" >>"$tmp/did/$me"
    case $1:$2 in
        *:0 | *:66 | *:75 | *:77 | *:79) ;;
        rollback:81) # a later run changed the file: that is left alone, and said
            grep -q 'was changed since' "$tmp/err.$me" || printf -- '-- %s: exit %s\n' "$1" "$2" >>"$tmp/odd.$me" ;;
        *) { printf -- '-- %s: exit %s\n' "$1" "$2"; cat "$tmp/err.$me"; } >>"$tmp/odd.$me" ;;
    esac
}
# tare as LOGIN in tree N
as_login() { (cd "$tmp/tree$2" && TARE_DATABASE_URL=$(url "$1") "$tare" "${@:3}") >"$tmp/out.$me" 2>"$tmp/err.$me" </dev/null; }
# SQL as LOGIN: the exit code that its SQLSTATE stands for
sql() {
    local code
    if PGOPTIONS='' psql -h "$pg_dir" -U "$1" -d team -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "$2" >"$tmp/out.$me" 2>"$tmp/err.$me"; then
        return 0
    fi
    code=$(grep -oE '(ERROR|FATAL): +[0-9A-Z]{5}' "$tmp/err.$me" | grep -oE '[0-9A-Z]{5}$' | head -n 1)
    [[ $code == TA0* ]] && return "$((10#${code#TA0}))"
    [[ $code == 42501 ]] && return 77 # permission denied
    return 70
}
runner() {
    local tree
    tree=$(any $trees)
    as_login "oper$(any $operators)" "$tree" run deploy --format json
    did run $? "$(jq -r .run "$tmp/out.$me" 2>/dev/null)"
}
rerunner() {
    local id tree
    read -r id tree < <(pick "'awaiting-approval', 'approved', 'rolled-back'") || return
    as_login "oper$(any $operators)" "$tree" rerun "$id" --from gate --format json
    did rerun $? "$(jq -r .run "$tmp/out.$me" 2>/dev/null)"
    sleep 0.3
}
approver() {
    local id tree who
    who=appr$(any $approvers)
    read -r id tree < <(pick "'awaiting-approval'") || return
    case $((RANDOM % 4)) in
        0) as_login "$who" "$tree" approve "$id" --workload pay/Deployment/ledger --yes
            did approve $? "$id $who" ;;
        1) sql "$who" "select tare.approve(id, plan_digest, null, null, null, 'by hand') from tare.run where id = $id"
            did approve-sql $? "$id $who" ;;
        *) as_login "$who" "$tree" approve "$id" --yes
            did approve $? "$id $who" ;;
    esac
}
withdrawer() {
    local id tree who
    read -r id tree who < <(pg vera team -F' ' -c "select a.run, substr(r.cluster, 2), a.approver from tare.approval a join tare.run r on r.id = a.run
        where r.state in ('awaiting-approval', 'approved') and a.withdrawn_at is null order by random() limit 1" 2>/dev/null) || return
    as_login "$who" "$tree" withdraw "$id" --reason 'second thoughts' --yes
    did withdraw $? "$id $who"
    sleep 0.5
}
rejecter() {
    local id tree who
    who=appr$(any $approvers)
    read -r id tree < <(pick "'awaiting-approval'") || return
    as_login "$who" "$tree" reject "$id" --reason 'not today' --yes
    did reject $? "$id $who"
    sleep 1
}
applier() {
    local id tree
    read -r id tree < <(pick "'approved', 'applying', 'refused'") || return
    as_login "oper$(any $operators)" "$tree" apply "$id" --yes
    did apply $? "$id"
}
rollbacker() {
    local id tree
    read -r id tree < <(pick "'applied', 'failed'") || return
    as_login "oper$(any $operators)" "$tree" rollback "$id" --yes
    did rollback $? "$id"
}
# Reads, and what must not work: one's own run approved, history written.
stranger() {
    local id tree
    read -r id tree < <(pick "'awaiting-approval', 'approved', 'applied'") || return
    case $((RANDOM % 5)) in
        0) as_login vera "$tree" status --format json && did status 0 || did status $? ;;
        1) as_login vera "$tree" audit verify && did verify 0 || did verify $? ;;
        2) sql oper1 "update tare.run set state = 'approved' where id = $id" && did forge-state 1 || did forge-state $? ;;
        3) sql appr1 "insert into tare.approval overriding system value select * from tare.approval limit 1" && did forge-approval 1 || did forge-approval $? ;;
        4) as_login janus "$tree" run deploy --format json && id=$(jq -r .run "$tmp/out.$me") && did run 0 "$id" &&
            { sql janus "select tare.approve(id, plan_digest, null, null, null, 'mine') from tare.run where id = $id" && did approve-own 1 || did approve-own $?; } ;;
    esac
}
kinds=(runner applier approver rollbacker approver applier approver stranger runner withdrawer applier approver rerunner rejecter)
end=$((SECONDS + seconds))
# Until the time is over and, on a busy machine, some things were done.
done_of() { cat "$tmp"/did/* 2>/dev/null | grep -cE "^($1) "; }
enough() { (($(done_of apply) >= 3 && $(done_of rollback) >= 2 && $(done_of 'apply|rollback') >= 8)); }
going() { ((SECONDS < end)) || { ((SECONDS < end + 180)) && ! enough; }; }
children=()
started=$(date +%s)
for ((i = 0; i < actors; i++)); do
    (
        trap - EXIT
        me=$i RANDOM=$((i * 7919 + 1))
        kind=${kinds[i % ${#kinds[@]}]}
        while going; do
            $kind || sleep 0.2
            [[ $kind == runner ]] && sleep 0.5
        done
    ) &
    children+=($!)
done
wait "${children[@]}"
# A session ends a moment after its client.
for ((i = 0; i < 600; i++)); do
    others=$(pg boss team -c "select count(*) from pg_stat_activity where datname = 'team' and backend_type = 'client backend' and pid <> pg_backend_pid()")
    [[ $others != 0 ]] || break
    sleep 0.1
done
[[ $others == 0 ]] || diag "$others sessions did not end"
took=$(($(date +%s) - started))

# --- what came of it ------------------------------------------------------------------------------------------------------------------
cat "$tmp"/log/* | sort | uniq -c | awk '{ n[$2] += $1; s[$2] = s[$2] " " $3 ":" $1; all += $1 } END { for (a in n) printf "%-14s %5d  by exit code%s\n", a, n[a], s[a]; print "total", all }' | LC_ALL=C sort |
    while IFS= read -r text; do diag "$text"; done
q() { pg boss team -c "$1"; }
diag "$actors actors, $took s; runs: $(q "select string_agg(state || ' ' || n, ', ' order by state) from (select state, count(*) n from tare.run group by 1) t"); events: $(q 'select count(*) from tare.audit_event')"
zero() { is "$(q "select count(*) from ($1) x")" 0 "$2" || diag "$(q "select * from ($1) x limit 5")"; }

is "$(cat "$tmp"/odd.* 2>/dev/null | grep -c '^-- ')" 0 "every action worked or was refused with an exit code that says why (66, 75, 77, 79)" ||
    diag "$(cat "$tmp"/odd.* | head -n 40)"
is "$(cat "$tmp"/log/* | grep -cE '^(forge-state|forge-approval|approve-own) [^7]')" 0 "nobody approved an own run or wrote history"
ok "enough happened: applies" test "$(cat "$tmp"/did/* | grep -c '^apply ')" -ge 3
ok "and rollbacks" test "$(cat "$tmp"/did/* | grep -c '^rollback ')" -ge 2

is "$(q 'select intact from tare.audit_verify()')" t "the audit chain is whole"
is "$(q 'select count(*) = max(position) from tare.audit_event')" t "and has no gap"
# Each state has its event: they follow one another from the run's making to what it is now.
moves="select e.run, e.position, substr(e.action, 5) as state, e.detail::jsonb ->> 'from' as before,
        lag(substr(e.action, 5)) over (partition by e.run order by e.position) as last,
        row_number() over (partition by e.run order by e.position desc) as back
    from tare.audit_event e where e.action in ('run.created', 'run.running') or (e.action like 'run.%' and substr(e.action, 5) in (
        select from_state from tare.run_move union select to_state from tare.run_move))"
zero "select * from ($moves) m where state <> 'created' and before is distinct from case last when 'created' then 'running' else last end" \
    "the events of each run follow one another without a gap"
zero "select r.id, r.state, m.state as said from tare.run r left join ($moves) m on m.run = r.id and m.back = 1
    where r.state <> case m.state when 'created' then 'running' else m.state end or m.state is null" "and end in the state that the run has"
zero "select * from ($moves) m where state <> 'created' and before <> state and not exists (select 1 from tare.run_move v where v.from_state = m.before and v.to_state = m.state)" \
    "every move was legal"

# Approvals, recomputed for every object at the moment it began to be written.
zero "select w.run, w.subject, n.namespace, n.kind, n.name, n.required, w.position from tare.audit_event w
    join tare.run r on r.id = w.run
    join tare.change c on c.run = w.run and c.object = w.subject
    cross join lateral jsonb_to_recordset(c.workloads) x (namespace text, kind text, name text)
    join tare.plan_requirement n on n.run = w.run and (n.namespace, n.kind, n.name) = (x.namespace, x.kind, x.name)
    where w.action = 'change.writing' and n.verdict <> 'allowed' and n.required > (
        select count(distinct a.approver) from tare.approval a
        where a.run = w.run and a.plan_digest = r.plan_digest and a.decision = 'approve' and a.at <= w.at and a.expires > w.at
          and a.approver <> r.requested_by and (a.name is null or (a.namespace, a.kind, a.name) = (n.namespace, n.kind, n.name))
          and not (a.withdrawn_at is not null and exists (select 1 from tare.audit_event t where t.run = w.run
              and t.action = 'approval.withdrawn' and t.actor = a.withdrawn_by and t.at >= a.withdrawn_at and t.position < w.position)))" \
    "no object was written without the approvals that it needed at that moment"
ok "of which there were some" test "$(q "select count(*) from tare.audit_event where action = 'change.writing'")" -ge 5

# Objects: one run at a time, done once, rolled back once, in turns.
touched="select e.position, e.run, r.cluster, e.subject, substr(e.action, 8) as state,
        lag(e.run) over w as last_run, lag(substr(e.action, 8)) over w as last
    from tare.audit_event e join tare.run r on r.id = e.run where e.action like 'change.%' and e.action <> 'change.planned'
    window w as (partition by r.cluster, e.subject order by e.position)"
zero "select * from ($touched) t where run <> last_run and last not in ('done', 'rolled-back')" "no object was in the hands of two runs at once"
zero "select run, subject, action, count(*) from tare.audit_event where action in ('change.writing', 'change.done', 'change.rolled-back') group by 1, 2, 3 having count(*) > 1" \
    "each object was written, done and rolled back at most once a run"
zero "select * from (select t.*, lag(state) over (partition by cluster, subject order by position) as before from ($touched) t where state in ('done', 'rolled-back')) x
    where state = before" "an object that is done is rolled back before it is done again: nothing was applied twice"
zero "select run from tare.audit_event where action = 'run.applied' group by 1 having count(*) > 1" "no run was applied twice"
zero "select r.id from tare.run r join tare.change c on c.run = r.id where r.state = 'applied' and c.state <> 'done'" "all objects of an applied run are done"

# What clients were told is what the ledger has.
keys() { cat "$tmp"/did/* 2>/dev/null | awk -v want="$1" '$1 ~ want { sub(/^[^ ]* /, ""); print }' | LC_ALL=C sort "${@:2}"; }
same() { # NAME WORKED ROWS
    if [[ $2 == "$3" ]]; then tap_result 0 "$1"; else
        tap_result 1 "$1"
        diag "$(LC_ALL=C diff <(echo "$2") <(echo "$3") | head -n 10)"
    fi
}
same "every run that was made is there, and no other" "$(keys '^(run|rerun)$')" "$(q 'select id from tare.run' | LC_ALL=C sort)"
# What somebody has approved already is not recorded again.
same "every approval that was given is there, and no other" "$(keys '^approve(-sql)?$' -u)" \
    "$(q "select distinct run || ' ' || approver from tare.approval where decision = 'approve'" | LC_ALL=C sort)"
same "every withdrawal is there, and no other" "$(keys '^withdraw$' -u)" \
    "$(q "select distinct run || ' ' || withdrawn_by from tare.approval where withdrawn_at is not null" | LC_ALL=C sort)"
same "every rejection is there, and no other" "$(keys '^reject$' -u)" \
    "$(q "select distinct run || ' ' || approver from tare.approval where decision = 'reject'" | LC_ALL=C sort)"
same "every apply that ended well is there once, and no other" "$(keys '^apply$')" \
    "$(q "select run from tare.audit_event where action = 'run.applied'" | LC_ALL=C sort)"
same "every rollback that ended well is there" "$(keys '^rollback$' -u)" \
    "$(q "select distinct run from tare.audit_event where action in ('run.rolled-back') and detail::jsonb ->> 'from' in ('applied', 'failed')" | LC_ALL=C sort)"
is "$(q "select count(*) from tare.approval where decision = 'approve'")" "$(q "select count(*) from tare.audit_event where action = 'approval.given'")" "an event for each approval"
# One withdrawal takes back all that somebody said of a run.
is "$(q "select count(*) from tare.approval where withdrawn_at is not null")" "$(q "select coalesce(sum((detail::jsonb ->> 'approvals')::int + (detail::jsonb ->> 'rejections')::int), 0) from tare.audit_event where action = 'approval.withdrawn'")" "and withdrawals tell how many they take back"

# Nothing is left hanging.
is "$(q "select count(*) from pg_locks where locktype = 'advisory'")" 0 "no lock is left"
is "$(grep -c 'deadlock detected' "$pg_dir/log"; q "select deadlocks from pg_stat_database where datname = 'team'")" $'0\n0' "no deadlock" || diag "$(grep -A6 'deadlock detected' "$pg_dir/log" | head -n 20)"
is "$(grep -cE 'PANIC|server process .* was terminated' "$pg_dir/log")" 0 "the server did not stumble"
is "$(q "select count(*) from tare.run where state in ('running', 'applying')")" 0 "no run is stuck in the middle"
is "$(q "select count(*) from tare.attempt where state = 'running'")" 0 "nor an attempt" ||
    diag "$(q "select run, stage, number from tare.attempt where state = 'running' limit 5")"

# Files on disk are what the ledger says.
wrong=''
while IFS='|' read -r cluster file state; do
    now=500m
    grep -q 300m "$tmp/tree${cluster#c}/$file" && now=300m
    want=500m
    [[ $state == done ]] && want=300m
    [[ $now == "$want" ]] || wrong+="$cluster $file is $now, the ledger says $state; "
    if [[ $want == 500m ]]; then cmp -s "$work/$file" "$tmp/tree${cluster#c}/$file" || wrong+="$cluster $file differs; "; fi
done < <(q "select distinct on (cluster, subject) cluster, subject, state from ($touched) t where state in ('done', 'rolled-back') order by cluster, subject, position desc")
is "$wrong" "" "every file is what the ledger says of it"
is "$(find "$tmp"/tree* -name '.tare-*' | wc -l)" 0 "and nothing lies beside them"
done_testing
