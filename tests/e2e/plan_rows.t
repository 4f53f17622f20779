#!/bin/bash
# The rows of a plan come from whoever made the run. Here somebody registers others by SQL of their own: whoever sees the run is not
# deceived. And teams on one server: what tare grant and tare revoke do to what people see.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/db/server.sh"
. "$(dirname "$0")/shop.sh"

pg boss postgres -c "create database team"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=boss"
run "$tare" migrate
pg boss team -c "create role olga login in role tare_operator; create role rita login in role tare_approver;
    create role vera login in role tare_viewer; create role adam login in role tare_admin"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=olga"
run "$tare" run --end "$end" --format json
is "$rc" 0 "a run" || diag "$err"
honest=$(json .run)
"$tare" show "$honest" diff >"$tmp/changes"
pg olga team -c "select jsonb_agg(jsonb_build_object('namespace', namespace, 'kind', kind, 'name', name, 'verdict', verdict,
    'approvals_required', required, 'role', role, 'rule', rule, 'risk', risk, 'reasons', reasons, 'facts', facts))
    from tare.plan_requirement where run = $honest" >"$tmp/rows"
ok "facts stand in the rows" jq -e '[.[] | select(.facts)] | length > 3' "$tmp/rows"
split -b 200000 -d "$tmp/changes" "$tmp/piece."
digest=$(sha256sum <"$tmp/changes" | cut -d' ' -f1)

# A run with the honest run's own plan, and rows that the filter $1 makes of the honest ones. Sets $id.
forged() {
    local piece n=0
    {
        echo "select tare.run_create(cluster, target, program, null, settings) as run from tare.run where id = $honest \\gset"
        echo "select tare.attempt_begin(:run, 'diff', null, '{}') as attempt \\gset"
        echo "begin; select tare.artifact_put(:attempt, '$digest', 'changes', $(stat -c %s "$tmp/changes")) as wanted \\gset"
        echo '\if :wanted'
        for piece in "$tmp"/piece.*; do
            echo "select tare.artifact_chunk_put('$digest', $n, decode('$(base64 -w0 "$piece")', 'base64')) \\g /dev/null"
            n=$((n + 1))
        done
        echo '\endif'
        echo "select tare.attempt_finish(:attempt, '$digest') \\g /dev/null"
        echo 'commit;'
        printf "select tare.plan_register(:run, '%s', \$rows\$%s\$rows\$, 0) \\\\g /dev/null\n" "$digest" "$(jq -c "$1" "$tmp/rows")"
        echo 'select :run;'
    } >"$tmp/forge.sql"
    id=$(pg olga team -f "$tmp/forge.sql" 2>"$tmp/forge.err")
}
approve() { run "$tare" --as rita approve "$id" --plan "$digest" --yes; }

forged .
approve
is "$rc" 0 "rows that are those of the plan are approved" || diag "$err"
first='(map(.facts != null and .verdict == "needs-approval") | index(true)) as $i | .[$i]'
what=$(jq -r "$first"' | "\(.namespace)/\(.kind)/\(.name)"' "$tmp/rows")
while IFS='|' read -r name filter wanted; do
    forged "$first |= ($filter)"
    approve
    is "$rc" 77 "$name: refused"
    like "$err" "the ledger has .* as $wanted of $what in run $id, but of the stored plan the gate says" "$name: both values are named"
    like "$err" "hint: .*tare rerun $id --from gate" "$name: with what to do"
done <<'TABLE'
a smaller fall|.facts.decrease_percent = 0.5|decrease_percent
a smaller rise|.facts.increase_percent = 0.25|increase_percent
less risk|.facts.risk = (if .facts.risk == "low" then "medium" else "low" end)|risk
another class|.facts.class = "made-up"|class
less money|.facts.monthly_usd = 0.125|monthly_usd
TABLE
forged '(map(.verdict == "unchanged") | index(true)) as $i | .[$i] |= (.verdict = "needs-approval" | .approvals_required = 1)'
approve
is "$rc" 77 "a change that the plan does not have: refused"

# With a stored policy the lie would be worth something: a rule that asks for two.
fall=$(jq -r "$first"' | .facts.decrease_percent' "$tmp/rows")
cat >policy.yaml <<YAML
version: 1
approvals:
  required: 1
  rules:
    - {required: 2, when: {decrease_percent: $fall}}
YAML
run "$tare" --as adam policy set policy.yaml
is "$rc" 0 "a policy is stored" || diag "$err"
forged .
is "$id" "" "rows that say the truth and ask for one approval are refused by the ledger itself"
like "$(cat "$tmp/forge.err")" 'the stored policy asks for 2 approvals of ' "which names both"
forged 'map(if .facts then .facts.decrease_percent = 0 else . end)'
ok "rows that lie about it are taken" test -n "$id"
approve
is "$rc" 77 "but nobody who sees the run approves them"
like "$err" 'decrease_percent' "the lie is named"
forged 'map(if .verdict == "needs-approval" then .approvals_required = 2 else . end)'
approve
is "$rc" 0 "the truth, with two approvals, is approved" || diag "$err"

# Rules that go by labels and classes that workloads do not have, and by any cluster: an honest run is not refused for them.
cat >policy.yaml <<YAML
version: 1
approvals:
  required: 1
  rules:
    - {required: 3, match: {labels: {no-such-label: x}}}
    - {required: 3, match: {classes: [no-such-class]}}
    - {required: 2, match: {clusters: ['*'], namespaces: [shop]}}
    - {required: 2, when: {decrease_percent: 33.3333333333, increase_percent: 66.6666666667}}
YAML
"$tare" --as adam policy set policy.yaml >/dev/null 2>&1
run "$tare" run --end "$end" --format json
is "$rc" 0 "the gate and the ledger ask for the same" || diag "$err"
id=$(json .run) digest=$(json .plan)
is "$(pg olga team -c "select distinct required from tare.plan_requirement where run = $id and verdict = 'needs-approval' and namespace = 'shop'")" 2 \
    "two approvals, as the rule of the namespace says"
approve
is "$rc" 0 "and who sees the run finds its rows to be the plan's" || diag "$err"

# ---- Teams ----
runs() { "$tare" --as vera status --format json | jq length; }
all=$(runs)
ok "a viewer who is not narrowed sees all runs" test "$all" -gt 3
run "$tare" --as adam grant vera --namespace nowhere --cluster none
is "$rc" 0 "narrowed to another team's namespace" || diag "$err"
run "$tare" --as vera status "$honest"
is "$rc" 66 "a run she does not see does not exist for her"
said=${err//$honest/N}
run "$tare" --as vera status 99999
is "${err//99999/N}" "$said" "she is told the very same of one that is not there"
run "$tare" --as adam grant vera --namespace shop --namespace data
is "$rc $(runs)" "0 0" "narrowed to two namespaces she sees no run over more" || diag "$err"
like "$out" 'namespace shop of every cluster' "the first"
like "$out" 'namespace data of every cluster' "and the second are said"
run "$tare" --as adam grant
like "$out" 'vera +data +\*' "both are listed"
run "$tare" --as adam revoke vera --namespace nowhere --cluster none
run "$tare" --as adam revoke vera --namespace data
is "$rc" 0 "one is taken back" || diag "$err"
run "$tare" --as adam revoke vera --namespace shop
is "$rc" 77 "the last one is not, in passing"
like "$err" 'vera would see every namespace then' "because that would open everything"
like "$err" 'hint: tare revoke vera --all' "which has to be said"
cluster=$("$tare" status "$honest" --format json | jq -r .cluster)
run "$tare" --as adam grant vera --cluster "$cluster"
is "$rc $(runs)" "0 $all" "all namespaces of the cluster: she sees its runs" || diag "$err"
run "$tare" --as adam grant vera --namespace '*' --cluster other
is "$rc" 0 "* is every namespace, too" || diag "$err"
run "$tare" --as adam revoke vera --cluster "$cluster"
is "$rc $(runs)" "0 0" "taken back" || diag "$err"
run "$tare" --as adam revoke vera --all --cluster other
is "$rc" 64 "--all takes no more words"
run "$tare" --as adam revoke vera
is "$rc" 64 "nor is everything meant where nothing is said"
run "$tare" --as adam revoke vera --all
is "$rc $(runs)" "0 $all" "--all opens everything" || diag "$err"
like "$out" 'sees every namespace' "and says so"
run "$tare" --as olga revoke vera --all
is "$rc" 77 "an operator takes nothing back"
run "$tare" --as adam grant vera --all
is "$rc" 64 "there is no grant of everything: that is what revoke --all is for"
done_testing
