#!/usr/bin/env bash
# Money, computed again apart from the product: several hundred made workloads (odd replicas, missing usage and requests, injected and
# twice named containers), priced in every way there is. From the costs artifact, the configuration and the catalog's files alone, with
# exact fractions, each unit price and each cost must come out to the micro-dollar; and what a report says must add up to the same.
set -u
. "$(dirname "$0")/../harness/tap.sh"
command -v python3 >/dev/null || { echo "1..0 # SKIP python3 is not there"; tap_done=1; exit 0; }
export TARE_NOW=2026-11-22T03:00:00Z catalogs=$root/pricing/catalogs
cd "$tmp" || exit 1

cat >made.py <<'PYTHON'
"""Writes the recommendations artifact and one configuration for each way to price."""
import json, random, sys

random.seed(7)
def real(low, high):
    """As artifacts have them: 15 digits."""
    return float('%.15g' % random.uniform(low, high))

def amount(section, resource, chance):
    if random.random() > chance:
        return None
    if resource == 'cpu_millicores':
        return random.choice([0, 1, 5, 37, 100, 250, 333, 500, 1000, 1750, 4000, 96000])
    return random.choice([0, 1, 33554432, 104857600, 268435457, 1000000000, 1073741824, 3221225472, 412316860416])

def container(name, role='container'):
    return {'name': name, 'role': role,
            'requests': {r: amount('requests', r, 0.85) for r in ('cpu_millicores', 'memory_bytes')},
            'limits': {r: amount('limits', r, 0.5) for r in ('cpu_millicores', 'memory_bytes')}}

def usage():
    part = {}
    if random.random() < 0.93:
        part['cpu_millicores'] = {'mean': random.choice([real(0, 1), real(0, 900), 100, 0, real(1000, 9000)])}
    if random.random() < 0.93:
        part['memory_bytes'] = {'mean': random.choice([real(0, 1e6), real(1e7, 4e9), 268435457, 0])}
    return part

def advice(c):
    a = {'requests': {}, 'limits': {}, 'remove': []}
    for section in ('requests', 'limits'):
        for resource, short in (('cpu_millicores', 'cpu'), ('memory_bytes', 'memory')):
            roll = random.random()
            a[section][resource] = None
            if roll < 0.5:
                a[section][resource] = random.choice([11, 150, 251, 777]) * (1 if short == 'cpu' else 1048577)
            elif roll < 0.6:
                a['remove'].append(section + '.' + short)
    return a

kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Rollout']
namespaces = ['shop', 'batch-a', 'batch-b', None, 'data', '<script>alert(1)</script>', '=cmd|x', 'n' * 253]
records = []
for i in range(int(sys.argv[1])):
    names = ['main', 'side-%d' % (i % 7), 'proxy'][:random.choice([1, 1, 2, 3])]
    containers = [container(n) for n in names]
    if random.random() < 0.2:
        containers.insert(0, container('setup', 'init'))
    if random.random() < 0.2:
        containers.append(container('mesh', 'sidecar'))
    if random.random() < 0.05:
        containers.append(container('main'))
    workload = {'cluster': random.choice(['eu', 'us', None]), 'namespace': namespaces[i % len(namespaces)], 'kind': kinds[i % len(kinds)],
                'name': 'w%04d' % i, 'replicas': random.choice([None, 0, 1, 2, 3, 7, 250]), 'containers': containers,
                'labels': random.choice([{}, {'team': 'red'}, {'team': 'blue', 'tier': 'gold'}]),
                'scheduling': random.choice([{}, {'node_selector': {'pool': 'gpu', 'zone': 'a'}}, {'node_selector': {'pool': 'cpu'}}]),
                'source': {'file': 'a.yaml', 'document': i + 1, 'item': None, 'line': 1}}
    record = {'workload': workload, 'usage': None, 'recommendation': None, 'problems': []}
    if random.random() < 0.85:
        seen = {c['name']: usage() for c in containers if c['role'] != 'init' and random.random() < 0.95}
        if random.random() < 0.1:
            seen['injected'] = {'cpu_millicores': {'mean': real(1, 50)}, 'memory_bytes': {'mean': real(1, 1e8)}}
        record['usage'] = {'containers': seen, 'pods': random.choice([0, 1, 5, 5, 5]),
                           'replicas_mean': random.choice([0, 1, 2, 1 / 3, real(0, 3), real(0, 1e-6), real(3, 500)])}
        record['usage']['replicas_mean'] = float('%.15g' % record['usage']['replicas_mean'])
        if random.random() < 0.9:
            record['recommendation'] = {'action': 'resize', 'class': random.choice(['web', 'batch']),
                                        'containers': {c['name']: advice(c) for c in containers if random.random() < 0.9}}
    records.append(record)
with open('in', 'w') as out:
    print(json.dumps({'tare': 'recommendations', 'version': 1, 'created': '2026-11-22T03:00:00Z', 'by': 'test', 'settings': {}}), file=out)
    for record in records:
        print(json.dumps(record), file=out)
    print(json.dumps({'end': {'records': len(records), 'workloads': len(records), 'problems': 0, 'skipped': {}, 'input': None}}), file=out)

ways = {
    'default': {},
    'aws': {'provider': 'aws', 'region': 'us-east-1', 'instance': 'm5.large'},
    'gcp': {'provider': 'gcp', 'region': 'us-central1', 'instance': 'e2-standard-4', 'discount': 0.3, 'discounts': [0.05, 0.123456]},
    'azure': {'provider': 'azure', 'region': 'eastus', 'instance': 'D2s_v5'},
    'arm': {'provider': 'azure', 'region': 'eastus', 'instance': 'Standard_D2ps_v5', 'discount': 0.07},
    'elsewhere': {'provider': 'aws', 'region': 'eu-west-3', 'instance': 'r6g.2xlarge'},
    'estimated': {'provider': 'gcp', 'region': 'europe-west1', 'discount': 0.111111},
    'override': {'provider': 'aws', 'usd_per_vcpu_hour': 0.031611, 'usd_per_gib_hour': 0.004237, 'discount': 0.25},
    'shares': {'provider': 'aws', 'region': 'eu-west-1', 'instance': 'c6i.4xlarge', 'discounts': [0.1],
               'reserved': {'share': 0.4, 'discount': 0.37}, 'spot': {'share': 0.25, 'discount': None}},
    'serverless': {'provider': 'aws', 'region': 'us-east-1', 'serverless': 'aws-fargate-linux-arm', 'discount': 0.2},
    'on-prem': {'provider': 'on-prem', 'on_prem': {'hardware_usd': 9123.45, 'amortisation_months': 45, 'watts': 351.5, 'pue': 1.37,
                                                   'usd_per_kwh': 0.1833, 'overhead': 0.257, 'vcpu': 48, 'memory_gib': 192.5,
                                                   'cpu_memory_ratio': 7.77}},
    'pools': {'provider': 'aws', 'region': 'us-east-1', 'instance': 'm6i.xlarge', 'discount': 0.15, 'pools': [
        {'name': 'gpu', 'match': {'node_selector': {'pool': 'gpu'}}, 'instance': 'g5.xlarge'},
        {'name': 'jobs', 'match': {'kinds': ['*Job'], 'namespaces': ['batch-?']}, 'provider': 'gcp', 'region': 'us-central1',
         'instance': 'n2-highcpu-8', 'discount': 0, 'spot': {'share': 0.9, 'discount': 0.6}},
        {'name': 'gold', 'match': {'labels': {'tier': 'gold'}}, 'usd_per_vcpu_hour': 0.05, 'usd_per_gib_hour': 0.005, 'discount': 0},
        {'name': 'home', 'match': {'namespaces': ['default']}, 'provider': 'azure', 'region': 'westeurope', 'instance': 'E4s_v5', 'discount': 0.01}]},
}
for name, pricing in ways.items():
    with open(name + '.yaml', 'w') as out:
        json.dump({'version': 1, 'pricing': pricing}, out)
    print(name)
PYTHON

cat >again.py <<'PYTHON'
"""Computes everything again; prints what differs, then how much was compared."""
import csv, fnmatch, json, os, sys
from decimal import Decimal
from fractions import Fraction as F

def half_up(x):
    return (2 * x.numerator + x.denominator) // (2 * x.denominator)

def table(name):
    with open(os.path.join(os.environ['catalogs'], name), newline='') as f:
        return list(csv.DictReader(f))

def micro(text):
    return half_up(F(Decimal(text)) * 1000000)

nodes = {(r['provider'], r['region'], r['instance_type'].lower()): r for r in table('on-demand.csv')}
groups = {(r['provider'], r['region'], r['family_group'].split('(')[0]): r for r in table('unit-prices.csv')}
families = table('families.csv')
serverless = {(r['product'], r['region'], r['resource']): r for r in table('serverless.csv')}
home = {'aws': ('us-east-1', 'aws-gen6-intel'), 'gcp': ('us-central1', 'gcp-e2'), 'azure': ('eastus', 'azure-v5-intel')}
medians = {'aws': F(65, 100), 'gcp': F(65, 100)}

def number(x):
    return F(Decimal(str(x)))

def paid(p):
    share = F(1)
    for kind in ('reserved', 'spot'):
        s = p.get(kind) or {}
        off = s.get('discount')
        share -= number(s.get('share') or 0) * (number(off) if off is not None else medians[p['provider']] if s.get('share') else 0)
    for d in [p.get('discount') or 0] + (p.get('discounts') or []):
        share *= 1 - number(d)
    return share

def ratio(provider, region, instance):
    where, usual = home[provider]
    family = next((f['group'] for f in families if f['provider'] == provider and fnmatch.fnmatchcase(instance, f['pattern'])), usual)
    for key in ((provider, region, family), (provider, where, family), (provider, region, usual), (provider, where, usual)):
        if key in groups:
            return micro(groups[key]['usd_per_vcpu_hour']), micro(groups[key]['usd_per_gib_hour'])

def split(price, vcpu, gib, c, r, share):
    ram = F(price) / (vcpu * F(c, r) + gib)
    return half_up(ram * F(c, r) * share), half_up(ram * share)

def on_prem(p):
    o, share = p['on_prem'], paid(p)
    hardware = half_up(number(o['hardware_usd']) * 1000000 / (number(o['amortisation_months']) * 730))
    power = half_up(number(o['watts']) / 1000 * number(o['pue']) * number(o['usd_per_kwh']) * 1000000)
    node = half_up((hardware + power) * (1 + number(o['overhead'])))
    return (*split(node, number(o['vcpu']), number(o['memory_gib']), number(o['cpu_memory_ratio']), 1, share), 'on-prem', None)

def unit(p):
    """Micro-dollars of a vCPU-hour and a GiB-hour, the path, and the date of the price."""
    share = paid(p)
    if p.get('usd_per_vcpu_hour') is not None:
        return half_up(number(p['usd_per_vcpu_hour']) * 1000000 * share), half_up(number(p['usd_per_gib_hour']) * 1000000 * share), 'override', None
    if p.get('on_prem'):
        return on_prem(p)
    if p.get('serverless'):
        rows = [serverless[p['serverless'], p['region'], r] for r in ('cpu', 'memory')]
        return (*[half_up(micro(r['usd_per_unit_hour']) * share) for r in rows], 'serverless', rows[0]['date'])
    provider = p.get('provider') or 'aws'
    region, instance, path = p.get('region') or home[provider][0], p.get('instance'), 'exact'
    if not p.get('provider'):
        instance, path = 'm6i.xlarge', 'default'
    if instance is None:
        row = groups[provider, region, home[provider][1]]
        return half_up(micro(row['usd_per_vcpu_hour']) * share), half_up(micro(row['usd_per_gib_hour']) * share), 'estimated', row['date']
    names = (instance.lower(), 'standard_' + instance.lower())
    row = next((nodes[provider, region, n] for n in names if (provider, region, n) in nodes), None)
    if row is None:
        path, row = 'other-region', next(nodes[provider, home[provider][0], n] for n in names if (provider, home[provider][0], n) in nodes)
    c, r = ratio(provider, row['region'], row['instance_type'])
    return (*split(micro(row['usd_per_hour']), number(row['vcpu']), number(row['memory_gib']), c, r, share), path, row['date'])

MADE_OF = ('instance', 'serverless', 'usd_per_vcpu_hour', 'usd_per_gib_hour', 'on_prem')
def of_pool(base, pool):
    p = dict(base)
    if any(k in pool for k in MADE_OF):
        for k in MADE_OF:
            p.pop(k, None)
    if 'discount' in pool or 'discounts' in pool:
        p.pop('discount', None)
        p.pop('discounts', None)
    p.update({k: v for k, v in pool.items() if k not in ('name', 'match')})
    return p

def fits(match, workload):
    namespace = workload['namespace'] or 'default'
    selector = (workload.get('scheduling') or {}).get('node_selector') or {}
    return ((not match.get('namespaces') or any(fnmatch.fnmatchcase(namespace, g) for g in match['namespaces'])) and
            (not match.get('kinds') or any(fnmatch.fnmatchcase(workload['kind'], g) for g in match['kinds'])) and
            all(workload['labels'].get(k) == v for k, v in (match.get('labels') or {}).items()) and
            all(selector.get(k) == v for k, v in (match.get('node_selector') or {}).items()))

def effective(container, advice, resource, short):
    for section in ('requests', 'limits'):
        value = (advice.get(section) or {}).get(resource)
        if value is None and section + '.' + short not in advice.get('remove', []):
            value = container[section].get(resource)
        if value is not None:
            return value
    return None

RESOURCES = (('cpu_millicores', 'cpu', 1000, 'cpu_billed_%s_millicores'), ('memory_bytes', 'memory', 1 << 30, 'memory_billed_%s_bytes'))
def cost(record, prices):
    workload, usage = record['workload'], record['usage'] or {}
    replicas = usage.get('replicas_mean') if usage.get('pods', 1) > 0 else None
    guessed = replicas is None and workload['replicas'] is None
    replicas = replicas if replicas is not None else 1 if guessed else workload['replicas']
    parts, missing, seen = {}, [], {}
    for c in workload['containers']:
        seen[c['name']] = copy = seen.get(c['name'], 0) + 1
        if c['role'] == 'init':
            continue
        part = parts[c['name'] if copy == 1 else '%s#%d' % (c['name'], copy)] = {}
        advice = ((record['recommendation'] or {}).get('containers') or {}).get(c['name']) or {}
        for (resource, short, per, billed), price in zip(RESOURCES, prices):
            mean = (((usage.get('containers') or {}).get(c['name']) or {}).get(resource) or {}).get('mean')
            for when, given in (('before', {}), ('after', advice)):
                request = effective(c, given, resource, short)
                if when == 'before' and request is None and mean is None and replicas > 0:
                    missing.append(c['name'])
                amount = max(F(request or 0), F(mean or 0))
                money = lambda a: half_up(a * price * 730 * F(replicas) / per)
                part['%s_%s_microusd' % (short, when)] = money(amount)
                part['%s_waste_%s_microusd' % (short, when)] = None if mean is None else money(amount - F(mean))
                part[billed % when] = float(amount)
    whole = {'containers': parts, 'replicas': float(replicas), 'hours': 730}
    for when in ('before', 'after'):
        whole['monthly_%s_microusd' % when] = sum(p[s + '_%s_microusd' % when] for p in parts.values() for s in ('cpu', 'memory'))
        wasted = [p[s + '_waste_%s_microusd' % when] for p in parts.values() for s in ('cpu', 'memory')]
        whole['waste_%s_microusd' % when] = None if None in wasted else sum(wasted)
    whole['monthly_saving_microusd'] = whole['monthly_before_microusd'] - whole['monthly_after_microusd']
    for k in ('before', 'after', 'saving'):
        whole['annual_%s_microusd' % k] = 12 * whole['monthly_%s_microusd' % k]
    stray = (usage.get('containers') or {}).get('injected') or {}
    stray = sum(half_up(F(stray[r[0]]['mean']) * price * 730 * F(replicas) / r[2]) for r, price in zip(RESOURCES, prices) if r[0] in stray)
    return (None if missing else whole), set(missing), guessed, stray

def main(way):
    pricing = json.load(open(way + '.yaml'))['pricing']
    pools = [(p['name'], p['match'], unit(of_pool(pricing, p))) for p in pricing.get('pools', [])] + [(None, {}, unit(pricing))]
    compared = wrong = unpriced = 0
    used = set()
    def check(name, got, wanted):
        nonlocal compared, wrong
        compared += 1
        if got != wanted:
            wrong += 1
            if wrong < 6:
                print('%s: %s is %r, computed again %r' % (way, name, got, wanted))
    for line in open(way + '.costs'):
        record = json.loads(line)
        if 'workload' not in record:
            continue
        name = record['workload']['name']
        pool, _, price = next(p for p in pools if fits(p[1], record['workload']))
        used.add(pool)
        wanted, missing, guessed, stray = cost(record, price[:2])
        got = record['cost']
        codes = {}
        for p in record['problems']:
            codes.setdefault(p['code'], '')
            codes[p['code']] += p['message']
        check(name + ': priced', got is None, wanted is None)
        check(name + ': why not', 'unpriced' in codes and all("'%s'" % m in codes['unpriced'] for m in missing), bool(missing))
        check(name + ': injected', "'injected'" in codes.get('container-unlisted', ''), stray > 0)
        if got is None or wanted is None:
            unpriced += 1
            continue
        unknown = guessed or ((record['usage'] or {}).get('pods', 0) == 0 and record['workload']['kind'] in ('Job', 'CronJob'))
        check(name + ': replicas', 'replicas-unknown' in codes, unknown)
        path = got['price']
        check(name + ': unit prices', (path['microusd_per_vcpu_hour'], path['microusd_per_gib_hour'], path['path']), price[:3])
        check(name + ': date of the price', path['date'], price[3])
        check(name + ': pool', path['pool'], pool)
        check(name + ': estimated', 'price-estimated' in codes, price[2] in ('other-region', 'estimated'))
        del got['price']
        check(name + ': members', sorted(got), sorted(wanted))
        for key in wanted:
            check(name + ': ' + key, got.get(key), wanted[key])
    if used != {p[0] for p in pools}:
        print('%s: pools that no workload is in: %s' % (way, {p[0] for p in pools} - used))
    print('%d %d %d' % (compared, wrong, unpriced), file=sys.stderr)

main(sys.argv[1])
PYTHON

cat >sums.py <<'PYTHON'
"""Adds up the records of a costs artifact and looks for the same sums in a report; prints what differs, then how much was compared."""
import csv, html, json, re, sys
import xml.etree.ElementTree as xml

way, form = sys.argv[1:]
compared = 0
def check(name, got, wanted):
    global compared
    compared += 1
    if got != wanted:
        print('%s %s: %r, the records say %r' % (form, name, got, wanted))

MONEY = ['monthly_before_microusd', 'monthly_after_microusd', 'monthly_saving_microusd',
         'annual_before_microusd', 'annual_after_microusd', 'annual_saving_microusd']
WASTE = ['waste_before_microusd', 'waste_after_microusd']
def nothing():
    return dict.fromkeys(MONEY + WASTE + ['cpu', 'memory'], 0)

records = [r for r in map(json.loads, open(way + '.costs')) if 'workload' in r]
total, by = nothing(), {'namespaces': {}, 'teams': {}, 'clusters': {}, 'classes': {}}
priced = {}
for record in records:
    w, cost = record['workload'], record['cost']
    name = (w['namespace'], w['kind'], w['name'])
    keys = {'namespaces': w['namespace'], 'teams': w['labels'].get('team'), 'clusters': w['cluster'],
            'classes': (record['recommendation'] or {}).get('class')}
    sums = [by[k].setdefault(v, nothing()) for k, v in keys.items()] + [total]
    if cost is None:
        continue
    priced[name] = cost
    for s in sums:
        for key in MONEY + WASTE:
            s[key] += cost[key] or 0
        for part in cost['containers'].values():
            for r in ('cpu', 'memory'):
                s[r] += part[r + '_before_microusd']

def dollars(micro):
    whole = (abs(micro) + 5000) // 10000
    sign = '-' if micro < 0 else ''
    return '$0' if whole == 0 else '%s$%s' % (sign, '{:,}'.format((abs(micro) + 500000) // 1000000) if whole >= 100 else '0.%02d' % whole)

def exact(text):
    """Dollars with at most six decimals as micro-dollars."""
    whole, _, part = text.lstrip('-').partition('.')
    return (-1 if text[0] == '-' else 1) * (int(whole) * 1000000 + int((part + '000000')[:6]))

def in_json():
    report = json.load(open(way + '.json'))
    for key in MONEY + WASTE:
        check('totals ' + key, report['totals'][key], total[key])
    for r in ('cpu', 'memory'):
        check('totals ' + r, report['totals']['resources'][r]['monthly_before_microusd'], total[r])
    for dimension, member in (('namespaces', 'namespace'), ('teams', 'team'), ('clusters', 'cluster'), ('classes', 'class')):
        check(dimension, {p[member] for p in report[dimension]}, set(by[dimension]))
        for part in report[dimension]:
            for key in MONEY + WASTE:
                check('%s %s %s' % (dimension, part[member], key), part[key], by[dimension][part[member]][key])
            for r in ('cpu', 'memory'):
                check('%s %s %s' % (dimension, part[member], r), part['resources'][r]['monthly_before_microusd'],
                      by[dimension][part[member]][r])
    for w in report['workloads']:
        cost = priced.get((w['namespace'], w['kind'], w['name']))
        for key in MONEY:
            check(w['name'] + ' ' + key, w[key], cost and cost[key])
        if cost:
            check(w['name'] + ' containers', sum(c['monthly_before_microusd'] for c in w['containers'] if c['monthly_before_microusd']),
                  cost['monthly_before_microusd'])

def in_csv():
    rows = {}
    for row in csv.DictReader(open(way + '.csv', newline='')):
        space = row['namespace'][1:] if row['namespace'].startswith("'=") else row['namespace']
        rows.setdefault((space or None, row['kind'], row['workload']), []).append(row)
    for name, lines in rows.items():
        cost = priced.get(name)
        for key in MONEY:
            check('%s %s' % (name[2], key), sum(int(l[key] or 0) for l in lines), cost[key] if cost else 0)
    for key in MONEY:
        check('all ' + key, sum(int(l[key] or 0) for lines in rows.values() for l in lines), total[key])

def in_prometheus():
    names = {'before': 'monthly_before_microusd', 'after': 'monthly_after_microusd'}
    found = dict.fromkeys(('', 'namespace_', 'team_', 'workload_'), 0)
    for line in open(way + '.prometheus'):
        m = re.match(r'tare_(namespace_|team_|workload_|)monthly_(cost_before|cost_after|saving)_usd\{(.*)\} (\S+)$', line)
        if not m:
            continue
        labels = {k: v.replace('\\"', '"').replace('\\\\', '\\') for k, v in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m[3])}
        key = 'monthly_%s_microusd' % m[2].replace('cost_', '')
        found[m[1]] += 1
        if m[1] == 'workload_':
            wanted = priced[labels['namespace'] or None, labels['kind'], labels['workload']][key]
        else:
            wanted = total[key] if m[1] == '' else by[m[1][:-1] + 's'][labels[m[1][:-1]] or None][key]
        check(line.split(' ')[0], exact(m[4]), wanted)
    check('series', found, {'': 3, 'namespace_': 3 * len(by['namespaces']), 'team_': 3 * len(by['teams']), 'workload_': 3 * len(priced)})

def in_junit():
    sums = dict.fromkeys(MONEY[:3], 0)
    for suite in xml.parse(way + '.junit').getroot():
        for p in suite.iter('property'):
            if p.get('name') in sums:
                sums[p.get('name')] += int(p.get('value'))
    for key in sums:
        check('suites ' + key, sums[key], total[key])

def in_text():
    text = html.unescape(re.sub(r'<[^>]+>', '|', open(way + '.' + form).read()))
    check('headline', 'from %s to %s a month' % (dollars(total['monthly_before_microusd']), dollars(total['monthly_after_microusd'])) in text, True)
    if form == 'table':
        return
    for name, sums in by['namespaces'].items():
        row = r'%s[^$]*' % re.escape(dollars(sums['monthly_before_microusd'])) + re.escape(dollars(sums['monthly_after_microusd']))
        check('namespace %s' % name, re.search(row, text) is not None, True)

{'json': in_json, 'csv': in_csv, 'prometheus': in_prometheus, 'junit': in_junit}.get(form, in_text)()
print(compared, file=sys.stderr)
PYTHON

ways=$(python3 made.py 420)
is "$(wc -w <<<"$ways")" 12 "ways to price"
for way in $ways; do
    run "$BIN/tare-price" -c "$way.yaml" <in
    is "$rc" 0 "$way: priced" || diag "$err"
    printf '%s\n' "$out" >"$way.costs"
    differences=$(python3 again.py "$way" 2>counts)
    is "$? $differences" "0 " "$way: every unit price and cost comes out again to the micro-dollar" || diag "$(cat counts)"
    read -r compared _ unpriced < <(tail -1 counts)
    ok "$way: $compared figures were compared, $unpriced workloads have no price" test "${compared:-0}" -gt 4000 -a "${unpriced:-0}" -gt 20
done

# --- what a report says is the sum of its records, in every form
for way in gcp pools; do
    for form in json csv prometheus junit markdown html table; do
        more=()
        [[ $form == markdown ]] && more=(--max-bytes 10000000)
        "$BIN/tare-report" --format "$form" "${more[@]}" <"$way.costs" >"$way.$form" 2>err
        is $? 0 "$way: report as $form" || diag "$(cat err)"
        differences=$(python3 sums.py "$way" "$form" 2>counts | head -5)
        is "$differences$(grep Traceback counts)" "" "$way: $form adds up to the records ($(tail -1 counts) sums)" || diag "$(tail -3 counts)"
    done
done

# --- nothing to price, and nothing known of what there is
python3 made.py 0 >/dev/null
run "$BIN/tare-price" <in
is "$rc" 0 "no workload at all: priced"
is "$("$BIN/tare-report" --format json <<<"$out" | jq -c '.totals | [.workloads, .monthly_before_microusd, .annual_saving_microusd]')" "[0,0,0]" "and the sums are 0"
python3 made.py 40 >/dev/null
jq -c 'if .workload then .usage = null | .recommendation = null | .workload.containers[] |= (.requests = {} | .limits = {}) | .workload.replicas = 1 else . end' in >bare
run "$BIN/tare-price" <bare
is "$rc" 0 "no workload has data: priced"
printf '%s\n' "$out" >bare.costs
is "$(jq -s 'map(select(.workload)) | [length, (map(select(.cost == null and any(.problems[]; .code == "unpriced"))) | length)] | tostring' bare.costs)" '"[40,40]"' \
    "each says why it has no price"
is "$("$BIN/tare-report" --format json <bare.costs | jq -c '.totals | [.workloads, .unpriced, .monthly_before_microusd]')" "[40,40,0]" "and the report counts them"

done_testing
