# TAP (Test Anything Protocol) for bash tests that prove runs. Source it, test, and end with done_testing:
#
#   set -u
#   . "$(dirname "$0")/../harness/tap.sh"
#   run tare-parse no-such-file; is "$rc" 66 "a missing path"; like "$err" "no-such-file" "is named"
#   done_testing
#
# What it gives: $root (of the project), $BIN (default $root/.build/bin, absolute), $tmp (a private directory,
# removed at the end), and the functions below. Nothing may be left running: at_exit takes what ends it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=$(realpath -m -- "${BIN:-$root/.build/bin}")
# SANITIZED=1 where the programs were built with a sanitizer, which takes more memory and time; else not set.
unset SANITIZED
grep -q -e __asan_init -e __tsan_init "$BIN/tare-parse" 2>/dev/null && SANITIZED=1
export BIN LC_ALL=C.UTF-8 TZ=${TZ:-UTC}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tare-test.XXXXXX") || exit 1
tap_number=0 tap_failures=0 tap_done='' tap_at_exit=()
out='' err='' rc=0

# Runs the words at the end, whatever happens; the last registered comes first.
at_exit() { tap_at_exit=("$(printf '%q ' "$@")" "${tap_at_exit[@]}"); }

tap_end() {
    local status=$? command
    for command in "${tap_at_exit[@]}"; do
        eval "$command" >/dev/null 2>&1
    done
    rm -rf "$tmp"
    if [[ -z $tap_done ]]; then
        echo "Bail out! the test ended before done_testing"
        exit 1
    fi
    exit "$status"
}
trap tap_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Lines for the reader, beside the results.
diag() { printf '%s\n' "$*" | sed 's/^/# /' >&2; }

# tap_result STATUS NAME: one line of TAP; returns STATUS as it is.
tap_result() {
    tap_number=$((tap_number + 1))
    if (($1 == 0)); then
        printf 'ok %d - %s\n' "$tap_number" "$2"
    else
        printf 'not ok %d - %s\n' "$tap_number" "$2"
        tap_failures=$((tap_failures + 1))
    fi
    return "$1"
}

# ok NAME COMMAND...: the command must succeed; its output is dropped.
ok() {
    local name=$1 status
    shift
    "$@" >/dev/null 2>&1
    status=$?
    tap_result $((status != 0)) "$name" || { diag "status $status: $*"; return 1; }
}

# The tests below return 1 when they fail, so that `|| diag …` after them tells more.

# is GOT WANTED NAME: equal texts.
is() {
    [[ $1 == "$2" ]]
    tap_result $? "$3" || { diag "got:    $1" $'\n'"wanted: $2"; return 1; }
}

# isnt GOT UNWANTED NAME: different texts.
isnt() {
    [[ $1 != "$2" ]]
    tap_result $? "$3" || { diag "got: $1"; return 1; }
}

# like GOT REGEX NAME: GOT matches the extended regular expression.
like() {
    [[ $1 =~ $2 ]]
    tap_result $? "$3" || { diag "got:     $1" $'\n'"pattern: $2"; return 1; }
}

# unlike GOT REGEX NAME: GOT does not match it.
unlike() {
    [[ ! $1 =~ $2 ]]
    tap_result $? "$3" || { diag "got:         $1" $'\n'"must not be: $2"; return 1; }
}

# run COMMAND...: sets $out, $err and $rc. Standard input is the caller's.
run() {
    "$@" >"$tmp/.out" 2>"$tmp/.err"
    rc=$?
    out=$(<"$tmp/.out")
    err=$(<"$tmp/.err")
    return 0
}

# need PROGRAM...: a test without what it needs fails; it is never skipped in silence.
need() {
    local program
    for program in "$@"; do
        if ! command -v "$program" >/dev/null; then
            echo "Bail out! $program is not installed (hint: .ci/setup build demo check)"
            tap_done=1
            exit 1
        fi
    done
}

# Prints the plan; a test that tests nothing fails.
done_testing() {
    tap_done=1
    printf '1..%d\n' "$tap_number"
    if ((tap_number == 0 || tap_failures > 0)); then
        exit 1
    fi
    exit 0
}
