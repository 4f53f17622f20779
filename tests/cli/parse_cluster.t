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
    rm -f "$tmp/port"
    mkfifo "$tmp/port"
    "$BIN/harness/http_server" "$tmp/script" >"$tmp/port" &
    server=$!
    url=http://127.0.0.1:$(<"$tmp/port")
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

# --- nodes ----------------------------------------------------------------------------------------------------------------
node() { printf '{"metadata":{"name":"%s","labels":{"node.kubernetes.io/instance-type":"%s"}},"spec":{"taints":[{"key":"a","effect":"NoSchedule","timeAdded":"%s"}]},"status":{"capacity":{"cpu":"2","memory":"8Gi","pods":"110"},"images":[{"names":["%s"]}]}}' "$1" "$2" "$1" "$1"; }
nodes() { local IFS=,; printf 'body {"kind":"NodeList","metadata":{"continue":"%s"},"items":[%s]}\n' "$1" "${*:2}"; }
header() { head -1 "$tmp/inventory" | jq -c ".settings.parse | $1"; }
notes() { jq -r 'select(.note) | .note | [.outcome, .code, .message] | join(" ")' "$tmp/inventory"; }
shop="on GET /apis/apps/v1/deployments
$(list '' "$(deployment a shop)")"
serve <<EOF
$shop
on GET /apis/apps/v1/namespaces/shop/deployments
$(list '' "$(deployment a shop)")
on GET /api/v1/nodes?limit=250&continue=p2
times 1
status 410
body {"kind":"Status","status":"Failure","message":"The provided continue parameter is too old","code":410}
on GET /api/v1/nodes?limit=250&continue=p2
$(nodes '' "$(node n3 large)")
on GET /api/v1/nodes
$(nodes p2 "$(node n1 large)" "$(node n2 small)")
$apps
EOF
TARE_NOW=2026-11-22T00:00:00Z parse
is "$rc $(header '[.whole_cluster, .nodes.total, [.nodes.groups[] | [.count, .instance, .taints]]]')" \
    '0 [true,3,[[2,"large",[{"effect":"NoSchedule","key":"a","value":null}]],[1,"small",[{"effect":"NoSchedule","key":"a","value":null}]]]]' \
    "nodes in pages, of which the first ones are read again: each is counted once" || diag "$err"
cp "$tmp/inventory" "$tmp/first"
TARE_NOW=2026-11-22T00:00:00Z parse
ok "the same nodes, the same bytes" cmp "$tmp/first" "$tmp/inventory"
parse --namespace shop
is "$(header '[.whole_cluster, .nodes.total]')" '[false,3]' "with --namespace as well"
serve <<EOF
$shop
on GET /api/v1/nodes
status 500
header Retry-After: 0
body {"kind":"Status","message":"etcdserver: request timed out"}
$apps
EOF
parse --strict
is "$rc $(header '[.whole_cluster, has("nodes")]')" '0 [true,false]' "a server that cannot give its nodes"
like "$(notes)" '^skipped not-listed nodes could not be listed: .*500.*etcdserver' "is a note that spoils nothing"
serve <<EOF
$shop
on GET /api/v1/nodes
body {"kind":"NodeList","metadata":{},"items":[{},{"metadata":{"name":"x","labels":{"agentpool":"a\\\\u001b[2Jb"}},"status":{"allocatable":{"cpu":"many","memory":"-5Gi","pods":"1e99"}}}]}
$apps
EOF
parse
is "$rc $(header '[.nodes.total, [.nodes.groups[].allocatable[]]]')" '0 [2,[null,null,null,null,null,null]]' "nodes that are none, and amounts that are none" || diag "$err"
for ((i = 0; i < 2001; i++)); do printf '{"metadata":{"labels":{"agentpool":"p%d"}}}\n' "$i"; done | paste -sd, >"$tmp/sorts"
serve <<EOF
$shop
on GET /api/v1/nodes
body {"kind":"NodeList","metadata":{},"items":[$(<"$tmp/sorts")]}
$apps
EOF
parse
is "$rc $(header 'has("nodes")')" "0 false" "more sorts of nodes than are told: none"
like "$(notes)" '^skipped size-limit .*2000 sorts' "and a note"

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
is "$(jq -c 'select(.note.outcome == "error") | [.note.source.object, .note.code]' "$tmp/inventory" | tr '\n' ' ')" \
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
wait "$server" 2>/dev/null
parse
is "$rc" 69 "nobody there"
like "$err" 'does not accept connections' "is said"
unlike "$err" s3cret "without the token"
done_testing
