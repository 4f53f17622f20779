#!/usr/bin/env bash
# The outbox of notifications: each move told once, taken by one at a time, tried again when its time comes, seen by who sees the run.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

id=$(plan_run op "$one_row" a)
other=$(plan_run op "$one_row" b elsewhere)
all='[{"name":"room","interval_seconds":0},{"name":"pager","interval_seconds":0}]'
put() { as op "select tare.notify_put($1, '$2', '$3', '{\"run\": $1}')"; }
take() { as "${3:-op}" "select id || ' ' || receiver || ' ' || attempts || ' ' || lease from tare.notify_take('${1:-$all}', ${2:-60})"; }
done_with() { as op "select tare.notify_done($1, '$2', '$3', '$4', ${5:-0}, ${6:-0})"; }
states() { as op "select string_agg(receiver || ':' || state || ':' || attempts, ' ' order by id) from tare.notification where run = $id"; }

# ---- Telling ----
is "$(put "$id" awaiting-approval '{room,pager,room}')" 2 "one row a receiver"
is "$(put "$id" awaiting-approval '{room,pager}')" 0 "a move is told once"
is "$(as op "select facts ->> 'ledger' = (select identity::text from tare.ledger) from tare.notification limit 1")" t "the facts name the ledger"
refused op "select tare.notify_put($id, 'won', '{room}', '{}')" 23514 "an event that is none"
refused op "select tare.notify_put($id, 'applied', '{room}', '[]')" TA065 "facts that are none"
refused op "select tare.notify_put(999, 'applied', '{room}', '{}')" TA066 "a run that is none"
refused op "select tare.notify_put($id, 'applied', '{room}', jsonb_build_object('x', repeat('x', 70000)))" 23514 "facts without end"

# ---- Taking ----
read -r n1 who tries lease1 <<<"$(take)"
is "$who $tries" "pager 1" "what is due is taken, its try counted"
read -r n2 who tries lease2 <<<"$(take)"
is "$who" room "and then the next"
is "$(take)" "" "what somebody has is nobody else's"
is "$(done_with "$n1" "$lease2" sent '')" f "a lease that is another's ends nothing"
is "$(done_with "$n1" "$lease1" sent '')" t "its own does"
is "$(done_with "$n1" "$lease1" sent '')" f "once"
is "$(done_with "$n2" "$lease2" waiting 'it said no' 60000)" t "another try is wanted"
is "$(states)" "pager:sent:1 room:waiting:1" "that is what they are"
is "$(take)" "" "which is not due yet"
is "$(as op "select tare.notify_next('{room}') between 50000 and 60000, tare.notify_next('{pager}') is null")" "t|t" "when it is, is told"
is "$(as op "select tare.notify_hurry('{room}')")" 1 "unless somebody is in a hurry"
read -r n2 who tries lease2 <<<"$(take)"
is "$who $tries" "room 2" "then it is taken"
is "$(as op "select tare.notify_hurry('{room}')")" 0 "(what is under way is not hurried)"
is "$(done_with "$n2" "$lease2" given-up 'it said no again')" t "and may be given up"
is "$(as view "select string_agg(action || ' ' || subject || ' ' || coalesce(nullif(detail::jsonb ->> 'error', ''), '-'), ', ' order by position)
    from tare.audit_event where action like 'notify.%'")" "notify.sent pager -, notify.given-up room it said no again" "both ends are on record"
refused op "select tare.notify_retry($n1)" TA065 "what was sent is not tried again"
is "$(as op "select tare.notify_retry($n2)")" 1 "what was given up is"
is "$(states)" "pager:sent:1 room:waiting:0" "as if new"

# A lease that ran out: whoever had it is dead.
read -r n2 who tries old <<<"$(take '' 0)"
sleep 0.1
read -r n2 who tries lease2 <<<"$(take)"
is "$who $tries" "room 2" "after its lease a notification is due again"
is "$(done_with "$n2" "$old" sent '')" f "and who comes late says nothing any more"
is "$(done_with "$n2" "$lease2" waiting 'slow down' 0 60000)" t "a receiver that wants to be left alone"
is "$(take)" "" "is left alone"
put "$other" refused '{room}' >/dev/null
is "$(take)" "" "whatever else waits for it"
as boss "update tare.notification_pace set not_before = '-infinity'" >/dev/null

# In order, and at a pace.
as op "select tare.run_fail($(as op "select tare.run_create('prod', 'files', '0.1.0', null, '{}')"), 'x')" >/dev/null
put "$id" critical '{room}' >/dev/null
is "$(take | cut -d' ' -f1)" "$n2" "of one run a receiver is told in order"
is "$(take | cut -d' ' -f2)" room "of another at any time"
is "$(take)" "" "but what comes later waits for what comes first"
as boss "update tare.notification set state = 'given-up', ended_at = now(), lease = null where state = 'waiting'" >/dev/null
as op "select tare.notify_retry(null)" >/dev/null
slow='[{"name":"room","interval_seconds":3600}]'
isnt "$(take "$slow")" "" "one message"
is "$(take "$slow")" "" "and the next when the interval is over"
as boss "update tare.notification set made_at = now() - interval '8 days', next_at = now() - interval '1 day', lease = null where state = 'waiting'" >/dev/null
take '[{"name":"nobody","interval_seconds":1}]' >/dev/null
is "$(as op "select count(*), min(last_error) from tare.notification where state = 'given-up'")" "3|nobody delivered it for 7 days" \
    "what nobody delivers for a week is given up"

# ---- What stays ----
refused boss "update tare.notification set facts = '{}' where id = $n1" TA077 "what was told is not rewritten"
refused boss "update tare.notification set receiver = 'x'" TA077 "to whom neither"
as op "select tare.notify_retry(null)" >/dev/null
refused boss "delete from tare.notification" TA077 "nor forgotten before it is delivered"

# ---- Who ----
as boss "create role team login in role tare_operator" >/dev/null
as adm "select tare.grant_namespace('team', 'shop', 'prod')" >/dev/null
is "$(as team "select count(*) filter (where run = $id) > 0, count(*) filter (where run = $other) from tare.notification")" "t|0" \
    "a narrowed login sees those of its runs"
refused team "select tare.notify_put($other, 'applied', '{room}', '{}')" TA066 "and tells of no other's"
as op "select tare.notify_retry(null)" >/dev/null
as boss "update tare.notification_pace set not_before = '-infinity'" >/dev/null
is "$(as team "select run = $id from tare.notify_take('$all', 60)")" t "it delivers its own"
as team "select tare.notify_take('$all', 60)" >/dev/null
is "$(as boss "select count(*) from tare.notification where run = $other and lease is not null")" 0 "and no other's"

# ---- Many at once ----
as boss "update tare.notification set state = 'given-up', ended_at = now(), lease = null where state = 'waiting'" >/dev/null
for i in $(seq 6); do
    run=$(plan_run op "$one_row" "many$i")
    put "$run" awaiting-approval '{room,pager,third,fourth}' >/dev/null
done
crowd='[{"name":"room","interval_seconds":0},{"name":"pager","interval_seconds":0},{"name":"third","interval_seconds":0},{"name":"fourth","interval_seconds":0}]'
worker() {
    local row
    for _ in $(seq 400); do
        row=$(pg op ledger -c "select id || ' ' || lease from tare.notify_take('$crowd', 60)" 2>>"$tmp/worker.err")
        [[ -n $row || $(pg boss ledger -c "select count(*) from tare.notification where state = 'waiting'") != 0 ]] || break
        [[ -z $row ]] && continue
        echo "${row% *}"
        pg op ledger -c "select tare.notify_done(${row% *}, '${row#* }', 'sent', null, 0, 0)" >/dev/null 2>>"$tmp/worker.err"
    done
}
pids=()
for w in 1 2 3 4; do worker >"$tmp/worker.$w" & pids+=($!); done
wait "${pids[@]}"
is "$(cat "$tmp"/worker.? | wc -l) $(cat "$tmp"/worker.? | sort -u | wc -l)" "24 24" "four workers: each notification is somebody's, none is two's"
is "$(cat "$tmp/worker.err")" "" "and none stood in another's way"
is "$(as view "select intact from tare.audit_verify()")" t "the audit chain is whole"
done_testing
