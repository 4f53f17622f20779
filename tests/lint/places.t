#!/bin/bash
# The places that a stage, a code or a test touches (see pipeline/cli/stage.h), and tables that must agree.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/lint/lib.sh"

stages() { for main in stages/*/main.c; do basename "$(dirname "$main")"; done; }
some stages
line() { sed -n 's/^X(\([a-z]*\),.*/\1/p' pipeline/run/line.def; }

places() {
    local stage bit
    for stage in $(stages); do
        bit=FOR_$(tr a-z A-Z <<<"$stage")
        grep -q "tare-$stage\|\b$stage\b" stages/README.md || echo "$stage: not in stages/README.md"
        grep -q "\b$bit\b" pipeline/cli/options.h || echo "$stage: no bit $bit in pipeline/cli/options.h"
        grep -q "\`tare-$stage" README.md || echo "$stage: not in the stage table of README.md"
        [[ -s stages/$stage/README.md ]] || echo "$stage: stages/$stage/README.md is missing"
        compgen -G "tests/unit/stages/$stage/*_test.c" >/dev/null || grep -q -r -l "tare-$stage" tests/cli tests/e2e tests/db || echo "$stage: no test"
        (($(wc -l <"stages/$stage/main.c") <= 15)) || echo "$stage: main.c has more than 15 lines"
        [[ -x $BIN/tare-$stage ]] || echo "$stage: $BIN/tare-$stage was not built"
    done
    for stage in $(line); do
        [[ -f stages/$stage/main.c ]] || echo "$stage: in line.def, but stages/$stage/main.c is missing"
    done
}
none "each stage is in every place that stage.h lists" places

# A code that is not in problems.def would be one that no README explains.
codes() {
    local code
    { product_c | xargs grep -hoE 'record_problem(_at)?\([^,]+, *"[a-z]+", *"[a-z-]+"' | sed 's/.*"\([a-z-]*\)"$/\1/'
      product_c | xargs grep -hoE '\.code = "[a-z-]+"' | sed 's/.*"\([a-z-]*\)"$/\1/' | grep -x -F -f <(sed -n 's/^X("\([a-z-]*\)".*/\1/p' pipeline/run/problems.def); } |
        sort -u | while IFS= read -r code; do
        grep -q "^X(\"$code\"," pipeline/run/problems.def || echo "$code is written but not in pipeline/run/problems.def"
    done
}
none "each problem code that is written is in the list" codes
unused_codes() {
    sed -n 's/^X("\([a-z-]*\)".*/\1/p' pipeline/run/problems.def | while IFS= read -r code; do
        { product_c; product_h; } | xargs grep -qF "\"$code\"" || echo "$code is in problems.def, and nothing writes it"
    done
}
none "each problem code in the list is written by something" unused_codes

exit_numbers() { product_c | xargs grep -Hn -E '\b(exit|_exit|_Exit)\((6[4-9]|7[0-9]|8[01])\)'; }
none "exit codes are written by their names" exit_numbers

tests_built() { tree 'tests/unit/*_test.c' | while IFS= read -r test; do [[ -x $BUILD/${test%.c} ]] || echo "$test was not built"; done; }
none "each unit test was built" tests_built
sources_tested() {
    tree 'pipeline/base/*.c' 'pipeline/io/*.c' 'pipeline/kube/*.c' 'pipeline/run/*.c' 'pipeline/cli/*.c' 'pricing/*.c' | while IFS= read -r source; do
        name=$(basename "$source" .c) folder=$(dirname "$source")
        compgen -G "tests/unit/$folder/${name}*_test.c" >/dev/null && continue
        compgen -G "tests/unit/$folder/${name%%_*}*_test.c" >/dev/null && continue
        header=${source%.c}.h
        [[ -f $header ]] && grep -rqF "\"$header\"" tests/unit && continue
        echo "$source: no unit test is named after it or includes its header"
    done
}
none "each file of the shared code has a unit test" sources_tested

seeds() { for target in tests/fuzz/*_fuzz.c; do name=$(basename "$target" _fuzz.c); [[ -n $(ls -A "tests/fuzz/seeds/$name" 2>/dev/null) ]] || echo "$target: no seeds in tests/fuzz/seeds/$name"; done; }
none "each fuzz target has seeds" seeds
executable() { tree 'tests/*.t' '.ci/*' | while IFS= read -r file; do [[ -x $file ]] || echo "$file is not executable"; done; }
none "scripts can be run" executable
done_testing
