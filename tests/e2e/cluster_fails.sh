# Applies that fail on a real control plane: source it after cluster_plan.sh.

# fails NAME PATTERN: the apply of what is planned ends with 80, says why, and everything is as before.
fails() {
    kube_snapshot >"$tmp/before"
    approved
    apply
    is "$rc" 80 "$1: exit 80" || diag "$err"
    like "$err" "$2" "$1: says why"
    is "$(state)" rolled-back "$1: the run is rolled back"
    is "$(kube_snapshot | diff "$tmp/before" - | head -5)" "" "$1: every object equals what it was"
}
anew() { # WORKLOAD…: a namespace of its own with these
    kube_namespace
    settings rollout_timeout=40s
    "$@" >"$tmp/objects.yaml"
    kube_make "$tmp/objects.yaml" || diag "not made"
}
# The second of these is well as it is, and fails for the change.
planted() { kube_workload deployment good; kube_workload deployment middle-bad fail="$1" fine=500m "${@:2}"; }
