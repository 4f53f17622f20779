#!/bin/bash
# Several clusters in one configuration: a run each under a batch, one of them without its metrics server; reports of all together, whose
# sums are those of the single ones; what a kill leaves is gone on with; each run is applied under the keys of its own cluster.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"
need python3
before=$(tree)

# The shop as `eu`, as it is priced elsewhere as `us`, and `edge`, whose server is down.
cat >>tare.yaml <<'YAML'
clusters:
- cluster: eu
- cluster: us
  pricing: {region: us-west-2, instance: m5.large, currency: {code: EUR, per_usd: 0.9, date: 2026-11-20}}
  policy: {guardrails: {max_decrease_percent: 20}}
  reports: {directory: us-reports/, formats: [json]}
- cluster: edge
  metrics: {prometheus: "http://127.0.0.1:1"}
YAML
sed -i 's/^cluster: .*/cluster: eu/' tare.yaml

run "$tare" run --end "$end" --format json
is "$rc" 69 "one cluster's server is down: the batch ends with what that run ended with" || diag "$err"
batch=$(json .batch)
like "$batch" '^b[0-9]+$' "the batch has a name that can be said"
is "$(json '[.runs[].cluster] | join(" ")')" "eu us edge" "a run for each cluster, in the order of the file"
is "$(json '[.runs[].state] | join(" ")')" "awaiting-approval awaiting-approval failed" "failure of one does not stop the others"
is "$(json '[.runs[].exit] | join(" ")')" "0 0 69" "each with what it ended with"
is "$(json '[.runs[].batch] | unique | join(" ")')" "$batch" "all of them say their batch"
eu=$(json '.runs[0].run') us=$(json '.runs[1].run') edge=$(json '.runs[2].run')
like "$err" '\[edge\] .*does not accept connections' "what a run says is told with its cluster's name"
like "$err" "tare: of the 3 runs of batch $batch, 1 did not end well: edge \(run $edge, exit 69\)" "and which one it was"
is "$(tree)" "$before" "nothing was written"

# ---- Each run sees the keys of its own cluster ----
"$tare" show "$us" price >"$tmp/us.price"
"$tare" show "$eu" price >"$tmp/eu.price"
is "$(jq -r 'select(.cost.price) | .cost.price.region' "$tmp/us.price" | sort -u)" us-west-2 "prices of its own region"
isnt "$(jq -r 'select(.cost.price) | .cost.price.region' "$tmp/eu.price" | sort -u)" us-west-2 "the other has that of the top"
is "$(jq -r 'select(.workload) | .workload.cluster' "$tmp/us.price" | sort -u)" us "records bear its name"
"$tare" show "$us" diff >"$tmp/us.diff"
most=$(jq -r 'select(.recommendation.action == "resize") | .workload.containers[] as $c | .recommendation.containers[$c.name].requests.cpu_millicores as $n
    | select($n != null and $c.requests.cpu_millicores != null and $c.role == "container") | $n / $c.requests.cpu_millicores' "$tmp/us.diff" | sort -g | head -1)
is "$(jq -n "$most >= 0.79")" true "the guardrail of its entry holds ($most)"
least=$("$tare" show "$eu" diff | jq -r 'select(.recommendation.action == "resize") | .workload.containers[] as $c | .recommendation.containers[$c.name].requests.cpu_millicores as $n
    | select($n != null and $c.requests.cpu_millicores != null and $c.role == "container") | $n / $c.requests.cpu_millicores' | sort -g | head -1)
is "$(jq -n "$least < 0.79")" true "in the other cluster that of the top ($least)"
ok "its reports are where its entry says" test -s "us-reports/run-$us.json"
ok "the others' where the file says" test -s "reports/run-$eu.html"

# The pipe does the same by --cluster.
"$BIN/tare-parse" -c tare.yaml --cluster us 2>/dev/null | "$BIN/tare-collect" -c tare.yaml --cluster us --end "$end" 2>/dev/null |
    "$BIN/tare-analyze" -c tare.yaml --cluster us 2>/dev/null | "$BIN/tare-price" -c tare.yaml --cluster us 2>/dev/null >"$tmp/us.piped"
is "$(records <"$tmp/us.piped" | sha256sum)" "$(records <"$tmp/us.price" | sha256sum)" "the pipe with --cluster gives the same records"
run "$BIN/tare-diff" -c tare.yaml --cluster eu <"$tmp/us.piped"
is "$rc" 65 "records of another cluster are refused"
like "$err" 'records of the cluster us' "and it is said whose they are"

run "$tare" prices --cluster us
like "$out" 'us-west-2' "tare prices has those of a cluster"
run "$tare" doctor
is "$rc" 69 "doctor looks at every cluster"
like "$out" 'ok +metrics +us: ' "one by one"
like "$out" 'FAIL +metrics +edge: ' "and says which one it is"

# ---- Together ----
run "$tare" status --batch "$batch" --format json
is "$rc" 0 "status of the batch"
is "$(json '[.runs[].cluster] | join(" ")')" "eu us edge" "all its runs"
is "$(json '[.runs[].counted] | map(tostring) | join(" ")')" "true true false" "the failed one is in no sum"
isnt "$(json '.runs[0].approvals_missing')" 0 "approvals that are missing are counted"
run "$tare" status --batch "$batch"
like "$out" "edge \(run $edge\) is failed: the stage collect" "the table says why one is not in the sums"
run "$tare" status
like "$out" "BATCH" "the list of runs has the batches"
run "$tare" status --batch b999
is "$rc" 66 "a batch that is not there"
run "$tare" report --batch "$batch" --format json
is "$rc" 0 "the report of all together" || diag "$err"
cp "$tmp/.out" "$tmp/batch.json"
"$tare" report "$eu" --format json >"$tmp/eu.json" 2>/dev/null
"$tare" report "$us" --format json >"$tmp/us.json" 2>/dev/null
for figure in workloads changed held_back unpriced monthly_before_microusd monthly_after_microusd monthly_saving_microusd proposed_after_microusd; do
    is "$(jq ".totals.$figure" "$tmp/batch.json")" "$(jq -s "map(.totals.$figure) | add" "$tmp/eu.json" "$tmp/us.json")" \
        "$figure: the sum of the single reports, to the micro-dollar"
    is "$(jq -c "[.runs[].$figure]" "$tmp/batch.json")" "$(jq -sc "map(.totals.$figure) + [null]" "$tmp/eu.json" "$tmp/us.json")" \
        "$figure: of each run that of its own report"
done
is "$(json '[.largest_savings[].monthly_saving_microusd] | . == (sort | reverse)')" true "the largest saving first"
is "$(json '.largest_savings[0].monthly_saving_microusd')" "$(jq -s '[.[].workloads[] | select(.monthly_saving_microusd != null) | .monthly_saving_microusd] | max' \
    "$tmp/eu.json" "$tmp/us.json")" "it is the largest of all"
like "$(json '.gaps | join(" ")')" "edge \(run $edge\) failed and is in no sum" "the failed run is told with its reason"
like "$(json '.runs[1].saving_in_currency')" '€' "the currency that one cluster states is told of that one"
is "$(json '.runs[0].saving_in_currency')" null "and of no other"
isnt "$(json '.runs[0].prices')" "$(json '.runs[1].prices')" "each says its own prices"
is "$(json '[.runs[].plan] | join(" ")')" "$("$tare" status "$eu" --format json | jq -r .plan) $("$tare" status "$us" --format json | jq -r .plan) " \
    "and the digest of its plan"
for format in markdown html table csv; do
    run "$tare" report --batch "$batch" --format "$format"
    is "$rc" 0 "as $format"
    like "$out" "does not accept connections" "$format says why a run is not in the sums"
done
is "$(sed 's/\r$//' "$tmp/.out" | wc -l)" 4 "CSV: a row a run"
run "$tare" report --batch "$batch" --format junit
is "$rc" 64 "a format for one run is refused"
run "$tare" report --batch "$batch" --format html --output all.html
is "$rc" 0 "into a file"
like "$(<all.html)" '^<!DOCTYPE html>' "whole"

# ---- Approved and applied under the keys of its own cluster ----
"$tare" login reviewer viewer approver >/dev/null 2>&1
run "$tare" --as reviewer approve "$us" --yes --plan "$(jq -r '.runs[1].plan' "$tmp/batch.json")"
is "$rc" 0 "each plan has its own approval" || diag "$err"
run "$tare" apply "$us" --yes
is "$rc" 0 "the policy of apply is that of the run's cluster" || diag "$err"
isnt "$(tree)" "$before" "the manifests changed"
run "$tare" rollback "$us" --yes
is "$rc" 0 "and back" || diag "$err"
is "$(tree)" "$before" "to the byte"

# ---- What failed is run anew, in the batch ----
sed -i "s|http://127.0.0.1:1|$prometheus|" tare.yaml
run "$tare" rerun "$edge" --from parse --format json
is "$rc" 0 "the cluster whose server is back is rerun" || diag "$err"
again=$(json .run)
is "$(json .batch)" "$batch" "a rerun stays in the batch"
run "$tare" report --batch "$batch" --format json
is "$(json '.totals.runs')" 3 "now all three clusters count"
is "$(json "[.runs[] | select(.run == $edge) | .counted, .superseded_by] | map(tostring) | join(\" \")")" "false $again" "the failed one says who took its place"

# ---- One of them ----
run "$tare" run --cluster us --end "$end" --format json
is "$rc" 0 "one cluster alone" || diag "$err"
is "$(json .cluster)" us "it is the one"
is "$(json .batch)" null "in no batch"
run "$tare" run --cluster uss
is "$rc" 64 "a cluster that is not there"
like "$err" 'did you mean us' "with the near name"
for words in "--prometheus $prometheus" "--kubeconfig x" "--context x" "--offline x" "manifests"; do
    run "$tare" run $words
    is "$rc" 64 "$words is of one cluster"
    like "$err" '--cluster NAME' "and it is said how to name one"
done
run "$tare" run --batch "$batch"
is "$rc" 64 "--batch starts nothing"
run "$tare" run --parallel-clusters 0
is "$rc" 64 "so many at once cannot be"
runs=$("$tare" status --format json | jq length)
sed 's/- cluster: us/- cluster: us\n  pricng: {region: x}/' tare.yaml >broken.yaml
run "$tare" run -c broken.yaml --end "$end"
is "$rc" 78 "a key that there is not in an entry"
like "$err" 'broken.yaml, line [0-9]+: pricng: there is no such key in clusters\[1\]' "with file, line and key"
is "$("$tare" status --format json | jq length)" "$runs" "and no run was begun"
sed 's/region: us-west-2/region: us-wets-2/' tare.yaml >wrong.yaml
run "$tare" run -c wrong.yaml --end "$end" --format json
is "$(json '[.runs[].exit] | join(" ")')" "0 78 0" "a value that only its stage can judge ends that run alone"
is "$rc" 78 "with its code"
like "$err" 'wrong.yaml, line [0-9]+: clusters\[1\]' "naming where the entry gives it"

# ---- What is blocked: 77 only where nothing is left to do ----
cat >some.yaml <<YAML
metrics: {prometheus: "$prometheus"}
manifests: [manifests/shop]
policy: {guardrails: {max_changes: 0}}
clusters: [{cluster: one}, {cluster: two}]
YAML
run "$tare" run -c some.yaml --end "$end" --format json
is "$rc $(json '[.runs[].exit] | join(" ")')" "77 77 77" "every change of every run is blocked"
sed -i 's/{cluster: two}/{cluster: two, policy: null}/' some.yaml
run "$tare" run -c some.yaml --end "$end" --format json
is "$rc $(json '[.runs[].exit] | join(" ")')" "0 77 0" "one has something to approve"
sed -i 's/policy: null}/metrics: {prometheus: "http:\/\/127.0.0.1:1"}}/' some.yaml
run "$tare" run -c some.yaml --end "$end" --format json
is "$rc $(json '[.runs[].exit] | join(" ")')" "69 77 69" "what failed goes before what is blocked"

# ---- A server that takes questions and answers none ----
python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64); print(s.getsockname()[1], flush=True); time.sleep(3600)' >"$tmp/port" &
silent=$!
at_exit kill "$silent"
until [[ -s $tmp/port ]]; do sleep 0.05; done
cat >hang.yaml <<YAML
metrics: {prometheus: "$prometheus"}
manifests: [manifests/shop]
clusters: [{cluster: silent, metrics: {prometheus: "http://127.0.0.1:$(<"$tmp/port")", timeout: 600s}}, {cluster: a}, {cluster: b}]
YAML
"$tare" run -c hang.yaml --end "$end" >/dev/null 2>&1 &
hanging=$!
states() { "$tare" status --format json | jq -r '[.[] | select(.cluster == "silent" or .cluster == "a" or .cluster == "b") | .cluster + "=" + .state] | sort | join(" ")'; }
for ((i = 0; i < 1200; i++)); do
    [[ $(states) == "a=awaiting-approval b=awaiting-approval silent=running" ]] && break
    kill -0 "$hanging" 2>/dev/null || break
    sleep 0.1
done
is "$(states)" "a=awaiting-approval b=awaiting-approval silent=running" "the others end while one still waits for its server"
kill -9 "$silent"
wait "$hanging" 2>/dev/null
is "$?" 69 "and the one that waits ends in its time"

# ---- Killed ----
before=$("$tare" status --format json | jq -r '.[0].batch')
setsid "$tare" run --end "$end" --parallel-clusters 1 >/dev/null 2>"$tmp/killed" &
leader=$!
for ((i = 0; i < 1200; i++)); do
    killed=$("$tare" status --format json | jq -r '.[0].batch // empty')
    [[ -n $killed && $killed != "$before" ]] && break
    sleep 0.05
done
[[ $killed != "$before" ]] || diag "no batch was begun: $(<"$tmp/killed")"
kill -9 -- "-$leader"
wait "$leader" 2>/dev/null
is "$("$tare" status --batch "$killed" --format json | jq '[.runs[] | select(.state == "running")] | length > 0')" true "a killed batch has unfinished runs"
is "$("$tare" status --batch "$killed" --format json | jq '.runs | length')" 3 "none of its runs is missing"
run "$tare" report --batch "$killed" --format json
like "$(json '.gaps | join(" ")')" 'is not finished and in no sum' "the report says what is not finished"
run "$tare" run --resume --batch "$killed" --format json
is "$rc" 0 "--resume --batch goes on" || diag "$err"
is "$(json '[.runs[].state] | unique | join(" ")')" awaiting-approval "and all of them end"
run "$tare" run --resume --batch "$killed" --format json
is "$rc" 0 "a second time there is nothing to do"
run "$tare" audit verify
is "$rc" 0 "the audit trail is intact"
done_testing
