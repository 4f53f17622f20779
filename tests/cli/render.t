#!/usr/bin/env bash
# Charts and kustomizations through the real helm and kustomize: what is read, whose parts files are, and edits of the plain
# files behind what was rendered.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/recommend.sh"
. "$root/tests/harness/kube.sh"
need jq git patch sha256sum
kube_tools
cd "$tmp" || exit 1
export TARE_NOW=2026-11-22T03:00:00Z TMPDIR=$tmp/scratch
mkdir "$TMPDIR"

fresh() { rm -rf tree && cp -r "$root/fixtures/cases/render" tree && (cd tree && git init -q . && git add -A); }
parse() { (cd tree && "$BIN/tare-parse" -q --render "$@" 2>/dev/null); }
half='{requests: (.requests | map_values(if . then . / 2 | floor else null end)), limits: (.limits | {cpu_millicores: null, memory_bytes: (if .memory_bytes then .memory_bytes / 2 | floor else null end)}), remove: []}'
set_all='{requests: {cpu_millicores: 350, memory_bytes: 201326592}, limits: {cpu_millicores: null, memory_bytes: 3221225472}, remove: []}'
no_limits='{requests: {cpu_millicores: null, memory_bytes: null}, limits: {cpu_millicores: null, memory_bytes: null}, remove: (if .limits.memory_bytes then ["limits.memory"] else [] end)}'
diff_of() { (cd tree && "$BIN/tare-diff" -q --patch ../all.patch 2>/dev/null); }
facts() { jq -r 'select(.workload) | .workload | [.source.file, .name, (.containers[] | [.name, .requests.cpu_millicores, .requests.memory_bytes, .limits.memory_bytes] | join(","))] | join(" ")'; }
change() { jq -r --arg name "$1" 'select(.workload.name == $name) | .change'"$2" changes; }

fresh
parse . >inventory
is "$(facts <inventory)" "./cart cart migrate,,, server,500,536870912,536870912
./kust/inline in-api server,750,268435456,
./kust/inline in-db db,300,,1073741824
./kust/inline in-load load,100,2147483648,
./kust/json load load,750,2147483648,
./kust/overlays/dev api-dev server,250,268435456,536870912
./kust/overlays/prod prod-api server,1000,1073741824,1073741824
./pair pair-front main,200,268435456,
./pair pair-back main,200,268435456,
./pair pair-worker main,100,134217728,134217728
./pair pair-fixed main,300,67108864,
./preset preset database,100,134217728,201326592
./umbrella umbrella-nightly worker,1000,1073741824," "what is rendered is read: a subchart's values from above, prefixes, patches of both sorts; no test hooks, no base by itself"
is "$(jq -r 'select(.note.outcome == "error") | .note | .source.file + " " + .code' inventory)" "./failing render-failed
./kust/remote render-failed
./missing render-failed" "what cannot be rendered is a note"
like "$(jq -r 'select(.note.source.file == "./failing" and .note.outcome == "error").note.message' inventory)" 'a name is needed: set .Values.name' "which tells what helm said"
like "$(jq -r 'select(.note.source.file == "./missing" and .note.outcome == "error").note.message' inventory)" 'redis.*helm dependency build ./missing' "a missing dependency tells what to type"
like "$(jq -r 'select(.note.source.file == "./kust/remote" and .note.outcome == "error").note.message' inventory)" 'https://github.com/example/deploy.*nothing is fetched' "a base at an address is not fetched"
is "$(jq -r 'select(.note.code == "rendered") | .note.source.file' inventory | tr '\n' ' ')" \
    "./kust/base " "a note says whose part a base's files are"
is "$(jq -c 'select(.workload.name == "pair-back").workload.source | [.rendered, .document, .item]' inventory)" '["helm",2,null]' "a source names the program and the document"
jq -r 'select(.workload.name == "pair-back").workload.source.sha256' inventory >digest
is "$(cd tree && helm template pair ./pair --namespace=default --skip-tests | awk '/^---/ { n++ } n == 2' | sha256sum | cut -d' ' -f1)" "$(cat digest)" "and has the digest of that document"
parse . >again
is "$(jq -c 'select(.workload.name != "cart" and .end == null)' again)" "$(jq -c 'select(.workload.name != "cart" and .end == null)' inventory)" \
    "it is the same each time"
run "$BIN/tare-parse" --render tree/kust/base
is "$(facts <<<"$out")" "tree/kust/base api server,250,268435456,536870912" "a base that is named alone is rendered"
run "$BIN/tare-parse" -q tree
is "$(facts <<<"$out" | cut -d' ' -f1,2 | tr '\n' ' ')" "tree/kust/base/api.yaml api tree/kust/inline/objects.yaml in-api tree/kust/inline/objects.yaml in-db tree/kust/inline/objects.yaml in-load tree/kust/json/job.yaml load tree/kust/overlays/prod/size.yaml api " "without --render files are read by themselves"
like "$(jq -r 'select(.note.code == "helm-template" or .note.code == "kustomize").note.message' <<<"$out" | sort -u)" 'with --render' "and notes tell of --render"

recommend "$half" <inventory >costs
run diff_of <costs
printf '%s\n' "$out" >changes
is "$rc" 0 "edits are looked for"
is "$(jq -r 'select(.workload and .change.patch) | .workload.name' changes | tr '\n' ' ')" "cart in-api in-db in-load load api-dev prod-api pair-worker preset umbrella-nightly " "and found where one file holds the numbers for one workload"
is "$(change cart .patch | grep '^[-+]')" "--- a/cart/values.yaml
+++ b/cart/values.yaml
-    memory: 512Mi   # never more
+    memory: 256Mi   # never more
-    cpu: 500m
-    memory: 512Mi
+    cpu: 250m
+    memory: 256Mi" "in a chart's values, comments kept, though a password comes out anew each time"
is "$(change load .patch | grep '^[-+]')" '--- a/kust/json/cpu.yaml
+++ b/kust/json/cpu.yaml
-  value: 750m # more
+  value: 375m # more
--- a/kust/json/memory.json
+++ b/kust/json/memory.json
-  {"op": "add", "path": "/spec/template/spec/containers/0/resources/requests/memory", "value": "2Gi"}
+  {"op": "add", "path": "/spec/template/spec/containers/0/resources/requests/memory", "value": "1Gi"}' "in JSON patches, YAML and JSON"
is "$(change in-api .patch | grep '^[-+]')" "--- a/kust/inline/kustomization.yaml
+++ b/kust/inline/kustomization.yaml
-        value: 750m   # by hand
+        value: 375m   # by hand
--- a/kust/inline/objects.yaml
+++ b/kust/inline/objects.yaml
-              memory: 256Mi
+              memory: 128Mi" "in a patch inside the kustomization and in an object: one field each"
is "$(for name in in-db in-load; do change $name .patch; done | grep '^[-+] ')" "-            cpu: 300m
+            cpu: 150m
-            memory: 1Gi
+            memory: 512Mi
-                    memory: 2Gi
+                    cpu: 50m
+                    memory: 1Gi" "in mappings that a patch inside adds, and in objects there"
is "$(change preset .patch | grep '^[-+] ')" "-  resources: {}
+  resources:
+    requests:
+      cpu: 50m
+      memory: 64Mi
+    limits:
+      cpu: 150m
+      memory: 96Mi" "in an empty mapping that stands for a default: then all of it is written out"
like "$(change prod-api .patch)" 'b/kust/overlays/prod/size.yaml' "in the patch of an overlay"
like "$(change api-dev .patch)" 'b/kust/base/api.yaml' "in a base that others use, where they come out the same"
is "$(change pair-worker .patch | grep '^+ ')" '+  memory: 64Mi
+  cpuRequest: "50m"' "in single values with names of their own; one that two fields share"
like "$(change pair-front .advice)" '^resources in pair/values.yaml gives these numbers, but it also changes Deployment/pair-back: .*pair/templates/all.yaml.* in container main requests.cpu 100m \(now 200m\)' "what several workloads take from one place is for advice, naming them"
like "$(change pair-fixed .advice)" '^No file of values .*the template ./pair/templates/all.yaml, set in container main' "and what stands in a template"
is "$(jq -r '.problems[]? | select(.stage == "diff").code' changes | sort | uniq -c | sed 's/^ *//')" "3 edit-by-hand" "which is a problem each"
is "$(change pair-fixed .patch) $(change pair-fixed '.files | length')" "null 0" "without a patch"
is "$(change pair-fixed '.merge_patch.spec.template.spec.containers[0].resources.requests.cpu')" 150m "the API can take it all the same"
like "$(change pair-fixed .rendered_patch)" '^--- a/pair/rendered-by-helm.yaml' "the rendered object's diff has a name that is no file's"
ok "git takes the combined patch" git -C tree apply --check ../all.patch
ok "and patch does" patch -p1 --dry-run -s -d tree -i ../all.patch
git -C tree diff --quiet
is "$? $(ls -A "$TMPDIR")" "0 " "nothing was written into the tree, and no copy is left behind"
git -C tree apply ../all.patch
parse . >after
is "$(facts <after | grep -v '/pair')" "./cart cart migrate,,, server,250,268435456,268435456
./kust/inline in-api server,375,134217728,
./kust/inline in-db db,150,,536870912
./kust/inline in-load load,50,1073741824,
./kust/json load load,375,1073741824,
./kust/overlays/dev api-dev server,125,134217728,268435456
./kust/overlays/prod prod-api server,500,536870912,536870912
./preset preset database,50,67108864,100663296
./umbrella umbrella-nightly worker,500,536870912," "with it, all renders to what was recommended"
run diff_of <costs
is "$(jq -r 'select(.workload.name == "prod-api").problems[].code' <<<"$out")" source-changed "the old plan is not that of the changed tree"

fresh
parse . | recommend "$set_all" >costs
diff_of <costs >changes
is "$(change cart .patch | grep '^+  ')" "+    memory: 3072Mi   # never more
+    cpu: 350m
+    memory: 192Mi
+  resources:
+    requests:
+      cpu: 350m
+      memory: 192Mi
+    limits:
+      memory: 3Gi" "\`resources: {}\` is filled in; two containers of one workload"
like "$(change pair-worker .advice)" 'it also changes other parts of Deployment/pair-worker' "one value for two fields that should differ is for advice"
git -C tree apply ../all.patch
is "$(parse cart | facts)" "cart cart migrate,350,201326592,3221225472 server,350,201326592,3221225472" "and renders to that"
fresh
parse . | recommend "$no_limits" >costs
diff_of <costs >changes
is "$(change cart .patch | grep '^[-+] ')" "-  limits:
-    memory: 512Mi   # never more
+    # never more" "a limit is taken away with its section, the comment stays"

fresh
parse cart --helm-values values-prod.yaml --helm-release blue --namespace shop >inventory
is "$(facts <inventory)" "cart blue-cart migrate,,, server,2000,536870912,536870912" "values and a release of one's own"
is "$(jq -c 'select(.workload).workload.replicas' inventory)" 5 "are those that count"
recommend '{requests: {cpu_millicores: (if .name == "server" then 1500 else null end), memory_bytes: null}, limits: {cpu_millicores: null, memory_bytes: null}, remove: []}' <inventory >costs
diff_of <costs >changes
is "$(change blue-cart .patch | grep '^[-+]')" '--- a/values-prod.yaml
+++ b/values-prod.yaml
-    cpu: "2"
+    cpu: "1500m"' "the later stages render with them too, and the edit is in the file that holds the number"

cat >tree/tare.yaml <<'YAML'
version: 1
render:
  enabled: true
  charts:
    - folder: cart
      release: green
      namespace: shop
      values: [values-prod.yaml]
    - {folder: pair, release: twins}
    - {folder: not-read}
YAML
run env -C tree "$BIN/tare-parse" -q -c tare.yaml cart pair
is "$(facts <<<"$out" | head -3)" "cart green-cart migrate,,, server,2000,536870912,536870912
pair twins-front main,200,268435456,
pair twins-back main,200,268435456," "a configuration says how each chart is rendered, without an option"
recommend '{requests: {cpu_millicores: (if .name == "server" then 1500 else null end), memory_bytes: null}, limits: {cpu_millicores: null, memory_bytes: null}, remove: []}' <<<"$out" >costs
diff_of <costs >changes
like "$(change green-cart .patch)" 'b/values-prod.yaml' "and the later stages follow"
run env -C tree "$BIN/tare-parse" -q -c tare.yaml --helm-release one cart
is "$(facts <<<"$out")" "cart green-cart migrate,,, server,2000,536870912,536870912" "what it says of one chart is nearer than an option for all"
sed -i 's/values-prod/nowhere/' tree/tare.yaml
run env -C tree "$BIN/tare-parse" -q -c tare.yaml cart
is "$rc" 78 "values that are not there are an error of the configuration"
like "$err" 'nowhere.yaml' "which names them"

fresh
cp -r tree/kust/overlays/dev tree/kust/overlays/stage
parse kust | recommend "$half" >costs
diff_of <costs >changes
like "$(jq -r 'select(.workload.source.file == "kust/overlays/dev").change.advice' changes)" \
    '^kust/base/api.yaml holds these numbers, but kust/overlays/stage would come out otherwise with it too: in a patch of the kustomization kust/overlays/dev, set' "a base that another overlay takes its numbers from is left alone"
fresh
parse . | recommend "$half" >costs
sed -i 's/name: main/name: other/' tree/pair/templates/all.yaml
diff_of <costs >changes
is "$(jq -r 'select(.workload.source.file == "./pair") | .problems[].code' changes | sort -u)" source-changed "a template that changed since is noticed"
(cd tree && PATH=/nonexistent "$BIN/tare-diff" -q <../costs >../changes 2>/dev/null)
is "$? $(jq -r 'select(.workload) | .problems[].code' changes | sort -u)" "0 render-missing" "as are programs that are gone"
done_testing
