#!/bin/bash
# kill_sweep.sh [BUILD]: kill -9 of tare-apply while it changes 20 objects of a real control plane, four at once: before and after each message
# to the ledger and to the API server in turn, and at instants of chance. After each kill: nothing was written that the ledger does not say.
# Then --resume or rollback: all objects as planned or as before, the ledger agrees with the cluster, nothing was written twice, no approval
# counts twice. TAP on stdout, numbers as comments. KILLS (200), SWEEP_LANES (3) sweeps side by side, each with a namespace and a ledger of its
# own, TARE_SEED (1) for what is left to chance.
set -u
here=$(cd "$(dirname "$0")" && pwd)
BIN=$(cd "${1:-.build}/bin" && pwd) || exit 66
export BIN
kills=${KILLS:-200} lanes=${SWEEP_LANES:-3} lane=${SWEEP_LANE:-} seed=${TARE_SEED:-1}
. "$here/../harness/tap.sh"
need strace
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/killed.sh"
. "$root/tests/harness/kube_workloads.sh"
kube_cluster

# --- all lanes: each is this program again, its lines are told here ---------------------------------------------------------------------
if [[ -z $lane ]]; then
    started=$SECONDS
    for ((lane = 0; lane < lanes; lane++)); do
        SWEEP_LANE=$lane bash "$here/kill_sweep.sh" "${BIN%/bin}" >"$tmp/lane.$lane" 2>&1 &
    done
    wait
    for ((lane = 0; lane < lanes; lane++)); do
        while IFS= read -r line; do
            case $line in
                "ok "*) tap_result 0 "lane $lane: ${line#*- }" ;;
                "not ok "*) tap_result 1 "lane $lane: ${line#*- }" ;;
                1..*) ;;
                *) printf '# %s\n' "${line#\# }" ;;
            esac
        done <"$tmp/lane.$lane"
        ok "lane $lane came to its end" grep -q '^1\.\.' "$tmp/lane.$lane"
    done
    is "$(cat "$tmp"/lane.* | grep -c '^ok .*, killed ')" "$kills" "so many kills went well"
    diag "$kills kills in $((SECONDS - started)) s"
    done_testing
    exit
fi

# --- one lane ---------------------------------------------------------------------------------------------------------------------------
mine=$((kills / lanes + (lane < kills % lanes)))
RANDOM=$((seed * 100 + lane))
kube_namespace
. "$here/../e2e/cluster_plan.sh"
for ((i = 1; i <= 20; i++)); do
    case $((i % 10)) in
        3 | 7) kind=statefulset ;;
        5) kind=daemonset ;;
        9) kind=cronjob ;;
        *) kind=deployment ;;
    esac
    printf -v name '%s%02d' "$( ((i % 4)) && echo w || echo risky)" "$i"
    kube_workload "$kind" "$name" cpu=1000m
done >"$tmp/objects.yaml"
kube_make "$tmp/objects.yaml" || { cat "$tmp/objects.yaml"; echo "Bail out! no workloads"; exit 1; }
settings settle=1s parallel=4 rollout_timeout=300s backoff=0s

# A line an object: NAME CPU GENERATION.
figures() {
    kube get deployments,statefulsets,daemonsets,cronjobs -n "$namespace" -o json | jq -r '.items[] |
        [.metadata.name, (.spec.template // .spec.jobTemplate.spec.template).spec.containers[0].resources.requests.cpu, .metadata.generation] | join(" ")' | sort
}
# A line an object that was begun: NAME STATE, from the audit trail.
rows() {
    "$tare" audit list "$id" --format json --limit 5000 | jq -r '[.[] | select(.action | test("^change\\.(writing|written|verifying|done|rolling-back|rolled-back|rollback-failed)$"))] |
        group_by(.subject)[] | max_by(.position) | (.subject | split("/")[2]) + " " + (.action | ltrimstr("change."))' | sort
}
# How often an object came to be in this state, at most.
most() { "$tare" audit list "$id" --format json --limit 5000 | jq --arg what "change.$1" '[.[] | select(.action == $what) | .subject] | group_by(.) | map(length) | max // 0'; }

# tare-apply runs below what a test puts before it; its pid is in $tmp/pid.
real=$line/tare-apply.real
mv "$line/tare-apply" "$real"
before_apply() {
    printf '#!/bin/sh\necho $$ >"%s"\nexec %s "%s" "$@"\n' "$tmp/pid" "$1" "$real" >"$tmp/wrapper"
    chmod 755 "$tmp/wrapper"
    mv "$tmp/wrapper" "$line/tare-apply"
}
# The plan goes from one figure to the other: there is always something to change. $old and $new are what a container has and shall have.
old=1 new=700m
turn() { local held=$old; old=$new new=$held; }
plan_next() {
    advise "{requests: {cpu_millicores: $([[ $new == 1 ]] && echo 1000 || echo 700)}}"
    approved
    figures >"$tmp/before"
    kube_snapshot >"$tmp/whole"
}

# How many messages there are, and how long it takes: measured on one that is left alone.
before_apply "strace -f -qq -o $tmp/calls -e trace=sendto,recvfrom"
plan_next
started=${EPOCHREALTIME/./}
apply
took=$(((${EPOCHREALTIME/./} - started) / 1000))
is "$rc $(state)" "0 applied" "an apply of 20 objects that is left alone" || diag "$(tail -5 <<<"$err")"
[[ $rc == 0 ]] || { diag "$(figures)"; echo "Bail out! an apply does not work"; exit 1; }
sends=$(grep -c 'sendto(' "$tmp/calls") receives=$(grep -c 'recvfrom(' "$tmp/calls")
diag "lane $lane: an apply takes $took ms, sends $sends messages, receives $receives times"
turn

# after_kill: what is written is in the ledger; prints what is not.
unwritten_rows() {
    rows >"$tmp/rows"
    figures | while read -r name cpu _; do
        read -r _ was _ < <(grep "^$name " "$tmp/before")
        [[ $cpu == "$was" ]] || grep -q "^$name " "$tmp/rows" || echo "$name is $cpu without a row"
        [[ $cpu == "$old" || $cpu == "$new" ]] || echo "$name is $cpu"
    done
}
# All as planned: figure and one generation more; or all as before, whole, and no generation or two more (written and put back).
as_planned() { awk -v new="$new" 'NR == FNR { g[$1] = $3; next } $2 != new || $3 != g[$1] + 1 { print "not as planned:", $0, "(was " g[$1] ")" }' "$tmp/before" <(figures); }
as_before() {
    kube_snapshot | diff "$tmp/whole" - | head -5
    awk 'NR == FNR { g[$1] = $3; next } $3 != g[$1] && $3 != g[$1] + 2 { print "written more than once:", $0, "(was " g[$1] ")" }' "$tmp/before" <(figures)
}
# Kills tare-apply (or -rollback) at an instant of chance within MILLISECONDS of its start.
kill_in() {
    local pid i sleep
    printf -v sleep '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
    for ((i = 0; i < 400; i++)); do [[ -s $tmp/pid ]] && break; sleep 0.02; done
    sleep "$sleep"
    pid=$(cat "$tmp/pid" 2>/dev/null) && kill -9 "$pid" 2>/dev/null
}
at_chance() {
    rm -f "$tmp/pid"
    before_apply ''
    kill_in $((RANDOM * 32768 % (took + 1) + RANDOM % 500)) &
    local killer=$!
    apply "$@"
    kill "$killer" 2>/dev/null
    wait "$killer" 2>/dev/null
}

killed=0 round=0 plain=0
while ((killed < mine && round < mine * 6)); do
    round=$((round + 1))
    plan_next
    [[ $rc == 0 ]] || { tap_result 1 "no plan: $err"; break; }
    # In turn: before a message, when an answer came, at some instant.
    share=$(((killed * 1000 + RANDOM % 1000) / mine))
    case $((round % 3)) in
        0) where="at message $((1 + share * sends / 1000))"
            before_apply "strace -f -qq -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when=$((1 + share * sends / 1000))"
            apply ;;
        1) where="at answer $((1 + share * receives / 1000))"
            before_apply "strace -f -qq -o /dev/null -e trace=recvfrom -e inject=recvfrom:signal=KILL:when=$((1 + share * receives / 1000))"
            apply ;;
        *) where="at some instant"
            at_chance ;;
    esac
    if [[ $rc == 0 ]]; then # it was faster
        plain=$((plain + 1))
        is "$(as_planned | head -3)" "" "round $round: an apply that was not killed in time"
        turn
        continue
    fi
    killed=$((killed + 1))
    sessions_end
    now=$(state) name="kill $killed $where, killed while $now"
    problems=$(unwritten_rows)
    begun=$(wc -l <"$tmp/rows")
    how=$([[ $now == approved || $((killed % 2)) == 1 ]] && echo resume || echo rollback)
    # Once more while it goes on, every fifth time.
    if ((killed % 5 == 0)) && [[ $how == resume ]]; then
        at_chance --resume
        sessions_end
        name+=", again while it went on"
    fi
    before_apply ''
    if [[ $how == rollback ]]; then
        rollback --resume
        [[ $rc != 77 || $begun != 0 ]] || how=resume # nothing was written: there is nothing to put back
    fi
    [[ $how == rollback || $(state) == applied ]] || apply --resume
    if [[ $how == resume ]]; then
        problems+=$(as_planned; rows | awk '$2 != "done"'; [[ $(state) == applied ]] || state; [[ $(rows | wc -l) == 20 ]] || echo rows)
        turn
    else
        problems+=$(as_before; rows | awk '$2 != "rolled-back"'; [[ $(state) == rolled-back ]] || state)
    fi
    problems+=$([[ $(most writing) == [01] && $(most done) == [01] ]] || echo "an object was begun or done twice")
    if ((killed % 7 == 0)); then # its approval is used up
        figures >"$tmp/then"
        apply
        [[ $rc == 77 ]] || problems+=" applied again: exit $rc"
        problems+=$(figures | diff "$tmp/then" - | head -3)
    fi
    is "$problems" "" "$name, with $begun begun, then $how" || diag "$(tail -4 <<<"$err")"
done
diag "lane $lane: $killed kills, $plain applies were faster than their kill"
audit_holds
done_testing
