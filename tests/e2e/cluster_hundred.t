#!/bin/bash
# A hundred workloads of several kinds and shapes changed on a real control plane, verified, and rolled back: live objects equal what they
# were, field by field.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
kube_cluster
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
kube_workloads 100 >"$tmp/objects.yaml"
ok "a hundred workloads run" kube_make "$tmp/objects.yaml"
kube_snapshot >"$tmp/before"
kube_resources | LC_ALL=C sort >"$tmp/before.resources"
is "$(kube_snapshot | jq -r .kind | sort | uniq -c | awk '{ print $2, $1 }' | tr '\n' ' ')" "CronJob 10 DaemonSet 5 Deployment 65 StatefulSet 20 " "of four kinds"
settings parallel=8 rollout_timeout=120s
advise_memory
approved

apply --dry-run
is "$rc" 0 "a dry run" || diag "$err"
is "$(kube_snapshot | diff "$tmp/before" - | head -5)" "" "changes nothing"
apply
is "$rc" 0 "all are changed" || diag "$(tail -12 <<<"$err")"
is "$(fates | tr ' ' '\n' | sed 's/.*=//; /^$/d' | sort | uniq -c | awk '{ print $2, $1 }' | tr '\n' ' ')" "done 100 " "and verified"
is "$(state)" applied "the run is applied"
kube_resources | LC_ALL=C sort >"$tmp/after.resources"
is "$(wc -l <"$tmp/after.resources")" "$(wc -l <"$tmp/before.resources")" "no container came or went"
# What was advised, computed here once more from what was there.
sed -E 's/"cpu":"500m"/"cpu":"300m"/; s/"cpu":"250m"/"cpu":"150m"/; / more /s/"cpu":"200m"/"cpu":"120m"/; / beside /s/"cpu":"50m"/"cpu":"30m"/
    s/("requests.*|[}] )?\{"cpu":"1",/\1{/; s/(\{[^}]*)"memory":"256Mi"([^}]*\} )/\1"memory":"192Mi"\2/; s/(\{[^}]*)"memory":"128Mi"([^}]*\} )/\1"memory":"96Mi"\2/
    s/(\{[^}]*)"memory":"64Mi"([^}]*\} )/\1"memory":"48Mi"\2/' "$tmp/before.resources" >"$tmp/wanted.resources"
is "$(diff "$tmp/wanted.resources" "$tmp/after.resources" | head -10)" "" "each container asks for what was advised, all else as it was"
ok "and runs so" kube_settled
pods=$(kube get pods -n "$namespace" -o json | jq '[.items[] | select(.metadata.deletionTimestamp == null) | .spec.containers[] | select(.name == "app") | .resources.requests.cpu] | map(select(. == "500m" or . == "250m")) | length')
is "$pods" 0 "in every pod"
is "$(kube get deployments -n "$namespace" -o json --show-managed-fields | jq '[.items[] | select([.metadata.managedFields[].manager] | index("tare") | not)] | length')" 0 "the field manager is tare"

rollback
is "$rc" 0 "all are rolled back" || diag "$(tail -12 <<<"$err")"
is "$(state)" rolled-back "the run is rolled back"
kube_snapshot >"$tmp/after"
is "$(diff "$tmp/before" "$tmp/after" | head -20)" "" "every object equals what it was, field by field"
ok "and runs so" kube_settled
rollback
is "$rc" 0 "another rollback has nothing to do" || diag "$err"
is "$(kube_snapshot | diff "$tmp/before" - | head -5)" "" "and does nothing"
audit_holds
done_testing
