#!/bin/bash
# A team's own Postgres instead of the private one: migrate, real logins over a socket, a run, an approval, an apply; what each role may not do.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/db/server.sh"
. "$(dirname "$0")/shop.sh"
before=$(tree)

pg boss postgres -c "create database team"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=boss"
run "$tare" migrate
is "$rc" 0 "migrate makes the schema" || diag "$err"
run "$tare" migrate
is "$rc" 0 "and is content the second time"
like "$out" 'already' "and says so"
pg boss team -c "create role olga login in role tare_operator, tare_viewer; create role rita login in role tare_approver, tare_viewer;
    create role vera login in role tare_viewer; create role adam login in role tare_admin, tare_viewer"

run "$tare" --as vera run --end "$end"
is "$rc" 77 "a viewer cannot start a run"
like "$err" 'tare_operator' "and is told which role it takes"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=olga"
run "$tare" run --end "$end" --format json
is "$rc" 0 "an operator runs on the shared ledger" || diag "$err"
id=$(json .run)
is "$(json .requested_by)" olga "the login is on record"
ok "no private ledger was made" test ! -e "$TARE_STATE_DIR"

run "$tare" approve "$id" --yes
is "$rc" 77 "who asked cannot approve"
run "$tare" --as vera approve "$id" --yes
is "$rc" 77 "a viewer cannot approve"
run "$tare" policy set tare.yaml
is "$rc" 77 "an operator cannot set the policy"
run pg olga team -c "update tare.run set state = 'approved' where id = $id"
isnt "$rc" 0 "nor write to the tables directly"
like "$err" 'permission denied' "the database itself refuses"
run pg rita team -c "insert into tare.approval select * from tare.approval"
isnt "$rc" 0 "an approver cannot either"
run pg olga team -c "select tare.approve($id, null, null, null, null, 'myself')"
isnt "$rc" 0 "nor by calling the function herself"
like "$err" 'may not approve' "with the reason"

run "$tare" --as rita approve "$id" </dev/null
is "$rc" 64 "who has no terminal to be asked on approves nothing"
like "$out" 'shop/StatefulSet/sessions [^'$'\n'']* \+\$[0-9]+ ' "the summary says which changes cost more"
run "$tare" --as rita approve "$id" --yes
is "$rc" 0 "the approver approves" || diag "$err"
run "$tare" apply "$id" --yes
is "$rc" 0 "and the operator applies" || diag "$err"
isnt "$(tree)" "$before" "the manifests changed"
run "$tare" --as adam rollback "$id" --yes
run "$tare" rollback "$id" --yes
is "$(tree)" "$before" "and are back"
run "$tare" --as vera audit verify
is "$rc" 0 "the audit trail is intact"

# A stored policy counts for every run; a run's own file may only be stricter.
run "$tare" --as adam policy set tare.yaml
is "$rc" 0 "an administrator sets the policy" || diag "$err"
sed 's/max_decrease_percent: 50/max_decrease_percent: 80/' tare.yaml >weak.yaml
run "$tare" run -c weak.yaml --end "$end"
is "$rc" 78 "a weaker file is refused"
like "$err" 'max_decrease_percent' "naming the key"
sed 's/max_decrease_percent: 50/max_decrease_percent: 20/' tare.yaml >strict.yaml
run "$tare" run -c strict.yaml --end "$end" --format json
is "$rc" 0 "a stricter one is fine" || diag "$err"
stored=$("$tare" policy history --format json | jq -r '.[0].digest')
like "$("$tare" report "$(json .run)" --format html)" "Policy: the one stored in the ledger \(${stored:0:12}\)" "the report names the policy as tare policy history does"

# A login that is narrowed to a namespace.
run "$tare" --as adam grant vera --namespace shop
is "$rc" 0 "narrow a login" || diag "$err"
run "$tare" --as adam grant
like "$out" 'vera +shop' "and it is listed"
run "$tare" --as vera status --format json
is "$(json length)" 0 "it no longer sees runs over other namespaces"
run "$tare" --as vera status
like "$err" 'no runs that you see as a whole: tare status RUN shows your part' "and is not told that there are none"
done_testing
