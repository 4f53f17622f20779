#!/bin/bash
# Windows and calendars that are wrong in any part refuse the configuration: file, line and key in one sentence (of a calendar its own
# line too), exit 78. Each line below is a case: what is wrong | the window or the calendar | what the message has to say.
set -u
. "$(dirname "$0")/../harness/tap.sh"
chmod 755 "$tmp"
export TARE_STATE_DIR=$tmp/state
unset TARE_DATABASE_URL TARE_CONFIG TARE_NOW
at_exit "$BIN/tare" server stop --quiet
cd "$tmp" || exit 1

refused() { # NAME PATTERN: bad.yaml is refused with it
    run "$BIN/tare" windows -c bad.yaml
    [[ $rc == 78 && $err =~ ^"tare: bad.yaml, line 3: "$2 ]]
    tap_result $? "$1" || diag "rc $rc: $err" "wanted: $2"
}

cat >good.yaml <<'YAML'
windows:
- {name: a, kind: deny, schedule: "0 2 * * *", duration: 1h}
YAML
run "$BIN/tare" windows -c good.yaml
is "$rc" 0 "what the cases are made from is right" || diag "$err"
: >empty.ics
mkdir folder.ics
while IFS='|' read -r name window pattern; do
    printf 'version: 1\nwindows:\n- {%s}\n' "$window" >bad.yaml
    refused "$name" "$pattern"
done <<'CASES'
cron: four fields|name: a, kind: deny, duration: 1h, schedule: "0 2 * *"|windows\[0\]\.schedule.*4 fields
cron: six fields|name: a, kind: deny, duration: 1h, schedule: "0 0 2 * * *"|windows\[0\]\.schedule.*6 fields
cron: empty|name: a, kind: deny, duration: 1h, schedule: ""|windows\[0\]\.schedule
cron: minute 60|name: a, kind: deny, duration: 1h, schedule: "60 2 * * *"|windows\[0\]\.schedule.*minute
cron: hour 24|name: a, kind: deny, duration: 1h, schedule: "0 24 * * *"|windows\[0\]\.schedule.*hour
cron: hours to 24 (argo-cd 10071)|name: a, kind: allow, duration: 1h, schedule: "* 7-24 * * 0-6"|windows\[0\]\.schedule.*hour
cron: day 0|name: a, kind: deny, duration: 1h, schedule: "0 2 0 * *"|windows\[0\]\.schedule.*day of month
cron: day 32|name: a, kind: deny, duration: 1h, schedule: "0 2 32 * *"|windows\[0\]\.schedule.*day of month
cron: month 13|name: a, kind: deny, duration: 1h, schedule: "0 2 * 13 *"|windows\[0\]\.schedule.*month
cron: weekday 8|name: a, kind: deny, duration: 1h, schedule: "0 2 * * 8"|windows\[0\]\.schedule.*day of week
cron: a name that is none|name: a, kind: deny, duration: 1h, schedule: "0 2 * * MOX"|windows\[0\]\.schedule
cron: a full name|name: a, kind: deny, duration: 1h, schedule: "0 2 * * MONDAY"|windows\[0\]\.schedule
cron: a range backwards|name: a, kind: deny, duration: 1h, schedule: "0 5-2 * * *"|windows\[0\]\.schedule
cron: step 0|name: a, kind: deny, duration: 1h, schedule: "*/0 2 * * *"|windows\[0\]\.schedule
cron: a step without a number|name: a, kind: deny, duration: 1h, schedule: "*/ 2 * * *"|windows\[0\]\.schedule
cron: a list with a hole|name: a, kind: deny, duration: 1h, schedule: "1,,2 2 * * *"|windows\[0\]\.schedule
cron: negative|name: a, kind: deny, duration: 1h, schedule: "-5 2 * * *"|windows\[0\]\.schedule
cron: a fraction|name: a, kind: deny, duration: 1h, schedule: "0.5 2 * * *"|windows\[0\]\.schedule
cron: the question mark of other schedulers|name: a, kind: deny, duration: 1h, schedule: "0 2 ? * *"|windows\[0\]\.schedule
cron: L of other schedulers|name: a, kind: deny, duration: 1h, schedule: "0 2 L * *"|windows\[0\]\.schedule
cron: @daily|name: a, kind: deny, duration: 1h, schedule: "@daily"|windows\[0\]\.schedule
cron: a date that never comes|name: a, kind: deny, duration: 1h, schedule: "0 2 30 2 *"|windows\[0\]\.schedule.*never comes
cron: a list|name: a, kind: deny, duration: 1h, schedule: ["0 2 * * *"]|windows\[0\]\.schedule
zone: misspelt|name: a, kind: deny, duration: 1h, schedule: "0 2 * * *", timezone: Europe/Berln|windows\[0\]\.timezone.*is not a time zone
zone: empty|name: a, kind: deny, duration: 1h, schedule: "0 2 * * *", timezone: ""|windows\[0\]\.timezone
zone: an offset|name: a, kind: deny, duration: 1h, schedule: "0 2 * * *", timezone: "+01:00"|windows\[0\]\.timezone
zone: the machine's own|name: a, kind: deny, duration: 1h, schedule: "0 2 * * *", timezone: localtime|windows\[0\]\.timezone
zone: out of the database|name: a, kind: deny, duration: 1h, schedule: "0 2 * * *", timezone: ../../../etc/passwd|windows\[0\]\.timezone
zone: a folder of it|name: a, kind: deny, duration: 1h, schedule: "0 2 * * *", timezone: Europe|windows\[0\]\.timezone
zone: with blanks|name: a, kind: deny, duration: 1h, schedule: "0 2 * * *", timezone: "Europe/Berlin "|windows\[0\]\.timezone
duration: none|name: a, kind: deny, schedule: "0 2 * * *"|windows\[0\]\.duration
duration: 0|name: a, kind: deny, schedule: "0 2 * * *", duration: 0s|windows\[0\]\.duration
duration: negative|name: a, kind: deny, schedule: "0 2 * * *", duration: -1h|windows\[0\]\.duration
duration: 31 days and an hour|name: a, kind: deny, schedule: "0 2 * * *", duration: 745h|windows\[0\]\.duration.*31 days
duration: without a unit|name: a, kind: deny, schedule: "0 2 * * *", duration: x|windows\[0\]\.duration
duration: two units|name: a, kind: deny, schedule: "0 2 * * *", duration: 1h30m|windows\[0\]\.duration
duration: weeks|name: a, kind: deny, schedule: "0 2 * * *", duration: 1w|windows\[0\]\.duration
one-off: no end|name: a, kind: deny, start: "2026-12-20T00:00:00Z"|windows\[0\]\.end
one-off: no start|name: a, kind: deny, end: "2026-12-20T00:00:00Z"|windows\[0\]\.start
one-off: end before start|name: a, kind: deny, start: "2026-12-20T00:00:00Z", end: "2026-12-19T00:00:00Z"|windows\[0\]\.end
one-off: end is start|name: a, kind: deny, start: "2026-12-20T00:00:00Z", end: "2026-12-20T01:00:00+01:00"|windows\[0\]\.end
one-off: no offset|name: a, kind: deny, start: "2026-12-20T00:00:00", end: "2026-12-21T00:00:00Z"|windows\[0\]\.start
one-off: a day that does not exist|name: a, kind: deny, start: "2026-02-29T00:00:00Z", end: "2026-03-21T00:00:00Z"|windows\[0\]\.start
one-off: with a zone beside|name: a, kind: deny, start: "2026-12-20T00:00:00Z", end: "2026-12-21T00:00:00Z", timezone: Europe/Berlin|windows\[0\]\.timezone
one-off: with a schedule beside|name: a, kind: deny, start: "2026-12-20T00:00:00Z", end: "2026-12-21T00:00:00Z", schedule: "0 2 * * *"|windows\[0\]\.schedule
calendar: no such file|name: a, kind: deny, calendar: none.ics|windows\[0\]\.calendar.*none.ics
calendar: empty|name: a, kind: deny, calendar: empty.ics|windows\[0\]\.calendar: empty.ics: line 1: there is no VCALENDAR
calendar: a folder|name: a, kind: deny, calendar: folder.ics|windows\[0\]\.calendar
calendar: with a schedule beside|name: a, kind: deny, calendar: empty.ics, schedule: "0 2 * * *"|windows\[0\]\.schedule.*calendar
calendar: with a duration beside|name: a, kind: deny, calendar: empty.ics, duration: 1h|windows\[0\]\.duration.*calendar
calendar: with a start beside|name: a, kind: deny, calendar: empty.ics, start: "2026-12-20T00:00:00Z"|windows\[0\]\.start.*calendar
selector: namespaces is no list|name: a, kind: deny, schedule: "0 2 * * *", duration: 1h, namespaces: prod|windows\[0\]\.namespaces
selector: an empty name|name: a, kind: deny, schedule: "0 2 * * *", duration: 1h, namespaces: [""]|windows\[0\]\.namespaces
selector: labels is a list|name: a, kind: deny, schedule: "0 2 * * *", duration: 1h, labels: [web]|windows\[0\]\.labels
selector: a map for a label|name: a, kind: deny, schedule: "0 2 * * *", duration: 1h, labels: {a: {b: c}}|windows\[0\]\.labels
unknown key|name: a, kind: deny, scedule: "0 2 * * *", duration: 1h|scedule
unknown key: applications|name: a, kind: deny, schedule: "0 2 * * *", duration: 1h, applications: ["*"]|applications
kind: none|name: a, schedule: "0 2 * * *", duration: 1h|windows\[0\]\.kind
kind: another|name: a, kind: freeze, schedule: "0 2 * * *", duration: 1h|windows\[0\]\.kind
name: none|kind: deny, schedule: "0 2 * * *", duration: 1h|windows\[0\]\.name
name: empty|name: "", kind: deny, schedule: "0 2 * * *", duration: 1h|windows\[0\]\.name
override: no boolean|name: a, kind: deny, schedule: "0 2 * * *", duration: 1h, override: maybe|windows\[0\]\.override
on_overrun: another|name: a, kind: deny, schedule: "0 2 * * *", duration: 1h, on_overrun: wait|windows\[0\]\.on_overrun
no time at all|name: a, kind: deny|windows\[0\]\.schedule.*missing
CASES

# Calendars: "\n" between the lines; line 3 of the file is the first of the event.
event() { printf 'BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\n%b\nEND:VEVENT\nEND:VCALENDAR\n' "$1"; }
printf 'version: 1\nwindows:\n- {name: a, kind: deny, calendar: bad.ics}\n' >bad.yaml
event 'DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY' >bad.ics
run "$BIN/tare" windows -c bad.yaml
is "$rc" 0 "the calendar that the cases are made from is right" || diag "$err"
while IFS='|' read -r name text pattern; do
    event "$text" >bad.ics
    refused "$name" "windows\[0\]\.calendar: bad.ics: $pattern"
done <<'CASES'
event: no DTSTART|DURATION:PT1H|line 3: .*DTSTART
event: DTSTART twice|DTSTART:20261220T000000Z\nDTSTART:20261221T000000Z\nDURATION:PT1H|line 6: DTSTART stands twice
event: no length|DTSTART:20261220T000000Z|line 3: .*does not end after its start
event: end before start|DTSTART:20261220T000000Z\nDTEND:20261219T000000Z|line 6: DTEND: .*does not end after
event: end is start, in another zone|DTSTART:20261220T000000Z\nDTEND;TZID=Europe/Berlin:20261220T010000|line 6: DTEND: .*does not end after
event: end and duration|DTSTART:20261220T000000Z\nDTEND:20261221T000000Z\nDURATION:PT1H|line 7: DURATION
event: a date and a time|DTSTART;VALUE=DATE:20261220\nDTEND:20261221T000000Z|line 6: DTEND
event: longer than 31 days|DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20270102|line 6: DTEND: .*31 days
event: 32 days|DTSTART;VALUE=DATE:20261201\nDURATION:P32D|line 6: DURATION: .*31 days
event: hours of an all-day event|DTSTART;VALUE=DATE:20261201\nDURATION:PT5H|line 6: DURATION
event: a date without VALUE=DATE|DTSTART:20261220\nDURATION:P1D|line 5: DTSTART: .*VALUE=DATE
event: a time with VALUE=DATE|DTSTART;VALUE=DATE:20261220T000000\nDURATION:P1D|line 5: DTSTART
event: a day that does not exist|DTSTART:20260229T000000Z\nDURATION:PT1H|line 5: DTSTART
event: hour 24|DTSTART:20261220T240000Z\nDURATION:PT1H|line 5: DTSTART
event: a leap second|DTSTART:20261220T235960Z\nDURATION:PT1H|line 5: DTSTART
event: no colon|DTSTART\nDURATION:PT1H|line 5: .*colon
event: a period|DTSTART;VALUE=PERIOD:20261220T000000Z/PT1H|line 5: DTSTART
event: an unknown zone|DTSTART;TZID=Mars/Olympus:20261220T000000\nDURATION:PT1H|line 5: DTSTART: .*not a time zone
event: a zone beside UTC|DTSTART;TZID=Europe/Berlin:20261220T000000Z\nDURATION:PT1H|line 5: DTSTART
event: a zone of another VCALENDAR's making|DTSTART;TZID=W. Europe Standard Time:20261220T000000\nDURATION:PT1H|line 5: DTSTART: .*VTIMEZONE
event: an all-day event on the day that Apia skipped|DTSTART;TZID=Pacific/Apia:20111230T000000\nDTEND;TZID=Pacific/Apia:20111231T000000|line 6: DTEND
duration: negative|DTSTART:20261220T000000Z\nDURATION:-PT1H|line 6: DURATION
duration: nothing in it|DTSTART:20261220T000000Z\nDURATION:P|line 6: DURATION
duration: units in another order|DTSTART:20261220T000000Z\nDURATION:PT1M1H|line 6: DURATION
duration: 0|DTSTART:20261220T000000Z\nDURATION:PT0S|line 6: DURATION
rule: empty|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:|line 7: RRULE
rule: no FREQ|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:INTERVAL=2|line 7: RRULE: FREQ is missing
rule: an unknown frequency|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=FORTNIGHTLY|line 7: RRULE
rule: every hour|DTSTART:20261220T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY|line 7: RRULE: FREQ=HOURLY
rule: every second|DTSTART:20261220T000000Z\nDURATION:PT1M\nRRULE:FREQ=SECONDLY|line 7: RRULE: FREQ=SECONDLY
rule: too often a day|DTSTART:20261220T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4;BYMINUTE=0,1,2,3,4|line 7: RRULE: .*24 times a day
rule: an unknown part|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYEASTER=1|line 7: RRULE: .*BYEASTER
rule: a part twice|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=1;INTERVAL=2|line 7: RRULE: INTERVAL
rule: interval 0|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=0|line 7: RRULE: INTERVAL
rule: count 0|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=0|line 7: RRULE: COUNT
rule: count and until|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z|line 7: RRULE: COUNT and UNTIL
rule: until in local time|DTSTART;TZID=Europe/Berlin:20261220T000000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20270101T000000|line 7: RRULE: UNTIL has to be in UTC
rule: until as a date|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20270101|line 7: RRULE: UNTIL
rule: until before the start|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20261219T000000Z|line 7: RRULE: UNTIL lies before
rule: hour 24|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYHOUR=24|line 7: RRULE: BYHOUR
rule: month 0|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYMONTH=0|line 7: RRULE: BYMONTH
rule: day 32|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYMONTHDAY=32|line 7: RRULE: BYMONTHDAY
rule: a weekday that is none|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=XX|line 7: RRULE: BYDAY
rule: a numbered weekday of a week|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=1MO|line 7: RRULE: BYDAY
rule: a position of nothing|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYSETPOS=1|line 7: RRULE: BYSETPOS
rule: a position in a week|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=SA,SU;BYSETPOS=-1|line 7: RRULE: BYSETPOS goes with
rule: weeks of a month|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYWEEKNO=2|line 7: RRULE: BYWEEKNO
rule: hours of an all-day event|DTSTART;VALUE=DATE:20261220\nRRULE:FREQ=DAILY;BYHOUR=2|line 6: RRULE
rule: it does not begin with its start|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO|line 7: RRULE: .*does not begin with DTSTART
rule: it never comes|DTSTART:20260228T000000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30|line 7: RRULE
rule: two of them|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY|line 8: RRULE stands twice
EXRULE|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY|line 8: EXRULE
EXDATE of another kind|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20261221|line 8: EXDATE
EXDATE that is none|DTSTART:20261220T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE:tomorrow|line 8: EXDATE
RDATE with periods|DTSTART:20261220T000000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20261221T000000Z/PT1H|line 7: RDATE
this and future|DTSTART:20261220T000000Z\nDURATION:PT1H\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261220T000000Z|line 7: RECURRENCE-ID
an occurrence that recurs|DTSTART:20261220T000000Z\nDURATION:PT1H\nRECURRENCE-ID:20261220T000000Z\nRRULE:FREQ=DAILY|line 3: .*RECURRENCE-ID
the same UID twice|DTSTART:20261220T000000Z\nDURATION:PT1H\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\nDTSTART:20261221T000000Z\nDURATION:PT1H|line [38]: .*same UID
a quote that is not closed|DTSTART;TZID="Europe/Berlin:20261220T000000\nDURATION:PT1H|line 5: .*quote
a control character|DTSTART:20261220T000000Z\nDURATION:PT1H\nSUMMARY:a\x01b|line 7: .*control
CASES

whole() { # NAME PATTERN: the file on stdin is refused with it
    cat >bad.ics
    refused "$1" "windows\[0\]\.calendar: bad.ics: $2"
}
whole "a calendar without events" 'line 1: there is no VEVENT' < <(printf 'BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n')
whole "an old version" 'line 2: .*VERSION:2.0' < <(printf 'BEGIN:VCALENDAR\nVERSION:1.0\nEND:VCALENDAR\n')
whole "cut off" 'line 3: VEVENT does not end' < <(printf 'BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n')
whole "an end without a begin" 'line 3: VEVENT ends, but VCALENDAR is open' < <(printf 'BEGIN:VCALENDAR\nVERSION:2.0\nEND:VEVENT\n')
whole "no calendar at all" 'line 1: ' < <(printf 'hello\n')
whole "an event outside" 'line 1: ' < <(printf 'BEGIN:VEVENT\nEND:VEVENT\n')
whole "a zone of its own that is none" 'line 3: .*Nowhere' < <(event 'DTSTART:20261220T000000\nDURATION:PT1H' | sed 's/^VERSION.*/&\nX-WR-TIMEZONE:Nowhere/')
whole "a cancellation" 'line 3: METHOD' < <(event 'DTSTART:20261220T000000Z\nDURATION:PT1H' | sed 's/^VERSION.*/&\nMETHOD:CANCEL/')
whole "too deep" 'line 5: .*nested' < <({ printf 'BEGIN:VCALENDAR\n'; for _ in 1 2 3 4; do printf 'BEGIN:A\n'; done; })
whole "a line that is too long" 'line 5: .*64 KiB' < <(event "SUMMARY:$(head -c 70000 /dev/zero | tr '\0' a)")
head -c 1048577 /dev/zero | tr '\0' a >bad.ics
run "$BIN/tare" windows -c bad.yaml
like "$rc $err" '^78 .*bad.yaml, line 3: windows\[0\]\.calendar: ' "a file that is too large"
event $'SUMMARY:\xff\xfe' >bad.ics
run "$BIN/tare" windows -c bad.yaml
like "$rc $err" '^78 .*bad.yaml, line 3: windows\[0\]\.calendar: .*UTF-8' "bytes that are no text"
done_testing
