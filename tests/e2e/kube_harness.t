#!/bin/bash
# The Kubernetes that other tests stand on: the API server is real, people come in by each kind of credential, helm and kustomize run.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
need jq openssl curl
kube_shared

like "$(kube version -o json | jq -r .serverVersion.gitVersion)" '^v1\.[0-9]+\.[0-9]+$' "the API server tells its version"
kube_namespace
isnt "$namespace" "" "a namespace of its own"

cat >"$tmp/objects.yaml" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1", resources: {requests: {cpu: 250m}}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: canary}
spec: {replicas: 3, strategy: {canary: {}}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: scaled}
spec: {scaleTargetRef: {name: web}}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: sized}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: apps.openshift.io/v1
kind: DeploymentConfig
metadata: {name: shift}
spec: {replicas: 1}
YAML
ok "kubectl apply" kube apply -n "$namespace" -f "$tmp/objects.yaml"
is "$(kube get -n "$namespace" deployment web -o jsonpath='{.spec.template.spec.containers[0].resources.requests.cpu}')" 250m "and what was applied is there"
is "$(kube get -n "$namespace" rollout canary -o jsonpath='{.spec.replicas}')" 3 "with the fields of kinds that are not Kubernetes' own"

as() { kubectl --kubeconfig="$(kube_config "$1" "$2")" "${@:3}"; }
kube_user alice developers
for kind in certificate certificate-files; do
    run as "$kind" alice auth whoami -o json
    is "$(jq -r '.status.userInfo | .username, .groups[0]' <<<"$out")" $'alice\ndevelopers' "$kind: the server knows alice and her group"
    run as "$kind" alice get deployments -n "$namespace"
    like "$err" "Forbidden" "$kind: she may nothing that was not granted"
done
kube_grant alice "$namespace"
run as certificate alice get deployments -n "$namespace" -o name
is "$out" deployment.apps/web "what she is granted, she may"
for kind in token token-file exec; do
    run as "$kind" reader get deployments,rollouts -n "$namespace" -o name
    is "$out" $'deployment.apps/web\nrollout.argoproj.io/canary' "$kind: the reader may list"
done
run as token reader delete deployment web -n "$namespace"
like "$err" "Forbidden" "and not delete"
run as token stranger get namespaces
like "$err" "Forbidden" "the stranger may nothing"
run curl --silent --noproxy '*' --cacert "$kube_dir/pki/ca.crt" -H 'Authorization: Bearer wrong' -o /dev/null -w '%{http_code}' "$kube_url/api/v1/pods"
is "$out" 401 "a wrong token is refused"
like "$(kube_requests alice)" "200 list /apis/apps/v1/namespaces/$namespace/deployments\?limit=500 kubectl/" "requests can be counted"

mkdir -p "$tmp/chart/templates" "$tmp/kustom"
printf 'apiVersion: v2\nname: shop\nversion: 1.0.0\n' >"$tmp/chart/Chart.yaml"
printf 'cpu: 300m\n' >"$tmp/chart/values.yaml"
printf 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: "{{ .Release.Name }}"}\ndata: {cpu: "{{ .Values.cpu }}", for: "{{ .Capabilities.KubeVersion }}"}\n' >"$tmp/chart/templates/map.yaml"
run helm template here "$tmp/chart" --set cpu=400m
is "$(jq -Rrs 'contains("name: \"here\"") and contains("cpu: \"400m\"")' <<<"$out")" true "helm template renders a chart"
like "$out" "for: \"$(kube version -o json | jq -r '.serverVersion.gitVersion' | cut -d. -f1-2)\." "for the Kubernetes that the server is"
run helm version --short
like "$out" '^v3\.' "by the Helm that was pinned"
printf 'namePrefix: pre-\nresources: [map.yaml]\n' >"$tmp/kustom/kustomization.yaml"
printf 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: map}\n' >"$tmp/kustom/map.yaml"
run kustomize build "$tmp/kustom"
like "$out" 'name: pre-map' "kustomize build renders a folder"
run kustomize version
like "$out" '^v5\.' "by the kustomize that was pinned"

# A server of one's own goes on with its data; stopping it ends both processes.
shared_url=$kube_url
kube_start "$tmp/own"
isnt "$kube_url" "$shared_url" "a server of one's own beside the shared one"
kube create namespace kept >"$tmp/kept.log" 2>&1
pids=$(cat "$tmp"/own/*.pid)
kube_stop "$tmp/own"
is "$(for pid in $pids; do tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline"; done)" "" "it ends when it is told to"
kube_start "$tmp/own" kube-controller-manager kube-scheduler
is "$(kube get namespace kept -o name)" namespace/kept "and another start goes on with its data"
kube apply -n kept -f "$tmp/objects.yaml" >"$tmp/apply.log" 2>&1
ok "controllers, when asked for, act" kube wait -n kept deployment/web --for=jsonpath='{.status.unavailableReplicas}'=2 --timeout=180s
done_testing
