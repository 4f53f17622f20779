#!/bin/bash
# mutate.sh [NAME…]: breaks the machine that changes objects in one way after the other, in a copy of the tree as it was committed, and lives
# SIM_SEEDS (1200) seeds: each break has to be found. Prints a line a break; exit 1 where one is not found, 70 where one does not fit the code
# any more (mend it here). MUTATE_DIR keeps the copy and its build.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
seeds=${SIM_SEEDS:-1200}
dir=${MUTATE_DIR:-$(mktemp -d)}
[[ -n ${MUTATE_DIR:-} ]] || trap 'rm -rf "$dir"' EXIT
machine=stages/common/machine

# NAME, FILE, and a replacement as perl has it.
mutations() {
    cat <<'LIST'
permit-ignored object_start.c s/if \(said == SAID_YES \|\| \(objection/if (said != SAID_LOST || (objection/
permit-not-asked object_write.c s#if \(!object_still_permitted\(machine, work\)\) \{\n        json_decref\(members\);#if (false) {\n        json_decref(members);#
no-version patch.c s/json_object_set_new\(metadata, "resourceVersion"[^;]*;//
no-uid patch.c s/json_object_set_new\(metadata, "uid"[^;]*;//
risk-upside-down schedule.c s/x->risk < y->risk \? -1 : 1/x->risk < y->risk ? 1 : -1/
one-too-many schedule.c s/machine->active_count < machine->policy->parallel/machine->active_count <= machine->policy->parallel/
undo-over-edits object_undo.c s/else if \(ours \|\| work->object->force\)/else if (ours || true)/
no-fence object_undo.c s/if \(!work->landed && !work->barred\)/if (false)/
lost-goes-on machine.c s/if \(said == SAID_YES\) \{\n        work->object->state = to;/if (said != SAID_NO) {\n        work->object->state = to;/
edit-written-over object_write.c s/\} else if \(image_same\(now, work->was\) && work->object->state == LEDGER_CHANGE_WRITING\)/} else if (work->object->state == LEDGER_CHANGE_WRITING)/
plan-not-compared object_write.c s/: image_as_planned\([^;{]*?&why\)\) \|\|\n/: 0) ||\n/
dry-run-not-compared object_write.c s/if \(!same\) \{/if (false) {/
no-settling object_watch.c s/int64_t least = now_of\(machine\) \+ machine->policy->settle;/int64_t least = now_of(machine);/; s/wake_at\(work, now_of\(machine\) \+ machine->policy->settle\)/wake_at(work, now_of(machine))/
pods-not-judged object_watch.c s/pods_seen_judge\(work->pods, text\) == POD_FAILING/false/; s/state == ROLLOUT_FAILED/false/; s/!?\bstate == ROLLOUT_COMPLETE\b/true/
term-unheard machine.c s/machine->asked_to_end = true;\n    machine->stopping = true;/machine->asked_to_end = true;/
stays-half-way object_undo.c s/!work_move\(machine, work, LEDGER_CHANGE_ROLLED_BACK, NULL\)/false/
absent-stays patch.c s/json_object_set_new\(made, key, json_null\(\)\);/;/
never-gives-up object_ask.c s/if \(now - work->since >= machine->policy->rollout_timeout\)/if (false)/
LIST
}

copy() {
    mkdir -p "$dir"
    git -C "$root" archive HEAD | tar -x -C "$dir" && make -s -C "$dir" BUILD=.build -j2 .build/bin/harness/simulate >"$dir/make.log" 2>&1 ||
        { tail -5 "$dir/make.log"; exit 70; }
}

failed=0
copy
while read -r name file change; do
    [[ $# == 0 || " $* " == *" $name "* ]] || continue
    cp "$dir/$machine/$file" "$dir/kept"
    perl -0pi -e "$change" "$dir/$machine/$file"
    if cmp -s "$dir/kept" "$dir/$machine/$file"; then
        printf '%-24s does not fit %s any more\n' "$name" "$file"
        failed=70
        continue
    fi
    if ! make -s -C "$dir" BUILD=.build WERROR= -j2 .build/bin/harness/simulate >"$dir/make.log" 2>&1; then
        printf '%-24s does not compile: %s\n' "$name" "$(grep -m 1 error "$dir/make.log")"
        failed=70
    elif "$dir/.build/bin/harness/simulate" 1 "$seeds" "$(nproc)" >"$dir/out"; then
        printf '%-24s NOT FOUND in %s seeds\n' "$name" "$seeds"
        ((failed)) || failed=1
    else
        printf '%-24s found by %4s of %s seeds, first: %s\n' "$name" "$(tail -n 1 "$dir/out" | sed 's/.*, \([0-9]*\) broken.*/\1/')" "$seeds" "$(head -n 1 "$dir/out" | cut -c1-110)"
    fi
    cp "$dir/kept" "$dir/$machine/$file"
    touch "$dir/$machine/$file"
done < <(mutations)
exit "$failed"
