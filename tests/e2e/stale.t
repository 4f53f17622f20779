#!/bin/bash
# A plan is stale when anything moved that it was made from: a made set of mutations of every input, each of which apply (and a dry
# run) must refuse with 79, naming what moved; and what may move without making a plan stale. SEED chooses the bytes.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/db/server.sh"
. "$(dirname "$0")/stub_line.sh"
RANDOM=${SEED:-20261122}
diag "SEED=${SEED:-20261122}"

pg boss postgres -c "create database team"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=boss"
run "$tare" migrate
is "$rc" 0 "a ledger" || diag "$err"
pg boss team -c "create role olga login in role tare_operator; create role reviewer login in role tare_approver;
    create role adam login in role tare_admin" || { echo 'Bail out! no logins'; exit 1; }
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=olga"

# --- a plan made from manifests, a chart, a policy and price files -------------------------------------------------------------
policy() {
    cat >tare.yaml <<'YAML'
version: 1
approvals:
  required: 1
  expires_after: 12h
  rules:
  - {match: {namespaces: ["prod-*"]}, required: 2}
  automatic: {max_risk: low, match: {namespaces: ["dev-*"]}}
policy:
  guardrails: {max_increase_percent: 150, max_decrease_percent: 60, min_cpu: 20m, min_memory: 64Mi, max_cpu: 8, max_memory: 16Gi, max_changes: 40}
  exclude: {namespaces: [sandbox], annotation: example.org/keep}
  overrides:
  - {match: {namespaces: [shop]}, guardrails: {max_decrease_percent: 55}}
windows:
- {name: nights, kind: allow, schedule: "0 0 * * *", duration: 24h, timezone: UTC}
- {name: freeze, kind: deny, start: "2031-12-20T00:00:00Z", end: "2032-01-03T00:00:00Z", override: true}
YAML
}
prices() {
    mkdir -p prices
    printf 'instance_type,provider,region,vcpu,memory_gib,usd_per_hour,date,source,currency\nown.large,aws,us-east-1,2,8,0.092,2026-11-01,contract 7,USD\nown.small,aws,us-east-1,1,4,0.046,2026-11-01,contract 7,USD\n' >prices/on-demand.csv
    printf 'product,region,resource,usd_per_unit_hour,unit,date,source\naws-own,us-east-1,cpu,0.04,vCPU,2026-11-01,contract 8\n' >prices/serverless.csv
}
manifests() {
    rm -rf deploy
    mkdir -p deploy/chart
    manifest deploy/a.yaml cart web
    manifest deploy/b.yaml risky-pay
    namespace=dev-x manifest deploy/c.yaml toy
    manifest deploy/d.yaml same-job # nothing of it is to be changed
    printf 'cpu: 500m\nmemory: 512Mi\n' >deploy/values.yaml
}
manifests
policy
prices
plan
# A rendered workload of which nothing changes, and prices as tare-price tells them.
price_settings=$("$BIN/tare-price" --catalog prices --provider aws --region us-east-1 --instance own.large <"$tmp/analyze.jsonl" 2>"$tmp/price.err" | head -n 1 | jq -c .settings)
isnt "$price_settings" "" "prices from files" || diag "$(<"$tmp/price.err")"
sha=$(sha256sum <deploy/values.yaml | cut -d' ' -f1)
for stage in parse collect analyze price diff; do
    jq -cS --arg stage "$stage" --arg sha "$sha" --argjson settings "$price_settings" '
        if .tare then (if $stage | IN("price", "diff") then .settings = $settings else . end)
        elif .end then .end.records += 1 | .end.workloads += 1
        elif .workload.name == "same-job" then ., (.workload.name = "charted" | .workload.source = {file: "deploy/z-chart", document: 1,
            item: null, line: 1, rendered: "helm", sha256: ("0" * 64)} |
            if .change then .change.files = [{file: "deploy/values.yaml", sha256: $sha, edits: []}] else . end)
        else . end' "$tmp/$stage.jsonl" >"$tmp/$stage.new" && mv "$tmp/$stage.new" "$tmp/$stage.jsonl"
done
approved_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
run "$tare" apply "$id" --dry-run
is "$rc" 0 "a plan of which nothing moved" || diag "$err"
mutations=0 missed=0

# stale NAME PATTERN: the mutation that was just made is refused by what is typed next, and named.
stale() {
    local before how
    before=$(find deploy prices -type f -print0 2>/dev/null | sort -z | xargs -0 sha256sum 2>/dev/null | sha256sum)
    mutations=$((mutations + 1))
    how=--yes
    ((mutations % 2)) && how=--dry-run
    run "$tare" apply "$id" "$how"
    if [[ $rc != 79 || $err != *stale* ]] || ! [[ $err =~ $2 ]] ||
        [[ $before != "$(find deploy prices -type f -print0 2>/dev/null | sort -z | xargs -0 sha256sum 2>/dev/null | sha256sum)" ]]; then
        missed=$((missed + 1))
        tap_result 1 "stale: $1"
        diag "exit $rc, wanted 79 and '$2': $err"
    fi
}
# fresh NAME: what was just done makes no plan stale.
fresh() {
    run "$tare" apply "$id" --dry-run
    is "$rc" 0 "not stale: $1" || diag "$err"
}
digest_of() { sha256sum <"$1" | cut -d' ' -f1; }

# --- files ---------------------------------------------------------------------------------------------------------------------
# One byte at a random place becomes another one.
flip() {
    local file=$1 size at byte
    size=$(stat -c %s "$file")
    at=$(((RANDOM * 32768 + RANDOM) % size))
    byte=$(dd if="$file" bs=1 skip="$at" count=1 2>/dev/null | od -An -tu1 | tr -d ' ')
    printf "\\x$(printf %02x $(((byte + 1 + RANDOM % 255) % 256)))" | dd of="$file" bs=1 seek="$at" conv=notrunc 2>/dev/null
    flipped="byte $at of $file"
}
cp -R deploy "$tmp/made"
back() { rm -rf deploy && cp -R "$tmp/made" deploy; }
for file in deploy/a.yaml deploy/b.yaml deploy/c.yaml deploy/d.yaml deploy/values.yaml; do
    was=$(digest_of "$file")
    for ((n = 0; n < 3; n++)); do
        flip "$file"
        stale "$flipped" "$file has the sha256 $(digest_of "$file"), the plan was made from $was"
        back
    done
    echo >>"$file"
    stale "a byte more in $file" "$file has the sha256"
    truncate -s -1 "$file" && truncate -s -1 "$file"
    stale "a byte less in $file" "$file has the sha256"
    : >"$file"
    stale "$file is empty" "$file has the sha256"
    mv "$file" "$file.old"
    stale "$file was renamed" "$file is not there, the plan was made from $was"
    mkdir "$file"
    stale "$file is a folder" "$file .*the plan was made from $was"
    rmdir "$file"
    cp "$file.old" other.yaml && echo '# other' >>other.yaml && ln -s ../other.yaml "$file"
    stale "$file is a link to another file" "$file has the sha256"
    rm "$file" && ln -s ../nowhere.yaml "$file"
    stale "$file is a link to nothing" "$file is not there"
    rm -f other.yaml
    back
done
flip deploy/a.yaml
flip deploy/b.yaml
stale "two files" "1 more file moved too"
back
rm -r deploy
stale "all files are gone" "is not there.*4 more files"
back
fresh "files put back"
touch deploy/* && chmod 600 deploy/a.yaml && echo new >deploy/new.txt
fresh "times, modes and other files"
back

# --- the policy of the configuration: each key ----------------------------------------------------------------------------------
edit_policy() { # NAME SED PATTERN
    sed -i -E "$2" tare.yaml
    stale "$1" "$3"
    policy
}
edit_policy "approvals.required" 's/^  required: 1$/  required: 2/' "the configuration's approvals.*required is 2, the plan was judged by 1"
edit_policy "approvals.expires_after" 's/12h/11h/' 'expires_after is 39600, the plan was judged by 43200'
edit_policy "approvals.separation_of_duties" 's/^  required: 1$/  required: 1\n  separation_of_duties: false/' 'separation_of_duties is false, the plan was judged by true'
edit_policy "approvals.rules: required" 's/required: 2\}/required: 3}/' 'rules\[0\].required is 3, the plan was judged by 2'
edit_policy "approvals.rules: match" 's/prod-\*/prd-*/' 'rules\[0\].match.namespaces\[0\] is "prd-\*", the plan was judged by "prod-\*"'
edit_policy "approvals.automatic: risk" 's/max_risk: low/max_risk: medium/' 'automatic.max_risk is "medium", the plan was judged by "low"'
edit_policy "approvals.automatic is gone" '/automatic/d' 'automatic'
for key in max_increase_percent:150:151 max_decrease_percent:60:61 min_cpu:20m:21m min_memory:64Mi:65Mi max_cpu:8:9 max_memory:16Gi:17Gi max_changes:40:41; do
    IFS=: read -r name old new <<<"$key"
    edit_policy "policy.guardrails.$name" "s/$name: $old([,}])/$name: $new\\1/" "policy.guardrails.*$name is "
done
edit_policy "policy.exclude.namespaces" 's/\[sandbox\]/[sandbox, lab]/' 'exclude.*namespaces\[1\] is "lab", the plan was judged by nothing'
edit_policy "policy.exclude.annotation" 's#example.org/keep#example.org/skip#' 'annotation is "example.org/skip", the plan was judged by "example.org/keep"'
edit_policy "policy.overrides: value" 's/max_decrease_percent: 55/max_decrease_percent: 54/' 'overrides\[0\].guardrails.max_decrease_percent is 54, the plan was judged by 55'
edit_policy "policy.overrides: match" 's/namespaces: \[shop\]/namespaces: [shop, pay]/' 'overrides\[0\].match.namespaces'
edit_policy "windows: duration" 's/duration: 24h/duration: 23h/' 'windows\[nights\].duration'
edit_policy "windows: schedule" 's/0 0 \* \* \*/1 0 * * */' 'windows\[nights\].schedule is "1 0'
edit_policy "windows: zone" 's/timezone: UTC/timezone: Europe\/Berlin/' 'windows\[nights\].timezone is "Europe/Berlin", the plan was judged by "UTC"'
edit_policy "windows: kind" 's/nights, kind: allow/nights, kind: deny/' 'windows\[nights\].kind is "deny", the plan was judged by "allow"'
edit_policy "windows: start" 's/2031-12-20/2031-12-21/' 'windows\[freeze\].start is "2031-12-21'
edit_policy "windows: override" 's/override: true/override: false/' 'windows\[freeze\].override'
edit_policy "windows: one is gone" '/freeze/d' 'windows\[freeze\] is nothing'
edit_policy "windows: one more" '$a - {name: more, kind: deny, schedule: "0 3 1 1 *", duration: 1h}' 'windows\[more\]'
fresh "the configuration put back"
{ echo '# formatted anew'; sed 's/{\(max_risk\)/{ \1/; s/12h/720m/; s/max_cpu: 8,/max_cpu: 8000m,/' tare.yaml; echo; } >tare.new && mv tare.new tare.yaml
printf 'reports: {formats: [csv]}\n' >>tare.yaml
fresh "comments, blanks, units and keys that are not governed"
policy

# A calendar file of the own configuration.
calendar() {
    printf 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:%s\r\nDTEND:20311221T000000Z\r\nSUMMARY:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' "$1" "$2" >freeze.ics
}
calendar 20311220T000000Z freeze
sed -i '$a - {name: company, kind: deny, calendar: freeze.ics}' tare.yaml
approved_run
fresh "a calendar"
calendar 20311219T000000Z freeze
stale "a calendar file moved" 'windows\[company\]|freeze.ics'
calendar 20311220T000000Z other
stale "a calendar file has other words" 'windows\[company\]|freeze.ics'
calendar 20311220T000000Z freeze
fresh "the calendar put back"
policy

# --- prices -----------------------------------------------------------------------------------------------------------------------
approved_run
edit_prices() { # NAME FILE SED PATTERN
    sed -i -E "$3" "prices/$2"
    stale "$1" "$4"
    prices
}
edit_prices "the price" on-demand.csv 's/0.092/0.093/' 'own.large in us-east-1 costs 93000 microdollars .*on-demand.csv, line 2\), the plan says 92000 on 2026-11-01.*on-demand.csv has the sha256'
edit_prices "its date" on-demand.csv '2s/2026-11-01/2026-11-02/' 'own.large .* on 2026-11-02 .* on 2026-11-01'
edit_prices "another row" on-demand.csv 's/0.046/0.047/' 'on-demand.csv has the sha256'
edit_prices "the row is gone" on-demand.csv '/own.large/d' 'has no price of own.large'
edit_prices "another file of prices" serverless.csv 's/0.04,/0.05,/' 'serverless.csv has the sha256'
edit_prices "a word in it" serverless.csv 's/contract 8/contract 9/' 'serverless.csv has the sha256'
mv prices/serverless.csv .
stale "a price file is gone" 'serverless.csv has the sha256'
mv serverless.csv prices/
printf 'provider,pattern,max_pods,source\naws,own.*,7,mine\n' >prices/max-pods.csv
stale "a price file more" 'max-pods'
rm prices/max-pods.csv
mv prices elsewhere
stale "the folder is gone" 'cannot be read'
mv elsewhere prices
sed -i '$a pricing: {currency: {code: EUR, per_usd: 0.92, date: 2026-11-20}}' tare.yaml
stale "a rate of exchange" 'pricing.currency is EUR at 920000'
policy
fresh "prices put back"

# --- what the ledger holds ----------------------------------------------------------------------------------------------------------
# tamper NAME PATTERN TABLE KEY WHERE SET: as a superuser with the triggers off; put back afterwards.
super() { pg boss team -c "set session_replication_role = replica; $1" || diag "SQL: $1"; }
tamper() {
    super "create table public.kept as select * from tare.$3 where $5; update tare.$3 set $6 where $5"
    [[ $(pg boss team -c "select count(*) from public.kept") == 1 ]] || tap_result 1 "$1: one row"
    stale "$1" "$2"
    super "delete from tare.$3 where ($4) in (select $4 from public.kept); delete from tare.$3 where $5;
        insert into tare.$3 overriding system value select * from public.kept; drop table public.kept"
}
artifact_of() { pg boss team -c "select artifact from tare.attempt where run = $id and stage = '$1' and state = 'finished' order by number desc limit 1"; }
gated=$(artifact_of gate)
for stage in parse collect analyze price diff gate; do
    digest=$(artifact_of "$stage")
    size=$(pg boss team -c "select octet_length(content) from tare.artifact_chunk where digest = '$digest' and sequence = 0")
    at=$(((RANDOM * 32768 + RANDOM) % size))
    one="digest = '$digest' and sequence = 0"
    tamper "$stage: byte $at of the stored artifact" "stage $stage.*$digest.*they give [0-9a-f]{64}" artifact_chunk "digest, sequence" "$one" \
        "content = set_byte(content, $at, (get_byte(content, $at) + 1) % 256)"
    tamper "$stage: a byte more" "stage $stage.*$digest" artifact_chunk "digest, sequence" "$one" "content = content || ' '::bytea"
    tamper "$stage: the chunk is missing" "stage $stage.*$digest" artifact_chunk "digest, sequence" "$one" "sequence = 7"
    tamper "$stage: the size of the artifact" "stage $stage.*$digest" artifact digest "digest = '$digest'" "size = size + 1"
    tamper "$stage: the kind of the artifact" "the kind of the artifact of the stage $stage is outcome" artifact digest "digest = '$digest'" "kind = 'outcome'"
    mine="id = (select max(id) from tare.attempt where run = $id and stage = '$stage' and state = 'finished')"
    other=$([[ $stage == gate ]] && artifact_of diff || echo "$gated")
    tamper "$stage: another artifact" "the artifact of the stage $stage is $other, expected was $digest|the plan is stale: the artifact of the stage $stage" attempt id "$mine" "artifact = '$other'"
    tamper "$stage: another input" "the input of the stage $stage is 1{64}" attempt id "$mine" "input = repeat('1', 64)"
    tamper "$stage: the attempt is not finished" "the artifact of the stage $stage" attempt id "$mine" "state = 'failed', artifact = null"
done
row="run = $id and name = 'risky-pay'"
key="run, namespace, kind, name"
tamper "plan row: verdict" 'shop/Deployment/risky-pay has the verdict "allowed", the plan was made with "needs-approval"' plan_requirement "$key" "$row" "verdict = 'allowed', required = 0"
tamper "plan row: approvals" 'the required 2, the plan was made with 1' plan_requirement "$key" "$row" "required = 2"
tamper "plan row: role" 'the role "tare_viewer"' plan_requirement "$key" "$row" "role = 'tare_viewer'"
tamper "plan row: rule" 'the rule "mine"' plan_requirement "$key" "$row" "rule = 'mine'"
tamper "plan row: risk" 'the risk "low", the plan was made with "high"' plan_requirement "$key" "$row" "risk = 'low'"
tamper "plan row: saving" 'the saving_microusd 1, the plan was made with 4000000' plan_requirement "$key" "$row" "saving_microusd = 1"
tamper "plan row: plan" 'the plan 2{64}, the plan was made with' plan_requirement "$key" "$row" "plan_digest = repeat('2', 64)"
tamper "plan row: cluster" 'the cluster "?elsewhere' plan_requirement "$key" "$row" "cluster = 'elsewhere'"
tamper "plan row: another workload" 'no row of shop/Deployment/risky-pay' plan_requirement "$key" "$row" "name = 'unknown'"
super "delete from tare.plan_requirement where run = $id and name = 'unknown'"
has_facts=$(pg boss team -c "select count(*) from information_schema.columns where table_schema = 'tare' and table_name = 'plan_requirement' and column_name = 'facts'")
[[ $has_facts == 1 ]] && tamper "plan row: facts" 'the facts' plan_requirement "$key" "$row" "facts = '{\"risk\": \"low\"}'"
tamper "the run's settings" 'the settings of run [0-9]+ have the sha256' run id "id = $id" "settings = settings || '{\"more\": 1}'"
fresh "the ledger put back"
# The last: what the ledger then does of its own accord stands in its audit trail.
tamper "the run's plan" 'the plan is stale' run id "id = $id" "plan_digest = repeat('3', 64)"

# --- the stored policy ------------------------------------------------------------------------------------------------------------
store() { run "$tare" --as adam policy set "$1"; [[ $rc == 0 ]] || diag "policy set: $err"; }
echo 'version: 1' >tare.yaml
approved_run
echo 'approvals: {required: 1, expires_after: 12h}' >stored.yaml
store stored.yaml
stale "a policy was stored where none was" "the stored policy"
approved_run
printf '# again\napprovals:\n  expires_after: 720m\n  required: 1\n' >stored.yaml
store stored.yaml
fresh "a policy stored again with the same meaning"
printf 'approvals: {required: 1, expires_after: 12h}\npolicy: {guardrails: {max_changes: 50}}\n' >stored.yaml
store stored.yaml
stale "the stored policy: a key more" "the stored policy's policy.guardrails.*max_changes is 50"
printf 'approvals: {required: 1, expires_after: 12h}\nwindows:\n- {name: audit, kind: deny, schedule: "0 0 1 1 *", duration: 1h}\n' >stored.yaml
store stored.yaml
stale "the stored policy: a window more" "the stored policy's windows"
echo 'approvals: {required: 1, expires_after: 12h}' >stored.yaml
store stored.yaml
fresh "the stored policy put back"

# What the program's version is: said, and no reason to make a plan anew.
super "update tare.run set program = '0.0.1' where id = $id"
run "$tare" apply "$id" --dry-run --verbose
is "$rc" 0 "not stale: another version of the program" || diag "$err"

is "$missed" 0 "every one of $mutations mutations is refused as stale, by its name"
ok "they are enough" test "$mutations" -ge 150
is "$(state)" approved "and the run can still be applied"
run "$tare" apply "$id" --yes
is "$rc" 0 "which it is" || diag "$err"
done_testing
