#!/bin/bash
# Questions of window_verdicts.sql (files or standard input) as tests/harness/window_main.c takes them: events become an iCalendar file.
exec jq -c 'def stamp: gsub("[-:]"; "");
def start_line($name; $zone; $days): . as $at | if $days then "\($name);VALUE=DATE:\($at | stamp | .[0:8])"
    elif $zone == "UTC" then "\($name):\($at | stamp)Z" else "\($name);TZID=\($zone):\($at | stamp)" end;
def event($uid): . as $e | (($e.zone // "UTC")) as $zone
    | ($e.days != null and ($e.seconds == null) and ($e.start | endswith("T00:00:00")) and $e.allday == true) as $day
    | ["BEGIN:VEVENT", "UID:\($uid)", ($e.start | start_line("DTSTART"; $zone; $day))]
    + (if $e.end then [$e.end | start_line("DTEND"; $zone; $day)]
       else ["DURATION:P\(if $e.days then "\($e.days)D" else "" end)\(if $e.seconds then "T\($e.seconds)S" else "" end)"] end)
    + (if $e.rrule then ["RRULE:\($e.rrule)"] else [] end)
    + [($e.exdate // [])[] | start_line("EXDATE"; $zone; $day)] + [($e.rdate // [])[] | start_line("RDATE"; $zone; $day)]
    + ["END:VEVENT"];
# An all-day event is in the zone of its window.
def window($key): if .events then
        .file = (["BEGIN:VCALENDAR", "VERSION:2.0"] + ([.events | to_entries[] | .key as $i | .value | event("e\($i)")] | add) + ["END:VCALENDAR", ""] | join("\r\n"))
        | .calendar = $key | (if .events[0].allday then .timezone = (.events[0].zone // "UTC") else . end) | del(.events)
    else . end;
.groups |= [to_entries[] | .key as $g | .value | [to_entries[] | .key as $w | .value | window("\($g)-\($w).ics")]]
    | .files = ([.groups[][] | select(.file) | {key: .calendar, value: .file}] | from_entries)
    | .groups |= map(map(del(.file)))
' "$@"
