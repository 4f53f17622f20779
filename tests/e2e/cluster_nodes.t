#!/bin/bash
# Nodes of a real API server, and what workloads say of them: the header's groups, the records' scheduling, and the fleet that tare-report makes of both.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
need jq
unset KUBECONFIG TARE_CONFIG TARE_NOW
kube_start "$tmp/server" kube-controller-manager
export HOME=$tmp
admin=$kube_dir/kubeconfig
parse() { run "$BIN/tare-parse" "$@"; cp "$tmp/.out" "$tmp/inventory"; }
header() { jq -c "select(.tare) | .settings.parse | $1" "$tmp/inventory"; }
scheduling() { jq -cS --arg name "$1" 'select(.workload.name == $name) | .workload.scheduling' "$tmp/inventory"; }

# node NAME INSTANCE ZONE CPU MEMORY [LABELS [SPEC [READY]]]
node() {
    cat <<YAML
---
apiVersion: v1
kind: Node
metadata:
  name: $1
  labels: {kubernetes.io/hostname: $1, kubernetes.io/os: linux, kubernetes.io/arch: amd64, node.kubernetes.io/instance-type: $2,
    topology.kubernetes.io/region: eu-west-1, topology.kubernetes.io/zone: $3, noise: "$1"${6:+, $6}}
spec: {${7-}}
status:
  capacity: {cpu: "$4", memory: $5, pods: "110", ephemeral-storage: 100Gi}
  allocatable: {cpu: $((${4%.*} * 1000 - 80))m, memory: $5, pods: "58"}
  conditions: [{type: MemoryPressure, status: "False"}, {type: Ready, status: "${8:-True}"}]
YAML
}
{
    for i in 1 2 3; do node "m-$i" m5.large eu-west-1a 2 $((8 * 1024 * 1024 + i))Ki 'eks.amazonaws.com/nodegroup: main, eks.amazonaws.com/capacityType: ON_DEMAND'; done
    node m-4 m5.large eu-west-1b 2 8Gi 'eks.amazonaws.com/nodegroup: main, eks.amazonaws.com/capacityType: ON_DEMAND'
    for i in 1 2; do node "s-$i" c5.4xlarge eu-west-1a 16 32Gi 'karpenter.sh/capacity-type: spot, karpenter.sh/nodepool: batch, disk: ssd' 'taints: [{key: spot, effect: NoSchedule}, {key: a, value: b, effect: NoExecute}]'; done
    node cordoned m5.large eu-west-1a 2 8Gi 'eks.amazonaws.com/nodegroup: main' 'unschedulable: true'
    node gone m5.large eu-west-1a 2 8Gi '' '' Unknown
    node tiny c5.large eu-west-1c 2 512Mi
    node head m5.large eu-west-1a 2 8Gi 'node-role.kubernetes.io/control-plane: ""' 'taints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]'
} >"$tmp/nodes.yaml"
ok "nodes are there" kube create -f "$tmp/nodes.yaml"
# Kubernetes taints each new node until its controller has seen that it is ready, and those that are cordoned.
settled() {
    for ((i = 0; i < 600; i++)); do
        kube get nodes -o json >"$tmp/nodes.json" 2>/dev/null &&
            jq -e '[.items[] | {name: .metadata.name, keys: [.spec.taints // [] | .[].key]}] |
                (map(select(.name != "gone" and (.keys | any(endswith("/not-ready"))))) == []) and
                (map(select(.name == "cordoned" and (.keys | any(endswith("/unschedulable"))))) != [])' "$tmp/nodes.json" >/dev/null && return 0
        sleep 0.2
    done
    return 1
}
ok "and have settled" settled || diag "$(kube get nodes)"
kube_namespace
first=$namespace
kube_namespace
second=$namespace
kube label namespace "$second" tier=back >/dev/null
cat >"$tmp/work.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: $first, labels: {team: storefront}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: {disk: ssd}
      tolerations: [{key: spot, operator: Exists, effect: NoSchedule}, {key: a, operator: Exists}]
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}
          - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: db}}, namespaceSelector: {matchLabels: {tier: back}}}
      containers: [{name: c, image: i, resources: {requests: {cpu: 500m, memory: 512Mi}}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: $second}
spec:
  replicas: 2
  serviceName: db
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
            - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [m-2]}, {key: topology.kubernetes.io/zone, operator: NotIn, values: [eu-west-1c]}]
      containers: [{name: c, image: i, ports: [{containerPort: 5432, hostPort: 5432}], resources: {requests: {cpu: 250m, memory: 1Gi}}}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: $second}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      tolerations: [{operator: Exists}]
      containers: [{name: c, image: i, resources: {requests: {cpu: 100m, memory: 64Mi}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: bulk, namespace: $second}
spec:
  replicas: 4
  selector: {matchLabels: {app: bulk}}
  template:
    metadata: {labels: {app: bulk}}
    spec: {containers: [{name: c, image: i, resources: {requests: {cpu: "1", memory: 512Mi}}}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: $second}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i, resources: {requests: {cpu: "1", memory: 1Gi}}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: $second}
spec: {nodeName: m-1, containers: [{name: c, image: i, resources: {requests: {cpu: 100m, memory: 64Mi}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: static, namespace: $second, annotations: {kubernetes.io/config.mirror: x}}
spec: {nodeName: m-3, containers: [{name: c, image: i}]}
YAML
ok "workloads are there" kube apply -f "$tmp/work.yaml"

# --- the header -----------------------------------------------------------------------------------------------------------
parse --kubeconfig "$admin"
is "$rc" 0 "the cluster is read" || diag "$err"
is "$(header '[.whole_cluster, .nodes.total, ([.nodes.groups[].count] | add)]')" '[true,10,10]' "all of the cluster, all nodes"
is "$(header '.nodes.groups[] | select(.pool == "main" and .zone == "eu-west-1a" and (.unschedulable | not)) | [.count, .labels["kubernetes.io/hostname"]]' | sort | tr '\n' ' ')" \
    '[1,"m-2"] [2,null] ' "nodes alike are one group; one that a workload names by its host stands alone"
is "$(header '.nodes.groups[] | select(.pool == "batch")')" \
    '{"allocatable":{"cpu_millicores":15920,"memory_bytes":34359738368,"pods":58},"capacity":{"cpu_millicores":16000,"memory_bytes":34359738368,"pods":110},"capacity_type":"spot","count":2,"instance":"c5.4xlarge","labels":{"disk":"ssd","karpenter.sh/capacity-type":"spot","karpenter.sh/nodepool":"batch","kubernetes.io/arch":"amd64","kubernetes.io/os":"linux","node.kubernetes.io/instance-type":"c5.4xlarge","topology.kubernetes.io/region":"eu-west-1","topology.kubernetes.io/zone":"eu-west-1a"},"pool":"batch","ready":true,"region":"eu-west-1","taints":[{"effect":"NoExecute","key":"a","value":"b"},{"effect":"NoSchedule","key":"spot","value":null}],"unschedulable":false,"zone":"eu-west-1a"}' \
    "a group: amounts, taints, how it is paid, labels that are known or asked for and no others"
is "$(header '[.nodes.groups[] | select(.unschedulable) | [.count, .ready, [.taints[].key]]]')" '[[1,true,["node.kubernetes.io/unschedulable"]]]' "a cordoned node says so"
is "$(header '[.nodes.groups[] | select(.ready | not) | [.count, .instance, .pool]]')" '[[1,"m5.large",null]]' "and one that is not ready"
is "$(header '[.nodes.groups[] | del(.count) | tojson] | . == sort')" 'true' "groups in the order of their text, whatever the server's"
is "$(header '[.nodes.groups[].name // empty]')" '[]' "names of nodes are told where a workload asks for them"

# --- the records ----------------------------------------------------------------------------------------------------------
is "$(scheduling web)" \
    "{\"anti_affinity\":[{\"others\":[],\"self\":true,\"topology_key\":\"kubernetes.io/hostname\"},{\"others\":[\"$second/StatefulSet/db\"],\"self\":false,\"topology_key\":\"kubernetes.io/hostname\"}],\"node_selector\":{\"disk\":\"ssd\"},\"tolerations\":[{\"effect\":\"NoSchedule\",\"key\":\"spot\",\"operator\":\"Exists\",\"value\":null},{\"effect\":null,\"key\":\"a\",\"operator\":\"Exists\",\"value\":null}]}" \
    "selector, tolerations, and whom its pods keep away from: the namespace is known by its label"
is "$(scheduling db)" \
    '{"host_ports":[5432],"node_affinity":[[{"key":"kubernetes.io/hostname","operator":"In","values":["m-2"]},{"key":"topology.kubernetes.io/zone","operator":"NotIn","values":["eu-west-1c"]}]]}' \
    "affinity to nodes and ports of the node"
is "$(scheduling agent)" '{"tolerations":[{"effect":null,"key":null,"operator":"Exists","value":null}]}' "a DaemonSet that tolerates all"
is "$(scheduling once)" null "what says nothing has nothing"
is "$(scheduling bare | jq -c .node_name)" null "the node that a scheduler chose is no demand"
is "$(scheduling static | jq -c .node_name)" '"m-3"' "that of a node's own pod is"
"$BIN/tare-parse" -q "$tmp/work.yaml" >"$tmp/files"
jq -cS 'select(.workload.kind | IN("Deployment", "StatefulSet", "DaemonSet", "Job")) | .workload | [.name, .scheduling]' "$tmp/files" | grep -v '"web"' | sort >"$tmp/files.scheduling"
jq -cS 'select(.workload.kind | IN("Deployment", "StatefulSet", "DaemonSet", "Job")) | .workload | [.name, .scheduling]' "$tmp/inventory" | grep -v '"web"' | sort >"$tmp/live.scheduling"
is "$(diff "$tmp/files.scheduling" "$tmp/live.scheduling")" '' "manifests and the cluster say the same"

# --- every pod is some workload's -----------------------------------------------------------------------------------------
# wait_pods N: until the controllers have made what they are told to.
wait_pods() {
    for ((i = 0; i < 600; i++)); do
        (($(kube get pods -A --no-headers 2>/dev/null | wc -l) >= $1)) && return 0
        sleep 0.2
    done
    return 1
}
# 2 web, 2 db, 4 bulk, 1 once, 2 bare; an agent on each of the nodes.
ok "controllers make the pods" wait_pods 21 || diag "$(kube get pods -A)"
kube patch pod -n "$second" "$(kube get pod -n "$second" -l job-name=once -o 'jsonpath={.items[0].metadata.name}')" --subresource=status --type=merge \
    -p '{"status":{"phase":"Succeeded"}}' >/dev/null
parse --kubeconfig "$admin"
kube get pods,replicasets.apps -A -o json >"$tmp/pods"
jq -r 'select(.workload) | .workload | "\(.namespace)/\(.kind)/\(.name)"' "$tmp/inventory" | sort >"$tmp/listed"
jq -r '(.items | map({key: .metadata.uid, value: .}) | from_entries) as $by |
    def top: (.metadata.ownerReferences // [] | map(select(.controller)) | first) as $o |
        if $o == null then "\(.metadata.namespace)/\(.kind)/\(.metadata.name)"
        elif $by[$o.uid] then ($by[$o.uid] | top) else "\(.metadata.namespace)/\($o.kind)/\($o.name)" end;
    .items[] | select(.kind == "Pod" and .status.phase != "Succeeded" and .status.phase != "Failed") | top' "$tmp/pods" | sort -u >"$tmp/needed"
is "$(wc -l <"$tmp/needed") $(comm -23 "$tmp/needed" "$tmp/listed")" '6 ' "every pod that takes room is of a workload that is listed"

# --- the fleet --------------------------------------------------------------------------------------------------------------
# There are no metrics here: usage is unknown, and the change of one workload is written into the recommendations.
line() {
    jq -c 'if .tare then .tare = "usage" elif .workload then .usage = null elif .end then del(.end.sha256) else . end' "$1" >"$tmp/usage" &&
        "$BIN/tare-analyze" -q <"$tmp/usage" 2>"$tmp/line.err" |
        jq -c 'if .workload.name == "bulk" then .recommendation.action = "resize" | .recommendation.containers = {c: {requests: {cpu_millicores: 400, memory_bytes: null}, limits: {cpu_millicores: null, memory_bytes: null}}}
            elif .end then del(.end.sha256) else . end' >"$tmp/recommendations" &&
        "$BIN/tare-price" -q --provider aws --region eu-west-1 --instance m5.large <"$tmp/recommendations" 2>>"$tmp/line.err" |
        "$BIN/tare-diff" -q 2>>"$tmp/line.err" | "$BIN/tare-report" --format json >"$tmp/report" 2>>"$tmp/line.err"
}
ok "the whole line on it" line "$tmp/inventory" || diag "$(<"$tmp/line.err")"
fleet() { jq -c ".fleet | $1" "$tmp/report"; }
is "$(fleet '[.known, .live, .nodes_today, .before.nodes, .after.nodes, .nodes_gone]')" '[true,true,9,6,4,2]' "the cluster's own nodes, without the control plane's" || diag "$(fleet .)"
is "$(fleet '[.pools[] | select(.nodes_today > 1) | [.name, .instance, .nodes_today, .before.nodes, .after.nodes]]')" '[["batch","c5.4xlarge",2,2,2],["main","m5.large",5,4,2]]' \
    "both nodes of the labelled pool stay for two pods that keep apart; of the others, the ones that the change frees go"
is "$(fleet '[.saving_microusd, (.before.monthly_microusd // 0) - (.after.monthly_microusd // 0)]')" "[$((2 * 107000 * 730)),$((2 * 107000 * 730))]" "what two nodes cost a month is saved" || diag "$(fleet .)"
is "$(fleet '[.before.unplaced, .after.unplaced]')" '[2,1]' "a port of the one node that is allowed can be had once"
is "$(fleet '.notes | map(select(test("control plane|cordoned or unready|belong to their node"))) | length')" 3 "and it is said which nodes and pods are not counted"
jq -c 'if .tare then .settings.parse.whole_cluster = false elif .end then del(.end.sha256) else . end' "$tmp/inventory" >"$tmp/part"
ok "the line on a part" line "$tmp/part"
is "$(fleet '[.known, .live]')" '[true,false]' "a part of the cluster is not counted against its nodes"

# --- who may see less -----------------------------------------------------------------------------------------------------
parse --kubeconfig "$admin" --namespace "$second"
is "$(header '[.whole_cluster, .nodes.total]')" '[false,10]' "one namespace is not the whole cluster; its nodes are told"
parse --kubeconfig "$admin" --selector 'team=storefront'
is "$(header '[.whole_cluster, .nodes.total]')" '[false,10]' "nor is a selection"
parse "$tmp/work.yaml" --target cluster --kubeconfig "$admin"
is "$rc $(header '[.whole_cluster, .nodes.total]')" '0 [false,10]' "manifests beside their cluster have its nodes"
kube_user kim
kube create clusterrole kim --verb=list --resource=namespaces,deployments.apps,statefulsets.apps,daemonsets.apps,pods,replicasets.apps,jobs.batch,cronjobs.batch,replicationcontrollers >/dev/null
kube create clusterrolebinding kim --clusterrole=kim --user=kim >/dev/null
for ((i = 0; i < 600; i++)); do kube auth can-i list deployments.apps --as=kim >/dev/null 2>&1 && break; sleep 0.1; done
((i < 600)) || diag "the role does not come into force"
parse --kubeconfig "$(kube_config certificate kim)"
is "$rc $(header '[.whole_cluster, has("nodes")]')" '0 [false,false]' "who may not list nodes, nor every kind of workload" || diag "$err"
is "$(jq -r 'select(.note) | select(.note.message | test("^nodes could not be listed: .*403")) | .note | [.outcome, .code] | join(" ")' "$tmp/inventory")" 'skipped not-listed' "is told so, and nothing else is missed"
kube get nodes -o yaml >"$tmp/nodes-list.yaml"
parse "$tmp/work.yaml" "$tmp/nodes-list.yaml"
is "$rc $(header 'has("nodes"), has("whole_cluster")' | tr '\n' ' ')$(tail -1 "$tmp/inventory" | jq -c .end.skipped)" '0 false false {"Node":10}' "nodes in a file are no workloads, and are counted as skipped"
done_testing
