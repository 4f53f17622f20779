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


# A subject, or each set of selectors.
cp "$root/fixtures/policy/freeze.ics" .
cat >several.yaml <<'YAML'
cluster: prod-eu
windows:
- {name: nights, kind: allow, schedule: "0 22 * * 1-5", duration: 6h, timezone: Europe/Berlin, namespaces: ["prod-*"]}
- {name: holidays, kind: deny, calendar: freeze.ics}
- {name: lunch, kind: deny, schedule: "0 12 * * *", duration: 1h, namespaces: [shop], labels: {tier: web}, override: true}
YAML
windows() { run "$BIN/tare" windows -c several.yaml --at 2026-11-26T12:10:00Z --next 2d --format json "$@"; }
windows
is "$(jq -r '.verdict + " " + .next_opening' <<<"$out")" "denied 2026-11-26T21:00:00Z" "without a subject it is allowed where every set of selectors is" || diag "$err"
is "$(jq -r '.selectors[] | (.namespaces | join(",")) + " " + .verdict + " " + (.windows | join(","))' <<<"$out")" \
    $'prod-* denied nights,holidays\nshop denied holidays,lunch\n allowed holidays' "which are judged one by one" || diag "$out"
is "$(jq -r '.windows | map(.name) | join(" ")' <<<"$out")" "nights holidays lunch" "all are listed"
is "$(jq -c '.openings[] | [.start, .end, .window, .local_start]' <<<"$out" | head -3)" \
    '["2026-11-26T12:00:00Z","2026-11-26T13:00:00Z","lunch","2026-11-26T12:00:00+00:00"]
["2026-11-26T21:00:00Z","2026-11-27T03:00:00Z","nights","2026-11-26T22:00:00+01:00"]
["2026-11-26T23:00:00Z","2026-11-28T07:00:00Z","holidays","2026-11-27T00:00:00+01:00"]' "openings in order of time, the one that is open too"
is "$(jq -c .allowed <<<"$out")" '[{"from":"2026-11-26T21:00:00Z","to":"2026-11-26T23:00:00Z"}]' "the span in which everything is allowed"
windows --namespace prod-a
is "$(jq -r '.windows | map(.name) | join(" ")' <<<"$out")" "nights holidays" "of a subject those that are about it"
windows --namespace shop
is "$(jq -r .verdict <<<"$out")" allowed "a label that the subject lacks"
windows --namespace shop --label tier=web
is "$(jq -r '.verdict + " " + .next_opening' <<<"$out")" "denied 2026-11-26T13:00:00Z" "and one that it has"
windows --name lunch
is "$(jq -r '.windows | map(.name) | join(" ")' <<<"$out")" lunch "--name lists one"
windows --name brunch
is "$rc" 64 "a name that is none"
windows --label tier
is "$rc" 64 "a label without a value"
run "$BIN/tare" windows -c several.yaml --at 2026-11-26T12:10:00Z --next 2d
like "$out" 'every workload is allowed from 2026-11-26T21:00:00Z to 2026-11-26T23:00:00Z' "the text tells the span"
run "$BIN/tare" windows -c several.yaml --at 2026-12-24T12:00:00Z
like "$out" 'the deny window "holidays" is open until 2027-01-02T23:00:00Z' "the freeze of the calendar, to its own midnight"
is "$(jq -r '[.windows[] | select(.name == "holidays") | .openings[].start] | join(" ")' <<<"$("$BIN/tare" windows -c several.yaml --at 2026-11-01T00:00:00Z --format json)")" \
    "2026-11-26T23:00:00Z 2026-11-29T15:00:00Z" "a changed occurrence is where it was moved to"
done_testing
