#!/bin/bash
# tare windows, and configurations of windows and approvals that are refused: file, line and key in one sentence, exit 78.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
chmod 755 "$tmp"
export TARE_STATE_DIR=$tmp/state
unset TARE_DATABASE_URL TARE_CONFIG TARE_NOW
at_exit "$BIN/tare" server stop --quiet
cd "$tmp" || exit 1

cat >tare.yaml <<'YAML'
version: 1
windows:
- {name: nights, kind: allow, schedule: "0 22 * * 1-5", duration: 6h, timezone: Europe/Berlin}
- name: freeze
  kind: deny
  start: "2026-12-20T00:00:00+01:00"
  end: "2027-01-03T00:00:00+01:00"
  override: true
YAML
run "$BIN/tare" windows --at 2026-11-20T21:00:00Z --format json
is "$rc $(jq -r .verdict <<<"$out")" "0 allowed" "the start instant is inside" || diag "$err"
run "$BIN/tare" windows --at 2026-11-20T20:59:59Z --format json
is "$rc $(jq -r '.verdict + " " + .next_opening' <<<"$out")" "0 denied 2026-11-20T21:00:00Z" "the second before is not"
run "$BIN/tare" windows --at 2026-11-21T03:00:00Z --format json
is "$(jq -r '.verdict + " " + .next_opening' <<<"$out")" "denied 2026-11-23T21:00:00Z" "the end instant is outside; after the weekend it opens"
run "$BIN/tare" windows --at 2026-03-27T22:00:00Z --next 7d --format json
is "$(jq -r '[.windows[] | select(.name == "nights") | .openings[].start] | join(" ")' <<<"$out")" \
    "2026-03-30T20:00:00Z 2026-03-31T20:00:00Z 2026-04-01T20:00:00Z 2026-04-02T20:00:00Z 2026-04-03T20:00:00Z" "openings after the clocks were set forward" || diag "$out"
run "$BIN/tare" windows --at 2026-12-24T22:00:00Z --format json
is "$(jq -r '.verdict + " " + .next_opening' <<<"$out")" "denied 2027-01-04T21:00:00Z" "a freeze over the nights"
run "$BIN/tare" windows --at 2026-12-24T22:00:00Z
is "$rc" 0 "the table"
like "$out" 'freeze' "names the window"

refused() { # refused NAME PATTERN: the configuration on stdin is refused with it
    cat >bad.yaml
    run "$BIN/tare" windows -c bad.yaml
    is "$rc" 78 "$1: refused"
    like "$err" "bad.yaml, line [0-9]+: $2" "$1: file, line and key" || diag "$err"
}
refused "a bad cron" 'windows\[0\]\.schedule' <<'YAML'
windows:
- {name: a, kind: deny, schedule: "0 25 * * *", duration: 1h}
YAML
refused "a bad zone" 'windows\[1\]\.timezone' <<'YAML'
windows:
- {name: a, kind: deny, schedule: "0 2 * * *", duration: 1h}
- {name: b, kind: deny, schedule: "0 2 * * *", duration: 1h, timezone: Europe/Berln}
YAML
refused "a duration of 32 days" 'windows\[0\]\.duration' <<'YAML'
windows:
- {name: a, kind: deny, schedule: "0 2 * * *", duration: 32d}
YAML
refused "a duration of 0" 'windows\[0\]\.duration' <<'YAML'
windows:
- {name: a, kind: deny, schedule: "0 2 * * *", duration: 0s}
YAML
refused "an unknown key" '.*scedule' <<'YAML'
windows:
- {name: a, kind: deny, scedule: "0 2 * * *", duration: 1h}
YAML
refused "a kind that is none" 'windows\[0\]\.kind' <<'YAML'
windows:
- {name: a, kind: maybe, schedule: "0 2 * * *", duration: 1h}
YAML
refused "a calendar" 'windows\[0\]\.calendar' <<'YAML'
windows:
- {name: a, kind: deny, calendar: freeze.ics}
YAML
refused "an end before its start" 'windows\[0\]\.end' <<'YAML'
windows:
- {name: a, kind: deny, start: "2026-12-20T00:00:00Z", end: "2026-12-19T00:00:00Z"}
YAML
done_testing
