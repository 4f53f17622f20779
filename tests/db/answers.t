#!/usr/bin/env bash
# What models said, in the ledger: who may tell it, who sees it, whose cache it is in, what it cost, and when it goes.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

digest() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }
# A row: NAMESPACE NAME KEY OUTCOME SAID [AT]
answer() {
    jq -nc --arg ns "$1" --arg name "$2" --arg key "$(digest "$3")" --arg outcome "$4" --arg said "$5" --arg at "${6:-}" '
        {namespace: $ns, kind: "Deployment", name: $name, provider: "anthropic", model: "m", evidence: $key, key: $key, outcome: $outcome,
         exchange: "call"} + (if $outcome == "answered" then {text: $said} else {reason: $said} end) + (if $at == "" then {} else {at: $at} end)'
}
rows() { jq -sc . <<<"$*"; }
# A run of namespaces with an attempt at a stage: sets $run and $attempt.
begin() { # LOGIN NAMESPACES [STAGE] [CLUSTER]
    IFS='|' read -r run attempt < <(pg "$1" ledger -v ns="$2" -v stage="${3:-analyze}" -v cluster="${4:-prod}" <<'SQL'
select tare.run_create(:'cluster', 'files', '0.1.0', null, '{}') as run \gset
select tare.run_namespaces(:run, :'ns'::text[]) \g /dev/null
select :run, tare.attempt_begin(:run, :'stage', null, '{}');
SQL
    )
}
put() { as "$1" "select tare.answers_put($2, \$rows\$$3\$rows\$)" >/dev/null; }
put_state() { state "$1" "select tare.answers_put($2, \$rows\$$3\$rows\$)"; }
of() { as "$1" "select string_agg(coalesce(text, reason), ' ' order by id) from tare.answers_of($2, 0, 100)"; }
young() { as "$1" "select string_agg(coalesce(text, reason), ' ' order by coalesce(text, reason)) from tare.answers_young($2, ${3:-604800}, '', 100)"; }

as boss "create role a_op login in role tare_operator; create role b_op login in role tare_operator" >/dev/null
as adm "select tare.grant_namespace('a_op', 'a', 'prod'), tare.grant_namespace('b_op', 'b', 'prod')" >/dev/null

# ---- What is told and found again ----
begin op '{a,b}'
first=$run
put op "$attempt" "$(rows "$(answer a cart k1 answered one)" "$(answer a web k2 refused no-numbers)" "$(answer b pay k3 failed time-out)" "$(answer b pay k3 answered three)")"
is "$rc" 0 "who works on the analysis tells what came of it"
is "$(of op "$first")" "one no-numbers time-out three" "all of it, in its order"
is "$(as op "select count(*) from tare.answers_of($first, (select min(id) from tare.llm_answer), 2)")" 2 "a page begins after a row and has an end"
begin op '{a,b}'
is "$(young op "$run")" "no-numbers one three" "a later run may take answers and refusals; that there was none is no answer"
is "$(as op "select string_agg(text, ' ') from (select key from tare.answers_young($run, 604800, '', 1)) f
    cross join lateral tare.answers_young($run, 604800, f.key, 100) p where outcome = 'answered'" | wc -w)" 2 "and a page of it begins after a key"
put op "$attempt" "$(rows "$(answer b late k7 answered late "$(date -u -d '2 hours ago' +%FT%TZ)")")"
is "$(young op "$run" 3600) / $(young op "$run" 9000)" "no-numbers one three / late no-numbers one three" "of the age that is wanted"
put op "$attempt" "$(rows "$(answer a cart k1 answered newer)" "$(answer a cart old answered old 2020-01-01T00:00:00Z)" "$(answer a web k2 answered future 2999-01-01T00:00:00Z)")"
is "$(as op "select bool_and(at <= now()) from tare.llm_answer")" t "nothing was said later than now: no answer stays young for ever"
is "$(young op "$run" | tr ' ' '\n' | grep -cx -e newer -e three -e future)" 3 "of each key the newest counts"
is "$(young op "$run" | grep -c old)" 0 "and what is too old is not there"
begin op '{a,b}' analyze other
is "$(young op "$run")" "" "another cluster has a cache of its own"

# ---- Teams ----
begin a_op '{a}'
own=$run own_attempt=$attempt
is "$(young a_op "$own")" "future newer" "a team's cache has what was said about its namespace"
is "$(as a_op "select string_agg(distinct namespace, ' ') from tare.llm_answer")" a "it sees answers about its namespace alone"
is "$(as b_op "select count(*) from tare.llm_answer where namespace = 'a'")" 0 "another team none of them"
is "$(of b_op "$own")$(young b_op "$own")" "" "nor by the run"
is "$(as b_op "select coalesce(tare.answers_source($own)::text, 'null')")" null "nor whose they are"
is "$(as a_op "select count(*) from tare.answers_of($first, 0, 100)")" 0 "a run that a login does not see whole is not replayed by it"
is "$(as stranger "select count(*) from tare.llm_answer" 2>&1; state stranger "select 1 from tare.llm_answer")" 42501 "a login without a role sees nothing"

# ---- Forgery ----
good=$(rows "$(answer a cart k9 answered forged)")
is "$(put_state op2 "$own_attempt" "$good")" TA066 "nobody tells for an attempt that another login works on"
is "$(put_state b_op "$own_attempt" "$good")" TA066 "nor one of a run that is not seen"
is "$(put_state a_op "$own_attempt" "$(rows "$(answer b pay k9 answered forged)")")" TA077 "nor about another team's namespace"
is "$(put_state view "$own_attempt" "$good")" TA077 "nor without the role"
is "$(put_state a_op "$own_attempt" "$(rows "$(answer a cart k9 perhaps forged)")")" 23514 "an outcome that is none is refused"
is "$(put_state a_op "$own_attempt" "$(rows "$(answer a cart k9 answered forged | jq -c 'del(.text)')")")" 23514 "an answer has a text"
big=$(head -c 200000 /dev/zero | tr '\0' x)
answer a cart k9 answered x | jq -Rc --arg big "${big:0:90000}" 'fromjson | .text = $big + $big + $big | [.]' >"$tmp/big"
{ printf 'select tare.answers_put(%s, $rows$' "$own_attempt"; tr -d '\n' <"$tmp/big"; printf '$rows$);\n'; } >"$tmp/big.sql"
is "$(pg a_op ledger -v VERBOSITY=sqlstate -f "$tmp/big.sql" 2>&1 | grep -o 23514)" 23514 "one of more than 192 KiB is refused"
begin a_op '{a}' collect
is "$(put_state a_op "$attempt" "$good")" TA077 "models are asked in analyze"
put a_op "$own_attempt" "$(rows "$(answer a cart k1 answered mine)")"
as a_op "select tare.attempt_fail($own_attempt, 75, 'x')" >/dev/null
is "$(put_state a_op "$own_attempt" "$good")" TA077 "an attempt that ended learns nothing more"
is "$(of a_op "$own")" mine "(what it had learned stays)"
for sql in "update tare.llm_answer set text = 'x'" "delete from tare.llm_answer" "insert into tare.llm_answer (run) values (1)" "delete from tare.llm_exchange" \
    "update tare.llm_exchange set cost_microusd = 0" "delete from tare.llm_batch"; do
    is "$(state op "$sql")" 42501 "no SQL of one's own: ${sql%% (*}"
done
is "$(state boss "update tare.llm_answer set text = 'x'")" TA077 "and not the owner's"

# ---- The month's bill ----
call() { # KEY MORE
    echo "{\"key\":\"$1\",\"prompt_digest\":\"$(digest p)\",\"provider\":\"p\",\"model\":\"m\"${2:+,$2}}"
}
month() { as op 'select tokens, microusd from tare.llm_month()'; }
while (($(date +%s) % 86400 > 86400 - 120)); do sleep 1; done # it may be the month's last day
is "$(month)" "0|0" "nothing was spent yet"
as op "select tare.llm_put($first, '[$(call c1 '"reply":"r","input_tokens":100,"output_tokens":20,"cache_read_tokens":60,"cost_microusd":7,"workloads":3,"latency_ms":9'),
    $(call c2 '"outcome":"failed","error":"time-out","input_tokens":5,"cost_microusd":null')]')" >/dev/null
is "$rc" 0 "calls are stored, failed ones too"
is "$(month)" "125|7" "and make the month's bill"
as op "select tare.llm_put($first, '[$(call c1 '"reply":"r","input_tokens":100,"output_tokens":20,"cost_microusd":7')]')" >/dev/null
is "$(month)" "125|7" "one that is stored again is not paid twice"
as a_op "select tare.llm_put($own, '[$(call c1 '"reply":"r","input_tokens":1,"output_tokens":0,"cost_microusd":1')]')" >/dev/null
is "$(month)" "126|8" "but one of another run with the same key is: nobody takes the place of another's call"
as op "select tare.llm_put($first, '[$(call c3 '"reply":"r","input_tokens":-100,"output_tokens":-5,"cost_microusd":-7'),
    $(call c4 '"reply":"r","input_tokens":0,"at":"2001-01-01T00:00:00Z"')]')" >/dev/null
is "$(month)" "126|8" "nothing is paid back"
is "$(as op "select count(*) from tare.llm_exchange where at < now() - interval '1 hour'")" 0 "nor booked in another month"
for i in 1 2 3; do as op "select tare.llm_put($first, '[$(call "huge$i" "\"reply\":\"r\",\"input_tokens\":9223372036854775807")]')" >/dev/null; done
is "$(month | cut -d'|' -f2) $rc" "8 0" "amounts past all measure do not break the sum"
is "$(as op "select outcome, error, workloads, cache_read_tokens, cost_microusd, asked_by from tare.llm_exchange where key in ('c1', 'c2') and run = $first order by key" | tr '\n' ' ')" \
    "answered||3|60|7|op failed|time-out||0||op " "a call is kept with outcome, error, workloads, cached tokens and who asked; an unknown price is none"

# ---- Whose answers a run stands on ----
finish() { # LOGIN ATTEMPT STAGE TEXT
    pg "$1" ledger -v attempt="$2" -v kind="$3" -v text="$4" -v digest="$(digest "$4")" <<'SQL' >/dev/null
begin;
select tare.artifact_put(:attempt, :'digest', :'kind', octet_length(:'text'));
select tare.artifact_chunk_put(:'digest', 0, convert_to(:'text', 'UTF8'));
select tare.attempt_finish(:attempt, :'digest');
commit;
SQL
}
begin op '{a}'
source=$run
is "$(as op "select coalesce(tare.answers_source($source)::text, 'null')")" null "a run that is not analyzed stands on nothing"
put op "$attempt" "$(rows "$(answer a cart k5 answered five)")"
finish op "$attempt" recommendations analyzed
is "$(as op "select tare.answers_source($source)")" "$source" "one that asked stands on its own answers"
later=$(as op "select tare.rerun($source, '{analyze}', null)")
is "$(as op "select tare.answers_source($later)")" "$source" "a rerun that took the analysis over stands on the same"
replay=$(as op "select tare.rerun($source, '{}', '{\"replay\": $source}')")
attempt=$(as op "select tare.attempt_begin($replay, 'analyze', null, '{}')")
finish op "$attempt" recommendations replayed
is "$(as op "select tare.answers_source($replay)")" "$source" "and so does its replay"
stolen=$(as b_op "select tare.run_create('prod', 'files', '0.1.0', null, '{\"replay\": $source}')")
attempt=$(as b_op "select tare.attempt_begin($stolen, 'analyze', null, '{}')")
finish b_op "$attempt" recommendations stolen
is "$(as b_op "select coalesce(tare.answers_source($stolen)::text, 'null')")" null "naming another team's run opens nothing"

# ---- Batches ----
begin op '{a}'
as op "select tare.llm_batches_put($attempt, '[{\"id\":\"msgbatch_1\",\"provider\":\"anthropic\",\"model\":\"m\",\"questions\":\"$(digest q)\"}]')" >/dev/null
is "$rc $(as op "select id from tare.llm_batch where run = $run")" "0 msgbatch_1" "a batch that was sent is kept"
is "$(as a_op "select count(*) from tare.llm_batch where run = $run") $(as b_op "select count(*) from tare.llm_batch where run = $run")" "1 0" "for those who see the run"
refused op2 "select tare.llm_batches_put($attempt, '[{\"id\":\"x\",\"provider\":\"p\",\"model\":\"m\",\"questions\":\"$(digest q)\"}]')" TA066 "by who works on it"

# ---- What goes ----
begin op '{a}'
put op "$attempt" "$(rows "$(answer a cart k6 answered six)")"
as op "select tare.llm_put($run, '[$(call last '"reply":"r"')]')" >/dev/null
finish op "$attempt" recommendations goes
as op "select tare.run_fail($run, 'x')" >/dev/null
as boss "alter table tare.llm_answer disable trigger all; update tare.run set state_since = state_since - interval '100 days' where id = $run" >/dev/null
as boss "update tare.llm_exchange set at = at - interval '100 days' where run = $run and key = 'last'" >/dev/null
as boss "alter table tare.llm_answer enable trigger all" >/dev/null
is "$(as adm "select tare.prune_plan(86400, null, null) -> 'llm_answers' ->> 'rows'")" 1 "pruning would take the answers of a run whose analysis goes"
as adm "select tare.prune_step(86400, null, null, 10)" >/dev/null
while [[ $(as adm "select tare.prune_step(86400, null, null, 10)") != '{}' ]]; do :; done
is "$(as op "select count(*) from tare.llm_answer where run = $run") $(as op "select count(*) from tare.llm_exchange where run = $run")" "0 0" "and takes them"
is "$(of op "$first") $(of op "$source")" "one no-numbers time-out three five" "those of other runs stay"
is "$(as adm "select detail::jsonb -> 'llm_answers' ->> 'rows' from tare.audit_event where action = 'prune.done' and detail like '%llm_answers%'")" 1 "which stands in the audit trail"
is "$(as adm "select * from tare.audit_verify()" | head -1 | cut -c1)" t "(the chain holds)"
done_testing
