#!/bin/bash
# tare-parse and what API servers say on bad days: a scripted server. Real ones are in tests/e2e/cluster_list.t.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq curl
unset KUBECONFIG KUBERNETES_SERVICE_HOST TARE_CONFIG TARE_NOW
export HOME=$tmp
server=0

# serve: runs the script on standard input in place of the last one; $url, and $tmp/config names it.
serve() {
    ((server)) && kill "$server" 2>/dev/null
    cat >"$tmp/script"
    "$BIN/harness/http_server" "$tmp/script" >"$tmp/port" &
    server=$!
    for ((i = 0; i < 100; i++)); do [[ -s $tmp/port ]] && break; sleep 0.05; done
    url=http://127.0.0.1:$(<"$tmp/port")
    : >"$tmp/port"
    printf 'current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: "%s"}}]\nusers: [{name: u, user: {token: s3cret}}]\n' "$url" >"$tmp/config"
}
at_exit eval 'kill "$server"'
parse() { run "$BIN/tare-parse" --kubeconfig "$tmp/config" "$@"; cp "$tmp/.out" "$tmp/inventory"; }
names() { jq -r 'select(.workload) | .workload.source.object' "$tmp/inventory" | tr '\n' ' '; }

# Groups of apps alone; all else that is asked for is 404.
apps='on GET /apis/apps/
status 404
body {"kind":"Status","message":"not found"}
on GET /apis
body {"groups":[{"name":"apps","versions":[{"version":"v1"}]}]}
on GET /api/v1/namespaces/kube-system
body {"metadata":{"name":"kube-system","uid":"u-1"}}'
pod='{"containers":[{"name":"c","image":"i"}]}'
deployment() { printf '{"metadata":{"name":"%s","namespace":"%s","uid":"1","resourceVersion":"2"%s},"spec":{"template":{"spec":%s}}}' "$1" "$2" "${3-}" "${4-$pod}"; }
list() { local IFS=,; printf 'body {"kind":"DeploymentList","metadata":{"continue":"%s"},"items":[%s]}\n' "$1" "${*:2}"; }

# --- order and pages ------------------------------------------------------------------------------------------------------
serve <<EOF
on GET /apis/apps/v1/deployments?limit=250&continue=p2
times 1
status 410
body {"kind":"Status","status":"Failure","message":"The provided continue parameter is too old","code":410}
on GET /apis/apps/v1/deployments?limit=250&continue=p2
$(list '' "$(deployment a shop)" "$(deployment b shop)")
on GET /apis/apps/v1/deployments
$(list p2 "$(deployment z shop-eu)" "$(deployment y shop)")
on GET /apis/apps/v1/statefulsets
times 1
status 429
header Retry-After: 0
body {"message":"too many requests"}
on GET /apis/apps/v1/statefulsets
times 1
cut 20
$(list '' "$(deployment s shop)")
on GET /apis/apps/v1/statefulsets
$(list '' "$(deployment s shop)")
$apps
EOF
parse
is "$rc" 0 "a list that was forgotten in the middle, one that had to wait, one that was cut" || diag "$err"
is "$(names)" "shop/Deployment/a shop/Deployment/b shop/Deployment/y shop/StatefulSet/s shop-eu/Deployment/z " "each object once, in the order of names"
like "$(curl -s "$url/__requests")" 'User-Agent: tare/' "tare says who asks"

# --- objects that are not what they should be -----------------------------------------------------------------------------
deep=$(printf '%0.s{"x":' {1..150})1$(printf '%0.s}' {1..150})
serve <<EOF
on GET /apis/apps/v1/deployments
$(list '' "$(deployment bad shop '' '{"containers":[{"name":"c","image":"i","resources":{"limits":{"memory":"12 Mi"}}}]}')" \
    "$(deployment deep shop '' "$deep")" "$(deployment good shop)" "$(deployment nul shop ',"annotations":{"a":"x\u0000y"}')")
$apps
EOF
parse
is "$rc $(names)" "0 shop/Deployment/good shop/Deployment/nul " "wrong objects do not spoil the others"
is "$(jq -c 'select(.note) | [.note.source.object, .note.code]' "$tmp/inventory" | tr '\n' ' ')" \
    '["shop/Deployment/bad","bad-quantity"] ["shop/Deployment/deep","alias-limit"] ' "each is a note under its name"
parse --strict
is "$rc" 65 "--strict ends the run with them"

# --- a server that is none ------------------------------------------------------------------------------------------------
serve <<'EOF'
on GET /
header Content-Type: text/html
body <html>Please log in</html>
EOF
parse
is "$rc $(wc -c <"$tmp/inventory")" "69 0" "a login page"
like "$err" 'text/html instead of JSON.*hint: ' "is told from an answer"
serve <<'EOF'
on GET /nothing
EOF
parse
is "$rc" 69 "a server that is no Kubernetes"
like "$err" '/apis \(404\).*hint: check the server' "is not a cluster without workloads"
serve <<'EOF'
on GET /
status 302
header Location: https://login.test/
EOF
parse
is "$rc" 69 "a redirect to elsewhere is an error"
like "$err" 'sends on to https://login.test.*not followed' "is not followed"
unlike "$err" s3cret "and the token is not shown"
serve <<EOF
on GET /apis/apps/v1/deployments
status 500
header Retry-After: 0
body {"kind":"Status","message":"etcdserver: request timed out"}
on GET /apis/apps/v1/statefulsets
$(list '' "$(deployment s shop)")
$apps
EOF
parse
is "$rc $(names)" "0 shop/StatefulSet/s " "one kind that the server cannot give is not the end of the others"
like "$(jq -r 'select(.note) | .note.message' "$tmp/inventory")" 'deployments could not be listed: .*500.*etcdserver' "it is a note"
serve <<EOF
on GET /apis/apps/v1/deployments
cut 10
$(list '' "$(deployment a shop)")
$apps
EOF
parse
is "$rc $(wc -c <"$tmp/inventory")" "69 0" "a list that never comes whole is no inventory"
serve <<EOF
on GET /apis/apps/v1/deployments
delay 3000
body {}
$apps
EOF
parse --timeout 1s
is "$rc" 69 "--timeout is kept"
kill "$server"
parse
is "$rc" 69 "nobody there"
like "$err" 'does not accept connections' "is said"
unlike "$err" s3cret "without the token"
done_testing
