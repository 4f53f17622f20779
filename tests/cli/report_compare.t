#!/usr/bin/env bash
# tare-report --compare: what changed between two artifacts, against a comparison made independently; the sums of each side are those of its
# own report; the same run changes nothing; other clusters and formats are refused.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/report.sh"
need python3 jq cmark-gfm

made_artifact gated 120 1 >"$tmp/then"
made_artifact gated 124 1 '
for r in rows[:124]:
    if r["workload"]["source"]["line"] % 10 == 3 and r["recommendation"]["containers"]:
        first = next(iter(r["recommendation"]["containers"].values()))
        first["requests"]["cpu_millicores"] += 7
    if r["workload"]["source"]["line"] % 12 == 5: r["recommendation"]["risk"] = "high"
    if r["workload"]["source"]["line"] % 14 == 9 and "cost" in r:
        r["cost"]["monthly_before_microusd"] += 1; next(iter(r["cost"]["containers"].values()))["cpu_before_microusd"] += 1
    if r["workload"]["source"]["line"] % 15 == 2: r["recommendation"]["findings"].append({"code": "new", "severity": "high", "message": "very <b>new</b>\nand more"})
    if r["workload"]["source"]["line"] % 16 == 1: r["recommendation"]["findings"] = []
    if r["gate"]["verdict"] == "blocked" and r["workload"]["source"]["line"] % 4 == 1 and "cost" in r:
        r["cost"]["monthly_after_microusd"] += 1; next(iter(r["cost"]["containers"].values()))["cpu_after_microusd"] += 1
    if r["workload"]["source"]["line"] % 19 == 7: r["workload"]["containers"][0]["limits"]["cpu_millicores"] = 4000
del rows[50:53]; del rows[0]' >"$tmp/now"
compare() { run "$BIN/tare-report" --compare "$tmp/then" "$@" <"$tmp/now"; }
for format in json csv markdown table html; do
    compare --format $format --run 12
    is "$rc" 0 "$format" || diag "$err"
    cp "$tmp/.out" "$tmp/c.$format"
done
for side in then now; do "$BIN/tare-report" --format json <"$tmp/$side" >"$tmp/$side.json"; done

check() {
    python3 - "$tmp" <<'PYTHON'
import csv, json, sys
folder = sys.argv[1]
load = lambda name: json.load(open(folder + '/' + name))
then, now, got = load('then.json'), load('now.json'), load('c.json')
def key(w):
    return (w['cluster'], w['namespace'], w['kind'], w['name'])
a, b = {key(w): w for w in then['workloads']}, {key(w): w for w in now['workloads']}
assert len(a) == len(then['workloads']) and len(b) == len(now['workloads'])
def differs(x, y):
    out = set()
    if [c['now'] for c in x['containers']] != [c['now'] for c in y['containers']]: out.add('today')
    if [c['new'] for c in x['containers']] != [c['new'] for c in y['containers']]: out.add('recommendation')
    if any(x[k] != y[k] for k in ('monthly_before_microusd', 'monthly_after_microusd', 'proposed_after_microusd')): out.add('cost')
    if x['risk'] != y['risk']: out.add('risk')
    if x['verdict'] != y['verdict'] or x['held_back'] != y['held_back']: out.add('verdict')
    if {f['code'] for f in x['findings']} != {f['code'] for f in y['findings']}: out.add('findings')
    return out
wanted = {k: ('added', set()) for k in b if k not in a} | {k: ('gone', set()) for k in a if k not in b}
wanted |= {k: ('changed', differs(a[k], b[k])) for k in a if k in b and differs(a[k], b[k])}
have = {key(w): (w['change'], set(w['differs'])) for w in got['workloads']}
for k in wanted.keys() | have.keys():
    if wanted.get(k) != have.get(k):
        print(k, wanted.get(k), have.get(k))
by = got['workloads_by_change']
for kind in ('changed', 'added', 'gone'):
    if by[kind] != sum(w[0] == kind for w in wanted.values()):
        print(kind, by[kind])
if by['same'] != sum(k in b for k in a) - by['changed'] or min(by[k] for k in ('changed', 'added', 'gone', 'same')) == 0:
    print('same', by)
for side, report in (('then', then), ('now', now)):
    for what in ('monthly_before_microusd', 'monthly_after_microusd', 'monthly_saving_microusd'):
        if got[side]['totals'][what] != report['totals'][what]:
            print(side, what)
        if sum(n[side][what] for n in got['namespaces']) != report['totals'][what]:
            print('namespaces', side, what)
rows = list(csv.DictReader(open(folder + '/c.csv', newline='', encoding='utf-8'), strict=True))
for side, report in (('then', then), ('now', now)):
    for what in ('before', 'after', 'saving'):
        total = sum(int(r['monthly_%s_%s_microusd' % (what, side)] or 0) for r in rows)
        if total != report['totals']['monthly_%s_microusd' % what]:
            print('csv', side, what, total)
if len(rows) != len(a.keys() | b.keys()):
    print('rows of csv', len(rows))
if any(cell[:1] in tuple('=+-@\t\r\n') for r in rows for cell in (r['workload'], r['namespace'])):
    print('a formula')
order = [abs((w['now'] or {}).get('monthly_before_microusd') or 0) for w in got['workloads']]
PYTHON
}
is "$(check)" "" "who differs, in what, and the money of both sides: as an independent comparison says"
lines=$(grep -c '^- ' "$tmp/c.markdown")
is "$lines" "$(jq '.workloads | length' "$tmp/c.json")" "markdown has all that differ"
cmark-gfm --unsafe -e table -e autolink "$tmp/c.markdown" >"$tmp/c.md.html"
unlike "$(<"$tmp/c.md.html")" '<a |<script|<img|<b>' "and no name became markup or a link"
like "$(<"$tmp/c.markdown")" 'new finding, high: very &#60;b&#62;new&#60;/b&#62; and more' "a new finding"
like "$(<"$tmp/c.markdown")" '- finding gone, [a-z]+: finding of' "one that is gone"
like "$(<"$tmp/c.markdown")" 'recommended CPU request [0-9]+m → [0-9]+m' "a recommendation that changed"
like "$(<"$tmp/c.markdown")" 'CPU limit – → 4' "a number of today that changed"
total=$(jq -r '.workloads_by_change | "\(.changed) | \(.added) | \(.gone) | \(.same)"' "$tmp/c.json")
like "$(grep -F "| **All** |" "$tmp/c.markdown")" "\*\*All\*\* \| ${total//|/\\|} \| [$]" "all namespaces together, those without a line too"
is "$(grep -c "<tfoot><tr>.*All" "$tmp/c.html")" 1 "in HTML too"
like "$(<"$tmp/c.markdown")" 'risk: (low|medium) → high' "a risk"
unlike "$(cat "$tmp"/c.{markdown,table,html})" $'\e|\u202e' "nothing steers"
is "$(grep -c '^[~+-] ' "$tmp/c.table")" "$lines" "the table has them too"
like "$(<"$tmp/c.html")" "default-src 'none'" "the page has the policy of every page"
unlike "$(<"$tmp/c.html")" '<script>alert' "and names are text"
is "$(grep -o '<h3>' "$tmp/c.html" | wc -l)" "$lines" "and all that differ"

# A size that is never passed, and what was cut.
for size in 4096 5000 8192 12000; do
    compare --max-bytes $size
    is "$rc,$(($(wc -c <"$tmp/.out") <= size))" "0,1" "at most $size bytes"
    shown=$(grep -c '^- ' "$tmp/.out") said=$(sed -n 's/.*\*\*Not shown here\*\*: \([0-9]*\) workload.*/\1/p' "$tmp/.out")
    is "$((shown + ${said:-0}))" "$lines" "what is not shown is counted"
done

# The same run.
for format in markdown table json html csv; do
    run "$BIN/tare-report" --compare "$tmp/then" --format $format <"$tmp/then"
    is "$rc" 0 "the same run with itself as $format"
    [[ $format == csv ]] || like "$out" "Nothing changed: 120 workloads are as before" "says that nothing changed"
done
is "$(tail -n +2 <<<"$out" | grep -vc '"same"')" 0 "and every row of csv is the same"

# Copies of one name are matched in their order; nothing is one by its number of copies alone.
twins='for r in rows[:40]: r["workload"]["name"] = "twin"; r["workload"]["namespace"] = "n"'
made_artifact gated 40 4 "$twins" >"$tmp/then"
made_artifact gated 40 4 "$twins"$'\nrows.pop(39)' >"$tmp/now"
compare --format json
is "$(jq -c '.workloads_by_change | [.changed, .added, .gone, .same]' <<<"$out")" "[0,0,1,39]" "twins: one is gone"

# Other stages, clusters, nothing at all.
made_artifact costs 20 1 >"$tmp/then"
made_artifact gated 20 1 >"$tmp/now"
compare
is "$rc" 0 "an artifact of an earlier stage"
like "$out" 'different stages \(costs then, gated now\): only what both hold is compared' "is said"
like "$out" 'Nothing changed|differ' "and compared"
sed 's/"cluster": "prod"/"cluster": "test"/' "$tmp/now" >"$tmp/then"
compare
is "$rc" 65 "another cluster"
like "$err" "different clusters, 'test' then and 'prod' now" "is refused"
made_artifact gated 3 1 'rows.clear()' >"$tmp/then"
for format in markdown html csv json table; do
    compare --format $format
    is "$rc" 0 "nothing then, as $format"
    run "$BIN/tare-report" --compare "$tmp/then" --format $format <"$tmp/then"
    is "$rc" 0 "nothing at all, as $format"
done

# Asking.
for format in junit prometheus; do
    compare --format $format
    is "$rc" 64 "$format tells one run"
    like "$err" "$format tells the state of one run" "and says so"
done
compare --format html --max-bytes 70000
is "$rc" 64 "html of a comparison is never cut"
run "$BIN/tare-report" --compare "$tmp/none" <"$tmp/now"
is "$rc" 66 "a file that is not there"
head -n 5 "$tmp/now" >"$tmp/then"
compare
is "$rc" 65 "a cut artifact"
like "$err" "$tmp/then" "is named"
done_testing
