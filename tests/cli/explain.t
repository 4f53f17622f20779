#!/usr/bin/env bash
# tare-report --format explain: one workload from its samples to its numbers, from artifacts; hostile content stays text.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq

# A record with every member, made as the stages write them.
{
    echo '{"tare":"changes","version":1,"created":"2026-11-22T03:00:00Z","by":"test","settings":{"analyze":{"rules_version":2,"policy_sha256":"aaaabbbbccccdddd","history_sha256":null},"collect":{"half_life_seconds":259200,"prometheus":"http://prom:9090"},"parse":{"namespace":"team"}}}'
    jq -c . <<'JSON'
{"workload":{"cluster":"prod","namespace":"shop","kind":"Deployment","name":"cart","replicas":3,
  "source":{"file":"deploy/cart.yaml","document":1,"item":null,"line":14},
  "containers":[{"name":"server","role":"container","requests":{"cpu_millicores":1000,"memory_bytes":536870912},"limits":{"cpu_millicores":null,"memory_bytes":536870912}},
                {"name":"idle","role":"sidecar","requests":{"cpu_millicores":100,"memory_bytes":null},"limits":{}}]},
 "usage":{"window":{"start":"2026-11-15T03:00:00Z","end":"2026-11-22T03:00:00Z","seconds":604800},"source":"remote-read","matched_by":"owners",
  "interval_seconds":30,"rate_window_seconds":120,"pods":4,"replicas":3,"replicas_mean":3.1,"replicas_max":4,"coverage":0.998,"history_seconds":604800,
  "first_seen":"2026-11-15T03:00:30Z",
  "containers":{"server":{"cpu_millicores":{"mean":120,"p50":110,"p95":190.4,"p99":230,"max":410,"wp95":200.2,"wp99":231,"bh90":220,"bh90_hour":9,"samples":60480,"expected":60600,"approximate":true},
    "memory_bytes":{"mean":104857600,"p99":157286400,"max":209715200,"samples":60480},"throttled_ratio":0.012,"throttled_worst_hour":0.25,"oom_kills":2,"restarts":3}}},
 "recommendation":{"action":"resize","confidence":0.81,"risk":"medium","risk_reasons":["server: requests.cpu falls by 75 %"],"source":"rules","class":"web","class_reason":"a port",
  "qos_class":"Burstable","reasoning":"because it uses little","backtest_reason":null,
  "containers":{"server":{"requests":{"cpu_millicores":250,"memory_bytes":null,"bounds":{"cpu_millicores":{"min":200,"max":410},"memory_bytes":null}},
    "limits":{"cpu_millicores":null,"memory_bytes":null},"confidence":0.81,"confidence_parts":{"coverage":0.99,"age":1,"stability":0.9,"backtest":0.91,"ceiling":0.85},
    "samples":{"cpu_millicores":{"n":60480,"effective":50000.7,"steps":2016,"pods":4},"half_life_seconds":172800},
    "why":{"requests":{"cpu_millicores":{"rule":"cpu-per-pod","formula":"max(1.10 wp95, 1.05 bh90)","target":231,"moved_by":"lower-bound",
        "inputs":{"wp95":200.2,"bh90":220,"samples":60480,"throttled":0.012,"today":1000,"a-new-figure":7},"caps":[{"by":"lower-bound","min":200},{"by":"max_cpu","max":410}]},
      "memory_bytes":{"rule":"memory-oom","target":null,"moved_by":"oom-kills","inputs":{"oom_kills":2}}}}}},
  "backtest":{"judged_from":"2026-11-20T03:00:00Z","judged_to":"2026-11-22T03:00:00Z","learned_seconds":432000,"judged_seconds":172800,"containers":{"server":{
    "judged_from":"2026-11-20T03:00:00Z","judged_to":"2026-11-22T03:00:00Z","promised":0.05,
    "cpu_millicores":{"ours":{"request":250,"limit":null,"time_above":0.0231,"peak_above":0.08,"worst_hour":0.1,"starved":0.004,"slack":2.03,"throttled":null},
      "today":{"request":1000,"limit":null,"time_above":0,"peak_above":0,"worst_hour":0,"starved":0,"slack":8.3,"throttled":null},
      "krr":{"request":190,"limit":null,"time_above":0.0977,"slack":1.79},"vpa":{"request":null}},
    "memory_bytes":{"ours":{"request":209715200,"limit":536870912,"time_above":0,"oom_kills":1,"slack":1.2,"censored":true}}}}},
  "findings":[{"code":"oom-kills","severity":"critical","container":"server","resource":"memory","start":"2026-11-16T03:00:00Z","end":"2026-11-17T03:00:00Z","message":"killed for memory 2 times",
     "evidence":{"oom_kills":2,"z_score":{"score":3.2}}},
   {"code":"idle","severity":"low","container":"idle","message":"hardly used","evidence":{}}],
  "forecast":{"containers":{"server":{"cpu_millicores":{"start":"2026-11-22T03:00:00Z","step_seconds":300,"values":[100,110,150.5],"lower":[80,80,90],"upper":[130,140,222],"method":"smed","mase":0.62,"rmae":0.5,"coverage":0.944,"nominal":0.95,"origins":24}}}},
  "outlook":{"containers":{"server":{"memory_bytes":{"per_day":10485760,"p_value":0.001,"now":209715200,"crosses":{"request":{"amount":536870912,"at":"2026-12-23T03:00:00Z","days":31.2},"limit":{"amount":536870912,"at":null,"days":null}}}}},
    "quotas":[{"name":"team-quota","resource":"requests.cpu","hard":20000,"at":"2026-12-01T00:00:00Z","days":9}]},
  "scaling":{"kind_of_load":"daily","load":{"unit":"cpu_millicores","mean":120,"trough":50,"peak":230,"top":410},"replicas":{"now":3,"advised":2,"why":["two carry the load"]},
   "autoscaler":{"kind":"HorizontalPodAutoscaler","action":"create","metric":"cpu","target":70,"min":2,"max":6,"why":["the load varies 4-fold in a day"]},
   "schedule":{"timezone":"UTC","base":2,"entries":[{"days":"1-5","start":"07:45","end":"20:00","replicas":4}],"saved_share":0.31},
   "policies":[{"name":"latency","type":"slo","now":3,"wanted":5,"advised":4,"monthly_microusd":12000000,"reason":"p95 is above 200 ms"}],
   "conflicts":[{"code":"hpa-and-vpa","message":"both would move CPU","objects":["VerticalPodAutoscaler/cart"]}],
   "advice":[{"code":"autoscale","message":"let it scale between 2 and 6","why":["mornings are busy"]}],
   "manifests":[{"api_version":"autoscaling/v2","kind":"HorizontalPodAutoscaler","name":"cart","option":"hpa","yaml":"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: cart\n"},
    {"api_version":"keda.sh/v1alpha1","kind":"ScaledObject","name":"cart","option":"keda","yaml":"kind: ScaledObject\n"},
    {"api_version":"autoscaling.k8s.io/v1","kind":"VerticalPodAutoscaler","name":"cart","option":"vpa","yaml":"kind: VerticalPodAutoscaler\n"},
    {"api_version":"autoscaling/v2","kind":"HorizontalPodAutoscaler","name":"cart","option":"policy-latency","yaml":"kind: Policy\n"}]}},
 "cost":{"monthly_before_microusd":20000000,"monthly_after_microusd":8000001,"replicas":3.1,"price":{"provider":"aws","region":"us-east-1","instance":"m6i.xlarge","date":"2026-07-20","microusd_per_vcpu_hour":34605,"microusd_per_gib_hour":3349}},
 "change":{"edits":[{"container":"server","path":"spec.containers[0].resources.requests.cpu","from":"1","to":"250m"}],"patch":"--- a/deploy/cart.yaml\n+++ b/deploy/cart.yaml\n@@ -1 +1 @@\n-cpu: 1\n+cpu: 250m\n"},
 "gate":{"verdict":"needs-approval","reasons":[{"ok":false,"message":"risk is medium"}]},
 "problems":[{"stage":"collect","code":"partial-data","message":"idle has no samples"}]}
{"workload":{"cluster":"prod","namespace":null,"kind":"Deployment","name":"bare","replicas":1,"source":{"file":"e.yaml","document":1,"item":null,"line":1},"containers":[{"name":"c","role":"container","requests":{},"limits":{}}]},"recommendation":{"action":"none"},"problems":[]}
{"workload":{"cluster":"prod","namespace":"evil","kind":"Deployment","name":"\u001b]0;own\u0007-\u202egnp","replicas":1,"source":{"file":"f\u001b[2J.yaml","document":1,"item":null,"line":1},"containers":[{"name":"\u001b[31mc","role":"container","requests":{"cpu_millicores":1},"limits":{}}]},
 "usage":{"source":"\u001b[5m","window":{"start":"\u001b[1m2026","seconds":1e308},"containers":{"\u001b[31mc":{"cpu_millicores":{"mean":1e308,"samples":-5},"oom_kills":"\u001b[7m"}}},
 "recommendation":{"action":"\u001b[0m","risk":7,"confidence":1e308,"reasoning":"a\nb\u001b[31m","backtest":{"judged_from":99999999999999999,"judged_seconds":1e300,"containers":{"\u001b[1mx":{"cpu_millicores":{"ours":{"request":1e300,"time_above":-1e300}}}}},
  "containers":{"\u001b[31mc":{"confidence_parts":{"\u001b[1mp":0.5},"confidence":1,"why":{"requests":{"cpu_millicores":{"rule":"\u001b[31mrule","target":1e300,"inputs":{"\u001b[1mq":"\u001b[2mr","wp95":1e300}}}}}},
  "findings":[{"code":"\u001b[1mf","severity":"\u001b[2ms","message":"\u001b[3mm","evidence":{"\u001b[4me":{"\u001b[5mi":"\u001b[6mt"}}},7,null],
  "forecast":{"containers":{"\u001b[1mx":{"cpu_millicores":{"start":-1e300,"step_seconds":1e300,"values":[1e300,"x"],"lower":7,"upper":null,"method":"\u001b[1mz"}}}},
  "outlook":{"containers":{"x":{"cpu_millicores":{"per_day":1e300}}},"quotas":[{"name":"\u001b[1mn"}]},
  "scaling":{"kind_of_load":"\u001b[1mk","advice":["\u001b[1ma",{"code":"\u001b[2Jc","message":"\u001b[3Jm","why":["\u001b[4Jw"]}],"manifests":[{"kind":"\u001b[1mK","option":"hpa","yaml":"a: |\n  \u001b[31mred\n\u202e"}],"replicas":{"\u001b[1mr":"\u001b[2mv"}}},
 "change":{"edits":[{"path":"\u001b[1mp","from":"\u001b[2mf"}],"patch":"\u001b[31m-x\n"},"gate":{"verdict":"\u001b[1mg","reasons":["\u001b[2mh"]},"problems":[]}
JSON
    echo '{"end":{"records":3,"workloads":3,"problems":1,"skipped":{},"input":null}}'
} >"$tmp/in"
report() { run "$BIN/tare-report" "$@" <"$tmp/in"; }
explain() { report --format explain --workload "$@"; }

explain shop/Deployment/cart
is "$rc" 0 "a workload is explained" || diag "$err"
flat=$(tr -s ' \n' ' ' <<<"$out")
for line in 'shop/Deployment/cart of prod from deploy/cart.yaml:14' 'class web \(a port\)' '2026-11-15 03:00 to 2026-11-22 03:00 UTC \(7 d\)' \
    'remote-read from http://prom:9090, pods found by owners' 'the rate over the 2 min before it' '4 seen; 3 at once' '99.8%|100% of the window' \
    'a sample counts half after 2 d' 'rules version 2, policy aaaabbbbcccc, without what earlier runs learned' \
    'wp95 201m.*bh90 220m \(from 09:00 UTC\)' '60480 samples of 60600 expected; from a log histogram' 'they count as 50000 samples' \
    'throttled 1.2% of the periods, 25% in the worst hour' '2 OOM kills, 3 restarts' 'CPU request 1 → 250m' \
    'rule cpu-per-pod: .*replicas' 'formula max\(1.10 wp95, 1.05 bh90\)' 'inputs samples 60480, wp95 201m, .*today 1, a-new-figure 7' \
    'asks for 231m' 'moved by lower-bound: not below what the statistics show' 'may be from 200m to 410m' 'at most 410m, max_cpu: guardrail max_cpu' \
    'moved by oom-kills: not lowered for 7 days after an OOM kill' 'confidence 0.81 = coverage 0.99 × age 1 × stability 0.9 × backtest 0.91, at most 0.85|confidence 0.81 = age 1 × backtest 0.91 × coverage 0.99 × stability 0.9, at most 0.85' \
    'risk medium server: requests.cpu falls' 'learned from 5 d of data, judged on the 2 d from 2026-11-20 03:00' \
    "tare's rule 250m – 2.3% 8.0% 10% 0.4% 2.03 –" 'as set today 1 – 0% 0% 0% 0% 8.3 –' "KRR's rule 190m – 9.8% – – – 1.79 –" "VPA's rule – – –" 'lets CPU pass its request for 5.0% of the time' \
    'It was killed for memory: what it would' 'critical oom-kills in server: killed for memory 2 times' 'evidence: oom_kills 2, z_score score 3.2' \
    'the next 15 min: 100m now, 151m at the end, between 80m and 222m' 'of 24 backtests the band of 95% held 94%' 'in backtests its error is 0.5 times' \
    'rises by 10Mi a day from 200Mi \(p 0.001\) it meets the request of 512Mi in 31.2 days' 'at this trend it does not meet the limit' 'quota team-quota: – of 20 requests.cpu is used; at this trend it is met in 9 days' \
    'load daily: mean 120m' 'advice autoscale: let it scale between 2 and 6 mornings are busy' 'autoscaler .*HorizontalPodAutoscaler.*target 70' 'days 1-5, 07:45 to 20:00: 4 replicas saves 31%' \
    'policy latency \(slo\): 3 replicas now, 5 wanted, 4 advised, \$12 a month' 'conflict hpa-and-vpa: both would move CPU' 'ScaledObject cart, option keda \(not printed' \
    'monthly \$20 now, \$8 with the recommendation: saves \$12' 'requests.cpu: 1 → 250m' '\+cpu: 250m' 'verdict needs-approval risk is medium' 'partial-data: idle has no samples'; do
    like "$flat" "$line" "it tells: $line"
done
is "$(awk 'length($0) > 130' <<<"$out")" "" "no line is wider than a terminal"

run "$BIN/tare-report" --format explain --workload shop/Deployment/cart < <(sed '2s/"backtest":{.*"scaling"/"scaling"/; 2s/"why":{.*"backtest_reason"/"backtest_reason"/' "$tmp/in" | jq -c 'del(.recommendation.backtest, .recommendation.forecast, .recommendation.outlook, .recommendation.scaling, .cost, .change, .gate, .recommendation.containers)')
is "$rc" 0 "a record without later members"
unlike "$out" 'BACKTEST|FORECAST|SCALING|PRICE|CHANGE|GATE' "leaves their sections out"

explain team/Deployment/bare
is "$rc" 0 "a workload without a namespace counts in the one it is looked up in"
explain evil/Deployment/$'\e'']0;own'$'\a''-'$'\u202e''gnp'
is "$rc" 0 "a hostile record"
unlike "$out" $'\e|\a|\u202e' "steers no terminal"
like "$out" '\\u001b\[31mrule' "and is shown as text"
explain evil/Deployment/$'\e'']0;own'$'\a''-'$'\u202e''gnp' --yaml
unlike "$out" $'\e|\u202e' "nor does its YAML"

explain shop/Deployment/card
is "$rc,$out" "64," "an unknown workload"
like "$err" 'no workload shop/Deployment/card among the 3' "is named"
like "$err" 'hint: the nearest are shop/Deployment/cart, ' "with the nearest names"
unlike "$err" $'\e' "none of which steers a terminal"
explain cart
is "$rc" 64 "a name that is none"
like "$err" 'NAMESPACE/KIND/NAME' "gets the form"
report --format explain
is "$rc" 64 "no workload"
report --format html --workload shop/Deployment/cart
is "$rc" 64 "a page of one workload"
report --yaml
is "$rc" 64 "--yaml without a workload"

report --format json --workload shop/Deployment/cart
is "$rc" 0 "json"
is "$(jq -r '[.artifact.kind, .namespace, .name, .recommendation.confidence, .cost.monthly_before_microusd, .gate.verdict, .outcome] | map(tostring) | join(" ")' <<<"$out")" \
    "changes shop cart 0.81 20000000 needs-approval null" "has the record's pieces"
is "$(jq -S .usage <<<"$out")" "$(sed -n 2p "$tmp/in" | jq -S .usage)" "unchanged"

explain shop/Deployment/cart --yaml
is "$rc" 0 "--yaml"
is "$(grep -c '^---$' <<<"$out") $(grep '^kind:' <<<"$out" | tr '\n' ' ')" "2 kind: HorizontalPodAutoscaler kind: VerticalPodAutoscaler " \
    "prints what may be applied together, of alternatives the first"
explain shop/Deployment/cart --yaml --option keda
is "$out" $'---\nkind: ScaledObject' "another option is there to be chosen"
explain shop/Deployment/cart --yaml --option kedo
is "$rc" 64 "one that is not offered"
like "$err" 'did you mean keda\? there are hpa, keda, vpa, policy-latency' "gets what is"
explain shop/Deployment/cart --option keda
is "$rc" 64 "--option without --yaml"
explain team/Deployment/bare --yaml
is "$rc,$out" "0,# no manifests are advised for bare" "nothing to advise is a comment"

sed '1s/"changes"/"usage"/' "$tmp/in" >"$tmp/usage"
run "$BIN/tare-report" --format explain --workload shop/Deployment/cart <"$tmp/usage"
is "$rc" 65 "an artifact in which nothing is recommended yet"
like "$err" 'nothing is recommended in an artifact of kind usage' "is refused in a sentence"
run "$BIN/tare-report" --format explain --workload shop/Deployment/cart < <(head -2 "$tmp/in")
is "$rc,$out" "65," "a cut artifact explains nothing"
sed -n '1,2p;2p' "$tmp/in" >"$tmp/two"
echo '{"end":{"records":2,"workloads":2,"problems":2,"skipped":{},"input":null}}' >>"$tmp/two"
run "$BIN/tare-report" --format explain --workload shop/Deployment/cart <"$tmp/two"
like "$out" '2 records have this identity' "two records of one identity are told"
done_testing
