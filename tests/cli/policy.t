#!/bin/bash
# tare policy check and test without a ledger: whatever is malformed is one sentence with file, line and key, exit 78; what is legal
# but surely meant otherwise is a warning; cases are judged as the gate judges changes.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
export TARE_STATE_DIR=$tmp/state TARE_NOW=2026-11-23T12:00:00Z
unset TARE_DATABASE_URL TARE_CONFIG
cd "$tmp" || exit 1
check() { run "$BIN/tare" policy check "$@"; }

run "$BIN/tare" policy check "$root/fixtures/policy/shop.yaml" --strict
is "$rc" 0 "the example has neither errors nor warnings" || diag "$err"
like "$out" '0 errors, 0 warnings$' "and says so"
run "$BIN/tare" policy test "$root/fixtures/policy/shop.yaml"
is "$rc" 0 "the cases beside it come out as they say" || diag "$out"
is "$(head -1 <<<"$out") $(grep -c '^ok ' <<<"$out")" "1..12 12" "as TAP"
is "$(compgen -G "$tmp/state*")" "" "no ledger was made for it"

# KEY | FILE: refused with a sentence that names the file, a line and the key, exit 78.
while IFS='|' read -r key text; do
    [[ -n $key ]] || continue
    printf '%b\n' "$text" >bad.yaml
    check bad.yaml
    lines=$(grep -c -v '^hint: ' <<<"$err")
    place=$(grep -c -E "bad\.yaml, line [0-9]+: $key" <<<"$err")
    is "$rc $place $((lines <= 2))" "78 1 1" "refused: $text" || diag "$err"
done <<'BAD'
polcy|polcy: {}
guardrials|policy: {guardrials: {}}
max_incraese_cpu|policy: {guardrails: {max_incraese_cpu: 1}}
policy\.guardrails\.max_increase_percent|policy: {guardrails: {max_increase_percent: -1}}
policy\.guardrails\.max_increase_percent|policy: {guardrails: {max_increase_percent: 12.5}}
policy\.guardrails\.max_increase_percent|policy: {guardrails: {max_increase_percent: 99999999999999999999}}
policy\.guardrails\.max_increase_percent|policy: {guardrails: {max_increase_percent: 20%}}
policy\.guardrails\.max_decrease_percent|policy: {guardrails: {max_decrease_percent: [1]}}
policy\.guardrails\.max_increase_cpu|policy: {guardrails: {max_increase_cpu: 1 core}}
policy\.guardrails\.max_decrease_cpu|policy: {guardrails: {max_decrease_cpu: -100m}}
policy\.guardrails\.max_increase_memory|policy: {guardrails: {max_increase_memory: 1Gb}}
policy\.guardrails\.max_decrease_memory|policy: {guardrails: {max_decrease_memory: {a: b}}}
policy\.guardrails\.min_cpu|policy: {guardrails: {min_cpu: 2, max_cpu: 1}}
policy\.overrides\[0\]\.guardrails\.min_memory|policy:\n  overrides:\n  - {match: {kinds: [Job]}, guardrails: {min_memory: 2Gi, max_memory: 1Gi}}
policy\.guardrails\.max_replicas|policy: {guardrails: {max_replicas: many}}
policy\.guardrails\.max_namespace_share_percent|policy: {guardrails: {max_namespace_share_percent: a third}}
policy\.guardrails\.min_monthly_saving_usd|policy: {guardrails: {min_monthly_saving_usd: $5}}
policy\.guardrails\.min_monthly_saving_usd|policy: {guardrails: {min_monthly_saving_usd: .nan}}
policy\.exclude\.kinds|policy: {exclude: {kinds: Job}}
policy\.exclude\.workloads\[1\]|policy: {exclude: {workloads: [a/Job/b, null]}}
policy\.exclude\.workloads\[0\]|policy: {exclude: {workloads: [{a: b}]}}
policy\.exclude\.kinds\[0\]|policy: {exclude: {kinds: [null]}}
policy\.overrides|policy: {overrides: {match: {}}}
policy\.overrides\[1\]|policy: {overrides: [{match: {}}, 7]}
policy\.overrides\[0\]\.match|policy: {overrides: [{match: [prod]}]}
policy\.overrides\[0\]\.match\.classes|policy: {overrides: [{match: {classes: web}}]}
class|policy: {overrides: [{match: {class: [web]}}]}
policy\.overrides\[0\]\.match\.labels|policy: {overrides: [{match: {labels: [a]}}]}
policy\.overrides\[0\]\.match\.namespaces\[0\]|policy: {overrides: [{match: {namespaces: [[a]]}}]}
policy\.overrides\[0\]\.approvals\.required|policy: {overrides: [{approvals: {required: two}}]}
approvals\.required|approvals: {required: 1.5}
approvals\.expires_after|approvals: {expires_after: tomorrow}
approvals\.expires_after|approvals: {expires_after: 5}
approvals\.separation_of_duties|approvals: {separation_of_duties: perhaps}
approvals\.rules|approvals: {rules: {required: 2}}
approvals\.rules\[0\]\.required|approvals: {rules: [{required: -2}]}
approvals\.rules\[1\]\.required|approvals:\n  rules:\n  - required: 1\n  - required: 2,5
rol|approvals: {rules: [{rol: sre}]}
approvals\.rules\[0\]\.role|approvals: {rules: [{role: [sre]}]}
approvals\.rules\[0\]\.when\.risk|approvals: {rules: [{when: {risk: severe}}]}
approvals\.rules\[0\]\.when\.monthly_usd|approvals: {rules: [{when: {monthly_usd: -5}}]}
approvals\.rules\[0\]\.when\.decrease_percent|approvals: {rules: [{when: {decrease_percent: inf}}]}
risks|approvals: {rules: [{when: {risks: high}}]}
approvals\.automatic\.max_risk|approvals: {automatic: {max_risk: none}}
approvals\.automatic|approvals: {automatic: true}
windows\[0\]\.kind|windows: [{name: a, kind: maybe, schedule: "0 0 * * *", duration: 1h}]
windows\[0\]\.schedule|windows: [{name: a, kind: deny, schedule: "0 0 * *", duration: 1h}]
windows\[0\]\.timezone|windows: [{name: a, kind: deny, schedule: "0 0 * * *", duration: 1h, timezone: Mars}]
windows\[0\]\.duration|windows: [{name: a, kind: deny, schedule: "0 0 * * *", duration: 40d}]
windows\[1\]\.name|windows:\n- {name: a, kind: deny, schedule: "0 0 * * *", duration: 1h}\n- {name: a, kind: allow, schedule: "0 0 * * *", duration: 1h}
windows\[0\]\.calendar|windows: [{name: a, kind: deny, calendar: gone.ics}]
approvals|approvals: {required: 1}\napprovals: {required: 2}
BAD

# What types do not say: these rows name the key and the file, though the sentence has no line for each.
while IFS='|' read -r key text; do
    printf '%b\n' "$text" >bad.yaml
    check bad.yaml
    is "$rc $(grep -c -E "bad\.yaml.*$key" <<<"$err")" "78 1" "refused: $text" || diag "$err"
done <<'BAD'
approvals\.required|approvals: {required: 101}
approvals\.rules\[0\]\.role|approvals: {rules: [{role: ""}]}
approvals\.expires_after|approvals: {expires_after: 0s}
approvals\.automatic\.max_risk|approvals: {automatic: {match: {namespaces: [dev]}}}
BAD
printf 'policy: {guardrails: {min_cpu: 2, max_cpu: 1}}\napprovals: {required: 101}\nwindows: [{name: a, kind: deny}]\n' >bad.yaml
check bad.yaml --format json
is "$rc $(jq '.errors | length' <<<"$out")" "78 3" "several errors are told at once" || diag "$out"
check gone.yaml
is "$rc" 66 "a file that is not there"

# CODE | KEY | FILE: a warning of this code about this key; exit 0, and 78 with --strict.
while IFS='|' read -r code key text; do
    printf '%b\n' "$text" >odd.yaml
    check odd.yaml
    is "$rc $(grep -c -E "odd\.yaml, line [0-9]+: $key: .*\[$code\]" <<<"$err")" "0 1" "$code: $text" || diag "$err"
    check odd.yaml --strict --quiet
    is "$rc" 78 "$code: and --strict takes none"
done <<'ODD'
floor-above-ceiling|policy\.overrides\[0\]\.guardrails\.max_cpu|policy:\n  guardrails: {min_cpu: 100m}\n  overrides: [{match: {kinds: [Job]}, guardrails: {max_cpu: 50m}}]
allows-nothing|policy\.guardrails\.max_namespace_share_percent|policy: {guardrails: {max_namespace_share_percent: 0}}
allows-nothing|policy\.guardrails\.max_changes|policy: {guardrails: {max_changes: 0}}
no-limit|policy\.guardrails\.max_decrease_percent|policy: {guardrails: {max_decrease_percent: 100}}
no-limit|policy\.guardrails\.max_namespace_share_percent|policy: {guardrails: {max_namespace_share_percent: 200}}
protects-nothing|policy\.exclude\.workloads\[0\]|policy: {exclude: {workloads: [ledger]}}
protects-nothing|policy\.exclude\.workloads\[0\]|policy: {exclude: {workloads: [a/b/c/d]}}
unknown-name|policy\.exclude\.kinds\[0\]|policy: {exclude: {kinds: [Deploymnet]}}
unknown-name|policy\.overrides\[0\]\.match\.classes\[0\]|policy: {overrides: [{match: {classes: [databse, web]}}]}
never-matches|approvals\.rules\[0\]|approvals: {rules: [{required: 2, match: {kinds: [deployment]}}]}
never-matches|approvals\.rules\[0\]|approvals: {rules: [{required: 2, match: {namespaces: [kube-system]}}]}
shadowed|policy\.overrides\[0\]|policy:\n  overrides:\n  - {match: {namespaces: [prod-a]}, guardrails: {max_cpu: 1}}\n  - {match: {namespaces: ["prod-*"]}, guardrails: {max_cpu: 2}}
shadowed|approvals\.rules\[1\]|approvals:\n  rules:\n  - {required: 2, match: {namespaces: ["prod-*"]}}\n  - {required: 2, match: {namespaces: [prod-a]}, when: {risk: high}}
matches-everything|policy\.overrides\[0\]|policy: {overrides: [{guardrails: {max_cpu: 1}}]}
matches-everything|approvals\.automatic|approvals: {automatic: {max_risk: low, match: {namespaces: []}}}
automatic-high|approvals\.automatic\.max_risk|approvals: {automatic: {max_risk: high, match: {namespaces: [dev]}}}
asks-nothing|approvals\.rules\[0\]|approvals: {rules: [{required: 0, match: {namespaces: [dev]}}]}
no-approval|approvals\.required|approvals: {required: 0}
never-opens|windows\[0\]|windows: [{name: old, kind: deny, start: "2020-01-01T00:00:00Z", end: "2020-01-02T00:00:00Z"}]
covered|windows\[0\]|windows:\n- {name: nights, kind: allow, schedule: "0 1 * * *", duration: 1h}\n- {name: all, kind: deny, schedule: "0 0 * * *", duration: 1d}
covered|windows\[0\]|windows:\n- {name: nights, kind: allow, schedule: "0 1 * * *", duration: 1h, namespaces: [prod-a]}\n- {name: all, kind: deny, schedule: "0 0 * * *", duration: 3h, namespaces: ["prod-*"]}
expires-before|approvals\.expires_after|approvals: {expires_after: 2h}\nwindows: [{name: nights, kind: allow, schedule: "0 22 * * *", duration: 1h}]
ODD
for text in 'windows:\n- {name: nights, kind: allow, schedule: "0 22 * * *", duration: 4h, namespaces: [prod-a]}\n- {name: all, kind: deny, schedule: "0 0 * * *", duration: 1d, namespaces: [dev]}' \
    'policy:\n  overrides:\n  - {match: {namespaces: [prod-a]}, guardrails: {max_cpu: 1, max_memory: 1Gi}}\n  - {match: {namespaces: ["prod-*"]}, guardrails: {max_cpu: 2}}' \
    'policy: {exclude: {workloads: ["shop/*", "*/Job/*", "*"]}}' ''; do
    printf '%b\n' "$text" >fine.yaml
    check fine.yaml --strict
    is "$rc" 0 "nothing is wrong with: $text" || diag "$err"
done

# Cases.
printf 'policy: {guardrails: {max_decrease_percent: 20}}\n' >p.yaml
cat >p.test.yaml <<'YAML'
cases:
- name: a fifth
  change: {app: {requests.cpu: {from: 500m, to: 400m}}}
  expect: {verdict: needs-approval, approvals: 1}
- name: half
  change: {app: {requests.cpu: {from: 500m, to: 250m}}}
  expect: {verdict: allowed}
YAML
run "$BIN/tare" policy test p.yaml
is "$rc" 65 "a case that comes out otherwise ends with 65"
is "$(grep -c '^not ok 2 - half' <<<"$out")" 1 "and is not ok"
like "$out" '# line 5: verdict should be "allowed" and is "blocked"' "saying what it is instead"
like "$out" 'FAIL max_decrease_percent: container app, requests.cpu: -50.0 % is past -20 %' "and why" || diag "$out"
run "$BIN/tare" policy test p.yaml p.test.yaml --format json
is "$rc $(jq -r '"\(.passed) \(.failed) \(.cases[1].differences[0].key)"' <<<"$out")" "65 1 1 verdict" "the same as JSON"
mv p.test.yaml other.yaml
run "$BIN/tare" policy test p.yaml
is "$rc" 66 "no cases beside it"
like "$err" 'p.test.yaml' "says which file"
run "$BIN/tare" policy test p.yaml other.yaml
is "$rc" 65 "the file of cases may be named"
while IFS='|' read -r key text; do
    printf 'cases:\n- name: a\n%b\n' "$text" >c.yaml
    run "$BIN/tare" policy test p.yaml c.yaml
    is "$rc $(grep -c -E "c\.yaml, line [0-9]+: $key" <<<"$err")" "78 1" "refused: $text" || diag "$err"
done <<'BAD'
chnge|  chnge: {}
cases\[0\]\.change\.app\.requests\.cpu\.from|  change: {app: {requests.cpu: {from: lots}}}
cpu|  change: {app: {cpu: {from: 1}}}
form|  change: {app: {requests.cpu: {form: 1}}}
cases\[0\]\.change|  change: [a]
cases\[0\]\.at|  at: noon
namespce|  workload: {namespce: a}
cases\[0\]\.workload\.risk|  workload: {risk: none}
cases\[0\]\.workload\.replicas|  workload: {replicas: -1}
cases\[0\]\.workload\.labels|  workload: {labels: a}
cases\[0\]\.workload\.monthly_saving_usd|  workload: {monthly_saving_usd: a lot}
cases\[0\]\.expect\.verdict|  expect: {verdict: maybe}
verdct|  expect: {verdct: allowed}
cases\[0\]\.expect\.reasons|  expect: {reasons: exclude}
cases\[0\]\.expect: is missing|  change: {}
cases\[0\]\.change: is missing|  expect: {verdict: allowed}
name|  name: b
BAD
run "$BIN/tare" policy test p.yaml p.yaml
is "$rc" 78 "a policy is no file of cases"
: >empty.yaml
run "$BIN/tare" policy test p.yaml empty.yaml
like "$rc $err" '^78 .*no cases' "nor is an empty one"

for words in "" check "check a b" "test" "test a b c" "frobnicate x" "show x y" "set"; do
    run "$BIN/tare" policy $words
    is "$rc" 64 "tare policy $words" || diag "$err"
done
run "$BIN/tare" policy check p.yaml --format xml
is "$rc" 64 "an unknown format"
run "$BIN/tare" policy check p.yaml --against other.yaml
is "$rc" 64 "what a file cannot be compared with"
done_testing
