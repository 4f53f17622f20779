#!/bin/bash
# Every number of a report can be computed again by hand: prices and sums by jq and awk from the artifacts and the catalog, in every format;
# and every patch applies and is undone. On the demo shop, with one object that two files describe.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"

# An object that the gate blocks, once more, with only limits: it counts twice, also in what is blocked, and everything must say so.
twice=$(grep -rl 'kind: Deployment' manifests/kube-system | LC_ALL=C sort | head -1)
"$BIN/tare-parse" "$twice" 2>/dev/null | jq -rs '[.[] | select(.workload.kind == "Deployment")][0].workload |
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: \(.name)\n  namespace: \(.namespace)\nspec:\n  template:\n    spec:\n      containers:\n" +
    ([.containers[] | select(.role == "container") |
      "        - name: \(.name)\n          image: example.org/again\n          resources:\n            limits: {cpu: 2, memory: 64Mi}\n"] | add)' \
    >manifests/zz-again.yaml

run "$tare" run --end "$end" --format json
is "$rc" 0 "the run ends well" || diag "$err"
id=$(json .run)
"$tare" show "$id" gate >"$tmp/gated"
"$tare" show "$id" price >"$tmp/priced"
jq -c 'select(.workload)' "$tmp/gated" >"$tmp/records"

# --- prices: max(request, mean usage) × unit price × 730 × replicas, rounded half up once a container and resource
recompute='
def effective($c; $advice; $resource; $short):
    ($advice.requests[$resource]? // (if ($advice.remove // []) | index("requests." + $short) then null else $c.requests[$resource] end)) //
    ($advice.limits[$resource]? // (if ($advice.remove // []) | index("limits." + $short) then null else $c.limits[$resource] end)) // 0;
def money($amount; $unit; $per; $replicas): ($amount * $unit * 730 * $replicas / $per + 0.5) | floor;
. as $r | ($r.usage.replicas_mean // $r.workload.replicas // 1) as $replicas
| [$r.workload.containers[] | select(.role != "init") as $c | $c
   | ($r.recommendation.containers[$c.name]? // {}) as $advice
   | (["cpu_millicores", "cpu", $r.cost.price.microusd_per_vcpu_hour, 1000],
      ["memory_bytes", "memory", $r.cost.price.microusd_per_gib_hour, 1073741824]) as [$resource, $short, $unit, $per]
   | ($r.usage.containers[$c.name]?[$resource]?.mean? // 0) as $mean
   | {key: "\($c.name).\($short)",
      before: money([effective($c; {}; $resource; $short), $mean] | max; $unit; $per; $replicas),
      after: money([effective($c; $advice; $resource; $short), $mean] | max; $unit; $per; $replicas),
      said: [$r.cost.containers[$c.name][$short + "_before_microusd"], $r.cost.containers[$c.name][$short + "_after_microusd"]]}]
| select(any(.said != [.before, .after]) or (map(.before) | add) != $r.cost.monthly_before_microusd
         or (map(.after) | add) != $r.cost.monthly_after_microusd
         or $r.cost.monthly_before_microusd - $r.cost.monthly_after_microusd != $r.cost.monthly_saving_microusd)
| "\($r.workload.source.file) \($r.workload.name): \(.)"'
priced=$(jq -r 'select(.cost) | 1' "$tmp/records" | wc -l)
ok "there are prices to check" test "$priced" -ge 24
is "$(jq -r "select(.cost) | $recompute" "$tmp/records")" "" "every price can be computed again to the micro-dollar"

read -r vcpu gib list <<<"$(awk -F, '$1 == "aws" && $2 == "us-east-1" && $3 == "m6i.xlarge" { print $4, $5, int($6 * 1000000 + 0.5) }' \
    "$root/pricing/catalogs/on-demand.csv")"
is "$(jq -r --argjson v "$vcpu" --argjson g "$gib" --argjson l "$list" 'select(.cost) | .cost.price |
    ($v * .microusd_per_vcpu_hour + $g * .microusd_per_gib_hour - $l) | fabs <= ($v + $g) / 2' "$tmp/records" | sort -u)" true \
    "the unit prices make up the node's list price in the catalog"

# --- sums: what the records say, against every format
sums=$(jq -s '[.[] | select(.cost) | {before: .cost.monthly_before_microusd, after: .cost.monthly_after_microusd,
                                      blocked: (.gate.verdict == "blocked"), edits: (.change.edits | length > 0)}] |
    {before: (map(.before) | add), after: (map(if .blocked or (.edits | not) then .before else .after end) | add),
     held: (map(select(.blocked) | .before - .after) | add // 0)} | .saving = .before - .after' "$tmp/records")
want() { jq -r "$1" <<<"$sums"; }
ok "something is blocked, so that leaving it out is seen" test "$(want .held)" != 0

run "$tare" status "$id" --format json
is "$(json '[.monthly_before_microusd, .monthly_after_microusd, .monthly_saving_microusd, .monthly_blocked_microusd] | tostring')" \
    "$(want '[.before, .after, .saving, .held] | tostring')" "tare status"
is "$(json .workloads)" "$(wc -l <"$tmp/records")" "tare status counts records"
is "$(json .blocked)" "$(jq -r 'select(.gate.verdict == "blocked") | 1' "$tmp/records" | wc -l)" "and what is blocked"
run "$tare" status "$id"
like "$out" "workloads $(wc -l <"$tmp/records") .$(($(wc -l <"$tmp/records") - 1)) names" "the table says that one name is there twice"

report() { "$BIN/tare-report" --format "$1" --run "$id" <"$tmp/gated"; }
report json >"$tmp/r.json"
report csv >"$tmp/r.csv"
report markdown >"$tmp/r.md"
report html >"$tmp/r.html"
report table >"$tmp/r.table"
is "$(jq -c '.totals | [.monthly_before_microusd, .monthly_after_microusd, .monthly_saving_microusd]' "$tmp/r.json")" \
    "$(want '[.before, .after, .saving] | tostring')" "JSON: the totals"
is "$(jq -c '[.workloads, .namespaces | [map(.monthly_before_microusd // 0), map(.monthly_after_microusd // 0)] | map(add)] | unique' "$tmp/r.json")" \
    "$(want '[[.before, .after]] | tostring')" "JSON: its workloads and its namespaces add up to them"
csv_sum() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i; next } { sum += $column } END { printf "%.0f\n", sum }' "$tmp/r.csv"
}
is "$(csv_sum monthly_before_microusd) $(csv_sum monthly_after_microusd)" "$(want '"\(.before) \(.after)"')" "CSV: its rows add up"

# Whole dollars from $1 up, as people read them.
dollars() { awk -v m="$1" 'BEGIN { d = int((m < 0 ? -m : m) / 1000000 + 0.5); while (match(d, /[0-9][0-9][0-9][0-9]($|,)/)) d = substr(d, 1, RSTART) "," substr(d, RSTART + 1); print "$" d }'; }
from_to="from $(dollars "$(want .before)") to $(dollars "$(want .after)") a month"
for format in md html table; do
    ok "$format: $from_to" grep -qF "$from_to" "$tmp/r.$format"
    ok "$format says that a name is there twice" grep -qF "2 workloads share their name" "$tmp/r.$format"
done
rows=$(jq -r 'select(.gate.verdict != "blocked" and (.change.edits | length > 0)) | 1' "$tmp/records" | wc -l)
is "$(sed '/^<details>/,$d' "$tmp/r.md" | grep -c '^| [^&].*\*\* [A-Z]')" "$rows" "Markdown: a row for each change"

# --- patches: each against its file, all together against the tree, there and back
"$BIN/tare-diff" --patch "$tmp/all.patch" <"$tmp/priced" >/dev/null 2>&1
jq -c 'select(.change.edits | length > 0) | .change.patch' "$tmp/records" >"$tmp/patches"
ok "there are patches to check" test "$(wc -l <"$tmp/patches")" -ge 20
mkdir "$tmp/copy" && cp -R manifests "$tmp/copy/"
cd "$tmp/copy" || exit 1
bad=''
while IFS= read -r one; do
    jq -rj . <<<"$one" >"$tmp/one.patch"
    git apply --check "$tmp/one.patch" 2>/dev/null && patch -s -p1 --dry-run -F0 <"$tmp/one.patch" >/dev/null ||
        bad+=" $(sed -n 's/^--- //p' "$tmp/one.patch")"
done <"$tmp/patches"
is "$bad" "" "git apply and patch -p1 take every patch"
original=$(find . -type f | sort | xargs sha256sum)
ok "git apply takes the run's combined patch" git apply "$tmp/all.patch"
"$BIN/tare-parse" manifests 2>/dev/null >"$tmp/after"
wanted='select(.workload) | . as $r | .workload.containers[] |
    (if .role == "init" then {} else $r.recommendation.containers[.name]? // {} end) as $a | . as $c |
    [$r.workload.source.file, $r.workload.name, .name] + [("requests", "limits") as $s | ("cpu_millicores", "memory_bytes") as $q |
    $a[$s][$q]? // (if ($a.remove // []) | index($s + "." + ($q | split("_")[0])) then null else $c[$s][$q] end)]'
is "$(jq -c "$wanted" "$tmp/after" | sha256sum)" "$(jq -c "$wanted" "$tmp/records" | sha256sum)" "and the manifests then hold exactly the recommended numbers"
ok "git apply -R takes it back" git apply -R "$tmp/all.patch"
is "$(find . -type f | sort | xargs sha256sum)" "$original" "to the last byte"
ok "patch -p1 takes it too" patch -s -p1 -i "$tmp/all.patch"
is "$(jq -c "$wanted" <("$BIN/tare-parse" manifests 2>/dev/null) | sha256sum)" "$(jq -c "$wanted" "$tmp/records" | sha256sum)" "with the same result"

done_testing
