#!/bin/bash
# The backtest of tare-analyze against another one in awk: rows of random use are made here, and what each contender's numbers would have
# done on the held-out days is counted a second time.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq awk

# rows SEED SHAPE: "mean high" of 2016 steps of CPU, then of memory, one a line; "-" is a gap. Numbers are those that a record can hold.
rows() {
    awk -v seed="$1" -v shape="$2" '
        function spread(x) { return 1 + x * (rand() - 0.5) }
        function level(i) {
            if (shape == "daily") return (1 + 0.6 * sin(i % 288 / 288 * 6.2831853)) * spread(0.4)
            if (shape == "rise") return (i > 1500 ? 1.6 : 1) * spread(0.3)
            if (shape == "spikes") return (rand() < 0.02 ? 4 : 1) * spread(0.5)
            if (shape == "runs") return (i % 288 >= 30 && i % 288 < 48) ? spread(1) : -1
            return rand() < 0.2 ? -1 : spread(1)
        }
        BEGIN {
            srand(seed)
            for (resource = 0; resource < 2; resource++)
                for (i = 0; i < 2016; i++) {
                    x = level(i) * (resource ? 2e8 : 250)
                    if (x < 0) print "- -"
                    else printf "%.17g %.17g\n", x, x * (1 + 0.5 * rand() * rand())
                }
        }'
}

# encode FROM TO COLUMN: lines FROM to TO of the rows on stdin as a series of a record.
encode() {
    awk -v from="$1" -v to="$2" -v column="$3" '
        NR >= from && NR <= to { v[++n] = $column; if ($column != "-") { if (low == "" || $column < low) low = $column; if ($column > high) high = $column } }
        END {
            digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            for (i = 1; i <= n; i++) {
                c = v[i] == "-" ? 0 : 2 + int(4093 * log(v[i] / low) / log(high / low) + 0.5)
                codes = codes substr(digits, int(c / 64) + 1, 1) substr(digits, c % 64 + 1, 1)
            }
            printf "{\"low\":%.17g,\"high\":%.17g,\"codes\":\"%s\"}", low, high, codes
        }'
}

# resource ROWS FROM TO: one resource of a container: its series, and figures near enough.
resource() {
    local mean high
    mean=$(encode "$2" "$3" 1 <"$1")
    high=$(encode "$2" "$3" 2 <"$1")
    awk -v from="$2" -v to="$3" 'NR >= from && NR <= to && $1 != "-" { print $1 }' "$1" | sort -g |
        awk -v mean="$mean" -v high="$high" '{ v[NR] = $1 } END {
            p95 = v[int(NR * 0.95)]; p99 = v[int(NR * 0.99)]
            printf "{\"samples\":%d,\"pods\":1,\"mean\":%.9g,\"p50\":%.9g,\"p90\":%.9g,\"p95\":%.9g,\"p99\":%.9g,\"p99_5\":%.9g,\"max\":%.9g,\"wp95\":%.9g,\"wp99\":%.9g,\"bh90\":%.9g,\"series\":{\"step_seconds\":300,\"mean\":%s,\"max\":%s}}",
                NR, v[int(NR / 2)], v[int(NR / 2)], v[int(NR * 0.9)], p95, p99, p99, v[NR] * 1.4, p95, p99, p95, mean, high }'
}

# record SEED SHAPE: one workload.
record() {
    local kind=Deployment
    [[ $2 == runs ]] && kind=CronJob
    rows "$1" "$2" >"$tmp/rows.$2"
    printf '{"problems":[],"usage":{"containers":{"app":{"cpu_millicores":%s,"memory_bytes":%s,"oom_kills":0,"restarts":0,"throttled_ratio":0.01}},"coverage":1,"history_seconds":604800,"pods":7,"replicas":1,"source":"file","window":{"end":"2026-11-22T03:00:00Z","seconds":604800,"start":"2026-11-15T03:00:00Z"}},"workload":{"api_version":"apps/v1","autoscaler":null,"cluster":"c","containers":[{"image":"shop/app:1","limits":{"cpu_millicores":400,"memory_bytes":250000000},"name":"app","requests":{"cpu_millicores":300,"memory_bytes":230000000},"role":"container"}],"kind":"%s","labels":{},"name":"%s","namespace":"shop","replicas":1,"source":{"document":1,"file":"a.yaml","item":null,"line":1,"sha256":"0"}}}\n' \
        "$(resource "$tmp/rows.$2" 1 2016)" "$(resource "$tmp/rows.$2" 2017 4032)" "$kind" "$2"
}

# oracle SHAPE RESOURCE REQUEST LIMIT: the seven figures of a verdict over the held-out steps; "-" for null.
oracle() {
    awk -v shape="$1" -v resource="$2" -v request="$3" -v limit="$4" '
        { mean[NR] = $1; high[NR] = $2 }
        END {
            base = resource == "cpu_millicores" ? 0 : 2016
            # The records keep codes, so values come back a little off; the same is done here.
            for (i = 1; i <= 2016; i++) { m = mean[base + i]; if (m != "-") { if (ml == "" || m < ml) ml = m; if (m > mh) mh = m; h = high[base + i]; if (hl == "" || h < hl) hl = h; if (h > hh) hh = h} }
            for (i = 1; i <= 2016; i++) if (mean[base + i] != "-") {
                mean[base + i] = ml * (mh / ml) ^ (int(4093 * log(mean[base + i] / ml) / log(mh / ml) + 0.5) / 4093)
                high[base + i] = hl * (hh / hl) ^ (int(4093 * log(high[base + i] / hl) / log(hh / hl) + 0.5) / 4093)
            }
            # 5 of 7 runs, of 18 steps each; else two days of data where there are six, else a third: by the resource with more data.
            for (i = 1; i <= 2016; i++) { cpu += mean[i] != "-"; memory += mean[2016 + i] != "-" }
            data = memory > cpu ? memory : cpu
            want = shape == "runs" ? 36 : data >= 1728 ? 576 : int(data / 3)
            for (first = 2016; want > 0; first--) want -= mean[(memory > cpu ? 2016 : 0) + first] != "-"
            first++
            inside = 0
            for (i = first; i <= 2016; i++) {
                m = mean[base + i]; h = high[base + i]
                since++
                if (m == "-") continue
                hour = int(((i - 1) * 300 + 3 * 3600) / 3600) % 24
                n++; use += m; steps[hour]++
                if (m > request) { above++; over += m - request; hours[hour]++ }
                peaks += h > request
                hits += h >= 0.98 * limit
                if (inside && (h < 0.9 * limit || since >= 6)) inside = 0
                if (!inside && h > limit) { inside = 1; since = 0; kills++ }
            }
            for (hour in steps) if (steps[hour] >= 6 && hours[hour] / steps[hour] > worst) worst = hours[hour] / steps[hour]
            printf "%.9f %.9f %.9f %.9f %.9f ", above / n, peaks / n, worst, over / use, request * n / use
            if (limit == "null") print "-"
            else if (resource == "cpu_millicores") printf "%.9f\n", hits / n
            else printf "%d\n", kills
        }' "$tmp/rows.$1"
}

shapes="daily rise spikes gaps runs"
{
    printf '%s\n' '{"by":"test","created":"2026-11-22T03:00:00Z","settings":{"collect":{"source":"file"}},"tare":"usage","version":1}'
    seed=11
    for shape in $shapes; do
        record $((seed++)) "$shape"
    done
    printf '{"end":{"input":null,"problems":0,"records":5,"skipped":{},"workloads":5}}\n'
} >"$tmp/in"
run "$BIN/tare-analyze" <"$tmp/in"
is "$rc" 0 "rows of random use are analyzed" || diag "$err"
printf '%s\n' "$out" >"$tmp/out"
is "$(jq -rc 'select(.workload) | .recommendation.backtest | [.learned_seconds, .judged_seconds, .by_runs] | @csv' "$tmp/out" | sed '4d' | tr '\n' ' ')" \
    '432000,172800,false 432000,172800,false 432000,172800,false 27000,10800,true ' "five days and two, five runs and two"
is "$(jq -rc 'select(.workload.name == "gaps") | .recommendation.backtest | (.learned_seconds / .judged_seconds * 100 | round)' "$tmp/out")" 200 "two thirds and one where there are gaps"

for shape in $shapes; do
    wrong=0 seen=0
    while read -r resource contender request limit told; do
        seen=$((seen + 1))
        awk -v a="$told" -v b="$(oracle "$shape" "$resource" "$request" "$limit")" 'BEGIN {
            n = split(a, x, " "); m = split(b, y, " ")
            for (i = 1; i <= m; i++) if ((x[i] == "-") != (y[i] == "-") || (x[i] - y[i]) ^ 2 > 1e-14 * (1 + y[i] ^ 2)) exit 1
            exit n != m }' || { wrong=$((wrong + 1)); diag "$resource $contender: $told, not $(oracle "$shape" "$resource" "$request" "$limit")"; }
    done < <(jq -r --arg shape "$shape" 'select(.workload.name == $shape) | .recommendation.backtest.containers.app | to_entries[] | select(.value | type == "object")
        | .key as $resource | .value | to_entries[] | select(.value | type == "object" and .request != null)
        | "\($resource) \(.key) \(.value.request) \(.value.limit) \([.value.time_above, .value.peak_above, .value.worst_hour, .value.starved, .value.slack, (if $resource == "cpu_millicores" then .value.throttled else .value.oom_kills end)] | map(. // (if . == null then "-" else . end) | tostring) | join(" "))"' "$tmp/out")
    is "$wrong of $seen" "0 of $seen" "$shape: what each contender would have done is what awk counts"
    ok "$shape: all contenders were judged" test "$seen" -ge 8
done

# Kills that are predicted never go with a low risk, and lower the confidence.
is "$(jq -rc 'select(.workload) | .recommendation | select([.backtest.containers[].memory_bytes.ours.oom_kills] | max > 0) | .risk' "$tmp/out" | grep -c low)" 0 "kills are no low risk"
ok "some were predicted" jq -e -n '[inputs | select(.workload) | .recommendation | select(.backtest.containers.app.memory_bytes.ours.oom_kills > 0 and .containers.app.confidence_parts.backtest <= 0.5)] | length > 0' "$tmp/out"
ok "a confidence is the product of its parts" jq -e -n '[inputs | select(.workload) | .recommendation.containers[] | .confidence_parts as $p
    | ([$p.coverage * $p.age * $p.stability * $p.backtest, ($p.ceiling // 1)] | min) - .confidence | fabs < 1e-9] | all and length == 5' "$tmp/out"
done_testing
