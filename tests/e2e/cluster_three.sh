# Three workloads of a cluster changed one after the other while something fails: source it after cluster_plan.sh and kube_faults.sh, in a
# control plane of the test's own.

cpu() { kube get deployment "$1" -n "$namespace" -o jsonpath='{.spec.template.spec.containers[0].resources.requests.cpu}'; }
cpus() { printf '%s %s %s' "$(cpu a)" "$(cpu b)" "$(cpu c)"; }
is_cpu() { [[ $(cpu "$1") == "$2" ]]; }
generation() { kube get deployment "$1" -n "$namespace" -o jsonpath='{.metadata.generation}'; }
generations() { printf '%s %s %s' "$(generation a)" "$(generation b)" "$(generation c)"; }
three() { kube_workload deployment a; kube_workload deployment b; kube_workload deployment c; }
anew() { # OPTION of settings…: three workloads and an approved plan over them
    kube_namespace
    settings parallel=1 rollout_timeout=90s backoff=0s "$@"
    three >"$tmp/objects.yaml"
    kube_make "$tmp/objects.yaml"
    approved
}
begun() { # OPTION of apply…: until the first is written; pods come up only when kwok goes on
    kube_hold kwok
    in_background "$tare" apply "$id" --yes "$@"
    kube_until is_cpu a 300m
}
ended() { kube_go kwok; back_ended; }
whole() { # what became of it, with the name of the test
    is "$rc" 0 "$1" || diag "$err"
    is "$(cpus)" "300m 300m 300m" "$1: all is changed"
    is "$(generations)" "2 2 2" "$1: nothing was written twice"
    is "$(state)" applied "$1: the run is applied"
}
