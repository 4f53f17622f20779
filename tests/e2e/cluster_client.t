#!/bin/bash
# The client's half of the ends against a real API server: watches over restarts and broken connections, writes that go out once whatever
# happens to their answers, credentials that end in the middle, and what the doctor knows in advance.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_faults.sh"
. "$root/tests/harness/kube_between.sh"
need jq
kube_start "$tmp/server"
kube_namespace

# client_start KUBECONFIG: a client that takes commands; say COMMAND…: gives it one; event FILTER: waits for an event that fits (jq).
client_start() {
    mkfifo "$tmp/commands.$1"
    "$BIN/harness/kube_client" "$2" <"$tmp/commands.$1" >"$tmp/events.$1" 2>"$tmp/errors.$1" 6>&- 7>&- 8>&- &
    at_exit kill "$!"
    exec {client}>"$tmp/commands.$1"
    events=$tmp/events.$1
}
say() { printf '%s\n' "$*" >&"$client"; }
event() {
    local i
    for ((i = 0; i < 1200; i++)); do
        say wait 50
        if jq -e -s "map(select($1)) | length > 0" "$events" >"$tmp/event" 2>/dev/null; then
            jq -c -s "map(select($1)) | last | del(.body.metadata.managedFields)" "$events" >"$tmp/event"
            return 0
        fi
        sleep 0.05
    done
    diag "no event: $1" "$(cut -c1-300 "$events" | tail -3)" "$(<"$tmp/errors.${events##*.}")"
    return 1
}
scale() { kube scale deployment "$1" -n "$namespace" --replicas="$2" >"$tmp/scale.log" 2>&1 || diag "$(<"$tmp/scale.log")"; }
replicas() { kube get deployment "$1" -n "$namespace" -o 'jsonpath={.spec.replicas}'; }
patches() { kube_requests admin | grep -c "^200 patch /apis/apps/v1/namespaces/$namespace/deployments/$1?"; }
path() { echo "/apis/apps/v1/namespaces/$namespace/deployments/$1"; }
patch() { say ask "$1" PATCH "$(path "$2")${4-}" application/strategic-merge-patch+json "{\"spec\":{\"replicas\":$3}}"; }

for name in a b; do kube create deployment "$name" -n "$namespace" --image=x >"$tmp/create.log" 2>&1 || diag "$(<"$tmp/create.log")"; done

# ---- A watch ----
client_start plain "$kube_dir/kubeconfig"
say observe 1 apps v1 deployments Deployment "$namespace"
ok "every object is told of at first" event '.event == "seen" and .body.metadata.name == "b"'
scale a 3
ok "and each change" event '.event == "seen" and .body.metadata.name == "a" and .body.spec.replicas == 3'
patch 2 a 4
ok "an answer" event '.event == "answer" and .tag == 2 and .status == 200'
like "$(jq -r .request_id "$tmp/event")" '^[0-9a-f-]{36}$' "has its request's id"
is "$(kube get deployment a -n "$namespace" -o json --show-managed-fields | jq '[.metadata.managedFields[].manager] | index("tare") != null')" true "the field manager is tare"
like "$(kube_requests admin | grep ' patch ' | tail -1)" 'fieldManager=tare tare/[0-9.]+$' "the user agent, too"
ok "the API server restarts" kube_restart kube-apiserver
scale a 5
ok "the watch goes on" event '.event == "seen" and .body.metadata.name == "a" and .body.spec.replicas == 5'
kube delete deployment b -n "$namespace" >"$tmp/delete.log" 2>&1
ok "what is gone is told" event '.event == "gone" and .body.metadata.name == "b"'
say forget 1
say ask 3 GET /api/v1/namespaces/none
ok "a refusal" event '.tag == 3 and .status == 404'
like "$(jq -r .why "$tmp/event")" "not found.*\(request $(jq -r .request_id "$tmp/event")\)" "names the request"
scale a 6
say wait 500
say ask 4 GET "$(path a)"
ok "a read" event '.tag == 4 and .body.spec.replicas == 6'
is "$(jq -s 'map(select(.tag == 1 and .body.spec.replicas == 6)) | length' "$events")" 0 "an observation that is forgotten is silent"

# ---- Broken answers ----
kube_proxy
config=$(kube_proxy_config)
client_start proxy "$config"
tag=10
# once RULE STATUS HAPPENED WRITTEN: what is told of a write, and how often it was done.
once() {
    local before=$((tag++)) want=$((tag + 100)) count i
    count=$(patches a)
    kube_proxy "$1"
    patch "$tag" a "$want"
    ok "$1: told" event ".tag == $tag"
    is "$(jq -r '"\(.status) \(.may_have_happened)"' "$tmp/event")" "$2 $3" "status and whether it may have happened"
    kube_proxy
    # The audit's line of an answer that was cut may come after the cut.
    for ((i = 0; i < 600; i++)); do (($(patches a) - count < $4)) || break; sleep 0.1; done
    is "$(($(patches a) - count))" "$4" "it was done so often"
}
once PATCH:deployments:drop 0 true 1
once PATCH:deployments:cut:20 0 true 1
once PATCH:deployments:garbage 0 true 0
once PATCH:deployments:refuse 0 true 0
once PATCH:deployments:status:503 503 true 0
once PATCH:deployments:status:429:2 200 false 1
once PATCH:deployments:late:300 200 false 1
kube_proxy GET:deployments:drop::1
say ask 30 GET "$(path a)"
ok "a read is tried again" event '.tag == 30 and .status == 200'
kube_proxy
say observe 31 apps v1 deployments Deployment "$namespace"
ok "a watch through it" event '.tag == 31 and .event == "seen"'
kube_proxy GET:watch=true:cut:30:1
scale a 7
ok "goes on where it broke" event '.tag == 31 and .body.spec.replicas == 7'
kube_proxy
scale a 8
ok "and on" event '.tag == 31 and .body.spec.replicas == 8'

# ---- Who may what ----
kube_account runner
config=$(kube_config account runner)
client_start account "$config"
patch 40 a 2
ok "an account works" event '.tag == 40 and .status == 200'
ok "until its token ends" kube_account_end runner
# A server that refuses without reading the body may close the connection before the refusal is read: then there is no answer, and
# one asks again.
refused() {
    local tag
    for tag in 41 42 43 44 45; do
        patch "$tag" a 3
        event ".tag == $tag" || return
        [[ $(jq .status "$tmp/event") == 0 ]] || break
        diag "no answer: $(<"$tmp/event")"
    done
    event ".tag == $tag and .status == 401"
}
ok "then" refused || diag "$(jq -c 'select(.tag > 40 and .tag < 46)' "$events" | cut -c1-300)"
like "$(jq -r .hint "$tmp/event")" 'token may have run out' "it says what to do"
is "$(replicas a)" 2 "and nothing was written"
kube_user reader1
kube_operator reader1 deployments
config=$(kube_config certificate reader1)
client_start user "$config"
patch 50 a 3
ok "who may not patch" event '.tag == 50 and .status == 403'
like "$(jq -r '.why + " " + .hint' "$tmp/event")" 'cannot patch.*tare doctor' "is told so"
mkdir "$tmp/doctor" && cd "$tmp/doctor" || exit 1
export TARE_STATE_DIR=$tmp/state
unset TARE_DATABASE_URL TARE_CONFIG
printf 'kubernetes: {kubeconfig: "%s", namespaces: [%s]}\napply: {target: cluster}\n' "$config" "$namespace" >tare.yaml
run "$BIN/tare" doctor
like "$out" "FAIL +cluster +.*may not: patch deployments.apps in $namespace" "and by the doctor in advance"
sed -i "s|kubeconfig: \"[^\"]*\"|kubeconfig: \"$kube_dir/kubeconfig\"|" tare.yaml
run "$BIN/tare" doctor
like "$out" 'ok +cluster +.*the account has them all' "who may everything is told that, too"
cd / || exit 1
kube_quota pods=0
kube_policy no-ten 'object.spec.replicas != 10' 'ten is too many'
client_start words "$kube_dir/kubeconfig"
patch 60 a 10 '?dryRun=All'
ok "an admission policy denies a dry run" event '.tag == 60 and .status == 422'
like "$(jq -r .why "$tmp/event")" 'an admission policy of the cluster denies this.*ten is too many' "in words"
say ask 61 POST "/api/v1/namespaces/$namespace/pods" application/json '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"p","image":"p"}]}}'
ok "a quota" event '.tag == 61 and .status == 403'
like "$(jq -r .why "$tmp/event")" 'a ResourceQuota does not allow this' "in words"
kube_policy_off no-ten # it would deny what tells that the webhook is in force
kube_webhook no 'deny because of tests'
patch 62 a 9
ok "a webhook" event '.tag == 62 and .status >= 400'
like "$(jq -r .why "$tmp/event")" 'an admission webhook of the cluster denies this.*because of tests' "in words"
done_testing
