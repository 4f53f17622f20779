#!/bin/bash
# Applying to a cluster and rolling back, as the ledger sees it: partial rollbacks, conflicts and --force, a rollback taken back,
# workloads that are left alone, windows, a process that is asked to end, a ledger that goes away, another cluster.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
kube_cluster
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
for name in a b c d; do kube_workload deployment "$name"; done >"$tmp/objects.yaml"
ok "four Deployments run" kube_make "$tmp/objects.yaml"
cpu() { kube get deployment "$1" -n "$namespace" -o jsonpath='{.spec.template.spec.containers[0].resources.requests.cpu}'; }
cpus() { for name in a b c d; do cpu "$name"; echo; done | tr '\n' ' '; }
d() { printf '%s/Deployment/%s' "$namespace" "$1"; }
rows() { "$tare" status "$id" --format json | jq -r '[.objects[]? | (.object | split("/")[2]) + "=" + .state] | sort | join(" ")'; }


# ---- All of it, not waiting ----
settings backoff=0s
approved
apply --no-wait
is "$rc" 0 "a plan is applied without waiting for rollouts" || diag "$err"
is "$(cpus)" "300m 300m 300m 300m " "every object asks for what was planned"
is "$(state) $(fates)" "applied a=done b=done c=done d=done " "run and outcome say so"
like "$("$tare" show "$id" apply | jq -r 'select(.workload) | .outcome.detail' | head -1)" 'written; its rollout was not waited for' "and that nothing was verified"
is "$(rows)" "a=done b=done c=done d=done" "tare status shows the state of each object"
apply
like "$rc $err" "^77 .*run $id is applied already" "once more it is told to be applied" || diag "$err"

# ---- A part of it ----
rollback --no-wait --workload "$(d a)"
is "$rc $(cpus)" "0 500m 300m 300m 300m " "one workload is rolled back" || diag "$err"
is "$(state)" applied "the run stays applied"
is "$(fates rollback)" "a=rolled-back b=skipped c=skipped d=skipped " "its outcome names it alone"
rollback --workload "$(d nobody)"
is "$rc" 64 "a workload that the run did not change is refused"
rollback --force "$(d nobody)"
is "$rc" 64 "and one to force, too" || diag "$err"

# ---- Somebody else's edit ----
kube set resources deployment/b -n "$namespace" --requests=cpu=450m >/dev/null
ok "(another edit is rolled out)" kube_settled
rollback --dry-run
like "$err" "$(d b): somebody changed it since: .*450m" "a dry run of the rollback tells of the edit" || diag "$err"
rollback --no-wait
is "$rc" 81 "what somebody changed since is not put back" || diag "$err"
like "$err" "$(d b).*450m" "and named, with what it is now"
like "$err" "kubectl-set at 20" "with who made it so, and when"
like "$err" "tare rollback $id .*--force $(d b)" "with the command that does it nevertheless"
like "$("$tare" status "$id")" "run $id: applied: .*$(d b)" "tare status says what stood in the way"
is "$(cpus)" "500m 450m 500m 500m " "the others are put back"
is "$(state)" applied "the run keeps its state"
rollback --no-wait --force "$(d b)"
is "$rc $(cpus)" "0 500m 500m 500m 500m " "forced, it is put back" || diag "$err"
is "$(state)" rolled-back "and the run is rolled back"
like "$("$tare" status "$id" | tr '\n' '|')" "run $id: rolled-back[|]" "what stood in the way is forgotten"
rollback --redo --force "$(d b)"
is "$rc" 64 "what is written again is not forced" || diag "$err"
rollback --redo --dry-run
like "$err" "$(d b): dry run: it would be written again" "a dry run of writing again says so" || diag "$err"
rollback
is "$rc" 0 "once more there is nothing to do" || diag "$err"

# ---- A rollback of a rollback ----
ok "(rolled out)" kube_settled
kube set resources deployment/d -n "$namespace" --requests=cpu=400m >/dev/null
ok "(somebody's edit is rolled out)" kube_settled
rollback --redo --no-wait
isnt "$rc" 0 "what somebody changed since is not written again"
like "$err" "$(d d)" "and named"
is "$(cpus) $(state)" "500m 500m 500m 400m  rolled-back" "it stops there, as an apply does" || diag "$err"
rollback --redo --no-wait --workload "$(d a)" --workload "$(d b)"
is "$rc $(cpus)" "0 300m 300m 500m 400m " "chosen workloads are written again" || diag "$err"
is "$(state)" failed "a run that is applied in part is not called applied"
kube set resources deployment/d -n "$namespace" --requests=cpu=500m >/dev/null
ok "(put right and rolled out)" kube_settled
rollback
is "$rc $(state)" "0 rolled-back" "it can be rolled back again" || diag "$err"
rollback --redo
is "$rc $(state)" "0 applied" "and be written again as a whole, verified" || diag "$err"
is "$(cpus)" "300m 300m 300m 300m " "every object asks for what was planned"
rollback
is "$rc $(state)" "0 rolled-back" "and be put back again" || diag "$err"
TARE_NOW=$(date -u -d '+2 days' +%FT%TZ) rollback --redo
is "$rc" 77 "without approvals nothing is written again" || diag "$err"
is "$(cpus)" "500m 500m 500m 500m " "(nothing was)"

# ---- What is written again, and fails ----
settings backoff=0s on_failure=rollback-object
approved
apply --no-wait
rollback --no-wait --workload "$(d c)"
rollback --redo --no-wait
like "$err" "$(d a): it was not put back, and stands" "of an object that stands nothing is said to be written" || diag "$err"
rollback --no-wait --workload "$(d c)"
kube patch deployment c -n "$namespace" --type=merge -p '{"spec":{"template":{"metadata":{"annotations":{"tare.test/fail":"oom","tare.test/fine-at":"500m"}}}}}' >/dev/null
ok "(rolled out)" kube_settled
rollback --redo
is "$rc $(cpus)" "80 300m 300m 500m 300m " "an object that fails when it is written again is put back, and the code tells" || diag "$err"
like "$err" "$(d c).*killed for want of memory" "with why"
"$tare" status "$id" >"$tmp/status"
like "$(tr '\n' '|' <"$tmp/status")" "run $id: [a-z]*: .*$(d c).*next:[|].*tare rollback $id[|]" "and how what stands is put back is told" || diag "$(<"$tmp/status")"
rollback
is "$rc $(state)" "0 rolled-back" "which works" || diag "$err"
kube patch deployment c -n "$namespace" --type=json -p '[{"op":"remove","path":"/spec/template/metadata/annotations"}]' >/dev/null
ok "(all is well again)" kube_settled

# ---- Left alone ----
settings backoff=1h backoff_max=3h
approved
apply
is "$rc" 0 "a new plan is applied" || diag "$err"
rollback --workload "$(d a)"
is "$rc" 0 "one workload of it is put back by a person" || diag "$err"
planned
is "$("$tare" show "$id" gate | jq -r 'select(.workload.name == "a") | .gate.verdict + " " + ([.gate.reasons[] | select(.code == "backoff") | .message] | join(""))' | cut -c1-18)" \
    "blocked left alone" "the next plan leaves it alone, and says why"
is "$("$tare" show "$id" gate | jq -r 'select(.workload.name == "b") | .gate.verdict')" needs-approval "the others are not concerned"

# ---- Windows and other clusters ----
settings backoff=0s 'windows: [{name: never, kind: deny, schedule: "0 0 * * *", duration: 24h}]'
planned
run "$tare" --as reviewer approve "$id" --yes
apply
is "$rc" 77 "a closed window holds a run of a cluster back" || diag "$err"
is "$(state)" refused "which can be applied later"

# ---- Asked to end ----
settings backoff=0s parallel=1 settle=10s
approved
in_background "$tare" apply "$id" --yes
for ((i = 0; i < 600; i++)); do [[ $(rows) == *verifying* ]] && break; sleep 0.1; done
((i < 600)) || diag "nothing is verified: $(rows)"
kill -TERM "$back" # the conductor alone: it passes this on and waits
back_ended
is "$rc" 75 "a process that is asked to end says that it can go on" || diag "$err"
unlike "$(rows)" 'writing|written|verifying' "the object under way was finished"
is "$(state)" applying "the run is still being applied"
settings backoff=0s parallel=4
apply --resume
is "$rc $(state)" "0 applied" "and goes on where it stopped" || diag "$err"
rollback
is "$rc $(cpus)" "0 500m 300m 300m 300m " "all of it is put back" || diag "$err"

audit_holds
done_testing
