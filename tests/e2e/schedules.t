#!/bin/bash
# Scheduled runs: kept, fired once whoever fires, resumed after a kill, left out or queued, missed, told to timers and to metrics.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
. "$root/tests/harness/killed.sh"
need psql promtool systemd-analyze crontab
manifest deploy/a.yaml web api
plan
cat >tare.yaml <<YAML
version: 1
heartbeat: {file: $tmp/heartbeat.prom}
YAML
# The clock starts there and runs on: what must not be due yet is a minute off, however slow the machine is.
at() { export TARE_NOW=$1; }
sql() { psql -h "$tmp/state/socket" -U root -d tare -XqAt -c "$1"; }
super() { psql -h "$tmp/state/socket" -U tare_superuser -d tare -XqAt -c "$1"; }
# Tries for two minutes.
comes() { local i; for ((i = 0; i < 1200; i++)); do "$@" && return; sleep 0.1; done; diag "never came true: $*"; return 1; }
firing_is() { [[ $(facts "$1" .firing) == "$2" ]]; }
priced() { [[ $(sql "select count(*) from tare.attempt where run $1 and stage = 'price'") == "$2" ]]; }
facts() { "$tare" schedule show "$1" --format json | jq -r "$2"; }
# Debian's cron calls it -n, then -T.
crontab_check() { crontab -T "$1" || crontab -n "$1"; }
runs() { "$tare" status --schedule "$1" --limit 0 --format json | jq -r 'map("\(.run):\(.state)") | join(" ")'; }
fires() { run "$tare" run --schedule "$@"; }

# ---- Keeping them ----
at 2026-11-20T12:00:00Z
run "$tare" schedule set nightly --daily 03:00 --timezone Europe/Berlin -- deploy --window 3d
is "$rc" 0 "a schedule is set"
like "$out" "next due 2026-11-21T02:00:00Z \(2026-11-21 03:00 Europe/Berlin\)" "and says when it is due, there and in UTC"
is "$(facts nightly '[.cron, .overlap, .missed, .grace_seconds, (.request.words | join(" ")), (.request.paths | join(" ")), .request.directory, .request.config] | join("|")')" \
    "0 3 * * *|skip|run|3600|--window=3d|deploy|$work|$work/tare.yaml" "what its runs are given is kept, with folder and configuration"
run "$tare" schedule list
like "$out" "nightly +default +0 3 \* \* \* +Europe/Berlin +2026-11-21T02:00:00Z +2026-11-21 03:00" "the list tells both times"
run "$tare" schedule set nightly --weekly mon@03:00 --timezone Europe/Berlin -- deploy
like "$out" "is changed: next due 2026-11-23T02:00:00Z" "set again changes it"
is "$("$tare" audit list --format json | jq -r '[.[] | select(.action | startswith("schedule.")) | .action] | join(" ")')" "schedule.made schedule.changed" \
    "both are in the audit trail"
run env TARE_DATABASE_URL= "$tare" schedule set tidy --daily 04:00 -- --prometheus http://127.0.0.1:9 deploy
unlike "$(sql "select request from tare.schedule")" "socket|postgres" "neither ledger nor login is kept"

# ---- What is refused ----
while IFS='|' read -r code words pattern; do
    eval "run '$tare' schedule $words"
    is "$rc $(wc -l <<<"${err//hint:*/}" | tr -d ' ')" "$code $([[ $err == *hint:* ]] && echo 2 || echo 1)" "schedule $words: $code, one sentence"
    like "$err" "$pattern" "… that names it"
done <<'CASES'
64|set x --cron "0 3 * *" -- deploy|has 4 fields, not five
64|set x --cron "61 3 * * *" -- deploy|does not fit the field minute
64|set x --cron "0 3 30 2 *" -- deploy|never comes
64|set x --cron "@daily" -- deploy|not five
64|set x --cron "" -- deploy|0 fields
64|set x --daily 25:00 -- deploy|must be a time of day
64|set x --daily 3 -- deploy|must be a time of day
64|set x --weekly someday@03:00 -- deploy|a weekday and a time
64|set x --monthly 31@03:00 -- deploy|not every month has a day 31
64|set x --monthly 0@03:00 -- deploy|day of the month
64|set x --daily 03:00 --cron "0 3 * * *" -- deploy|is said twice
64|set x -- deploy|when the runs are due is missing
64|set x --daily 03:00 --timezone Mars/Base -- deploy|is not a time zone
64|set x --daily 03:00 --timezone ../../etc/passwd -- deploy|is not a time zone
64|set x --daily 03:00 --overlap wait -- deploy|--overlap is "wait"
64|set x --daily 03:00 --missed all -- deploy|--missed is "all"
64|set x --daily 03:00 --grace soon -- deploy|--grace
64|set x --daily 03:00 --grace 1s -- deploy|between a minute and 31 days
64|set x --daily 03:00 --grace 400d -- deploy|between a minute and 31 days
64|set X --daily 03:00 -- deploy|is no name for a schedule
64|set "x'; drop table tare.run; --" --daily 03:00 -- deploy|is no name for a schedule
64|set x --daily 03:00 -- deploy --no-such-option|no option --no-such-option
64|set x --daily 03:00 -- deploy --window soon|--window
64|set x --daily 03:00 -- deploy --database postgresql://a:b@c/d|--database is not kept
64|set x --daily 03:00 -- deploy --as boss|--as is not kept
64|set x --daily 03:00 -- deploy --resume|--resume cannot be part
64|set x --daily 03:00 -- deploy --schedule y|--schedule cannot be part
64|set x --daily 03:00 -- deploy --prometheus http://u:secret@h/|holds a password
66|set x --daily 03:00 -- no-such-folder|no-such-folder cannot be read
66|set x --daily 03:00 -- deploy -c no-such.yaml|no-such.yaml
64|set --daily 03:00|an operand is missing
64|dance nightly|not "dance"
64|list --format xml|table, json or prometheus
66|show nobody|no schedule nobody
66|pause nobody|no schedule nobody
66|remove nobody|no schedule nobody
64|print nightly|needs --format
64|print nightly --format cronjob|needs the image
64|print nightly --format cronjob --image i --secret "A b"|no name of a secret
64|install nightly --format cronjob --image i|is not installed from here
CASES
printf 'version: 1\nodd: 1\n' >bad.yaml
run "$tare" schedule set x --daily 03:00 -- deploy -c bad.yaml
is "$rc" 78 "a configuration that is none is refused when it is set"
fires nightly --window 3d
is "$rc $(head -1 <<<"$err")" "64 tare: tare run --schedule takes no --window: the schedule has its own options" "what is run is what was set"
run "$tare" run --now
is "$rc" 64 "--now is a schedule's"
"$tare" schedule remove tidy >/dev/null

# ---- Due or not ----
fires nightly
is "$rc $out" "0 schedule nightly: not due; next due 2026-11-23T02:00:00Z (2026-11-23 03:00 Europe/Berlin)" "what is not due is said, exit 0"
at 2026-11-23T01:59:00Z
fires nightly
like "$out" "not due" "a minute before it is not"
at 2026-11-23T02:00:00Z
fires nightly
is "$rc" 0 "at its instant it runs"
like "$out" "awaiting-approval" "as tare run does"
is "$(runs nightly)" "1:awaiting-approval" "its runs are listed by status --schedule"
is "$("$tare" status --format json | jq -r '.[0].schedule')" nightly "the run bears its name"
fires nightly
like "$out" "not due; next due 2026-11-30T02:00:00Z" "once"
is "$(facts nightly '[.last_exit, .last_run, .last_state, .missed_total, .handled] | join(" ")')" "0 1 awaiting-approval 0 2026-11-23T02:00:00Z" "what came of it is on record"

# Missed: one run for all of them.
at 2026-12-16T09:00:00Z
run "$tare" doctor
like "$out" "warn  schedules +1 of 1 schedules are overdue.*nightly \(due 2026-11-30T02:00:00Z\)" "doctor names what is overdue"
is "$(facts nightly .overdue)" true "so does the list"
fires nightly
like "$err" "stands for 2 missed instants too" "late, one run stands for those that were missed"
is "$(runs nightly) $(facts nightly .missed_total)" "2:awaiting-approval 1:expired 2" "one, and the others are counted"
"$tare" schedule set nightly --daily 03:00 --missed skip --grace 30m -- deploy >/dev/null
at 2026-12-20T09:00:00Z
fires nightly
like "$out" "missed: 2026-12-20T03:00:00Z is past by more than the grace of 30m; next due 2026-12-21T03:00:00Z" "or none, where it was asked for"
is "$rc $(runs nightly | wc -w) $(facts nightly .missed_total)" "0 2 6" "then all are counted"
at 2026-12-21T03:29:00Z
fires nightly
is "$(runs nightly | wc -w)" 3 "within the grace it still runs"

# A clock that steps back.
at 2026-12-21T01:00:00Z
fires nightly
like "$out" "not due; next due 2026-12-22T03:00:00Z" "a clock that steps back runs nothing twice"
at 2029-01-01T03:00:00Z
fires nightly
at 2026-12-22T03:00:00Z
fires nightly
like "$err" "the clock was set back" "one that was years ahead"
at 2026-12-23T03:00:00Z
fires nightly
is "$(runs nightly | wc -w)" 5 "does not keep it from running"

# Over the changes of clocks.
"$tare" schedule set dst --cron "30 2 * * *" --timezone Europe/Berlin -- deploy >/dev/null
sql "update tare.schedule set handled = '2026-03-28T12:00:00Z' where name = 'dst'" 2>/dev/null ||
    super "update tare.schedule set handled = '2026-03-28T12:00:00Z', revision = revision + 1 where name = 'dst'"
at 2026-03-29T00:59:00Z
fires dst
like "$out" "not due; next due 2026-03-29T01:00:00Z \(2026-03-29 03:00 Europe/Berlin\)" "02:30 on the day without it: not before the gap"
at 2026-03-29T01:00:00Z
fires dst
is "$(runs dst | wc -w)" 1 "but right after it"
at 2026-10-24T12:00:00Z
fires dst
at 2026-10-25T00:30:00Z
fires dst
at 2026-10-25T01:30:00Z
fires dst
like "$out" "not due; next due 2026-10-26T01:30:00Z" "on the day that has it twice: once"
is "$(runs dst | wc -w)" 3 "the first time"
"$tare" schedule remove dst >/dev/null

# ---- Paused ----
at 2026-12-24T03:00:00Z
run "$tare" schedule pause nightly
like "$out" "is paused" "a schedule is paused"
fires nightly
is "$rc" 0 "a timer may go on"
like "$out" "it is paused" "nothing is run"
is "$("$tare" schedule list --format prometheus | grep -c '^tare_schedule_next_due')" 0 "nothing is due"
at 2026-12-26T12:00:00Z
run "$tare" schedule resume nightly
fires nightly
like "$out" "not due; next due 2026-12-27T03:00:00Z" "what lay in the pause was not missed"
fires nightly --now
is "$(runs nightly | wc -w)" 6 "--now runs it regardless"

# ---- At once ----
at 2026-12-27T03:00:00Z
pids=()
for i in $(seq 20); do "$tare" run --schedule nightly >"$tmp/at-once.$i" 2>&1 & pids+=($!); done
codes=''
for pid in "${pids[@]}"; do wait "$pid"; codes+="$? "; done
is "$(tr ' ' '\n' <<<"$codes" | sort -u | tr -d '\n')" 0 "twenty firings at one instant: none fails"
is "$(runs nightly | wc -w) $(cat "$tmp"/at-once.* | grep -c '^run ')" "7 1" "one runs"
is "$(cat "$tmp"/at-once.* | grep -c 'schedule nightly: not due')" 19 "the others find nothing due"
is "$(facts nightly .skipped_total)" 0 "that is no overlap"

# ---- Kills ----
at 2026-12-28T03:00:30Z
rev=$(super "update tare.schedule set handled = now() - interval '1 day', revision = revision + 1 where name = 'nightly' returning revision")
sql "select tare.schedule_claim('nightly', $rev, date_trunc('minute', now()), 0)" >/dev/null
comes firing_is nightly unstarted
is "$(facts nightly .firing)" unstarted "a process that dies between taking its instant and making a run"
super "update tare.schedule set handled = '2026-12-28T03:00:00Z', firing_due = '2026-12-28T03:00:00Z', revision = revision + 1 where name = 'nightly'"
fires nightly
is "$rc $(runs nightly | wc -w)" "0 8" "the next firing takes it up"
is "$(facts nightly '[.firing, .last_exit] | join(" ")')" " 0" "and ends it"

slow() { # STAGE: it hangs while $tmp/hang is there
    printf '#!/bin/sh\n[ "$1" = --version ] && exit\nwhile [ -e "%s/hang" ]; do sleep 0.1; done\ncat >/dev/null\ncat "%s/%s.jsonl"\n' "$tmp" "$tmp" "$1" >"$line/tare-$1"
}
slow price
# A firing of SCHEDULE in the background ($child, its output in FILE) whose own run has come to the stage that hangs.
hangs() { # SCHEDULE [FILE]
    local before
    before=$(sql "select coalesce(max(id), 0) from tare.run")
    : >"$tmp/hang"
    "$tare" run --schedule "$1" >"${2:-/dev/null}" 2>&1 &
    child=$!
    comes priced "> $before" 1
}
at 2026-12-29T03:00:00Z
hangs nightly
victim=$child
kill -9 "$victim"
wait "$victim" 2>/dev/null
dead=$(facts nightly .last_run)
rm "$tmp/hang"
sessions_end
is "$(facts nightly .firing)" interrupted "a process that is killed within its run"
fires nightly
like "$out" "run $dead: awaiting-approval" "the next firing goes on with that run"
is "$(runs nightly | wc -w) $(sql "select string_agg(stage || number, ' ' order by id) from tare.attempt where run = $dead")" \
    "9 parse1 collect1 analyze1 price1 price2 diff1 gate1" "and does again only what was not done"

# ---- Overlap ----
at 2026-12-30T03:00:00Z
hangs nightly
first=$child
at 2026-12-31T03:00:00Z
fires nightly
is "$rc" 0 "a firing while a run is under way"
like "$out" "run $((dead + 1)) of it is still under way; next due 2027-01-01T03:00:00Z" "leaves its instant out, and says why"
is "$(facts nightly .skipped_total)" 1 "on record"
is "$("$tare" audit list --format json | jq -r '[.[] | select(.action == "schedule.skipped") | .subject] | length >= 2')" true "in the audit trail, too"
fires nightly --now
is "$rc" 75 "whoever asks for a run now is told to wait"
"$tare" schedule set nightly --daily 03:00 --overlap queue --grace 1h -- deploy >/dev/null
at 2027-01-01T03:00:00Z
"$tare" run --schedule nightly >"$tmp/queued" 2>&1 &
second=$!
comes grep -qs 'waiting for it' "$tmp/queued"
fires nightly
like "$rc $out" "^0 .*another firing of it waits already" "one waits, no more"
rm "$tmp/hang"
wait "$first" "$second"
like "$(cat "$tmp/queued")" "run $((dead + 2)): awaiting-approval" "and runs when the other is done"
is "$(facts nightly .skipped_total)" 1 "nothing was left out"
at 2027-01-02T03:00:00Z
hangs nightly
first=$child
kill -9 "$first"
wait "$first" 2>/dev/null
rm "$tmp/hang"
sessions_end
at 2027-01-03T03:00:00Z
fires nightly
like "$err" "stands for 1 missed instant too" "what died a day ago is in nobody's way"
is "$(runs nightly | cut -d' ' -f1,2)" "$((dead + 4)):awaiting-approval $((dead + 3)):failed" "its run is ended, a new one stands for both"

# What died and somebody goes on with is theirs: a firing that comes too late for its instant does not fail it.
at 2027-01-03T03:05:00Z
"$tare" schedule set late --cron '10 * * * *' --missed skip --grace 1m -- deploy >/dev/null
at 2027-01-03T03:10:00Z
hangs late
victim=$child
kill -9 "$victim"
wait "$victim" 2>/dev/null
dead=$(facts late .last_run)
sessions_end
"$tare" run --resume "$dead" >"$tmp/resumed" 2>&1 &
mine=$!
comes priced "= $dead" 2
at 2027-01-03T04:15:00Z
fires late
like "$rc $out" "^0 .*missed: 2027-01-03T04:10:00Z is past" "too late, while somebody goes on with the run of a dead firing" || diag "$err"
rm "$tmp/hang"
wait "$mine"
is "$? $(runs late)" "0 $dead:awaiting-approval" "who came to its end" || diag "$(<"$tmp/resumed")"
"$tare" schedule remove late >/dev/null

# Killed anywhere: each instant has one run in the end, and the schedule goes on.
"$tare" schedule set nightly --daily 03:00 -- deploy >/dev/null
bad=''
before=$(runs nightly | wc -w)
for i in 1 2 3 4 5 6 7 8; do
    at "2027-01-$((3 + i < 10 ? 0 : 1))$(((3 + i) % 10))T03:00:00Z"
    "$tare" run --schedule nightly >"$tmp/killed" 2>&1 &
    victim=$!
    sleep "0.$((i * 7 % 10))$((i * 3 % 10))"
    kill -9 "$victim" 2>/dev/null
    wait "$victim" 2>/dev/null
    sessions_end
    for ((try = 0; try < 200; try++)); do # a stage that outlives its conductor may hold the run for a moment
        fires nightly
        ((rc == 0)) && break
        sleep 0.3
    done
    [[ "$rc $(facts nightly '[.firing, .last_state, (.last_exit | tostring)] | join(" ")')" == "0  awaiting-approval 0" ]] ||
        bad+="$i: $rc $out $err $(facts nightly '[.firing, .last_state, .last_exit] | map(tostring) | join(" ")')"
done
is "$bad" "" "killed at eight instants: the next firing does what is left"
is "$(($(runs nightly | wc -w) - before))" 8 "each instant has its one run"

# A ledger that drops the connection in the middle of a run.
at 2027-01-12T03:00:00Z
hangs nightly "$tmp/dropped"
first=$child
run_now=$(facts nightly .last_run)
super "select pg_terminate_backend(pid, 60000) from pg_stat_activity where application_name = 'tare'" >/dev/null # each is gone then
rm "$tmp/hang"
wait "$first"
is "$? $(facts nightly '[.firing, .last_state, .last_run] | map(tostring) | join(" ")')" "0 null awaiting-approval $run_now" \
    "a connection that breaks in the middle: it connects again and goes on with that run"

# ---- What fails ----
at 2027-01-16T03:00:00Z
printf '#!/bin/sh\necho "tare-price: no price" >&2\nexit 65\n' >"$line/tare-price"
fires nightly
is "$rc $(facts nightly '[.last_exit, .last_success[:14]] | join(" ")')" "65 65 2027-01-12T03:" "a run that fails is on record with its code"
fires nightly
like "$rc $out" "^0 .*not due" "and not tried again and again"
at 2027-01-17T03:00:00Z
printf '3\n' >"$tmp/times"
printf '#!/bin/sh\nn=$(cat "%s/times")\nif [ "$n" -gt 0 ]; then echo $((n - 1)) >"%s/times"; exit 75; fi\ncat >/dev/null\ncat "%s/price.jsonl"\n' "$tmp" "$tmp" "$tmp" >"$line/tare-price"
fires nightly
is "$rc $(facts nightly '[.last_exit, .firing] | join(" ")')" "0 0 " "75 is tried again, beyond the stage's own tries"
at 2027-01-18T03:00:00Z
printf '1000\n' >"$tmp/times"
fires nightly
is "$rc $(facts nightly '[.last_exit, .firing] | join(" ")')" "75 75 interrupted" "what stays 75 is not over"
printf '0\n' >"$tmp/times"
fires nightly
is "$rc $(facts nightly '[.last_exit, .firing] | join(" ")')" "0 0 " "and the next firing goes on with it"
at 2027-01-19T03:00:00Z
mv tare.yaml gone.yaml
fires nightly
is "$rc $(facts nightly .last_exit)" "66 66" "a configuration that is gone is a failed run"
mv gone.yaml tare.yaml
run env TARE_DATABASE_URL=postgresql://127.0.0.1:1/none "$tare" run --schedule nightly
is "$rc" 75 "a ledger that is away is to be tried again"
slow price

# Several clusters: one firing, a run for each of them.
cat >many.yaml <<'YAML'
version: 1
clusters:
- {cluster: default, manifests: [deploy]}
- {cluster: elsewhere, manifests: [deploy]}
YAML
at 2027-01-19T20:00:00Z
"$tare" schedule set many --daily 21:00 -- -c many.yaml >/dev/null
at 2027-01-19T21:00:00Z
fires many
is "$("$tare" status --schedule many --format json | jq -r 'map(.cluster + " " + .batch) | sort | join(", ")')" "default b1, elsewhere b1" \
    "a schedule over several clusters makes a run for each, under one batch"
is "$(facts many '.cluster + " " + (.firing_runs | length | tostring) + " " + (.firing | tostring)')" "* 2 null" "of one firing, which is ended"
is "$rc" "$(facts many .last_exit)" "its exit code is the batch's"
"$tare" schedule remove many >/dev/null

# ---- Metrics ----
at 2027-01-20T03:00:00Z
fires nightly
"$tare" schedule list --format prometheus >"$tmp/metrics"
ok "promtool takes the metrics" promtool check metrics <"$tmp/metrics"
is "$(cat "$tmp/heartbeat.prom")" "$(cat "$tmp/metrics")" "the heartbeat file says the same"
is "$(grep -c '^tare_schedule_[a-z_]*{schedule="nightly",cluster="default"} [0-9]*$' "$tmp/metrics")" 7 "seven of them"
is "$(awk '/^tare_schedule_(next_due|last_exit|missed|skipped|overdue)/ { print $2 }' "$tmp/metrics" | tr '\n' ' ')" \
    "0 $(date -u -d 2027-01-21T03:00:00Z +%s) $(facts nightly .missed_total) 1 0 " "with what is so"
sed -n '/^groups:$/,/^```$/p' "$root/README.md" | sed '$d' >"$tmp/rules.yaml"
ok "promtool takes the alert rules of the README" promtool check rules "$tmp/rules.yaml"
at 2027-01-21T05:00:00Z
like "$("$tare" schedule list --format prometheus)" 'tare_schedule_overdue\{schedule="nightly",cluster="default"\} 1' "overdue is told while nothing fires"

# ---- Timers ----
mkdir -p "$tmp/unit"
"$tare" schedule set odd --cron "*/20 1-3 1,15 * 0" --timezone America/New_York -- deploy >/dev/null
for name in nightly odd; do
    run "$tare" schedule print "$name" --format systemd --secret token
    is "$rc" 0 "$name: units are printed"
    unlike "$out" "postgres|PASSWORD|--database" "without a secret"
    sed '/^# tare-.*\.timer/,$d' <<<"$out" >"$tmp/unit/tare-$name.service"
    sed -n '/^# tare-.*\.timer/,$p' <<<"$out" >"$tmp/unit/tare-$name.timer"
    run systemd-analyze verify --recursive-errors=no "$tmp/unit/tare-$name.service" "$tmp/unit/tare-$name.timer"
    is "$rc $(grep "tare-$name" <<<"$err")" "0 " "systemd-analyze verify takes them"
    # The timer covers each instant: what systemd reckons of its lines, against the schedule's own.
    at=$(date -u -d 2026-03-01T00:00:00Z +%s)
    sed -n 's/^OnCalendar=//p' "$tmp/unit/tare-$name.timer" | while read -r spec; do
        systemd-analyze calendar --base-time='2026-03-01 00:00:00 UTC' --iterations=400 "$spec" 2>/dev/null |
            sed -n 's/.*\(Next elapse\|Iter\. #[0-9]*\): ... \([0-9-]* [0-9:]*\) UTC$/\2/p'
    done | sort -u >"$tmp/fires"
    zone=$(facts "$name" .timezone) cron=$(facts "$name" .cron)
    printf '%s|%s|2026-03-01T00:00:00Z|2026-11-20T00:00:00Z\n' "$zone" "$cron" | "$BIN/harness/schedule" | tr ' ' '\n' | tr TZ ' \n' | grep . | sort >"$tmp/due"
    is "$(($(wc -l <"$tmp/due") > 5)) $(comm -13 "$tmp/fires" "$tmp/due" | wc -l)" "1 0" "$name: no instant lies outside the timer's"
    run "$tare" schedule print "$name" --format crontab
    is "$rc" 0 "$name: crontab lines are printed"
    printf '%s\n' "$out" >"$tmp/crontab.txt"
    ok "crontab takes them" crontab_check "$tmp/crontab.txt"
    unlike "$out" "postgres" "without a secret"
done
mkdir -p "$tmp/it's 100% \"odd\""
(cd "$tmp/it's 100% \"odd\"" && mkdir deploy && "$tare" schedule set quoted --daily 03:00 -- deploy >/dev/null)
"$tare" schedule print quoted --format crontab >"$tmp/crontab.txt"
ok "odd folders: crontab takes it" crontab_check "$tmp/crontab.txt"
# What cron hands the shell: after the five fields, \% is %.
mkdir "$tmp/fake" && printf '#!/bin/sh\npwd >"%s/where"\n' "$tmp" >"$tmp/fake/tare" && chmod 755 "$tmp/fake/tare"
grep -v '^#' "$tmp/crontab.txt" | head -1 | cut -d' ' -f6- | sed "s|\\\\%|%|g; s|'$line/tare'|$tmp/fake/tare|" | sh
is "$(cat "$tmp/where")" "$tmp/it's 100% \"odd\"" "and the shell finds the folder"
"$tare" schedule print quoted --format systemd | sed '/^# tare-.*\.timer/,$d' >"$tmp/unit/tare-quoted.service"
run systemd-analyze verify --recursive-errors=no "$tmp/unit/tare-quoted.service"
is "$rc $(grep tare-quoted <<<"$err")" "0 " "and systemd takes it"

# ---- Installing ----
export XDG_CONFIG_HOME=$tmp/config
units=$XDG_CONFIG_HOME/systemd/user
run "$tare" schedule install nightly --format systemd --user --dry-run
is "$rc $([[ -e $units ]]; echo $?)" "0 1" "a dry run writes nothing"
run "$tare" schedule install nightly --format systemd --user
is "$rc $(ls "$units" | tr '\n' ' ')" "0 tare-nightly.service tare-nightly.timer " "units are written"
like "$out" "systemctl --user enable --now tare-nightly.timer" "and what to type next is said"
mkdir -p "$tmp/runtime"
run env XDG_RUNTIME_DIR="$tmp/runtime" systemd-analyze --user verify --recursive-errors=no "$units/tare-nightly.timer" "$units/tare-nightly.service"
is "$rc $(grep tare-nightly <<<"$err")" "0 " "as a user's units they are taken, too"
sum=$(cat "$units"/* | sha256sum)
run "$tare" schedule install nightly --format systemd --user
like "$out" "is as it should be" "again changes nothing"
is "$(cat "$units"/* | sha256sum)" "$sum" "not a byte"
: >"$units/other.service"
run "$tare" schedule uninstall nightly --format systemd --user
is "$rc $(ls "$units")" "0 other.service" "uninstall takes exactly them away"
printf '[Service]\nExecStart=/bin/true\n' >"$units/tare-nightly.timer"
run "$tare" schedule install nightly --format systemd --user
is "$rc" 65 "a unit of somebody else's is not overwritten"
run "$tare" schedule uninstall nightly --format systemd --user
is "$rc $(wc -l <"$units/tare-nightly.timer")" "65 2" "nor taken away"

# A crontab of its own, so that this machine's stays as it is.
cat >"$tmp/fake/crontab" <<'SH'
#!/bin/sh
case $1 in
    -l) [ -e "$FAKE_CRONTAB" ] || { echo "no crontab for nobody" >&2; exit 1; }; cat "$FAKE_CRONTAB" ;;
    -) cat >"$FAKE_CRONTAB.new" && mv "$FAKE_CRONTAB.new" "$FAKE_CRONTAB" ;;
esac
SH
chmod 755 "$tmp/fake/crontab"
export FAKE_CRONTAB=$tmp/my-crontab PATH=$tmp/fake:$PATH
run "$tare" schedule install nightly --format crontab
is "$rc $(grep -c 'run --schedule nightly' "$FAKE_CRONTAB")" "0 1" "without a crontab one is made"
run "$tare" schedule uninstall nightly --format crontab
is "$rc $(wc -c <"$FAKE_CRONTAB")" "0 0" "and emptied again"
printf 'MAILTO=me\n# tare schedule nightlyx: no\n5 4 * * * /bin/true %%a\n\n@daily  x  ' >"$FAKE_CRONTAB"
cp "$FAKE_CRONTAB" "$tmp/before"
"$tare" schedule install nightly --format crontab >/dev/null
"$tare" schedule install odd --format crontab >/dev/null
cp "$FAKE_CRONTAB" "$tmp/both"
run "$tare" schedule install nightly --format crontab
like "$out" "as it should be" "again changes nothing"
ok "not a byte" cmp "$FAKE_CRONTAB" "$tmp/both"
"$tare" schedule set nightly --daily 05:00 -- deploy >/dev/null
run "$tare" schedule install nightly --format crontab --dry-run
ok "a dry run neither" cmp "$FAKE_CRONTAB" "$tmp/both"
"$tare" schedule install nightly --format crontab >/dev/null
is "$(grep -c 'run --schedule nightly' "$FAKE_CRONTAB") $(grep 'run --schedule nightly' "$FAKE_CRONTAB" | cut -d' ' -f1,2)" "1 0 5" "a changed schedule changes its lines"
"$tare" schedule uninstall odd --format crontab >/dev/null
"$tare" schedule remove nightly >/dev/null
run "$tare" schedule uninstall nightly --format crontab
ok "uninstall gives every byte back, also of a schedule that is gone" cmp "$FAKE_CRONTAB" "$tmp/before"
is "$(sql 'select intact from tare.audit_verify()')" t "the audit chain is whole"
done_testing
