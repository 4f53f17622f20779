#!/bin/bash
# The control plane that other tests stand on: pods run and fail as they are told, changes of resources roll out or are done in place,
# and what refuses or disturbs an apply does so.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
. "$root/tests/harness/kube_faults.sh"
. "$root/tests/harness/kube_between.sh"
need jq openssl python3 curl
kube_cluster
kube_namespace
set_cpu() { # NAME CPU
    kube patch deployment "$1" -n "$namespace" --type=strategic -p "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":{\"requests\":{\"cpu\":\"$2\"}}}]}}}}" 2>&1
}

# Pods as they are told to be.
modes="crash-loop oom oom-loop restart never-ready image config"
for mode in $modes; do kube_workload deployment "$mode" fail="$mode"; done >"$tmp/failing.yaml"
{ kube_workload deployment huge cpu=200; kube_workload deployment later fail=crash-loop after=1s; kube_workload deployment flaps fail=flap after=300ms; } >>"$tmp/failing.yaml"
kube_workloads 20 >"$tmp/well.yaml"
ok "twenty workloads of all kinds are rolled out" kube_make "$tmp/well.yaml"
kube create -f "$tmp/failing.yaml" >"$tmp/create.log" 2>&1
how() { # NAME: READY REASON LAST RESTARTS
    kube get pods -n "$namespace" -l "app=$1" -o json | jq -r '.items[0].status | .containerStatuses[0] as $c |
        "\([.conditions[] | select(.type == "Ready")][0].status) \($c.state.waiting.reason // .phase) \($c.lastState.terminated.reason // "-") \($c.restartCount)"'
}
is_how() { [[ $(how "$1") == "$2" ]]; }
ok "a crash loop" kube_until is_how crash-loop "False CrashLoopBackOff Error 3"
ok "killed for memory once" kube_until is_how oom "True Running OOMKilled 1"
ok "killed for memory again and again" kube_until is_how oom-loop "False CrashLoopBackOff OOMKilled 3"
ok "restarted once" kube_until is_how restart "True Running Error 1"
ok "never ready" kube_until is_how never-ready "False Running - 0"
ok "no image" kube_until is_how image "False ImagePullBackOff - 0"
ok "no configuration" kube_until is_how config "False CreateContainerConfigError - 0"
ok "later" kube_until is_how later "False CrashLoopBackOff Error 3"
ok "not ready and ready by turns" kube_until is_how flaps "False Running - 0"
ok "…" kube_until is_how flaps "True Running - 0"
unplaced() { kube get pods -n "$namespace" -l app=huge -o json | jq -e '.items[0].status.conditions[] | select(.type == "PodScheduled" and .reason == "Unschedulable")'; }
ok "no node is large enough, says the scheduler" kube_until unplaced

# A change rolls out; back again, all is as it was.
kube_snapshot >"$tmp/before"
first=$(kube_pods w001)
set_cpu w001 300m >/dev/null
ok "a change rolls out" kube_settled_but "$modes huge later flaps"
isnt "$(kube_pods w001)" "$first" "with another pod"
isnt "$(kube_snapshot | sha256sum)" "$(sha256sum <"$tmp/before")" "and the snapshot tells"
set_cpu w001 500m >/dev/null
is "$(kube_snapshot | diff "$tmp/before" -)" "" "put back, it is equal field by field"
kube_workload deployment planted fail=oom-loop fine=500m | kube create -f - >"$tmp/create.log" 2>&1
ok "a planted failure waits for the change" kube_until is_how planted "True Running - 0"

# In place.
kube_workload deployment inplace | kube create -f - >"$tmp/create.log" 2>&1
ok "a pod to resize" kube_until is_how inplace "True Running - 0"
pod=$(kube_pods inplace | cut -d' ' -f1)
kube patch pod "$pod" -n "$namespace" --subresource=resize --type=strategic -p '{"spec":{"containers":[{"name":"app","resources":{"requests":{"cpu":"300m"}}}]}}' >"$tmp/resize.log" 2>&1
resized() { [[ $(kube get pod "$pod" -n "$namespace" -o jsonpath='{.status.containerStatuses[0].resources.requests.cpu}') == 300m ]]; }
ok "is resized without a restart" kube_until resized
like "$(kube_pods inplace)" "^$pod .* 0 True" "and it is the same pod"

# What refuses.
kube_quota requests.cpu=1
kube_workload deployment quota | kube create -f - >"$tmp/create.log" 2>&1
no_room() { kube get deployment quota -n "$namespace" -o json | jq -e '.status.conditions[] | select(.type == "ReplicaFailure" and (.message | test("exceeded quota")))'; }
ok "a quota refuses pods" kube_until no_room
kube_quota_off
kube_limits min.cpu=400m max.memory=8Gi
kube get limitrange planted -n "$namespace" -o json | jq -e '.spec.limits[0] | .min.cpu == "400m" and .max.memory == "8Gi"' >/dev/null
is $? 0 "a LimitRange is made of words"
kube_limits_off
policed="object.kind != 'Deployment' || object.spec.template.spec.containers.all(c, c.resources.requests.cpu != '123m')"
kube_policy small "$policed" "too small for us"
like "$(set_cpu w002 123m)" 'too small for us' "an admission policy refuses"
unlike "$(set_cpu w002 300m)" 'too small' "only what it is about"
kube_policy_off small
unlike "$(set_cpu w002 123m)" 'too small' "and not once it is gone"
kube_webhook gate "deny not on a Monday"
like "$(set_cpu w003 300m)" 'denied the request: not on a Monday' "a webhook refuses"
kube_webhook gate "nth 99 deny late"
unlike "$(set_cpu w003 300m)" 'denied' "until it is told otherwise"

# Who may what.
kube_operator olga
kube_operator otto deployments
is "$(kube auth can-i patch deployments.apps -n "$namespace" --as=olga)" yes "an operator may patch"
is "$(kube auth can-i patch deployments.apps -n "$namespace" --as=otto)" no "one who may not, may not"
is "$(kube auth can-i patch statefulsets.apps -n "$namespace" --as=otto)" yes "and may all else"
is "$(kube auth can-i update pods/resize -n "$namespace" --as=olga)" yes "resize, too"
ok "a service account" kube_account robot
ok "comes in by its token" kubectl --kubeconfig="$(kube_config account robot)" get deployments -n "$namespace"
kube_account_end robot
like "$(kubectl --kubeconfig="$(kube_config account robot)" get deployments -n "$namespace" 2>&1)" 'Unauthorized|logged in' "until the token is worth nothing"
kube_grant brief
kube_user_until brief 30
ok "a certificate of some seconds" kubectl --kubeconfig="$(kube_config certificate brief)" get deployments -n "$namespace"
ok "is over" kube_until_not kubectl --kubeconfig="$(kube_config certificate brief)" get deployments -n "$namespace"

# In between.
kube_proxy 'PATCH:none:drop'
through=$(kube_proxy_config)
ask() { curl -sS --cacert "$kube_dir/pki/ca.crt" -H "Authorization: Bearer $(<"$kube_dir/tokens/admin")" -m 20 "$@" "https://127.0.0.1:$(<"$tmp/proxy.port")/api/v1/namespaces/$namespace" 2>&1; }
ok "kubectl comes through the proxy" kubectl --kubeconfig="$through" get deployments -n "$namespace"
kube_proxy 'GET:namespaces:status:429:1' 'GET:namespaces:cut:10:1' 'GET:namespaces:drop::1' 'GET:namespaces:refuse::1' 'GET:namespaces:garbage::1'
is "$(ask -o /dev/null -w '%{http_code}')" 429 "too many requests, once"
like "$(ask)" 'transfer closed|outstanding|bytes' "cut"
like "$(ask)" 'Empty reply' "no answer"
like "$(ask)" 'Empty reply' "not forwarded"
like "$(ask -o - | tr -d '\0')" 'html' "no JSON"
like "$(ask)" '"kind": ?"Namespace"' "then as ever"
like "$(kube_proxy_log | tail -1)" "^GET /api/v1/namespaces/$namespace pass" "all of it is on record"
done_testing
