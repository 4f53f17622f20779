#!/usr/bin/env bash
# tare-report alone: every format from one artifact, hostile names, files that cannot be written.
set -u
. "$(dirname "$0")/../harness/tap.sh"

workload() { # NAMESPACE NAME BEFORE AFTER
    printf '{"workload":{"cluster":"prod","namespace":%s,"kind":"Deployment","name":%s,"replicas":1,"source":{"file":"f.yaml","document":%d,"item":null,"line":%d},"containers":[{"name":"c","role":"container","requests":{"cpu_millicores":500,"memory_bytes":536870912},"limits":{}}]},' \
        "$1" "$2" "$5" "$5"
    printf '"usage":{"window":{"start":"2026-11-15T03:00:00Z"},"containers":{"c":{"cpu_millicores":{"hourly":{"mean":{"low":90,"high":120,"codes":"Xd__AAAC"},"max":{"low":120,"high":180,"codes":"jP__AAAC"}}}}}},'
    printf '"recommendation":{"action":"resize","confidence":0.9,"risk":"low","reasoning":"used <b>little</b>","containers":{"c":{"requests":{"cpu_millicores":250,"memory_bytes":null}}},"findings":[]},'
    printf '"cost":{"monthly_before_microusd":%d,"monthly_after_microusd":%d,"replicas":1,"containers":{"c":{"cpu_before_microusd":%d,"cpu_after_microusd":%d,"memory_before_microusd":0,"memory_after_microusd":0}}},"change":{"edits":[{"container":"c","path":"x","from":"500m","to":"250m"}],"patch":"--- a/f.yaml\\n+++ b/f.yaml\\n@@ -1 +1 @@\\n-cpu: 500m\\n+cpu: 250m\\n"},"problems":[]}\n' "$3" "$4" "$3" "$4"
}
{
    echo '{"tare":"changes","version":1,"created":"2026-11-22T03:00:00Z","by":"test","settings":{"collect":{"window_seconds":604800,"end":"2026-11-22T03:00:00Z","source":"query-range"}}}'
    workload '"shop"' '"cart"' 20000000 8000001 1
    workload '"shop"' '"<script>alert(1)</script>"' 900000 450000 2
    workload '"ops"' '"=cmd|calc"' 3000000 3500000 3
    workload '"ops"' '"evil\u202egnp\u001b[2J"' 1000000 0 4
    workload null "\"$(printf 'n%.0s' {1..253})\"" 5 5 5
    echo '{"note":{"stage":"parse","outcome":"error","code":"yaml-syntax","message":"broken","source":{"file":"z.yaml","line":7}}}'
    echo '{"end":{"records":6,"workloads":5,"problems":1,"skipped":{"Service":4},"input":null}}'
} >"$tmp/in"
report() { run "$BIN/tare-report" "$@" <"$tmp/in"; }
digest=$(sha256sum <"$tmp/in")
digest=${digest%% *}

report
is "$rc" 0 "markdown is the default"
like "$out" 'shop/\*\*cart\*\* Deployment \| 500m → 250m \| 512Mi \| \$20 \| \$8 \| −\$12 \| −60% \| 0.90 \| low' "a row as the specification wants it"
like "$out" '\*\*Total\*\* \| \| \| \$25 \| \$12' "the total"
like "$out" "plan \`$digest\`" "the plan is the digest of the changes artifact"
like "$out" '730 h' "the method is stated"
like "$out" 'z.yaml:7: broken' "a broken source is listed"
unlike "$out" '<script>' "markup in a name is text"

report --format html
is "$rc" 0 "html"
like "$out" "name=\"tare-plan\" content=\"$digest\"" "the page carries the plan's digest"
like "$out" "default-src 'none'" "nothing external may be loaded"
unlike "$out" '(src|href)="?(http|//)' "nothing external is named"
unlike "$out" '<b><script>' "a script in a name is text"
unlike "$out" $'\xe2\x80\xae' "no direction marks get through"
unlike "$out" $'\x1b' "no terminal escapes get through"
like "$out" '<svg class=c ' "usage is drawn"
# Peaks of 150, 180, none and 120 in a field of 600 (a round number above the request of 500) that is 116 high; the line breaks at the gap.
like "$out" '<path class=m d="M0 87l1-6M3 93h.5"/>' "its line is that of the hours' peaks"
sed 's/"codes":"jP/"codes":"j/; s/\("mean":\){[^}]*}/\1[1,2]/2' "$tmp/in" | "$BIN/tare-report" --format html >"$tmp/odd.html"
is "$? $(grep -c '</html>' "$tmp/odd.html") $(grep -c '<svg class=c ' "$tmp/odd.html")" "0 1 0" "a profile that cannot be read is no chart"
like "$out" '<del>-cpu: 500m' "the diff is shown"
# The policy allows the style by its digest: it must be the digest of what is there.
style=${out#*<style>} style=${style%%</style>*}
want=$(printf '%s' "$style" | sha256sum | head -c 64 | sed 's/../\\x&/g')
want=$(printf "$want" | base64)
like "$out" "style-src 'sha256-${want//+/\\+}'" "the style's digest is right"

report --format csv
is "$rc" 0 "csv"
is "$(awk -F, 'NR > 1 { sum += $17 } END { print sum }' <<<"$out")" 24900005 "csv sums to the micro-dollar"
like "$out" "\"'=cmd\|calc\"" "a formula in a name is text"
is "$(wc -l <<<"$out")" 6 "one row a container and a head"

report --format json
is "$rc" 0 "json"
like "$out" '"totals":\{[^}]*"monthly_after_microusd":11950006,"monthly_before_microusd":24900005,"monthly_saving_microusd":12949999' "json has the same sums"

COLUMNS=140 report --format table --run 12
is "$rc" 0 "table"
like "$out" 'shop/Deployment/cart +500m → 250m +512Mi +\$20 +\$8 +-\$12 +-60% +0.90  low' "a row for the terminal"
unlike "$out" $'\x1b' "no escapes reach the terminal"

report --format hmtl
is "$rc" 64 "an unknown format"
like "$err" "'html'" "gets its near name"
echo old >"$tmp/r.html"
report --format html --output "$tmp/r.html"
is "$rc,$out" "0," "a report in a file"
like "$(<"$tmp/r.html")" '</html>' "which is whole"
report --output "$tmp/none/r.md"
is "$rc" 73 "a folder that is not there"
run bash -c '"$0"/tare-report --format html <"$1" >/dev/full' "$BIN" "$tmp/in"
is "$rc" 74 "a full disk"
head -n 3 "$tmp/in" >"$tmp/cut"
echo old >"$tmp/keep.md"
run bash -c '"$0"/tare-report --output "$2" <"$1"' "$BIN" "$tmp/cut" "$tmp/keep.md"
is "$rc" 65 "a cut artifact"
is "$(<"$tmp/keep.md")" old "leaves the former report alone"

# An inventory alone is shown for what it is.
{
    echo '{"tare":"inventory","version":1,"created":"2026-11-22T03:00:00Z","by":"test","settings":{}}'
    echo '{"workload":{"cluster":null,"namespace":"a","kind":"Pod","name":"p","replicas":1,"source":{"file":"f","document":1,"item":null,"line":1},"containers":[{"name":"c","role":"container","requests":{"cpu_millicores":100},"limits":{}}]},"problems":[]}'
    echo '{"end":{"records":1,"workloads":1,"problems":0,"skipped":{},"input":null}}'
} >"$tmp/in"
for format in markdown html csv json table; do
    report --format "$format"
    is "$rc" 0 "an inventory as $format"
done
report
like "$out" 'nothing is recommended yet' "says how far it is"

done_testing
