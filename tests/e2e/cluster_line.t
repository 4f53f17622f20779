#!/bin/bash
# The line over a live cluster: every stage takes workloads that have no file, and finds what it finds for their manifests.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
kube_tools
. "$(dirname "$0")/shop.sh"
kube_start "$tmp/server" 7>&-
unset KUBECONFIG
kube apply -f manifests/namespaces.yaml >/dev/null
ok "the shop is applied" kube apply -R -f manifests
sed '/^manifests:/d' tare.yaml >cluster.yaml
# By name, what a stage said: JQ of each record of the artifact in FILE.
said() { jq -cS "select(.workload) | [.workload.namespace // \"default\", .workload.kind, .workload.name, $2]" "$1" | sort; }

# --- the pipe ---------------------------------------------------------------------------------------------------------------
pipe() {
    local name=$1 stage
    "$BIN/tare-parse" -c cluster.yaml "${@:2}" >"$tmp/$name.parse" 2>"$tmp/$name.err" || return
    "$BIN/tare-collect" -c cluster.yaml --end "$end" <"$tmp/$name.parse" >"$tmp/$name.collect" 2>>"$tmp/$name.err" || return
    local before=collect
    for stage in analyze price diff; do
        "$BIN/tare-$stage" -c cluster.yaml <"$tmp/$name.$before" >"$tmp/$name.$stage" 2>>"$tmp/$name.err" || return
        before=$stage
    done
    "$BIN/tare-report" --format markdown <"$tmp/$name.diff" >"$tmp/$name.md" 2>>"$tmp/$name.err"
}
ok "a live cluster goes down the whole pipe" pipe live --kubeconfig "$kube_dir/kubeconfig" || diag "$(<"$tmp/live.err")"
pipe files manifests
is "$(wc -l <"$tmp/live.diff")" "$(wc -l <"$tmp/live.parse")" "no workload is lost on the way"
is "$(diff <(said "$tmp/live.collect" '.usage.containers') <(said "$tmp/files.collect" '.usage.containers'))" '' "usage is that of the manifests"
is "$(diff <(said "$tmp/live.analyze" '.recommendation.containers') <(said "$tmp/files.analyze" '.recommendation.containers'))" '' "so are recommendations"
# A manifest's own way to write a number ("0.2") is kept in its patch; the cluster has its own.
patched='(.change.merge_patch // {} | [paths(scalars)])'
is "$(diff <(said "$tmp/live.diff" "$patched") <(said "$tmp/files.diff" "$patched"))" '' "and what the patches for the API change"
is "$(jq -c 'select(.workload) | .change | select(.edits != []) | .patch' "$tmp/live.diff" | sort -u)" null "there is no file to patch"
is "$(jq -c 'select(.workload) | .problems[].code' "$tmp/live.diff" | grep -c 'source\|edit')" 0 "and nothing is missed for that"
like "$(<"$tmp/live.md")" 'shop' "the report tells of them"

# What the API server takes: the patch as a server-side dry run.
# Jobs are never changed in place.
jq -c 'select(.change.merge_patch != null and .workload.kind != "Job")' "$tmp/live.diff" >"$tmp/patches"
taken=0
while IFS= read -r record; do
    jq -c .change.merge_patch <<<"$record" >"$tmp/patch.json"
    read -r space kind name < <(jq -r '.workload | "\(.namespace) \(.kind) \(.name)"' <<<"$record")
    kube patch "$kind" "$name" -n "$space" --type=strategic --dry-run=server --patch-file "$tmp/patch.json" >"$tmp/patch.log" 2>&1 </dev/null &&
        taken=$((taken + 1)) || diag "$space/$kind/$name: $(<"$tmp/patch.log")"
done < <(head -8 "$tmp/patches")
is "$taken" 8 "the API server takes the patches"

# --- the conductor ----------------------------------------------------------------------------------------------------------
run "$tare" run -c cluster.yaml --target cluster --kubeconfig "$kube_dir/kubeconfig" --namespace shop --namespace payments --end "$end" --format json
is "$rc" 0 "tare run over a cluster" || diag "$err"
is "$(json .state)" awaiting-approval "waits for approval"
id=$(json .run)
"$tare" show "$id" parse >"$tmp/run.parse"
is "$(jq -r 'select(.workload) | .workload.namespace' "$tmp/run.parse" | sort -u | tr '\n' ' ')" "payments shop " "of the namespaces that were named"
is "$("$tare" show "$id" gate | jq 'select(.workload).gate.verdict | IN("allowed", "needs-approval", "blocked", "unchanged")' | sort -u)" true "the gate judges each"
like "$(tr -d '\n' <"reports/run-$id.html")" 'Patch for the Kubernetes API.*From the cluster: <code>shop/' "the report shows each patch, and whose it is"

# Beside manifests: what differs is drift.
ok "somebody edits the cluster" kube set resources deployment cart -n shop --requests=cpu=4321m
run "$tare" run -c tare.yaml --target cluster --kubeconfig "$kube_dir/kubeconfig" --end "$end" --format json
is "$rc" 0 "tare run over manifests and their cluster" || diag "$err"
id=$(json .run)
like "$("$tare" show "$id" analyze | jq -c 'select(.workload.name == "cart") | .recommendation.findings[] | select(.code == "drift")')" '4321' "drift is found"
done_testing
