#!/bin/bash
# Who may include what, and that each header stands alone.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/lint/lib.sh"
some product_c
some product_h

# The layer of a file: a file may include its own layer and those below it.
layers() {
    { product_c; product_h; } | xargs grep -Hn '^ *# *include "' | awk -F: '
    function layer(path) {
        if (path ~ /^pipeline\/base\//) return 1
        if (path ~ /^pipeline\/io\//) return 2
        if (path ~ /^pipeline\/kube\//) return 2.5
        if (path ~ /^pipeline\/run\//) return 3
        if (path ~ /^pipeline\/cli\//) return 4
        if (path ~ /^pipeline\/driver\//) return 8
        if (path ~ /^pricing\//) return 4.5
        if (path ~ /^reports\//) return 5
        if (path ~ /^stages\/common\//) return 6
        if (path ~ /^stages\//) return 7
        return 0
    }
    {
        file = $1; target = $3; sub(/^[^"]*"/, "", target); sub(/".*/, "", target)
        if (target == "sql_embed.h" || target == "asset_embed.h") next
        if (target !~ /\//) { print file ":" $2 ": \"" target "\" is not written from the root"; next }
        mine = layer(file); its = layer(target)
        if (its == 0) { print file ":" $2 ": product code may not include " target; next }
        if (mine == 8 && (its > 4 && its != 8)) print file ":" $2 ": the conductor runs stages, it may not include " target
        if (its == 2.5 && (mine == 3 || mine == 4)) print file ":" $2 ": artifacts, ledger and options know no cluster, they may not include " target
        if (mine != 8 && its > mine) print file ":" $2 ": " target " lies above it"
        split(file, a, "/"); split(target, b, "/")
        if (mine == 7 && its == 7 && a[2] != b[2]) print file ":" $2 ": a stage may not include another one: " target
    }'
}
none "base, io, kube beside run and cli, then prices, then reports, then stages; the conductor beside them" layers

# The rooms of tare-analyze, in the order of the table in its README.
rooms() {
    { product_c; product_h; } | grep '^stages/analyze/.*/' | xargs grep -Hn '^ *# *include "stages/analyze/' | awk -F: '
    function room(path) {
        split(path, part, "/")
        return part[3]
    }
    FILENAME == "stages/analyze/README.md" {
        if (match($0, /^\| `[a-z]+\/`/)) order[substr($0, 4, RLENGTH - 5)] = ++count
        next
    }
    {
        file = $1; target = $3; sub(/^[^"]*"/, "", target); sub(/".*/, "", target)
        if (!(room(file) in order)) { print file ": its folder is not in the table of stages/analyze/README.md"; next }
        if (!(room(target) in order)) { print file ":" $2 ": no room may include " target; next }
        if (order[room(target)] > order[room(file)]) print file ":" $2 ": " target " is of a room after its own"
    }' stages/analyze/README.md -
}
none "a room of tare-analyze includes those before it" rooms

outside_io() {
    { product_c; product_h; } | grep -v '^pipeline/io/' |
        xargs grep -Hn -E '^ *# *include *<(libpq-fe\.h|curl/[a-z]+\.h|yaml\.h|libical/[a-z]+\.h|openssl/[a-z]+\.h)>'
}
none "libpq, libcurl, libyaml, libical and libcrypto are included in pipeline/io only" outside_io

outside_remote() {
    { product_c; product_h; } | grep -v '^stages/collect/remote/' | xargs grep -Hn -E '^ *# *include *<snappy'
}
none "snappy is included in stages/collect/remote only" outside_remote

own_header_first() {
    product_c | while IFS= read -r c; do
        h=${c%.c}.h
        [[ -f $h ]] || continue
        first=$(grep -m1 '^#include' "$c")
        [[ $first == "#include \"$h\"" || $first == *_internal.h\" ]] || echo "$c: its own header $h is not included first"
    done
}
none "a .c includes its own header (or the one that is private to its folder) first" own_header_first

# In one pass for each header, with the flags of the build.
alone() {
    local flags
    flags=$(pkg-config --cflags yaml-0.1 libcurl jansson libpq libcrypto)
    product_h | xargs -P 2 -I {} sh -c 'printf "#include \"%s\"\n#include \"%s\"\n" "$1" "$1" |
        gcc -std=c11 -fsyntax-only -Wall -Wextra -Werror -I. -I"$2/gen" -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 $3 -x c - 2>&1 |
        sed "s|^|$1: |" | head -3' alone {} "$BUILD" "$flags"
}
none "each header compiles alone, and twice" alone

guards() {
    product_h | while IFS= read -r h; do
        want=TARE_$(sed 's|^pipeline/||; s|[/.-]|_|g' <<<"$h" | tr a-z A-Z)
        grep -q '^#ifndef TARE_' "$h" || echo "$h: no include guard (say, $want)"
    done
    product_h | xargs grep -h '^#ifndef TARE_' | sort | uniq -d | sed 's/$/: two headers have this guard/'
}
none "each header has a guard of its own" guards
done_testing
