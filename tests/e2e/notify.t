#!/bin/bash
# People are told what became of runs: five kinds of receivers on a scripted server, with its good and bad days, and the run unaffected.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
need curl openssl pgrep ps
cp "$BIN/tare-notify" "$line/" || { echo "Bail out! no tare-notify in $BIN"; exit 1; }
umask 077
mkdir secrets

# ---- A server whose answers are told by the path ----
cat >"$tmp/script" <<'SCRIPT'
on POST /slack
header Content-Type: text/plain
body ok
on POST /discord
status 204
on POST /teams
status 202
on POST /pagerduty
status 202
on POST /http
on POST /crlf
on POST /once-500
times 1
status 500
on POST /once-500
on POST /wait
times 1
status 429
header Retry-After: 3
on POST /wait
on POST /always-500
status 500
body {"message": "no, and not at /always-500/T0PSECRET either"}
on POST /word
status 400
header Content-Type: text/plain
body invalid_blocks
on POST /moved
status 302
header Location: /elsewhere
on POST /gone
status 410
on POST /huge
repeat 300000 0123456789
on POST /hang-once
times 1
hang
on POST /hang-once
on POST /hang
hang
on POST /close
close
on POST /many
SCRIPT
"$BIN/harness/http_server" "$tmp/script" >"$tmp/port" &
server=$!
at_exit kill "$server"
until [[ -s $tmp/port ]]; do sleep 0.02; done
url=http://127.0.0.1:$(<"$tmp/port")
asked() { curl -s --noproxy '*' "$url/__requests"; }
# Bodies (or with `head` heads) of the requests whose path begins with $1, a line each.
bodies() { asked | awk -v path="$1" '/^[A-Z]+ \// { mine = index($2, path) == 1 } mine && /^\{/'; }
header() { asked | awk -v path="$1" -v name="$2: " '/^[A-Z]+ \// { mine = index($2, path) == 1 } mine && index($0, name) == 1 { sub(/\r$/, ""); print substr($0, length(name) + 1) }'; }

# receiver TYPE PATH [MORE]: an entry of `notify`, with its files.
receiver() {
    local name=${2#/}
    name=${name%%/*}
    echo "$url$2" >"secrets/$name"
    printf -- '- {name: %s, type: %s, url_file: secrets/%s, secret_file: secrets/key%s}\n' "$name" "$1" "$name" "${3:+, $3}"
}
echo "a key of many letters" >secrets/key
told() { "$tare" notify list --format json --limit 0; }
# told_of RECEIVER FIELD: of the newest notification of a receiver.
told_of() { told | jq -r --arg name "$1" --arg field "$2" '[.[] | select(.receiver == $name)] | sort_by(.id) | last | .[$field] // "none" | tostring'; }
# Waits until the newest notification of a receiver is in a state, 2 minutes at most.
await() {
    local until=$((SECONDS + 120))
    while ((SECONDS < until)); do
        [[ $(told_of "$1" state) == "$2" ]] && return 0
        sleep 0.1
    done
    diag "$1 is $(told_of "$1" state) ($(told_of "$1" last_error)), not $2"
    return 1
}
# Waits until nothing waits any more: another configuration would leave a delivery that begins late without its receiver.
drained() {
    local until=$((SECONDS + 120))
    while ((SECONDS < until)); do
        told | jq -e 'all(.[]; .state != "waiting")' >/dev/null && return 0
        sleep 0.1
    done
    diag "$(told | jq -c '.[] | select(.state == "waiting")')"
    return 1
}
# The delivery to a receiver by the runs of this test: its words name the configuration.
delivery() { pgrep -f "^tare-notify --config=$work/tare.yaml .*--receiver=$1\$" | head -1; }
cluster='te st'
config() { printf 'version: 1\ncluster: "te st"\nreports: {formats: []}\nnotify:\n%s\n' "$(cat)" >tare.yaml; }
empty='version: 1
cluster: "te st"
reports: {formats: []}'

manifest deploy/a.yaml cart till
plan
run "$tare" login reviewer viewer approver

# ---- Nobody is told, nothing changes ----
echo "$empty" >tare.yaml
started=$(date +%s%N)
new_run
alone=$((($(date +%s%N) - started) / 1000000))
is "$rc $(told)" "0 []" "without receivers nothing waits"
quiet=$("$tare" show "$id" gate | sed '1d;$d' | sha256sum)

# ---- Each kind of receiver ----
{
    receiver slack /slack/T0/S3CRETPATH
    receiver discord '/discord/1/D15CORDTOKEN?wait=true'
    receiver teams '/teams/workflows?sig=T3AMSSIGNATURE'
    receiver pagerduty /pagerduty/v2/enqueue 'on: [awaiting-approval, applied, rolled-back]'
    receiver http /http/hook
} | config
new_run
is "$rc" 0 "a run with five receivers" || diag "$err"
is "$("$tare" show "$id" gate | sed '1d;$d' | sha256sum)" "$quiet" "its records are those of a run that nobody is told of"
for name in slack discord teams pagerduty http; do
    ok "$name is told" await "$name" sent
done
is "$(bodies /slack | jq -c '[.blocks[].type], .blocks[0].text.text, ([.blocks[] | .fields // [.text] | .[] | .verbatim // true] | all)')" \
    "[\"header\",\"section\",\"section\"]
\"Run $id of te st waits for approval\"
true" "Slack: header, figures, body, and no mention is looked for"
is "$(bodies /discord | jq -c '.allowed_mentions, .embeds[0].title')" "{\"parse\":[]}
\"Run $id of te st waits for approval\"" "Discord: an embed that calls nobody"
is "$(bodies /teams | jq -c '.type, .attachments[0].contentType, .attachments[0].content.type, .attachments[0].content.version')" '"message"
"application/vnd.microsoft.card.adaptive"
"AdaptiveCard"
"1.4"' "Teams: an Adaptive Card as a workflow takes it"
is "$(bodies /pagerduty | jq -c '.event_action, .routing_key, .payload.severity, (.dedup_key | endswith("/run/'"$id"'"))')" '"trigger"
"a key of many letters"
"info"
true' "PagerDuty: an event that triggers under the run's key"
is "$(bodies /http | jq -c '.event, .facts.run, .facts.monthly_saving_microusd, (.facts.top | length)')" "\"awaiting-approval\"
$id
8000000
2" "JSON: the facts"
is "$(bodies /slack | jq -r '.blocks[1].fields[].text' | grep saved)" '$18 now, $10 after, $8 saved' "money is told as people read it"
for path in /slack /discord /teams /pagerduty /http; do bodies "$path"; done | jq -e . >/dev/null
is $? 0 "every body is JSON"

# The signature, recomputed by another program over the bytes that came.
signed() { # SIGNATURE BODY
    local t=${1#t=} digest
    t=${t%%,*}
    digest=$(printf '%s.%s' "$t" "$2" | openssl dgst -sha256 -hmac "a key of many letters" -r | cut -d' ' -f1)
    [[ $1 == "t=$t,v1=$digest" ]]
}
ok "the signature is HMAC-SHA256 over time, a dot and the body" signed "$(header /http X-Tare-Signature)" "$(bodies /http)"
is "$(header /http Idempotency-Key)" "$(bodies /http | jq -r .id)" "the message's identity stands in a header"
is "$(header /http X-Tare-Event)" awaiting-approval "and its event"

secret='S3CRETPATH|D15CORDTOKEN|T3AMSSIGNATURE|a key of many|127\.0\.0\.1:[0-9]+/'
run "$tare" notify list --format json
unlike "$out$err" "$secret" "the outbox shows no address and no secret"
unlike "$("$tare" audit list --limit 0 --format json)" "$secret" "nor does the audit trail"
is "$("$tare" audit list --limit 0 --format json | jq '[.[] | select(.action == "notify.sent")] | length')" 5 "that somebody was told is on record"

# ---- The life of a run ----
run "$tare" --as reviewer approve "$id" --yes
run "$tare" apply "$id" --dry-run
is "$(told | jq '[.[] | select(.event == "applied")] | length')" 0 "a dry run tells nobody"
run "$tare" apply "$id" --yes
is "$rc" 0 "applied" || diag "$err"
ok "and told" await pagerduty sent
is "$(bodies /pagerduty | tail -1 | jq -c '[.event_action, .payload]')" '["resolve",null]' "which settles the alert"
run "$tare" rollback "$id" --yes
is "$rc" 0 "rolled back" || diag "$err"
is "$(told | jq -r '[.[] | select(.receiver == "slack") | .event] | sort | join(" ")')" "applied awaiting-approval rolled-back" \
    "each move is told once"
run "$tare" run --resume "$id"
is "$(told | jq '[.[] | select(.run == '"$id"')] | length')" 15 "looking at the run again tells nothing twice"
ok "to all" drained
cat >>tare.yaml <<'YAML'
windows: [{name: freeze, kind: deny, start: "2020-01-01T00:00:00Z", end: "2090-01-01T00:00:00Z"}]
YAML
approved_run
run "$tare" apply "$id" --yes
is "$rc" 77 "a window refuses"
run "$tare" apply "$id" --yes
ok "that is told" await http sent
is "$(told | jq -c '[.[] | select(.run == '"$id"' and .receiver == "http") | .event] | sort')" '["awaiting-approval","refused"]' \
    "once, however often it is tried"
like "$(bodies /http | tail -1 | jq -r .text)" "Reason: .*freeze" "with the reason"
ok "and told to all" drained

# ---- Text from outside stays text ----
hostile=$'<!channel> @everyone [x](http://evil) \u202eltr \e[31mred *bold*'
for stage in analyze price diff; do
    jq -c --arg text "$hostile" 'if .recommendation then .recommendation.findings = [{code: "oom-loop", severity: "critical", container: "app",
        message: $text}] else . end' "$tmp/$stage.jsonl" >"$tmp/$stage.new" && mv "$tmp/$stage.new" "$tmp/$stage.jsonl"
done
{ receiver slack /slack 'on: [critical]'; receiver discord /discord 'on: [critical]'; receiver teams /teams 'on: [critical]'; } | config
new_run
ok "what is critical is told" await slack sent
ok "to each" await discord sent
ok "that wants it" await teams sent
is "$(bodies /slack | tail -1 | jq -r .blocks[0].text.text)" "Run $id of te st found 2 critical matters" "by what it is about"
is "$(bodies /slack | tail -1 | grep -c -e '<!' -e $'\e')" 0 "Slack: no command begins, no control byte is sent"
like "$(bodies /slack | tail -1)" '&lt;!channel&gt; @everyone .*\[U.202E\]ltr ␛\[31mred' "what was hidden is visible"
like "$(bodies /discord | tail -1 | jq -r .embeds[0].description)" $'@\u200beveryone \\\\\\[x\\\\\\]' "Discord: no mention, no link"
like "$(bodies /teams | tail -1)" '<!channel> @everyone \[x\]\(http://evil\)' "Teams: in runs of text, which know no markup"
plan

# ---- Bad days ----
{ receiver http /once-500 'on: [awaiting-approval]'; receiver http /wait; receiver slack /always-500/T0PSECRET 'tries: 2, interval: 0s'; receiver slack /word
  receiver slack /moved/M0VEDSECRET; receiver teams /gone; receiver slack /huge; receiver discord /close 'tries: 1'; } | config
new_run
is "$rc" 0 "receivers that fail do not fail the run"
for name in once-500 wait huge; do ok "$name gets there" await "$name" sent; done
is "$(told_of once-500 attempts)" 2 "after a 500 it is tried again"
is "$(header /once-500 Idempotency-Key | sort -u | wc -l)" 1 "under the same identity"
mapfile -t signatures < <(header /once-500 X-Tare-Signature)
mapfile -t sent_bodies < <(bodies /once-500)
ok "the first try is signed" signed "${signatures[0]}" "${sent_bodies[0]}"
ok "and so is the second, with its own time" signed "${signatures[1]}" "${sent_bodies[1]}"
time_of() { sed 's/^t=//; s/,.*//' <<<"$1"; }
ok "there is a pause between them" test "$(time_of "${signatures[1]}")" -gt "$(time_of "${signatures[0]}")"
mapfile -t signatures < <(header /wait X-Tare-Signature)
ok "Retry-After is waited for" test $(($(time_of "${signatures[1]}") - $(time_of "${signatures[0]}"))) -ge 3
is "$(told_of huge attempts)" 1 "a 200 whose body never ends was sent all the same"
for name in always-500 word moved gone close; do ok "$name is given up" await "$name" given-up; done
is "$(told_of always-500 attempts) $(told_of word attempts) $(told_of moved attempts) $(told_of gone attempts)" "2 1 1 1" \
    "after the tries it has, or at once where none could help"
like "$(told_of word last_error)" 'word at http://127.0.0.1:[0-9]+ answered with status 400: invalid_blocks' "what the receiver said is told"
like "$(told_of moved last_error)" 'redirects \(302\), which is not followed' "a redirect is refused"
is "$(asked | grep -c elsewhere)" 0 "and not followed"
unlike "$(told)$("$tare" audit list --limit 0 --format json)" 'T0PSECRET|M0VEDSECRET|elsewhere' "no error shows an address, not even one the receiver says back"
is "$("$tare" audit list --limit 0 --format json | jq '[.[] | select(.action == "notify.given-up")] | length')" 5 "giving up is on record"
run "$tare" status
like "$err" '5 notifications .* tare notify list' "and status says so"
until=$((SECONDS + 120)) # its delivery, while it is there, would take the other try away
while [[ -n $(delivery always-500) ]] && ((SECONDS < until)); do sleep 0.05; done
run "$tare" notify retry "$(told_of always-500 id)"
is "$rc" 69 "another try of what still fails"
is "$(told_of always-500 attempts)" 1 "is a new life"
run "$tare" notify retry 999999
is "$rc" 65 "there is no such one"

# ---- A receiver that hangs ----
receiver http /hang-once 'timeout: 5s' | config
started=$(date +%s%N)
new_run
took=$((($(date +%s%N) - started) / 1000000))
is "$(told_of hang-once state)" waiting "the run is over while its receiver still hangs (it took $took ms, $alone ms without one)"
ok "it is tried again and gets there" await hang-once sent
is "$(told_of hang-once attempts)" 2 "at the second try"
{ receiver http /hang 'timeout: 15s'; receiver slack /slack; } | config
new_run
ok "another receiver is told" await slack sent
until=$((SECONDS + 120)) # this one's delivery may begin later than the other's
while [[ $(told_of hang attempts) == 0 ]] && ((SECONDS < until)); do sleep 0.05; done
is "$(told_of hang state) $(told_of hang attempts)" "waiting 1" "while this one hangs"
worker=$(delivery hang)
isnt "$worker" "" "the delivery hangs on"
is "$(ps -o sid= -p "$worker" | tr -d ' ')" "$(ps -o sid= -p "$worker" | tr -d ' ' | grep -v -x "$(ps -o sid= -p $$ | tr -d ' ')")" "in a session of its own"
is "$(find "/proc/$worker/fd" -lname /dev/null | wc -l) $(find "/proc/$worker/fd" -lname 'pipe:*' | wc -l)" "3 0" "with nothing of the run's streams"

# ---- One that is killed, and the next ----
kill -9 "$worker"
receiver http /hang 'timeout: 1s' | config
is "$(told_of hang state)" waiting "what a killed delivery was at is not lost"
echo "$url/many" >secrets/hang
run "$line/tare-notify" -c tare.yaml --quiet
is "$rc $(told_of hang state)" "0 waiting" "nor taken by another while it may still be sent"
run "$tare" notify send
is "$(told_of hang state) $(told_of hang attempts)" "sent 2" "when that time is over, the next one takes over"

# ---- Two at once ----
mv "$line/tare-notify" "$tmp/away"
for i in 1 2 3 4; do receiver http "/many/$i" 'interval: 0s' | sed "s/many,/many-$i,/"; done | config
new_run
is "$rc" 0 "a run without the program that tells" || diag "$err"
new_run
is "$(told | jq '[.[] | select(.receiver | startswith("many")) | .state] | unique | join(" ")')" '"waiting"' "leaves its notifications waiting"
mv "$tmp/away" "$line/tare-notify"
before=$(bodies /many | wc -l)
pids=()
for i in 1 2 3 4; do "$line/tare-notify" -c tare.yaml --wait 5s --quiet 2>>"$tmp/workers" & pids+=($!); done
wait "${pids[@]}"
is "$(($(bodies /many | wc -l) - before))" 8 "four deliveries at once send each message once"
is "$(bodies /many | jq -r .id | sort | uniq -d)" "" "and none twice"
is "$(told | jq '[.[] | select(.receiver | startswith("many")) | .attempts] | unique | join(" ")')" '"1"' "(the ledger says the same)"

# ---- Files and templates ----
receiver slack /slack 'template_file: text.txt' | config
printf '*Run {{run}}* <https://wiki.example|how to>\n{{ top_changes }}\n{{reason}}' >text.txt
new_run
ok "a text of one's own" await slack sent
like "$(bodies /slack | tail -1 | jq -r .blocks[1].text.text)" "^\*Run $id\* <https://wiki.example\|how to>" "keeps its markup, and the values are in their places"
echo 'Run {{runn}}' >text.txt
run "$tare" notify test slack
is "$rc" 78 "a placeholder that is none"
like "$err" 'text.txt, line 1: there is no placeholder \{\{runn\}\}.*did you mean run\?.*monthly_saving' "is named, with those there are"
run "$tare" run deploy
is "$rc" 0 "and stops no run"
rm -f secrets/slack
run "$tare" run deploy
is "$rc" 0 "neither does a file that is not there"
like "$err" 'slack will not be told of anything: .*secrets/slack cannot be read' "but it is said"
run "$tare" doctor
like "$out" 'warn +notify +.*secrets/slack' "and the doctor warns"
# Of another name: the deliveries of those runs are still under way, and would use a file that is well again.
receiver slack /slack-2 | config
chmod 644 secrets/slack-2
run "$tare" notify test
is "$rc" 0 "the test message is sent" || diag "$err"
like "$(bodies /slack-2 | tail -1 | jq -r .text)" "A test of the notifications of te st" "and says what it is"
run "$tare" doctor
like "$out" 'warn +notify +.*every user of this machine can read' "files that others can read are warned of"
echo "http://10.0.0.1/hook" >secrets/slack-2
run "$tare" notify test
is "$rc" 78 "an address that is not https is refused"
unlike "$err" '10\.0\.0\.1' "without showing it"
for wrong in 'type: slak, url_file: f' 'type: slack' 'url_file: f' 'type: http, url_file: f' 'type: pagerduty' 'type: slack, url_file: f, on: [done]' \
    'type: slack, url_file: f, name: "a b"' 'type: slack, url_file: f, tries: 0'; do
    echo "- {$wrong}" | config
    run "$tare" run deploy
    is "$rc" 78 "refused: $wrong"
    like "$err" 'tare.yaml, line 5: notify\[0\]' "(with its place)"
done
echo "$empty" >tare.yaml
run "$tare" notify bogus
is "$rc" 64 "an unknown word"
run "$tare" notify test
is "$rc" 78 "a test without receivers"

# ---- TLS ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tls.key -out tls.crt -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
mkfifo "$tmp/answer"
for trusted in no yes; do
    (printf 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok\n'; exec sleep 120) >"$tmp/answer" &
    typing=$!
    openssl s_server -accept 127.0.0.1:0 -cert tls.crt -key tls.key -naccept 1 <"$tmp/answer" >"$tmp/tls.$trusted" 2>&1 &
    tls=$!
    until port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$tmp/tls.$trusted") && [[ -n $port ]]; do sleep 0.05; done
    receiver slack /slack-2 | config
    echo "https://localhost:$port/T/TL5SECRET" >secrets/slack-2
    if [[ $trusted == no ]]; then
        run "$tare" notify test
        is "$rc" 69 "a certificate that nobody vouches for is refused"
        like "$err" 'certificate of slack-2 is not trusted: https://localhost' "and said so"
    else
        run env CURL_CA_BUNDLE= SSL_CERT_FILE="$PWD/tls.crt" "$tare" notify test
        is "$rc" 0 "one of a known authority is taken" || diag "$err"
        # It answers what is typed, be it before it reads.
        until=$((SECONDS + 60))
        until grep -q 'POST ' "$tmp/tls.$trusted" || ((SECONDS >= until)); do sleep 0.05; done
        like "$(cat "$tmp/tls.$trusted")" 'POST /T/TL5SECRET' "(it was this server that was told)"
    fi
    kill "$typing" "$tls" 2>/dev/null
    wait "$typing" "$tls" 2>/dev/null
done

run "$tare" audit verify
is "$rc" 0 "the audit trail is intact"
done_testing
