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

refused boss "select tare.audit('conductor.test', null, 'x', jsonb_build_object('a', repeat('x', 524280)))" TA065 "no event is larger than a file of the trail takes"
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

# ---- 10,000 events, the programs, and an anchor that was kept elsewhere ----
pg boss postgres -c 'create database trail'
"$BIN/tare" migrate --database "host=$pg_dir dbname=trail user=boss" >/dev/null || echo 'Bail out! no ledger'
pg op trail -c "do \$\$ begin for i in 1..10000 loop perform tare.audit_append('conductor.test', null, 'event ' || i,
    jsonb_build_object('i', i, 'text', 'é|7:x \" \\ ' || chr(7 + i % 40))); end loop; end \$\$"
tare() { TARE_DATABASE_URL="host=$pg_dir dbname=${database:-trail} user=${login:-view}" "$BIN/tare" "$@"; }
run tare audit verify
like "$rc $out" '^0 .*10001 events is intact' "10,000 events are intact"
run tare audit anchor
is "$rc" 0 "an anchor is given to who may read"
echo "$out" >"$tmp/anchor"
run tare audit export -o "$tmp/trail"
is "$rc" 0 "so is the whole trail to a viewer that is not narrowed"
is "$(wc -l <"$tmp/trail")" 10003 "header, events, anchor"
is "$(tail -1 "$tmp/trail")" "$(<"$tmp/anchor")" "which is the one that tare audit anchor gives"
is "$(stat -c %a "$tmp/trail")" 600 "the file is for nobody else"
run tare audit verify "$tmp/trail" --anchor "$tmp/anchor"
is "$rc" 0 "the file is intact by what tare computes itself"
run tare audit verify --anchor "$tmp/anchor" --against "$tmp/trail"
like "$rc $out" '^0 .*1 anchor holds.*has all 10001 events' "and the ledger has all of it"
is "$(tare audit export --since 9000 | tail -1)" "$(<"$tmp/anchor")" "a part ends with the same anchor"
tare audit export --since 9000 >"$tmp/part"
run tare audit verify "$tmp/part" --anchor "$tmp/anchor"
like "$rc $out" '^0 .*1001 events from 9001 on' "and is checked from where it begins"
tare audit export --since 10001 >"$tmp/part"
run tare audit verify "$tmp/part"
is "$rc" 0 "a part may be empty"
run tare audit export --since 10002
is "$rc" 65 "it cannot begin behind the end"

# hit SQL POSITION NAME: as above, and what the anchor says to it, in the ledger whose head the attacker adjusts too.
position=0 digest=$(sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/' "$tmp/anchor")
found() { # SQL: "verdict broken_at anchor"
    pg boss trail 2>&1 <<SQL
begin;
set local session_replication_role = replica;
$1;
select intact || ' ' || coalesce(broken_at, 0) || ' ' || (select state from tare.audit_anchors(
    '[{"position":10001,"digest":"$digest"}]')) from tare.audit_verify();
rollback;
SQL
}
is "$(found "select 1 where false")" "true 0 holds" "untouched: the anchor holds"
RANDOM=8
columns=("detail = overlay(detail placing chr(ascii(substr(detail, P, 1)) # 1) from P for 1)"
    "actor = actor || '.'" "at = at - interval '1 microsecond'" "action = action || 'x'" "run = coalesce(run, 0) + 1"
    "subject = 'x' || subject" "previous = set_byte(previous, P, get_byte(previous, P) # 1)"
    "digest = set_byte(digest, P, get_byte(digest, P) # 16)")
bad='' tried=0
for i in {1..64}; do
    n=$(((RANDOM * 32768 + RANDOM) % 9900 + 2)) change=${columns[i % 8]//P/$((RANDOM % 9 + 3))} state=holds
    got=$(found "update tare.audit_event set $change where position = $n")
    [[ $got == "false $n $state" ]] || bad+="$change at $n: $got; "
    got=$(found "delete from tare.audit_event where position = $n")
    [[ $got == "false $n holds" ]] || bad+="delete $n: $got; "
    m=$((n % 9900 + 2 + i))
    ((m == n)) && m=$((n + 1))
    got=$(found "update tare.audit_event set position = -position where position in ($n, $m);
        update tare.audit_event set position = $n + $m + position where position < 0")
    [[ $got == "false $((n < m ? n : m)) holds" ]] || bad+="swap $n $m: $got; "
    tried=$((tried + 3))
done
is "$tried $bad" "192 " "a changed byte of each column, a deletion, a swap, at places all over: each is found where it is"

# The tail cut off, the head adjusted as an attacker would: the chain is a right one, and only the anchor tells.
adjust="update tare.audit_head set (position, digest) = (select position, digest from tare.audit_event order by position desc limit 1)"
for cut in 1 2 100 5000 9999; do
    is "$(found "delete from tare.audit_event where position > 10001 - $cut; $adjust")" "true 0 beyond" "the last $cut events cut off, head adjusted"
done
# Written anew from some event on, with right digests and the head adjusted.
rewrite() { # FROM
    cat <<SQL
do \$\$
declare v_row tare.audit_event; v_before bytea; v_digest bytea;
begin
    select digest into v_before from tare.audit_event where position = $1 - 1;
    for v_row in select * from tare.audit_event where position >= $1 order by position loop
        v_row.previous := v_before;
        v_row.detail := case v_row.position when $1 then '{"forged": 1}' else v_row.detail end;
        v_before := tare.audit_digest(v_row);
        update tare.audit_event set previous = v_row.previous, detail = v_row.detail, digest = v_before where position = v_row.position;
    end loop;
end \$\$; $adjust
SQL
}
for from in 2 5000 10001; do
    is "$(found "$(rewrite $from)")" "true 0 differs" "the trail written anew from event $from on"
done

# The same for good, found by the programs.
pg boss postgres -c 'create database forged template trail'
pg boss forged -c "set session_replication_role = replica" -c "$(rewrite 7000)"
database=forged run tare audit verify
is "$rc" 0 "a trail that was written anew is right in itself"
database=forged run tare audit verify --anchor "$tmp/anchor"
like "$rc $err" '^65 .*written anew' "the anchor tells"
head -7000 "$tmp/trail" | tail -1 | sed 's/.*"position":\([0-9]*\).*"digest":"\([0-9a-f]*\)".*/\2@\1/' >"$tmp/early"
database=forged run tare audit verify --anchor "$(<"$tmp/early")" --anchor "$tmp/anchor"
like "$err" 'between 7000 and it' "an earlier anchor tells from where"
database=forged run tare audit verify --against "$tmp/trail"
like "$rc $err" '^65 .*event 7000 of the ledger is not' "an export names the very event"
database=forged run tare audit verify --anchor "$tmp/anchor" --format json
like "$out" '"anchors":\{"given":1,"held":0,"message":"event' "JSON has it too"
pg boss forged -c "set session_replication_role = replica" -c "delete from tare.audit_event where position > 9000" -c "$adjust"
database=forged run tare audit verify --anchor "$tmp/anchor"
like "$rc $err" '^65 .*ends with event 9000' "a cut tail is named"
database=forged run tare audit verify --against "$tmp/trail"
like "$rc $err" '^65 .*event 7000' "the first difference first"
pg boss forged -c "update tare.ledger set identity = gen_random_uuid()"
database=forged run tare audit verify --anchor "$tmp/anchor"
like "$rc $err" '^65 .*this is ledger' "another ledger is named"
database=forged run tare audit verify --against "$tmp/trail"
like "$rc $err" '^65 .*this is ledger' "beside an export too"
# Whoever owns the database can replace the function that verifies. An export does not ask it.
pg boss forged -c "set session_replication_role = replica" -c "update tare.audit_event set actor = 'x' where position = 30" -c "
    create or replace function tare.audit_verify(out intact boolean, out events bigint, out broken_at bigint, out head text,
        out message text) language sql security definer set search_path = pg_catalog, tare, pg_temp
    as \$\$ select true, 9000::bigint, null::bigint, null::text, 'all is well' \$\$"
database=forged run tare audit verify
is "$rc" 0 "(a function that lies)"
database=forged run tare audit export -o "$tmp/lies"
like "$rc $err" '^65 .*broken at event 30' "is found out by an export"
run tare audit verify "$tmp/lies"
like "$rc $out" '^65 .*line 31' "and by its file"
pg boss postgres -c 'drop database forged'

# ---- Who may ----
run tare audit export
is "$rc" 0 "(a viewer exports)"
as adm "select tare.grant_namespace('duo', 'shop', null)" >/dev/null
pg adm trail -c "select tare.grant_namespace('duo', 'shop', null)"
login=duo run tare audit export
like "$rc $err" '^77 .*narrowed to namespaces' "a narrowed login gets no export"
is "$out" "" "not a line of it"
login=duo run tare audit verify --against "$tmp/trail"
is "$rc" 77 "nor a comparison"
login=duo run tare audit verify --anchor "$tmp/anchor"
is "$rc" 0 "but the verdict, by the anchor too"
refused stranger "select tare.audit_anchor()" 42501 "a stranger gets nothing"
refused stranger "select tare.audit_page(0, 5, 5)" 42501 "no page"

# What each person may try on the chain itself.
bad=''
for who in view op rev adm duo stranger; do
    for sql in "insert into tare.audit_event (action, detail) values ('run.created', '{}')" "delete from tare.audit_event" \
        "update tare.audit_event set detail = '{}'" "truncate tare.audit_event" "update tare.audit_head set position = 1" \
        "delete from tare.audit_head" "alter table tare.audit_event disable trigger all" "select tare.audit('run.applied', 1, 'x')" \
        "set session_replication_role = replica" "drop function tare.audit_chain() cascade" \
        "create or replace function tare.audit_verify() returns int language sql as 'select 1'"; do
        [[ $(state $who "$sql") == 42501 ]] || bad+="$who: $sql; "
    done
    for action in run.applied approval.given audit.x prune.done policy.set apply.resumed rollback.begun rollback.ended; do
        [[ $(state $who "select tare.audit_append('$action', null, null, '{}')") == @(TA065|TA077|42501) ]] || bad+="$who: $action; "
    done
done
is "$bad" "" "no role forges, deletes, reorders, truncates, or writes in the ledger's own words"
is "$(verdict)" "true 0" "and the chain stands"
done_testing
