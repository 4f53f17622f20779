#!/bin/bash
# patch.sh [--short] [BUILD]: 1,000 Deployments (--short: 200) of a real API server changed by tare apply --no-wait, beside one `curl
# --parallel` process with kept connections that sends the same requests (GET, dry run, PATCH) for as many others, before and after.
# Exit 1 where tare's rate is less than RATE_LIMIT percent of curl's. All of tare apply is timed: the checks of the plan, the ledger's
# rows, the report.
set -u
cd "$(dirname "$0")/../.." || exit 74
count=1000 rounds=2
[[ ${1:-} == --short ]] && { count=200; shift; }
BIN=$(realpath "${1:-.build}")/bin
export BIN
RATE_LIMIT=70 PARALLEL=16
. tests/harness/tap.sh
. tests/harness/kube.sh
. tests/harness/kube_workloads.sh
kube_start "$tmp/server" kube-controller-manager
die() { printf 'bench: %s\n' "$*" >&2; tap_done=1; exit 1; }

deployments() { # NAMESPACE
    local i
    for ((i = 0; i < count; i++)); do
        printf -- '---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d-%d, namespace: %s}\nspec:\n  replicas: 0\n' "$i" "$1"
        printf '  selector: {matchLabels: {app: d-%d}}\n  template:\n    metadata: {labels: {app: d-%d}}\n    spec:\n      containers:\n' "$i" "$i"
        printf '      - {name: app, image: "app:1", resources: {requests: {cpu: 500m, memory: 256Mi}, limits: {memory: 256Mi}}}\n'
    done
}
make_namespace() {
    kube_namespace || die "no namespace"
    deployments "$namespace" | kube create -f - >"$tmp/create.log" 2>&1 || die "$(tail -1 "$tmp/create.log")"
    kube_settled || die "the Deployments are not taken up"
}

# The same requests, an object's one after the other, as curl reads them.
curl_config() { # NAMESPACE
    local i query
    printf '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"requests":{"cpu":"300m"}}}]}}}}' >"$tmp/body.json"
    for ((i = 0; i < count; i++)); do
        for query in '' '?fieldManager=tare&dryRun=All' '?fieldManager=tare'; do
            ((i == 0)) && [[ -z $query ]] || printf 'next\n'
            printf 'url = "%s/apis/apps/v1/namespaces/%s/deployments/d-%d%s"\n' "$kube_url" "$1" "$i" "$query"
            printf 'silent\ncacert = "%s/pki/ca.crt"\noutput = "/dev/null"\nwrite-out = "%%{http_code}\\n"\n' "$kube_dir"
            printf 'header = "Authorization: Bearer %s"\n' "$(<"$kube_dir/tokens/admin")"
            [[ -z $query ]] || printf 'request = "PATCH"\nheader = "Content-Type: application/strategic-merge-patch+json"\ndata-binary = "@%s/body.json"\n' "$tmp"
        done
    done
}
seconds() { # FROM TO, in nanoseconds
    awk -v from="$1" -v to="$2" 'BEGIN { printf "%.2f", (to - from) / 1e9 }'
}
with_curl() {
    local from
    make_namespace
    curl_config "$namespace" >"$tmp/curl.config"
    from=$(date +%s%N)
    curl --parallel --parallel-max "$PARALLEL" --no-progress-meter -K "$tmp/curl.config" >"$tmp/curl.out" 2>"$tmp/curl.err" || die "curl: $(tail -1 "$tmp/curl.err")"
    took=$(seconds "$from" "$(date +%s%N)")
    [[ $(grep -cx 200 "$tmp/curl.out") == $((count * 3)) ]] || die "curl: not all were answered with 200"
}

asked_by_tare() { kube_requests admin | grep -c ' tare/[0-9.]*$'; }
make_namespace
. tests/e2e/cluster_plan.sh
with_tare() {
    local from requests
    make_namespace
    settings parallel=$PARALLEL
    approved
    requests=$(asked_by_tare)
    from=$(date +%s%N)
    apply --no-wait
    took=$(seconds "$from" "$(date +%s%N)")
    [[ $rc == 0 ]] || die "tare apply: $(tail -1 <<<"$err")"
    [[ $(fates | grep -o '=done ' | wc -l) == "$count" ]] || die "tare apply: not all are done"
    asked=$(($(asked_by_tare) - requests))
}

curls=() tares=()
with_curl
for ((round = 0; round < rounds; round++)); do
    with_curl
    curls+=("$took")
    with_tare
    tares+=("$took")
    with_curl
    curls+=("$took")
done
tap_done=1
awk -v curls="${curls[*]}" -v tares="${tares[*]}" -v count="$count" -v asked="$asked" -v limit="$RATE_LIMIT" '
function best(list, n, i, v, b) { n = split(list, v, " "); b = v[1]; for (i = 2; i <= n; i++) if (v[i] < b) b = v[i]; return b }
BEGIN {
    curl = best(curls); tare = best(tares)
    printf "%-28s %9s %12s\n%-28s %9.2f %12.1f\n%-28s %9.2f %12.1f\n", "patch, " count " Deployments", "s", "objects/s", "curl --parallel", curl, count / curl, "tare apply --no-wait", tare, count / tare
    rate = 100 * curl / tare
    printf "%.0f %% of curl (limit: at least %d %%); tare asked %d requests; all times: curl %s, tare %s  %s\n", rate, limit, asked, curls, tares, (rate >= limit ? "ok" : "NOT fast enough")
    exit rate < limit
}'
