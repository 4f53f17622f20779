#!/usr/bin/env bash
# tare audit verify FILE: an exported audit trail is checked without any database. The trail here is made by other code than tare's.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need python3
cd "$tmp" || exit 1
unset TARE_DATABASE_URL
export TARE_STATE_DIR=$tmp/nowhere

cat >make.py <<'E2'
# make.py EVENTS SEED [FROM WORD]: an export of EVENTS events; those from FROM on say WORD besides, with right digests.
import hashlib, json, random, sys
count, seed = int(sys.argv[1]), int(sys.argv[2])
start, word = (int(sys.argv[3]), sys.argv[4]) if len(sys.argv) > 3 else (count + 1, '')
dice = random.Random(seed)
texts = ['', 'shop/Deployment/cart', 'é|7:x', 'quote " back \\ slash', 'tab\tnew\nline\x1f\x7f', '-,', '\U0001f642 " \u2028']
ledger = '%08x-1111-4222-8333-444455556666' % dice.getrandbits(32)
field = lambda v: '-,' if v is None else '%d:%s,' % (len(v.encode()), v)
# JSON as tare writes it: short escapes, others in capitals, everything else as it is.
short = {'"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t'}
escape = lambda c: short.get(c, c if c >= ' ' else '\\u%04X' % ord(c))
quote = lambda v: 'null' if v is None else str(v) if isinstance(v, int) else '"' + ''.join(map(escape, v)) + '"'
line = lambda value: '{' + ','.join('"%s":%s' % (k, quote(v)) for k, v in value.items()) + '}'
previous = '0' * 64
print('{"audit":{"first":1,"format":1,"ledger":"%s","previous":"%s"}}' % (ledger, previous))
for position in range(1, count + 1):
    at = '2026-11-22T%02d:%02d:%02d.%06dZ' % (position // 3600 % 24, position // 60 % 60, position % 60, dice.randrange(10 ** 6))
    run = None if dice.random() < 0.3 else dice.randrange(1, 10 ** 9)
    subject = None if dice.random() < 0.3 else dice.choice(texts)
    detail = json.dumps({'n': dice.random(), 'text': dice.choice(texts)}, ensure_ascii=dice.random() < 0.5)
    if position >= start:
        detail += word
    fields = [str(position), at, dice.choice(['op', 'rev']), 'conductor.test', None if run is None else str(run), subject, detail, previous]
    digest = hashlib.sha256(''.join(map(field, fields)).encode()).hexdigest()
    print(line({'position': position, 'at': at, 'actor': fields[2], 'action': fields[3], 'run': run, 'subject': subject, 'detail': detail,
                'previous': previous, 'digest': digest}))
    previous = digest
print('{"anchor":{"ledger":"%s","position":%d,"digest":"%s","at":"%s"}}' % (ledger, count, previous, at))
E2
export PYTHONIOENCODING=utf-8 TARE=$BIN/tare
python3 make.py 10000 1 >trail
run "$TARE" audit verify trail
is "$rc" 0 "10,000 events that other code wrote are intact, digests and all"
like "$out" "10000 events from 1 on" "they are counted"
tail -1 trail >anchor
run "$TARE" audit verify trail --anchor anchor
like "$rc $out" '^0 .*1 anchor holds' "and their anchor holds"
like "$("$TARE" audit verify trail --format json)" '"events":10000.*"intact":true' "the same as JSON"
ok "no ledger was made for it" test ! -e nowhere

# What is broken, where: MUTATE prints the changed file's name and the line that tare must name.
cat >mutate.py <<'E2'
# mutate.py FILE SEED COUNT: COUNT changed copies, each checked by tare; prints those that were not found at their place.
import random, subprocess, sys, os
name, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
whole = open(name, 'rb').read()
lines = whole.splitlines(keepends=True)
dice, kinds, wrong = random.Random(seed), {}, []
def check(kind, text, line):
    open('mutant', 'wb').write(text)
    got = subprocess.run([os.environ['TARE'], 'audit', 'verify', 'mutant'], capture_output=True, text=True)
    kinds[kind] = kinds.get(kind, 0) + 1
    if got.returncode != 65 or ('broken at line %d:' % line) not in got.stdout:
        wrong.append('%s (line %d): %d %s' % (kind, line, got.returncode, got.stdout[:200]))
place = lambda at: whole.count(b'\n', 0, at) + 1
events = range(1, len(lines) - 1)
for i in range(count):
    kind = ['byte', 'delete', 'swap', 'twice', 'cut', 'insert', 'field'][i % 7]
    a, b = sorted(dice.sample(events, 2))
    if kind == 'byte':
        at = dice.randrange(whole.index(b'\n') + 1, len(whole))
        to = dice.choice([x for x in (whole[at] ^ 1, whole[at] ^ 0x20, dice.randrange(256)) if x != whole[at]])
        check(kind, whole[:at] + bytes([to]) + whole[at + 1:], place(at))
    elif kind == 'delete':
        check(kind, b''.join(lines[:a] + lines[a + 1:]), a + 1)
    elif kind == 'swap':
        copy = list(lines)
        copy[a], copy[b] = copy[b], copy[a]
        check(kind, b''.join(copy), a + 1)
    elif kind == 'twice':
        check(kind, b''.join(lines[:a + 1] + lines[a:]), a + 2)
    elif kind == 'cut':
        at = dice.randrange(len(whole))
        check(kind, whole[:at], place(at))
    elif kind == 'insert':
        check(kind, b''.join(lines[:a] + [lines[b]] + lines[a:]), a + 1)
    else:
        old = dice.choice([b'"actor":"', b'"action":"conductor', b'"at":"20', b'"previous":"', b'"digest":"', b'"detail":"'])
        check(kind, b''.join(lines[:a] + [lines[a].replace(old, old + b'1', 1)] + lines[a + 1:]), a + 1)
for at in [len(whole) - 1, len(whole) - len(lines[-1]), 0]:
    check('cut', whole[:at], place(at))
print(sum(kinds.values()), *('%s:%d' % k for k in sorted(kinds.items())))
print('\n'.join(wrong))
E2
found=$(python3 mutate.py trail 2 105)
like "$found" '^108 byte:15 cut:18 delete:15 field:15 insert:15 swap:15 twice:15' "108 changes to 10,000 events were tried"
is "$(tail -n +2 <<<"$found")" "" "each is found, at its line, exit 65"

# Digests made anew: right in themselves, and found by an anchor that was kept elsewhere.
python3 make.py 10000 1 7000 ' ' >forged
run "$TARE" audit verify forged
is "$rc" 0 "a trail written anew from event 7000 on is right in itself"
run "$TARE" audit verify forged --anchor anchor
like "$rc $out" '^65 .*written anew' "the anchor tells"
python3 make.py 9000 1 >shorter
like "$(head -9001 trail | tail -1 | sha256sum)" "$(tail -n 2 shorter | head -1 | sha256sum)" "(a shorter trail of the same events)"
run "$TARE" audit verify shorter --anchor anchor
like "$rc $out" '^65 .*ends with event 9000, before the anchor of event 10000' "so does a tail that is gone, new anchor and all"
{ tail -1 shorter; tail -1 forged; } >two
run "$TARE" audit verify forged --anchor two
like "$rc $out" '^65 .*event 9000' "of several anchors each counts"
run "$TARE" audit verify trail --anchor "$(sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/' shorter | tail -1)@9000" --anchor anchor
like "$rc $out" '^0 .*2 anchors hold' "anchors may be typed"
python3 make.py 50 3 >other
run "$TARE" audit verify other --anchor anchor
like "$rc $out" '^65 .*is of ledger' "another ledger is named"
sed -i 's/"at":"2026/"at":"2025/' two
run "$TARE" audit verify shorter --anchor two
like "$rc $out" '^65 .*another time' "an anchor whose time was changed"

# What is no trail.
: >empty
echo '{"audit":{"first":1,"format":2,"ledger":"00000000-0000-0000-0000-000000000000","previous":"'"$(printf '0%.0s' {1..64})"'"}}' >newer
head -c 5000000 /dev/zero >zeros
head -c 5000000 /dev/zero | tr '\0' '[' >deep
printf '{"a":1}\n' >object
for file in empty newer zeros deep object /dev/null make.py; do
    run "$TARE" audit verify "$file"
    is "$rc" 65 "$file is no trail"
done
run "$TARE" audit verify not-there
is "$rc" 66 "one that is missing"
run "$TARE" audit verify trail --anchor not-there
is "$rc" 66 "an anchor that is missing"
run "$TARE" audit verify trail --anchor empty
is "$rc" 65 "a file without an anchor"
run "$TARE" audit verify trail more
is "$rc" 64 "one operand too many"
run "$TARE" audit verify trail --against trail
is "$rc" 64 "a file against a file"
run "$TARE" audit
is "$rc" 64 "nothing said"
run "$TARE" audit forge
like "$rc $err" '^64 .*verify, list, export and anchor' "an unknown verb"
run "$TARE" audit export --since -1
is "$rc" 64 "a negative position"
done_testing
