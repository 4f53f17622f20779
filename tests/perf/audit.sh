#!/bin/bash
# audit.sh [--short] [BUILD]: what checking the audit trail costs: 10,000 and 1,000,000 events (--short: 10,000 and 100,000) in a private
# Postgres, by the ledger's own function, exported, and the file checked without the ledger; beside sha256sum over the same file. Exit 1
# where 10,000 events take AUDIT_SECONDS or more, time grows faster than the number of events (TIME_LIMIT), or memory grows at all.
set -u
cd "$(dirname "$0")/../.." || exit 74
many=1000000
[[ ${1:-} == --short ]] && { many=100000; shift; }
BIN=$(realpath "${1:-.build}")/bin
# The work is the server's, so it is the clock that is read, and other work on the machine shows: what is not linear is ten times beyond this.
AUDIT_SECONDS=1 TIME_LIMIT=4 SLACK_KIB=4096
few=10000

work=$(mktemp -d "${TMPDIR:-/tmp}/tare-bench.XXXXXX") || exit 73
chmod 711 "$work" # run by root, the private ledger belongs to another user, who must reach it
finish() {
    "$BIN/tare" server stop >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
unset TARE_CONFIG TARE_DATABASE_URL TARE_NOW
export TARE_STATE_DIR=$work/state LC_ALL=C.UTF-8 TZ=UTC
die() { printf 'bench: %s\n' "$*" >&2; exit 1; }

"$BIN/tare" migrate >/dev/null 2>"$work/err" && "$BIN/tare" server start >"$work/server" 2>"$work/err" || die "no ledger: $(tail -2 "$work/err")"
socket=$(find "$work/state" -name '.s.PGSQL.*' ! -name '*.lock' -printf '%h\n' | head -1)
[[ -n $socket ]] || die "no socket below $work/state"
super=tare_superuser database=tare


# Events as the programs write them, by the ledger's own digest; as its superuser with triggers off, since there each would take its turn.
fill() { # COUNT
    psql -h "$socket" -U "$super" -d "$database" -Xq -v ON_ERROR_STOP=1 >/dev/null 2>"$work/err" <<SQL || die "no events: $(tail -2 "$work/err")"
set session_replication_role = replica;
do \$\$
declare v_row tare.audit_event; v_head tare.audit_head;
begin
    select * into v_head from tare.audit_head;
    v_row.digest := v_head.digest;
    for i in v_head.position + 1 .. v_head.position + $1 loop
        v_row := row(i, clock_timestamp(), 'op', 'attempt.finished', i % 1000, 'collect',
            jsonb_build_object('attempt', i, 'kind', 'usage', 'artifact', repeat('ab', 32), 'input', repeat('cd', 32))::text, v_row.digest, v_row.digest);
        v_row.digest := tare.audit_digest(v_row);
        insert into tare.audit_event select v_row.*;
    end loop;
    update tare.audit_head set position = v_head.position + $1, digest = v_row.digest;
end \$\$;
vacuum analyze tare.audit_event;
SQL
}

# measure NAME EVENTS COMMAND…: seconds and KiB, the least of three.
measure() {
    local name=$1 events=$2 i best='' seconds cpu kib
    shift 2
    for i in 1 2 3; do
        rm -f "$work/m"
        "$BIN/harness/measure" "$work/m" "$@" >/dev/null 2>"$work/err" || die "$name failed: $(tail -2 "$work/err")"
        read -r seconds cpu kib _ <"$work/m"
        best=$(awk -v a="$best" -v b="$seconds" 'BEGIN { print a == "" || b < a ? b : a }')
    done
    printf '%s %s %s %s\n' "$name" "$events" "$best" "$kib" >>"$work/results"
}

have=0
for events in $few $many; do
    fill $((events - have))
    have=$events
    measure verify "$events" "$BIN/tare" audit verify
    measure export "$events" "$BIN/tare" audit export -o "$work/trail"
    measure file "$events" "$BIN/tare" audit verify "$work/trail"
    measure sha256sum "$events" sha256sum "$work/trail"
done

awk -v few="$few" -v many="$many" -v limit="$AUDIT_SECONDS" -v growth="$TIME_LIMIT" -v slack="$SLACK_KIB" '
{ if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 } seconds[$1, $2] = $3; kib[$1, $2] = $4 }
END {
    printf "%-10s %10s %10s   %9s %9s   %10s %14s\n", "audit", few, many, few, many, "×" many / few, "×sha256sum"
    printf "%-10s %10s %10s   %9s %9s\n", "", "s", "s", "MiB", "MiB"
    for (i = 1; i <= n; i++) {
        s = order[i]
        base = seconds[s, few] < 0.05 ? 0.05 : seconds[s, few]
        grown = seconds[s, many] / base
        verdict = ""
        if (s != "sha256sum" && seconds[s, few] >= limit) verdict = verdict " too slow"
        if (s != "sha256sum" && grown > growth * many / few) verdict = verdict " slower than linear"
        if (kib[s, many] - kib[s, few] > slack) verdict = verdict " memory grows"
        printf "%-10s %10.3f %10.2f   %9.1f %9.1f   %10.1f %14.1f %s\n", s, seconds[s, few], seconds[s, many], kib[s, few] / 1024, kib[s, many] / 1024,
            grown, seconds[s, many] / seconds["sha256sum", many], verdict == "" ? "ok" : "NOT" verdict
        bad += verdict != ""
    }
    printf "limits: %d events in less than %s s, time × %.1f at most for ×%.1f events, no memory but %d KiB of slack\n", few, limit, growth * many / few, many / few, slack
    exit bad > 0
}' "$work/results"
