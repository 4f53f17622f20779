#include "stages/common/target_undo.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/arena.h"
#include "pipeline/io/json.h"

bool undo_ledger_lost(struct ledger *ledger, const struct err *err)
{
    if (err->class != ERR_TEMPFAIL && err->class != ERR_UNAVAILABLE) {
        return false;
    }
    struct arena arena;
    const char *now = NULL;
    arena_init(&arena);
    bool lost = ledger_now(ledger, &arena, &now, NULL) != 0;
    arena_release(&arena);
    return lost;
}

typedef int lock_verb(struct ledger *ledger, int64_t run, const struct ledger_workload *workload,
                      struct err *err);

/* Locks or unlocks every workload of a change. */
static int each_workload(const struct undo_order *order, const struct ledger_change *change, lock_verb *verb,
                         struct err *err)
{
    json_t *list = json_loads(change->workloads, 0, NULL);
    size_t index = 0;
    const json_t *item = NULL;
    int failed = 0;
    json_array_foreach(list, index, item)
    {
        struct ledger_workload workload = {json_string_or_null(item, "namespace"),
                                           json_string_or_null(item, "kind"),
                                           json_string_or_null(item, "name")};
        failed = failed || verb(order->ledger, order->run, &workload, err);
    }
    json_decref(list);
    return failed ? -1 : 0;
}

/* Undoes one change. A lock that another session holds is a failure of this change; the ledger's silence is
 * an error. */
static int undo_one(const struct undo_order *order, const struct ledger_change *change,
                    enum undo_result *result, char why[UNDO_WHY_MAX], struct err *err)
{
    struct err inner = {0};
    char *recorded = order->root == NULL ? target_change_root(change) : NULL;
    const char *root = order->root != NULL ? order->root : recorded == NULL ? "." : recorded;
    int failed = each_workload(order, change, ledger_workload_lock, &inner);
    failed = failed || target_file_undo(order->ledger, root, change, result, why, &inner);
    failed = failed || each_workload(order, change, ledger_workload_unlock, &inner);
    free(recorded);
    if (!failed) {
        return 0;
    }
    if (undo_ledger_lost(order->ledger, &inner)) {
        *err = inner;
        return -1;
    }
    *result = UNDO_FAILED;
    snprintf(why, UNDO_WHY_MAX, "%s", inner.message);
    return 0;
}

static bool never_written(const struct ledger_change *change)
{
    return change->state == LEDGER_CHANGE_PLANNED || change->state == LEDGER_CHANGE_ROLLED_BACK;
}

static void count(const struct undo_order *order, const struct ledger_change *change, enum undo_result result,
                  const char *why, struct undo_report *out)
{
    if (result == UNDO_DONE) {
        out->undone++;
    } else if (result == UNDO_FAILED || result == UNDO_CHANGED) {
        if (out->failed++ == 0) {
            snprintf(out->why, sizeof out->why, "%s", why);
        }
        out->left++;
    }
    if (order->told != NULL) {
        order->told(order->context, change, result, why);
    }
}

int undo_changes(const struct undo_order *order, struct undo_report *out, struct err *err)
{
    struct arena arena;
    struct ledger_changes changes = {0};
    arena_init(&arena);
    *out = (struct undo_report){0};
    int failed = ledger_changes(order->ledger, order->run, &arena, &changes, err);
    for (size_t i = changes.count; !failed && i > 0; i--) {
        const struct ledger_change *change = &changes.items[i - 1];
        enum undo_result result = UNDO_NOTHING;
        char why[UNDO_WHY_MAX] = "";
        if (order->wanted != NULL && !order->wanted(order->context, change)) {
            out->left += never_written(change) ? 0 : 1;
            continue;
        }
        failed = undo_one(order, change, &result, why, err);
        if (!failed) {
            count(order, change, result, why, out);
        }
    }
    arena_release(&arena);
    return failed;
}
