#!/usr/bin/env bash
# The audit chain: nobody writes it by hand, and what a superuser does to it behind its back is found, at its place.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

plan_run op "$one_row" a >/dev/null
pg op ledger -c "do \$\$ begin for i in 1..300 loop
    perform tare.audit_append('conductor.test', null, 'event ' || i, jsonb_build_object('i', i, 'name', 'é|7:x'));
    end loop; end \$\$"
verdict() { as view "select intact || ' ' || coalesce(broken_at, 0) from tare.audit_verify()"; }
is "$(verdict)" "true 0" "an untouched chain is intact"
last=$(as view "select events from tare.audit_verify()")

refused boss "update tare.audit_event set actor = 'x' where position = 5" TA077 "even the owner may not edit it"
refused boss "delete from tare.audit_event where position = 5" TA077 "nor delete from it"
refused boss "truncate tare.audit_event" TA077 "nor empty it"
refused boss "delete from tare.audit_head" TA077 "nor drop its head"

# tamper SQL POSITION NAME: with triggers switched off, in a transaction that is taken back.
tamper() {
    local got
    got=$(pg boss ledger 2>&1 <<SQL
begin;
set local session_replication_role = replica;
$1;
select intact || ' ' || coalesce(broken_at, 0) from tare.audit_verify();
rollback;
SQL
    )
    is "$got" "false $2" "$3"
}
n=120
tamper "update tare.audit_event set detail = replace(detail, '1', '2') where position = $n" $n "an edited detail"
tamper "update tare.audit_event set actor = 'rev' where position = $n" $n "another actor"
tamper "update tare.audit_event set at = at + interval '1 microsecond' where position = $n" $n "a moved time"
tamper "update tare.audit_event set action = 'conductor.other' where position = $n" $n "another action"
tamper "update tare.audit_event set run = 7 where position = $n" $n "another run"
tamper "update tare.audit_event set subject = null where position = $n" $n "a subject that was taken away"
tamper "update tare.audit_event set subject = subject || ' ' where position = $n" $n "one more blank"
tamper "delete from tare.audit_event where position = $n" $n "a removed row"
tamper "delete from tare.audit_event where position = 1" 1 "the first row removed"
tamper "delete from tare.audit_event where position = $last" "$last" "the last row removed"
tamper "delete from tare.audit_event where position > $((last - 10))" $((last - 9)) "the tail cut off"
tamper "delete from tare.audit_event" 1 "everything removed"
tamper "update tare.audit_event set position = -position where position in ($n, $((n + 1)));
        update tare.audit_event set position = $((2 * n + 1)) + position where position < 0" $n "two rows swapped"
tamper "update tare.audit_event e set detail = '{}' where position = $n;
        update tare.audit_event e set digest = tare.audit_digest(e) where position = $n" $((n + 1)) \
    "an edited row with its digest made anew"
tamper "delete from tare.audit_event where position = $n;
        update tare.audit_event set position = position - 1 where position > $n" $n "a row removed and the rest moved up"
tamper "update tare.audit_head set digest = decode(repeat('ab', 32), 'hex')" $((last + 1)) "a forged head"
is "$(verdict)" "true 0" "and the chain itself was not hurt"

# A digest over the canonical text as the README states it, computed here and not by the ledger.
row=$(as boss "select position || chr(9) || to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') || chr(9)
    || actor || chr(9) || action || chr(9) || subject || chr(9) || detail || chr(9) || encode(previous, 'hex') || chr(9)
    || encode(digest, 'hex') from tare.audit_event where position = $n")
IFS=$'\t' read -r position at actor action subject detail previous digest <<<"$row"
field() { printf '%d:%s,' "$(printf %s "$1" | wc -c)" "$1"; }
text=$(field "$position"; field "$at"; field "$actor"; field "$action"; printf -- '-,'; field "$subject"; field "$detail"
    field "$previous")
is "$(printf %s "$text" | sha256sum | cut -d' ' -f1)" "$digest" "the digest can be recomputed outside the database"

pg op ledger -c "do \$\$ begin for i in 1..10000 loop
    perform tare.audit_append('conductor.test', null, 'event ' || i, '{}'); end loop; end \$\$"
started=$(date +%s%N)
is "$(verdict)" "true 0" "10,000 events more are intact"
took=$((($(date +%s%N) - started) / 1000000))
ok "verifying 10,000 events takes less than 1 s ($took ms)" test "$took" -lt 1000
done_testing
