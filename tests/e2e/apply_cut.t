#!/bin/bash
# The connection to the ledger is lost in the middle of an apply: at a message that does not go out any more, or at an answer that does
# not come back. Then no further file is touched, nothing is half written, and --resume or rollback ends it. TARE_CUTS is how many of
# the messages are tried, each both ways in turn (default 20; all: every one).
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/db/server.sh"
. "$(dirname "$0")/stub_line.sh"

manifest deploy/a.yaml cart web
manifest deploy/b.yaml risky-pay
manifest deploy/c.yaml api
plan
before=$(tree)
cp -R deploy "$tmp/before"
sed -i 's/cpu: 500m/cpu: 300m/' deploy/*
planned=$(tree)
put_back() { cp "$tmp"/before/* deploy/; }
put_back

pg boss postgres -c "create database team"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=boss"
run "$tare" migrate
is "$rc" 0 "a ledger" || diag "$err"
pg boss team -c "create role olga login in role tare_operator; create role reviewer login in role tare_approver"
export TARE_DATABASE_URL="host=$pg_dir dbname=team user=olga"
mv "$line/tare-apply" "$line/tare-apply.real"

# cut_at N request|answer: the next tare-apply loses its connection there. Renames of files are kept with the time.
cut_at() {
    mkdir -p "$tmp/cut"
    cat >"$line/tare-apply" <<SH
#!/bin/bash
rm -f "$tmp/cut/said"
"$BIN/harness/cut" "$tmp/cut" "$pg_dir" $1 $2 >"$tmp/cut/said" &
until [[ -s $tmp/cut/said ]]; do sleep 0.01; done
TARE_DATABASE_URL="host=$tmp/cut dbname=team user=olga" "$line/tare-apply.real" "\$@"
code=\$?
wait
exit \$code
SH
    chmod 755 "$line/tare-apply"
}
untouched() { printf '#!/bin/sh\nexec "%s" "$@"\n' "$line/tare-apply.real" >"$line/tare-apply"; }
said() { tail -n 1 "$tmp/cut/said"; }

# How many messages an undisturbed apply sends.
cut_at 0 request
approved_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
run "$tare" apply "$id" --yes
is "$rc $(tree)" "0 $planned" "an undisturbed apply" || diag "$err"
total=$(said | cut -d' ' -f1)
first=${TARE_CUT_FIRST:-$((total / 3))} # before that it reads the plan
ok "its messages can be counted: $total" test "$total" -gt 40

# What must hold after any cut: each file is as before or as planned.
whole() {
    local file
    for file in deploy/*; do
        cmp -s "$file" "$tmp/before/${file##*/}" || sed 's/cpu: 500m/cpu: 300m/' "$tmp/before/${file##*/}" | cmp -s - "$file" ||
            return 1
    done
}
# Files that are changed.
changed() { grep -l 300m deploy/*.yaml | wc -l; }
# Files whose write the ledger was told of before the cut.
begun() { "$tare" audit list "$id" --format json --limit 1000 | jq '[.[] | select(.action == "change.writing")] | length'; }

cuts=0 wrong=0 ends=''
bad() { wrong=$((wrong + 1)); tap_result 1 "$1"; diag "exit $rc: $err"; }
try() { # CALL N resume|rollback
    local name="cut at $1 $2, then $3" code
    put_back
    approved_run
    cut_at "$2" "$1"
    run "$tare" apply "$id" --yes
    code=$rc
    untouched
    [[ $(said) == *cut ]] || return 1
    cuts=$((cuts + 1)) ends+="$code "
    [[ $code == 75 || ($code == 0 && $(state) == applied) ]] || bad "$name: exit 75"
    (($(changed) <= $(begun))) || bad "$name: a file was written that the ledger does not know of"
    whole || bad "$name: a file is torn"
    [[ -z $(find deploy -name '.*' ! -name '.tare-*') ]] || bad "$name: strange files"
    case $(state) in
        applied) [[ $(tree) == "$planned" ]] || bad "$name: applied, and files are not as planned" ;;
        approved | applying)
            if [[ $3 == resume || $(state) == approved ]]; then
                run "$tare" apply "$id" --resume --yes
                [[ "$rc $(tree) $(state)" == "0 $planned applied" ]] || bad "$name: resume"
            else
                run "$tare" rollback "$id" --resume --yes # also where nothing was written yet
                [[ "$rc $(tree) $(state)" == "0 $before rolled-back" ]] || bad "$name: rollback"
            fi ;;
        *) bad "$name: the run is $(state)" ;;
    esac
    [[ -z $(find deploy -name '.*') ]] || bad "$name: something is left beside the files"
    [[ $("$tare" audit list "$id" --format json --limit 1000 | jq '[.[] | select(.action == "change.done") | .subject] | group_by(.) | map(length) | max // 1') == 1 ]] ||
        bad "$name: something was applied twice"
    return 0
}

want=${TARE_CUTS:-20}
[[ $want == all ]] && want=$(((total - first + 1) * 4))
how=resume
call=request
span=$((total - first + 1))
for ((i = 0; i < want; i++)); do
    at=$((first + (i * span / want) % span))
    try "$call" "$at" "$how" || break
    [[ $call == request ]] && call=answer || call=request
    ((i % 2)) && { [[ $how == resume ]] && how=rollback || how=resume; }
done
is "$wrong" 0 "after each of $cuts cuts nothing further was written, nothing is torn, and it was ended" || diag "$ends"
ok "there were as many as were wanted" test "$cuts" -ge $((want * 3 / 4))

# The same when the server ends the session while the first file is being written: nothing comes after that one.
if command -v strace >/dev/null; then
    put_back
    approved_run
    apply_held
    pg boss team -c "select count(pg_terminate_backend(pid, 60000)) from (select distinct pid from pg_locks where locktype = 'advisory') holders" >/dev/null
    apply_goes_on
    is "$rc" 75 "its session is ended while the first file is being written" || diag "$err"
    untouched
    is "$(changed)" 1 "the others are untouched"
    run "$tare" rollback "$id" --resume --yes
    is "$rc $(tree) $(state)" "0 $before rolled-back" "and a rollback ends it" || diag "$err"
fi

# What began, wrote nothing and may not go on is ended by a rollback, and a new plan can be made.
begun_only() {
    put_back
    approved_run
    pg olga team -c "select tare.apply_begin($id, null, false)" >/dev/null
    is "$(state)" applying "begun, and its process ended: $1"
}
ended() { # EXIT PATTERN NAME
    run "$tare" apply "$id" --resume --yes
    is "$rc" "$1" "$3: it does not go on"
    like "$err" "$2" "and it is said how it ends"
    moved=$(tree)
    run "$tare" rollback "$id" --yes
    is "$rc $(tree) $(state)" "0 $moved rolled-back" "$3: a rollback ends it, and touches nothing" || diag "$err"
    put_back
    run "$tare" rerun "$id" --from gate
    is "$rc" 0 "and it can be planned anew" || diag "$err"
}
begun_only "a manifest moved"
echo '# moved' >>deploy/a.yaml
ended 79 "tare rollback $id" "a manifest moved"
begun_only "approvals are withdrawn"
pg boss team -c "update tare.approval set withdrawn_at = tare.now() where run = $id"
ended 77 "tare rollback $id" "approvals are withdrawn"
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
