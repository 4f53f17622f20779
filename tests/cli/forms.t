#!/usr/bin/env bash
# Forms that people and programs give manifests: what is read, left out or refused, and where that is said.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
cd "$tmp" || exit 1
shopt -s lastpipe # what ends a pipe counts its tests here

pod() { printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {containers: [{name: a, image: b, resources: {limits: {cpu: %s}}}]}\n' "$1" "${2:-2}"; }
json() { printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s"},"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":2}}}]}}' "$1"; }
pod beside >zz.yaml # read last
BOM=$'\xef\xbb\xbf'

# gives WANTED NAME [EXTENSION]: what a file of these bytes (stdin) gives: its workloads, then its notes.
gives() {
    local file=form.${3:-yaml}
    cat >"$file"
    is "$(timeout 60 "$BIN/tare-parse" -q "$file" zz.yaml 2>/dev/null | jq -r --arg f "$file" \
        'if .workload.source.file == $f then .workload | .name + ":" + (.containers[0].limits.cpu_millicores // "-" | tostring)
         elif .note.source.file == $f then .note | [.outcome, .code, .source.line // "-", .source.column // "-"] | join(" ")
         else empty end' | paste -sd,)" "$1" "$2"
}

# ---- bytes ---------------------------------------------------------------------------------------------------------
{ printf '%s' "$BOM"; pod p; } | gives "p:2000" "a byte order mark"
{ printf '%s' "$BOM"; pod p; printf -- '---\n%s' "$BOM"; pod q; printf '%s---\n' "$BOM"; pod r; } | gives "p:2000,q:2000,r:2000" "files with marks, joined"
{ printf '%s' "$BOM"; pod p | sed 's/$/\r/'; printf -- '---\r\n%s' "$BOM"; pod q | sed 's/$/\r/'; } | gives "p:2000,q:2000" "the same with CRLF"
pod p | sed "s/image: b/image: b$BOM/" | gives "p:2000" "a mark in the middle of a line is a character"
pod p | tr '\n' '\r' | gives "p:2000" "carriage returns alone end lines"
pod p | iconv -t UTF-16LE | gives "error encoding 1 1" "UTF-16"
pod p | iconv -t UTF-16BE | gives "error encoding 1 1" "UTF-16, the other way round"
{ pod p; printf '# caf\xe9\n'; } | gives "error encoding 5 6" "Latin-1 in a comment"
{ pod p; printf '# \a\n'; } | gives "error encoding 5 3" "a bell"
head -c 3000 "$BIN/tare-parse" | gives "error encoding 1 1" "a program that is named like a manifest"
: | gives "skipped no-workload - -" "nothing"
printf '%s' "$BOM" | gives "skipped no-workload - -" "nothing but a mark"
printf ' \t\n\r\n' | gives "skipped no-workload - -" "nothing but blanks"

# ---- documents -----------------------------------------------------------------------------------------------------
{ printf '# x\n---\n---\n'; pod p; printf '...\n# y\n---\nnull\n--- # z\n'; pod q; printf -- '---\t \n'; pod r; printf -- '---\n'; } |
    gives "p:2000,q:2000,r:2000" "markers of every sort, empty documents between"
printf -- '--- {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}\n---\n' | gives "p:-" "a document on its marker's line"
{ pod p; printf ' ---\n'; pod q; } | gives "error yaml-syntax 5 2" "a marker that is indented"
{ printf 'a: "b\n'; echo ---; pod p; } | gives "error yaml-syntax 2 1,p:2000" "an open quote ends at the marker"
{ printf 'a: |\n  ---\n  b\nc: "\n  --- d"\n---\n'; pod p; } | gives "p:2000" "markers inside of scalars split nothing"
{ printf '%%YAML 1.2\n---\n'; pod p; } | gives "p:2000" "a directive"

# ---- JSON ----------------------------------------------------------------------------------------------------------
json p | gives "p:2000" "JSON in one line" json
{ printf '%s\t\r\n' "$BOM"; json p | jq --tab . | sed 's/$/\r/'; printf '\t'; } | gives "p:2000" "JSON with a mark, tabs and CRLF" json
json p | sed 's|"cpu"|"\\u0063pu"|; s|v1|v\\u0031|; s|"p"|"\\u0070"|; s|"b"|"b\\/c"|' | gives "p:2000" "escapes in keys and values" json
{ json p | sed 's|"p"|"p\\/"|'; } | gives "error bad-value 1 1" "a name that no object can have" json
{ json p | sed "s|\"p\"|\"$(printf 'p%.0s' {1..254})\"|"; } | gives "error bad-value 1 1" "a name that is longer than 253 bytes" json
printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: !!float nan\n  template: {spec: {containers: [{name: c, image: b}]}}\n' |
    gives "error bad-value 5 13" "replicas of no number"
{ json p; echo; json q; json r; } | gives "p:2000,q:2000,r:2000" "values one after the other" json
{ json p; echo '{"a": ]}'; } | gives "p:2000,error yaml-syntax 1 133" "a broken one among them" json
json p | sed 's/"cpu":2/&,"cpu":3/' | gives "error duplicate-key 1 122" "a key twice" json
printf '[%s]' "$(json p)" | gives "skipped no-workload - -" "an array is no manifest" json

# ---- what is to be filled in, and other people's files --------------------------------------------------------------
{ echo '{{- if .Values.on }}'; pod p; echo '{{- end }}'; } | gives "skipped helm-template - -" "a Helm template"
pod '"{{ .Release.Name }}"' | gives "skipped helm-template - -" "a Helm template that is YAML"
pod p '"{{ .Values.cpu }}"' | gives "skipped helm-template - -" "one whose amount is to come"
{ pod p; printf 'x:\n  {{- toYaml .Values.x | nindent 2 }}\n'; } | gives "skipped helm-template - -" "one that is broken"
{ pod p; printf 'x: "{{ $labels.pod }}"\ny: [\n'; } | gives "error yaml-syntax 7 1" "braces in quotes break nothing: the fault is another"
{ pod p; printf "x: '{{ \$labels.pod }}\n"; } | gives "error yaml-syntax 6 1" "even on the line of the fault"
pod '{{ name }}' | gives "skipped helm-template - -" "another template"
{ echo '{% if on %}'; pod p; echo '{% endif %}'; } | gives "skipped helm-template - -" "Jinja"
pod p | sed 's/image: b/args: ["{{.Names}}"], image: b/' | gives "p:2000" "braces in an argument are text"
# shellcheck disable=SC2016
pod p '"${CPU}"' | gives "error bad-quantity 4 67" "a variable in the place of an amount"
{ pod p | sed -n 1,2p; echo '<<<<<<< HEAD'; pod p | sed 1,2d; } | gives "error yaml-syntax 4 1" "a merge that was not finished"
{ echo '```yaml'; pod p; } | gives "error yaml-syntax 1 1" "Markdown"
printf 'version: https://git-lfs.github.com/spec/v1\noid: x\n' | gives "skipped no-workload - -" "other YAML"
printf -- '- op: add\n  path: /spec/replicas\n  value: 2\n' | gives "skipped no-workload - -" "a JSON patch"
printf 'apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: j-}\n' | gives "skipped bad-value 1 1" "a generated name is left out, which is no error"
printf 'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {minAvailable: x}\n' | gives "skipped bad-value 4 22" "nor is an odd budget"
run "$BIN/tare-parse" --strict -q form.yaml zz.yaml
is "$rc" 0 "which --strict lets pass"

# ---- what is special about a folder -----------------------------------------------------------------------------------
mkdir d && pod p >d/a.yaml && mkfifo d/b.yaml && ln -s . d/c && ln -s d.yaml d/d.yaml && mkdir d/e.yaml && pod q >d/e.yaml/f.yml && pod r >d/.g.yaml
run timeout 60 "$BIN/tare-parse" -q d
is "$rc $(jq -r 'if .workload then .workload.name elif .note then .note.source.file else empty end' <<<"$out" | paste -sd,)" \
    "0 p,d/b.yaml,d/d.yaml,q" "a FIFO, links in circles, a folder with a file's name, a hidden file"
done_testing
