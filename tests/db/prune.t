#!/usr/bin/env bash
# tare prune: what is old goes, what anybody may still need stays, and what happened stays on record.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"
need jq
pg boss postgres -c 'drop database ledger' -c 'create database ledger'
"$BIN/tare" migrate --database "host=$pg_dir dbname=ledger user=boss" >/dev/null || echo 'Bail out! no ledger'
tare() { TARE_DATABASE_URL="host=$pg_dir dbname=ledger user=${login:-adm}" "$BIN/tare" "$@"; }

# made(CLUSTER, STATE, DAYS, PARENT): a run that ended DAYS ago, with four artifacts of its own; those of its parent's parse where it has
# one. image(RUN, STATE): a change it made, with what stood there before.
pg boss ledger <<'SQL'
create function public.made(p_cluster text, p_state text, p_days int, p_parent bigint default null) returns bigint
language plpgsql as $$
declare v_run bigint; v_stage text; v_bytes bytea; v_digest text; v_at timestamptz := now() - make_interval(days => p_days);
begin
    insert into tare.run (parent, created, state_since, requested_by, cluster, target, program, state, namespaces)
    values (p_parent, v_at, v_at, 'op', p_cluster, 'files', '0.1.0', p_state, '{shop}') returning id into v_run;
    foreach v_stage in array array['parse', 'collect', 'analyze', 'gate'] loop
        v_bytes := convert_to(v_stage || ' of ' || v_run || repeat('.', 1000), 'UTF8');
        v_digest := encode(sha256(v_bytes), 'hex');
        if v_stage = 'parse' and p_parent is not null then
            insert into tare.attempt (run, stage, number, state, worked_by, started, artifact, inherited_from)
            select v_run, stage, 1, state, worked_by, started, artifact, id from tare.attempt where run = p_parent and stage = 'parse';
            continue;
        end if;
        insert into tare.artifact values (v_digest, v_stage, octet_length(v_bytes), 'identity', true, v_at);
        insert into tare.artifact_chunk values (v_digest, 0, v_bytes);
        insert into tare.attempt (run, stage, number, state, worked_by, started, artifact)
        values (v_run, v_stage, 1, 'finished', 'op', v_at, v_digest);
    end loop;
    return v_run;
end $$;
create function public.image(p_run bigint, p_state text, p_days int) returns void language sql as $$
    insert into tare.change (run, sequence, cluster, object, workloads, state, before_image, before_digest, begun, updated, worked_by)
    select p_run, coalesce(max(c.sequence), 0) + 1, 'c', 'deploy/' || coalesce(max(c.sequence), 0) + 1 || '.yaml', '[]', p_state, 'before', encode(sha256('before'), 'hex'),
           now() - make_interval(days => p_days), now() - make_interval(days => p_days), 'op'
    from tare.change c where c.run = p_run $$;
SQL
made() { as boss "select public.made($1)"; }
# Stages of a run whose bytes are there, as letters.
left_of() { as boss "select coalesce(string_agg(left(a.stage, 1), '' order by array_position('{parse,collect,analyze,gate}', a.stage)), '-') from tare.attempt a
    join tare.artifact f on f.digest = a.artifact where a.run = $1 and f.complete
    and exists (select 1 from tare.artifact_chunk c where c.digest = f.digest)"; }
all_left() { for run in "$@"; do left_of "$run"; done | tr '\n' ' '; }

# ---- Which runs ----
lain=$(made "'lain', 'awaiting-approval', 100")
as boss "update tare.run set plan_digest = repeat('a', 64), plan_expires = now() - interval '93 days', approval_life = '1 day' where id = $lain" >/dev/null
as boss "insert into tare.plan_requirement (run, namespace, kind, name, plan_digest, cluster, verdict, required)
    values ($lain, 'shop', 'Deployment', 'cart', repeat('a', 64), 'lain', 'needs-approval', 1)" >/dev/null
old=$(made "'a', 'unchanged', 200") shared=$(made "'a', 'superseded', 190") applied=$(made "'a', 'applied', 180")
rejected=$(made "'a', 'rejected', 170") broken=$(made "'a', 'failed', 165") last=$(made "'a', 'applied', 160")
declare -A open
for state in running awaiting-approval approved refused applying; do open[$state]=$(made "'a', '$state', 150"); done
child=$(made "'a', 'approved', 140, $shared")
half=$(made "'a', 'failed', 130") young=$(made "'a', 'unchanged', 5")
lone=$(made "'b', 'applied', 400")
as boss "select public.image($applied, 'done', 180), public.image($last, 'done', 160), public.image($half, 'rollback-failed', 130),
    public.image($broken, 'rolled-back', 165), public.image($broken, 'planned', 165)" >/dev/null
runs="$old $shared $applied $rejected $broken $last ${open[*]} $child $half $young $lone"
before=$(all_left $runs)

run tare prune --yes
like "$rc $err" '^64 .*nothing is pruned unless' "nothing is pruned unless somebody says what is old"
run tare prune --dry-run
like "$rc $out" '^0 the database is .*nothing would be pruned' "a dry run without it tells the size"
run tare prune --older-than 90d --dry-run
like "$rc $out" '^0 .*5 runs would be pruned' "a dry run counts"
like "$out" 'artifacts +18 ' "what would go"
is "$(all_left $runs)" "$before" "and takes nothing"
is "$(as boss "select count(*) from tare.audit_event where action = 'prune.done'")" 0 "nor says so"
run tare prune --older-than 90d </dev/null
like "$rc $err" '^64 .*add --yes' "it asks"
login=op run tare prune --older-than 90d --yes
like "$rc $err" '^77 .*tare_admin' "it takes an administrator"
run tare prune --older-than 90d --yes --format json
is "$rc" 0 "pruning"
went=$(jq -c '[.went.runs, .went.artifacts.rows, .went.before_images.rows, .left.runs, .before[0].rows - .after[0].rows]' <<<"$out")
is "$went" "[5,18,2,0,18]" "says what went: 5 runs, 18 artifacts, 2 before-images that nothing could need"
is "$(all_left "$old" "$rejected" "$broken")" "- - - " "old runs that ended: nothing is left"
is "$(left_of "$shared")" p "what a kept run shares stays with its parent"
is "$(left_of "$child")" pcag "and with it"
is "$(left_of "$applied")" g "what can be rolled back keeps what a rollback reads"
is "$(as boss "select count(before_image) from tare.change where run = $applied")" 1 "and what stood there before"
is "$(left_of "$last") $(left_of "$lone")" "pcag pcag" "the last applied run of each cluster keeps all"
is "$(all_left "${open[@]}")" "pcag pcag pcag pcag pcag " "open runs keep all, however old"
is "$(as boss "select state from tare.run where id = $lain") $(left_of "$lain")" "expired pcag" "one that lay too long has expired, and ages from now on"
is "$(left_of "$half") $(left_of "$young")" "pcag pcag" "so do one that left something half changed, and a young one"
is "$(as boss "select count(*) from tare.attempt a join tare.artifact f on f.digest = a.artifact where a.run = $old
    and f.size > 0 and f.kind = a.stage and f.pruned_by = 'adm'")" 4 "rows stay: digest, kind, size, by whom"
is "$(as boss "select detail::jsonb -> 'runs' from tare.audit_event where action = 'prune.done'")" \
    "[$old, $shared, $applied, $rejected, $broken]" "and one event says which runs"
is "$(as view "select intact from tare.audit_verify()")" t "the chain holds"
run tare prune --older-than 90d --yes --format json
is "$(jq -c '[.went.runs, .went.artifacts.rows]' <<<"$out")" "[0,0]" "again: nothing"

# ---- What is gone says so ----
login=view run tare show "$old" collect
like "$rc $err" "^66 .*the collect of run $old: .*were pruned at 20.* by adm" "tare show says it, when, and by whom"
run tare status "$old"
is "$rc" 0 "tare status tells of the run as before"
refused op "select tare.rerun($old, '{parse}', null)" TA066 "what is gone is not taken over"
is "$(state op "select tare.rerun($old, '{}', null)")" ok "a rerun of everything is"
as boss "update tare.run set state = 'failed' where id = (select max(id) from tare.run)" >/dev/null
login=op run tare rollback "$old" --yes
like "$rc" '^(66|77)' "a rollback is refused"

# Bytes that come again are wanted and checked.
again=$(as op "select tare.run_create('a', 'files', 'p', null, '{}')")
pg op ledger >"$tmp/again" <<SQL
select tare.attempt_begin($again, 'parse', null, '{}') as attempt \gset
select convert_to('parse of $old' || repeat('.', 1000), 'UTF8') as bytes, octet_length(convert_to('parse of $old' || repeat('.', 1000), 'UTF8')) as size \gset
begin;
select tare.artifact_put(:attempt, encode(sha256(:'bytes'), 'hex'), 'parse', :size);
select tare.artifact_chunk_put(encode(sha256(:'bytes'), 'hex'), 0, :'bytes');
select tare.attempt_finish(:attempt, encode(sha256(:'bytes'), 'hex'));
commit;
SQL
is "$(head -1 "$tmp/again") $(left_of "$again") $(left_of "$old")" "t p p" "bytes that a new run makes again are stored again, for the old one too"
login=view run tare show "$old" parse
is "$rc" 0 "and shown"
as op "select tare.run_fail($again, 'x')" >/dev/null

# ---- Before-images ----
run tare prune --older-than 90d --before-images 200d --yes
is "$(left_of "$applied") $(as boss "select count(before_image) from tare.change where run = $applied")" "g 1" "younger before-images stay"
run tare prune --older-than 90d --before-images 170d --yes
is "$(left_of "$applied") $(as boss "select count(before_image) from tare.change where run = $applied")" "- 0" "older ones go with what a rollback reads"
is "$(left_of "$last") $(as boss "select count(before_image) from tare.change where run = $last")" "pcag 1" "never those of the last applied run"
is "$(as boss "select count(before_image) from tare.change where run = $half")" 1 "nor of what is half changed"
refused op "select tare.rollback_begin($applied)" TA066 "a rollback says that it was pruned"
login=op run tare rollback "$applied" --yes
like "$rc $err" "^66 .*run $applied cannot be rolled back: .*pruned at" "the program too"
is "$(as boss "select before_digest from tare.change where run = $applied")" "$(printf before | sha256sum | cut -d' ' -f1)" "its digest stays on record"

# ---- By number ----
for i in {1..6}; do made "'n', 'unchanged', 0" >>"$tmp/n"; done
mapfile -t n <"$tmp/n"
run tare prune --keep 4 --older-than 1d --yes
is "$(all_left "${n[@]}")" "pcag pcag pcag pcag pcag pcag " "both must hold: age and number"
run tare prune --keep 4 --yes
is "$(all_left "${n[@]}")" "- - pcag pcag pcag pcag " "the newest 4 of each cluster stay"
is "$(left_of "$lone")" pcag "each cluster counts its own"
printf 'retention: {keep_runs: 2}\n' >"$tmp/tare.yaml"
(cd "$tmp" && tare prune --yes >/dev/null)
is "$(all_left "${n[@]}")" "- - - - pcag pcag " "the configuration says it as well"
run tare prune --keep -1 --yes
is "$rc" 64 "a negative number is refused"

# ---- What goes beside runs ----
while (($(date +%s) % 86400 > 86400 - 120)); do sleep 1; done # days are counted here: not over midnight
put() { as boss "insert into tare.series_history (cluster, namespace, kind, name, container, series, day, minimum, maximum, samples, seen_at)
    select '$1', 'shop', 'Deployment', 'cart', 'c', 'cpu', (now() at time zone 'UTC')::date - d, 1, 2, 3, now() from unnest(array[$2]) d"; }
days_of() { as boss "select string_agg(((now() at time zone 'UTC')::date - day)::text, ' ' order by day desc) from tare.series_history where cluster = '$1'"; }
fresh=$(made "'b', 'unchanged', 3")
put b '1, 90, 91, 400, 489, 490, 491, 600' && put n '1, 89, 90, 91, 200' && put gone '89, 91'
as boss "insert into tare.llm_exchange (key, run, prompt_digest, provider, model, reply, at) values
    ('old', $rejected, repeat('a', 64), 'p', 'm', 'r', now() - interval '100 days'), ('kept', $fresh, repeat('a', 64), 'p', 'm', 'r', now() - interval '100 days'),
    ('month', $rejected, repeat('a', 64), 'p', 'm', 'r', now()), ('free', null, repeat('a', 64), 'p', 'm', 'r', now() - interval '100 days')" >/dev/null
as boss "insert into tare.notification (run, event, receiver, moved_at, facts, made_by, made_at, next_at, state, ended_at)
    select r, 'applied', 'x' || s, now(), '{}', 'op', now(), now(), s, case when s <> 'waiting' then now() end
    from unnest(array[$old, $fresh]) r, unnest(array['waiting', 'sent', 'given-up']) s" >/dev/null
as boss "insert into tare.clock_override values (gen_random_uuid(), 'x', '1 day', now() - interval '8 days'), (gen_random_uuid(), 'x', '1 day', now())"
told=$(as op "select count(*) from tare.history_page($lone, 90, '{}', 100)")
refused boss "delete from tare.notification where state = 'waiting'" TA077 "a notification that waits is not deleted"
run tare prune --older-than 90d --yes --format json
is "$rc" 0 "pruning beside runs"
is "$(days_of b)" "1 90 91 400 489 490" "history that a kept run was told stays (90 days before it), older goes"
is "$(days_of n) $(days_of gone)" "1 89 90 89" "elsewhere 90 days stay"
is "$(as op "select count(*) from tare.history_page($lone, 90, '{}', 100)")" "$told" "a kept run is told what it was told"
is "$(as boss "select string_agg(key, ' ' order by key) from tare.llm_exchange")" "kept month" \
    "exchanges go with their run, but never those of this month, whose bill is open"
is "$(as boss "select string_agg(run || state, ' ' order by run, state) from tare.notification")" \
    "${old}waiting ${fresh}given-up ${fresh}sent ${fresh}waiting" "notifications that ended go with their run"
is "$(as boss "select count(*) from tare.clock_override")" 1 "moved clocks after a week"
is "$(jq -c '[.went.series_history.rows, .went.llm_exchanges.rows, .went.notifications.rows, .went.clock_overrides.rows]' <<<"$out")" \
    "[5,2,2,1]" "and all of it is counted"
for table in audit_event approval plan_requirement policy run attempt artifact change; do
    as boss "select count(*) from tare.$table"
done >"$tmp/rows"
run tare prune --keep 0 --before-images 0s --yes
for table in audit_event approval plan_requirement policy run attempt artifact change; do
    as boss "select count(*) from tare.$table"
done >"$tmp/rows.after"
is "$(tail -n +2 "$tmp/rows.after")" "$(tail -n +2 "$tmp/rows")" "at its hardest it takes no row of runs, approvals, plans, policies, changes"
ok "and adds to the trail" test "$(head -1 "$tmp/rows.after")" -gt "$(head -1 "$tmp/rows")"
is "$(left_of "$last") $(left_of "$lone") $(left_of "${open[applying]}") $(left_of "$half")" "pcag pcag pcag pcag" "what may never go stays even then"
like "$(tare prune --dry-run --keep 0)" 'the largest part: ' "the size is told"
like "$(login=adm tare doctor 2>/dev/null)" 'the database is [0-9.]+ [KMG]iB, the largest part' "by tare doctor too"

# ---- Several at once ----
as boss "select public.made('c', 'unchanged', 100) from generate_series(1, 40)" >"$tmp/c"
mapfile -t c <"$tmp/c"
until_told() { # WORD FILE
    for _ in {1..600}; do
        grep -qs "$1" "$2" && return
        sleep 0.1
    done
    diag "$2 does not say $1"
}
# A run that another transaction has just taken: pruning does not wait for it, and leaves that run.
mkfifo "$tmp/go"
pg boss ledger >"$tmp/taken" 2>&1 <"$tmp/go" &
worker=$!
exec 7>"$tmp/go"
printf 'begin;\nselect 1 from tare.run where id = %s for update;\n\\echo taken\n' "${c[0]}" >&7
until_told taken "$tmp/taken"
run tare prune --older-than 90d --yes --format json
is "$(jq -c '[.went.runs, .left.runs]' <<<"$out")" "[39,1]" "a run that somebody takes is left, and said to be"
is "$(left_of "${c[0]}")" pcag "with all it has"
printf 'commit;\n' >&7
exec 7>&-
wait "$worker"
heir=$(as op "select tare.rerun(${c[0]}, '{parse,collect}', null)")
gone
run tare prune --older-than 90d --yes
is "$(left_of "${c[0]}") $(left_of "$heir")" "pc pc" "next time it goes but for what a new run took over"

# Somebody works on a run, or applies it: its session's lock keeps it.
lone2=$(made "'d', 'failed', 100")
{ printf 'select tare.run_lock(%s);\n\\echo locked\n' "$lone2"; cat; } < <(sleep 600 & echo $! >"$tmp/sleeper"; wait) | pg op ledger >"$tmp/locked" &
until_told locked "$tmp/locked"
run tare prune --older-than 90d --yes
is "$(left_of "$lone2")" pcag "a run that somebody works on is left"
kill "$(<"$tmp/sleeper")" 2>/dev/null
wait

# Many reruns and prunes at the same time: whoever took over has all the bytes, or was refused.
as boss "select public.made('e', 'unchanged', 100) from generate_series(1, 60)" >"$tmp/e"
mapfile -t e <"$tmp/e"
reruns() { for run in "${e[@]}"; do printf "select tare.rerun(%s, '{parse,collect}', null);\n" "$run"; done | sort -R --random-source=<(yes "$1") |
    pg op ledger -v ON_ERROR_STOP=0 -v VERBOSITY=sqlstate; }
for i in 1 2 3; do reruns $i >"$tmp/reruns.$i" 2>&1 & done
for i in 1 2 3; do tare prune --older-than 90d --yes >"$tmp/prune.$i" 2>&1 & done
wait
like "$(grep -h -o 'ERROR:.*' "$tmp"/reruns.* | sort -u | tr '\n' ' ')" '^(ERROR:  TA066 )?$' "reruns work or are told what is gone"
unlike "$(cat "$tmp"/prune.*)" 'deadlock|error' "prunes get on with each other"
is "$(as boss "select count(*) from tare.attempt a join tare.run r on r.id = a.run join tare.artifact f on f.digest = a.artifact
    where r.cluster = 'e' and r.pruned_at is null and not (f.complete and exists (select 1 from tare.artifact_chunk c where c.digest = f.digest))")" 0 \
    "no run that is kept lost a byte"

# ---- Killed in the middle ----
as boss "select public.made('k', 'unchanged', 100) from generate_series(1, 200)" >/dev/null
tried=0
for wait in 0.01 0.02 0.03 0.05 0.08 0.12 0.2; do
    tare prune --older-than 90d --yes >/dev/null 2>&1 &
    pid=$!
    sleep $wait
    kill -9 $pid 2>/dev/null && tried=$((tried + 1))
    wait $pid 2>/dev/null
done
gone # what was killed may be at its last statement yet
half=$(as boss "select count(*) from tare.artifact f where f.complete <> (select count(*) > 0 from tare.artifact_chunk c where c.digest = f.digest)
    or f.complete = (f.pruned_at is not null)")
is "$half" 0 "killed $tried times: no artifact is half gone"
run tare prune --older-than 90d --yes
told=$(as boss "select count(distinct r) from tare.audit_event, jsonb_array_elements(detail::jsonb -> 'runs') r where action = 'prune.done'")
is "$told" "$(as boss "select count(*) from tare.run where pruned_at is not null")" "every run that went is in the trail, once all is done"
is "$(as view "select intact from tare.audit_verify()")" t "which is whole"

# ---- Who may ----
pg adm ledger -c "select tare.grant_namespace('adm2', 'shop', null)" 2>/dev/null || { as boss "create role adm2 login in role tare_admin" && pg adm ledger -c "select tare.grant_namespace('adm2', 'shop', null)"; }
login=adm2 run tare prune --older-than 1d --yes
like "$rc $err" '^77 .*narrowed' "who does not see everything does not prune"
bad=''
for who in view op rev duo stranger; do
    for sql in "select tare.prune_step(1, 0, 1, 1)" "select tare.prune_plan(1, 0, 1)" "select tare.prune_counts()" "select tare.prune_bytes()" \
        "delete from tare.artifact_chunk" "update tare.run set pruned_at = now()" "update tare.change set before_image = null"; do
        [[ $(state $who "$sql") == @(TA077|42501) ]] || bad+="$who: $sql; "
    done
done
is "$bad" "" "nobody else does, nor by hand"
refused boss "update tare.artifact set pruned_at = now() where complete" TA077 "not even the owner marks as pruned what is there"
refused boss "update tare.change set before_image = 'forged' where state = 'done'" TA077 "or changes what stood there before"
done_testing
