#!/bin/bash
# The CronJob of a schedule, as a real API server judges it.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/../harness/kube.sh"
. "$(dirname "$0")/stub_line.sh"
need psql
kube_shared
kube_namespace
printf 'version: 1\n' >tare.yaml
submit() { kube apply -n "$namespace" --dry-run=server --validate=strict -o json -f -; }

while IFS='|' read -r name options; do
    eval "'$tare' schedule set $name $options -- --target cluster" >"$tmp/set.log" 2>&1 || diag "$(cat "$tmp/set.log")"
    "$tare" schedule print "$name" --format cronjob --image registry.example/tare:0.1.0 --secret tare-ledger --secret prometheus-token >"$tmp/$name.yaml"
    submit <"$tmp/$name.yaml" >"$tmp/$name.json" 2>"$tmp/$name.err"
    tap_result $? "$name: the API server takes it" || diag "$(cat "$tmp/$name.err")"
    is "$(cat "$tmp/$name.err")" "" "… without a warning"
done <<'CASES'
nightly|--daily 03:00 --timezone Europe/Berlin
sundays|--cron "*/15 1-3 1,15 * 7" --timezone America/New_York --grace 1m
names|--cron "0 3 * jan-jun fri-sun" --timezone Asia/Kolkata
utc|--monthly 1@00:00
gap|--cron "30 2 * * *" --timezone Europe/Berlin
CASES
is "$(jq -r '.spec | [.schedule, .timeZone, .concurrencyPolicy, (.startingDeadlineSeconds | tostring)] | join("|")' "$tmp/nightly.json")" \
    "0 3 * * *|Europe/Berlin|Forbid|3600" "schedule, zone, one at a time, deadline"
is "$(jq -r '.spec | [.schedule, .timeZone] | join("|")' "$tmp/gap.json")" "0,30 2,3 * * *|Europe/Berlin" \
    "a reading that clocks may skip gets the end of the gap beside it"
is "$(jq -r '.spec.schedule' "$tmp/sundays.json" "$tmp/names.json" | tr '\n' '|')" "0,15,30,45 1-3 1,15 * 0|0 3 * 1-6 0,5,6|" "weekdays as Kubernetes counts them"
is "$(jq -r '.spec.jobTemplate.spec.template.spec | [.serviceAccountName, .securityContext.runAsNonRoot, .securityContext.seccompProfile.type,
    .containers[0].securityContext.readOnlyRootFilesystem, .containers[0].securityContext.allowPrivilegeEscalation,
    .containers[0].securityContext.capabilities.drop[0], .containers[0].resources.limits.memory, .restartPolicy] | map(tostring) | join(" ")' "$tmp/nightly.json")" \
    "tare true RuntimeDefault true false ALL 1Gi Never" "it may do little"
is "$(jq -r '.spec.jobTemplate.spec.template.spec.containers[0] | .env[0].valueFrom.secretKeyRef.name + " " + .env[0].valueFrom.secretKeyRef.key + " " + (.args | join(" "))' "$tmp/nightly.json")" \
    "tare-ledger database-url run --schedule=nightly" "the ledger's address comes from a secret, not from the command line"
is "$(jq -r '.spec.jobTemplate.spec.template.spec.volumes | map(select(.secret) | .secret.secretName) | join(" ")' "$tmp/nightly.json")" prometheus-token \
    "further secrets are files"
kube label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted >/dev/null 2>&1
pod() { # WITHOUT: the CronJob's pod, and what is taken from it
    jq '{apiVersion: "v1", kind: "Pod", metadata: {name: "p"}, spec: (.spec.jobTemplate.spec.template.spec | del(.serviceAccountName'"${1-}"'))}' "$tmp/nightly.json"
}
# What a label says reaches the server's admission a moment later.
for ((i = 0; i < 300; i++)); do
    pod ', .securityContext' | submit >/dev/null 2>"$tmp/pod.err"
    grep -q "violates PodSecurity" "$tmp/pod.err" && break
    sleep 0.2
done
like "$(cat "$tmp/pod.err")" "violates PodSecurity" "where the restricted Pod Security Standard is in force"
pod | submit >"$tmp/pod.json" 2>"$tmp/pod.err"
tap_result $? "its pod is within it" || diag "$(cat "$tmp/pod.err")"
# As it runs there: a folder and a configuration of the container's own.
mkdir -p "$tmp/etc"
printf 'version: 1\n' >"$tmp/etc/tare.yaml"
manifest deploy/a.yaml web
plan
"$tare" schedule set inside --daily 03:00 -- deploy >/dev/null
mv "$work" "$work.gone"
mkdir -p "$tmp/pod"
cd "$tmp/pod" || exit 1
run "$tare" run --schedule inside --now
is "$rc" 66 "a folder that is not there is a failed run"
run env TARE_CONFIG="$tmp/etc/tare.yaml" "$tare" run --schedule inside --now
is "$rc $(psql -h "$TARE_STATE_DIR/socket" -U root -d tare -XqAt -c "select (settings ->> 'config') || ' ' || (settings ->> 'directory') || ' ' || schedule from tare.run order by id desc limit 1")" \
    "0 $tmp/etc/tare.yaml $tmp/pod inside" "a configuration of the invocation's takes the place of the kept one, and its folder that of the kept one"
kube delete namespace "$namespace" --wait=false >/dev/null 2>&1
done_testing
