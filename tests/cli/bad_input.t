#!/bin/bash
# Bad input of the stages: each gives one sentence and a hint, the documented exit code, and nothing half-written.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
unset TARE_CONFIG TARE_NOW TARE_PROMETHEUS_URL TARE_DATABASE_URL TARE_LOG_FORMAT
cd "$tmp" || exit 1

# refused CODE PATTERN NAME COMMAND...: stdin is ./in. One message with a hint, no end of an artifact on stdout.
: >in
refused() {
    local code=$1 pattern=$2 name=$3 lines
    shift 3
    run timeout 120 "$@" <in
    lines=$(grep -vc '^hint: ' <<<"$err")
    if [[ $rc == "$code" && $err =~ $pattern && $lines == 1 && $err == *$'\n'hint:\ * && $'\n'$out != *$'\n{"end":'* ]]; then
        tap_result 0 "$name"
    else
        tap_result 1 "$name" || diag "exit $rc, wanted $code; $lines messages; wanted: $pattern" "$err"
    fi
}

# ---- what tare-parse is pointed at ------------------------------------------------------------------------------
mkdir empty services broken
printf 'apiVersion: v1\nkind: Service\nmetadata: {name: x}\n' >services/s.yaml
printf 'a: [1, 2\n' >broken/b.yaml
ln -s loop loop
refused 64 "no manifest is named" "no path" "$BIN/tare-parse"
refused 66 "cannot read nowhere" "no such path" "$BIN/tare-parse" nowhere
refused 66 "cannot read loop" "a link to itself" "$BIN/tare-parse" loop
refused 65 "no workload" "an empty folder" "$BIN/tare-parse" empty
refused 65 "no workload" "a folder without workloads" "$BIN/tare-parse" services
refused 65 "b.yaml, line 2, column 1" "broken YAML alone" "$BIN/tare-parse" broken
refused 65 "b.yaml, line 2" "broken YAML with --strict" "$BIN/tare-parse" --strict broken "$root/fixtures/demo/manifests"
mkdir -p chart/templates && printf 'name: c\nversion: 1.0.0\n' >chart/Chart.yaml && printf 'kind: {{ .Values.kind }}\n' >chart/templates/t.yaml
refused 65 "hint: 1 of them are parts of Helm charts and kustomizations: --render" "a chart alone" "$BIN/tare-parse" chart
refused 64 "helm-values is for charts" "values for charts that are not rendered" "$BIN/tare-parse" --helm-values v.yaml services
refused 64 "helm-release is for charts" "a release of none" "$BIN/tare-parse" --helm-release r services
refused 64 "render is for charts" "rendering a cluster" "$BIN/tare-parse" --render --kubeconfig none
refused 65 "hint: name less, or allow more.*--max" "a limit" "$BIN/tare-parse" --max-depth 2 "$root/fixtures/demo/manifests"
refused 65 "hint: allow more with one of the --max options" "a limit with --strict" "$BIN/tare-parse" --strict --max-depth 2 "$root/fixtures/demo/manifests"
run "$BIN/tare-parse" broken "$root/fixtures/demo/manifests"
is "$rc" 0 "broken YAML beside good: exit 0"
is "$(jq -r 'select(.note.code == "yaml-syntax").note.source.line' <<<"$out")" 2 "and a note with its line"

# ---- options ----------------------------------------------------------------------------------------------------
for stage in parse collect analyze price diff gate apply rollback report; do
    refused 64 "tare-$stage has no option --hepl" "tare-$stage: an unknown option" "$BIN/tare-$stage" --hepl
    refused 64 "needs a value" "tare-$stage: an option without its value" "$BIN/tare-$stage" --config
    refused 64 "is not a time" "tare-$stage: a broken time" "$BIN/tare-$stage" --created yesterday
    refused 66 "configuration: cannot read none.yaml" "tare-$stage: no such configuration" "$BIN/tare-$stage" -c none.yaml x
    refused 64 "TARE_NOW is not a time" "tare-$stage: TARE_NOW is wrong" env TARE_NOW=soon "$BIN/tare-$stage"
    like "$("$BIN/tare-$stage" --help)" "usage: tare-$stage" "tare-$stage --help"
    like "$("$BIN/tare-$stage" --version)" "^tare-$stage [0-9]" "tare-$stage --version"
    "$BIN/tare-$stage" --help >/dev/full 2>err
    is "$? $(grep -c 'cannot write' err)" "74 1" "tare-$stage --help on a full disk"
done
run "$BIN/tare-parse" --strct x
like "$err" 'did you mean --strict' "the nearest option is offered"

# ---- configuration ----------------------------------------------------------------------------------------------
bad_config() {
    printf '%b' "$1" >c.yaml
    refused "$2" "$3" "configuration: $4" "$BIN/tare-parse" -c c.yaml services
}
bad_config 'version: 1\nclutser: x\n' 78 'c.yaml, line 2: clutser.*did you mean cluster' "an unknown key"
bad_config 'metrics:\n  promtheus: x\n' 78 'line 2: promtheus.*did you mean prometheus' "an unknown key inside"
bad_config 'policy:\n  aggressiveness: balancd\n' 78 'line 2: policy.aggressiveness.*did you mean balanced' "an unknown value"
bad_config 'version: 2\n' 78 'version 2' "a newer version"
refused 66 "configuration: cannot read no.yaml" "TARE_CONFIG names no file" env TARE_CONFIG=no.yaml "$BIN/tare-parse" services
for file in folder binary large deep alias; do
    rm -rf c.yaml
    case $file in
        folder) mkdir c.yaml ;;
        binary) printf 'a: \377\376\n' >c.yaml ;;
        large) head -c 2000000 /dev/zero | tr '\0' a >c.yaml ;;
        deep) printf '[%.0s' {1..2000} >c.yaml ;;
        alias) printf 'clusters:\n- &a [*a]\n' >c.yaml ;;
    esac
    run timeout 60 "$BIN/tare-parse" -c c.yaml services
    is "$rc $(grep -vc '^hint: ' <<<"$err")" "78 1" "configuration: a $file is 78, in one message" || diag "$err"
    like "$err" 'c.yaml' "and named"
done

# ---- artifacts --------------------------------------------------------------------------------------------------
cat >script <<'SCRIPT'
on * /
body {"status":"success","data":[]}
SCRIPT
mkfifo port
"$BIN/harness/http_server" script >port &
server=$!
at_exit kill "$server"
export TARE_PROMETHEUS_URL=http://127.0.0.1:$(cat port)
"$BIN/tare-parse" -q "$root/fixtures/demo/manifests" >parse 2>err
"$BIN/tare-collect" -q <parse >collect 2>err
"$BIN/tare-analyze" -q <collect >analyze 2>err
"$BIN/tare-price" -q <analyze >price 2>err
is "$(jq -r 'select(.end).end.workloads' price)" "$(jq -r 'select(.end).end.workloads' parse)" "a good line up to price"
(cd "$root" && "$BIN/tare-diff" -q) <price >diff 2>err
ok "and diff" grep -q '^{"end"' diff

declare -A reads=([collect]=parse [analyze]=collect [price]=analyze [diff]=price [report]=diff)
for stage in "${!reads[@]}"; do
    good=${reads[$stage]}
    : >in
    refused 65 "is empty" "tare-$stage: nothing at all" "$BIN/tare-$stage"
    head -n -1 "$good" >in
    refused 65 "no last line" "tare-$stage: no end" "$BIN/tare-$stage"
    head -c 2000 "$good" >in
    refused 65 "in the middle of a line" "tare-$stage: cut in a line" "$BIN/tare-$stage"
    { sed -n 1p "$good"; sed '1d;$d' "$good" | tac; tail -n 1 "$good"; } >in
    refused 65 "not in the order" "tare-$stage: reordered" "$BIN/tare-$stage"
    sed 2d "$good" >in
    refused 65 "records, its last line says" "tare-$stage: a record is gone" "$BIN/tare-$stage"
    sed '2s/"kind":"/"kind":"X/' "$good" >in
    refused 65 "was changed" "tare-$stage: a changed record" "$BIN/tare-$stage"
    cat "$good" "$good" >in
    refused 65 "more after the last line" "tare-$stage: two artifacts" "$BIN/tare-$stage"
    sed '1s/"version":1/"version":2/' "$good" >in
    refused 65 "newer than this program" "tare-$stage: a newer version" "$BIN/tare-$stage"
    sed '1s/"tare":"[a-z]*"/"tare":"soup"/' "$good" >in
    refused 65 "unknown kind" "tare-$stage: an unknown kind" "$BIN/tare-$stage"
    printf 'kind: Pod\n' >in
    refused 65 "not a JSON object" "tare-$stage: YAML" "$BIN/tare-$stage"
    printf '{"kind":"List","items":[]}\n' >in
    refused 65 "not the header" "tare-$stage: foreign JSON" "$BIN/tare-$stage"
    if [[ $stage != report ]]; then
        cp diff in
        refused 65 'of kind "changes"' "tare-$stage: the artifact of another stage" "$BIN/tare-$stage"
    fi
    "$BIN/tare-$stage" -q <"$good" >/dev/full 2>err
    is "$? $(grep -c 'No space left' err)" "74 1" "tare-$stage: a full disk"
done
: >in

# ---- the metrics server -----------------------------------------------------------------------------------------
faulty() { # PATTERN NAME SCRIPT [TIME-OUT]
    printf '%b\n' "$3" >script
    rm -f port2
    mkfifo port2
    "$BIN/harness/http_server" script >port2 &
    local pid=$!
    cp parse in
    refused 69 "$1" "a server that $2" env TARE_PROMETHEUS_URL="http://me:hush@127.0.0.1:$(cat port2)" \
        "$BIN/tare-collect" -q --timeout "${4:-20s}"
    unlike "$out$err" hush "and no password is shown"
    kill "$pid"
    wait "$pid" 2>/dev/null
    : >in
}
faulty 'a web page instead of data' "answers HTML" 'on * /\nheader Content-Type: text/html\nbody <html>sign in</html>'
faulty 'status "error".*no such thing' "answers status:error" \
    'on * /\nbody {"status":"error","errorType":"bad_data","error":"no such thing"}'
faulty 'cut its answer in the middle' "cuts the reply" 'on * /\nbody {"status":"success","data":[]}\ncut 20'
faulty 'did not answer in time' "is slow" 'on * /\nhang' 1s
faulty '\(401\)' "wants another token" 'on * /\nstatus 401'
faulty 'its data are no list' "gives a number for a list" 'on * /\nbody {"status":"success","data":{"result":42}}'
cp parse in
refused 69 "does not accept connections" "no server at that address" "$BIN/tare-collect" --prometheus http://127.0.0.1:1
refused 64 "not an http or https address" "an address that is none" "$BIN/tare-collect" --prometheus ftp://x
refused 64 "holds a password" "a password on the command line" "$BIN/tare-collect" --prometheus http://me:hush@127.0.0.1:1
unlike "$err" hush "is not shown"
refused 64 "between 10 minutes and" "a window of nothing" "$BIN/tare-collect" --window 0d
is "$(jq -r '.problems[]?.code' collect | sort -u)" no-data "no data for a workload is a problem of its record, and no failure"
: >in

# ---- names of prices: 64 from an option, 78 from a file ---------------------------------------------------------
cp analyze in
refused 64 "provider 'awz'.*did you mean 'aws'" "an unknown provider" "$BIN/tare-price" --provider awz
refused 64 "the providers are aws, gcp, azure" "a far provider" "$BIN/tare-price" --provider zzzzzz
refused 64 "us-esat-1.*did you mean 'us-east-1'" "an unknown region" "$BIN/tare-price" --provider aws --region us-esat-1
refused 64 "region 'nowhere'.*tare prices regions.*leave it out" "a far region" "$BIN/tare-price" --provider aws --region nowhere
refused 64 "m6i.xlrge.*did you mean 'm6i.xlarge'" "an unknown instance type" "$BIN/tare-price" --provider aws --instance m6i.xlrge
refused 64 "discount" "a decimal comma" "$BIN/tare-price" --discount 0,3
printf 'pricing: {provider: awz}\n' >p.yaml
refused 78 "p.yaml.*awz.*did you mean 'aws'" "an unknown provider in a file" "$BIN/tare-price" -c p.yaml
printf 'pricing: {provider: aws, region: us-esat-1}\n' >p.yaml
refused 78 "p.yaml.*did you mean 'us-east-1'" "an unknown region in a file" "$BIN/tare-price" -c p.yaml
printf 'pricing: {provider: aws, region: us-east-1, instance: m6i.xlrge}\n' >p.yaml
refused 78 "p.yaml.*did you mean 'm6i.xlarge'" "an unknown instance type in a file" "$BIN/tare-price" -c p.yaml
cp collect in
refused 64 "one of rules\|anthropic\|openai.*did you mean rules" "an unknown provider of reasons" "$BIN/tare-analyze" --llm ruels
: >in

# ---- where things are written -----------------------------------------------------------------------------------
mkfifo queue
cp diff in
refused 73 "not a file that could be replaced" "a report into a pipe" "$BIN/tare-report" -o queue
ok "and the pipe stays" test -p queue
refused 73 "cannot write in the directory no/such/folder" "a report into a folder that is not there" \
    "$BIN/tare-report" -o no/such/folder/x
run env TMPDIR="$tmp/none" "$BIN/tare-report" <in
is "$rc" 73 "no folder for temporary files"
like "$err" 'hint: set TMPDIR' "says what to set"
(ulimit -f 8; TMPDIR=$tmp "$BIN/tare-report" -o report.md <in >o 2>err)
is "$?" 74 "a file that grows too large is an error, not a signal"
ok "and no report is left behind" test ! -e report.md
is "$(find . -name '.tare-*' | wc -l | tr -d ' ')" 0 "nor a temporary file"

# ---- the reader's surroundings ----------------------------------------------------------------------------------
for locale in tr_TR.UTF-8 de_DE.UTF-8; do
    LC_ALL=$locale LANG=$locale TZ=Asia/Kathmandu "$BIN/tare-price" -q --created 2026-11-22T00:00:00Z <analyze >odd 2>err
    "$BIN/tare-price" -q --created 2026-11-22T00:00:00Z <analyze >even 2>err
    ok "the same bytes under $locale" cmp odd even
done
run "$BIN/tare-parse" --log-format json nowhere
ok "--log-format json: the message is JSON" jq -e '.level == "error" and (.message | contains("nowhere")) and .hint' <<<"$err"
done_testing
