#!/usr/bin/env bash
# tare-parse: what it reads, what it notes, how it ends.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
cd "$tmp" || exit 1
cases=$root/fixtures/cases

# facts FILE...: one line a container: kind/name, replicas, container, role, four amounts.
facts() {
    "$BIN/tare-parse" -q "$@" 2>/dev/null | jq -r 'select(.workload) | .workload as $w | $w.containers[] |
        [$w.kind + "/" + $w.name, $w.replicas, .name, .role, .requests.cpu_millicores, .requests.memory_bytes,
         .limits.cpu_millicores, .limits.memory_bytes] | map(. // "-") | join(" ")'
}
notes() { "$BIN/tare-parse" -q "$@" 2>/dev/null | jq -r 'select(.note) | .note | [.outcome, .code, .source.line // "-"] | join(" ")'; }

is "$(facts "$cases/quoting-and-units.yaml")" "Deployment/quoted - decimal container 500 1610612736 500 1000000000
Deployment/quoted - plain container 2000 536870912 2000 1000000000
ReplicationController/wide 0 four container - - 1000 67108864" "units and quotes, documents in between, no replicas and zero replicas"
is "$(facts "$cases/merge-keys.yaml")" "StatefulSet/merged - inherits container 10 16777216 - -
StatefulSet/merged - mixes container 50 33554432 50 67108864" "merge keys, own keys first"
is "$(facts "$cases/other-resources.yaml")" "Job/train 3 fetch init - - - -
Job/train 3 mesh sidecar 10 20971520 - -
Job/train 3 gpu container - 8589934592 - -" "roles, parallelism, extended resources beside"
is "$(facts "$cases/minified.json")" "Deployment/min 1 a container 100 - - -
Deployment/min 1 b container - - - -
Deployment/min 1 c container - - - -
Pod/p - a container - - 1000 536870912" "a List as JSON in one line, surrogates in it"
is "$(facts "$cases/tabs.json")" "Pod/tabs - app container - 67108864 - -
Pod/tabs - bare container - - - -" "JSON indented by tabs"
is "$(facts "$cases/bom-and-wide-characters.yaml")" "Pod/marked - app container - - 500 1610612736" "a byte order mark and wide characters"
is "$(facts "$cases/typed-list.yaml")" "Deployment/untyped - app container - 67108864 - -" "items of a typed list"
is "$(facts "$cases/rollout-and-deploymentconfig.yaml" | cut -d' ' -f1-2)" "Rollout/canary 3
DeploymentConfig/classic -" "Rollouts and DeploymentConfigs"

record() { "$BIN/tare-parse" -q "$@" 2>/dev/null | jq -c 'select(.workload)'; }
is "$(record "$cases/list-with-aliases.yaml" | jq -c '.workload.source | [.document, .item, .line]')" "[1,2,7]
[1,3,21]" "items count from 1, through Lists in Lists; lines of the objects"
is "$(record "$cases/autoscaled.yaml" | jq -c '.workload | [.autoscaler, .annotations, .namespace_annotations, .labels]')" \
    '[{"also":[{"kind":"VerticalPodAutoscaler","max":null,"metrics":[],"min":null,"name":"web","update_mode":"Off"}],"kind":"HorizontalPodAutoscaler","max":10,"metrics":[{"container":null,"resource":"cpu","target":70,"target_type":"Utilization","type":"Resource"},{"container":"app","resource":"memory","target":524288000,"target_type":"AverageValue","type":"ContainerResource"}],"min":2,"name":"web"},{"tare.dev/skip":"false"},{"tare.dev/skip":"true"},{"app":"web","tier":"1"}]' \
    "autoscalers and the namespace's annotation are joined, whatever the order"
is "$(record "$cases/keda.yaml" | jq -c '.workload.autoscaler | [.kind, .min, .max, .metrics[].type, .metrics[0].target]')" \
    '["ScaledObject",0,30,"Resource","External",60]' "KEDA"
is "$(record "$cases/other-resources.yaml" | jq -c '.workload | [.pod_resources.requests.cpu_millicores, (.containers[2] | .command, .ports, .other_resources)]')" \
    '[4000,"python3",[8080,9090],{"limits":{"nvidia.com/gpu":"1"},"requests":{"hugepages-2Mi":"80Mi"}}]' "hints and what is kept aside"
is "$(record "$cases/duplicate-container.yaml" | jq -r '.problems[].code')" "duplicate-container" "two containers of one name are a problem"
is "$(record "$cases/duplicate-key-beside.yaml" | jq -r '.problems[] | .code + " " + (.source.line | tostring)')" "duplicate-key 7" "a key twice beside the facts is a problem"
is "$(record "$cases/tabs.json" | jq -r .workload.source.sha256)" "$(sha256sum "$cases/tabs.json" | cut -d' ' -f1)" "the digest is the file's"

cat >cron.yaml <<'YAML'
apiVersion: batch/v1
kind: CronJob
metadata: {name: books}
spec:
  schedule: &when "0 3 * * 1"
  jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: i}]}}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: odd}
spec:
  schedule: [0, 3]
  jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: i}]}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  schedule: "0 3 * * 1"
  template: {spec: {containers: [{name: app, image: i}]}}
YAML
is "$(record cron.yaml | jq -c '.workload | [.name, has("schedule"), .schedule]' | tr '\n' ' ')" '["books",true,"0 3 * * 1"] ["odd",false,null] ["web",false,null] ' \
    "when a CronJob runs, as it is written"

# broken things
is "$(notes "$cases/broken/middle-document.yaml")" "error yaml-syntax 11" "a broken document is noted with its line"
is "$(facts "$cases/broken/middle-document.yaml" | cut -d' ' -f1)" "Pod/before
Pod/after" "the documents before and after it are kept"
is "$(notes "$cases/broken/amounts.yaml" "$cases/tabs.json")" "error bad-quantity 6
error bad-quantity 6
error bad-quantity 7" "wrong amounts, each noted"
is "$(notes "$cases/broken/helm.yaml" "$cases/tabs.json")" "skipped helm-template -" "a template is one note"
is "$(facts "$cases/broken/helm.yaml" "$cases/tabs.json" | grep -c fine)" "0" "nothing of a template is taken"
is "$(notes "$cases/broken/kustomization.yaml" "$cases/tabs.json")" "skipped kustomize -" "a Kustomization"
is "$(notes "$cases/broken/not-utf8.yaml" "$cases/tabs.json")" "error encoding 3" "bytes that are no UTF-8"

# folders
mkdir -p d/sub d/.git d/deep && cp "$cases/tabs.json" d/sub/b.json && cp "$cases/tabs.json" d/a.yml && cp "$cases/tabs.json" d/.git/x.yaml
echo 'kind: ConfigMap' >d/sub/c.yaml
echo 'apiVersion: v1
kind: ConfigMap
---
apiVersion: batch.volcano.sh/v1alpha1
kind: Job' >d/sub/d.yaml
cp "$cases/tabs.json" d/README.md && ln -s ../d d/loop && ln -s ../a.yml d/sub/z.yaml && ln -s nowhere d/sub/gone.yaml && mkfifo d/sub/pipe.yaml
run timeout 60 "$BIN/tare-parse" d
is "$rc" 0 "a folder with odd entries is read"
is "$(jq -r '(.workload // .note // empty).source.file' <<<"$out")" "d/a.yml
d/sub/b.json
d/sub/c.yaml
d/sub/d.yaml
d/sub/gone.yaml
d/sub/pipe.yaml" "sorted paths; hidden folders, linked folders and links to files that are there left out"
like "$err" 'd/sub/z.yaml is the same file as d/a.yml' "which is said"
is "$(jq -r 'select(.note).note | .outcome + " " + .code' <<<"$out" | sort | uniq -c | sed 's/ *//')" "2 error unreadable
2 skipped no-workload" "what cannot be read, and files without a workload"
is "$(jq -c 'select(.end).end | [.records, .workloads, .problems, .skipped]' <<<"$out")" '[6,2,4,{"ConfigMap":2,"Job.batch.volcano.sh":1}]' "counts"
is "$(jq -r 'select(.workload).problems[].code' <<<"$out" | sort -u)" "duplicate-identity" "one identity twice"
is "$("$BIN/tare-parse" -q d/sub d d/a.yml ./d "$PWD/d" 2>/dev/null | grep -c workload\":)" 2 "a file named twice is read once, whatever it is called"
mkdir -p l/one l/two && cp "$cases/tabs.json" shared.json && ln -s ../../shared.json l/one/a.json && ln -s ../../shared.json l/two/a.json
is "$("$BIN/tare-parse" -q l 2>/dev/null | jq -r 'select(.workload).workload.source.file')" "l/one/a.json" "two links to one file are one; a link alone is followed"
run "$BIN/tare-parse" -v d
like "$err" 'unreadable: cannot read d/sub/gone.yaml' "-v names each problem"
like "$err" 'no-workload: d/sub/c.yaml: the file holds no workload' "and each note, with its file"

# how it ends
run "$BIN/tare-parse" d/nowhere
is "$rc" 66 "a missing path"
like "$err" "d/nowhere" "is named"
is "$out" "" "and there is no artifact"
mkdir e
run "$BIN/tare-parse" e
is "$rc" 65 "a folder without manifests"
is "$out" "" "no artifact either"
like "$err" "hint:" "and a hint"
run "$BIN/tare-parse" "$cases/broken/not-utf8.yaml"
is "$rc" 65 "only a broken file"
like "$err" "line 3, column 20" "says where"
run "$BIN/tare-parse" --strict "$cases/broken/not-utf8.yaml" "$cases/tabs.json"
is "$rc" 65 "--strict"
is "$out" "" "--strict leaves no artifact"
run "$BIN/tare-parse"
is "$rc" 64 "no path at all"
run "$BIN/tare-parse" --max-depth 0 d
is "$rc" 64 "a limit that is none"
is "$(notes --max-file-bytes 100 "$cases/tabs.json" "$cases/broken/kustomization.yaml" 2>/dev/null)" "" "nothing left under a small limit"
run "$BIN/tare-parse" --max-file-bytes 300 "$cases/keda.yaml" "$cases/cpu-null.yaml"
is "$(jq -r 'select(.note).note.code' <<<"$out")" "size-limit" "a file over the limit is noted"
is "$(notes --max-depth 5 "$cases/tabs.json" "$cases/keda.yaml" "$cases/resources-empty.yaml" 2>/dev/null)" "" "a depth nothing keeps to"

# the same bytes from the same input
export TARE_NOW=2026-11-22T03:00:00Z
is "$("$BIN/tare-parse" -q "$cases" 2>/dev/null | sha256sum)" "$("$BIN/tare-parse" -q "$cases" 2>/dev/null | sha256sum)" "stable bytes"
done_testing
