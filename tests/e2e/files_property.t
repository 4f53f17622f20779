#!/bin/bash
# Apply and then rollback give identical bytes, for every manifest there is: a made corpus of oddly written ones, our fixtures, and those of
# ../shared/manifests where they lie there. Also where apply is killed at random points, then resumed or rolled back. Parse, diff, gate,
# apply and rollback are the real ones. SEED=n replays the random choices; TARE_KILLS is how many kills (default 4).
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/stub_line.sh"
. "$root/tests/harness/killed.sh"
need strace sha256sum python3
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((seed % 32768))
diag "SEED=$seed"

# --- the corpus -------------------------------------------------------------------------------------------------------------
made() { # FILE [NAME [RESOURCES]]: a Deployment; $eol ends each line
    local eol=${eol:-$'\n'}
    printf "apiVersion: apps/v1${eol}kind: Deployment${eol}metadata: {name: %s, namespace: made}${eol}spec:${eol}  template:${eol}    spec:${eol}      containers:${eol}      - name: app${eol}        image: i${eol}%s" \
        "${2:-x}" "${3:-        resources: \{requests: \{cpu: 500m, memory: 512Mi\}\}$eol}" >"$1"
}
rm -rf deploy && mkdir -p deploy/made
(
    cd deploy/made || exit 1
    eol=$'\r\n' made crlf.yaml crlf $'        resources:\r\n          requests:\r\n            cpu: 500m\r\n            memory: 512Mi\r\n'
    made unended.yaml unended $'        resources:\n          requests: {cpu: 500m}'
    made comments.yaml comments $'        resources:   # why\n          # cpu below\n          requests:\n            cpu:    "500m"   # in a hurry\n\n            memory: 0.5Gi # odd\n          limits: {cpu: 2, memory: 1e9}\n'
    made anchors.yaml anchors $'        resources:\n          limits: &all {cpu: 500m, memory: 1Gi}\n          requests: *all\n'
    made json.yaml json $'        resources: {"requests": {"cpu": "1500m", "memory": "1024Mi"}, "limits": {"memory": "2Gi"}}\n'
    made whole.yaml whole $'        resources: {requests: {cpu: 2, memory: 4G}, limits: {cpu: 4, memory: 8G}}\n'
    printf '\xef\xbb\xbf' >bom.yaml && made part && cat part >>bom.yaml && sed -i 's/name: x,/name: bom,/' bom.yaml
    { printf '%%YAML 1.1\n---\n'; made part two-a; cat part; printf '...\n--- # second\n'; made part two-b; cat part; printf -- '---\n# nothing\n---\n'; } >several.yaml
    { printf 'apiVersion: v1\nkind: List\nitems:\n'; for name in l1 l2 l3; do made part $name; sed 's/^/  /; 1s/^  /- /' part; done; } >list.yaml
    printf '{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"cron","namespace":"made"},"spec":{"schedule":"0 * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"app","image":"i","resources":{"requests":{"cpu":"500m","memory":"512Mi"}}}]}}}}}}' >cron.json
    for ((i = 0; i < 12; i++)); do # of random shape
        resources='        resources:'
        case $((RANDOM % 3)) in
            0) resources+=" {requests: {cpu: $((RANDOM % 3000 + 100))m, memory: $((RANDOM % 900 + 64))Mi}}" ;;
            1) resources+=$'\n'"          requests:"$'\n'"            cpu: $((RANDOM % 4 + 1))"$'\n'"            memory: \"$((RANDOM % 900 + 64))M\"" ;;
            2) resources+=$'\n'"          limits:"$'\n\n'"              memory:   $((RANDOM % 8 + 1))Gi"$'\n'"          requests: {cpu: '0.$((RANDOM % 8 + 2))'}" ;;
        esac
        made "random-$i.yaml" "random-$i" "$resources"$'\n'
    done
    rm -f part
)
mkdir -p deploy/ours && cp "$root"/fixtures/cases/*.{yaml,json} deploy/ours/
shared=$root/../shared/manifests
if [[ -d $shared ]]; then
    cp -r "$shared" deploy/shared && chmod -R u+w deploy/shared
else
    diag "../shared/manifests is not there: the made corpus and our own fixtures alone"
fi

# A fifth less of everything that parse read; limits of CPU are taken away, and a request is added where there is none.
advise='
import json, sys
def less(amounts):
    return {key: None if value is None else value * 4 // 5 for key, value in amounts.items()}
def advice(container):
    requests, limits, gone = less(container["requests"]), less(container["limits"]), []
    if limits["cpu_millicores"] is not None:
        limits["cpu_millicores"], gone = None, ["limits.cpu"]
    if requests == {"cpu_millicores": None, "memory_bytes": None}:
        requests["cpu_millicores"] = 75
    return {"requests": requests, "limits": limits, "remove": gone}
for line in sys.stdin:
    record = json.loads(line)
    if "tare" in record:
        record["tare"] = sys.argv[1]
    elif "end" in record:
        record["end"].pop("sha256", None)
    elif "workload" in record:
        record["recommendation"] = {"action": "resize", "confidence": 0.9, "source": "rules", "reasoning": "", "risk": "low",
            "containers": {c["name"]: advice(c) for c in record["workload"]["containers"] if c["name"] is not None}}
        record["cost"] = {"monthly_before_microusd": 9000000, "monthly_after_microusd": 8000000, "monthly_saving_microusd": 1000000}
    print(json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
'
make_line() {
    local stage kind
    "$BIN/tare-parse" -q "$@" >"$tmp/parse.jsonl" 2>"$tmp/parse.err"
    for stage in collect:usage analyze:recommendations price:costs; do
        kind=${stage#*:} stage=${stage%:*}
        python3 -c "$advise" "$kind" <"$tmp/parse.jsonl" >"$tmp/$stage.jsonl"
    done
    "$BIN/tare-diff" -q --patch "$tmp/all.patch" <"$tmp/price.jsonl" >"$tmp/diff.jsonl" 2>"$tmp/diff.err" || diag "$(<"$tmp/diff.err")"
}
sums() { find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; }
# State of the run without its name in the way.
differ() { comm -3 <(sort <<<"$1") <(sort <<<"$2") | awk '{ print $NF }' | sort -u; }

make_line deploy
files=$(find deploy -type f | wc -l)
new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run: $err"; exit 1; }
"$tare" login reviewer viewer approver >/dev/null 2>&1
run "$tare" --as reviewer approve "$id" --yes
is "$rc" 0 "a plan over $files files is approved" || diag "$err"
before=$(sums deploy)
run "$tare" apply "$id" --yes
is "$rc" 0 "and applied" || diag "$err"
after=$(sums deploy)
changed=$(differ "$before" "$after" | wc -l)
planned=$("$tare" show "$id" apply | jq -r 'select(.outcome.state == "done") | .workload.source.file' | sort -u | wc -l)
is "$changed" "$planned" "what the outcome calls done is what changed"
ok "many of them are changed ($changed)" test "$changed" -ge 20
if [[ -d $shared ]]; then
    ok "of ../shared/manifests, too ($(differ "$before" "$after" | grep -c '^deploy/shared/'))" test "$(differ "$before" "$after" | grep -c '^deploy/shared/')" -ge 200
fi
run "$tare" rollback "$id" --yes
is "$rc" 0 "and rolled back" || diag "$err"
is "$(differ "$before" "$(sums deploy)")" "" "every byte of every file is back"

# --- killed at random points -------------------------------------------------------------------------------------------------
# Of files whose every workload was let through: what the combined patch makes of them is then what apply has to make of them.
"$tare" show "$id" gate | jq -r 'select(.gate.verdict == "blocked") | .workload.source.file' | sort -u >"$tmp/blocked"
differ "$before" "$after" | grep -v -x -F -f "$tmp/blocked" >"$tmp/changed"
mv deploy whole
mv "$line/tare-apply" "$line/tare-apply.real"
plain() { printf '#!/bin/sh\nexec "%s" "$@"\n' "$line/tare-apply.real" >"$line/tare-apply"; chmod 755 "$line/tare-apply"; }
kills=0 wrong=0
bad() { wrong=$((wrong + 1)); tap_result 1 "$1"; diag "exit $rc: $err"; }
for ((i = 0; i < ${TARE_KILLS:-4}; i++)); do
    rm -rf deploy && mkdir deploy
    while IFS= read -r file; do
        mkdir -p "$(dirname "$file")" && cp "whole/${file#deploy/}" "$file"
    done < <(shuf -n 5 --random-source=<(openssl enc -aes-128-ctr -nosalt -pass "pass:$seed-$i" -md sha256 </dev/zero 2>/dev/null) "$tmp/changed")
    make_line deploy
    before=$(sums deploy)
    cp -r deploy "$tmp/want" && (cd "$tmp" && rm -rf patched && mkdir patched && mv want patched/deploy && cd patched && patch -p1 -s --binary -i "$tmp/all.patch")
    want=$(cd "$tmp/patched" && sums deploy)
    plain
    approved_run
    call=$([[ $((RANDOM % 4)) == 0 ]] && echo rename || echo sendto)
    when=$([[ $call == rename ]] && echo $((RANDOM % 5 + 1)) || echo $((RANDOM % 90 + 10)))
    printf '#!/bin/sh\nexec strace -qq -o /dev/null -e trace=%s -e inject=%s:signal=KILL:when=%s "%s" "$@"\n' "$call" "$call" "$when" "$line/tare-apply.real" >"$line/tare-apply"
    how=$([[ $((RANDOM % 2)) == 0 ]] && echo resume || echo rollback)
    run "$tare" apply "$id" --yes
    plain
    [[ $rc == 0 ]] || kills=$((kills + 1))
    name="kill $i at $call $when, then $how"
    [[ $how == resume || $rc == 0 ]] || again "$tare" rollback "$id" --resume --yes
    if [[ $(state) == approved || $(state) == applying ]]; then
        again "$tare" apply "$id" --resume --yes
        [[ "$rc $(state)" == "0 applied" && $(sums deploy) == "$want" ]] || bad "$name: as planned"
    fi
    [[ $(state) == rolled-back ]] || again "$tare" rollback "$id" --yes
    [[ $(state) == rolled-back && $(sums deploy) == "$before" ]] || bad "$name: every byte is back"
done
is "$wrong" 0 "after each of $kills kills every file was as planned or as before, and came back byte by byte"
ok "there were kills" test "$kills" -gt 0
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
