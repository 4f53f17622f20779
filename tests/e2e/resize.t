#!/bin/bash
# Running pods that take new resources where they are, on a real control plane: no pod restarts and no ReplicaSet is made, back again the
# same way, also when apply is killed while the Deployment is paused; what cannot go in place rolls out, and it is said.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
. "$root/tests/harness/kube_faults.sh"
. "$root/tests/harness/kube_between.sh"
. "$root/tests/harness/killed.sh"
kube_cluster
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
{
    kube_workload deployment cart replicas=2
    kube_workload statefulset byhand replicas=2 update=OnDelete
    kube_workload daemonset hand update=OnDelete
    kube_workload statefulset parts replicas=2 update=partition:2
    kube_workload statefulset rolls
    kube_workload daemonset each
    kube_workload deployment class limit_cpu=500m
} >"$tmp/objects.yaml"
ok "workloads of several kinds run" kube_make "$tmp/objects.yaml"
pods() { kube_pods "$1" | awk '{ print $1, $2, $3 }'; }
sets() { kube get rs -n "$namespace" -l app="$1" -o json | jq -r '.items[] | .metadata.uid' | sort; }
given() { kube get pods -n "$namespace" -l app="$1" -o json | jq -r '[.items[] | select(.metadata.deletionTimestamp == null) | .status.containerStatuses[0].resources.requests.cpu, .spec.containers[0].resources.requests.cpu] | unique | join(" ")'; }
paused() { kube get deployments -n "$namespace" -o json | jq -r '[.items[] | select(.spec | has("paused")) | .metadata.name] | join(" ")'; }
for name in cart byhand hand parts rolls each class; do pods "$name" >"$tmp/$name.pods"; done
sets cart >"$tmp/cart.sets"
kube_snapshot >"$tmp/before"
settings in_place_resize=true parallel=1 backoff=0s
approved

apply --dry-run
is "$rc" 0 "a dry run" || diag "$err"
apply
is "$rc" 0 "all are changed" || diag "$(tail -12 <<<"$err")"
notes() { "$tare" show "$id" apply | jq -r --arg name "$1" 'select(.workload.name == $name) | .outcome | tojson'; }
for name in cart byhand hand parts; do
    is "$(pods "$name" | diff "$tmp/$name.pods" -)" "" "the pods of $name are the same, and did not restart"
    is "$(given "$name")" 300m "and have what was planned"
    like "$(notes "$name")" "resized in place" "which is said"
done
is "$(sets cart | diff "$tmp/cart.sets" -)" "" "the Deployment has no other ReplicaSet"
is "$(paused)" "" "and is not paused"
for name in rolls each class; do
    isnt "$(pods "$name")" "$(<"$tmp/$name.pods")" "$name rolls out"
    is "$(given "$name")" 300m "and has what was planned"
done
like "$(notes rolls)" "a rollout, not in place: its controller replaces its pods" "and it is said why"
like "$(notes class)" "QoS class would change from Guaranteed to Burstable" "of each"
is "$(kube get deployment cart -n "$namespace" -o json | jq -r '.metadata.annotations["deployment.kubernetes.io/revision"]')" 1 "the Deployment's revision is the one it was"
ok "everything is at the end of its rollout" kube_settled

rollback
is "$rc" 0 "all are rolled back" || diag "$(tail -12 <<<"$err")"
for name in cart byhand hand parts; do
    is "$(pods "$name" | diff "$tmp/$name.pods" -)" "" "the pods of $name are the same again, and did not restart"
    is "$(given "$name")" 500m "and have what they had"
done
is "$(sets cart | diff "$tmp/cart.sets" -)" "" "the Deployment has no other ReplicaSet"
ok "everything is at the end of its rollout" kube_settled
is "$(kube_snapshot | diff "$tmp/before" - | head -20)" "" "every object equals what it was, field by field"

# Killed while the Deployment is paused: at the ReplicaSet, before it goes on, at a pod.
kube delete deployment,statefulset,daemonset -n "$namespace" --all --wait=true >"$tmp/delete.log" 2>&1
kube_until_not eval 'kube get pods -n "$namespace" -o name | grep .'
kube_workload deployment cart replicas=2 >"$tmp/cart.yaml"
kube_make "$tmp/cart.yaml"
pods cart >"$tmp/cart.pods"
sets cart >"$tmp/cart.sets"
kube_snapshot >"$tmp/before"
kube_proxy '*::pass'
config=$(kube_proxy_config)
settings in_place_resize=true parallel=1 backoff=0s
killed() { # RULE…: hangs where the rules say, and is killed there
    kube_proxy "$@"
    in_background "$tare" apply "$id" --yes
    kube_until eval 'kube_proxy_log | grep -q hang'
    kill -9 -- "$(pgrep -P "$back" -x tare-apply | head -1)" "$back" 2>/dev/null
    back_ended 2>"$tmp/killed.log"
    sessions_end
    : >"$tmp/proxy.log"
    kube_proxy '*::pass'
}
turn=0 # a rule counts anew when it is another one
for way in resume rollback; do
    for place in PATCH:/replicasets/ PATCH:/deployments/ PATCH:/pods/; do
        approved
        # Not its dry runs; of the Deployment not the write that pauses it.
        killed PATCH:dryRun=All:pass "PATCH:/deployments/:pass:$((++turn)):1" "$place:hang"
        [[ $place == PATCH:/pods/ ]] || is "$(paused)" cart "killed while it was paused"
        if [[ $way == resume ]]; then
            apply --resume
            is "$rc" 0 "killed at $place: apply --resume" || diag "$err"
            is "$(given cart)" 300m "the pods have what was planned"
            rollback
            is "$rc" 0 "and rollback" || diag "$err"
        else
            rollback
            is "$rc" 0 "killed at $place: rollback" || diag "$err"
        fi
        is "$(given cart) $(paused)" "500m " "the pods have what they had, and nothing is paused"
        is "$(pods cart | diff "$tmp/cart.pods" -)$(sets cart | diff "$tmp/cart.sets" -)" "" "the same pods without restarts, no other ReplicaSet"
        is "$(kube_snapshot | diff "$tmp/before" - | head -20)" "" "the object equals what it was"
    done
done

# A node that cannot give it.
kube_workload deployment tight resize=infeasible >"$tmp/tight.yaml"
kube_make "$tmp/tight.yaml"
pods tight >"$tmp/tight.pods"
kube delete deployment cart -n "$namespace" >"$tmp/delete.log" 2>&1
approved
apply
is "$rc" 80 "a node that cannot give it" || diag "$err"
like "$err" "cannot be resized in place.*Infeasible" "is said"
is "$(paused)$(pods tight | diff "$tmp/tight.pods" -)" "" "it is put back: nothing is paused, the pod is the same"
is "$(kube get deployment tight -n "$namespace" -o json | jq -r '.spec.template.spec.containers[0].resources.requests.cpu')" 500m "with what it asked for"

# Its ReplicaSet may not be written: the Deployment does not stay paused.
kube delete deployment tight -n "$namespace" >"$tmp/delete.log" 2>&1
kube_until_not eval 'kube get pods -n "$namespace" -o name | grep .' # also the pods of the first cart, which are none of the next
kube_make "$tmp/cart.yaml"
pods cart >"$tmp/cart.pods"
kube_snapshot >"$tmp/before"
kube_user limited
kube_operator limited replicasets
config=$(kube_config certificate limited)
approved
apply
is "$rc" 80 "an account that may not write ReplicaSets" || diag "$err"
like "$err" "cannot be resized in place.*replicasets" "is told so"
is "$(paused)$(pods cart | diff "$tmp/cart.pods" -)$(kube_snapshot | diff "$tmp/before" - | head -20)" "" "the Deployment goes on as it was, with the same pods"
audit_holds
done_testing
