# Kubernetes for tests in bash: source it after tap.sh. The programs come from tests/cluster (see there).
#
#   kube_tools                 PATH begins with helm, kustomize and kubectl of the pinned versions
#   kube_shared                the API server all tests share (kept for the whole of .ci/check); objects in a namespace of your own
#   kube_cluster               the whole control plane all tests share: controllers, scheduler, and kwok, so that pods run
#                              (tests/cluster/stages.yaml); its workloads are made by kube_workloads.sh
#   kube_start DIR [PROGRAM…]  one of your own, ended with the test; kube_stop DIR ends it earlier, another kube_start goes on with its data
#   kube ARGUMENT…             kubectl as admin of the one that was named last; $kube_dir, $kube_url
#   kube_kinds                 in a server of your own: VerticalPodAutoscaler and ScaledObject as their makers define them, in the place of kinds.yaml
#   kube_namespace             a new namespace in $namespace
#   kube_user NAME [GROUP…]    a client certificate for a user of any name in groups of any name
#   kube_config KIND USER      prints a kubeconfig by which USER comes in; KIND is one of
#                                certificate, certificate-files   (USER made by kube_user)
#                                token, token-file, exec          (admin: may everything; reader: may list; stranger: may nothing)
#                                account                          (USER made by kube_account of kube_faults.sh)
#   kube_grant USER [NAMESPACE]  lets a user list what "reader" may (the API server alone does not fill the role "view")
#   kube_requests USER         what USER asked so far, a line each: code, verb, URI, user agent
#
# A test whose machine can have no control plane (no Go) is skipped as a whole, and fails where CI=true.

cluster_dir=$root/tests/cluster
# Asked now: a test may change HOME.
CLUSTER_TOOLS=$("$cluster_dir/tools.sh" path) || CLUSTER_TOOLS=''
export CLUSTER_TOOLS
kube_programs=(kube-controller-manager kube-scheduler kwok)
kube_dir='' kube_url='' namespace=''

# Ends a test that this machine cannot run; where CI=true it has failed.
kube_skip() {
    tap_done=1
    if [[ ${CI:-} == true ]]; then
        echo "Bail out! $1 (hint: make cluster-tools)"
        exit 1
    fi
    echo "1..0 # SKIP $1 (hint: make cluster-tools)"
    exit 0
}

kube_tools() {
    if [[ -n $CLUSTER_TOOLS ]]; then
        [[ :$PATH: == *:$CLUSTER_TOOLS:* ]] || PATH=$CLUSTER_TOOLS:$PATH
        return 0
    fi
    kube_skip "helm, kustomize and the control plane are not built"
}

# Kinds of others than Kubernetes' own, and what a reader may, once a server.
kube_furnish() {
    (
        flock 6
        [[ -e $kube_dir/furnished ]] && exit 0
        kube apply -f "$cluster_dir/kinds.yaml" -f "$cluster_dir/reader.yaml" &&
            kube wait --for=condition=established --timeout=120s -f "$cluster_dir/kinds.yaml" &&
            : >"$kube_dir/furnished"
    ) 6>"$kube_dir/furnish.lock" >"$tmp/furnish.log" 2>&1
}

kube_start() {
    kube_tools
    kube_dir=$(realpath -m -- "$1")
    shift
    at_exit "$cluster_dir/server.sh" stop "$kube_dir"
    kube_ready "$@"
}

kube_stop() { "$cluster_dir/server.sh" stop "$1"; }

kube_shared() { kube_share server; }

kube_cluster() {
    "$cluster_dir/tools.sh" kwok >/dev/null || kube_skip "kwok is not built"
    kube_share plane "${kube_programs[@]}"
}

# kube_share NAME [PROGRAM…]: the server NAME of all tests of this build.
kube_share() {
    local shared
    kube_tools
    shared=$(dirname "$BIN")/check-cluster
    mkdir -p "$shared"
    exec 8>"$shared/users.lock"
    flock -s 8
    kube_dir=$shared/$1
    at_exit kube_leave "$shared"
    shift
    kube_ready "$@"
}

kube_ready() {
    if ! kube_url=$("$cluster_dir/server.sh" start "$kube_dir" "$@" 2>"$tmp/server.log" 6>&- 7>&- 8>&-) || ! kube_furnish; then
        cat "$tmp/server.log" "$tmp/furnish.log" 2>/dev/null | sed 's/^/# /'
        echo "Bail out! no Kubernetes API server"
        exit 1
    fi
}

# Tests run side by side: the last one out ends the servers in folder $1.
kube_leave() {
    local name
    flock -u 8
    flock -n -x 8 || return 0
    for name in server plane; do
        [[ ! -d $1/$name ]] || { "$cluster_dir/server.sh" stop "$1/$name" && rm -rf "${1:?}/$name"; }
    done
}

kube() { kubectl --kubeconfig="$kube_dir/kubeconfig" "$@"; }

kube_namespace() {
    namespace=test-$(openssl rand -hex 5)
    kube create namespace "$namespace" >"$tmp/namespace.log" 2>&1
}

kube_user() {
    local name=$1 subject='' group pki=$kube_dir/pki
    shift
    for group in "$@"; do subject+="/O=$group"; done
    mkdir -p "$tmp/users"
    openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj "$subject/CN=$name" \
        -addext "basicConstraints=critical,CA:FALSE" -addext "extendedKeyUsage=clientAuth" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" \
        -keyout "$tmp/users/$name.key" -out "$tmp/users/$name.crt" 2>"$tmp/users/openssl.log"
}

# Returns when the definitions are in force: what they do not allow is refused then.
kube_kinds() {
    local folder i
    folder=$("$cluster_dir/tools.sh" kinds 2>"$tmp/kinds.log") || kube_skip "the definitions of kinds could not be fetched"
    kube apply --server-side --force-conflicts -f "$folder" >"$tmp/kinds.log" 2>&1 || return
    kube wait --for=condition=established --timeout=120s -f "$folder" >>"$tmp/kinds.log" 2>&1 || return
    for ((i = 0; i < 600; i++)); do
        kube_refused keda.sh/v1alpha1 ScaledObject '{"odd":1}' &&
            kube_refused autoscaling.k8s.io/v1 VerticalPodAutoscaler '{"updatePolicy":{"updateMode":"Odd"}}' && return 0
        sleep 0.2
    done
    return 1
}

# Whether an object of API-VERSION, KIND and SPEC is refused for what its definition says.
kube_refused() {
    printf '{"apiVersion":"%s","kind":"%s","metadata":{"name":"x"},"spec":%s}' "$@" |
        kube apply --dry-run=server -n default -f - 2>&1 | tee -a "$tmp/kinds.log" | grep -q -e 'unknown field' -e 'Required value' -e 'Unsupported value'
}

# Returns when it holds: what grants say reaches the API server's own watch a moment later.
kube_grant() {
    local name=$1 where=${2-} i
    if [[ -n $where ]]; then
        kube create rolebinding "grant-$name" -n "$where" --clusterrole=test-reader --user="$name"
    else
        kube create clusterrolebinding "grant-$name" --clusterrole=test-reader --user="$name"
    fi >"$tmp/grant.log" 2>&1 || return
    for ((i = 0; i < 600; i++)); do
        kube auth can-i list deployments.apps ${where:+-n "$where"} --as="$name" >>"$tmp/grant.log" 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

# The credential of a user in the words of a kubeconfig.
kube_credential() {
    local kind=$1 name=$2 file=$tmp/users/$2 token=$kube_dir/tokens/$2 plugin=$tmp/users/$2.plugin
    case $kind in
        certificate) printf 'client-certificate-data: %s\nclient-key-data: %s\n' "$(base64 -w 0 "$file.crt")" "$(base64 -w 0 "$file.key")" ;;
        certificate-files) printf 'client-certificate: "%s"\nclient-key: "%s"\n' "$file.crt" "$file.key" ;;
        token) printf 'token: "%s"\n' "$(<"$token")" ;;
        token-file) printf 'tokenFile: "%s"\n' "$token" ;;
        account) printf 'tokenFile: "%s"\n' "$file.token" ;;
        exec)
            printf '#!/bin/sh\nprintf %s "%s"\n' \
                "'{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s\"}}'" \
                "\$(cat '$token')" >"$plugin"
            chmod 755 "$plugin"
            printf 'exec: {apiVersion: client.authentication.k8s.io/v1, command: "%s", interactiveMode: Never}\n' "$plugin" ;;
        *) return 64 ;;
    esac
}

kube_config() {
    local kind=$1 name=$2 file=$tmp/users/$2.$1.kubeconfig
    mkdir -p "$tmp/users"
    cat >"$file" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: test
  cluster:
    server: $kube_url
    certificate-authority-data: $(base64 -w 0 "$kube_dir/pki/ca.crt")
users:
- name: $name
  user:
$(kube_credential "$kind" "$name" | sed 's/^/    /')
contexts:
- name: test
  context: {cluster: test, user: $name}
current-context: test
YAML
    printf '%s\n' "$file"
}

kube_requests() {
    jq -r --arg user "$1" 'select(.user.username == $user) | "\(.responseStatus.code) \(.verb) \(.requestURI) \(.userAgent)"' "$kube_dir/audit.log"
}
