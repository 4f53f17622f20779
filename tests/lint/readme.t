#!/bin/bash
# The README's tables are those of the programs.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/lint/lib.sh"
[[ -x $BIN/harness/reference ]]
tap_result $? "the program that prints the tables was built"
"$root/.ci/readme" "$BIN/harness/reference" >"$tmp/README.md"
is $? 0 "each section could be written"
difference=$(diff "$root/README.md" "$tmp/README.md")
is "$difference" "" "README.md is up to date (hint: make readme)"
for section in exit-codes problems limits configuration; do
    ok "README.md has the section $section" grep -q "^<!-- begin:$section -->$" README.md
done

# --help of every program lists every option it takes, and exits 0.
for program in "$BIN"/tare-*; do
    run "$program" --help
    is "$rc" 0 "$(basename "$program") --help"
    like "$out" "exit codes:.*78.*bad configuration" "and it says the exit codes"
    run "$program" --version
    like "$out" "^$(basename "$program") [0-9]+\.[0-9]+\.[0-9]+$" "$(basename "$program") --version"
done
run "$BIN/tare" --help
is "$rc" 0 "tare --help"
commands=$(sed -n 's/^    {"\([a-z]*\)", FOR_.*/\1/p' pipeline/driver/main.c)
missing=$(for command in $commands; do grep -q -E "^ +(tare )?$command\b" <<<"$out" || echo "$command"; done)
is "$missing" "" "tare --help lists every command"
not_in_readme=$(for command in $commands; do grep -q "\`[^\`]*\b$command\b" README.md || echo "$command"; done)
is "$not_in_readme" "" "README.md names every command"
done_testing
