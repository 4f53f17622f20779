#!/bin/bash
# A private Kubernetes control plane on free loopback ports, without containers: etcd and kube-apiserver, and what else is asked for.
#
#   tests/cluster/server.sh start DIR [PROGRAM…]   starts, waits until it is ready, prints the URL. PROGRAMs beside the API
#                                                  server: kube-controller-manager, kube-scheduler, kwok. Running already is fine
#   tests/cluster/server.sh stop DIR [PROGRAM…]    ends these, or all, by pid only; DIR/etcd stays, and another start goes on with it
#   tests/cluster/server.sh hold DIR PROGRAM       stops a program where it is (it answers nothing), until `go DIR PROGRAM` or `stop`
#   tests/cluster/server.sh status DIR             prints the URL, or exits 1 when the API server does not run
#
# With kwok come nodes (CLUSTER_NODES=3 of CLUSTER_NODE="cpu: 64, memory: 256Gi, pods: 500") and pods that run as stages.yaml says.
# DIR also holds kubeconfig (the admin's), url, pki/ (the authority of server and client certificates), tokens/USER of the
# users admin, reader and stranger, audit.log (each request), and PROGRAM.log and .pid. Another start takes the port it had.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd) || exit 70
EX_UNAVAILABLE=69 EX_CANTCREAT=73 EX_TEMPFAIL=75

say() { printf 'server.sh: %s\n' "$*" >&2; }
die() { local status=$1; shift; say "$*"; exit "$status"; }
need() { command -v "$1" >/dev/null || die $EX_UNAVAILABLE "$1 is not installed; hint: .ci/setup check"; }
get() { curl --silent --fail --noproxy '*' --max-time 5 "$@"; }

# Below the range from which the kernel takes ports for outgoing connections.
random_port() { echo $((20000 + (RANDOM * 32768 + RANDOM) % 12000)); }

# The pid of PROGRAM in DIR if that process is ours. One of a dead or a foreign process counts as none.
running_pid() {
    local dir=$1 program=$2 pid
    pid=$(cat "$dir/$program.pid" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -q -F -- "=$dir/" || return 1
    printf '%s\n' "$pid"
}

# launch DIR PROGRAM ARGUMENT…: in the background, in a session of its own.
launch() {
    local dir=$1 program=$2
    shift 2
    (cd "$dir" && exec setsid "$program" "$@") </dev/null >"$dir/$program.log" 2>&1 9>&- &
    printf '%s\n' $! >"$dir/$program.pid"
    disown
}

# Whether it runs, or is about to: between fork and exec it is not yet to be recognized.
alive() {
    local pid
    running_pid "$1" "$2" >/dev/null || { pid=$(cat "$1/$2.pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null; }
}

# wait_for DIR PROGRAM COMMAND…: until COMMAND succeeds; fails at once when PROGRAM ended, or after a minute.
wait_for() {
    local dir=$1 program=$2 i
    shift 2
    for ((i = 0; i < 1200; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        alive "$dir" "$program" || return 1
        sleep 0.05
    done
    return 1
}

end() {
    local dir=$1 program=$2 pid i
    if pid=$(running_pid "$dir" "$program"); then
        kill -TERM "$pid" 2>/dev/null
        kill -CONT "$pid" 2>/dev/null
        for ((i = 0; i < 100; i++)); do
            running_pid "$dir" "$program" >/dev/null || break
            sleep 0.05
        done
        running_pid "$dir" "$program" >/dev/null && kill -KILL "$pid" 2>/dev/null
    fi
    rm -f "$dir/$program.pid"
}

stop() {
    local dir=$1 program
    shift
    (($#)) || set -- kwok kube-scheduler kube-controller-manager kube-apiserver etcd
    for program in "$@"; do
        end "$dir" "$program"
        [[ $program != kube-apiserver ]] || rm -f "$dir/url"
    done
}

signal() {
    local dir=$1 program=$2 pid
    pid=$(running_pid "$dir" "$program") || die $EX_UNAVAILABLE "${program:-a program that is not named} does not run in $dir"
    kill -"$3" "$pid"
}

new_key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch "$@" 2>>"$pki/openssl.log"; }

# Keys, tokens and the admin's kubeconfig, once a DIR. One authority signs the server's certificate and those of clients.
make_secrets() {
    local dir=$1 user pki=$1/pki
    [[ -s $dir/tokens.csv ]] && return 0
    (
        umask 077
        mkdir -p "$pki" "$dir/tokens" &&
            new_key -x509 -days 3650 -subj "/CN=tare test authority" -keyout "$pki/ca.key" -out "$pki/ca.crt" &&
            new_key -x509 -days 3650 -subj "/CN=kube-apiserver" -addext "subjectAltName=IP:127.0.0.1,DNS:localhost" \
                -addext "basicConstraints=critical,CA:FALSE" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" \
                -keyout "$pki/server.key" -out "$pki/server.crt" &&
            openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/accounts.key" &&
            openssl pkey -in "$pki/accounts.key" -pubout -out "$pki/accounts.pub" || exit
        for user in admin reader stranger; do
            openssl rand -hex 20 >"$dir/tokens/$user" || exit
        done
        {
            printf '%s,admin,1,system:masters\n' "$(<"$dir/tokens/admin")"
            printf '%s,reader,2,readers\n' "$(<"$dir/tokens/reader")"
            printf '%s,stranger,3\n' "$(<"$dir/tokens/stranger")"
        } >"$dir/tokens.new" && mv "$dir/tokens.new" "$dir/tokens.csv"
    )
}

write_kubeconfig() {
    local dir=$1 url=$2
    (
        umask 077
        cat >"$dir/kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: test
  cluster: {server: "$url", certificate-authority: "$dir/pki/ca.crt"}
users:
- name: admin
  user: {tokenFile: "$dir/tokens/admin"}
contexts:
- name: test
  context: {cluster: test, user: admin}
current-context: test
YAML
    )
}

# Whether the etcd at URL is the one called NAME, and not another that had the port first.
etcd_is() { get --data '{}' "$1/v3/cluster/member/list" | grep -q -F "\"name\":\"$2\""; }

start_etcd() {
    local dir=$1 tries port url name
    name=test-$(sha256sum <<<"$dir" | cut -c1-16)
    for ((tries = 0; tries < 10; tries++)); do
        port=$(random_port) url=http://127.0.0.1:$port
        # Nothing here must outlive a power cut. Port 0: no peer will ever come.
        launch "$dir" etcd --name="$name" --data-dir="$dir/etcd" --unsafe-no-fsync --logger=zap --log-outputs=stderr --log-level=warn \
            --listen-client-urls="$url" --advertise-client-urls="$url" --listen-peer-urls=http://127.0.0.1:0 \
            --initial-advertise-peer-urls=http://127.0.0.1:0 --initial-cluster="$name=http://127.0.0.1:0"
        if wait_for "$dir" etcd etcd_is "$url" "$name"; then
            printf '%s\n' "$url" >"$dir/etcd.url"
            return 0
        fi
        end "$dir" etcd
        grep -q 'address already in use' "$dir/etcd.log" || return 1
    done
    return 1
}

ready() { get --cacert "$1/pki/ca.crt" --oauth2-bearer "$(<"$1/tokens/admin")" "$2/readyz"; }

start_api() {
    local dir=$1 tries port url pki=$1/pki
    printf '%s\n' 'apiVersion: audit.k8s.io/v1' 'kind: Policy' 'omitStages: [RequestReceived]' 'rules: [{level: Metadata}]' >"$dir/audit.yaml"
    for ((tries = 0; tries < 10; tries++)); do
        # Who has a kubeconfig of before finds it again.
        port=$(cat "$dir/port" 2>/dev/null) && rm -f "$dir/port" || port=$(random_port)
        url=https://127.0.0.1:$port
        # WatchList: Debian's etcd is of a version without watch progress, new objects would be seen up to a minute late.
        launch "$dir" kube-apiserver --etcd-servers="$(<"$dir/etcd.url")" --bind-address=127.0.0.1 --external-hostname=localhost --secure-port="$port" \
            --cert-dir="$pki" --tls-cert-file="$pki/server.crt" --tls-private-key-file="$pki/server.key" --client-ca-file="$pki/ca.crt" \
            --token-auth-file="$dir/tokens.csv" --authorization-mode=RBAC \
            --service-account-issuer=https://test.invalid --service-account-key-file="$pki/accounts.pub" \
            --service-account-signing-key-file="$pki/accounts.key" --service-cluster-ip-range=10.96.0.0/16 \
            --disable-admission-plugins=ServiceAccount --allow-privileged --endpoint-reconciler-type=none --profiling=false \
            --feature-gates=WatchList=false --audit-policy-file="$dir/audit.yaml" --audit-log-path="$dir/audit.log"
        if wait_for "$dir" kube-apiserver ready "$dir" "$url"; then
            write_kubeconfig "$dir" "$url" && printf '%s\n' "$port" >"$dir/port" && printf '%s\n' "$url" >"$dir/url"
            return
        fi
        end "$dir" kube-apiserver
        grep -q 'address already in use' "$dir/kube-apiserver.log" || return 1
    done
    return 1
}

# The nodes that kwok is the kubelet of: returns when the scheduler may use them.
make_nodes() {
    local dir=$1 number
    for ((number = 1; number <= ${CLUSTER_NODES:-3}; number++)); do
        cat <<YAML
---
apiVersion: v1
kind: Node
metadata: {name: node-$number, labels: {kubernetes.io/hostname: node-$number, kubernetes.io/os: linux}}
status:
  allocatable: {${CLUSTER_NODE:-cpu: 64, memory: 256Gi, pods: 500}, ephemeral-storage: 1Ti}
  capacity: {${CLUSTER_NODE:-cpu: 64, memory: 256Gi, pods: 500}, ephemeral-storage: 1Ti}
YAML
    done >"$dir/nodes.yaml"
    kubectl --kubeconfig="$dir/kubeconfig" create -f "$dir/nodes.yaml" >"$dir/nodes.log" 2>&1 ||
        ! grep -v 'AlreadyExists' "$dir/nodes.log" >&2 || return
    kubectl --kubeconfig="$dir/kubeconfig" wait --for=condition=Ready --timeout=60s node --all >>"$dir/nodes.log" 2>&1
}

start_program() {
    local dir=$1 program=$2
    running_pid "$dir" "$program" >/dev/null && return 0
    case $program in
        kube-controller-manager)
            # Nodes have no kubelet here that would tell of them again. Tests wait for it: no limits to what it may ask.
            launch "$dir" "$program" --kubeconfig="$dir/kubeconfig" --leader-elect=false --secure-port=0 --node-monitor-grace-period=1h \
                --kube-api-qps=2000 --kube-api-burst=4000 \
                --service-account-private-key-file="$dir/pki/accounts.key" --root-ca-file="$dir/pki/ca.crt" ;;
        kube-scheduler)
            launch "$dir" "$program" --kubeconfig="$dir/kubeconfig" --leader-elect=false --secure-port=0 --kube-api-qps=2000 --kube-api-burst=4000 ;;
        kwok)
            HOME=$dir launch "$dir" "$program" --kubeconfig="$dir/kubeconfig" --config="$here/stages.yaml" --manage-all-nodes=true \
                --node-ip=127.0.0.1 --node-lease-duration-seconds=40 && make_nodes "$dir" ;;
        *) die 64 "a control plane has no program $program" ;;
    esac || return
    # What is wrong with its arguments it finds out at once.
    sleep 0.3
    wait_for "$dir" "$program" running_pid "$dir" "$program"
}

failed() {
    tail -n 12 "$1/$2.log" >&2
    stop "$1"
    die $EX_UNAVAILABLE "$2 does not start; see $1/$2.log"
}

# One that is busy may take longer than one answer may: it is not taken from those who use it.
still_ready() {
    local try
    for ((try = 0; try < 12; try++)); do
        running_pid "$1" kube-apiserver >/dev/null || return 1
        ready "$1" "$(cat "$1/url" 2>/dev/null)" >/dev/null && return 0
        sleep 0.5
    done
    return 1
}

start() {
    local dir=$1 tools program
    shift
    tools=${CLUSTER_TOOLS:-$("$here/tools.sh" path)} || die $EX_UNAVAILABLE "the control plane is not built; hint: make cluster-tools"
    PATH=$tools:$PATH
    [[ " $* " != *" kwok "* ]] || PATH=$("$here/tools.sh" kwok):$PATH || die $EX_UNAVAILABLE "kwok is not built; hint: make cluster-tools"
    for program in etcd curl openssl setsid flock; do need "$program"; done
    mkdir -p "$dir" || exit $EX_CANTCREAT
    exec 9>"$dir/start.lock"
    flock -w 120 9 || die $EX_TEMPFAIL "another start of the control plane in $dir does not end"
    make_secrets "$dir" || die $EX_CANTCREAT "keys could not be made; see $dir/pki/openssl.log"
    running_pid "$dir" etcd >/dev/null || { end "$dir" kube-apiserver; start_etcd "$dir"; } || failed "$dir" etcd
    still_ready "$dir" || { end "$dir" kube-apiserver; start_api "$dir"; } || failed "$dir" kube-apiserver
    for program in "$@"; do
        start_program "$dir" "$program" || failed "$dir" "$program"
    done
    cat "$dir/url"
}

status() { running_pid "$1" kube-apiserver >/dev/null && cat "$1/url" 2>/dev/null; }

(($# >= 2)) || set -- help
action=$1
[[ $action == help ]] || { dir=$(realpath -m -- "$2"); shift 2; }
case $action in
    start) start "$dir" "$@" ;;
    stop) stop "$dir" "$@" ;;
    hold) signal "$dir" "${1-}" STOP ;;
    go) signal "$dir" "${1-}" CONT ;;
    status) status "$dir" ;;
    *) sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
