# Made artifacts for tests of reports. Source it after tap.sh (needs python3):
#
#   made_artifact KIND COUNT SEED [EDIT] >FILE
#
# KIND is costs, changes or gated; COUNT workloads over a few namespaces and teams, money to the micro-dollar; among them held back, blocked,
# unpriced and unseen ones, findings, several containers, and names that try to be markup. EDIT is Python that may change `rows` (a list
# of records) before they are written.
made_artifact() {
    python3 - "$@" <<'PYTHON'
import json, random, sys
kind, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pick = random.Random(seed)
hostile = ['<script>alert(1)</script>', '"quo\'ted" & more', '\u202egnp.exe', 'x' * 253, '\x1b[2J\x1b]0;t\x07', '=cmd|calc', '+1', '-1', '@team', '\t=1',
           ']]>', '</details>', '```', '`x`', '[a](http://evil)', '![i](//evil)', '<!-- ', '**b** _i_', '#12 GH-12 :smile: www.evil.com', '| a | b |', '\ufffe\uffff', 'a\nb',
           '0123456789abcdef0123456789abcdef01234567', '\\', '$x$', '~~s~~', '&lt;b&gt;', '- - x', '1. one', 'a,b;c', 'caf\u00e9', '\U000e0041']
spaces = ['shop', 'ops', 'data', '<b>ns</b>', None]
def record(i):
    name = hostile[i // 3 % len(hostile)] if i % 3 == 2 else 'app-%d' % i
    containers, costs, advice, edits = [], {}, {}, []
    resize = i % 7 != 6
    for c in range(1 + i % 3):
        cname = 'c%d' % c if i % 5 else hostile[(i + c) % len(hostile)]
        if any(x['name'] == cname for x in containers):
            cname += '-2'
        role = 'sidecar' if c == 1 else 'container'
        containers.append({'name': cname, 'role': role, 'requests': {'cpu_millicores': 500, 'memory_bytes': 512 << 20}, 'limits': {'memory_bytes': 1 << 30}})
        cpu, memory = pick.randrange(0, 40000000), pick.randrange(0, 20000000)
        part = (pick.randrange(0, 1000), pick.randrange(0, 1000)) if resize else (1000, 1000)
        costs[cname] = {'cpu_before_microusd': cpu, 'cpu_after_microusd': cpu * part[0] // 1000, 'memory_before_microusd': memory,
                        'memory_after_microusd': memory * part[1] // 1000, 'cpu_waste_before_microusd': cpu // 2, 'cpu_waste_after_microusd': cpu // 4,
                        'memory_waste_before_microusd': memory // 3, 'memory_waste_after_microusd': 0}
        if resize:
            advice[cname] = {'requests': {'cpu_millicores': 100 + i % 300, 'memory_bytes': (64 + i % 99) << 20}}
            edits.append({'container': cname, 'path': 'x', 'from': '500m', 'to': '%dm' % (100 + i % 300)})
    total = lambda *keys: sum(c[k] for c in costs.values() for k in keys)
    before, after = total('cpu_before_microusd', 'memory_before_microusd'), total('cpu_after_microusd', 'memory_after_microusd')
    findings = [{'code': 'oom-kills', 'severity': ('info', 'low', 'medium', 'high', 'critical')[i % 5], 'message': 'finding of ' + name}] if i % 4 == 0 else []
    out = {'workload': {'cluster': 'prod', 'namespace': spaces[i % len(spaces)], 'kind': 'Deployment', 'name': name if i % 3 != 2 else name + '-%d' % (i // 3 // len(hostile)),
                        'replicas': 1 + i % 4, 'labels': {'team': ('blue', 'red', hostile[i % len(hostile)])[i % 3]} if i % 4 else {},
                        'source': {'file': 'f%06d.yaml' % i, 'document': 1, 'item': None, 'line': i + 1}, 'containers': containers},
           'usage': None if i % 11 == 10 else {'containers': {c['name']: {} for c in containers}},
           'recommendation': {'action': 'resize' if resize else 'none' if i % 14 == 6 else 'keep', 'confidence': i % 100 / 100, 'risk': ('low', 'medium', 'high')[i % 3], 'class': 'web',
                              'reasoning': 'because of ' + name, 'containers': advice, 'findings': findings},
           'problems': [{'stage': 'collect', 'code': 'no-series', 'message': 'none of ' + name}] if i % 11 == 10 else []}
    if i % 13 != 12:
        out['cost'] = {'monthly_before_microusd': before, 'monthly_after_microusd': after, 'monthly_saving_microusd': before - after, 'replicas': 1 + i % 4, 'containers': costs,
                       'waste_before_microusd': total('cpu_waste_before_microusd', 'memory_waste_before_microusd'),
                       'waste_after_microusd': total('cpu_waste_after_microusd', 'memory_waste_after_microusd'),
                       'price': {'microusd_per_vcpu_hour': 34522, 'microusd_per_gib_hour': 4400, 'provider': 'aws', 'region': 'us-east-1', 'instance': 'm5.large', 'path': 'exact', 'date': '2026-09-01'}}
    if kind != 'costs':
        written = resize and i % 17 != 16
        patch = '--- a/f%d.yaml\n+++ b/f%d.yaml\n@@ -1,2 +1,2 @@\n name: %s\n ```\n-cpu: 500m\n+cpu: %dm\n' % (i, i, name.replace('\n', ' '), 100 + i % 300)
        out['change'] = {'edits': edits if written else [], 'patch': patch if written else ''}
    if kind == 'gated':
        verdict = 'unchanged' if not resize else 'blocked' if i % 9 == 8 else 'needs-approval' if i % 2 else 'allowed'
        out['gate'] = {'verdict': verdict, 'reasons': ['because the policy says ' + name] if verdict in ('blocked', 'needs-approval') else []}
    return out
rows = [record(i) for i in range(count)]
rows.append({'note': {'stage': 'parse', 'outcome': 'error', 'code': 'yaml-syntax', 'message': 'broken <b>', 'source': {'file': 'z.yaml', 'line': 7}}})
header = {'tare': kind, 'version': 1, 'created': '2026-11-22T03:00:00Z', 'by': 'test', 'settings': {'collect': {'window_seconds': 604800, 'end': '2026-11-22T03:00:00Z', 'source': 'query-range'}}}
if len(sys.argv) > 4:
    exec(sys.argv[4])
print(json.dumps(header))
for row in rows:
    print(json.dumps(row))
works = [r for r in rows if 'workload' in r]
problems = sum(len(r.get('problems', [])) for r in works) + sum(1 for r in rows if r.get('note', {}).get('outcome') == 'error')
print(json.dumps({'end': {'records': len(rows), 'workloads': len(works), 'problems': problems, 'skipped': {}, 'input': None}}))
PYTHON
}
