# The real line with made usage in the place of metrics: source it after tap.sh. Every program is the real one but tare-collect, which
# is tests/harness/make_usage with seed 2: a Deployment "api" gets advice of hpa, keda and cronjobs, a StatefulSet "db" of vpa, "web" a
# resize alone. Gives $line (the folder), $work (the work tree, the current folder), $tare, and the functions below.
need jq
line=$tmp/bin work=$tmp/work
mkdir -p "$line" "$work/deploy"
chmod 755 "$tmp"
cp "$BIN"/tare* "$line/" || { echo "Bail out! no programs in $BIN"; exit 1; }
rm "$line/tare-collect"
printf '#!/bin/sh\n[ "$1" != --version ] || exec "%s" --version\nexec "%s" 2\n' "$BIN/tare-collect" "$BIN/harness/make_usage" >"$line/tare-collect"
chmod 755 "$line/tare-collect"
export TARE_STATE_DIR=$tmp/state
unset TARE_DATABASE_URL TARE_CONFIG TARE_NOW KUBECONFIG
tare=$line/tare
at_exit "$tare" server stop --quiet
cd "$work" || exit 1

# A workload $2 of kind $1 in namespace $3, as YAML.
objects_workload() {
    cat <<YAML
apiVersion: apps/v1
kind: $1
metadata:
  name: $2   # spaces stay
  namespace: $3
spec:
  replicas: 4
$([[ $1 != StatefulSet ]] || echo "  serviceName: $2")
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}}
    spec:
      containers:
      - {name: app, image: "shop/app:1", resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 1Gi}}}
YAML
}

# The manifests deploy/{api,db,web}.yaml in namespace $1.
objects_manifests() {
    rm -rf deploy
    mkdir deploy
    objects_workload Deployment api "$1" >deploy/api.yaml
    objects_workload StatefulSet db "$1" >deploy/db.yaml
    objects_workload Deployment web "$1" >deploy/web.yaml
}

# tare.yaml with the advice $1 (as in "[hpa, vpa]"), and more of it on stdin.
objects_config() {
    printf 'version: 1\nmetrics: {prometheus: "http://127.0.0.1:1"}\napply: {advice: %s%s}\n' "$1" "${2:+, $2}" >tare.yaml
    cat >>tare.yaml
}

# The run $id: a new one by `tare run $@`.
objects_run() {
    run "$tare" run "$@" --format json
    id=$(jq -r .run <<<"$out")
}

# "NAME=STATE …" of the run's outcomes of a stage.
objects_outcomes() { "$tare" show "$id" "$1" | jq -r 'select(.workload) | .workload.name + "=" + .outcome.state' | sort | tr '\n' ' '; }

# A record's member $2 of the stage $1's artifact, of the workload $3.
objects_record() { "$tare" show "$id" "$1" | jq -c "select(.workload.name == \"$3\") | $2"; }

# One digest for the work tree's manifests.
objects_tree() { (cd "$work" && find deploy -type f | sort | xargs sha256sum | sha256sum); }
