#!/usr/bin/env bash
# Batches in the ledger: made whole or not at all, one run a cluster, nobody else's; who is narrowed sees its own runs of one.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

begin() { # LOGIN RUNS
    as "$1" "select tare.batch_begin('0.1.0', '$2')"
}
# The answer of batch_get.sql for LOGIN and NAME, as the programs ask.
get() {
    { printf 'prepare q as\n'; cat "$root/sql/queries/batch_get.sql"; printf ';\nexecute q(%s);\n' "'$2'"; } | pg "$1" ledger
}
two='[{"cluster":"eu","target":"files","settings":{"a":1}},{"cluster":"us","target":"cluster","settings":{}}]'
got=$(begin op "$two")
name=$(jq -r .batch <<<"$got") eu=$(jq '.runs[0]' <<<"$got") us=$(jq '.runs[1]' <<<"$got")
like "$name" '^b[0-9]+$' "a batch has a name"
is "$(as op "select string_agg(format('%s %s %s %s', cluster, target, state, requested_by), ', ' order by id) from tare.run where batch = '$name'")" \
    "eu files running op, us cluster running op" "and its runs, in the order that was given"
is "$(as op "select settings from tare.run where id = $eu")" '{"a": 1}' "each with its settings"
is "$(as op "select detail::jsonb -> 'clusters' from tare.audit_event where action = 'batch.started' and subject = '$name'")" '["eu", "us"]' \
    "the start is on record"
isnt "$(begin op "$two" | jq -r .batch)" "$name" "another one has another name"

# ---- Refused whole ----
runs=$(as op "select count(*) from tare.run") batches=$(as op "select count(*) from tare.batch")
for bad in '[]' '{}' 'null' '[{}]' '[{"cluster":"a","target":"files"},{"cluster":"a","target":"files"}]' '[{"cluster":"a"}]' '"x"' '[3]' \
    '[{"cluster":"a","target":"files"},{"cluster":"b","target":"moon"}]'; do
    isnt "$(state op "select tare.batch_begin('p', '$bad')")" ok "refused: $bad"
done
is "$(as op "select count(*) from tare.run") $(as op "select count(*) from tare.batch")" "$runs $batches" "and nothing of it is left"
refused view "select tare.batch_begin('p', '$two')" TA077 "a viewer starts none"
refused op2 "select tare.run_create('x', 'files', 'p', '$name', '{}')" TA077 "nobody adds to somebody else's batch"
refused op "select tare.run_create('x', 'files', 'p', 'b999999', '{}')" TA077 "nor to one that there is not"
refused op "select tare.run_create('x', 'files', 'p', 'b1''; drop table tare.run; --', '{}')" TA077 "SQL in the name is a name"
refused op "update tare.batch set started_by = 'op2'" 42501 "a batch is not changed"
refused boss "update tare.batch set started_by = 'op2'" TA077 "by its owner neither"
refused boss "delete from tare.batch" TA077 "nor taken away"

# ---- As many as there may be, with names as long as they may be ----
many=$(jq -nc '[range(1000) | {cluster: (("x" * 3990) + "\(.)"), target: "files", settings: {}}]')
got=$(pg op ledger <<<"select tare.batch_begin('p', '$many') ->> 'batch'")
is "$(as op "select jsonb_array_length(detail::jsonb -> 'runs') || ' ' || jsonb_array_length(detail::jsonb -> 'clusters') || ' ' || (length(detail) < 65536)
    from tare.audit_event where action = 'batch.started' and subject = '$got'")" "1000 8 true" "of clusters' names the event has as many as fit"

# ---- A rerun stays in it ----
as op "select tare.run_fail($us, 'no server')" >/dev/null
again=$(as op2 "select tare.rerun($us, '{}', null)")
is "$(as op "select batch from tare.run where id = $again")" "$name" "a rerun, of whomever, is of the batch"
is "$(get op "$name" | jq -c '[.runs[] | [.run, .later, .counted]]')" "[[$eu,null,false],[$us,$again,false],[$again,null,false]]" \
    "and stands before the run whose place it took"

# ---- Who sees it ----
as boss "create role team login in role tare_operator" >/dev/null
as adm "select tare.grant_namespace('team', 'shop', 'eu')" >/dev/null
is "$(get team "$name")" "" "who sees no run of it sees no batch"
is "$(as team "select count(*) from tare.batch")" 0 "nor any"
as op "select tare.run_namespaces($eu, '{shop}')" >/dev/null
as op "select tare.run_namespaces($again, '{shop}')" >/dev/null
is "$(get team "$name" | jq -c '[.runs[].run], .narrowed' | tr '\n' ' ')" "[$eu] true " "a narrowed login sees its runs of it, and that there may be others"
is "$(get team "$name" | jq -r '.. | strings' | grep -c -e '^us$')" 0 "no word of others"
is "$(get op "$name" | jq .narrowed)" false "who sees everything is not told so"
as op "select tare.run_namespaces($eu, '{pay}')" >/dev/null
is "$(get team "$name")" "" "a run that grew past it is gone, and the batch with it"
is "$(get op "b999999")" "" "one that there is not is none"
is "$(as view "select intact from tare.audit_verify()")" t "the audit trail is intact"
done_testing
