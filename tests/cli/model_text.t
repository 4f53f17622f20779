#!/usr/bin/env bash
# What a model wrote, at every exit: a report has the same elements, cells, lines and metrics whether its reasons, its name and the clamps
# of its numbers are plain words or try to be markup, formulas, links, commands of a terminal or another line of text.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/report.sh"
need python3 xmllint promtool jq cmark-gfm

# An artifact in which a model recommends everywhere; $1 is Python for the text of workload i.
told() {
    made_artifact gated 40 3 "
words = $1
for i, r in enumerate(rows):
    if 'workload' not in r: continue
    text = words[i % len(words)]
    r['workload'].update(name='w-%d' % i, namespace='shop', labels={})
    for c, container in enumerate(r['workload']['containers']): container['name'] = 'c%d' % c
    r['recommendation'].update(reasoning=text, source='llm', provider='openai', model=text, class_of_model='web', disagreement=0.4,
        fallback={'from': 'anthropic', 'reason': text}, risk_reasons=[text], findings=[], containers={},
        clamps=[{'container': 'c0', 'field': 'requests.cpu', 'proposed': 9e9, 'value': None, 'after': 500, 'bound': 500, 'by': text, 'kind': 'statistics'}])
    r['problems'] = [{'stage': 'analyze', 'code': 'fallback', 'message': text}] if i % 3 == 0 else []
    r['change'] = {'edits': [], 'patch': ''}
    r['gate'] = {'verdict': 'unchanged', 'reasons': []}
"
}
# No full stop in any: sentences may become elements of their own.
hostile="['<script>alert(1)</script>', '\"><img src=x onerror=alert(1)>', '</details></td></table>', '=HYPERLINK(1)', '+1', '-1+1', '@SUM(A1)', '\\t=1', '\\r\\n=2', 'a\\nb',
'\\x1b[2J\\x1b]0;t\\x07', '\\u202egnp', '\\u2066x\\u2069', '\\u200bz', '\\x9b31m', '[a](javascript:alert(1))', '![i](//evil)', '<!-- ', ']]>', '\`\`\`', '\`x\`', '| a | b |', '# head',
'**b** _i_', '\\n\\n- [ ] x', 'x\\n# HELP y\\ny 1', '\\\\', '&lt;b&gt;', '\$x\$', '%0a', 'https://evil', '\\ufffe\\uffff']"
told "['plain words %d' % n for n in range(32)]" >"$tmp/plain" # as many different ones
told "$hostile" >"$tmp/hostile"

for format in html markdown csv junit prometheus table json; do
    for text in plain hostile; do
        run "$BIN/tare-report" --format "$format" <"$tmp/$text"
        is "$rc" 0 "$format of $text words" || diag "$err"
        cp "$tmp/.out" "$tmp/$text.$format"
    done
done

# --- elements -----------------------------------------------------------------------------------------------
# Each element with its attributes' names, in order; what runs or loads stands with its value. Lines of a text are items of a list, and
# an at sign stands alone in a span so that nobody is mentioned: neither counts.
elements() {
    python3 - "$1" <<'PYTHON'
import html.parser, sys
class Page(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        if tag not in ('li', 'span') or attributes: print(tag, *('%s=%s' % (n, v) if n in ('href', 'src', 'style') or n.startswith('on') else n for n, v in attributes))
    def handle_comment(self, data):
        print('comment')
page = Page()
page.feed(open(sys.argv[1], encoding='utf-8').read())
PYTHON
}
for text in plain hostile; do
    cmark-gfm --unsafe -e table -e autolink -e strikethrough -e tasklist "$tmp/$text.markdown" >"$tmp/$text.md.html"
    elements "$tmp/$text.html" >"$tmp/$text.html.elements"
    elements "$tmp/$text.md.html" >"$tmp/$text.md.elements"
done
ok "html: there are elements to compare" test "$(wc -l <"$tmp/plain.html.elements")" -gt 200
is "$(diff "$tmp/plain.html.elements" "$tmp/hostile.html.elements" | head -5)" "" "html: no word of a model becomes an element or an attribute"
is "$(diff "$tmp/plain.md.elements" "$tmp/hostile.md.elements" | head -5)" "" "markdown: nor when it is rendered"
ok "junit is XML" xmllint --noout "$tmp/hostile.junit"
is "$(xmllint --xpath 'count(//*)' "$tmp/hostile.junit")" "$(xmllint --xpath 'count(//*)' "$tmp/plain.junit")" "junit: as many elements"

# --- cells, metrics, lines -----------------------------------------------------------------------------------
cells() {
    python3 - "$1" <<'PYTHON'
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
print(len(rows), {len(r) for r in rows})
for row in rows[1:]:
    for column, cell in zip(rows[0], row):
        numeric = cell.replace('.', '', 1).replace('-', '', 1).isdigit()
        if cell[:1] in ('=', '+', '-', '@', '\t', '\r', '\n') and not numeric or any(ord(c) < 32 or 0x7f <= ord(c) < 0xa0 for c in cell):
            print('a formula or a control byte in %s: %r' % (column, cell))
PYTHON
}
is "$(cells "$tmp/hostile.csv")" "$(cells "$tmp/plain.csv")" "csv: as many rows and cells, no formula, no control byte"
ok "prometheus: promtool takes it" bash -c "promtool check metrics <'$tmp/hostile.prometheus'"
is "$(grep -vc '^#' "$tmp/hostile.prometheus")" "$(grep -vc '^#' "$tmp/plain.prometheus")" "prometheus: as many samples"
is "$(wc -l <"$tmp/hostile.table")" "$(wc -l <"$tmp/plain.table")" "table: as many lines"
is "$(jq -c '[.. | strings | select(. == "=HYPERLINK(1)")] | length > 0' "$tmp/hostile.json")" true "json: the text as it is"

# --- a terminal ------------------------------------------------------------------------------------------------
steering() { # the bytes that would steer a terminal, in a text; a tab only moves on
    python3 -c '
import sys
text = open(sys.argv[1], encoding="utf-8").read()
print(sorted({hex(ord(c)) for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7f <= ord(c) < 0xa0 or 0x202a <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069}))' "$1"
}
for format in table markdown html csv prometheus; do
    tr -d '\r' <"$tmp/hostile.$format" >"$tmp/shown"
    is "$(steering "$tmp/shown")" "[]" "$format: nothing that steers a terminal"
done
lines() { awk 'END { print NR }' "$1"; }
for i in $(seq 0 31); do
    for text in plain hostile; do
        run "$BIN/tare-report" --format explain --workload "shop/Deployment/w-$i" <"$tmp/$text"
        cp "$tmp/.out" "$tmp/$text.explain"
        [[ $rc -eq 0 ]] || break
    done
    [[ $rc -eq 0 && $(steering "$tmp/hostile.explain") == "[]" && $(lines "$tmp/hostile.explain") -eq $(lines "$tmp/plain.explain") ]] || break
done
is "$i $rc" "31 0" "explain: nothing that steers a terminal, and as many lines" || { diag "$err"; diag "$(steering "$tmp/hostile.explain")"; diff "$tmp/plain.explain" "$tmp/hostile.explain" | head -20 | sed 's/^/# /'; }
done_testing
