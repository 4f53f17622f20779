#!/bin/bash
# What earlier runs learned, from and to the ledger: the stage is handed a file of what stood there before the run began, and what it
# learned is stored with its artifact, both or neither.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
need psql
export TMPDIR=$tmp/scratch
mkdir "$TMPDIR"
manifest deploy/shop.yaml cart
plan

# An analysis that keeps what it was handed and learns what the test says.
cat >"$line/tare-analyze" <<'SH'
#!/bin/sh
[ "$1" = --version ] && exit
for word; do
    case $word in
        --history=*) cp "${word#*=}" "$PAST/handed"; stat -c '%a' "${word#*=}" "$(dirname "${word#*=}")" >"$PAST/modes" ;;
        --history-out=*) out=${word#*=} ;;
    esac
done
[ -z "$out" ] || [ ! -f "$PAST/learned" ] || cat "$PAST/learned" >"$out"
cat >/dev/null
[ ! -f "$PAST/stop" ] || "${0%/*}/tare" server stop --quiet
[ ! -f "$PAST/die" ] || { echo "tare-analyze: no" >&2; exit "$(cat "$PAST/die")"; }
cat "$PAST/analyze.jsonl"
SH
export PAST=$tmp
# A bill is of a month, which must not end meanwhile; nor must "9 days ago" become another day.
while [[ $(date -u +%m) != $(date -u -d '6 minutes' +%m) ]]; do sleep 1; done
today=$(date -u +%F)
learn() { # DAYS-AGO MAXIMUM [NAMESPACE]
    [[ -f $tmp/learned ]] || echo '{"tare":"history","version":1}' >"$tmp/learned"
    printf '{"container":"app","day":"%s","kind":"Deployment","maximum":%s,"mean":5.0,"minimum":1.0,"name":"cart","namespace":"%s","samples":24,"series":"cpu_millicores"}\n' \
        "$(date -u -d "$today - $1 days" +%F)" "$2" "${3:-shop}" >>"$tmp/learned"
}
go() { rm -f "$tmp/handed"; sleep 1.1; new_run "$@"; }
maxima() { [[ -f $tmp/handed ]] && jq -r 'select(.day) | .maximum' "$tmp/handed" | tr '\n' ' '; }

learn 9 90.5
learn 8 80
learn 8 1000 elsewhere
echo '{"llm":{"key":"k","prompt_digest":"'"$(printf '0%.0s' {1..64})"'","provider":"p","model":"m","reply":"r","input_tokens":3,"output_tokens":4,"cost_microusd":5}}' >>"$tmp/learned"
go
is "$rc" 0 "a first run"
ok "is told nothing" test ! -e "$tmp/handed"
socket=$(dirname "$(find "$TARE_STATE_DIR" -name '.s.PGSQL.*' -not -name '*.lock' | head -1)")
is "$(psql -h "$socket" -p "$(ls -A "$socket" | sed -n 's/^\.s\.PGSQL\.\([0-9]*\)$/\1/p')" -d tare -XqAtc \
    "select key || ' ' || run || ' ' || input_tokens + output_tokens from tare.llm_exchange" 2>&1)" "k $id 7" "an exchange with a model is kept too"
rm "$tmp/learned"
go
is "$(maxima)" "80 90.5 " "a second is told what the first learned of its namespaces"
is "$(head -1 "$tmp/handed")" '{"tare":"history","version":1}' "under the header"
is "$(sed -n 2p "$tmp/handed")" "$(jq -cS . <<<"$(sed -n 2p "$tmp/handed")" | sed 's/":\([0-9]*\)\([,}]\)/":\1.0\2/g; s/"samples":24.0/"samples":24/')" "in canonical lines"
is "$(tr '\n' ' ' <"$tmp/modes")" "600 700 " "in a file and a folder for this user only"
is "$(ls -A "$TMPDIR")" "" "which are gone after"

# A rerun is a run of its own: what was learned since its start is not told, what was before is.
learn 7 70
learn 9 99
go
is "$(maxima)" "80 90.5 " "a third learns more of its own, and is told what stood before"
rm "$tmp/learned"
sleep 1.1
rm -f "$tmp/handed"
run "$tare" rerun "$id" --from analyze --format json
is "$rc" 0 "a rerun of the analysis"
is "$(maxima)" "70 80 99 " "is told what stands now"

# No half state: a stage that fails has taught nothing; the run that is tried again gets the same bytes.
learn 6 60
echo 65 >"$tmp/die"
sleep 1.1
run "$tare" run deploy
is "$rc" 65 "an analysis that fails"
rm "$tmp/die" "$tmp/learned"
go
is "$(maxima)" "70 80 99 " "taught nothing"
cp "$tmp/handed" "$tmp/then"
learn 5 50
echo '{"llm":' >>"$tmp/learned"
sleep 1.1
run "$tare" run deploy
is "$rc" 65 "what cannot be read"
like "$err" "line 3 of what the stage learned cannot be read" "is refused by its line"
rm "$tmp/learned"
go
is "$(maxima)" "70 80 99 " "and nothing of it is kept"

# A run that is killed after it began and goes on later is told what stood there when it began.
echo 75 >"$tmp/die"
learn 4 40
sleep 1.1
run "$tare" run deploy
is "$rc" 75 "a run that is interrupted"
rm "$tmp/die"
rm -f "$tmp/learned"
learn 3 30
go
rm -f "$tmp/handed" "$tmp/learned"
run "$tare" run --resume
is "$rc" 0 "goes on" || diag "$err"
is "$(maxima)" "70 80 99 " "with what stood there when it began"

# What was spent is told whatever else is: the budget is one.
bill() { jq -r 'if .tare then "header" else .spent.tokens // "row" end' "$tmp/handed" | tr '\n' ' '; }
go --no-history
is "$(bill)" "header 7 " "--no-history: a run that is told nothing but the month's bill"
run "$tare" rerun "$id" --from analyze
is "$(bill)" "header 7 " "nor are its reruns"
go --cluster other
is "$(bill)" "header 7 " "another cluster has its own past"

# A ledger that is gone when the stage ends takes nothing, whether that ended well or not: what was paid for waits until the run goes on.
exchange() { # KEY: a call of seven tokens is what the stage learns
    printf '{"tare":"history","version":1}\n{"llm":%s}\n' "$(jq -nc --arg key "$1" '{key: $key, prompt_digest: ("0" * 64), provider: "p",
        model: "m", reply: "r", input_tokens: 3, output_tokens: 4, cost_microusd: 5}')" >"$tmp/learned"
}
spent=7
for how in well ill; do
    exchange "$how"
    touch "$tmp/stop"
    [[ $how == well ]] || echo 65 >"$tmp/die"
    run "$tare" run deploy
    is "$rc" 75 "the ledger is lost while an analysis ends $how" || diag "$err"
    like "$err" "what models said stays in $TMPDIR/" "where its calls are is said"
    rm -f "$tmp/stop" "$tmp/die" "$tmp/learned" "$tmp/handed"
    run "$tare" run --resume
    is "$rc" 0 "the run goes on" || diag "$err"
    is "$(jq '.spent.tokens // empty' "$tmp/handed")" "$((spent += 7))" "and knows what was spent"
done
is "$(ls -A "$TMPDIR")" "" "nothing is left in the folder for temporary files"
done_testing
