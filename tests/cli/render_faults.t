#!/usr/bin/env bash
# --render when helm or kustomize is not there, hangs, floods, fails or lies: one note a folder, the rest goes on. The programs
# are scripts; nothing else can do this.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
cd "$tmp" || exit 1
mkdir -p tree/chart/templates tree/kust bin empty
printf 'apiVersion: v2\nname: Some_Chart\nversion: 1.0.0\n' >tree/chart/Chart.yaml
printf 'kind: {{ .Values.kind }}\n' >tree/chart/templates/x.yaml
printf 'resources: [app.yaml]\n' >tree/kust/kustomization.yaml
deployment() {
    printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n' "$1"
}
deployment app >tree/kust/app.yaml
deployment plain >tree/plain.yaml
deployment rendered >deployment.yaml

# fake NAME BODY: a program that PATH finds first.
fake() { printf '#!/bin/sh\n%s\n' "$2" >"bin/$1" && chmod 755 "bin/$1"; }
parse() { run env PATH="$tmp/bin:/usr/bin:/bin" "$BIN/tare-parse" -q --render "$@"; }
names() { jq -r 'select(.workload).workload.name' <<<"$out" | tr '\n' ' '; }
note() { jq -r --arg file "$1" 'select(.note.source.file == $file and .note.outcome == "error").note | .code + ": " + .message' <<<"$out"; }

run env PATH="$tmp/empty" "$BIN/tare-parse" -q --render tree
is "$rc $(names)" "0 plain " "without the programs the rest is read"
is "$(note tree/chart)" "render-missing: tree/chart is a Helm chart, and helm is not installed: no folder of PATH has it; install helm, or run without --render" "a chart is a note"
is "$(note tree/kust)" "render-missing: tree/kust is a kustomization, and neither kustomize nor kubectl is installed: no folder of PATH has it; install kustomize, or run without --render" "a kustomization too"
is "$(jq -r 'select(.note).note.source.file' <<<"$out" | tr '\n' ' ')" "tree/chart tree/kust " "whose files are not read as if they were whole"
run env PATH="$tmp/empty" "$BIN/tare-parse" -q --render --strict tree
is "$rc" 65 "--strict ends there"
run env PATH="$tmp/empty" "$BIN/tare-parse" -q --render tree/chart
is "$rc $out" "65 " "where nothing else was named there is no artifact"
like "$err" 'helm is not installed' "and the sentence says why"
(cd tree && cp ../deployment.yaml . && fakes="$tmp/tree" && printf '#!/bin/sh\n: >"%s/ran"\n' "$tmp" >helm && chmod 755 helm &&
    PATH=":.:$fakes/../empty" "$BIN/tare-parse" -q --render chart >/dev/null 2>&1)
ok "a program of the current folder is not run" test ! -e ran
rm -f tree/helm tree/deployment.yaml

fake kubectl "[ \"\$1\" = kustomize ] && cat $tmp/deployment.yaml"
parse tree/kust
is "$rc $(names)" "0 rendered " "kubectl kustomize serves where kustomize is not there"
fake kustomize "cat $tmp/deployment.yaml"
fake helm "echo \"\$@\" >$tmp/words; env | sort >$tmp/environment; cat $tmp/deployment.yaml"
HELM_KUBETOKEN=secret AWS_SECRET_ACCESS_KEY=secret TARE_DATABASE_URL=postgres://secret@x/y parse -n shop tree
is "$rc $(names)" "0 rendered rendered plain " "both are run"
is "$(cat words)" "template some-chart ./tree/chart --namespace=shop --skip-tests" "with a release named as the chart, as far as that is a name"
is "$(grep -c secret environment)" 0 "and without secrets of the environment"
like "$(cat environment)" 'GIT_ALLOW_PROTOCOL=none' "nor may Git fetch"
is "$(jq -r 'select(.workload) | .problems[].code' <<<"$out" | sort -u)" duplicate-identity "what comes out twice is told"

fake helm "echo 'Error: first'; echo 'warning: odd' >&2; printf 'Error: values: bad\n  at line 3\n\nUse --debug flag to render out invalid YAML\n' >&2; exit 1"
parse tree
is "$rc $(names)" "0 rendered plain " "a chart that fails leaves the others"
is "$(note tree/chart)" "render-failed: helm template cannot render tree/chart: values: bad at line 3" "with what the program said last"
fake helm 'exit 3'
parse tree
is "$(note tree/chart)" "render-failed: helm template cannot render tree/chart: it ended with the exit code 3 and said nothing" "or that it said nothing"
fake helm 'kill -9 $$'
parse tree
like "$(note tree/chart)" 'exit code 137' "or how it was killed"
fake helm 'printf "Error: \033[31mred\007 \377\376\n" >&2; exit 1'
parse tree
ok "control bytes of a program do no harm" jq -e . <<<"$out"
unlike "$(note tree/chart)" $'\033' "and are masked"
fake helm 'i=0; while [ $i -lt 20000 ]; do echo "noise $i noise noise noise noise noise noise" >&2; i=$((i+1)); done; echo "Error: at last" >&2; exit 1'
parse tree
is "$(note tree/chart)" "render-failed: helm template cannot render tree/chart: at last" "any amount of noise before it"

start=$(date +%s)
fake helm 'sleep 600 & echo $! >'"$tmp"'/child; sleep 600'
parse --render-timeout 5s tree
is "$(note tree/chart)" "render-failed: helm template did not render tree/chart within 5 s; --render-timeout gives it longer" "one that hangs is ended"
is "$(names)" "rendered plain " "and the rest is read"
(($(date +%s) - start < 120))
tap_result $? "soon"
# Ended: not there any more, or only waiting for its parent.
ended() { for _ in {1..600}; do [[ ! -e /proc/$1/status ]] || grep -q '^State:.Z' "/proc/$1/status" && return 0; sleep 0.1; done; return 1; }
ok "with what it started" ended "$(cat child)"
fake helm 'sleep 600 & echo $! >'"$tmp"'/child; cat '"$tmp"'/deployment.yaml; exec >&- 2>&-; exit 0'
parse --render-timeout 3s tree
ok "what a program leaves behind is ended too" ended "$(cat child)"
fake helm 'head -c 1073741824 /dev/zero | tr "\0" "#"'
parse tree
is "$(note tree/chart)" "render-failed: helm template makes more than 16777216 bytes of tree/chart; --max-file-bytes lets it be more" "a gigabyte is cut off"
fake helm 'printf "kind: [\n---\n"; cat '"$tmp"'/deployment.yaml'
parse tree/chart
is "$(names)" "rendered " "the good documents of broken text are kept"
like "$(note tree/chart)" '^yaml-syntax: tree/chart, line 2, column 1: ' "and the broken one is a note, with its line in the text"
fake helm 'true'
parse tree
is "$(jq -r 'select(.note.source.file == "tree/chart" and .note.code == "no-workload").note.outcome' <<<"$out")" skipped "no text is a note"

for words in '--helm-release=Bad_Name' '--helm-release=-x' '--helm-values=nowhere.yaml' '--helm-values=a,b' '--helm-values=https://x/y' '--render-timeout=0s' '--render-timeout=2h'; do
    parse "$words" tree
    is "$rc" 64 "$words is refused"
done
printf 'a: 1\n' >-values.yaml
fake helm "echo \"\$@\" >$tmp/words; cat $tmp/deployment.yaml"
parse --helm-values=-values.yaml tree
is "$(cat words)" "template some-chart ./tree/chart --namespace=default --skip-tests --values=./-values.yaml" "no path becomes an option"

# Copies of hostile kustomizations: circles, bombs, too many files.
fake kustomize "cat $tmp/deployment.yaml"
mkdir -p circle/a circle/b
printf 'resources: [../b]\n' >circle/a/kustomization.yaml
printf 'resources: [../a]\n' >circle/b/kustomization.yaml
deployment x >circle/x.yaml
parse circle
is "$rc" 0 "kustomizations that name each other end"
{
    printf 'x: &a0 [y]\n'
    for i in {1..12}; do printf 'x%d: &a%d [%s]\n' "$i" "$i" "$(for _ in {1..9}; do printf '*a%d, ' $((i - 1)); done)"; done
    printf 'resources: *a12\n'
} >tree/kust/kustomization.yaml
parse tree
is "$rc" 0 "a bomb of aliases does not go off"
done_testing
