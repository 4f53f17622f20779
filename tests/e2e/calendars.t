#!/bin/bash
# Calendars: of a run's own file beside it, of the stored policy from the ledger only; one that changed makes a plan stale and is named.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"

calendar() { # START END: a freeze over these days
    printf 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:%s\r\nDTEND;VALUE=DATE:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' "$1" "$2"
}
manifest deploy/a.yaml cart
plan
for login in ann; do "$tare" login "$login" viewer approver >/dev/null; done
"$tare" login boss viewer admin >/dev/null

calendar 20200101 20200103 >freeze.ics
printf 'version: 1\nwindows:\n- {name: freeze, kind: deny, calendar: freeze.ics}\n' >tare.yaml
new_run
is "$rc" 0 "a run with a calendar of its own" || diag "$err"
"$tare" --as ann approve "$id" --yes >/dev/null 2>&1
is "$(state)" approved "it is approved"
calendar 20200101 20200104 >freeze.ics
run "$tare" apply "$id" --yes
is "$rc" 79 "the calendar changed since: the plan is stale" || diag "$out$err"
like "$err" 'freeze\.ics \(sha256 [0-9a-f]+' "which names the calendar" || diag "$err"
calendar 20200101 20200103 >freeze.ics
run "$tare" apply "$id" --yes
is "$rc" 0 "as it was it is applied" || diag "$err"

# Stored: read once, beside the policy.
mkdir policies
calendar 20200101 20200103 >policies/company.ics
printf 'windows:\n- {name: company, kind: deny, calendar: company.ics}\n' >policies/policy.yaml
printf 'version: 1\n' >tare.yaml
run "$tare" --as boss policy set policies/policy.yaml
is "$rc" 0 "a policy with a calendar is stored" || diag "$err"
first=$out
run "$tare" policy show
like "$out" '# calendar company.ics, sha256 [0-9a-f]{64}' "policy show tells the calendar"
like "$out" 'DTSTART;VALUE=DATE:20200101' "and its text"
rm -r policies
run "$tare" windows --at 2020-01-02T12:00:00Z --format json
is "$rc $(jq -r '.verdict + " " + .next_opening' <<<"$out")" "0 denied 2020-01-03T00:00:00Z" "the disk is not asked for it any more" || diag "$err"
mkdir policies
calendar 20200101 20200105 >policies/company.ics
printf 'windows:\n- {name: company, kind: deny, calendar: company.ics}\n' >policies/policy.yaml
run "$tare" --as boss policy set policies/policy.yaml
isnt "$out" "$first" "another calendar is another policy"
run "$tare" windows --at 2020-01-04T12:00:00Z --format json
is "$(jq -r .verdict <<<"$out")" denied "and counts from then on"
calendar 20200105 20200101 >policies/company.ics
run "$tare" --as boss policy set policies/policy.yaml
is "$rc" 78 "a calendar that is wrong is not stored"
like "$err" 'policies/policy.yaml, line 2: windows\[0\]\.calendar: (policies/)?company.ics: line 6: DTEND' "file, line and key, and its own line" || diag "$err"

# The freeze is on: nothing is written, and the run says when it ends.
manifest deploy/a.yaml cart
plan
ends=$(date -u -d '3 days' +%Y-%m-%d) # once: a day may end meanwhile
calendar "$(date -u -d '1 day ago' +%Y%m%d)" "${ends//-/}" >policies/company.ics
run "$tare" --as boss policy set policies/policy.yaml
new_run
"$tare" --as ann approve "$id" --yes >/dev/null 2>&1
run "$tare" apply "$id" --yes
is "$rc" 77 "in the freeze apply is refused" || diag "$err"
like "$out$err" "${ends}T00:00:00Z" "with the next opening"
done_testing
