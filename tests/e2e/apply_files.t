#!/bin/bash
# tare-apply and tare-rollback on a work tree: exact bytes in and back, stale plans, windows, forged input, failures.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
need psql

reset() { rm -f deploy/*; manifest deploy/a.yaml cart web; manifest deploy/b.yaml risky-pay; manifest deploy/c.yaml same-job api; plan "$@"; }
reset
before=$(tree)
expected=$(mkdir "$tmp/want" && for f in deploy/*; do
    awk '/^--- # / { same = ($3 ~ /^same/) } !same { sub(/cpu: 500m/, "cpu: 300m") } { print }' "$f" >"$tmp/want/${f##*/}"; done
    cd "$tmp/want" && mkdir deploy && mv ./*.yaml deploy/ && sha256sum deploy/* | sha256sum)

new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
is "$(state)" awaiting-approval "and waits for approval"
is "$("$tare" show "$id" gate | jq -r 'select(.workload) | .workload.name + "=" + .gate.verdict' | sort | tr '\n' ' ')" \
    "api=needs-approval cart=needs-approval risky-pay=needs-approval same-job=unchanged web=needs-approval " "verdicts"
ok "every verdict has reasons, the passed ones too" jq -es '[.[] | select(.workload and .gate.verdict != "unchanged") | .gate.reasons | map(.code) |
    contains(["exclude", "approvals", "window"])] | all' <("$tare" show "$id" gate)
run "$tare" login reviewer viewer approver
is "$rc" 0 "a reviewer's login" || diag "$err"

run "$tare" apply "$id" --yes
is "$rc" 77 "without approval apply is refused"
like "$err" 'approve' "and says what to type"
run "$tare" --as reviewer approve "$id" --yes
is "$rc" 0 "the reviewer approves" || diag "$err"
run "$tare" apply "$id" --dry-run
like "$err" "every check holds, nothing was written" "a dry run says what it came to"
is "$rc" 0 "a dry run ends well" || diag "$err"
is "$(tree)" "$before" "and writes nothing"
is "$(state)" approved "and leaves the run as it is"

chmod 640 deploy/b.yaml
run "$tare" apply "$id" --yes
is "$rc" 0 "apply ends well" || diag "$err"
is "$(tree)" "$expected" "the planned bytes are there and no others"
is "$(stat -c %a deploy/b.yaml)" 640 "a file keeps its mode"
is "$(state)" applied "the run is applied"
is "$(outcomes apply)" "api=done cart=done risky-pay=done same-job=skipped web=done " "outcomes"
is "$("$tare" audit list "$id" --format json 2>/dev/null | jq -r '[.[] | select(.action == "change.done") | .subject] | join(" ")')" \
    "deploy/a.yaml deploy/c.yaml deploy/b.yaml" "low risk goes first"
run "$tare" apply "$id" --yes
is "$rc" 77 "a second apply is refused"
is "$(tree)" "$expected" "and changes nothing"

run "$tare" rollback "$id" --workload shop/Deployment/cart --yes
is "$rc" 64 "one of two workloads of a file alone is refused"
like "$err" 'shop/Deployment/web' "naming the other"
run "$tare" rollback "$id" --workload shop/Deployment/risky-pay --yes
is "$rc" 0 "one file is rolled back" || diag "$err"
is "$(grep -c 500m deploy/b.yaml)$(grep -c 300m deploy/a.yaml)" 12 "and only that"
is "$(state)" applied "a partial rollback leaves the run applied"
run "$tare" rollback "$id" --dry-run
is "$(grep -c 300m deploy/a.yaml)" 2 "a dry rollback writes nothing"
(cd / && "$tare" rollback "$id" --yes) >"$tmp/.out" 2>"$tmp/.err"
is "$?" 0 "the rest is rolled back, from another folder" || diag "$(cat "$tmp/.err")"
is "$(tree)" "$before" "every byte is back"
is "$(state)" rolled-back "the run is rolled back"
run "$tare" rollback "$id" --yes
is "$rc" 0 "a second rollback does nothing and ends well" || diag "$err"
is "$(tree)" "$before" "nothing changed"

# Stale: a byte of a source moved.
approved_run
echo '# later' >>deploy/b.yaml
moved=$(tree)
run "$tare" apply "$id" --yes
is "$rc" 79 "a moved file makes the plan stale"
like "$err" "deploy/b.yaml.*$(sha256sum <deploy/b.yaml | cut -c1-64)" "named with what it is now"
is "$(tree)" "$moved" "nothing was written"
is "$(state)" approved "the run can be applied when it is put back"
rm deploy/b.yaml
run "$tare" apply "$id" --yes
is "$rc" 79 "a missing file makes the plan stale"
reset
run "$tare" apply "$id" --yes
is "$rc" 0 "put back, it applies" || diag "$err"
echo '# mine' >>deploy/a.yaml
mine=$(sha256sum deploy/a.yaml)
run "$tare" rollback "$id" --yes
is "$rc" 81 "a rollback over somebody's later work is refused"
like "$err" 'deploy/a.yaml was changed since' "named"
is "$(sha256sum deploy/a.yaml)" "$mine" "and leaves it"
is "$(grep -c 500m deploy/b.yaml)" 1 "the other files are put back"
is "$(outcomes rollback)" "api=rolled-back cart=refused risky-pay=rolled-back same-job=skipped web=refused " "outcomes say so"
sed -i '/# mine/d' deploy/a.yaml
run "$tare" rollback "$id" --resume --yes
is "$rc" 0 "put right, the rollback goes on" || diag "$err"
is "$(tree)" "$before" "every byte is back"

# By hand, with forged input.
reset
approved_run
"$tare" show "$id" gate >"$tmp/gated"
sed 's/"to":"300m"/"to":"1m"/' "$tmp/gated" | grep -v '"end"' >"$tmp/forged"
records=$(($(wc -l <"$tmp/forged") - 1))
echo "{\"end\":{\"records\":$records,\"workloads\":$records,\"problems\":0,\"input\":$(tail -n1 "$tmp/gated" | jq .end.input)}}" >>"$tmp/forged"
"$line/tare-apply" --run "$id" <"$tmp/forged" >"$tmp/.out" 2>"$tmp/.err"
is "$?" 79 "a forged gated artifact is refused"
like "$(cat "$tmp/.err")" 'not what the ledger' "and says so"
is "$(tree)" "$before" "nothing was written"
head -n 3 "$tmp/gated" | "$line/tare-apply" --run "$id" >"$tmp/.out" 2>"$tmp/.err"
is "$?" 65 "a truncated one too"
sed "s/\"gate\":{/\"gate\":{\"more\":1,/" "$tmp/forged" | sed 's/"to":"1m"/"to":"300m"/' | sed '$d' >"$tmp/other"
echo "{\"end\":{\"records\":$records,\"workloads\":$records,\"problems\":0,\"input\":\"$(printf %064d 7)\"}}" >>"$tmp/other"
"$line/tare-apply" --run "$id" <"$tmp/other" >"$tmp/.out" 2>"$tmp/.err"
is "$?" 79 "one made from another plan too"
"$line/tare-apply" <"$tmp/gated" >"$tmp/.out" 2>"$tmp/.err"
is "$?" 64 "without a run it is a usage error"
"$line/tare-apply" --run "$id" <"$tmp/gated" >"$tmp/.out" 2>"$tmp/.err"
is "$?" 0 "the real one applies by hand" || diag "$(cat "$tmp/.err")"
is "$(tree)" "$expected" "with the same bytes"
is "$(state)" applied "and the ledger knows"
run "$tare" rollback "$id" --yes
is "$rc" 0 "rolled back" || diag "$err"

# The policy moved.
cat >tare.yaml <<'YAML'
version: 1
approvals: {required: 1}
YAML
approved_run
echo 'policy: {exclude: {namespaces: [other]}}' >>tare.yaml
run "$tare" apply "$id" --yes
is "$rc" 79 "another policy makes the plan stale"
like "$err" 'the policy has the digest [0-9a-f]{64}, the plan was judged by [0-9a-f]{64}' "with both digests"

# Windows.
cat >tare.yaml <<'YAML'
version: 1
approvals: {expires_after: 7d}
windows:
- {name: weekend, kind: deny, schedule: "0 0 * * 6", duration: 2d, timezone: Europe/Berlin}
- {name: freeze, kind: deny, start: "2026-12-20T00:00:00+01:00", end: "2027-01-03T00:00:00+01:00", override: true}
YAML
export TARE_NOW=2026-11-21T09:00:00Z
approved_run
is "$(state)" approved "a closed window does not hold the plan or its approval back"
export TARE_NOW=2026-11-21T09:05:00Z # each process begins there: not earlier than what the ones before recorded
is "$("$tare" show "$id" gate | jq -rs '[.[] | select(.gate.verdict == "needs-approval")][0].gate.next_opening')" 2026-11-22T23:00:00Z "the plan says when it opens"
run "$tare" apply "$id" --yes
is "$rc" 77 "inside of the deny window apply is refused"
like "$err" 'weekend' "it is named"
like "$out$err" '2026-11-22T23:00:00Z' "with the next opening"
is "$(state)" refused "the run is refused"
is "$(tree)" "$before" "nothing was written"
TARE_NOW=2026-11-22T22:59:30Z run "$tare" apply "$id" --yes
is "$rc" 77 "half a minute before it opens it is still refused"
TARE_NOW=2026-11-22T23:00:00Z run "$tare" apply "$id" --yes
is "$rc" 0 "it applies from the very instant it opens" || diag "$err"
TARE_NOW=2026-11-28T12:00:00Z run "$tare" rollback "$id" --yes
is "$rc" 0 "a rollback is never held back by a window" || diag "$err"
export TARE_NOW=2026-12-24T09:00:00Z
approved_run
export TARE_NOW=2026-12-24T09:05:00Z
run "$tare" apply "$id" --yes
is "$rc" 77 "the freeze holds"
run "$tare" apply "$id" --override freeze --yes
is "$rc" 64 "an override needs a reason"
run "$tare" apply "$id" --override weekend --reason hurry --yes
is "$rc" 77 "only a window that permits it is overridden"
run "$tare" apply "$id" --override freeze --reason 'INC-7: out of memory' --yes
is "$rc" 0 "with a reason it is" || diag "$err"
ok "and it stands in the audit trail" bash -c "'$tare' audit list $id --format json | grep -q INC-7"
is "$("$tare" show "$id" apply | jq -r 'select(.tare) | .settings.apply.overrides[] | "\(.window): \(.reason)"')" "freeze: INC-7: out of memory" \
    "and in the outcome, for the report"
run "$tare" rollback "$id" --yes
unset TARE_NOW
rm tare.yaml

# Files that cannot be written: the disk fills at the n-th rename.
if command -v strace >/dev/null; then
    mv "$line/tare-apply" "$line/tare-apply.real"
    inject() { # inject CALL ACTION N: the next applies meet ACTION at the N-th CALL
        cat >"$line/tare-apply" <<SH
#!/bin/sh
exec strace -f -qq -o /dev/null -e trace=$1 -e inject=$1:$2:when=$3 "$line/tare-apply.real" "\$@"
SH
        chmod 755 "$line/tare-apply"
    }
    reset
    approved_run
    inject rename error=ENOSPC 2
    run "$tare" apply "$id" --yes
    is "$rc" 80 "a full disk at the second file: rolled back" || diag "$err"
    like "$err" 'deploy/c.yaml' "the file is named"
    is "$(tree)" "$before" "every byte is back"
    is "$(state)" rolled-back "the run is rolled back"
    is "$(outcomes apply)" "api=rolled-back cart=rolled-back risky-pay=planned same-job=skipped web=rolled-back " "outcomes say so"

    echo 'apply: {on_failure: rollback-object}' >tare.yaml
    approved_run
    run "$tare" apply "$id" --yes
    is "$rc" 80 "rollback-object: the failed one is put back"
    is "$(grep -c 300m deploy/a.yaml deploy/b.yaml deploy/c.yaml | tr '\n' ' ')" "deploy/a.yaml:2 deploy/b.yaml:0 deploy/c.yaml:0 " "the one before it stays"
    is "$(state)" failed "the run failed"
    run "$tare" rollback "$id" --yes
    is "$rc" 0 "and can be rolled back" || diag "$err"
    is "$(tree)" "$before" "every byte is back"
    rm tare.yaml

    echo 'apply: {on_failure: stop}' >tare.yaml
    approved_run
    run "$tare" apply "$id" --yes
    is "$rc $(state)" "73 failed" "stop: the run ends where it failed" || diag "$err"
    is "$(grep -c 300m deploy/a.yaml deploy/b.yaml deploy/c.yaml | tr '\n' ' ')" "deploy/a.yaml:2 deploy/b.yaml:0 deploy/c.yaml:0 " "and everything stays as it is"
    run "$tare" rollback "$id" --yes
    is "$rc $(tree)" "0 $before" "until somebody rolls it back" || diag "$err"
    rm tare.yaml

    approved_run
    inject rename error=EROFS 2+
    run "$tare" apply "$id" --yes
    is "$rc" 81 "a rollback that fails needs a person"
    like "$err" 'tare rollback' "and says what to type"
    is "$(state)" failed "the run failed"
    mv "$line/tare-apply.real" "$line/tare-apply"
    run "$tare" rollback "$id" --resume --yes
    is "$rc" 0 "mended, the rollback goes on" || diag "$err"
    is "$(tree)" "$before" "every byte is back"
fi

# What happens while apply is busy with its first file: it is stopped between the flush of that and its rename, and goes on after the command.
if command -v strace >/dev/null; then
    [[ -f $line/tare-apply.real ]] || mv "$line/tare-apply" "$line/tare-apply.real"
    linger() { # linger COMMAND...: applies, runs the command while the first file is being written
        reset
        apply_held
        "$@" >"$tmp/.other" 2>&1
        apply_goes_on
    }
    reset
    approved_run
    linger "$tare" --as reviewer withdraw "$id" --yes
    is "$rc" 77 "an approval withdrawn in the middle stops before the next file" || diag "$err $(cat "$tmp/.other")"
    is "$(grep -c 300m deploy/a.yaml deploy/b.yaml deploy/c.yaml | tr '\n' ' ')" "deploy/a.yaml:2 deploy/b.yaml:0 deploy/c.yaml:0 " "the first is done, the others are untouched"
    is "$(state)" failed "the run ended in the middle"
    is "$(outcomes apply)" "api=planned cart=done risky-pay=planned same-job=skipped web=done " "outcomes say so"
    run "$tare" rollback "$id" --yes
    is "$rc $(tree)" "0 $before" "and what was done can be put back" || diag "$err"

    approved_run
    linger "$tare" server stop --quiet
    is "$rc" 75 "a ledger that goes away stops before the next file" || diag "$err"
    is "$(grep -c 300m deploy/b.yaml deploy/c.yaml | tr '\n' ' ')" "deploy/b.yaml:0 deploy/c.yaml:0 " "the others are untouched"
    run "$tare" apply "$id" --yes
    is "$rc" 77 "the interrupted apply is not begun anew"
    run "$tare" apply "$id" --resume --yes
    is "$rc $(tree) $(state)" "0 $expected applied" "--resume goes on" || diag "$err"
    run "$tare" rollback "$id" --yes
    is "$(tree)" "$before" "every byte is back"

    approved_run
    linger "$tare" apply "$id" --yes
    is "$rc" 0 "an apply that another one meets goes on" || diag "$err $(cat "$tmp/.other") $(state)"
    like "$(cat "$tmp/.other")" 'being applied|being worked on|interrupted' "the other one is turned away"
    run "$tare" rollback "$id" --yes

    # For all sessions that began at TARE_NOW.
    an_hour_passes() { psql -h "$TARE_STATE_DIR/socket" -U tare_superuser -d tare -XqAtc "update tare.clock_override set shift = shift + interval '1 hour'"; }
    for overrun in stop rollback finish; do
        cat >tare.yaml <<YAML
approvals: {expires_after: 7d}
windows:
- {name: day, kind: allow, schedule: "0 8 * * *", duration: 1h, timezone: UTC, on_overrun: $overrun}
YAML
        reset
        export TARE_NOW=2026-11-21T08:20:00Z
        approved_run
        export TARE_NOW=2026-11-21T08:30:00Z
        linger an_hour_passes
        case $overrun in
        stop) is "$rc $(grep -c 300m deploy/[abc].yaml | tr '\n' ' ')" "77 deploy/a.yaml:2 deploy/b.yaml:0 deploy/c.yaml:0 " "a window that closes in the middle: stop"
            like "$err" '2026-11-22T08:00:00Z' "with the next opening" ;;
        rollback) is "$rc $(tree)" "80 $before" "a window that closes in the middle: rollback" || diag "$err" ;;
        finish) is "$rc $(tree)" "0 $expected" "a window that closes in the middle: finish" || diag "$err" ;;
        esac
        TARE_NOW=2026-11-21T09:45:00Z "$tare" rollback "$id" --yes >/dev/null 2>&1
    done
    unset TARE_NOW
    rm tare.yaml
    reset
fi
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
