#!/bin/bash
# Pruning on the demo shop: a run that was pruned can still be rolled back, history goes on, and the trail holds with the anchors of before.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/shop.sh"
before=$(tree)
now=$(date -u +%s)
later() { TARE_NOW=$(date -u -d "@$((now + $1 * 86400))" +%FT%TZ) "${@:2}"; } # DAYS COMMAND…

"$tare" login reviewer viewer approver >/dev/null && "$tare" login keeper admin >/dev/null
# A plan, approved and applied; the manifests are put back by hand, so that the next one has the same to do.
applied() {
    run "$tare" run --end "$end" --format json
    id=$(json .run)
    "$tare" --as reviewer approve "$id" --yes >/dev/null 2>&1
    run "$tare" apply "$id" --yes
    is "$rc" 0 "run $id is applied" || diag "$err"
}
applied
first=$id
after=$(tree)
cp -R "$root/fixtures/demo/manifests" "$shop/"
applied
second=$id
is "$(tree)" "$after" "both wrote the same"
"$tare" audit anchor >"$tmp/anchors"
"$tare" history --format json >"$tmp/history"

run later 100 "$tare" prune --older-than 90d --yes
like "$rc $err" '^77 .*tare_admin' "pruning takes an administrator"
run later 100 "$tare" --as keeper prune --older-than 90d --dry-run
like "$rc $out" '^0 the database is .*1 run would be pruned' "one run would go: the other was applied last"
run later 100 "$tare" --as keeper prune --older-than 90d --yes --format json
is "$rc $(json .went.runs)" "0 1" "it goes" || diag "$err"
ok "with most of its bytes" test "$(json '.before[0].bytes - .after[0].bytes')" -gt 0
for stage in collect analyze; do
    run "$tare" show "$second" "$stage"
    is "$rc" 0 "the $stage that the last applied run has is there"
done
run "$tare" show "$first" collect
like "$rc $err" '^66 .*were pruned at' "the pruned one's is not"
run "$tare" report "$first"
like "$rc $err" '^66 .*pruned at' "its report says that it was pruned"
run "$tare" status "$first"
is "$rc" 0 "its status is told as ever" || diag "$err"
"$tare" history --format json >"$tmp/history.after"
is "$(<"$tmp/history.after")" "$(<"$tmp/history")" "history and money are as before"

run "$tare" rollback "$first" --yes
is "$rc" 0 "a pruned run can still be rolled back" || diag "$err"
is "$(tree)" "$before" "every byte is back"
run later 200 "$tare" --as keeper prune --older-than 90d --yes --format json
ok "then what stood there before is of no more use, and goes" test "$(json .went.before_images.rows)" -gt 0
run "$tare" rollback "$first" --yes
like "$rc $err" "^66 .*run $first cannot be rolled back" "and rolling it back again says that it was pruned"
run "$tare" run --end "$end" --format json
is "$rc $(json .state)" "0 awaiting-approval" "runs go on" || diag "$err"
run "$tare" rerun "$(json .run)" --from price --format json
is "$rc" 0 "and are taken over" || diag "$err"
"$tare" run --end "$end" --format json >"$tmp/third" 2>"$tmp/.err"
third=$(jq .run "$tmp/third")
"$tare" rerun "$third" --from gate >/dev/null 2>&1
run later 20 "$tare" --as keeper prune --older-than 10d --yes
run "$tare" apply "$third" --yes
is "$rc" 77 "a superseded run is refused also when its report cannot be made any more"
like "$err" "run $third is superseded.*" "for the reason that it has"
like "$err" 'warning: the bytes of artifact .* were pruned' "with the report told as a warning" || diag "$err"
run "$tare" rerun "$first" --from price
like "$rc $err" '^66 ' "a pruned one is not" || diag "$err"
run "$tare" audit verify --anchor "$tmp/anchors"
is "$rc" 0 "the trail has the anchor of before it all" || diag "$err"
like "$("$tare" audit list --limit 1000 --format json)" '"action":"prune.done"' "and what went"
done_testing
