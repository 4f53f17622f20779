#!/bin/bash
# What a real cluster refuses: quotas, limits, policies, webhooks. A change that was begun rolls back on its own (80); a rollback that the
# cluster refuses is 81, with the object and the command to type; what was rolled back is left alone for a time.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
. "$root/tests/harness/kube_faults.sh"
. "$root/tests/harness/kube_between.sh"
kube_cluster
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
. "$root/tests/e2e/cluster_fails.sh"

two() { kube_workload deployment good; kube_workload deployment middle-bad "$@"; }
anew two
kube_quota requests.cpu=1100m
raise='{requests: {cpu_millicores: (.requests.cpu_millicores * 3 / 2 | floor)}}'
advise "$raise"
fails "a quota" 'quota'
kube_quota_off
advise "{requests: $fifths}"
anew two
kube_webhook gate "real middle-bad deny not on a Monday"
fails "a webhook that denies the second write and not its dry run" 'middle-bad.*not on a Monday'
kube_webhook_off gate
anew two
kube_policy floor "object.metadata.name != 'middle-bad' || object.spec.template.spec.containers.all(c, c.resources.requests.cpu != '300m')" "too small for us"
approved
apply
isnt "$rc" 0 "an admission policy that refuses the dry run stops it ($rc)"
like "$err" 'middle-bad.*too small for us' "in the words of the policy"
like "$(kube_resources deployment/middle-bad)" '500m' "nothing was written to it"
kube_policy_off floor
anew two
kube_limits min.cpu=400m
approved
apply
like "$rc $err" '^(77|79|80) .*(minimum|LimitRange|cpu)' "a LimitRange refuses pods: it ends ($rc)"
like "$(kube_resources deployment/good)" '500m' "and all is as it was"
kube_limits_off

# A rollback that fails.
anew planted crash-loop
kube_policy stay "object.metadata.name != 'good' || object.spec.template.spec.containers.all(c, c.resources.requests.cpu != '500m')" "never back"
approved
apply
is "$rc" 81 "a rollback that the cluster refuses: exit 81" || diag "$err"
like "$err" "$namespace/Deployment/good" "names the object"
like "$err" "tare rollback $id" "and the command"
like "$err" 'never back' "and why"
like "$(kube_resources deployment/good)" '300m' "which is still changed"
like "$(kube_resources deployment/middle-bad)" '500m' "the other is back"
kube_policy_off stay
rollback
is "$rc" 0 "that command puts it back once nothing is in the way" || diag "$err"
like "$(kube_resources deployment/good)" '500m' "as it was"

# What was rolled back is left alone for a time.
anew planted crash-loop
approved
apply
is "$rc" 80 "fails once more" || diag "$err"
planned
like "$("$tare" show "$id" gate | jq -r 'select(.workload.name == "middle-bad").gate | .verdict + " " + ([.reasons[].code] | join(","))')" 'blocked.*backoff' \
    "the next run leaves the workload alone for a time"
audit_holds
done_testing
