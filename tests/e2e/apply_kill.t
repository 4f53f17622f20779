#!/bin/bash
# kill -9 of tare-apply at the system calls that matter: before each message to the ledger, before and after each rename.
# Then --resume ends with every file as planned, or rollback with every file as before; the ledger agrees; nothing is
# applied twice. TARE_KILLS is how many of the messages are tried (default: every fifth).
set -u
. "$(dirname "$0")/../harness/tap.sh"
need strace
. "$(dirname "$0")/stub_line.sh"

manifest deploy/a.yaml cart web
manifest deploy/b.yaml risky-pay
plan
before=$(tree)
cp -R deploy "$tmp/before"
sed -i 's/cpu: 500m/cpu: 300m/' deploy/*
planned=$(tree)
put_back() { cp "$tmp"/before/* deploy/; }
put_back

new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
run "$tare" login reviewer viewer approver
is "$rc" 0 "a reviewer's login" || diag "$err"
mv "$line/tare-apply" "$line/tare-apply.real"

# Applies a new run, killed at the $2-th $1; returns 1 where it ended before that.
killed_apply() {
    printf '#!/bin/sh\nexec strace -qq -o /dev/null -e trace=%s -e inject=%s:signal=KILL:when=%s "%s" "$@"\n' \
        "$1" "$1" "$2" "$line/tare-apply.real" >"$line/tare-apply"
    chmod 755 "$line/tare-apply"
    put_back
    approved_run
    run "$tare" apply "$id" --yes
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$line/tare-apply.real" >"$line/tare-apply"
    [[ $rc != 0 ]]
}
# What must hold after any kill: each file is whole.
whole() {
    local file
    for file in deploy/*; do
        cmp -s "$file" "$tmp/before/${file##*/}" || sed 's/cpu: 500m/cpu: 300m/' "$tmp/before/${file##*/}" | cmp -s - "$file" ||
            return 1
    done
}
# Kills at call $1 number $2, then $3 (resume or rollback).
try() {
    local call=$1 when=$2 how=$3 name="kill at $1 $2, then $3"
    killed_apply "$call" "$when" || return 1
    whole || tap_result 1 "$name: a file is torn"
    if [[ $how == resume || $(state) == approved ]]; then
        run "$tare" apply "$id" --resume --yes
        is "$rc $(tree) $(state)" "0 $planned applied" "$name" || diag "$err"
    else # also where nothing was written yet
        run "$tare" rollback "$id" --resume --yes
        is "$rc $(tree) $(state)" "0 $before rolled-back" "$name" || diag "$err"
    fi
    is "$(find deploy -name '.*')" "" "$name: nothing is left beside the files"
    is "$("$tare" audit list "$id" --format json --limit 1000 | jq '[.[] | select(.action == "change.done") | .subject] | group_by(.) | map(length) | max // 1')" \
        1 "$name: nothing is applied twice"
    return 0
}

for when in 1 2; do
    try rename "$when" resume
    try rename "$when" rollback
done
for when in 2 4; do # the directory is flushed just after the rename
    try fsync "$when" resume
    try fsync "$when" rollback
done
step=5
how=resume
for ((when = ${TARE_KILL_FIRST:-6}; when < 400; when += step)); do
    try sendto "$when" "$how" || break
    [[ $how == resume ]] && how=rollback || how=resume
done
ok "the sweep reached the end of an apply ($when messages)" test "$when" -lt 400 -a "$when" -gt 20
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
