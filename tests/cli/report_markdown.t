#!/usr/bin/env bash
# Markdown for a comment on a pull request: never larger than asked for, closed and valid at every size by a parser that is not ours
# (cmark-gfm), what was cut is told to the number, and nothing of a name becomes markup, a mention, a link or a picture.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/report.sh"
need python3 cmark-gfm

check() { # MARKDOWN ARTIFACT SIZE
    cmark-gfm --unsafe -e table -e autolink -e strikethrough -e tagfilter -e tasklist "$1" >"$tmp/html" || return
    python3 - "$tmp/html" "$@" <<'PYTHON'
import json, re, sys
from html.parser import HTMLParser
html, markdown, artifact, size = open(sys.argv[1], encoding='utf-8').read(), open(sys.argv[2], 'rb').read(), sys.argv[3], int(sys.argv[4])
if len(markdown) > size:
    print('%d bytes, not %d' % (len(markdown), size))
if any(c in markdown.decode() for c in '\u202e\x1b\ufffe\uffff\U000e0041'):
    print('something steers')
plain = {'h2', 'h3', 'p', 'strong', 'em', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'details', 'summary', 'pre', 'code', 'span', 'sub', 'ul', 'li', 'blockquote'}
class Page(HTMLParser):
    stack, cells, rows, text, names, folds, diffs, bold, title = [], None, [], '', [], 0, 0, 0, None
    def handle_starttag(self, tag, attributes):
        if tag not in plain | {'br', 'hr'}:
            print('element <%s>' % tag)
        for name, value in attributes:
            if (name, value) not in (('align', 'right'), ('class', 'language-diff')):
                print('attribute %s=%s of %s' % (name, value, tag))
        if tag in ('br', 'hr'):
            return
        self.stack.append(tag)
        if tag == 'tr':
            self.cells = []
        if tag in ('td', 'th'):
            self.cells.append('')
        if tag == 'summary':
            self.names.append('')
        if tag == 'code' and attributes:
            self.diffs += 1
    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            print('</%s> closes something else' % tag)
        if tag == 'tr':
            self.rows.append(self.cells)
            self.cells = None
    def handle_data(self, data):
        self.text += data
        if self.cells and ('td' in self.stack or 'th' in self.stack):
            self.cells[-1] += data
        if 'summary' in self.stack:
            self.names[-1] += data
        # A reader of GitHub's looks at each text by itself, outside code.
        if 'code' not in self.stack and 'pre' not in self.stack:
            for pattern in (r'@\w', r'#\d', r'://', r'(?i)www\.', r':[a-z_+-]+:', r'(?i)gh-\d', r'\b[0-9a-f]{7,}\b'):
                if re.search(pattern, data):
                    print('%r looks like %s' % (data[:60], pattern))
page = Page(convert_charrefs=True)
page.feed(html)
page.close()
if page.stack:
    print('not closed:', page.stack)
widths = {len(r) for r in page.rows}
rows = [json.loads(line) for line in open(artifact)]
works = [r for r in rows if 'workload' in r]
shown = [r for r in page.rows if len(r) == 9 and r[0] not in ('Workload', 'Total') and not r[0].strip().startswith('↳')]
folds = [n for n in page.names if re.search(r'confidence|^(?!Held back|Without a change|Notes|Earlier)', n)]
def group(r):
    change = r['recommendation']['action'] == 'resize'
    return 2 if not change else 1 if r['gate']['verdict'] == 'blocked' or not r['change']['edits'] else 0
total = [sum(group(r) == g for r in works) for g in range(3)]
diffs = sum(bool(r['change']['patch']) for r in works if group(r) < 2)
notice = re.search(r'Not shown here: (.*); this text has at most (\d+) bytes. All of it: (.*)', page.text)
said = notice[1] if notice else ''
def number(pattern):
    m = re.search(r'(\d+) ' + pattern, said)
    return int(m[1]) if m else 0
for what, want, have in (('workloads', sum(total) - len(shown), number('workloads?')), ('diffs', diffs - page.diffs, number('diffs?(?! )')),
                         ('groups', sum(total) - len(shown), number('that changes?') + number('held back') + number('without a change'))):
    if want != have:
        print('%s: %d are not there, %d are said: %s' % (what, want, have, said))
if notice and int(notice[2]) != size:
    print('another size is said')
if not re.search(r'\d+ workloads: \d+ would change', page.text) or 'Made from gated' not in page.text:
    print('the headline or the foot is missing')
if size > 60000:
    visible = page.text
    for wanted in ('<script>alert(1)</script>', '"quo\'ted" & more', '\\u202egnp.exe', '=cmd|calc', '</details>', '[a](http://evil)', '![i](//evil)', '**b** _i_', '~~s~~', '&lt;b&gt;', '- - x', '$x$'):
        if wanted not in visible:
            print('not to be read as it is:', wanted)
PYTHON
}

made_artifact gated 200 11 >"$tmp/in"
bad=''
for size in 4096 4097 4500 5000 6000 7001 8192 10000 12345 16384 20000 30000 40000 50000 65536 80000 90000 100000 110000 120000 130000 140000 150000 1000000; do
    "$BIN/tare-report" --max-bytes $size --run 12 <"$tmp/in" >"$tmp/r.md" || bad+="$size: exit $?"$'\n'
    bad+=$(check "$tmp/r.md" "$tmp/in" $size | sed -n "1,5s/^/$size: /p")
done
is "$bad" "" "25 sizes from 4096 bytes to all of it: valid, closed, no larger, and what is cut is told to the number"
run "$BIN/tare-report" --max-bytes 1000000 --run 12 <"$tmp/in"
unlike "$out" "Not shown" "where everything fits nothing is said to be cut"
run "$BIN/tare-report" --max-bytes 20000 --run 12 <"$tmp/in"
like "$out" '\*\*Not shown here\*\*: [0-9]+ workloads \([0-9]+ that change, [0-9]+ held back, [0-9]+ without a change\), [0-9]+ diffs, [0-9]+ folds of reasons and findings' "what is cut"
like "$out" 'All of it: `tare report 12 --format html`' "and the command that shows it"
first=$(grep -m1 -n 'Look at these first' <<<"$out" | cut -d: -f1) table=$(grep -m1 -n '^| Workload' <<<"$out" | cut -d: -f1) folds=$(grep -m1 -n '### Reasons' <<<"$out" | cut -d: -f1)
((first < table && table < folds))
tap_result $? "dangers come first, then the most money, then reasons and diffs"
run "$BIN/tare-report" <"$tmp/in"
((${#out} <= 65536))
tap_result $? "without --max-bytes it is what GitHub takes"
like "$out" 'All of it: `tare-report --format html`' "a report of no run says another command"
"$BIN/tare-report" <"$tmp/in" >"$tmp/a"
"$BIN/tare-report" <"$tmp/in" >"$tmp/b"
ok "twice the same" cmp "$tmp/a" "$tmp/b"

# A workload that is larger than the page does not hide the others.
made_artifact gated 30 2 'for r in rows[:3]:
    r["workload"]["name"] = "[@x](http://y)" * 18
    r["recommendation"]["reasoning"] = "@x " * 5000
    r["recommendation"]["findings"] = [{"code": "c", "severity": "high", "message": "#1 " * 3000}] * 50
    if "change" in r: r["change"]["patch"] = ("+" + "`" * 70 + "x" * 3000 + "\n") * 3000
    if "cost" in r: r["cost"]["monthly_before_microusd"] += 10**12
    r["workload"]["containers"] = [{"name": "@" * 63 + str(i), "role": "sidecar", "requests": {"cpu_millicores": 5}, "limits": {}} for i in range(256)]' >"$tmp/in"
bad=''
for size in 4096 8192 20000 65536; do
    "$BIN/tare-report" --max-bytes $size <"$tmp/in" >"$tmp/r.md" || bad+="exit $?"
    (($(wc -c <"$tmp/r.md") <= size)) || bad+="$size: larger"
    grep -q '^| [a-z/]*\*\*app-' "$tmp/r.md" || bad+="$size: giants hide the others"
    cmark-gfm --unsafe -e table -e autolink "$tmp/r.md" | grep -q '<a ' && bad+="$size: a link"
    [[ $(grep -c '<details>' "$tmp/r.md") == "$(grep -c '</details>' "$tmp/r.md")" ]] || bad+="$size: a fold stays open"
done
is "$bad" "" "giants (names, findings, reasons, diffs, 256 containers) hide nobody"

done_testing
