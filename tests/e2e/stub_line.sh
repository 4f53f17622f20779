# A line whose stages up to the diff only print an artifact that the test wrote: source it after tap.sh. The conductor, the
# gate, apply, rollback and the ledger are the real ones. Gives $line (their folder), $work (the work tree), $tare, and
# the functions below. Everything ends with the test.
need jq
line=$tmp/bin work=$tmp/work
mkdir -p "$line" "$work/deploy"
chmod 755 "$tmp"
for program in tare tare-gate tare-apply tare-rollback tare-policy; do
    cp "$BIN/$program" "$line/" || { echo "Bail out! no $program in $BIN"; exit 1; }
done
for stage in parse collect analyze price diff report; do
    printf '#!/bin/sh\n[ "$1" = --version ] || [ %s = report ] || cat "%s/%s.jsonl"\n[ %s = parse ] || cat >/dev/null\n' \
        "$stage" "$tmp" "$stage" "$stage" >"$line/tare-$stage"
    chmod 755 "$line/tare-$stage"
done
export TARE_STATE_DIR=$tmp/state
unset TARE_DATABASE_URL TARE_CONFIG TARE_NOW
tare=$line/tare
at_exit "$tare" server stop --quiet
cd "$work" || exit 1

# A manifest $1 with a Deployment for each of the names after it, 500m and 512Mi each, as people write them.
manifest() {
    local file=$1 name
    shift
    : >"$file"
    for name in "$@"; do
        cat >>"$file" <<YAML
--- # $name
apiVersion: apps/v1
kind: Deployment
metadata:
  name:   $name      # spaces stay
  namespace: ${namespace:-shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: app
          image: "example/$name:1"
          resources:
            requests: {cpu: 500m, memory: 512Mi}   # sized in a hurry
            limits:
              memory: "512Mi"
YAML
    done
}

# FILE<TAB>DOCUMENT<TAB>NAMESPACE<TAB>NAME<TAB>SHA256 of each workload of the manifests.
workloads() {
    local file sha
    for file in deploy/*.yaml; do
        sha=$(sha256sum <"$file" | cut -d' ' -f1)
        awk -v file="$file" -v sha="$sha" 'BEGIN { OFS = "\t" } /^--- / { document++; name = "" }
            /^  name: / { name = $2 } /^  namespace: / { print file, document, $2, name, sha }' "$file"
    done
}

# Writes the artifacts of a plan that takes the CPU of every workload of the manifests from 500m to $1 (default 300m) at risk $2
# (default low). Names that begin with "risky" are of high risk, those that begin with "same" are left as they are.
plan() {
    local stage kind
    for stage in parse:inventory collect:usage analyze:recommendations price:costs diff:changes; do
        kind=${stage#*:} stage=${stage%:*}
        workloads | jq -nRcS --arg cluster "${cluster:-default}" --arg kind "$kind" --arg stage "$stage" --arg cpu "${1:-300m}" --arg risk "${2:-low}" '
            def advice($name): {action: "resize", confidence: 0.9, source: "rules", reasoning: "",
                risk: (if $name | startswith("risky") then "high" else $risk end),
                containers: {app: {requests: {cpu_millicores: 300}}}};
            def edits($name): if $name | startswith("same") then [] else [{container: "app", from: "500m", to: $cpu,
                path: "spec.template.spec.containers[0].resources.requests.cpu"}] end;
            ["parse", "collect", "analyze", "price", "diff"] as $line | ($line | index($stage)) as $place |
            [inputs | split("\t") as [$file, $document, $namespace, $name, $sha] |
                {workload: {cluster: $cluster, namespace: $namespace, kind: "Deployment", name: $name, api_version: "apps/v1",
                    replicas: 2, labels: {}, autoscaler: null, containers: [{name: "app", role: "container", image: "x",
                        requests: {cpu_millicores: 500, memory_bytes: 536870912},
                        limits: {cpu_millicores: null, memory_bytes: 536870912}}],
                    source: {file: $file, document: ($document | tonumber), item: null, line: 1, sha256: $sha}}, problems: []}
                + (if $place >= 2 then {recommendation: advice($name)} else {} end)
                + (if $place >= 3 then {cost: {monthly_before_microusd: 9000000, monthly_after_microusd: 5000000,
                                               monthly_saving_microusd: 4000000}} else {} end)
                + (if $place >= 4 then {change: {edits: edits($name), patch: null}} else {} end)] as $records |
            {tare: $kind, version: 1, created: "2026-11-20T00:00:00Z", by: "stub", settings: {}}, $records[],
            {end: {records: ($records | length), workloads: ($records | length), problems: 0, skipped: {}, input: null}}' \
            >"$tmp/$stage.jsonl"
    done
}

# A new run over the planned artifacts; $id is its number. $1…: more options.
new_run() {
    run "$tare" run deploy --format json "$@"
    id=$(jq -r .run <<<"$out")
    [[ $rc == 0 ]] || diag "$err"
}
# A run that somebody approved.
approved_run() {
    new_run "$@"
    run "$tare" --as reviewer approve "$id" --yes
    [[ $rc == 0 ]] || diag "$err"
}
state() { "$tare" status "$id" --format json | jq -r .state; }
tree() { sha256sum deploy/* | sha256sum; }
# States of the last outcome of stage $1, as a sorted list.
outcomes() { "$tare" show "$id" "$1" | jq -r 'select(.workload) | .workload.name + "=" + .outcome.state' | sort | tr '\n' ' '; }
# Begins to apply run $id with OPTIONS, and returns when it is stopped at its first file, between the flush of that and its rename.
# $line/tare-apply.real is the program; $line/tare-apply is that again afterwards.
apply_held() { # [OPTION…]
    local n
    held=''
    rm -f "$tmp/trace"
    printf '#!/bin/sh\nexec strace -f -qq -o "%s" -e trace=fsync -e inject=fsync:signal=STOP:when=1 "%s" "$@"\n' \
        "$tmp/trace" "$line/tare-apply.real" >"$line/tare-apply"
    chmod 755 "$line/tare-apply"
    "$tare" apply "$id" --yes "$@" >"$tmp/.out" 2>"$tmp/.err" &
    applying=$!
    for ((n = 0; n < 1200; n++)); do
        held=$(sed -n 's/ *--- stopped by SIGSTOP ---$//p' "$tmp/trace" 2>/dev/null | head -n 1)
        [[ -z $held ]] && kill -0 "$applying" 2>/dev/null || break
        sleep 0.1
    done
    [[ -n $held && -n $(find deploy -name '.tare-*') ]] || diag "apply was not met at its first file"
    cp "$line/tare-apply.real" "$line/tare-apply"
}
# Lets it go on to its end: $rc and $err.
apply_goes_on() {
    [[ -z $held ]] || kill -CONT "$held"
    wait "$applying"
    rc=$? err=$(<"$tmp/.err")
}
