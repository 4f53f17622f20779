#!/usr/bin/env bash
# tare-report --runs: several artifacts together, against sums made independently; hostile names, runs that are in no sum, figures past what
# can be added up, lists and artifacts that are broken.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/report.sh"
need python3 jq
cd "$tmp" || exit 1

mkdir runs
made_artifact gated 60 1 >runs/run-1
made_artifact gated 75 2 '
for r in rows:
    if "workload" in r: r["workload"]["cluster"] = "<b>us</b>"' >runs/run-2
made_artifact gated 31 3 >runs/run-5
cat >runs/batch.json <<'JSON'
{"tare":"batch","version":1,"batch":"b7","created":"2026-11-22T03:00:00Z","started_by":"olga","narrowed":true,"runs":[
 {"run":1,"cluster":"eu","state":"awaiting-approval","plan":"0123456789abcdef","counted":true,"approvals_missing":12},
 {"run":2,"cluster":"<b>us</b> | x","state":"applied","plan":null,"counted":true},
 {"run":3,"cluster":"=edge","state":"failed","reason":"the stage collect failed: <script>alert(1)</script> \u001b[2J","counted":false},
 {"run":4,"cluster":"ap","state":"failed","reason":"x","counted":false,"later":5},
 {"run":5,"cluster":"ap","state":"unchanged","counted":true},
 {"run":6,"cluster":"me","state":"running","counted":false}]}
JSON
for format in json csv markdown table html; do
    run "$BIN/tare-report" --runs runs/batch.json --format $format </dev/null
    is "$rc" 0 "$format" || diag "$err"
    cp .out "b.$format"
    [[ $format == json || $format == csv ]] && continue
    for text in "run 5 took its place" "is not finished and in no sum" "the stage collect failed" "Runs that you do not see are not in this report"; do
        ok "$format says: $text" grep -q "$text" .out
    done
done
run "$BIN/tare-report" --runs runs/batch.json
is "$rc" 0 "standard input is not read" && like "$out" '^## Batch b7' "markdown is the default"
for run in 1 2 5; do "$BIN/tare-report" --format json <"runs/run-$run" >"$run.json"; done

check() {
    python3 - <<'PYTHON'
import csv, json
load = lambda name: json.load(open(name))
got, single = load('b.json'), {n: load('%d.json' % n) for n in (1, 2, 5)}
same = ('workloads', 'changed', 'held_back', 'unpriced', 'no_data', 'monthly_before_microusd', 'monthly_after_microusd', 'monthly_saving_microusd',
        'proposed_after_microusd')
for key in same:
    if got['totals'][key] != sum(s['totals'][key] for s in single.values()):
        print('total', key, got['totals'][key])
    for run in got['runs']:
        want = single[run['run']]['totals'][key] if run['run'] in single else None
        if run[key] != want:
            print('run', run['run'], key, run[key], want)
# From the artifacts themselves, not from another report.
raw = [json.loads(line) for n in (1, 2, 5) for line in open('runs/run-%d' % n)]
before = sum(r['cost']['monthly_before_microusd'] for r in raw if 'cost' in r)
if got['totals']['monthly_before_microusd'] != before:
    print('before', before)
savings = sorted((w['monthly_saving_microusd'] for s in single.values() for w in s['workloads']
                  if not w['held_back'] and (w['monthly_saving_microusd'] or 0) > 0 and w['action'] == 'resize'), reverse=True)
if [w['monthly_saving_microusd'] for w in got['largest_savings']] != savings[:20]:
    print('largest', [w['monthly_saving_microusd'] for w in got['largest_savings']], savings[:20])
critical = sum('critical' in [f['severity'] for f in r['recommendation']['findings']] for r in raw if 'recommendation' in r)
if got['totals']['critical'] != critical or len(got['critical']) != min(50, critical):
    print('critical', got['totals']['critical'], critical)
rows = list(csv.DictReader(open('b.csv', newline='')))
if [r['run'] for r in rows] != ['1', '2', '3', '4', '5', '6'] or any(None in r or None in r.values() for r in rows):
    print('rows', rows)
if sum(int(r['monthly_saving_microusd']) for r in rows if r['counted'] == 'yes') != got['totals']['monthly_saving_microusd']:
    print('csv sums')
if rows[2]['cluster'] != "'=edge" or rows[2]['monthly_before_microusd'] != '' or rows[0]['approvals_missing'] != '12':
    print('csv cells', rows[2])
PYTHON
}
is "$(check)" "" "sums, savings, findings and rows are those of the artifacts, to the micro-dollar"
is "$(sed 's|</dt><dd><b>||g' b.html | grep -c '<script>alert\|<b>')" 0 "HTML: nothing of a name is markup"
is "$(grep -c '<script>alert\|<b>' b.markdown)" 0 "Markdown neither"
is "$(grep -c $'\033' b.table)" 0 "no control bytes on a terminal"
is "$(awk -F' \\| ' '/^\| (Cluster|eu|&lt;|=edge|.*us)/ && /awaiting|applied|failed|Cluster/ { print NF }' b.markdown | sort -u | wc -l)" 1 "every row has as many cells"
like "$(grep -o "Content-Security-Policy[^>]*" b.html)" "default-src 'none'" "the page's policy is that of every report"

# ---- What is wrong is refused ----
edit() { jq -c "$1" runs/batch.json >runs/x.json; }
bad() { # NAME CODE PATTERN
    run "$BIN/tare-report" --runs runs/x.json --format json </dev/null
    is "$rc" "$2" "$1"
    like "$err" "$3" "and says so"
}
edit '.tare = "usage"'; bad "another kind of file" 65 'no list of runs'
edit '.version = 2'; bad "a newer version" 65 'no list of runs'
edit '.runs = {}'; bad "runs that are no list" 65 'no list of runs'
edit '.batch = null'; bad "no name" 65 'no list of runs'
edit '.runs[0].run = 0'; bad "a run without number" 65 'without number'
edit '.runs[0].cluster = 3'; bad "a cluster that is no text" 65 'without number'
edit '.runs[5].counted = true'; bad "an artifact that is not there" 66 'artifact of run 6'
echo '{' >runs/x.json; bad "no JSON" 65 'x.json'
rm runs/x.json; bad "no file" 66 'x.json'
cp runs/batch.json runs/x.json
mv runs/run-5 kept && head -c 2000 kept >runs/run-5; bad "an artifact that is cut" 65 'run-5'
cp kept runs/run-5
for words in "--run 3" "--compare runs/run-2" "--workload a/b/c" "--max-bytes 9000" "--yaml"; do
    run "$BIN/tare-report" --runs runs/batch.json $words </dev/null
    is "$rc" 64 "$words does not go with --runs"
done
run "$BIN/tare-report" --runs runs/batch.json --format prometheus </dev/null
is "$rc" 64 "metrics are of one run"
like "$err" 'tare report RUN --format prometheus' "and the hint has the command"
done_testing
