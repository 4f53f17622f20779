#!/usr/bin/env bash
# A run over rendered workloads on target files: the file of values that the numbers stand in is written and put back, byte by
# byte, several files of one workload together; what has no file is blocked before anybody approves it. Parse, diff, gate, apply and rollback are the real ones.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/kube.sh"
. "$(dirname "$0")/stub_line.sh"
need git sha256sum
kube_tools
rm -rf deploy && cp -r "$root/fixtures/cases/render" deploy
all() { find deploy -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum; }

# The artifacts of the line: parse and diff by themselves, half of everything recommended between them.
make_line() {
    "$BIN/tare-parse" -q --render "$@" >"$tmp/parse.jsonl" 2>"$tmp/parse.err"
    local stage kind
    for stage in collect:usage analyze:recommendations price:costs; do
        kind=${stage#*:} stage=${stage%:*}
        jq -c --arg kind "$kind" 'if .tare then .tare = $kind elif .end then .end.sha256 = null | del(.end.sha256) elif .workload then
            .recommendation = {action: "resize", confidence: 0.9, source: "rules", reasoning: "", risk: "low", containers: (.workload.containers |
                map({key: .name, value: {requests: (.requests | map_values(if . then . * 4 / 5 | floor else null end)),
                    limits: (.limits | map_values(if . then . * 4 / 5 | floor else null end)), remove: []}}) | from_entries)} |
            .cost = {monthly_before_microusd: 9000000, monthly_after_microusd: 8000000, monthly_saving_microusd: 1000000} else . end' \
            "$tmp/parse.jsonl" >"$tmp/$stage.jsonl"
    done
    "$BIN/tare-diff" -q --patch "$tmp/all.patch" <"$tmp/price.jsonl" >"$tmp/diff.jsonl" 2>"$tmp/diff.err"
}
make_line deploy
before=$(all)
cp -r deploy "$tmp/wanted" && (cd "$tmp" && mkdir patched && mv wanted patched/deploy && cd patched && patch -p1 -s -i "$tmp/all.patch")

new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
"$tare" login reviewer viewer approver >/dev/null 2>&1
is "$("$tare" show "$id" gate | jq -r 'select(.workload) | .workload.name + "=" + .gate.verdict' | sort | tr '\n' ' ')" \
    "api-dev=needs-approval cart=needs-approval in-api=needs-approval in-db=needs-approval in-load=needs-approval load=needs-approval pair-back=blocked pair-fixed=blocked pair-front=blocked pair-worker=needs-approval preset=needs-approval prod-api=needs-approval umbrella-nightly=needs-approval " \
    "what files hold, one or several, can be approved; a template is blocked"
like "$("$tare" show "$id" gate | jq -r 'select(.workload.name == "pair-front").gate.reasons[] | select(.ok == false).message')" \
    'also changes Deployment/pair-back' "with the advice as the reason"
run "$tare" --as reviewer approve "$id" --yes
is "$rc" 0 "the reviewer approves" || diag "$err"
run "$tare" apply "$id" --yes
is "$rc" 0 "apply ends well" || diag "$err"
is "$(outcomes apply)" "api-dev=done cart=done in-api=done in-db=done in-load=done load=done pair-back=refused pair-fixed=refused pair-front=refused pair-worker=done preset=done prod-api=done umbrella-nightly=done " "outcomes"
ok "the files are what their patches make of them, and no other is" diff -r deploy "$tmp/patched/deploy"
is "$("$tare" audit list "$id" --format json 2>/dev/null | jq -r '[.[] | select(.action == "change.done") | .subject] | sort | join(" ")')" \
    "deploy/cart/values.yaml deploy/kust/base/api.yaml deploy/kust/inline/kustomization.yaml deploy/kust/inline/objects.yaml deploy/kust/json/cpu.yaml deploy/kust/json/memory.json deploy/kust/overlays/prod/size.yaml deploy/pair/values.yaml deploy/preset/values.yaml deploy/umbrella/values.yaml" "each is a change of its own"
run "$tare" rollback "$id" --yes
is "$rc" 0 "rolled back" || diag "$err"
is "$(all)" "$before" "every byte is back"

approved_run
echo '# mine' >>deploy/pair/values.yaml
run "$tare" apply "$id" --yes
is "$rc" 79 "a file of values that moved makes the plan stale"
like "$err" 'deploy/pair/values.yaml' "and is named"
sed -i '$d' deploy/pair/values.yaml
is "$(all)" "$before" "nothing was written"

# Two charts take from one file of values; between their records another chart's stand.
mkdir -p shared && cp -r deploy/cart shared/a && cp -r deploy/cart shared/c && cp -r deploy/umbrella shared/b
for name in a:alpha c:gamma; do
    find "shared/${name%:*}" -type f -exec sed -i "s/name: cart/name: ${name#*:}/; s/cart\.fullname/${name#*:}.fullname/; s/\.Values\.resources/.Values.${name#*:}.resources/" {} +
done
printf 'alpha:\n  resources:\n    requests:\n      cpu: 500m # a\ngamma:\n  resources:\n    requests:\n      cpu: 600m # c\n' >common.yaml
make_line shared --helm-values common.yaml
new_run
run "$tare" --as reviewer approve "$id" --yes
run "$tare" apply "$id" --yes
is "$rc" 0 "records of one file with others between them are applied" || diag "$err"
is "$(grep cpu common.yaml | tr -s ' ' | tr '\n' ';')" " cpu: 400m # a; cpu: 480m # c;" "in one write"
is "$("$tare" audit list "$id" --format json 2>/dev/null | jq -r '[.[] | select(.action == "change.done" and .subject == "common.yaml")] | length')" 1 "which is one change"
run "$tare" rollback "$id" --yes
is "$(grep cpu common.yaml | tr -s ' ' | tr '\n' ';')" " cpu: 500m # a; cpu: 600m # c;" "and is undone in one"

# What was typed goes to tare-parse, and again when the run is made anew.
printf '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "$@" >"%s/words"\ncat "%s/parse.jsonl"\n' "$tmp" "$tmp" >"$line/tare-parse"
chmod 755 "$line/tare-parse"
words='--render --helm-values=common.yaml --helm-values=deploy/values-prod.yaml --helm-release=blue --render-timeout=30s'
# shellcheck disable=SC2086 # several words
new_run $words
typed() { local word; for word in $words; do grep -qF -- " $word" "$tmp/words" || return 1; done; }
ok "tare run hands the options of rendering on" typed
rm -f "$tmp/words"
run "$tare" rerun "$id" --from parse
is "$rc" 0 "made anew" || diag "$err"
ok "a rerun renders as the run before did" typed
done_testing
