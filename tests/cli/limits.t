#!/usr/bin/env bash
# How much is too much for tare-parse: each limit from both sides, and what is made to break it.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need jq
cd "$tmp" || exit 1

pod() { printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {containers: [{name: a, image: b}]}\n' "$1"; }
mkdir z && pod beside >z/pod.yaml # read last

# verdict ARGS...: what became of it beside a good file: the names of workloads, then each note.
verdict() {
    "$BIN/tare-parse" -q z/pod.yaml "$@" 2>/dev/null | jq -r 'if .workload then .workload.name elif .note then
        .note | [.outcome, .code, .source.line // "-", .source.column // "-"] | join(" ") else empty end' | paste -sd,
}

# limit OPTION MOST INSIDE BEYOND NAME PATH...: what the files give when they are just within the limit, and just beyond it.
limit() {
    local option=$1 most=$2 inside=$3 beyond=$4 name=$5
    shift 5
    is "$(verdict --"$option" "$most" "$@")" "$inside" "$name: just within --$option"
    is "$(verdict --"$option" $((most - 1)) "$@")" "$beyond" "$name: just beyond"
}

{ pod one; echo ---; pod two; echo ---; pod three; } >documents.yaml
limit max-documents 3 "one,two,three,beside" "one,two,error size-limit 10 1,beside" "documents" documents.yaml
{ pod one; printf -- '---\n[\n---\n'; pod three; } >broken.yaml
limit max-documents 3 "one,error yaml-syntax 7 1,three,beside" "one,error yaml-syntax 7 1,error size-limit 7 1,beside" "a broken document counts" broken.yaml
{ pod one; echo ---; pod two | sed 's/name: a/&, args: [xxxxxxxxx]/'; echo ---; pod three; } >large.yaml
size=$(pod two | sed 's/name: a/&, args: [xxxxxxxxx]/' | wc -c) # from its marker to its last value
limit max-document-bytes "$size" "one,two,three,beside" "one,error size-limit 9 57,three,beside" "bytes of a document" large.yaml
{ pod one; echo ---; printf 'x: &x {y: 1}\n'; pod two | sed 's/name: a/&, args: [*x, *x]/'; } >spread.yaml
size=$(($(sed '1,/---/d' spread.yaml | wc -c) + 2 * 9))
limit max-document-bytes "$size" "one,two,beside" "one,error size-limit 10 54,beside" "with what aliases name" spread.yaml
{ pod one; echo ---; pod two | sed 's/name: a/&, args: [[[x]]]/'; } >deep.yaml
limit max-depth 7 "one,two,beside" "one,error alias-limit 9 39,beside" "depth" deep.yaml
limit max-values 18 "beside" "" "keys and values" z/pod.yaml
{ pod one; echo ---; pod two | sed 's/name: a/&, args: [x]/'; } >values.yaml
limit max-values 21 "one,two,beside" "one,error size-limit 9 49,beside" "keys and values of the longer one" values.yaml
{ pod one; echo ---; pod two | sed 's/name: a/&, args: ["0123456789\\n"]/'; } >scalar.yaml
limit max-scalar-bytes 11 "one,two,beside" "one,error size-limit 9 38,beside" "a value" scalar.yaml
limit max-scalar-bytes 10 "beside" "" "a key" z/pod.yaml
{ pod one; echo ---; printf 'x: &x 1\n'; pod two | sed 's/name: a/&, args: [*x, *x, *x]/'; } >aliases.yaml
limit max-aliases 3 "one,two,beside" "one,error alias-limit 10 46,beside" "aliases" aliases.yaml
{ pod one; echo ---; printf 'x: [&a 1, &b 2]\n'; pod two; } >anchors.yaml
limit max-aliases 2 "one,two,beside" "one,error alias-limit 6 11,beside" "anchors" anchors.yaml
{ echo 'x: &x {<<: {<<: {image: b}}}'; pod one | sed 's/image: b/<<: *x/'; } >merges.yaml
merges=$(for most in $(seq 0 300); do [[ $(verdict --max-merges "$most" merges.yaml) == one,* ]] && echo "$most" && break; done)
limit max-merges "$merges" "one,beside" "error alias-limit 1 1,beside" "merges" merges.yaml
size=$(wc -c <documents.yaml)
limit max-file-bytes "$size" "one,two,three,beside" "error size-limit - -,beside" "bytes of a file" documents.yaml

# folders
mkdir -p tree/a/b/c && pod top >tree/top.yaml && pod leaf >tree/a/b/c/leaf.yaml
limit max-folder-depth 3 "leaf,top,beside" "error size-limit - -,top,beside" "folders in folders" tree
is "$(verdict --max-files 3 tree)" "leaf,top,beside" "files: just within --max-files"
run "$BIN/tare-parse" -q --max-files 2 z/pod.yaml tree
is "$rc" 65 "one file more ends the run"
is "$out" "" "without an artifact"
like "$err" "more than 2 manifest files.*--max-files" "and says what to do"

# each limit has its bounds and stands in the header
options=$(sed -n 's/^X(OPT_[A-Z_]*, "\([a-z_]*\)".*/\1/p' "$root/stages/common/manifest/input_limits.def")
is "$(wc -w <<<"$options")" 10 "ten limits"
for key in $options; do
    option=--${key//_/-}
    run "$BIN/tare-parse" -q "$option" 2147483648 z/pod.yaml
    is "$rc $(grep -c -- "$option is not between" <<<"$err")" "64 1" "$option has an upper bound"
    is "$("$BIN/tare-parse" -q "$option" 900 z/pod.yaml | jq -c "select(.tare).settings.parse.$key")" 900 "and stands in the header"
    "$BIN/tare-parse" -q "$option" 0 z/pod.yaml >out 2>err
    is $? $([[ $key == max_aliases || $key == max_merges ]] && echo 0 || echo 64) "$option of 0"
done
is "$("$BIN/tare" run --help | grep -c -E -- "--max-($(sed 's/max_//' <<<"$options" | tr '_\n' '-|' | sed 's/|$//')) ")" 10 "tare run takes them all"

# special files: none of them is waited for, written to, or read without end
mkdir odd && pod fine >odd/a.yaml && mkfifo odd/fifo.yaml && ln -s /dev/zero odd/zero.yaml && ln -s /dev/full odd/full.yaml
ln -s . odd/self && ln -s self.yaml odd/self.yaml && ln -s ../odd odd/up && ln -s /proc/self/mem odd/mem.yaml && ln -s / odd/root && mkdir odd/folder.yaml
if command -v perl >/dev/null; then perl -MSocket -e 'socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un("odd/socket.yaml"))'; fi
run timeout 60 "$BIN/tare-parse" odd
is "$rc" 0 "a folder of special files"
is "$(jq -r '(.workload // .note // empty) | (.outcome // "") + " " + (.code // "") + " " + .source.file' <<<"$out")" "  odd/a.yaml
error unreadable odd/fifo.yaml
error unreadable odd/full.yaml
error unreadable odd/mem.yaml
error unreadable odd/self.yaml$([[ -S odd/socket.yaml ]] && printf '\nerror unreadable odd/socket.yaml')
error unreadable odd/zero.yaml" "each is a note; folders that are links are not followed"
(echo data >odd/fifo.yaml) &
feeder=$!
run timeout 60 "$BIN/tare-parse" odd
ok "a FIFO is not even opened: who writes to it still waits" kill -0 "$feeder"
timeout 60 cat odd/fifo.yaml >/dev/null
wait "$feeder"
for file in fifo zero self; do
    run timeout 60 "$BIN/tare-parse" odd/$file.yaml
    is "$rc" 66 "$file named by itself"
done
{ while :; do pod grows | sed 's/^/# /' || exit; done; } >growing.yaml 2>/dev/null &
writer=$!
at_exit kill "$writer"
for _ in {1..600}; do [[ -s growing.yaml ]] && break; sleep 0.1; done
[[ -s growing.yaml ]] || diag "nothing is written to growing.yaml"
run timeout 60 "$BIN/tare-parse" -q --max-file-bytes 100000 z/pod.yaml growing.yaml
is "$rc" 0 "a file that grows while it is read"
kill "$writer"
wait "$writer" 2>/dev/null

# Bombs: small or large, each ends soon, in little memory, with a note that names it. Sanitizers need more of both.
seconds=5 kib=262144
if [[ -n ${SANITIZED-} ]]; then seconds=30 kib=1600000; fi

# bomb NAME CODE: bomb.yaml is such a file.
bomb() {
    rm -f spent
    "$BIN/harness/measure" spent timeout 300 "$BIN/tare-parse" -q z/pod.yaml bomb.yaml >bomb.out 2>bomb.err
    is "$(jq -r 'select(.note).note.code' bomb.out | sort -u | head -c 200 | paste -sd,)" "$2" "$1: $(wc -c <bomb.yaml) bytes"
    read -r _ cpu peak status <spent
    ok "takes $cpu s, $peak KiB, exit $status" awk -v cpu="$cpu" -v most="$seconds" -v peak="$peak" -v kib="$kib" -v status="$status" \
        'BEGIN { exit !(cpu < most && peak < kib && status == 0) }'
}
repeat() { awk -v count="$1" -v text="$2" 'BEGIN { for (i = 0; i < count; i++) printf "%s", text }'; }
laughs='BEGIN { printf "%s", first; for (level = 1; level < 10; level++) { printf "%s&a%d %s", before, level, open; for (i = 0; i < 9; i++) printf "%s*a%d", i ? ", " : "", level - 1; print close_ } }'

awk -v first=$'- &a0 [x, x]\n' -v before='- ' -v open='[' -v close_=']' "$laughs" >bomb.yaml
bomb "a billion laughs" alias-limit
awk -v first=$'- &a0 {k: v}\n' -v before='- ' -v open='{<<: [' -v close_=']}' "$laughs" >bomb.yaml
bomb "merge keys of merge keys" alias-limit
awk -v first=$'kind: List\nitems:\n- &a0 {apiVersion: v1, kind: Pod, metadata: {name: a}}\n' -v before='- ' -v open='{kind: List, items: [' -v close_=']}' "$laughs" >bomb.yaml
bomb "Lists of Lists" alias-limit
{
    printf 'apiVersion: v1\nkind: PodListListListList\nitems: [{items: [&b {items: [&a {items: ['
    repeat 40 '{},'
    printf ']}%s]}%s]}]\n' "$(repeat 40 ', *a')" "$(repeat 2500 ', *b')"
} >bomb.yaml
bomb "Lists of Lists, not too long" alias-limit
awk 'BEGIN {
    printf "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nx: &n \""
    for (i = 0; i < 1000; i++) printf "\\a"
    print "\"\nspec:\n  containers:"
    for (i = 0; i < 2000; i++) print "  - {name: *n, image: *n, command: [*n]}"
}' >bomb.yaml
bomb "a record that is larger than what it is made of" size-limit
{ printf 'x: &n '; repeat 20000 "$(repeat 100 x)"; printf '\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n'; repeat 900 $'  - {name: *n}\n'; } >bomb.yaml
bomb "a long name, named often" alias-limit
{ printf 'kind: '; repeat 20000 "$(repeat 100 x)"; printf 'List\nitems: ['; repeat 900000 '{},'; echo ]; } >bomb.yaml
bomb "a List of a long kind" no-workload
repeat 8000000 '[' >bomb.yaml
bomb "brackets" alias-limit
repeat 4000000 '- ' >bomb.yaml
bomb "lists in lists" alias-limit
repeat 4000000 '{a: ' >bomb.yaml
bomb "mappings in mappings" alias-limit
repeat 4000000 $'---\n' >bomb.yaml
bomb "empty documents" size-limit
repeat 2000000 $'---\n}\n' >bomb.yaml
bomb "broken documents" size-limit,yaml-syntax
awk 'BEGIN { for (i = 0; i < 700000; i++) printf "%%TAG !a%d! tag:x\n", i; print "--- 1" }' >bomb.yaml
bomb "directives" size-limit
awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "- &a%d 1\n", i }' >bomb.yaml
bomb "anchors" alias-limit
{ printf '['; repeat 7000000 '1,'; echo ]; } >bomb.yaml
bomb "values" size-limit
{ printf 'a: "'; repeat 150000 "$(repeat 100 x)"; echo '"'; } >bomb.yaml
bomb "a long value" size-limit
{ printf 'a:'; repeat 5000000 $'\n b'; } >bomb.yaml
bomb "a value of many lines" size-limit
{ printf '{"apiVersion":"v1","kind":"List","items":['; repeat 45000 '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"x"}}}]}},'; echo '{}]}'; } >bomb.yaml
bomb "45,000 faults in one line" bad-quantity
{ printf '{"apiVersion":"v1","kind":"List","items":['; repeat 45000 '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"x":1,"x":1,"spec":{"containers":[{"name":"a"}]}},'; echo '{}]}'; } >bomb.yaml
bomb "45,000 patches with a key twice, in one line" ""
{ printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n'; awk 'BEGIN { for (i = 0; i < 490000; i++) printf "k%d: 1\n", i }'; } >bomb.yaml
bomb "a mapping of 490,000 keys" ""
{ printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: ['; repeat 330000 '{name: a},'; echo ']}'; } >bomb.yaml
bomb "330,000 containers" size-limit
{ echo 'apiVersion: v1
kind: List
items:'; awk 'BEGIN { for (i = 0; i < 20000; i++) printf "- {apiVersion: v1, kind: Pod, metadata: {name: a%d}, spec: {}}\n- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b%d}, spec: {selector: {matchLabels: {a: b}}}}\n", i, i }'; } >bomb.yaml
bomb "20,000 budgets of 20,000 pods" ""
done_testing
