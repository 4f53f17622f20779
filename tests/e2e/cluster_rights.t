#!/bin/bash
# The ClusterRole of README.md is enough for all that tare does in a cluster: a run, apply, in place, new objects, rollback, redo; and the
# doctor names each right of it that is not there.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
. "$root/tests/harness/kube_faults.sh"
kube_cluster
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
for kind in deployment statefulset daemonset cronjob; do kube_workload "$kind" "$kind"; done >"$tmp/objects.yaml"
ok "a workload of each kind runs" kube_make "$tmp/objects.yaml"

# The role as it stands there, under names of this test's own; lines that hold WITHOUT are left out.
role='' roles=0
drop() { [[ -z $role ]] || kube delete clusterrole,clusterrolebinding "$role" --ignore-not-found; }
at_exit drop
may_list() { [[ $(kube auth can-i list jobs.batch --as="system:serviceaccount:$namespace:tare" 2>/dev/null) == "$1" ]]; }
readme_role() { # [WITHOUT]
    sed -n '/^<!-- cluster-role -->/,/^```$/p' "$root/README.md" | grep -v -e '^```' -e '^<!--' -e "${1:-^$}" | sed "s/{name: tare}/{name: $role}/"
}
# The server sees changes of roles a moment later: the former one must be gone, and the new one, of a new name, be in force.
grant() { # [WITHOUT]
    drop >"$tmp/grant.log" 2>&1
    kube_until may_list no || return
    role=$namespace-readme-$((++roles))
    readme_role "${1-}" | kube create -f - >>"$tmp/grant.log" 2>&1 &&
        kube create clusterrolebinding "$role" --clusterrole="$role" --serviceaccount="$namespace:tare" >>"$tmp/grant.log" 2>&1 &&
        kube_until may_list yes
}
kube create serviceaccount tare -n "$namespace" >"$tmp/account.log" 2>&1
mkdir -p "$tmp/users"
(umask 077 && kube create token tare -n "$namespace" >"$tmp/users/tare.token")
ok "README.md has a ClusterRole that the server takes" grant || diag "$(<"$tmp/grant.log")"
config=$(kube_config account tare)
export KUBECONFIG=$config

settings in_place_resize=true 'advice=[hpa, vpa, keda, schedule]' backoff=0s
run "$tare" doctor
like "$out" 'ok +cluster .*rights asked for, the account has them all' "with it the doctor misses nothing" || diag "$out"
sed 's/^kubernetes: .*//' tare.yaml >all.yaml
run "$tare" doctor --config all.yaml
like "$out" 'ok +cluster .*the account has them all' "nor for all namespaces" || diag "$out"
settings in_place_resize=true backoff=0s rollout_timeout=90s
kube_snapshot >"$tmp/before"
approved
is "$rc $("$tare" show "$id" parse | jq -s '[.[] | select(.end) | .end.problems[]?] | length')" "0 0" "a run reads all it wants to" || diag "$err"
apply --kubeconfig "$config"
is "$rc $(state)" "0 applied" "what was approved is applied" || diag "$err"
like "$err" 'deployment: .*resized in place' "pods are resized in place, too" || diag "$err"
rollback --kubeconfig "$config"
is "$rc $(state)" "0 rolled-back" "and put back" || diag "$err"
is "$(kube_snapshot)" "$(<"$tmp/before")" "as it was"

# Each part of the role is there for something.
settings in_place_resize=true 'advice=[hpa, vpa, keda, schedule]' backoff=0s
missing() { # WITHOUT WHAT-THE-DOCTOR-SAYS
    grant "$1" || diag "$(<"$tmp/grant.log")"
    run "$tare" doctor
    like "$out" "FAIL +cluster .*may not: .*$2" "without it: $2" || diag "$out"
}
missing 'horizontalpodautoscalers.*list' 'list.* horizontalpodautoscalers.autoscaling'
missing 'limitranges' 'get namespaces/kube-system; list, watch nodes; .*list limitranges'
missing 'poddisruptionbudgets' 'list poddisruptionbudgets.policy'
missing 'replicasets.*patch' 'patch replicasets.apps'
missing 'replicationcontrollers\], verbs: \[patch' 'patch replicationcontrollers'
missing 'rollouts.*patch' 'patch rollouts.argoproj.io'
missing 'pods/resize' 'patch pods/resize'
missing 'rolebindings' 'get, create, delete serviceaccounts.*rolebindings'
missing 'deployments/scale' 'get, patch deployments/scale.apps'
like "$out" 'hint: .*README.md has one' "and where a role stands"
done_testing
