#!/bin/bash
# Standard streams on bad days: full, closed, cut, a terminal's. Half an artifact never looks like a whole one.
set -u
. "$(dirname "$0")/../harness/tap.sh"
manifests=$root/fixtures/demo/manifests
cd "$tmp" || exit 1

"$BIN/tare-parse" -q "$manifests" >inventory.jsonl || exit 1


full_rc() { "$@" >/dev/full 2>"$tmp/.err"; rc=$?; err=$(<"$tmp/.err"); }
full_rc "$BIN/tare-parse" -q "$manifests"
is "$rc" 74 "parse on a full disk"
like "$err" "cannot write" "says what it could not do"
full_rc "$BIN/tare-parse" --help
is "$rc" 74 "help on a full disk"

"$BIN/tare-parse" -q "$manifests" >&- 2>"$tmp/.err"
is $? 74 "parse with standard output closed"
like "$(<"$tmp/.err")" "cannot write" "and says so"
"$BIN/tare-price" -q <&- >closed.out 2>"$tmp/.err"
is $? 74 "a filter with standard input closed"
like "$(<"$tmp/.err")" "standard input" "and says so"
run "$BIN/tare-parse" -q "$manifests" 2>&-
is "$rc" 0 "standard error closed is no fault"


# A reader that goes away: 74, not death by signal.
("$BIN/tare-parse" -q "$manifests" 2>"$tmp/.err"; echo $? >"$tmp/rc") | head -c 10 >/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do [[ -s $tmp/rc ]] && break; sleep 0.1; done
like "$(<"$tmp/rc")" "^(0|74)$" "a reader that goes away ends a stage with 74 (or it was done before)"

# What a filter refuses.
: >empty.jsonl
head -n 3 inventory.jsonl >cut.jsonl
head -c 1000 inventory.jsonl >half.jsonl
{ sed -n 1p inventory.jsonl; sed '1d;$d' inventory.jsonl | tac; tail -n 1 inventory.jsonl; } >reordered.jsonl
cat inventory.jsonl inventory.jsonl >twice.jsonl
sed 's/"kind":"Deployment"/"kind":"Deploymint"/' inventory.jsonl >changed.jsonl
sed '1s/"version":1/"version":2/' inventory.jsonl >newer.jsonl
echo '{"apiVersion":"v1"}' >foreign.jsonl
for case in empty cut half reordered twice changed newer foreign; do
    for stage in analyze price diff report; do # collect and gate first look for their server
        run "$BIN/tare-$stage" -q <"$case.jsonl"
        if [[ $rc != 65 || $err != *hint:* && $case == cut ]]; then
            is "$rc: $err" "65" "tare-$stage refuses $case"
        fi
        if [[ $out == *'"end"'* ]]; then
            is "an end" "no end" "tare-$stage writes no end for $case"
        fi
    done
    ok "every filter refuses an artifact that is $case, and writes no end" true
done
done_testing
