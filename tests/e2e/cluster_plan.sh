# Plans over the workloads of a real cluster: source it after kube.sh, kube_workloads.sh and kube_namespace. Parse, diff, gate, apply,
# rollback, the conductor and the ledger are the real ones; metrics, advice and prices are made up by filters, so that each test has the
# change it wants. Gives $tare and the functions below. Everything ends with the test.
#
#   settings KEY=VALUE…      writes tare.yaml: keys of `apply` (settle 1s, rollout_timeout 30s, parallel 4, on_failure rollback-run, unless
#                            told otherwise); a word without "apply." before it that holds a colon is a line of its own: 'windows: [...]'
#   advise FILTER            what is advised for a container (jq; `.requests.cpu_millicores` and so on); default: three fifths of its CPU
#   advise_memory            CPU to three fifths, memory to three quarters, and a CPU limit goes
#   planned [OPTION…]        a new run over $namespace, in $id; approved: and approved by the reviewer
#   apply [OPTION…]          tare apply of it: $rc, $out, $err; rollback [OPTION…]
#   state                    of the run; fates [apply|rollback]: WORKLOAD=STATE … of the outcome, sorted by name
#   in_background COMMAND…   runs it, output in $tmp/back.out and .err, its pid in $back; back_ended: waits for it, sets $rc, $out, $err
#   audit_holds              the audit trail is whole (a test of its own)
#
# Names that begin with "risky" are of high risk, "middle" of medium: they come later in an apply.
need jq
line=$tmp/bin work=$tmp/work
mkdir -p "$line" "$work"
chmod 755 "$tmp"
for program in tare tare-parse tare-diff tare-gate tare-apply tare-rollback tare-policy; do
    cp "$BIN/$program" "$line/" || { echo "Bail out! no $program in $BIN"; exit 1; }
done
plan_stage() { # NAME KIND FILTER-FILE
    cat >"$line/tare-$1" <<STAGE
#!/bin/sh
[ "\$1" = --version ] && exit 0
exec jq -cS 'if .tare then .tare = "$2" elif .end then .end.input = null | del(.end.sha256) elif .workload then $3 else . end'
STAGE
    chmod 755 "$line/tare-$1"
}
plan_stage collect usage .
plan_stage price costs '.cost = {monthly_before_microusd: 9000000, monthly_after_microusd: 5000000, monthly_saving_microusd: 4000000}'
printf '#!/bin/sh\n[ "$1" = --version ] || cat >/dev/null\n' >"$line/tare-report"
chmod 755 "$line/tare-report"
advise() {
    plan_stage analyze recommendations '.workload as $w | .recommendation = {action: "resize", confidence: 0.9, source: "rules", reasoning: "",
        risk: (if $w.name | startswith("risky") then "high" elif $w.name | startswith("middle") then "medium" else "low" end),
        containers: ([$w.containers[] | select(.role != "init") | {key: .name, value: ('"$1"')}] | map(select(.value != null)) | from_entries)}'
}
fifths='(if .requests.cpu_millicores then {cpu_millicores: (.requests.cpu_millicores * 3 / 5 | floor)} else {} end)'
advise "{requests: $fifths}"
advise_memory() {
    advise '{requests: ('"$fifths"' + (if .requests.memory_bytes then {memory_bytes: (.requests.memory_bytes * 3 / 4 | floor)} else {} end))}
        + (if .limits.cpu_millicores then {remove: ["limits.cpu"]} else {} end)'
}

export TARE_STATE_DIR=$tmp/state
unset TARE_DATABASE_URL TARE_CONFIG TARE_NOW KUBECONFIG
tare=$line/tare
at_exit "$tare" server stop --quiet
cd "$work" || exit 1

settings() {
    local word key rollout_timeout=30s settle=1s parallel=4 on_failure=rollback-run rest=''
    for word in "$@"; do
        key=${word%%=*}
        case $key in
            rollout_timeout | settle | parallel | on_failure) printf -v "$key" '%s' "${word#*=}" ;;
            *:*) rest+=$word$'\n' ;;
            *) rest+="  ${key#apply.}: ${word#*=}"$'\n' ;;
        esac
    done
    {
        printf 'version: 1\nkubernetes: {namespaces: [%s]}\n' "$namespace"
        grep -v '^  ' <<<"$rest"
        printf 'apply:\n  target: cluster\n  rollout_timeout: %s\n  settle: %s\n  parallel: %s\n  on_failure: %s\n' \
            "$rollout_timeout" "$settle" "$parallel" "$on_failure"
        grep '^  ' <<<"$rest"
    } >tare.yaml
}

planned() {
    [[ -e tare.yaml ]] || settings
    [[ -e $tmp/reviewer ]] || { "$tare" login reviewer viewer approver >"$tmp/reviewer" 2>&1 || diag "$(<"$tmp/reviewer")"; }
    run "$tare" run --target cluster --kubeconfig "${config:-$kube_dir/kubeconfig}" --format json "$@"
    id=$(jq -r .run <<<"$out")
    [[ $rc == 0 ]] || diag "$err"
}
approved() {
    planned "$@"
    run "$tare" --as reviewer approve "$id" --yes
    [[ $rc == 0 ]] || diag "$err"
}
apply() { run "$tare" apply "$id" --yes "$@"; }
rollback() { run "$tare" rollback "$id" --yes "$@"; }
state() { "$tare" status "$id" --format json | jq -r .state; }
fates() { "$tare" show "$id" "${1:-apply}" | jq -r 'select(.workload and .outcome) | .workload.name + "=" + .outcome.state' | sort | tr '\n' ' '; }
in_background() {
    "$@" >"$tmp/back.out" 2>"$tmp/back.err" </dev/null 6>&- 7>&- 8>&- &
    back=$!
}
back_ended() {
    wait "$back"
    rc=$? out=$(<"$tmp/back.out") err=$(<"$tmp/back.err")
}
audit_holds() {
    run "$tare" audit verify
    is "$rc" 0 "the audit trail is whole" || diag "$err"
}
