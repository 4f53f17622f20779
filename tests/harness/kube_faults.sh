# What a cluster refuses and how it fails, for tests in bash: source it after kube.sh. The webhook and the proxy are in kube_between.sh.
#
#   kube_operator USER [WITHOUT]        USER may do all that an apply needs, in the whole cluster; WITHOUT: but not write this resource
#                                       (deployments, pods/resize, horizontalpodautoscalers …). In force when it returns
#   kube_account NAME                   a service account that may do the same; its token is for `kube_config account NAME`
#   kube_account_end NAME               its token is worth nothing any more, when this returns
#   kube_user_until NAME SECONDS        as kube_user, but the certificate is over after that time
#   kube_quota KEY=VALUE…               a ResourceQuota in $namespace (requests.cpu=2 …), in force when it returns; kube_quota_off
#   kube_limits KEY=VALUE…              a LimitRange of containers (min.cpu= max.memory= default.cpu= …), in force likewise; kube_limits_off
#   kube_policy NAME CEL [MESSAGE]      a ValidatingAdmissionPolicy: CEL must be true of `object` at every update of a workload in $namespace;
#                                       in force when it returns; kube_policy_off NAME
#   kube_hold PROGRAM, kube_go PROGRAM  etcd (or another program) stands still, and goes on
#   kube_restart PROGRAM                ends it and starts it again, where it was

# kube_until COMMAND…: tries for two minutes.
kube_until() {
    local i
    for ((i = 0; i < 1200; i++)); do
        "$@" >>"$tmp/until.log" 2>&1 && return 0
        sleep 0.1
    done
    diag "never came true: $*" "$(tail -3 "$tmp/until.log")"
    return 1
}
kube_until_not() { kube_until kube_fails "$@"; }
kube_fails() { ! "$@"; }

# What an apply reads and writes, but WITHOUT.
kube_operator_rules() {
    local without=${1-} rule
    printf 'rules:\n'
    printf -- '- {apiGroups: %s, resources: %s, verbs: [get, list, watch]}\n' '[""]' '[namespaces, nodes, pods, replicationcontrollers, limitranges, resourcequotas, services]' \
        '[apps, batch, autoscaling, policy, autoscaling.k8s.io, argoproj.io, keda.sh, apps.openshift.io]' '["*"]'
    for rule in ':pods pods/resize replicationcontrollers' 'apps:deployments statefulsets daemonsets replicasets' 'batch:cronjobs' 'autoscaling:horizontalpodautoscalers' \
        'autoscaling.k8s.io:verticalpodautoscalers' 'keda.sh:scaledobjects' 'argoproj.io:rollouts' 'apps.openshift.io:deploymentconfigs'; do
        printf '%s\n' ${rule#*:} | grep -v -x -F -- "${without:-none}" | tr '\n' ',' |
            sed "s/,\$//; s|.*|- {apiGroups: [\"${rule%%:*}\"], resources: [&], verbs: [create, update, patch, delete]}\n|"
    done
}

kube_operator() {
    local user=$1 without=${2-} subject=${3:-"{apiGroup: rbac.authorization.k8s.io, kind: User, name: $1}"} name
    name=${namespace:-all}-operator-$user
    at_exit kube delete clusterrole,clusterrolebinding "$name" --ignore-not-found
    {
        printf 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: %s}\n' "$name"
        kube_operator_rules "$without"
        printf -- '---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: %s}\n' "$name"
        printf 'roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}\nsubjects: [%s]\n' "$name" "$subject"
    } >"$tmp/operator.yaml"
    kube apply -f "$tmp/operator.yaml" >"$tmp/operator.log" 2>&1 || { diag "$(<"$tmp/operator.log")"; return 1; }
    case $subject in
        *ServiceAccount*) kube_until kube auth can-i patch cronjobs.batch --as="system:serviceaccount:$namespace:$user" ;;
        *) kube_until kube auth can-i list deployments.apps --as="$user" ;;
    esac
}

kube_account() {
    kube create serviceaccount "$1" -n "$namespace" >"$tmp/account.log" 2>&1 || return
    kube_operator "$1" "${2-}" "{kind: ServiceAccount, name: $1, namespace: $namespace}" || return
    mkdir -p "$tmp/users"
    (umask 077 && kube create token "$1" -n "$namespace" >"$tmp/users/$1.token" 2>"$tmp/account.log")
}

# The API server believes a token for some seconds longer than it is true.
kube_account_end() {
    kube delete serviceaccount "$1" -n "$namespace" >"$tmp/account.log" 2>&1
    kube_until kube_unauthorized "$(kube_config account "$1")"
}
# One that fails for another reason (a busy server) says nothing of the credential.
kube_unauthorized() { kubectl --kubeconfig="$1" get pods -n "$namespace" 2>&1 | grep -E 'Unauthorized|logged in'; }

kube_user_until() {
    local name=$1 seconds=$2 pki=$kube_dir/pki here=$tmp/users/ca-$1
    mkdir -p "$here" && : >"$here/index" && echo 01 >"$here/serial"
    printf '[ca]\ndefault_ca=us\n[us]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\norganizationName=optional\n[use]\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n' \
        "$here/index" "$here/serial" "$here" >"$here/ca.conf"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj "/CN=$name" -keyout "$tmp/users/$name.key" -out "$here/request" \
        2>"$here/log" &&
        openssl ca -batch -notext -config "$here/ca.conf" -extensions use -cert "$pki/ca.crt" -keyfile "$pki/ca.key" -in "$here/request" \
            -enddate "$(date -u -d "+$seconds seconds" +%Y%m%d%H%M%SZ)" -out "$tmp/users/$name.crt" 2>>"$here/log"
}

# kube_spread PREFIX KEY=VALUE…: those that begin with PREFIX, as members of a YAML map.
kube_spread() {
    local prefix=$1 word key
    shift
    for word in "$@"; do
        key=${word%%=*}
        [[ $key != "$prefix"* ]] || printf '%s: "%s", ' "${key#"$prefix"}" "${word#*=}"
    done
}

kube_quota() {
    printf 'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: planted, namespace: %s}\nspec: {hard: {%s}}\n' "$namespace" "$(kube_spread '' "$@")" |
        kube apply -f - >"$tmp/quota.log" 2>&1 || { diag "$(<"$tmp/quota.log")"; return 1; }
    # Without controllers nobody fills the status: then it is not waited for.
    [[ ! -e $kube_dir/kube-controller-manager.pid ]] || kube_until kube_quota_counted
}
kube_quota_counted() { kube get resourcequota planted -n "$namespace" -o json | jq -e .status.hard; }
kube_quota_off() { kube delete resourcequota planted -n "$namespace" >"$tmp/quota.log" 2>&1; }

kube_limits_text() {
    printf 'apiVersion: v1\nkind: LimitRange\nmetadata: {name: planted, namespace: %s}\nspec: {limits: [{type: Container' "$namespace"
    local part
    for part in min max default defaultRequest; do
        printf ', %s: {%s}' "$part" "$(kube_spread "$part." "$@")"
    done
    printf '}]}\n'
}
kube_limits() {
    kube_limits_text "$@" | kube apply -f - >"$tmp/limits.log" 2>&1 || { diag "$(<"$tmp/limits.log")"; return 1; }
    kube_until kube_limited
}
kube_limits_off() {
    kube delete limitrange planted -n "$namespace" >"$tmp/limits.log" 2>&1
    kube_until_not kube_limited
}
# Whether a pod that asks for nothing is refused, or given something.
kube_limited() {
    local pod='{"apiVersion":"v1","kind":"Pod","metadata":{"name":"probe"},"spec":{"containers":[{"name":"app","image":"x"}]}}'
    if pod=$(kube create --dry-run=server -n "$namespace" -o json -f - 2>&1 <<<"$pod"); then
        jq -e '.spec.containers[0].resources | length > 0' <<<"$pod"
    else
        grep -E '(minimum|maximum) .* per Container' <<<"$pod"
    fi
}

# The place of a workload's pod template in CEL: object.spec.template or that of a CronJob.
kube_policy() {
    local name=$1 cel=$2 message=${3:-"planted: $1"} full=$namespace-$1
    at_exit kube delete validatingadmissionpolicybinding,validatingadmissionpolicy "$full" --ignore-not-found
    cat >"$tmp/policy.yaml" <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: $full}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $namespace}}
    resourceRules:
    - {apiGroups: [apps, batch], apiVersions: ["*"], operations: [UPDATE], resources: [deployments, statefulsets, daemonsets, cronjobs]}
    - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [configmaps]}
  validations:
  - expression: $(jq -n --arg cel "object.kind == 'ConfigMap' ? !has(object.data) : ($cel)" '$cel')
    message: $(jq -n --arg message "$message" '$message')
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: $full}
spec: {policyName: $full, validationActions: [Deny]}
YAML
    # A ConfigMap of its own tells when the policy is in force: it may not get data then.
    kube create configmap "probe-$name" -n "$namespace" >"$tmp/policy.log" 2>&1
    kube apply -f "$tmp/policy.yaml" >>"$tmp/policy.log" 2>&1 || { diag "$(<"$tmp/policy.log")"; return 1; }
    kube_until kube_denied "probe-$name"
}

kube_policy_off() {
    kube delete validatingadmissionpolicybinding,validatingadmissionpolicy "$namespace-$1" --ignore-not-found >"$tmp/policy.log" 2>&1
    kube_until kube patch configmap "probe-$1" -n "$namespace" --dry-run=server --type=merge -p '{"data":{"x":"y"}}'
}

# Whether ConfigMap $1 may not get data for what was planted, and not because the server is busy.
kube_denied() { kube patch configmap "$1" -n "$namespace" --dry-run=server --type=merge -p '{"data":{"x":"y"}}' 2>&1 | grep -F denied; }

kube_hold() { "$cluster_dir/server.sh" hold "$kube_dir" "$1"; }
kube_go() { "$cluster_dir/server.sh" go "$kube_dir" "$1"; }
kube_restart() {
    "$cluster_dir/server.sh" stop "$kube_dir" "$1" &&
        "$cluster_dir/server.sh" start "$kube_dir" "${kube_programs[@]}" >"$tmp/restart.log" 2>&1 6>&- 7>&- 8>&-
}
