#!/bin/bash
# The eight scenarios of a good demonstration give the right advice: numbers of the right size, findings, risk, forecast, backtest, and
# scaling that fits the kind of load. In several sizes and at several hours, through a real Prometheus.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/truths.sh"
need prometheus jq awk curl

table=$root/fixtures/truths/scenarios.table
end=2026-11-22T00:00:00Z # a Sunday

# of NAME FILTER: what a jq filter makes of a scenario's recommendation
of() { jq -r --arg name "$1" "select(.workload.name == \$name) | .recommendation | ($2)" "$records"; }
# yaml NAME KIND: the objects of one kind that are advised
yaml() { of "$1" ".scaling.manifests[]? | select(.kind == \"$2\") | .yaml"; }

for seed in ${SEEDS:-1 2 3}; do
    dir=$tmp/seed.$seed records=$dir/records
    truths_line "$dir" "$table" "$end" --vary --seed "$seed" 2>"$tmp/line.err"
    is $? 0 "seed $seed: the line ends well" || diag "$(tail -3 "$tmp/line.err")"
    truths_judge "$records" "$table" >"$dir/verdicts"
    truths_told "$dir/verdicts" "seed $seed"

    is "$(jq -r 'select(.recommendation) | select((.recommendation.reasoning | length) == 0) | .workload.name' "$records")" "" "seed $seed: each gives its reasons"
    is "$(of gradual-increase '.backtest.containers.app.cpu_millicores | .ours.time_above <= .krr.time_above')" true \
        "seed $seed: growth: by the backtest, no more time above the request than with KRR's rule"
    is "$(of over-provisioned '.backtest.containers.app | [.cpu_millicores, .memory_bytes] | all(.ours.slack < 0.8 * .today.slack)')" true \
        "seed $seed: over-provisioned: by the backtest, less slack than today"
    is "$(of memory-constrained '.backtest.containers.app.memory_bytes | .ours.oom_kills <= .today.oom_kills')" true \
        "seed $seed: memory: by the backtest, no more kills than today"
    is "$(of gradual-increase ".outlook.containers.app.cpu_millicores.crosses.request | .at > \"$end\" and .days < 30")" true \
        "seed $seed: growth: it crosses the request in the days to come"
    is "$(of daily-peak '.forecast.containers.app.cpu_millicores | .mase != null and .mase < 1.2 and .coverage > 0.85')" true \
        "seed $seed: the forecast of a daily peak is good by its own backtest"
    like "$(yaml weekend-low ScaledObject; yaml weekend-low CronJob)" '(\* \* (1-5|mon-fri|MON-FRI|0,6|6,0|6|5|1)"?)' \
        "seed $seed: weekends: schedules name days of the week"
    sale=$(yaml flash-sale HorizontalPodAutoscaler)
    like "$sale" 'scaleUp:' "seed $seed: flash sale: the autoscaler says how fast it grows"
    ok "seed $seed: and it does not wait" grep -qxE ' *stabilizationWindowSeconds: [1-5]?[0-9]' <(grep -A2 'scaleUp:' <<<"$sale")
    is "$(awk '$1 == "maxReplicas:" { print ($2 >= 12) }' <<<"$sale")" 1 "seed $seed: up to what the sale took"
    is "$(of normal-load '[.scaling.manifests[]? | .kind] | length')" 0 "seed $seed: normal load: nothing is built for it"
    "$prometheus" stop "$dir/prom"
    rm -rf "$dir/prom"
done
done_testing
