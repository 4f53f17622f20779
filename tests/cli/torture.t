#!/bin/bash
# Fails calls of the pure stages one after the other (harness/fail_preload.c): each failure must end in a documented exit code with a
# message and without the end of an artifact, or change nothing at all. Never a crash, never another artifact that looks whole.
set -u
. "$(dirname "$0")/../harness/tap.sh"
preload=$BIN/harness/fail.so
[[ -f $preload ]] || { echo "Bail out! $preload was not built"; exit 1; }
if grep -q -a __asan_init "$BIN/tare-parse"; then
    echo "1..0 # SKIP a sanitizer wants to be loaded first"
    tap_done=1
    exit 0
fi
now=2026-11-22T03:00:00Z
cd "$tmp" || exit 1
mkdir deploy && cp "$root"/fixtures/demo/manifests/shop/c*.yaml "$root"/fixtures/demo/manifests/ops/build.yaml deploy/
export TARE_NOW=$now

# attempt STAGE-LINE: runs a stage with TARE_FAIL=$1; sets rc, leaves got and .err.
attempt() {
    local fail=$1
    shift
    rm -f got
    LD_PRELOAD=$preload TARE_FAIL=$fail "$@" <"$input" >got 2>.err
    rc=$?
}

# torture NAME INPUT COMMAND…: all kinds of calls; for those that are many (malloc), some hundred spread over all.
torture() {
    local name=$1 kind calls n step bad error tried
    input=$2
    shift 2
    rm -f counts
    attempt "count:$tmp/counts" "$@"
    cp got wanted
    is "$rc" 0 "$name runs undisturbed"
    for kind in malloc:ENOMEM read:EIO write:ENOSPC write:EIO open:EMFILE close:EIO; do
        error=${kind#*:} kind=${kind%:*} bad='' tried=0
        calls=$(awk -v kind="$kind" '$1 == kind { n += $2 } END { print n + 0 }' counts)
        step=$((calls / 150 + 1))
        for ((n = 1; n <= calls; n += step)); do
            attempt "$kind:$n:$error" "$@"
            tried=$((tried + 1))
            if ((rc == 0)); then
                # A file of a directory that cannot be read is a note; that is the contract.
                cmp -s got wanted || grep -q '"code":"unreadable"' got || bad+="$kind $n: exit 0 with other output"$'\n'
            elif ((rc < 64 || rc > 81)); then
                bad+="$kind $n: exit $rc"$'\n'
            elif [[ ! -s .err ]]; then
                bad+="$kind $n: exit $rc without a word"$'\n'
            elif grep -q '"end":{' got && ! cmp -s got wanted; then
                bad+="$kind $n: exit $rc, and the artifact has an end"$'\n'
            fi
        done
        is "$bad" "" "$name: $kind fails with $error, $tried of $calls calls"
    done
    # Half reads and half writes are no failures.
    for kind in read write; do
        attempt "$kind:1:short:on" "$@"
        is "$rc$(cmp got wanted 2>&1)" 0 "$name: short ${kind}s change nothing"
    done
}

torture parse /dev/null "$BIN/tare-parse" -q --created "$now" deploy
cp wanted inventory.jsonl
awk 'BEGIN { for (p = 0; p < 3; p++) for (t = 1795305600; t < 1795316400; t += 60) {
    labels = sprintf("{namespace=\"shop\",pod=\"cart-7d9f8b6c5d-bbbb%d\",container=\"cart\"}", p)
    printf "container_cpu_usage_seconds_total%s %d %d\ncontainer_memory_working_set_bytes%s %d %d\n", labels, t / 10, t, labels, t % 997, t
} print "# EOF" }' >saved.om
torture collect inventory.jsonl "$BIN/tare-collect" -q --created "$now" --offline saved.om --window 2h --parallel 1
cp inventory.jsonl wanted
# As if made by hand: without the digest a reader takes an artifact of another kind.
sed '1s/"tare":"inventory"/"tare":"usage"/; s/"sha256":"[0-9a-f]*","skipped"/"skipped"/' wanted >usage.jsonl
torture analyze usage.jsonl "$BIN/tare-analyze" -q --created "$now"
cp wanted recommendations.jsonl
torture price recommendations.jsonl "$BIN/tare-price" -q --created "$now"
cp wanted costs.jsonl
torture diff costs.jsonl "$BIN/tare-diff" -q --created "$now"
cp wanted changes.jsonl
torture report changes.jsonl "$BIN/tare-report" -q --format html
torture "an answer of help" /dev/null "$BIN/tare-report" --help
done_testing
