#!/usr/bin/env bash
# The HTML report as a browser shows it: no overflow on any width, no complaint, nothing serious by axe, text stays text, sorting and filtering, no
# script needed, ten thousand workloads. Pictures to look at are left in .build/browser.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/browser.sh"
need jq curl

export TARE_NOW=2026-11-22T00:00:00Z
unset TARE_CONFIG TARE_DATABASE_URL
end=$TARE_NOW bad='<script>alert(1)</script>'
long=$(printf 'n%.0s' {1..253})

# ---- A plan of sixty workloads as the stages make it, some of them with names that nobody should have ----
mkdir -p "$tmp/deploy"
"$BIN/fixtures/metrics" --end "$end" --workloads 60 --pods 1 --manifests "$tmp/deploy" --no-metrics
(cd "$tmp" && "$BIN/tare-parse" -q --created "$end" deploy) | "$BIN/harness/make_usage" 7 | "$BIN/tare-analyze" -q --created "$end" |
    "$BIN/tare-price" -q --created "$end" --provider aws --region us-east-1 --instance m6i.xlarge |
    (cd "$tmp" && "$BIN/tare-diff" -q --created "$end") >"$tmp/plain"
is "$(jq -c 'select(.workload)' "$tmp/plain" | wc -l)" 60 "there is a plan to show"
jq -c --arg bad "$bad" --arg long "$long" '
    def odd: ["\($bad)", "=cmd|calc", "evil\u202egnp\u001b[2J", "quote\"<b>\u0027", $long, "javascript:alert(1)", "a&amp;b", "\u0645\u0631\u062d\u0628\u0627"];
    if .workload then
      (.workload.source.document) as $n | (input_line_number - 2) as $i |
      if $i < (odd | length) then
        .workload.name = odd[$i] | .workload.namespace = odd[$i] | .workload.labels.team = odd[$i] |
        .recommendation.reasoning = odd[$i] | .recommendation.findings += [{code: odd[$i], severity: "critical", container: odd[$i], message: odd[$i]}] |
        .problems += [{stage: "price", code: odd[$i], message: odd[$i]}]
      else .workload.labels.team = "team-\($i % 3)" end |
      if $i == 9 then .cost = null | .problems = [{stage: "price", code: "no-price", message: "nobody knows what it costs"}] else . end |
      if $i == 10 then .recommendation.findings += [{code: "cpu-spike", severity: "high", container: .workload.containers[0].name, resource: "cpu",
        start: "2026-11-18T00:00:00Z", end: "2026-11-18T06:00:00Z", message: "a spike that is marked"}] else . end
    elif .end then .end.problems = 9 | del(.end.sha256)
    else . end' "$tmp/plain" >"$tmp/odd"
cat >"$tmp/past" <<'P'
{"tare":"past","version":1,"run":3,"llm":{"exchanges":4,"input_tokens":91234,"output_tokens":1200,"cost_microusd":412345},
"trend":[{"run":3,"created":"2026-11-22T00:00:00Z","state":"awaiting-approval","workloads":60,"changes":44,"monthly_before_microusd":2800000000,"monthly_after_microusd":1900000000,"monthly_saving_microusd":900000000},
{"run":2,"created":"2026-11-15T00:00:00Z","state":"applied","workloads":58,"changes":40,"monthly_before_microusd":3300000000,"monthly_after_microusd":2700000000,"monthly_saving_microusd":600000000},
{"run":1,"created":"2026-11-08T00:00:00Z","state":"rejected","workloads":58,"changes":40,"monthly_before_microusd":3200000000,"monthly_after_microusd":2600000000,"monthly_saving_microusd":600000000}],
"applied":[{"run":2,"applied":"2026-11-16T00:00:00Z","workloads":40,"measured":38,"predicted_microusd":590000000,"realized_microusd":520000000,"measured_by":3}]}
P
"$BIN/tare-report" -q --format html --run 3 --team-label team --past "$tmp/past" <"$tmp/odd" >"$tmp/page.html"
is $? 0 "its report is made"

browser_start
axe_get
[[ -s $axe ]]
tap_result $? "axe-core is at hand"

overflow='const e = document.documentElement; return e.scrollWidth - e.clientWidth'
open_all='for (const d of document.querySelectorAll("details")) d.open = true; return document.querySelectorAll("details:not([open])").length'
rows='return document.querySelectorAll("tr.w").length'
serious='[.[] | select(.[0] == "serious" or .[0] == "critical")]'

# ---- Each width, light and dark, closed and opened ----
for scheme in light dark; do
    for width in 360 768 1440; do
        browser_view "$width" "$scheme"
        browser_open "$tmp/page.html"
        is "$(js "$overflow")" 0 "$width px, $scheme: nothing is wider than the screen"
        browser_picture "report-$width-$scheme"
        js "$open_all" >/dev/null
        # What is off the screen is not laid out: the screen is made high enough to hold it.
        browser_view "$width" "$scheme" screen 12000
        is "$(js "$overflow")" 0 "$width px, $scheme: nor when all is opened"
        # To axe-core one workload is like another: some are enough.
        js 'for (const d of [...document.querySelectorAll(".d > td > details")].slice(20)) d.open = false; return 1' >/dev/null
        ((width == 768)) || is "$(axe_violations | jq -c "$serious")" "[]" "$width px, $scheme: axe-core finds nothing serious"
        is "$(browser_complaints)" "" "$width px, $scheme: the browser has nothing to complain of"
    done
done

# ---- What is on it ----
browser_view 1440 light
browser_open "$tmp/page.html"
is "$(js "$rows")" 60 "each workload has its row"
like "$(js 'return document.querySelector(".f2").closest("tbody").querySelector(".w .wf").textContent')" '^"a spike that is marked"$' "with what its worst finding says, where that is high or critical"
is "$(js 'return [...document.querySelectorAll("h1,h2,h3")].map((h) => +h.tagName[1]).every((n, i, all) => i == 0 ? n == 1 : n <= all[i - 1] + 1)')" true "headings come in order"
is "$(js 'return document.querySelectorAll("[style], link, img, iframe, [src], [onclick]").length')" 0 "nothing external, no style of its own, no handler"
is "$(js 'return [...document.querySelectorAll("a[href]")].filter((a) => !document.getElementById(a.getAttribute("href").slice(1))).length')" 0 "each link leads somewhere on the page"
is "$(js 'return new Set([...document.querySelectorAll("[id]")].map((e) => e.id)).size === document.querySelectorAll("[id]").length')" true "no id is there twice"
is "$(js 'return [...document.querySelectorAll(".card dt")].map((e) => e.textContent).join()' | jq -r . | grep -o 'Change a month\|Cost a month\|Critical findings\|Return on the run' | wc -l)" 4 "the summary has its cards"
is "$(js 'return document.querySelector("#money").parentElement.querySelectorAll("details").length')" 3 "money by namespace, team and class"
is "$(js 'return document.querySelector("#runs").parentElement.querySelectorAll("table").length')" 2 "runs before this one, and what applied plans saved"
like "$(js 'return document.querySelector("#unpriced").parentElement.textContent')" 'nobody knows what it costs' "what has no price is named with the reason"
is "$(js 'return document.querySelectorAll(".f2").length')" 1 "a finding is marked in the chart of its time"
like "$(js 'return document.querySelector(".f2").closest("svg.c").getAttribute("aria-label")')" '^"CPU by hour, peak' "and the chart says in words what it shows"
is "$(js 'const t = document.querySelector(".charts"); return [".a", ".u", ".m", ".rn", ".b"].map((c) => t.querySelector("path" + c) !== null)')" "[true,true,true,true,true]" \
    "charts have median, percentile, peak, request and the band of the forecast"
is "$(js 'const t = [...document.querySelectorAll(".proof")].find((t) => t.tFoot); const v = (c) => Math.round(parseFloat(c.textContent.slice(1)) * 1e6);
    const sum = (i) => [...t.tBodies[0].rows].reduce((s, r) => s + v(r.cells[i]), 0); return [3, 4].map((i) => sum(i) - v(t.tFoot.rows[0].cells[i]))')" "[0,0]" "the money of a workload adds up to the micro-dollar"
browser_view 1440 light screen 12000
# The browser may still be at work on what a larger page holds.
for _ in {1..300}; do
    roles=$(cdp Accessibility.getFullAXTree '{}' | jq -c '[.nodes[].role.value] | group_by(.) | map({(.[0]): length}) | add')
    told=$(jq -c '[.table > 0, .row >= 34, .cell > 300, .columnheader >= 9, .rowheader >= 34, .main, .banner, .contentinfo, .search]' <<<"$roles")
    [[ $told == "[true,true,true,true,true,1,1,1,1]" ]] && break
    sleep 0.2
done
is "$told" "[true,true,true,true,true,1,1,1,1]" "who cannot see it is told tables and landmarks"

# ---- Names are text ----
is "$(js 'return document.scripts.length')" 1 "no script but the page's own"
is "$(js 'return [...document.querySelectorAll(".w th b")].filter((b) => b.children.length > 0).length')" 0 "no name makes an element"
names=$(js 'return [...document.querySelectorAll(".w th b")].map((b) => b.textContent)')
is "$(jq -c --arg bad "$bad" --arg long "$long" '[index($bad), index("=cmd|calc"), index("quote\"<b>\u0027"), index($long), index("a&amp;b")] | map(. != null)' <<<"$names")" "[true,true,true,true,true]" "and each is as it was given"
is "$(jq -c '[.[] | select(test("[\u0000-\u001f\u202e]"))] | length' <<<"$names")" 0 "marks that steer are shown, not obeyed"

# ---- Sorting and filtering ----
column() { js "return [...document.querySelector('table.workloads').tBodies].map((b) => b.dataset.v.split(' ').map(Number)).map((v) => $1).every((v, i, all) => i == 0 || all[i - 1] $2 v)"; }
press() { js "document.querySelector('table.workloads').tHead.rows[0].cells[$1].querySelector('button').click(); return document.querySelector('table.workloads').tHead.rows[0].cells[$1].getAttribute('aria-sort')"; }
is "$(press 3) $(column 'v[2]' '>=')" '"descending" true' "a column sorts downwards"
is "$(press 3) $(column 'v[2]' '<=')" '"ascending" true' "and upwards"
is "$(press 5) $(column 'v[3] - v[2]' '>=')" '"descending" true' "another one by the change"
shown='[...document.querySelectorAll("tr.w")].filter((r) => !r.parentNode.hidden)'
set_to() { js "const c = [...document.querySelectorAll('#tools label')].find((l) => l.firstChild.textContent == '$1').querySelector('input,select'); c.value = '$2'; c.dispatchEvent(new Event('input', {bubbles: true})); return $shown.length"; }
is "$(set_to Filter 'no-such-name')" 0 "a filter that nothing fits"
like "$(js 'return document.querySelector("[role=status]").textContent')" '0 of 60' "says so"
is "$(set_to Filter '') $(set_to Team team-1)" "60 $(jq -c 'select(.workload.labels.team == "team-1")' "$tmp/odd" | wc -l)" "a team"
is "$(set_to Team '') $(set_to Findings 4)" "60 8" "critical findings"
is "$(set_to Findings '') $(set_to Risk low)" "60 $(jq -c 'select(.recommendation.risk == "low")' "$tmp/odd" | wc -l)" "a risk"
is "$(set_to Risk '') $(set_to Namespace '=cmd|calc')" "60 1" "a namespace"
is "$(browser_complaints)" "" "and no complaint"
js 'document.querySelector("#tools select").value = ""; location.hash = document.querySelector(".first a").getAttribute("href"); return 1' >/dev/null
# The page hears of the new address a moment later.
is "$(js 'const inner = document.querySelector(location.hash).querySelector("details");
    return new Promise((done) => { const look = (left) => inner.open || left == 0 ? done(inner.open) : setTimeout(look, 100, left - 1); look(600); })')" true "a link opens what it leads to"

# ---- Printed, and without script ----
browser_view 760 light print
is "$(js "$overflow") $(js 'return getComputedStyle(document.querySelector("#tools")).display + getComputedStyle(document.querySelector(".workloads tbody")).contentVisibility')" '0 "nonevisible"' \
    "printed without tools, and with all rows"
is "$(js 'const n = () => document.querySelectorAll("details:not([open]) > .scroll").length, e = (t) => dispatchEvent(new Event(t)); const a = n(); e("beforeprint"); const b = n(); e("afterprint");
    return [a > 0, b, n() == a]')" "[true,0,true]" "sums that are folded away are printed, and folded again"
js 'for (const d of [...document.querySelectorAll(".d > td > details")].slice(0, 3)) d.open = true; return 1' >/dev/null
is "$(js 'return [...document.querySelectorAll(".d")].slice(0, 3).map((r) => getComputedStyle(r).breakInside).join()')" '"auto,auto,auto"' "what was opened begins on the page of its row"
is "$(cdp Page.printToPDF '{"preferCSSPageSize":true}' | jq -r .data | base64 -d | head -c 4)" "%PDF" "as paper"
cdp Emulation.setScriptExecutionDisabled '{"value":true}' >/dev/null
browser_view 360 dark
browser_open "$tmp/page.html"
is "$(cdp Runtime.evaluate '{"expression":"[document.querySelectorAll(\"tr.w\").length, document.querySelectorAll(\"#tools *\").length, document.querySelectorAll(\"th button\").length].join()"}' | jq -r .result.value)" \
    "60,0,0" "without script all rows are there, and no tools that would not work"
is "$(cdp Runtime.evaluate '{"expression":"(() => { const s = document.querySelector(\"tr.d summary\"); s.click(); const d = s.parentElement; return d.open && d.querySelector(\".body\").getBoundingClientRect().height > 100; })()"}' | jq -r .result.value)" \
    true "and details open"
cdp Emulation.setScriptExecutionDisabled '{"value":false}' >/dev/null

# ---- Nothing to show ----
browser_view 360 light
{ head -1 "$tmp/odd"; echo '{"end":{"records":0,"workloads":0,"problems":0,"skipped":{},"input":null}}'; } | "$BIN/tare-report" -q --format html >"$tmp/none.html"
is $? 0 "a report of no workloads"
browser_open "$tmp/none.html"
is "$(js "$overflow") $(js "$rows") $(browser_complaints)" "0 0 " "opens"
is "$(axe_violations | jq -c "$serious")" "[]" "and axe-core finds nothing serious"

# ---- What differs from another run ----
"$BIN/tare-report" -q --format html --run 3 --compare "$tmp/plain" <"$tmp/odd" >"$tmp/changes.html"
is $? 0 "a change report"
browser_open "$tmp/changes.html"
is "$(js "$overflow") $(browser_complaints)" "0 " "opens"
is "$(axe_violations | jq -c "$serious")" "[]" "and axe-core finds nothing serious"

# ---- Ten thousand workloads: no more bytes than a phone takes, and it answers ----
jq -c 'if .workload then del(.usage.containers, .recommendation.forecast) else . end' "$tmp/plain" >"$tmp/base"
{
    head -1 "$tmp/plain"
    grep '"workload":{' "$tmp/plain"
    grep '"workload":{' "$tmp/base" >"$tmp/lean"
    for i in {2..167}; do sed "s/\"name\":\"svc-/\"name\":\"copy-$i-svc-/g; s|\"file\":\"deploy/|&$(printf 'copy-%03d' "$i")-|" "$tmp/lean"; done | head -9940
    echo '{"end":{"records":10000,"workloads":10000,"problems":0,"skipped":{},"input":null}}'
} >"$tmp/many"
"$BIN/tare-report" -q --format html --run 3 <"$tmp/many" >"$tmp/many.html"
is $? 0 "a report of 10,000"
size=$(stat -c %s "$tmp/many.html")
((size <= 24000000 && size > 20000000))
tap_result $? "keeps to its 24,000,000 bytes, and uses them ($size)"
browser_view 360 light
browser_open "$tmp/many.html"
is "$(js "$rows") $(js "$overflow")" "10000 0" "all have their row"
like "$(js 'return document.querySelector(".cut").textContent')" '10000 workloads.*The first [0-9]+ have their reasons, findings and diff. The first 300 have charts too.*tare explain 3 NAMESPACE/KIND/NAME' "the page says what it left out, and what shows it"
is "$(set_to Filter 'copy-77-svc-') $(press 3)" "$(jq -r .workload.name "$tmp/lean" | grep -c '^svc-') \"descending\"" "filtering and sorting answer"
js 'scrollTo(0, document.body.scrollHeight / 2); return new Promise((done) => requestAnimationFrame(() => done(1)))' >/dev/null
is "$(js 'return scrollY > 0') $(browser_complaints)" "true " "and scrolling"
"$BIN/tare-report" -q --format html --run 3 --max-bytes 5000000 <"$tmp/many" >"$tmp/small.html"
size=$(stat -c %s "$tmp/small.html")
((size <= 5000000 && size > 4000000))
tap_result $? "--max-bytes 5,000,000 is kept to ($size)"
is "$(grep -o '<tr class=w>' "$tmp/small.html" | wc -l)" 10000 "with all rows"
done_testing
