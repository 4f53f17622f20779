#!/bin/bash
# Clusters, accounts, credentials and networks that fail around an apply to a real cluster. It waits, or stops with what is known; in the end every
# object is as planned or as before, and nothing is written twice.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$root/tests/harness/kube_workloads.sh"
. "$root/tests/harness/kube_faults.sh"
. "$root/tests/harness/kube_between.sh"
kube_start "$tmp/plane" "${kube_programs[@]}"
kube_namespace
. "$(dirname "$0")/cluster_plan.sh"
. "$root/tests/e2e/cluster_three.sh"

# Another cluster.
anew
(kube_start "$tmp/other" >/dev/null; printf '%s\n' "$(kube_config token admin)" >"$tmp/other.config"; kube create namespace "$namespace"; three | kube create -f -) >"$tmp/other.log" 2>&1
apply --kubeconfig "$(<"$tmp/other.config")"
is "$rc" 79 "the wrong cluster is refused" || diag "$err"
like "$err" 'is the cluster with the id' "by its id"
"$cluster_dir/server.sh" stop "$tmp/other"
is "$(cpus)" "500m 500m 500m" "nothing is written"
{ sed 's/^current-context:.*//' "$kube_dir/kubeconfig"; echo 'current-context: nowhere'; } >"$tmp/nowhere"
apply --kubeconfig "$tmp/nowhere"
like "$rc $err" '^(65|78) .*nowhere' "a context that is not there" || diag "$rc $err"

# Who may not.
kube_operator otto deployments
kube_user otto
otto=$(kube_config certificate otto)
KUBECONFIG=$otto run "$tare" doctor
like "$out$err" "may not: .*patch deployments.apps in $namespace" "doctor names in advance what the account may not do" || diag "$out $err"
apply --kubeconfig "$otto"
isnt "$rc" 0 "an account that may not patch is refused ($rc)"
like "$err" "deployments.*(forbidden|may not)|(forbidden|may not).*deployments" "in words" || diag "$err"
is "$(cpus)" "500m 500m 500m" "nothing is written"

# Credentials that are over in the middle.
anew
kube_account robot
begun --kubeconfig "$(kube_config account robot)"
kube_account_end robot
ended
like "$rc" '^(69|75|77)$' "a token that ends in the middle stops it ($rc)" || diag "$err"
like "$err" '401|[Uu]nauthorized|credential' "and says so"
is "$(cpu b) $(cpu c)" "500m 500m" "nothing further is written"
apply --resume
whole "with another account --resume goes on"

# Answers that come late, cut, or not at all: what was written is found out, not written again.
through() {
    kube_proxy "$@"
    config=$(kube_proxy_config)
    sed -i "s|server: .*|server: https://127.0.0.1:$(<"$tmp/proxy.port")|" "$config"
}
anew
through 'PATCH:deployments:late:1500' 'GET:deployments:before:300'
apply --kubeconfig "$config"
whole "late answers"
anew
# The first PATCH of each is its dry run.
through 'PATCH:deployments/a:pass::1' 'PATCH:deployments/a:drop::1' 'PATCH:deployments/b:pass::1' 'PATCH:deployments/b:cut:40:1' 'GET:watch=:cut:300:2'
apply --kubeconfig "$config"
whole "answers that are dropped and cut"
anew
through 'PATCH:deployments/a:status:429:1' 'PATCH:deployments/b:pass::1' 'PATCH:deployments/b:status:429:2' 'GET:deployments/c:status:429:1'
apply --kubeconfig "$config"
whole "too many requests"
anew
through 'PATCH:deployments/a:refuse::1' 'GET:deployments/b:garbage::1' 'GET:watch=:garbage::1'
apply --kubeconfig "$config"
case $rc in
    0) whole "connections that break and answers that are no JSON" ;;
    *)
        like "$err" "." "answers that are no JSON stop it with words ($rc)"
        apply --resume
        whole "and --resume goes on" ;;
esac
rollback --kubeconfig "$config"
is "$rc $(cpus)" "0 500m 500m 500m" "and back, through the same" || diag "$err"
audit_holds
done_testing
