# A line whose stages up to the diff only print an artifact that the test wrote: source it after tap.sh. The conductor, the
# gate, apply, rollback and the ledger are the real ones. Gives $line (their folder), $work (the work tree), $tare, and
# the functions below. Everything ends with the test.
need jq python3
line=$tmp/bin work=$tmp/work
mkdir -p "$line" "$work/deploy"
chmod 755 "$tmp"
for program in tare tare-gate tare-apply tare-rollback; do
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

# Writes the artifacts of a plan that takes every workload of the manifests from 500m to $1 (default 300m), with risk by name:
# names that begin with "risky" are high.
plan() {
    python3 - "$tmp" "${1:-300m}" "${2:-low}" deploy/*.yaml <<'PY'
import hashlib, json, re, sys
tmp, cpu, low, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
records = []
for file in sorted(files):
    data = open(file, 'rb').read()
    sha = hashlib.sha256(data).hexdigest()
    for number, text in enumerate(re.split(r'(?m)^--- .*$', data.decode())[1:], 1):
        name = re.search(r'name: +(\S+)', text).group(1)
        namespace = re.search(r'namespace: +(\S+)', text).group(1)
        records.append({'workload': {'cluster': 'test', 'namespace': namespace, 'kind': 'Deployment', 'name': name,
            'api_version': 'apps/v1', 'replicas': 2, 'labels': {}, 'autoscaler': None, 'containers': [
                {'name': 'app', 'role': 'container', 'image': 'x', 'requests': {'cpu_millicores': 500, 'memory_bytes': 536870912},
                 'limits': {'cpu_millicores': None, 'memory_bytes': 536870912}}],
            'source': {'file': file, 'document': number, 'item': None, 'line': 1, 'sha256': sha}}, 'problems': []})
members = [('parse', 'inventory', None), ('collect', 'usage', None), ('analyze', 'recommendations', None),
           ('price', 'costs', None), ('diff', 'changes', None)]
for stage, kind, _ in members:
    lines = [{'tare': kind, 'version': 1, 'created': '2026-11-20T00:00:00Z', 'by': 'stub', 'settings': {}}]
    for record in records:
        out = dict(record)
        name = record['workload']['name']
        if stage in ('analyze', 'price', 'diff'):
            out['recommendation'] = {'action': 'resize', 'confidence': 0.9, 'risk': 'high' if name.startswith('risky') else low,
                'source': 'rules', 'reasoning': '', 'containers': {'app': {'requests': {'cpu_millicores': 300}}}}
        if stage in ('price', 'diff'):
            out['cost'] = {'monthly_before_microusd': 9000000, 'monthly_after_microusd': 5000000, 'monthly_saving_microusd': 4000000}
        if stage == 'diff':
            edits = [] if name.startswith('same') else [{'container': 'app', 'from': '500m', 'to': cpu,
                'path': 'spec.template.spec.containers[0].resources.requests.cpu'}]
            out['change'] = {'edits': edits, 'patch': None}
        lines.append(out)
    lines.append({'end': {'records': len(records), 'workloads': len(records), 'problems': 0, 'skipped': {}, 'input': None}})
    with open(f'{tmp}/{stage}.jsonl', 'w') as f:
        for record in lines:
            f.write(json.dumps(record, sort_keys=True, separators=(',', ':')) + '\n')
PY
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
