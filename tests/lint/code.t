#!/bin/bash
# C code: what is banned, how long things may be, what is said of them.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/lint/lib.sh"
need ctags nm
some product_c

# By what the objects ask the linker for: macros and comments cannot hide or fake it.
banned='strcpy strcat stpcpy sprintf vsprintf gets strtok atoi atol atoll atof system popen tmpnam tempnam mktemp localtime gmtime asctime ctime rand srand random strncpy strncat alloca scanf sscanf fscanf'
banned_calls() {
    local pattern
    pattern=$(tr ' ' '|' <<<"$banned")
    find "$BUILD/obj/pipeline" "$BUILD/obj/stages" "$BUILD/obj/pricing" "$BUILD/obj/reports" -name '*.o' | while IFS= read -r object; do
        [[ -f ${object#"$BUILD/obj/"} || -f $(sed "s|^$BUILD/obj/||; s|\.o\$|.c|" <<<"$object") ]] || continue
        nm -u "$object" | awk -v object="$object" -v pattern="^(__)?(isoc99_)?($pattern)(_chk)?$" '$2 ~ pattern { print object ": " $2 }'
    done
}
[[ -d $BUILD/obj/pipeline ]]
tap_result $? "there are objects to look at in $BUILD"
none "no banned function is called" banned_calls

# A symbol that no other object uses could be static.
could_be_static() {
    local objects
    objects=$(find "$BUILD/obj" -name '*.o' | while IFS= read -r object; do
        [[ -f $(sed "s|^$BUILD/obj/||; s|\.o\$|.c|" <<<"$object") ]] && echo "$object"
    done)
    # shellcheck disable=SC2086 # paths of our own, without blanks
    nm -A -g $objects | awk '
        $(NF-1) == "U" { used[$NF] = 1; next }
        { file = $1; sub(/:.*/, "", file); defined[$NF] = file }
        END { for (name in defined) if (!(name in used) && name != "main" && name != "LLVMFuzzerTestOneInput" && defined[name] ~ /\/obj\/(pipeline|stages|pricing|reports)\//) {
            file = defined[name]; sub(/.*\/obj\//, "", file); print file ": " name " is used nowhere else" } }' | sort
}
none "what only one file uses is static, and nothing is unused" could_be_static

functions() {
    product_c | ctags --languages=C --kinds-C=f --fields=+ne -f - -L - 2>/dev/null |
        awk -F'\t' '{ for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) start = substr($i, 6); if ($i ~ /^end:/) stop = substr($i, 5) } print stop - start + 1, $2 ":" start ": " $1 }'
}
some functions
too_long() { functions | awk '$1 > 60 { print $2, $3 " has " $1 " lines" }'; }
none "no function is longer than 60 lines" too_long
median=$(functions | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
((median <= 20))
tap_result $? "the median function has at most 20 lines (it has $median)"
long_files() { { product_c; product_h; tree 'tests/*.c' 'fixtures/*.c'; } | xargs wc -l | awk '$2 != "total" && $1 > 600 && $2 !~ /^tests\// { print $2 " has " $1 " lines" } $1 > 1000 && $2 ~ /^tests\// { print $2 " has " $1 " lines" }'; }
none "no file is longer than 600 lines (tests: 1000)" long_files
wide() { { product_c; product_h; tree 'fixtures/*.c'; } | xargs awk 'length($0) > 140 { print FILENAME ":" FNR ": " length($0) " columns" }'; }
none "no line of C is wider than 140 columns" wide

# A condition may go over lines: what follows its last parenthesis is a brace, or nothing is done at all.
without_braces() {
    { product_c; product_h; tree 'tests/*.c' 'tests/*.h' 'fixtures/*.c'; } | xargs awk '
        FNR == 1 { depth = 0; inside = 0 }
        !inside && /^ *(if|for|while|} else if|else if) \(/ { inside = 1; start = FNR; depth = 0 }
        /^ *(} )?else$/ { print FILENAME ":" FNR ": " $0 }
        inside {
            line = $0
            gsub(/\\./, "", line); gsub(/"[^"]*"|\047[^\047]*\047|\/\*.*\*\//, "", line); sub(/[ \t\\]+$/, "", line)
            opened = gsub(/\(/, "(", line); depth += opened - gsub(/\)/, ")", line)
            if (depth <= 0) { inside = 0; if (line !~ /([{;]|{})$/) print FILENAME ":" start ": no braces" }
        }'
}
none "what an if or a loop does stands in braces" without_braces

# A prototype in a public header follows a comment, or another prototype of the same group.
undocumented() {
    product_h | xargs awk '
        FNR == 1 { commented = 0 }
        /^\/\*/ || /\*\/ *$/ { commented = 1; next }
        /^ \*/ { next }
        /^[a-z].*[a-z0-9_]+\(.*/ && !/^(typedef|static|enum|struct [a-z_]+ \{)/ && !/=/ { if (!commented) print FILENAME ":" FNR ": " $0; next }
        /^$/ { commented = 0 }'
}
none "each prototype in a header has a comment" undocumented

typedefs() { { product_c; product_h; } | xargs grep -Hn -E '^ *typedef +struct'; }
none "no typedef hides a struct" typedefs
todo() { { product_c; product_h; tree 'tests/*.c'; } | xargs grep -Hn -E '\b(TODO|FIXME|XXX|HACK)\b'; }
none "nothing is left to do in a comment" todo
prints() { product_c | grep -v -E '^(pipeline/driver|pipeline/cli|pipeline/base/(log|mem)\.c|pipeline/io/hash\.c|stages/report|reports)' | xargs grep -Hn -E '\b(printf|puts|putchar|perror) *\(|\bfprintf *\((stdout|stderr)|\bfputs *\([^;]*, *(stdout|stderr)\)'; }
none "only the frame and the conductor print" prints
environment() { { product_c; product_h; } | xargs grep -Hno -E '\b(__DATE__|__TIME__|RAND_MAX|usleep|setjmp|longjmp)\b'; }
none "nothing depends on when or where it was built" environment
done_testing
