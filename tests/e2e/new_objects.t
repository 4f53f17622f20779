#!/bin/bash
# Scaling advice as new objects on target files: which are chosen, how they are judged, told, approved, written beside the manifests,
# and taken away again.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/objects_line.sh"
objects_manifests shop
before=$(objects_tree)
run "$tare" login reviewer viewer approver

# ---- nothing is chosen by itself ---------------------------------------------------------------------------------------------
objects_config '[]' </dev/null
objects_run deploy
is "$rc" 0 "a run" || diag "$err"
is "$(objects_record diff '[.change.objects] == [null]' api)" true "without apply.advice the advice stays advice"
[[ $rc == 0 ]] || { echo "Bail out! the line does not run"; exit 1; }

# ---- what is chosen becomes part of the plan ---------------------------------------------------------------------------------
objects_config '[hpa, vpa, keda]' </dev/null
objects_run deploy
plan=$(jq -r .plan <<<"$out")
is "$(objects_record diff '[.change.objects[].kind]' api)" '["HorizontalPodAutoscaler"]' "of hpa and keda the better one"
is "$(objects_record diff '[.change.objects[] | .kind, .api_version, .namespace, .name, .advice, .manifest.spec.targetRef.name]' db)" \
    '["VerticalPodAutoscaler","autoscaling.k8s.io/v1","shop","db","vpa","db"]' "an object says what it is"
is "$(objects_record diff '.change.objects == null and (.change.edits | length) > 0' web)" true "no advice, no object"
is "$(objects_record gate '[.gate.verdict, .gate.facts.risk != "low", .gate.facts.new_objects, ([.gate.reasons[] | select(.code == "new-object") | .ok] | all)]' api)" \
    '["needs-approval",true,1,true]' "the gate: of medium risk or more, approved by somebody"
new=deploy/tare-shop-deployment-api.yaml
mkdir "$tmp/patched" && cp -R deploy "$tmp/patched/"
"$tare" show "$id" diff | jq -r 'select(.workload) | (.change.patch // ""), (.change.objects_patch // "")' >"$tmp/all.patch"
ok "the diffs of edits and new files apply" git -C "$tmp/patched" apply "$tmp/all.patch"
for format in markdown html json csv table junit; do
    run "$tare" report "$id" --format "$format"
    like "$out" 'HorizontalPodAutoscaler' "a report as $format tells it"
done
like "$("$tare" report "$id" --format markdown)" '\+kind: HorizontalPodAutoscaler' "as the diff of a new file"
like "$("$tare" report "$id" --format prometheus)" 'tare_new_objects\{.*\} 2' "and as a number"
run "$tare" explain "$id" shop/Deployment/api
like "$out" 'new object +HorizontalPodAutoscaler api \(advice hpa\)' "tare explain names it"
like "$out" '\+\+\+ b/deploy/tare-shop-deployment-api.yaml' "with its diff"

# ---- approved, written, taken back ---------------------------------------------------------------------------------------------
run "$tare" apply "$id" --yes
is "$rc" 77 "without approval nothing is written"
is "$(objects_tree)" "$before" "the tree is as it was"
run "$tare" --as reviewer approve "$id" --plan "$plan" --yes
is "$rc" 0 "approved" || diag "$err"
unlike "$err" 'blocked' "nobody is told of anything that forbids them"
like "$("$tare" report "$id" --mine --format table)" 'new with shop/Deployment/api: HorizontalPodAutoscaler/api' "who approves from the rows is told of them"
like "$("$tare" report "$id" --mine --format markdown)" '- new with .shop/StatefulSet/db.: .VerticalPodAutoscaler/db' "in markdown, too"
: >"$new"
run "$tare" apply "$id" --yes
is "$rc" 79 "a file that has the name by now makes the plan stale" || diag "$err"
like "$err" "$new" "and is named"
rm "$new"
run "$tare" apply "$id" --yes
is "$rc" 0 "apply" || diag "$err"
is "$(objects_outcomes apply)" "api=done db=done web=done " "all is done"
is "$(cat "$new")" "$(objects_record diff '.change.objects[0].yaml' api | jq -r .)" "the new file has the advice's very text"
is "$(diff -r "$tmp/patched/deploy" deploy)" "" "the tree is what the diffs say"
applied=$id
objects_run deploy
is "$(objects_record diff '[.change.objects]' api)" '[null]' "the next run finds the autoscaler and brings none"
id=$applied
printf '# mine\n' >>deploy/tare-shop-statefulset-db.yaml
run "$tare" rollback "$id" --yes
is "$rc" 81 "a new file that somebody edited since is not taken away"
like "$err" 'tare-shop-statefulset-db.yaml' "and is named"
[[ ! -e $new ]]
tap_result $? "the other one is"
sed -i '$d' deploy/tare-shop-statefulset-db.yaml
run "$tare" rollback "$id" --yes
is "$rc" 0 "then the rollback goes on" || diag "$err"
is "$(objects_tree)" "$before" "every byte is as it was, and no file more"

# ---- a schedule: several objects, one file ---------------------------------------------------------------------------------------
objects_config '[schedule]' </dev/null
objects_run deploy
is "$(objects_record diff '[.change.objects[].kind] | unique' api)" '["CronJob","Role","RoleBinding","ServiceAccount"]' "CronJobs with their account"
run "$tare" --as reviewer approve "$id" --yes
run "$tare" apply "$id" --yes
is "$rc" 0 "apply" || diag "$err"
is "$(grep -c '^---$' "$new")" "$(($(objects_record diff '.change.objects | length' api) - 1))" "one file of as many documents"
run "$tare" rollback "$id" --yes
is "$(objects_tree)" "$before" "and back"

# ---- a workload without a resize ---------------------------------------------------------------------------------------------------
sed -i 's/cpu: 500m, memory: 512Mi/cpu: 350m, memory: 360Mi/; s/memory: 1Gi/memory: 720Mi/' deploy/*.yaml
before=$(objects_tree) api=$(sha256sum deploy/api.yaml)
printf 'policy: {guardrails: {max_increase_percent: 0, max_decrease_percent: 0}, overrides: [{match: {kinds: [StatefulSet]}, apply: {advice: [none]}}]}\n' | objects_config '[hpa, vpa]'
objects_run deploy
is "$(objects_record diff '[.recommendation.action, (.change.edits | length), (.change.objects | length)]' api)" '["keep",0,1]' \
    "nothing to resize, an object to make" || diag "$(objects_record diff '[.recommendation.action, .change]' api)"
is "$(objects_record gate .gate.verdict api)" '"needs-approval"' "it is a change"
is "$(objects_record diff '.change.objects' db)" null "an override chooses otherwise"
run "$tare" --as reviewer approve "$id" --yes
run "$tare" apply "$id" --yes
is "$rc" 0 "apply" || diag "$err"
is "$(sha256sum deploy/api.yaml)" "$api" "its manifest stays as it is"
[[ -s $new ]]
tap_result $? "the new file is there"
run "$tare" rollback "$id" --yes
is "$(objects_tree)" "$before" "and back"

# ---- as a commit -------------------------------------------------------------------------------------------------------------------
export HOME=$tmp/home GIT_CONFIG_NOSYSTEM=1
mkdir "$HOME"
unset XDG_CONFIG_HOME GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
objects_manifests shop
git init -q -b main . && git config user.name Olga && git config user.email olga@example.org && git add deploy && git commit -qm manifests
objects_config '[hpa]' 'git: {branch: "tare/run-{run}"}' </dev/null
objects_run deploy --cluster third
is "$(objects_record diff '.change.objects_file' api)" "\"$new\"" "a file for the commit" || diag "$(objects_record diff '[.problems, .recommendation.scaling.manifests]' api)"
run "$tare" --as reviewer approve "$id" --yes
run "$tare" apply "$id" --yes
is "$rc" 0 "apply" || diag "$err"
is "$(git show "tare/run-$id:$new" 2>/dev/null)" "$(objects_record diff '.change.objects[0].yaml' api | jq -r .)" "the branch has the new file"
[[ ! -e $new ]]
tap_result $? "the checkout has not"
run "$tare" rollback "$id" --yes
is "$rc" 0 "rollback" || diag "$err"
is "$(git diff --name-only main "tare/run-$id")" "" "the commit that reverts takes it away"
rm -rf .git

# ---- a stored policy ----------------------------------------------------------------------------------------------------------------
objects_manifests shop
before=$(objects_tree)
"$tare" login boss viewer admin >/dev/null 2>&1
printf 'apply: {advice: [vpa]}\n' >"$tmp/policy.yaml"
ok "an administrator says that only vpa becomes an object" "$tare" --as boss policy set "$tmp/policy.yaml"
objects_config '[hpa, vpa]' </dev/null
objects_run deploy
is "$rc" 78 "a file that chooses more is refused"
like "$err" 'apply.advice' "naming the key"
objects_config '[vpa]' </dev/null
objects_run deploy
is "$(objects_record gate '[.change.objects[].kind, .gate.verdict]' db)" '["VerticalPodAutoscaler","needs-approval"]' "what it allows is planned"
run "$tare" --as reviewer approve "$id" --yes
is "$rc" 0 "and approved" || diag "$err"
run "$tare" apply "$id" --yes
is "$rc" 0 "and made" || diag "$err"
run "$tare" rollback "$id" --yes
is "$(objects_tree)" "$before" "and back"

# ---- what is left out --------------------------------------------------------------------------------------------------------------
objects_config '[hpa, vpa]' </dev/null
: >deploy/kustomization.yaml
run "$line/tare-parse" deploy
"$line/tare-parse" deploy 2>/dev/null | "$line/tare-collect" | "$line/tare-analyze" 2>/dev/null | "$line/tare-price" 2>/dev/null |
    "$line/tare-diff" -c tare.yaml >"$tmp/changes" 2>"$tmp/diff.err"
is "$(jq -c 'select(.workload.name == "api") | [.change.objects, ([.problems[] | select(.code == "object-left-out")] | length)]' "$tmp/changes")" '[null,1]' \
    "in a kustomization a new file would be one that nobody reads: left out, and told"
like "$(<"$tmp/diff.err")" 'object-left-out' "also on stderr"
rm deploy/kustomization.yaml
done_testing
