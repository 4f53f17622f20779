#!/usr/bin/env bash
# CSV, JUnit XML and Prometheus metrics of one artifact, each read by a parser that is not ours: the sums agree with JSON's totals to
# the micro-dollar, and no name becomes a formula, an element or a label of its own.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/report.sh"
need python3 xmllint promtool jq

made_artifact gated 300 7 >"$tmp/in"
report() { run "$BIN/tare-report" "$@" <"$tmp/in"; }
for format in json csv junit prometheus table markdown html; do
    report --format "$format"
    is "$rc" 0 "$format" || diag "$err"
    cp "$tmp/.out" "$tmp/r.$format"
done

# --- CSV ---------------------------------------------------------------------------------------------------
check_csv() { # CSV JSON
    python3 - "$@" <<'PYTHON'
import collections, csv, json, sys
data = open(sys.argv[1], 'rb').read()
if data.count(b'\n') != data.count(b'\r\n') or not data.endswith(b'\r\n'):
    print('lines end otherwise than by CRLF')
rows = list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
head, rows = rows[0], [dict(zip(rows[0], row)) for row in rows[1:] if len(row) == len(rows[0]) or print('a row of %d cells' % len(row))]
if len(set(head)) != len(head):
    print('a column twice')
report = json.load(open(sys.argv[2]))
totals = report['totals']
numeric = {c for c in head if c.endswith(('_microusd', '_millicores', '_bytes', '_line'))} | {'replicas', 'confidence', 'findings'}
for row in rows:
    for column, cell in row.items():
        if column in numeric:
            cell and float(cell)
        elif cell[:1] in '=+-@\t\r\n' and cell and not column.startswith('backtest'):
            print('a formula in %s: %r' % (column, cell))
def total(column, rows=rows):
    return sum(int(r[column]) for r in rows if r[column])
for column, wanted in (('monthly_before_microusd', 'monthly_before_microusd'), ('monthly_after_microusd', 'monthly_after_microusd'),
                       ('monthly_saving_microusd', 'monthly_saving_microusd'), ('proposed_after_microusd', 'proposed_after_microusd')):
    if total(column) != totals[wanted]:
        print(column, total(column), totals[wanted])
for what in ('before', 'after'):
    if total('cpu_%s_microusd' % what) + total('memory_%s_microusd' % what) != totals['monthly_%s_microusd' % what]:
        print('CPU and memory do not make', what)
    if total('cpu_waste_%s_microusd' % what) + total('memory_waste_%s_microusd' % what) != totals['waste_%s_microusd' % what]:
        print('waste', what)
    if total('annual_%s_microusd' % what) != 12 * totals['monthly_%s_microusd' % what]:
        print('annual', what)
spaces = collections.defaultdict(list)
for row in rows:
    spaces[row['namespace']].append(row)
for space in report['namespaces']:
    if total('monthly_before_microusd', spaces[space['namespace'] or '']) != space['monthly_before_microusd']:
        print('namespace', space['namespace'])
if len({(r['source_file']) for r in rows}) != totals['workloads']:
    print('workloads', len({(r['source_file']) for r in rows}))
PYTHON
}
is "$(check_csv "$tmp/r.csv" "$tmp/r.json")" "" "csv: RFC 4180, no formula, sums of cells, resources, years and namespaces are the totals"
is "$(head -1 "$tmp/r.csv" | cut -d, -f1-8,35-37)" "cluster,namespace,kind,workload,container,role,action,replicas,team,class,held_back" "columns keep their places"
missing=$(head -1 "$tmp/r.csv" | tr -d '\r' | tr , '\n' | while read -r column; do
    case $column in *_now_* | *_new_* | backtest_* | annual_* | monthly_* | cpu_* | memory_*) ;; *) grep -q "\`$column\`" "$root/reports/csv/README.md" || echo "$column" ;; esac
done)
is "$missing" "" "every column stands in the README"

# --- JUnit -------------------------------------------------------------------------------------------------
cat >"$tmp/junit.xsd" <<'XSD'
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:attributeGroup name="counts">
    <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/><xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/><xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
    <xs:attribute name="time" type="xs:decimal"/>
  </xs:attributeGroup>
  <xs:complexType name="result"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="message" type="xs:string" use="required"/><xs:attribute name="type" type="xs:string"/>
  </xs:extension></xs:simpleContent></xs:complexType>
  <xs:element name="testsuites"><xs:complexType><xs:sequence>
    <xs:element name="testsuite" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="properties" minOccurs="0"><xs:complexType><xs:sequence>
        <xs:element name="property" maxOccurs="unbounded"><xs:complexType>
          <xs:attribute name="name" type="xs:NMTOKEN" use="required"/><xs:attribute name="value" type="xs:string" use="required"/>
        </xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
      <xs:element name="testcase" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
        <xs:choice minOccurs="0"><xs:element name="skipped" type="result"/><xs:element name="failure" type="result"/><xs:element name="error" type="result"/></xs:choice>
        <xs:element name="system-out" type="xs:string" minOccurs="0"/>
      </xs:sequence><xs:attribute name="classname" type="xs:string" use="required"/><xs:attribute name="name" type="xs:string" use="required"/>
        <xs:attribute name="time" type="xs:decimal"/></xs:complexType></xs:element>
    </xs:sequence><xs:attribute name="name" type="xs:string" use="required"/><xs:attribute name="timestamp" type="xs:dateTime"/><xs:attributeGroup ref="counts"/></xs:complexType></xs:element>
  </xs:sequence><xs:attribute name="name" type="xs:string"/><xs:attributeGroup ref="counts"/></xs:complexType></xs:element>
</xs:schema>
XSD
check_junit() { # XML JSON ARTIFACT
    python3 - "$@" <<'PYTHON'
import json, sys, xml.etree.ElementTree as tree
suites = tree.parse(sys.argv[1]).getroot()
report = json.load(open(sys.argv[2]))
rows = [json.loads(line) for line in open(sys.argv[3])]
rows = [r for r in rows if 'workload' in r]
cases = [c for s in suites for c in s.iter('testcase') if s.get('name') != '(sources)']
if len(cases) != len(rows):
    print('cases', len(cases))
def wanted(r):
    change = r['recommendation']['action'] == 'resize'
    if change and r.get('gate', {}).get('verdict') == 'blocked' or any(f['severity'] == 'critical' for f in r['recommendation']['findings']):
        return 'failure'
    if change and not r.get('change', {'edits': 1})['edits'] or r['usage'] is None or r['recommendation']['action'] == 'none':
        return 'skipped'
    return None
for result, attribute in (('failure', 'failures'), ('skipped', 'skipped'), ('error', 'errors')):
    want = sum(wanted(r) == result for r in rows)
    have = sum(c.find(result) is not None for c in cases)
    said = int(suites.get(attribute)) - (result == 'skipped')
    if not want == have == said:
        print(result, want, have, said)
for s in suites:
    for result, attribute in (('failure', 'failures'), ('skipped', 'skipped'), ('error', 'errors')):
        if int(s.get(attribute)) != len(list(s.iter(result))):
            print('suite', s.get('name'), attribute)
    if int(s.get('tests')) != len(list(s.iter('testcase'))):
        print('suite', s.get('name'))
def total(name):
    return sum(int(p.get('value')) for p in suites.iter('property') if p.get('name') == name)
for name in ('monthly_before_microusd', 'monthly_after_microusd', 'monthly_saving_microusd'):
    if total(name) != report['totals'][name]:
        print(name, total(name))
if {s.get('name') for s in suites} != {n['namespace'] or '(no namespace)' for n in report['namespaces']} | {'(sources)'}:
    print('suites')
if not any(c.get('name') == 'Deployment/' + ']]>-0' for c in cases) or not any('<script>' in c.get('name') for c in cases):
    print('hostile names are not text')
PYTHON
}
ok "junit: XML" xmllint --nonet --noout "$tmp/r.junit"
ok "of the shape that CI reads" xmllint --nonet --noout --schema "$tmp/junit.xsd" "$tmp/r.junit"
is "$(check_junit "$tmp/r.junit" "$tmp/r.json" "$tmp/in")" "" "failures, skipped cases and sums are those of the artifact"
unlike "$(<"$tmp/r.junit")" $'\e|\u202e|\uffff' "nothing steers the reader"

# --- Prometheus --------------------------------------------------------------------------------------------
check_metrics() { # METRICS JSON
    python3 - "$@" <<'PYTHON'
import collections, decimal, json, re, sys
report = json.load(open(sys.argv[2]))
text = open(sys.argv[1], encoding='utf-8').read()
if not text.endswith('\n'):
    print('the last line is cut')
series, family, closed, helped, typed = {}, None, set(), set(), set()
for line in text.splitlines():
    m = re.match(r'# (HELP|TYPE) (tare_[a-z_]+) (.+)$', line)
    if m:
        (helped if m[1] == 'HELP' else typed).add(m[2])
        if m[1] == 'HELP':
            if m[2] in closed:
                print('family twice', m[2])
            closed.add(m[2])
            family = m[2]
        continue
    m = re.match(r'(tare_[a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,(?=[a-z]))?)*)\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)$', line)
    if not m:
        print('not a sample: ' + line[:200])
        continue
    if m[1] != family:
        print('out of its family: ' + line[:100])
    key = (m[1], m[2])
    if key in series:
        print('twice: ' + line[:200])
    series[key] = decimal.Decimal(m[3])
if helped != typed or {k[0] for k in series} != helped:
    print('HELP or TYPE is missing')
def total(name):
    return int(sum(v for (n, _), v in series.items() if n == 'tare_' + name) * 1000000)
for level in ('', 'namespace_', 'team_', 'workload_'):
    for what, wanted in (('cost_before', 'monthly_before'), ('cost_after', 'monthly_after'), ('saving', 'monthly_saving'), ('waste_before', 'waste_before'), ('waste_after', 'waste_after')):
        if total(level + 'monthly_' + what + '_usd') != report['totals'][wanted + '_microusd']:
            print(level + what, total(level + 'monthly_' + what + '_usd'), report['totals'][wanted + '_microusd'])
if sum(v for (n, l), v in series.items() if n == 'tare_workloads') != report['totals']['workloads']:
    print('workloads')
if sum(v for (n, l), v in series.items() if n == 'tare_findings') != sum(w['findings_count'] for w in report['workloads']):
    print('findings')
cores = sum(v for (n, l), v in series.items() if n == 'tare_container_cpu_request_recommended_cores')
if cores * 1000 != sum(c['new']['cpu_request_millicores'] for w in report['workloads'] for c in w['containers']):
    print('cores', cores)
if not any(n == 'tare_workload_monthly_cost_before_usd' and 'workload="\\"quo\'ted\\" & more-0"' in l for (n, l) in series):
    print('a quote in a label')
PYTHON
}
run promtool check metrics <"$tmp/r.prometheus"
is "$rc,$out,$err" "0,," "prometheus: promtool has nothing to say"
is "$(check_metrics "$tmp/r.prometheus" "$tmp/r.json")" "" "families are whole, no series is there twice, exact dollars sum to the totals at every level"
report --format prometheus --run 12 --output "$tmp/tare.prom"
is "$rc,$(stat -c %a "$tmp/tare.prom")" "0,644" "a file for the textfile collector"
like "$(<"$tmp/tare.prom")" 'tare_run_info\{cluster="prod",run="12",kind="gated",digest="[0-9a-f]{64}",made_by="test"\} 1' "says which run it is"
head -n 100 "$tmp/in" >"$tmp/cut"
run bash -c '"$0"/tare-report --format prometheus --output "$2" <"$1"' "$BIN" "$tmp/cut" "$tmp/tare.prom"
is "$rc,$(ls "$tmp" | grep -c 'tare\.prom'),$(tail -c 1 "$tmp/tare.prom" | od -An -tx1 | tr -d ' ')" "65,1,0a" "a cut artifact leaves the whole file of before, and nothing beside it"

# --- Table -------------------------------------------------------------------------------------------------
made_artifact gated 100 9 >"$tmp/in"
for columns in 40 60 80 100 132 300; do
    COLUMNS=$columns report --format table
    is "$rc $(python3 -c 'import sys; print(max(len(line.rstrip("\n")) for line in open(sys.argv[1], encoding="utf-8")) <= int(sys.argv[2]))' "$tmp/.out" "$columns")" \
        "0 True" "the table is no wider than $columns columns"
done
like "$out" $'\ntotal +\$[0-9,]+ +\$[0-9,]+ +-\$[0-9,]+ +-[0-9]+%\n' "its last row is the total"
is "$(sed -n '/^total/q; 2,$p' <<<"$out" | wc -l)" 100 "after a line a workload"
is "$(sed '/^total/q' <<<"$out" | python3 -c 'import sys; print(len({line.find("% ") for line in sys.stdin if "% " in line and "$" in line}))')" 1 "that stand in one line"
report --format table
narrow=$out
COLUMNS=80 report --format table
is "$narrow" "$out" "80 columns where nobody says"
COLUMNS=nonsense report --format table
is "$narrow" "$out" "or says nonsense"
unlike "$out" $'\e|\u202e' "nothing steers"

# One object in two manifests: a series twice would make a server refuse the whole file.
made_artifact gated 60 3 'for r in rows[:60]:
    r["workload"]["name"] = "same"
    r["workload"]["namespace"] = "one"
    for c in r["workload"]["containers"]: c["name"] = "c"' >"$tmp/in"
for format in prometheus json; do "$BIN/tare-report" --format $format <"$tmp/in" >"$tmp/r.$format"; done
ok "one name sixty times" promtool check metrics <"$tmp/r.prometheus"
is "$(grep -v '^[^{]*{[^}]*} ' "$tmp/r.prometheus" | grep -vc '^#') $(grep -v '^#' "$tmp/r.prometheus" | sed 's/ [^ ]*$//' | sort | uniq -d | wc -l)" "0 0" "has series of its own each"

# --- Little and nothing ------------------------------------------------------------------------------------
for edit in 'rows.clear()' 'for r in rows[:9]: r["usage"] = None; r["recommendation"] = {"action": "none", "confidence": 0, "risk": "low", "containers": {}, "findings": []}; r.pop("cost", None); r.pop("change", None); r.pop("gate", None)'; do
    made_artifact gated 9 5 "$edit" >"$tmp/in"
    for format in markdown html csv json junit prometheus table; do
        report --format $format
        is "$rc" 0 "$format of ${edit%%(*}: " || diag "$err"
        cp "$tmp/.out" "$tmp/r.$format"
    done
    ok "its XML holds" xmllint --nonet --noout --schema "$tmp/junit.xsd" "$tmp/r.junit"
    ok "its metrics too" promtool check metrics <"$tmp/r.prometheus"
done

# --- Asking ------------------------------------------------------------------------------------------------
report --format junti
is "$rc" 64 "an unknown format"
like "$err" "did you mean 'junit'" "gets its near name"
for format in csv json junit prometheus table; do
    report --format $format --max-bytes 100000
    is "$rc" 64 "$format is never cut"
done
like "$err" "table is complete or nothing" "and says so"
report --format markdown --max-bytes 4095
is "$rc" 64 "too small for anything"
like "$err" "at least 4096 bytes" "says how much is needed"
done_testing
