#!/usr/bin/env bash
# tare-diff: its patches apply, put back what was there, and mean just what was recommended.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/recommend.sh"
need jq git patch fy-tool
cd "$tmp" || exit 1
export TARE_NOW=2026-11-22T03:00:00Z

bigger='{requests: {cpu_millicores: 350, memory_bytes: 201326592}, limits: {cpu_millicores: 1500, memory_bytes: 3221225472}, remove: []}'
smaller='{requests: {cpu_millicores: 10, memory_bytes: null}, limits: {cpu_millicores: null, memory_bytes: 67108864}, remove: (if .limits.cpu_millicores then ["limits.cpu"] else [] end)}'
same='(. + {remove: []})'
parse() { "$BIN/tare-parse" -q "$@" 2>/dev/null; }
fresh() { rm -rf tree && mkdir tree && cp -r "$root"/fixtures/cases/*.yaml "$root"/fixtures/cases/*.json "$root"/fixtures/cases/broken tree/ && (cd tree && git init -q . && git -c core.autocrlf=false add -A); }

# each FILTER NAME: the checks that hold for any recommendation.
each() {
    fresh
    cd tree || return
    parse . | recommend "$1" >../costs
    run "$BIN/tare-diff" -q --patch ../all.patch <../costs
    is "$rc" 0 "$2: done"
    printf '%s\n' "$out" >../changes
    is "$(jq -r 'select(.workload) | .problems[] | select(.stage == "diff") | .code' ../changes | sort | uniq -c | sed 's/ *//' | grep -v edit-local)" \
        "1 edit-impossible" "$2: but for two containers of one name all can be written"
    local bad=0 count=0 line
    while IFS= read -r line; do
        jq -rj .change.patch <<<"$line" >../one.patch
        { git apply --check ../one.patch && patch -p1 --dry-run -s -i ../one.patch; } >>../apply.log 2>&1 || bad=$((bad + 1))
        count=$((count + 1))
    done < <(jq -c 'select(.change.patch)' ../changes)
    is "$bad" 0 "$2: git apply and patch take the patch of each workload ($count)"
    ok "$2: patch takes the combined patch" patch -p1 --dry-run -s -i ../all.patch
    ok "$2: git apply does" git apply ../all.patch
    is "$(parse . | jq -c 'select(.workload) | .workload | [.source.file, .name, (.containers[] | [.name, .requests, .limits])]')" \
        "$(jq -c 'select(.workload) | . as $r | .workload | [.source.file, .name, (.containers[] | . as $c | ($r.recommendation.containers[.name]) as $w |
            if ($r.problems | map(.code) | index("edit-impossible")) then [.name, .requests, .limits] else
            [.name, (.requests | with_entries(.value = ($w.requests[.key] // .value))),
             (.limits | with_entries(.value = ($w.limits[.key] // .value)) | if ($w.remove | index("limits.cpu")) then .cpu_millicores = null else . end)] end)]' ../changes)" \
        "$2: what is read back is what was recommended"
    bad=0
    for line in *.yaml; do
        git show ":$line" >../before.yaml
        fy-tool --testsuite ../before.yaml >/dev/null 2>&1 || continue
        fy-tool --testsuite "$line" >/dev/null 2>&1 || bad=$((bad + 1))
    done
    is "$bad" 0 "$2: another YAML parser reads all files that it could read before"
    for line in *.json; do jq . "$line" >/dev/null || bad=$((bad + 1)); done
    is "$bad" 0 "$2: JSON is still JSON"
    ok "$2: git takes the patch back" git apply -R ../all.patch
    ok "$2: and every byte is as it was" git diff --quiet
    cd ..
}
each "$bigger" "set all"
each "$smaller" "set some, remove some"

fresh
parse tree | recommend "$same" >costs
run "$BIN/tare-diff" -q --patch all.patch <costs
is "$rc:$(jq -c 'select(.workload).change' <<<"$out" | sort -u)" '0:{"edits":[],"json_patch":null,"merge_patch":null,"patch":null}' "present values give no edit"
is "$(stat -c %s all.patch)" 0 "and an empty patch"
parse tree | recommend "$bigger" | jq -c 'if .workload then .recommendation.action = "keep" else . end' >costs
run "$BIN/tare-diff" -q <costs
is "$(jq -c 'select(.workload).change.edits' <<<"$out" | sort -u)" '[]' "keep gives no edit"

# the members, one by one
one() { parse "tree/$1" | recommend "$2" >costs; run "$BIN/tare-diff" -q <costs; }
one other-resources.yaml "$smaller"
is "$(jq -c 'select(.workload).change.edits[2:4]' <<<"$out")" \
    '[{"container":"mesh","from":null,"path":"spec.template.spec.initContainers[1].resources.limits.memory","to":"64Mi"},{"container":"gpu","from":null,"path":"spec.template.spec.containers[0].resources.requests.cpu","to":"10m"}]' \
    "edits name container, path, from and to"
is "$(jq -c 'select(.workload).change.merge_patch.spec.template.spec.containers' <<<"$out")" \
    '[{"name":"gpu","resources":{"limits":{"memory":"64Mi"},"requests":{"cpu":"10m"}}}]' "the merge patch names containers and holds resources only"
one rollout-and-deploymentconfig.yaml "$smaller"
is "$(jq -c 'select(.workload.kind == "Rollout").change | [.merge_patch, .json_patch]' <<<"$out")" \
    '[null,[{"op":"test","path":"/spec/template/spec/containers/0/name","value":"app"},{"op":"test","path":"/spec/template/spec/containers/0/resources/requests/cpu","value":"500m"},{"op":"replace","path":"/spec/template/spec/containers/0/resources/requests/cpu","value":"10m"},{"op":"add","path":"/spec/template/spec/containers/0/resources/limits","value":{"memory":"64Mi"}}]]' \
    "a JSON patch, with tests, for kinds without strategic merge"
one merge-keys.yaml "$bigger"
is "$(jq -r 'select(.workload).problems[].code' <<<"$out")" "edit-local" "a value that is shared and written for one container alone is noted"
one anchors-shared-resources.yaml "$bigger"
is "$(jq -r 'select(.workload).problems[].code' <<<"$out")" "" "where all who share it change alike, the definition changes"
like "$(jq -r 'select(.workload).change.patch' <<<"$out")" '^--- a/tree/anchors-shared-resources.yaml' "paths are relative to the current folder"
(cd tree && parse . | recommend "$bigger" >../costs)
run "$BIN/tare-diff" -q --root tree <costs
is "$(jq -r 'select(.workload).problems[] | select(.stage == "diff").code' <<<"$out" | sort -u)" "source-missing" "files are looked up from the current folder"
parse tree/keda.yaml | recommend "$bigger" >costs
run "$BIN/tare-diff" -q --root tree <costs
like "$(jq -r 'select(.workload).change.patch' <<<"$out")" '^--- a/keda.yaml' "or to --root"

# the step of what is around is that of what is new; a file that is there twice is changed once
mkdir -p links/b && ln -s ../four.yaml links/b/four.yaml
cat >links/four.yaml <<'YAML'
apiVersion: v1
kind: List
items:
    - apiVersion: apps/v1
      kind: Deployment
      metadata:
          name: four
      spec:
          template:
              spec:
                  containers:
                      - name: app
                        image: i
                      - {name: side, image: i}
YAML
parse links | recommend '{requests: {cpu_millicores: 350, memory_bytes: null}, limits: {cpu_millicores: null, memory_bytes: null}, remove: []}' >costs
run "$BIN/tare-diff" -q --patch all.patch <costs
is "$(grep '^+ ' all.patch)" '+                        resources:
+                            requests:
+                                cpu: 350m
+                      - {name: side, image: i, resources: {requests: {cpu: 350m}}}' "new entries stand as deep as those around them"
is "$(grep -c '^+++' all.patch)" 1 "a link and what it names are one file"
ok "git takes it" git apply --check all.patch

mkdir elsewhere
parse tree/keda.yaml tree/cpu-null.yaml | recommend "$bigger" >costs
run "$BIN/tare-diff" --root elsewhere <costs
is "$(grep -c "outside of the root" <<<"$err")" 1 "files outside of the root are one warning"

# what stands in the way
parse tree | recommend "$bigger" >costs
echo '# touched' >>tree/keda.yaml
rm tree/tabs.json
run "$BIN/tare-diff" -q <costs
is "$rc" 0 "changed and missing files do not stop the others"
is "$(jq -r 'select(.workload.source.file == "tree/keda.yaml") | .problems[].code, (.change.edits | length)' <<<"$out")" "source-changed
0" "a changed file"
is "$(jq -r 'select(.workload.source.file == "tree/tabs.json") | .problems[].code, (.change.edits | length)' <<<"$out")" "source-missing
0" "a missing file"
run "$BIN/tare-diff" --patch no/such/folder/p <costs
is "$rc" 73 "a patch file that cannot be made"
mkfifo queue
run "$BIN/tare-diff" --patch queue <costs
is "$rc:$(stat -c %F queue)" "73:fifo" "a pipe or a device is no patch file, and stays"
echo old >real.patch && chmod 600 real.patch && ln -s real.patch link.patch
run "$BIN/tare-diff" -q --patch link.patch <costs
is "$rc:$(stat -c '%F %a' link.patch real.patch | tr '\n' ' ')$(head -c 4 real.patch)" "0:symbolic link 777 regular file 600 --- " \
    "a file that stands there keeps its mode, a link its target"
run "$BIN/tare-diff" --root no/such/folder <costs
is "$rc" 66 "a root that is not there"
head -c 400 costs >cut
run "$BIN/tare-diff" --patch p <cut
is "$rc" 65 "a cut artifact"
is "$(ls p* 2>/dev/null)" "" "leaves no patch file, half or whole"
done_testing
