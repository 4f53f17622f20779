#!/usr/bin/env bash
# Where pods may run, as manifests say it: what is required comes into the record in one form, what is odd spoils no workload.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
cd "$tmp" || exit 1
unset TARE_CONFIG

parse() { run "$BIN/tare-parse" -q "$@"; cp "$tmp/.out" inventory; }
# deployment NAME NAMESPACE LABELS POD: a Deployment whose pods have these labels and what POD says.
deployment() {
    printf -- '---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: "%s"%s}\nspec: {template: {metadata: {labels: {%s}}, spec: {%s}}}\n' \
        "$1" "${2:+, namespace: $2}" "$3" "${4:+$4, }containers: [{name: c, image: i}]"
}
of() { jq -cS --arg name "$1" "select(.workload.name == \$name) | ${2:-.workload.scheduling}" inventory; }
# said POD: the scheduling of a Deployment, then the codes of its problems with their lines.
said() {
    deployment one '' '' "$1" >one.yaml
    parse one.yaml
    of one '[.workload.scheduling, (.problems | map(.code + " " + (.source.line | tostring)))]'
}

# --- every kind ---------------------------------------------------------------------------------------------------------------
{
    for kind in apps/v1=DaemonSet apps/v1=Deployment apps.openshift.io/v1=DeploymentConfig batch/v1=Job apps/v1=ReplicaSet v1=ReplicationController argoproj.io/v1alpha1=Rollout apps/v1=StatefulSet; do
        printf -- '---\napiVersion: %s\nkind: %s\nmetadata: {name: x}\nspec: {template: {spec: {nodeSelector: {a: b}, containers: [{name: c, image: i}]}}}\n' "${kind%=*}" "${kind#*=}"
    done
    printf -- '---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec: {schedule: "@daily", jobTemplate: {spec: {template: {spec: {nodeSelector: {a: b}, containers: [{name: c, image: i}]}}}}}\n'
    printf -- '---\napiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {nodeName: node-1, nodeSelector: {a: b}, containers: [{name: c, image: i}]}\n'
} >kinds.yaml
parse kinds.yaml
is "$(jq -r 'select(.workload.scheduling.node_selector.a == "b").workload.kind' inventory | wc -l)" 10 "of every kind of workload"
is "$(jq -c 'select(.workload.kind == "Pod").workload.scheduling' inventory)" '{"node_name":"node-1","node_selector":{"a":"b"}}' "a Pod in a file names its node"
is "$(jq -cS . inventory)" "$(cat inventory)" "the artifact is canonical"
is "$(said '')" '[null,[]]' "nothing where nothing is said"
is "$(said 'nodeSelector: {}, tolerations: [], affinity: {}, topologySpreadConstraints: null, hostNetwork: false, priorityClassName: ""')" '[null,[]]' "nor where it is empty"

# --- each of them ---------------------------------------------------------------------------------------------------------------
is "$(said 'nodeSelector: {b: "1", a: null}')" '[{"node_selector":{"a":"","b":"1"}},[]]' "a null value is the empty one"
is "$(said 'nodeSelector: {<<: {a: x, b: y}, b: z}')" '[{"node_selector":{"a":"x","b":"z"}},[]]' "merge keys count"
is "$(said 'tolerations: [{key: a, value: b, effect: NoExecute, tolerationSeconds: 5}, {operator: Exists}, {key: a, operator: Equal}]')" \
    '[{"tolerations":[{"effect":"NoExecute","key":"a","operator":"Equal","value":"b"},{"effect":null,"key":null,"operator":"Exists","value":null},{"effect":null,"key":"a","operator":"Equal","value":""}]},[]]' \
    "tolerations with what Kubernetes takes for granted"
is "$(said 'topologySpreadConstraints: [{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 1, topologyKey: host, whenUnsatisfiable: ScheduleAnyway}]')" \
    '[{"spread":[{"max_skew":2,"topology_key":"zone"}]},[]]' "a spread that is required, not one that is wished"
is "$(said 'overhead: {cpu: 0.25, memory: 120Mi}, priorityClassName: high')" '[{"overhead":{"cpu_millicores":250,"memory_bytes":125829120},"priority_class":"high"},[]]' "overhead and priority"
is "$(said 'affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [], requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [x, z]}, {key: size, operator: Gt, values: ["3"]}]}, {}, {matchFields: [{key: metadata.name, operator: In, values: [n1]}]}]}}}')" \
    '[{"node_affinity":[[{"key":"a","operator":"In","values":["x","z"]},{"key":"size","operator":"Gt","values":["3"]}],[{"key":"metadata.name","operator":"In","values":["n1"]}]]},[]]' \
    "affinity to nodes: any of the terms, an empty one is none"
is "$(said 'affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}]}}}')" '[{"node_affinity":[]},[]]' "terms that no node fits are not the same as none"
cat >ports.yaml <<'E'
apiVersion: apps/v1
kind: Deployment
metadata: {name: ports}
spec:
  template:
    spec:
      initContainers:
        - {name: ends, image: i, ports: [{hostPort: 1}]}
        - {name: stays, image: i, restartPolicy: Always, ports: [{hostPort: 9}]}
      containers: [{name: c, image: i, ports: [{containerPort: 80}, {hostPort: 443, containerPort: 8443}, {hostPort: 9, protocol: UDP}, {hostPort: 0}]}]
E
parse ports.yaml
is "$(of ports)" '{"host_ports":[9,443]}' "ports of the node, of containers that stay"
sed -i 's/      containers/      hostNetwork: true\n&/' ports.yaml
parse ports.yaml
is "$(of ports)" '{"host_ports":[9,80,443]}' "all of them where the pod has the node's network"

# --- affinity to pods -------------------------------------------------------------------------------------------------------------
# term SORT KEYS: a required term.
term() { printf 'affinity: {%s: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: t, %s}]}}' "$1" "$2"; }
# meant TERM [SORT]: self, others and more of the Deployment "me" (of shop, app: me) in a small world.
meant() {
    {
        deployment me shop 'app: me, rev: "1"' "$(term "${2:-podAntiAffinity}" "$1")"
        cat world.yaml
    } >with.yaml
    parse with.yaml
    of me '.workload.scheduling | (.anti_affinity // .affinity // [])[] | [.self, .others, .more]'
}
{
    deployment web shop 'app: web, rev: "1"'
    deployment db shop 'app: db'
    deployment plain shop ''
    deployment web data 'app: web'
    deployment me data 'app: me'
    deployment web unseen 'app: web'
    deployment web '' 'app: web'
    printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: front}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: data, labels: {tier: back}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n'
} >world.yaml
web='labelSelector: {matchLabels: {app: web}}'
is "$(meant "$web")" '[false,["Deployment/web"],null]' "others of its own namespace"
is "$(meant 'labelSelector: {matchLabels: {app: me}}')" '[true,[],null]' "itself; the same name elsewhere is another"
is "$(meant 'labelSelector: {matchLabels: {app: me}}' podAffinity)" '[true,[],null]' "affinity, too"
is "$(meant 'labelSelector: {}')" '[true,["Deployment/db","Deployment/plain","Deployment/web"],null]' "an empty selector means all, of any labels"
is "$(meant 'namespaceSelector: {}')" '[false,[],null]' "no selector means nobody"
is "$(meant 'labelSelector: {matchExpressions: [{key: app, operator: In, values: [web, db, web]}, {key: rev, operator: DoesNotExist}]}')" '[false,["Deployment/db"],null]' "all conditions have to hold"
is "$(meant "labelSelector: {matchExpressions: [{key: app, operator: In, values: [$(printf 'web, %.0s' {1..40})]}]}")" '[false,["Deployment/web"],null]' "a value that is there 40 times means no more pods than once"
is "$(meant 'labelSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web, db]}]}')" '[true,["Deployment/plain"],null]' "one without the label is not in"
is "$(meant 'labelSelector: {matchExpressions: [{key: rev, operator: Exists}]}')" '[true,["Deployment/web"],null]' "a label with any value"
is "$(meant "namespaces: [data, data, nowhere], $web")" '[false,["data/Deployment/web"],null]' "namespaces by name, in place of its own"
is "$(meant "namespaces: [data, shop], labelSelector: {matchLabels: {app: me}}")" '[true,["data/Deployment/me"],null]' "its own among them"
is "$(meant "namespaceSelector: {matchLabels: {tier: back}}, $web")" '[false,["data/Deployment/web","unseen/Deployment/web"],null]' \
    "namespaces by label; one whose Namespace was not seen may have it, one that was seen has not"
is "$(meant "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: data}}, $web")" '[false,["data/Deployment/web"],null]' "each has its name as a label"
is "$(meant "namespaceSelector: {}, namespaces: [shop], $web")" \
    '[false,["Deployment/web","data/Deployment/web","default/Deployment/web","unseen/Deployment/web"],null]' "all of them, once; an unnamed one is the default"
is "$(meant 'matchLabelKeys: [rev, other], labelSelector: {matchExpressions: [{key: app, operator: Exists}]}')" '[true,["Deployment/web"],null]' "keys whose values are the pod's own"
is "$(meant 'mismatchLabelKeys: [rev], labelSelector: {matchExpressions: [{key: app, operator: Exists}]}')" '[false,["Deployment/db"],null]' "or are not"
deployment me shop 'app: me' "$(term podAntiAffinity "$web")" >a.yaml
cp a.yaml b.yaml
parse a.yaml b.yaml world.yaml
is "$(jq -c 'select(.workload.name == "me" and .workload.namespace == "shop") | [.workload.scheduling.anti_affinity[0].others, [.problems[].code]]' inventory | sort -u)" '[["Deployment/web"],["duplicate-identity"]]' "the same manifest twice"
for i in $(seq 40); do deployment "w$i" shop 'app: web'; done >more.yaml
cat more.yaml >>world.yaml
is "$(meant "$web" | jq -c '[(.[1] | length), .[2]]')" '[32,true]' "32 are listed, and it is said that there are more"
for i in $(seq 200); do deployment me "n$i" 'app: me'; done >world.yaml
is "$(meant 'namespaceSelector: {}, labelSelector: {matchLabels: {app: me}}' | jq -c '[.[0], (.[1] | length), .[2]]')" '[true,32,true]' "itself is told however many others there are"
is "$(meant "namespaces: [$(printf 'n%d, ' {1..40})], namespaceSelector: {}, labelSelector: {matchLabels: {app: me}}" | jq -c '[.[0], (.[1] | length), .[2]]')" '[true,32,true]' \
    "also behind namespaces by name"

# The record's canonical text, also with problems beside.
deployment me shop 'app: me' "$(term podAntiAffinity "$web"), nodeSelector: 5" >odd.yaml
parse odd.yaml world.yaml
is "$(jq -cS . inventory)" "$(cat inventory)" "the artifact is canonical"
is "$(of me 'select(.workload.namespace == "shop") | [(.workload.scheduling | keys), .workload.scheduling.anti_affinity[0].self]')" '[["anti_affinity"],false]' "what is odd is left out, the rest is there"

# --- what is odd ------------------------------------------------------------------------------------------------------------------
# odd POD CODES NAME: the workload is there, without that part and with a problem.
odd() { is "$(said "$1, priorityClassName: p")" "[{\"priority_class\":\"p\"},[$2]]" "$3"; }
one='"bad-value 5"'
odd 'nodeSelector: [a]' "$one" "nodeSelector that is a list"
odd 'nodeSelector: {a: [b]}' "$one" "a value that is a list"
odd 'nodeSelector: {a: true}' "$one" "a truth value that the API refuses"
odd 'nodeSelector: {a: "x\u0007y"}' "$one" "a control byte"
odd "nodeSelector: {a: $(printf 'x%.0s' {1..600})}" "$one" "a value that is too long"
odd 'nodeName: {a: b}' "$one" "nodeName that is a mapping"
odd 'affinity: "{{ affinity }}"' "$one" "affinity that is a text"
odd 'affinity: {nodeAffinity: 5, podAffinity: [], podAntiAffinity: x}' "$one,$one,$one" "each of its parts"
required() { printf 'affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}, %s]}}}' "$1"; }
odd "$(required '{matchExpressions: [{key: a, operator: Like, values: [b]}]}')" "$one" "an unknown operator takes the whole of the alternatives with it"
odd "$(required '{matchExpressions: [{key: a, operator: Gt, values: ["1", "2"]}]}')" "$one" "two values to be greater than"
odd "$(required '{matchExpressions: [{operator: Exists}]}')" "$one" "no key"
odd "$(required '{matchExpressions: {a: b}}')" "$one" "conditions that are a mapping"
odd "$(required '{matchExpressions: [{key: a, operator: In, values: [1]}]}')" "$one" "a number where the API wants a text"
odd "$(required '{matchFields: [5]}')" "$one" "a number in the place of a condition"
odd 'tolerations: [{key: a, operator: Like}, {key: b, effect: Sometimes}, {}, 7]' "$one,$one,$one,$one" "tolerations that are none"
odd 'topologySpreadConstraints: [{maxSkew: 0, topologyKey: z, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 1}, []]' "$one,$one,$one" "spreads that are none"
odd 'overhead: {cpu: lots}' '"bad-quantity 5"' "overhead that is no amount"
odd 'hostNetwork: maybe' "$one" "hostNetwork that is no truth value"
odd "$(term podAntiAffinity 'labelSelector: {matchExpressions: [{key: a, operator: Gt, values: ["1"]}]}')" "$one" "an operator that is of nodes only"
odd "$(term podAntiAffinity 'labelSelector: 5')" "$one" "a selector that is a number"
odd "$(term podAffinity 'namespaces: [5]')" "$one" "a namespace that is a number"
odd "$(term podAffinity 'topologyKey: x')" '"duplicate-key 5","duplicate-key 5"' "a key twice"
odd 'affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [5, {labelSelector: {}}]}}' "$one,$one" "terms without topologyKey"
is "$(said "tolerations: [$(printf '{key: a, operator: Like}, %.0s' {1..30}){key: good, operator: Exists}]" | jq -c '[.[0], (.[1] | length)]')" \
    '[{"tolerations":[{"effect":null,"key":"good","operator":"Exists","value":null}]},20]' "30 odd ones: 20 are told, none is taken"

# --- how much ---------------------------------------------------------------------------------------------------------------------
many() { local i; for ((i = 0; i < $1; i++)); do printf "$2, " "$i"; done; }
is "$(said "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [$(many 10000 '{topologyKey: t%d, labelSelector: {}}')]}}" | jq -c '[(.[0].anti_affinity | length), .[1]]')" \
    '[32,["size-limit 5"]]' "10,000 terms: 32, and a problem"
is "$(said "$(term podAntiAffinity "labelSelector: {matchExpressions: [$(many 1000 '{key: k%d, operator: Exists}')]}")")" '[null,["bad-value 5"]]' "a selector of 1,000 expressions is left out"
is "$(said "$(term podAntiAffinity "labelSelector: {matchExpressions: [{key: k, operator: In, values: [$(many 1001 'v%d')]}]}")")" '[null,["bad-value 5"]]' "and one of 1,001 values"
is "$(said "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [$(many 20 "{topologyKey: t%d, labelSelector: {matchExpressions: [{key: k, operator: NotIn, values: [$(many 90 v)]}]}}")]}}" | jq -c '[(.[0].anti_affinity | length), .[1][0]]')" \
    '[10,"size-limit 5"]' "terms that are long together"
is "$(said "$(required "$(many 100 '{matchExpressions: [{key: k%d, operator: Exists}]}')")")" '[null,["size-limit 5"]]' "100 alternatives of nodes"
is "$(said "$(required "{matchExpressions: [{key: k, operator: In, values: [$(many 2000 'v%d')]}]}")")" '[null,["size-limit 5"]]' "one of 2,000 values"
is "$(said "nodeSelector: {$(many 1000 'k%d: v')}" | jq -c '[(.[0].node_selector | length), .[1]]')" '[64,["size-limit 5"]]' "1,000 labels of nodes"
is "$(said "tolerations: [$(many 10000 '{key: k%d, operator: Exists}')]" | jq -c '[(.[0].tolerations | length), .[1]]')" '[64,["size-limit 5"]]' "10,000 tolerations"
is "$(said "hostNetwork: true, initContainers: [{name: s, image: i, restartPolicy: Always, ports: [$(for ((i = 1; i < 200; i++)); do printf '{containerPort: %d}, ' "$i"; done)]}]" | jq -c '[(.[0].host_ports | length), .[1]]')" '[64,["size-limit 5"]]' "200 ports of the node"

# Selectors that have to look at everybody do not take forever.
for ((i = 0; i < 3000; i++)); do printf -- '---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d, labels: {app: a}}\nspec: {%s, containers: [{name: c, image: i}]}\n' "$i" "$(((i % 10)) || term podAntiAffinity 'labelSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}')"; done |
    sed 's/spec: {, /spec: {/' >crowd.yaml
parse crowd.yaml
is "$rc $(jq -c 'select(.workload.scheduling) | .workload.scheduling.anti_affinity[0] | [.others, .more]' inventory | sort | uniq -c | tr -s ' ')" '0  300 [[],true]' "2,000 are looked at for a term"
done_testing
