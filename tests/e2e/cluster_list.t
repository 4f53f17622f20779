#!/bin/bash
# tare-parse on a real API server: what it lists is what was applied, whoever asks and by whichever credential.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
need jq curl
unset KUBECONFIG TARE_CONFIG TARE_NOW
kube_start "$tmp/server"
export HOME=$tmp
admin=$kube_dir/kubeconfig
manifests=$root/fixtures/demo/manifests
parse() { run "$BIN/tare-parse" "$@"; cp "$tmp/.out" "$tmp/inventory"; }
# The facts of an inventory by name; what the API server fills in by itself ($1: replicas, labels of Jobs) is filled in here.
facts() {
    jq -cS 'select(.workload) | .workload | [.namespace // "default", .kind, .name, .api_version,
        (.replicas // (if .kind | IN("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Job") then 1 else null end)),
        (if .kind | IN("Job", "ReplicationController") then null else .labels end), .annotations, .containers,
        (.autoscaler | if . == null then null else [.kind, .name, .min, .max] end), .namespace_annotations,
        (.disruption_budgets // [] | map(.name)), (.limit_ranges // [] | length), (.quotas // [] | length)]' "$1"
}
names() { jq -r 'select(.workload) | .workload | "\(.namespace)/\(.kind)/\(.name)"' "$tmp/inventory"; }
codes() { jq -r 'select(.note) | .note.code' "$tmp/inventory" | sort | uniq -c | tr -s ' \n' ' '; }

# --- the shop, from its files and from the cluster -----------------------------------------------------------------------
ok "the shop is applied" kube apply -f "$manifests/namespaces.yaml"
ok "with all it has" kube apply -R -f "$manifests"
parse --kubeconfig "$admin"
is "$rc" 0 "the cluster is listed" || diag "$err"
cp "$tmp/inventory" "$tmp/whole"
"$BIN/tare-parse" "$manifests" >"$tmp/files" 2>/dev/null
is "$(diff <(facts "$tmp/inventory" | sort) <(facts "$tmp/files" | sort))" '' "what is live is what the manifests say"
is "$(names | wc -l)" "$(jq -s '[.[] | select(.workload)] | length' "$tmp/files")" "each of them once"
is "$(names)" "$(names | LC_ALL=C sort -t/ -k1,1 -k2,2 -k3,3)" "by namespace, kind and name"
uid=$(kube get deployment cart -n shop -o 'jsonpath={.metadata.uid} {.metadata.resourceVersion}')
is "$(jq -r 'select(.workload.name == "cart") | .workload | "\(.live.uid) \(.live.resource_version)"' "$tmp/inventory")" "$uid" \
    "live has uid and resourceVersion"
is "$(jq -r 'select(.workload.name == "cart") | .workload | "\(.live.cluster_id) \(.source.object) \(.live.containers == .containers)"' "$tmp/inventory")" \
    "$(kube get namespace kube-system -o 'jsonpath={.metadata.uid}') shop/Deployment/cart true" "the cluster's id, the object's name, its containers"
is "$(jq -r 'select(.workload) | .workload.source | keys | join(",")' "$tmp/inventory" | sort -u)" object "source names the object alone"
# shellcheck disable=SC2094
is "$(sed 1d "$tmp/inventory" | "$BIN/tare-price" <"$tmp/inventory" 2>&1 >/dev/null | grep -c 'order')" 0 "the next stage takes the order"
unlike "$(<"$tmp/inventory")$err" "$(<"$kube_dir/tokens/admin")" "the token is nowhere"
like "$(head -1 "$tmp/inventory" | jq -c .settings.parse.kubernetes)" '"context":"test".*"server":"https://127' "the header says where it looked"

# --- what is listed, and what is its owner's ------------------------------------------------------------------------------
kube_namespace
cat >"$tmp/owned.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: $namespace, labels: {team: a}}
spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: canary, namespace: $namespace, labels: {team: b}}
spec: {replicas: 2, selector: {matchLabels: {app: r}}, template: {metadata: {labels: {app: r}}, spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 0.1}}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: $namespace, annotations: {tare.dev/skip: "true", odd: "a\u0085b\u007f\u2028c: [\uFEFF😀"}}
spec: {containers: [{name: c, image: i, resources: {limits: {memory: 64Mi}}}]}
YAML
# own KIND GROUP NAME OWNER-API OWNER-KIND OWNER-NAME UID: an object that a controller made.
own() {
    local spec='selector: {matchLabels: {o: o}}, template: {metadata: {labels: {o: o}}, spec: {containers: [{name: c, image: i}]}}'
    [[ $1 == Pod ]] && spec='containers: [{name: c, image: i}]'
    [[ $1 == Job ]] && spec='template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}'
    printf -- '---\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n  namespace: %s\n  ownerReferences: [{apiVersion: %s, kind: %s, name: %s, uid: "%s", controller: true}]\nspec: {%s}\n' \
        "$2" "$1" "$3" "$namespace" "$4" "$5" "$6" "$7" "$spec"
}
{
    own ReplicaSet apps/v1 web-1 apps/v1 Deployment web 1
    own ReplicaSet apps/v1 canary-1 argoproj.io/v1alpha1 Rollout canary 2
    own Pod v1 web-1-x apps/v1 ReplicaSet web-1 3
    own Job batch/v1 nightly-1 batch/v1 CronJob nightly 4
    own Pod v1 runner gitlab.example/v1 Runner ci 5
    own StatefulSet apps/v1 db postgres.example/v1 Cluster db 6
    own Pod v1 ended example/v1 Runner old 7
} >>"$tmp/owned.yaml"
ok "objects with owners are applied" kube apply -f "$tmp/owned.yaml"
ok "and one that has ended" kube patch pod ended -n "$namespace" --subresource=status --type=merge -p '{"status":{"phase":"Succeeded"}}'
parse --kubeconfig "$admin" --namespace "$namespace"
is "$(names | sed "s|$namespace/||" | tr '\n' ' ')" 'Deployment/web Pod/bare Pod/runner Rollout/canary StatefulSet/db ' \
    "bare pods and those of owners that are no workloads are listed; what a workload makes is not"
is "$(jq -c 'select(.workload.owner) | .workload.owner' "$tmp/inventory" | tr '\n' ' ')" \
    '{"api_version":"gitlab.example/v1","kind":"Runner","name":"ci"} {"api_version":"postgres.example/v1","kind":"Cluster","name":"db"} ' \
    "the owner is named"
is "$(jq -c 'select(.workload.name == "bare") | .workload.annotations, .problems' "$tmp/inventory" | tr '\n' ' ')" '{"tare.dev/skip":"true"} [] ' \
    "characters that YAML would not take as they are come through"
is "$(jq -c 'select(.workload.name == "canary") | .workload.containers[0].requests.cpu_millicores' "$tmp/inventory")" 100 "a number stays what it is"
parse --kubeconfig "$admin" --namespace "$namespace" --namespace shop --selector 'team in (b)'
is "$(names)" "$namespace/Rollout/canary" "a selector chooses among workloads"
parse --kubeconfig "$admin" --selector 'team in (('
is "$rc" 64 "a selector that is none is refused"
like "$err" 'unable to parse|labelSelector' "in the server's own words"
parse --kubeconfig "$admin" --namespace nowhere
is "$rc $(codes)" "65 " "a namespace that is not there, alone"
like "$err" 'no namespace "nowhere"' "is named as well"
parse --kubeconfig "$admin" --namespace nowhere --namespace shop
is "$rc$(codes)" "0 1 not-listed " "a namespace that is not there, beside one that is"
like "$(<"$tmp/inventory")" 'no namespace \\"nowhere\\"' "is named"

# --- manifests beside the cluster -----------------------------------------------------------------------------------------
cp -R "$manifests" "$tmp/tree"
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: not-there}\nspec: {containers: [{name: c, image: i}]}\n' >"$tmp/tree/new.yaml"
ok "one is scaled" kube set resources deployment cart -n shop --requests=cpu=777m
cd "$tmp" || exit 1
parse tree --target cluster --kubeconfig "$admin"
is "$(jq -r 'select(.workload.name == "cart") | .workload | "\(.source.file) \(.live.containers[0].requests.cpu_millicores) \(.containers[0].requests.cpu_millicores == 777)"' "$tmp/inventory")" \
    'tree/shop/cart.yaml 777 false' "each manifest's record has what is live"
is "$(jq -c 'select(.problems != [] and .workload) | [.workload.name, .workload.live, .problems[0].code]' "$tmp/inventory")" '["not-there",null,"not-live"]' \
    "what is not live is a problem"
parse tree --kubeconfig "$admin"
is "$rc" 64 "manifests and a cluster without --target cluster are refused"
printf 'manifests: [work]\n' >"$tmp/tare.yaml"
parse -c tare.yaml --kubeconfig "$admin" --namespace shop
is "$rc $(jq -r 'select(.workload) | .workload.source.object' "$tmp/inventory" | grep -c '^shop/')" "0 $(names | wc -l)" "--kubeconfig alone means the cluster, whatever the configuration lists"
printf 'kubernetes: {kubeconfig: server/kubeconfig, context: test, namespaces: [shop], selector: "app.kubernetes.io/name notin (x)"}\n' >"$tmp/tare.yaml"
parse -c tare.yaml
is "$rc $(head -1 "$tmp/inventory" | jq -c '.settings.parse.kubernetes | [.namespaces, .selector]')" '0 [["shop"],"app.kubernetes.io/name notin (x)"]' "the configuration says it all"

# --- every credential, and those that do not do ---------------------------------------------------------------------------
cp "$tmp/inventory" "$tmp/as-admin"
parse --kubeconfig "$admin" --namespace shop
records() { sed '1d;$d' "$tmp/inventory" | sha256sum; }
wanted=$(records)
kube_user robin team-a team-b
ok "robin may read" kube_grant robin
for kind in token token-file exec; do
    parse --kubeconfig "$(kube_config $kind reader)" --namespace shop
    is "$rc $(records)" "0 $wanted" "$kind: the same inventory" || diag "$err"
done
for kind in certificate certificate-files; do
    parse --kubeconfig "$(kube_config $kind robin)" --namespace shop
    is "$rc $(records)" "0 $wanted" "$kind: the same inventory" || diag "$err"
done
like "$(kube_requests robin | head -1)" ' tare/[0-9]' "the server knows who asks"
config=$(kube_config token reader)
KUBECONFIG=$tmp/none:$config parse --target cluster --namespace shop
is "$rc $(records)" "0 $wanted" "\$KUBECONFIG"
mkdir -p "$tmp/.kube" && cp "$config" "$tmp/.kube/config"
parse --target cluster --namespace shop
is "$rc $(records)" "0 $wanted" "~/.kube/config"

# A plugin whose first token has run out is asked once more.
good=$(<"$kube_dir/tokens/reader")
cat >"$tmp/plugin" <<SH
#!/bin/sh
n=\$(cat "$tmp/asked" 2>/dev/null); n=\$((n + 1)); echo \$n >"$tmp/asked"
token=stale; [ \$n -gt 1 ] && token=$good
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "\$token"
SH
chmod 755 "$tmp/plugin"
sed 's|^    exec:.*|    exec: {apiVersion: client.authentication.k8s.io/v1, command: ../plugin, interactiveMode: Never}|' "$(kube_config exec reader)" >"$tmp/users/relative"
parse --kubeconfig "$tmp/users/relative" --namespace shop
is "$rc $(records) $(<"$tmp/asked")" "0 $wanted 2" "a plugin's stale token is renewed" || diag "$err"

# A plugin may hand out a certificate, and be told of the cluster.
cat >"$tmp/plugin" <<SH
#!/bin/sh
printf '%s' "\$KUBERNETES_EXEC_INFO" >"$tmp/told"
jq -n --rawfile c "$tmp/users/robin.crt" --rawfile k "$tmp/users/robin.key" '{apiVersion: "client.authentication.k8s.io/v1", status: {clientCertificateData: \$c, clientKeyData: \$k}}'
SH
sed -i 's|interactiveMode|provideClusterInfo: true, &|' "$tmp/users/relative"
parse --kubeconfig "$tmp/users/relative" --namespace shop
is "$rc $(records) $(jq -r .spec.cluster.server "$tmp/told")" "0 $wanted $kube_url" "a plugin's certificate does as well" || diag "$err"

# In a pod: what Kubernetes mounts there, in a mount namespace of our own.
if unshare -rm true 2>/dev/null; then
    mkdir "$tmp/account" && cp "$kube_dir/tokens/reader" "$tmp/account/token" && cp "$kube_dir/pki/ca.crt" "$tmp/account/ca.crt"
    # shellcheck disable=SC2016
    KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=${kube_url##*:} HOME=$tmp/none run unshare -rm sh -c 'mount -t tmpfs none /run &&
        mkdir -p /run/secrets/kubernetes.io && ln -s "$1" /run/secrets/kubernetes.io/serviceaccount && exec "$2" --target cluster --namespace shop' \
        sh "$tmp/account" "$BIN/tare-parse"
    cp "$tmp/.out" "$tmp/inventory"
    is "$rc $(records)" "0 $wanted" "the account of a pod" || diag "$err"
else
    diag "the account of a pod is not tested here: there are no user namespaces"
fi

sed 's|^    token:.*|    token: "0123456789s3cret"|' "$config" >"$tmp/wrong"
parse --kubeconfig "$tmp/wrong"
is "$rc $(<"$tmp/inventory")" "69 " "a token that has run out: 69, and no artifact"
like "$err" '401.*hint: .*token' "with a hint"
unlike "$err" 's3cret' "and without the token"
parse --kubeconfig "$(kube_config token stranger)"
is "$rc" 69 "who may list nothing gets nothing"
like "$err" '403.*stranger.*hint: .*--namespace' "and is told what to ask for"
parse --kubeconfig "$config" --context elsewhere
is "$rc" 64 "a context that is not there"
like "$err" 'no context "elsewhere".*hint: .*test' "names those that are"
sed '/certificate-authority/d' "$config" >"$tmp/no-ca"
parse --kubeconfig "$tmp/no-ca"
is "$rc" 69 "an authority that nobody vouches for"
like "$err" 'certificate .*not trusted' "is said to be that"
sed 's|^    certificate-authority.*|&\n    tls-server-name: localhost|' "$config" >"$tmp/named"
parse --kubeconfig "$tmp/named" --namespace shop
is "$rc $(records)" "0 $wanted" "tls-server-name: another name of the certificate" || diag "$err"
sed -i 's|tls-server-name: .*|tls-server-name: other.test|' "$tmp/named"
parse --kubeconfig "$tmp/named"
is "$rc" 69 "tls-server-name: a name it does not have"
sed 's|^    certificate-authority.*|    insecure-skip-tls-verify: true|' "$config" >"$tmp/insecure"
parse --kubeconfig "$tmp/insecure"
is "$rc" 78 "insecure-skip-tls-verify is refused"
like "$err" 'insecure.*line 6.*hint: .*--insecure-skip-tls-verify' "unless it is asked for"
parse --kubeconfig "$tmp/insecure" --insecure-skip-tls-verify --namespace shop
is "$rc $(records)" "0 $wanted" "and then done"

# --- a role in one namespace is enough ------------------------------------------------------------------------------------
kube_user sam
ok "sam may read one namespace" kube_grant sam shop
sam=$(kube_config certificate sam)
parse --kubeconfig "$sam" --namespace shop
is "$rc" 0 "a role in the namespace is enough" || diag "$err"
is "$(jq -cS 'select(.workload) | .workload | del(.live.cluster_id)' "$tmp/inventory" | sha256sum)" \
    "$(jq -cS 'select(.workload) | .workload | del(.live.cluster_id)' "$tmp/as-admin" | sha256sum)" "to list all that is in it"
is "$(codes) $(jq -r 'select(.workload) | .workload.live.cluster_id' "$tmp/inventory" | sort -u)" " 2 not-listed  null" "the cluster's id is not his to know, nor its nodes, and notes say so"
is "$(jq -r 'select(.note) | .note | [.outcome, .message] | join(" ")' "$tmp/inventory" | grep -c '^error .*id is not known\|^skipped nodes could not')" 2 "the missing nodes spoil nothing"
parse --kubeconfig "$sam"
is "$rc" 69 "without --namespace he asks for more than he may"
like "$err" 'hint: .*--namespace' "and is told so"
kube create role few -n shop --verb=list --resource=deployments.apps >/dev/null
kube create rolebinding few -n shop --role=few --user=stranger >/dev/null
for ((i = 0; i < 600; i++)); do kube auth can-i list deployments.apps -n shop --as=stranger >/dev/null 2>&1 && break; sleep 0.1; done
((i < 600)) || diag "the role does not come into force"
parse --kubeconfig "$(kube_config token stranger)" --namespace shop
is "$rc $(jq -r 'select(.workload) | .workload.kind' "$tmp/inventory" | sort -u)" "0 Deployment" "who may list one kind gets that"
like "$(jq -r 'select(.note) | .note.message' "$tmp/inventory")" 'statefulsets of namespace shop could not be listed' "and a note for each other one"

# --- pages ----------------------------------------------------------------------------------------------------------------
kube_namespace
for ((i = 0; i < 600; i++)); do
    printf 'next\nurl = "%s/apis/apps/v1/namespaces/%s/deployments"\nheader = "Content-Type: application/json"\nheader = "Authorization: Bearer %s"\ncacert = "%s"\noutput = /dev/null\ndata = "%s"\n' \
        "$kube_url" "$namespace" "$(<"$kube_dir/tokens/admin")" "$kube_dir/pki/ca.crt" \
        "{\\\"metadata\\\":{\\\"name\\\":\\\"d$i\\\"},\\\"spec\\\":{\\\"selector\\\":{\\\"matchLabels\\\":{\\\"a\\\":\\\"b\\\"}},\\\"template\\\":{\\\"metadata\\\":{\\\"labels\\\":{\\\"a\\\":\\\"b\\\"}},\\\"spec\\\":{\\\"containers\\\":[{\\\"name\\\":\\\"c\\\",\\\"image\\\":\\\"i\\\"}]}}}}"
done | sed 1d >"$tmp/curl.conf"
curl -s -S --fail -K "$tmp/curl.conf" || diag "not all were made"
parse --kubeconfig "$config" --namespace "$namespace"
is "$rc $(names | wc -l) $(names | sort -u | wc -l)" "0 600 600" "600 objects, each once"
is "$(kube_requests reader | grep -c "/$namespace/deployments?limit=250.*continue=")" 2 "in three pages"
done_testing
