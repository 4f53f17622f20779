#!/bin/bash
# The conductor in the hands of people who mistype: every command with missing, superfluous and wrong words, odd surroundings, bad
# servers. One sentence and a hint each, the documented exit code, nothing half-done.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
tare=$BIN/tare
unset TARE_DATABASE_URL TARE_CONFIG TARE_NOW TARE_PROMETHEUS_URL TARE_LOG_FORMAT XDG_STATE_HOME
state_parent=$(mktemp -d /tmp/tare-state.XXXXXX)
chmod 755 "$state_parent" # root's Postgres runs as another user, who must get through
export TARE_STATE_DIR=$state_parent/ledger
down() {
    "$tare" server stop --quiet
    rm -rf "$state_parent"
}
at_exit down

# A shop of two workloads and a server that has no samples of them: a run ends unchanged, in no time.
mkdir -p "$tmp/shop/deploy" && cd "$tmp/shop" || exit 1
for name in cart till; do
    cat >deploy/$name.yaml <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: $name}
spec:
  template:
    spec:
      containers: [{name: main, image: shop/$name, resources: {requests: {cpu: 100m, memory: 64Mi}}}]
YAML
done
printf 'on * /\nbody {"status":"success","data":[]}\n' >"$tmp/script"
mkfifo "$tmp/port"
"$BIN/harness/http_server" "$tmp/script" >"$tmp/port" &
at_exit kill $!
url=http://127.0.0.1:$(cat "$tmp/port")
cat >tare.yaml <<YAML
manifests: [deploy/]
metrics: {prometheus: "$url"}
reports: {directory: reports/, formats: [markdown]}
YAML

# says CODE PATTERN WORDS...: tare WORDS ends with CODE, one message that matches, and a hint.
says() {
    local code=$1 pattern=$2 lines
    shift 2
    run timeout 60 "$tare" "$@" </dev/null
    lines=$(grep -vc '^hint: ' <<<"$err")
    if [[ $rc == "$code" && $err =~ $pattern && $lines == 1 && $err == *$'\n'hint:\ * ]]; then
        tap_result 0 "tare $*: $code"
    else
        tap_result 1 "tare $*: $code" || diag "exit $rc; $lines messages; wanted: $pattern" "$err"
    fi
}

# ---- no command, no such command, help --------------------------------------------------------------------------
run "$tare"
is "$rc" 64 "no command"
like "$err" 'usage: tare COMMAND' "shows the usage"
says 64 'no command "runn"' runn
like "$err" 'did you mean tare run' "offers the near command"
says 64 'no option --databse' --databse x status
like "$err" 'did you mean --database' "offers the near option before a command"
says 64 'no command is given' --as somebody
for command in run status show rerun report gate approve reject withdraw apply rollback history windows audit prune policy grant revoke login server \
    migrate doctor; do
    run "$tare" "$command" --help
    like "$rc $out" "^0 usage: tare $command" "tare $command --help"
    run "$tare" "$command" --version
    like "$rc $out" "^0 tare [0-9]" "tare $command --version"
    says 64 "has no option --hepl" "$command" --hepl
done
is "$(ls -A "$state_parent")" "" "none of that made a ledger"
"$tare" --help >/dev/full 2>"$tmp/err"
is "$? $(grep -c 'No space left' "$tmp/err")" "74 1" "help on a full disk says so"
"$tare" --version >&- 2>"$tmp/err"
is "$?" 74 "the version on a closed stream"

# ---- a run, and two at once -------------------------------------------------------------------------------------
"$tare" run --format json >"$tmp/one" 2>"$tmp/one.err" &
one=$!
run "$tare" run --format json
is "$rc $(jq -r .state <<<"$out")" "0 unchanged" "a run without samples ends unchanged" || diag "$err"
wait "$one"
is "$? $(jq -r .state "$tmp/one")" "0 unchanged" "and so does one at the same time" || diag "$(cat "$tmp/one.err")"
isnt "$(jq .run "$tmp/one")" "$(jq .run <<<"$out")" "they are two"
ok "the report is there" test -s reports/run-1.md
before=$("$tare" status --format json | jq length)

# ---- words ------------------------------------------------------------------------------------------------------
says 64 'must be table or json' run --format xml
says 64 'belongs to tare rerun' run --from parse
says 64 'must be one of auto' run --source psychic
says 64 'holds a password' run --prometheus http://me:hush@127.0.0.1:1
unlike "$err" hush "a password in --prometheus is not shown"
says 66 'no interrupted run' run --resume
says 64 'not the number of a run' run --resume x
says 66 'run 99 does not exist' run --resume 99
says 64 'one operand too many' run --resume 1 2
says 66 'run 99 does not exist' status 99
says 64 'not the number of a run' status 0
says 64 'not the number of a run' status -- -1
says 64 'not the number of a run' status 99999999999999999999
says 64 'one operand too many' status 1 2
says 64 'whole number' status --limit -5
says 64 'has no option -o' status -o file
says 64 'operand is missing' show 1
says 64 'no stage "Parse"' show 1 Parse
says 66 'run 99 does not exist' show 99 parse
says 66 'no finished apply' show 1 apply
says 64 'operand is missing' rerun --from parse
says 64 'needs the stage' rerun 1
says 64 'must be one of parse' rerun 1 --from nowhere
says 66 'run 99 does not exist' rerun 99 --from parse
says 64 'belongs to tare run' rerun 1 --from parse --resume
says 64 'operand is missing' report
says 64 'must be one of html' report 1 --format pdf
says 66 'run 99 does not exist' report 99
says 73 'cannot write in the directory' report 1 -o no/folder/x
says 73 'not a file that could be replaced' report 1 -o deploy
for command in approve withdraw apply rollback; do
    says 64 'operand is missing' "$command"
    says 66 'run 99 does not exist' "$command" 99 --yes
    says 64 'one operand too many' "$command" 1 2 --yes
done
says 64 'has no option --workload' apply 1 --yes --workload default/Deployment/cart
says 64 'has no option --override' rollback 1 --yes --override freeze
says 64 'needs a reason' reject 1
says 64 'needs a reason' reject 1 --rest
says 64 'only one of them goes' reject 1 --rest --reason no --workload default/Deployment/cart
says 64 'is not a workload' reject 1 --reason no --workload cart
says 64 'is not the sha256 of a plan' approve 1 --plan 123
says 64 'has no option --plan' withdraw 1 --plan 123456789abc
says 66 'run 99 does not exist' gate 99
says 64 'operand is missing' gate
says 64 'no terminal to ask on' apply 1
says 64 'is not a workload' history cart
says 64 'is not a workload' history //cart
says 64 'is not a workload' history default/Deployment/
says 64 'one operand too many' history a/b/c d/e/f
says 64 'not a time' windows --at yesterday
says 64 'not a duration' windows --next soon
says 64 'one operand too many' windows now
says 64 'needs to know what to do' audit
says 64 'has verify, list, export and anchor' audit verfy
says 64 'one operand too many' audit verify 3 4
says 66 'cannot read 3' audit verify 3
says 64 'one operand too many' audit export 3
says 64 'takes no --format' audit export --format csv
says 64 'takes no --format' audit anchor --format json
says 65 'there is no event 9999' audit export --since 9999
echo soup >soup
says 65 'line 1 of soup is no anchor' audit verify --anchor soup
says 64 'nothing is pruned unless' prune
says 66 'there is no schedule nightly' status --schedule nightly
says 66 'cannot read tare.test.yaml' policy test tare.yaml
says 64 'one operand too many' prune 3
says 66 'run 99 does not exist' audit list 99
says 64 'not understood' policy set
says 64 'not understood' policy get
says 64 'login is missing' grant --namespace shop
says 64 'needs the namespace' grant somebody
says 77 'may not map logins' grant somebody --namespace shop
says 64 'is no name of a namespace' grant somebody --namespace shop --namespace 'prod-*'
says 64 'is no name of a namespace' grant somebody --namespace ''
says 64 'operand is missing' login reviewer
says 64 'is no role' login reviewer king
says 64 'no name for a login' login 'a"b; drop' viewer
says 64 'no name for a login' login '' viewer
says 64 'no name for a login' login "$(printf 'x%.0s' {1..64})" viewer
says 64 'tare_ and pg_ are taken|tare login makes logins' login reviewer viewer --database postgresql://h/d
says 64 'start, stop and status' server strat
says 64 'one operand too many' migrate now
says 64 'one operand too many' doctor now
is "$("$tare" status --format json | jq length)" "$before" "none of that made a run"

# ---- configuration and environment ------------------------------------------------------------------------------
says 66 'configuration: cannot read none.yaml' status -c none.yaml
says 78 'deploy is not a regular file' status -c deploy
printf 'policy: {agressiveness: safe}\n' >bad.yaml
says 78 'bad.yaml, line 1: agressiveness' run -c bad.yaml
like "$err" 'did you mean aggressiveness' "offers the near key"
export TARE_NOW=soon; says 64 'TARE_NOW is not a time' status; unset TARE_NOW
export TARE_CONFIG=none.yaml; says 66 'configuration: cannot read none.yaml' status; unset TARE_CONFIG
export TARE_DATABASE_URL=soup; says 78 'neither a postgresql:// URL' status
export TARE_DATABASE_URL='postgresql://me:hush@127.0.0.1:1/x'; says 69 'Connection refused' status
unlike "$err" hush "a password in TARE_DATABASE_URL is not shown"
run "$tare" doctor
is "$rc" 69 "doctor without its database"
unlike "$out$err" hush "does not show it either"
unset TARE_DATABASE_URL
says 64 'holds a password' status --database postgresql://me:hush@127.0.0.1:1/x
unlike "$err" hush "a password in --database is not shown"
says 69 'Connection refused' run --database postgresql://127.0.0.1:1/x
export TARE_STATE_DIR=/dev/null/x; says 73 'cannot make' status; export TARE_STATE_DIR=$state_parent/ledger

# ---- failures of a run ------------------------------------------------------------------------------------------
run "$tare" run nowhere --log-format json
is "$rc" 66 "a run over no such path"
ok "every line on stderr is JSON" jq -e .message "$tmp/.err"
unlike "$(jq -r 'select(.by == "tare").message' "$tmp/.err")" '[{]' "none with another one inside"
failed=$("$tare" status --limit 1 --format json | jq '.[0].run')
like "$("$tare" status "$failed" --format json | jq -r .reason)" 'parse .*failed: cannot read nowhere' "the ledger keeps the sentence"
unlike "$("$tare" status "$failed")" 'tare report' "its next commands offer no report"
says 64 'failed and cannot go on' run --resume "$failed"
run "$tare" run --prometheus http://127.0.0.1:1
is "$rc" 69 "a run without its metrics server"
like "$err" 'hint: .*tare rerun [0-9]+ --from collect' "says how to go on"
failed=$("$tare" status --limit 1 --format json | jq '.[0].run')
like "$("$tare" status "$failed")" "tare rerun $failed --from collect" "and so does its status"
"$tare" rerun "$failed" --from collect --prometheus "$url" >/dev/null 2>&1
like "$("$tare" status "$failed")" "run $failed: failed: .*"$'\n'"run [0-9]+ took its place" "which tells what took its place"
TMPDIR=$tmp/none run "$tare" run
is "$rc" 73 "a run without a folder for temporary files"
for command in status 'show 1 parse' 'report 1' 'history' 'audit list' 'policy show' 'server status'; do
    # shellcheck disable=SC2086 # words
    "$tare" $command >/dev/full 2>"$tmp/err"
    is "$? $(grep -c '^tare: .*cannot write' "$tmp/err")" "74 1" "tare $command on a full disk"
done
exec {closed}> >(:)
wait $! # nobody reads any more
"$tare" show 1 parse >&"$closed" 2>"$tmp/err"
is "$?" 74 "tare show into a closed pipe ends with 74, not by a signal"

# ---- a namespace belongs to the run, whoever goes on with it ----------------------------------------------------
run "$tare" run --namespace till --format json
run "$tare" rerun "$(jq .run <<<"$out")" --from gate --format json
is "$rc" 0 "a rerun from elsewhere" || diag "$err"
run "$tare" history till/Deployment/cart --format json
is "$(jq length <<<"$out")" 2 "keeps the namespace of the run it takes the place of"

# ---- a run whose folder is gone: its report is still to be had, the rest says what is missing ---------------------
cp -R "$tmp/shop" "$tmp/gone"
gone=$(cd "$tmp/gone" && "$tare" run --format json 2>/dev/null | jq .run)
rm -rf "$tmp/gone"
run "$tare" report "$gone"
is "$rc" 0 "the report of a run whose folder is gone" || diag "$err"
run "$tare" rerun "$gone" --from analyze -c tare.yaml
is "$rc" 66 "a rerun of it"
like "$err" 'cannot work in the folder .*gone' "names the folder"

# ---- the same digests, whatever the surroundings ----------------------------------------------------------------
export TARE_NOW=2026-11-22T01:00:00Z
digests() {
    local id stage
    id=$("$tare" run --end 2026-11-22T00:00:00Z --format json 2>/dev/null | jq .run)
    for stage in parse collect analyze price diff gate; do "$tare" show "$id" "$stage"; done | sha256sum
}
wanted=$(digests)
isnt "$wanted" "$(sha256sum </dev/null)" "a run's artifacts have digests"
is "$({ export LC_ALL=tr_TR.UTF-8 TZ=Asia/Kathmandu; } 2>/dev/null; digests 2>/dev/null)" "$wanted" "two runs at one instant give the same six artifacts"
unset TARE_NOW

# ---- the database goes ------------------------------------------------------------------------------------------
run "$tare" server stop
is "$rc" 0 "the server stops"
run "$tare" status --format json
is "$rc" 0 "and starts when it is needed"
run "$tare" audit verify
is "$rc" 0 "the audit trail is intact after all that"
done_testing
