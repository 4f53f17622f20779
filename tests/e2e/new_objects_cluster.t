#!/bin/bash
# Scaling advice as new objects of a real cluster: made after the workload's own change, taken away by a rollback; what is refused before
# anything is written; what somebody edited since stays.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
need jq openssl curl
kube_start "$tmp/server" "${kube_programs[@]}"
kube_kinds || { echo "Bail out! no definitions of kinds"; exit 1; }
kube_namespace
. "$root/tests/harness/objects_line.sh"
config=$kube_dir/kubeconfig
run "$tare" login reviewer viewer approver

live() { kube get "$1" -n "$namespace" "$2" -o json --show-managed-fields 2>/dev/null | jq -c "$3"; }
cpu() { live deployment "$1" '.spec.template.spec.containers[0].resources.requests.cpu'; }
there() { kube get "$1" -n "$namespace" "$2" >/dev/null 2>&1; }
gone() { local i; for ((i = 0; i < 300; i++)); do there "$1" "$2" || return 0; sleep 0.1; done; return 1; }
made() { objects_workload Deployment api "$namespace"; echo ---; objects_workload StatefulSet db "$namespace"; echo ---; objects_workload Deployment web "$namespace"; }
# A plan with the advice $1, approved.
planned() {
    objects_config "$1" 'settle: 1s, rollout_timeout: 300s, parallel: 4, backoff: 0s' </dev/null
    objects_run --target cluster --kubeconfig "$config" --namespace "$namespace"
    [[ $rc == 0 ]] || diag "$err"
    "$tare" --as reviewer approve "$id" --yes >/dev/null 2>"$tmp/approve.err" || diag "$(<"$tmp/approve.err")"
}
made >"$tmp/made.yaml"
ok "three workloads run" kube_make "$tmp/made.yaml"
kube_snapshot >"$tmp/before"

# ---- made, and taken away ------------------------------------------------------------------------------------------------------
planned '[hpa, vpa]'
hpa=$("$tare" show "$id" diff | jq -r 'select(.workload and .change.objects) | select(.change.objects[0].kind == "HorizontalPodAutoscaler") | .change.objects[0].name' | head -1)
vpa=$("$tare" show "$id" diff | jq -r 'select(.workload and .change.objects) | select(.change.objects[0].kind == "VerticalPodAutoscaler") | .change.objects[0].name' | head -1)
like "$hpa $vpa" '^(api|web) db$' "a HorizontalPodAutoscaler and a VerticalPodAutoscaler are planned" || { echo "Bail out! no new objects"; exit 1; }
is "$(objects_record diff '[.change.objects_file, (.change.objects_patch | startswith("--- /dev/null"))]' "$hpa")" '[null,true]' \
    "of a cluster there is no file, but the diff of one"
was=$(cpu "$hpa")
run "$tare" apply "$id" --dry-run
is "$rc" 0 "a dry run: the server would make them" || diag "$err"
there hpa "$hpa"
is "$?" 1 "and has not"
run "$tare" apply "$id" --yes
is "$rc" 0 "apply" || diag "$err"
isnt "$(cpu "$hpa")" "$was" "the workload is resized"
is "$(live hpa "$hpa" '[.spec.scaleTargetRef.name, .metadata.labels["app.kubernetes.io/managed-by"], .metadata.managedFields[0].manager]')" \
    "[\"$hpa\",\"tare\",\"tare\"]" "its autoscaler is made, by tare"
is "$(live vpa "$vpa" .spec.targetRef.name)" "\"$vpa\"" "the other one too"
is "$(objects_outcomes apply)" "api=done db=done web=done " "all is done"
run "$tare" rollback "$id" --yes
is "$rc" 0 "rollback" || diag "$err"
ok "the autoscaler is removed" gone hpa "$hpa"
ok "the other one too" gone vpa "$vpa"
kube_settled
is "$(kube_snapshot | diff "$tmp/before" -)" "" "the workloads are as they were, field by field"

# ---- edited since --------------------------------------------------------------------------------------------------------------
planned '[hpa, vpa]'
run "$tare" apply "$id" --yes
is "$rc" 0 "apply once more" || diag "$err"
kube patch hpa "$hpa" -n "$namespace" --type=merge -p '{"spec":{"maxReplicas":17}}' >/dev/null
run "$tare" rollback "$id" --yes
isnt "$rc" 0 "an autoscaler that somebody edited since is a conflict"
like "$err" "$namespace/HorizontalPodAutoscaler/$hpa" "and is named"
is "$(live hpa "$hpa" .spec.maxReplicas)" 17 "it stays as it is"
ok "the other one is removed" gone vpa "$vpa"
run "$tare" rollback "$id" --force "$namespace/HorizontalPodAutoscaler/$hpa" --yes
is "$rc" 0 "by force it is removed" || diag "$err"
ok "now it is gone" gone hpa "$hpa"
kube_settled

# ---- there already -------------------------------------------------------------------------------------------------------------
planned '[hpa]'
objects_record diff '.change.objects[0].manifest' "$hpa" | kube create -f - >/dev/null
uid=$(live hpa "$hpa" .metadata.uid)
run "$tare" apply "$id" --yes
is "$rc" 0 "just such an object is there already: nothing to make" || diag "$err"
run "$tare" rollback "$id" --yes
is "$(live hpa "$hpa" .metadata.uid)" "$uid" "and what tare did not make a rollback leaves"
kube delete hpa "$hpa" -n "$namespace" >/dev/null
kube_settled

# ---- refused before anything is written ------------------------------------------------------------------------------------------
planned '[hpa]'
was=$(cpu "$hpa")
refused() { # CODE PATTERN NAME
    run "$tare" apply "$id" --yes
    is "$rc" "$1" "$3" || diag "$err"
    like "$err" "$2" "and says so"
    is "$(cpu "$hpa")" "$was" "nothing is written"
}
# Of more than there are, so that it scales nothing down, however long it is there.
kube autoscale deployment "$hpa" -n "$namespace" --max=9 --cpu=50% >/dev/null 2>&1 || kube autoscale deployment "$hpa" -n "$namespace" --max=9 --cpu-percent=50 >/dev/null
refused 79 "HorizontalPodAutoscaler/$hpa is there already" "another one of its name"
kube delete hpa "$hpa" -n "$namespace" >/dev/null
objects_record diff '.change.objects[0].manifest | .metadata.name = "other"' "$hpa" | kube create -f - >/dev/null
refused 79 "HorizontalPodAutoscaler other holds $namespace/Deployment/$hpa" "another autoscaler on the workload"
kube delete hpa other -n "$namespace" >/dev/null
kube annotate deployment "$hpa" -n "$namespace" argocd.argoproj.io/tracking-id=shop:apps/Deployment:x >/dev/null
refused 77 "Argo CD delivers $namespace/Deployment/$hpa" "a delivery tool on the workload"
planned '[hpa]'
is "$(objects_record diff '[.change.objects, ([.problems[].code] | index("object-left-out") != null)]' "$hpa")" '[null,true]' "a plan made then leaves it out and says so"
kube annotate deployment "$hpa" -n "$namespace" argocd.argoproj.io/tracking-id- >/dev/null
planned '[vpa]'
kube delete crd verticalpodautoscalers.autoscaling.k8s.io >/dev/null 2>&1
for _ in {1..300}; do # the API server lists a kind for a moment longer than it has it
    kube get --raw /apis/autoscaling.k8s.io/v1 2>/dev/null | grep -q '"verticalpodautoscalers"' || break
    sleep 0.1
done
was=$(live statefulset "$vpa" '.spec.template.spec.containers[0].resources.requests.cpu')
run "$tare" apply "$id" --yes
is "$rc" 77 "a kind that the cluster does not know" || diag "$err"
like "$err" 'does not know the kind VerticalPodAutoscaler' "is named"
is "$(live statefulset "$vpa" '.spec.template.spec.containers[0].resources.requests.cpu')" "$was" "before anything is written"

# ---- a schedule ----------------------------------------------------------------------------------------------------------------
planned '[schedule]'
count=$("$tare" show "$id" diff | jq -s '[.[] | .change.objects[]?] | length')
run "$tare" apply "$id" --yes
is "$rc" 0 "CronJobs with their account, role and binding" || diag "$err"
count_live() { kube get cronjobs,serviceaccounts,roles,rolebindings -n "$namespace" -l app.kubernetes.io/managed-by=tare -o name | wc -l; }
is "$(count_live)" "$count" "all $count are made"
((count > 0))
tap_result $? "which is more than none" || diag "$("$tare" show "$id" diff | jq -c 'select(.workload) | [.workload.name, .workload.autoscaler, .problems, [.recommendation.scaling.manifests[]?.kind], .recommendation.scaling.advice]')"
run "$tare" rollback "$id" --yes
is "$rc" 0 "rollback" || diag "$err"
is "$(count_live)" 0 "none is left"
done_testing
