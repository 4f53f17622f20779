#!/bin/bash
# What happens in the middle of an apply to a real cluster: a window closes, an approval is taken back, somebody else edits, deletes,
# replaces, scales or pauses. The next object is not touched, what others did stays, and what was done stays done.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
. "$root/tests/harness/kube_faults.sh"
kube_start "$tmp/plane" "${kube_programs[@]}"
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"

cpu() { kube get deployment "$1" -n "$namespace" -o jsonpath='{.spec.template.spec.containers[0].resources.requests.cpu}'; }
cpus() { printf '%s %s %s' "$(cpu a)" "$(cpu b)" "$(cpu c)"; }
is_cpu() { [[ $(cpu "$1") == "$2" ]]; }

# Three workloads, one after the other. Pods come up only when kwok goes on: the first stays in its rollout until then.
begun() {
    kube_namespace
    settings parallel=1 rollout_timeout=120s backoff=0s "$@"
    { kube_workload deployment a; kube_workload deployment b; kube_workload deployment c; } >"$tmp/objects.yaml"
    kube_make "$tmp/objects.yaml"
    # Each process begins there: the apply's not earlier than what the approval recorded.
    [[ -z ${clock-} ]] || export TARE_NOW=${clock/03:59/03:50}
    approved
    [[ -z ${clock-} ]] || TARE_NOW=$clock
    kube_hold kwok
    in_background "$tare" apply "$id" --yes
    kube_until is_cpu a 300m
}
ended() {
    kube_go kwok
    back_ended
    unset TARE_NOW
}

# A window that closes: 40 seconds after the clock that the apply began with.
closes() { printf 'windows: [{name: morning, kind: allow, schedule: "0 3 * * *", duration: 1h, timezone: UTC, on_overrun: %s}]' "$1"; }
for overrun in stop finish rollback; do
    clock=2026-11-21T03:59:20Z
    begun "$(closes "$overrun")"
    started=$SECONDS
    while ((SECONDS - started < 41)); do sleep 1; done
    ended
    clock=
    case $overrun in
        stop)
            is "$rc" 77 "a window that closes in the middle: stop" || diag "$err"
            is "$(cpus)" "300m 500m 500m" "the next object is not touched"
            like "$(fates)" '^a=done ' "what was begun is verified" ;;
        finish)
            is "$rc" 0 "a window that closes in the middle: finish" || diag "$err"
            is "$(cpus)" "300m 300m 300m" "goes on to the end" ;;
        rollback)
            is "$rc" 80 "a window that closes in the middle: rollback" || diag "$err"
            is "$(cpus)" "500m 500m 500m" "takes back what was done" ;;
    esac
done

# An approval taken back.
begun
run "$tare" --as reviewer withdraw "$id" --reason "month-end"
is "$rc" 0 "(the approval is taken back)" || diag "$err"
ended
is "$rc" 77 "an approval that is withdrawn in the middle stops it" || diag "$err"
is "$(cpus)" "300m 500m 500m" "the next object is not touched"
like "$err" "$namespace/Deployment/b" "and named"
run "$tare" apply "$id" --resume --yes
is "$rc" 77 "and not by --resume either" || diag "$err"
is "$(cpus)" "300m 500m 500m" "…"
rollback
is "$rc $(cpus)" "0 500m 500m 500m" "what was done can be put back" || diag "$err"

# Somebody else's edit of the next object.
begun
kube patch deployment b -n "$namespace" --type=json -p '[{"op":"replace","path":"/spec/template/spec/containers/0/resources/requests/cpu","value":"700m"}]' >/dev/null
ended
is "$rc" 79 "another actor's edit in the middle: the plan is stale" || diag "$err"
is "$(cpus)" "300m 700m 500m" "the next object is not touched, nor those after it"
like "$err" "$namespace/Deployment/b.*700m" "it says what is there"

# Of the object that is in its rollout.
begun
kube patch deployment a -n "$namespace" --type=json -p '[{"op":"replace","path":"/spec/template/spec/containers/0/resources/requests/cpu","value":"700m"}]' >/dev/null
ended
isnt "$rc" 0 "an edit of the object that is being verified ($rc)"
is "$(cpus)" "700m 500m 500m" "is left as it is, and nothing further is touched" || diag "$err"
like "$err" "$namespace/Deployment/a" "and named"

# Scaled while it is verified: no resources, no conflict.
begun
kube scale deployment a -n "$namespace" --replicas=2 >/dev/null
ended
is "$rc" 0 "scaling the object in its rollout changes nothing" || diag "$err"
is "$(cpus)" "300m 300m 300m" "all are changed"
is "$(kube get deployment a -n "$namespace" -o jsonpath='{.spec.replicas}')" 2 "and the replicas are theirs"
rollback
is "$rc $(kube get deployment a -n "$namespace" -o jsonpath='{.spec.replicas}')" "0 2" "also after a rollback" || diag "$err"

# Deleted, replaced, paused.
begun
kube delete deployment b -n "$namespace" >/dev/null
ended
is "$rc" 79 "the next object is gone" || diag "$err"
like "$err" "$namespace/Deployment/b is not in the cluster any more" "and named"
is "$(cpu a) $(cpu c)" "300m 500m" "those after it are not touched"
begun
kube delete deployment b -n "$namespace" >/dev/null
kube_workload deployment b | kube create -f - >/dev/null
ended
is "$rc" 79 "the next object was replaced" || diag "$err"
like "$err" "$namespace/Deployment/b has the uid" "and named"
is "$(cpus)" "300m 500m 500m" "it is not touched"
begun
kube rollout pause deployment/b -n "$namespace" >/dev/null
ended
like "$rc" '^(77|79|75)$' "the next object is paused" || diag "$err"
like "$err" "$namespace/Deployment/b.*pause" "and named"
is "$(cpus)" "300m 500m 500m" "it is not touched"
begun
kube patch deployment b -n "$namespace" --type=merge -p '{"spec":{"template":{"metadata":{"annotations":{"tare.test/fail":"never-ready"}}}}}' >/dev/null
ended
like "$rc" '^(77|79|75)$' "the next object is in the middle of somebody else's rollout" || diag "$err"
like "$err" "$namespace/Deployment/b.*roll" "and named"
is "$(cpus)" "300m 500m 500m" "it is not touched"
begun
kube delete deployment a -n "$namespace" >/dev/null
ended
isnt "$rc" 0 "the object in its rollout is gone ($rc)"
like "$err" "$namespace/Deployment/a" "and named"
is "$(cpu c)" 500m "nothing further is touched"
audit_holds
done_testing
