#include "stages/apply/permit.h"

enum { ROUNDS_MAX = 1000 };

int permit_file(struct permit *permit, const struct apply_plan *plan, const struct apply_file *file,
                struct objection *out, struct err *err)
{
    *out = (struct objection){0};
    for (size_t i = file->first; i <= file->last && !out->stands; i++) {
        json_t *record = NULL;
        if (!apply_plan_pending(plan, file, i)) {
            continue;
        }
        if (spool_at(plan->spool, plan->items[i].offset, &record, err)) {
            return -1;
        }
        int failed = permit_record(permit, record, out, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* Refuses what is not approved; what was rejected is left out of the plan. */
static int refuse_unapproved(struct permit *permit, struct apply_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->item_count; i++) {
        struct objection objection = {0};
        json_t *record = NULL;
        if (plan->items[i].fate != FATE_PENDING) {
            continue;
        }
        if (spool_at(plan->spool, plan->items[i].offset, &record, err)) {
            return -1;
        }
        int failed = permit_approval(permit, record, &objection, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
        if (objection.stands) {
            apply_item_set(&plan->items[i], objection.rejected ? FATE_REJECTED : FATE_REFUSED, objection.why);
        }
    }
    return 0;
}

/* The first objection of a window to any pending item at an instant. */
static int windows_at(const struct permit *permit, struct apply_plan *plan, int64_t instant,
                      struct objection *out, struct err *err)
{
    *out = (struct objection){0};
    for (size_t i = 0; i < plan->item_count && !out->stands; i++) {
        json_t *record = NULL;
        if (plan->items[i].fate != FATE_PENDING) {
            continue;
        }
        if (spool_at(plan->spool, plan->items[i].offset, &record, err)) {
            return -1;
        }
        permit_windows(permit, record, instant, out);
        json_decref(record);
    }
    return 0;
}

/* Goes from opening to opening until nothing objects any more. */
static int common_opening(const struct permit *permit, struct apply_plan *plan, int64_t now,
                          struct objection *first, struct err *err)
{
    struct objection later = *first;
    for (int round = 0; later.stands && later.has_next && round < ROUNDS_MAX; round++) {
        int64_t at = later.next_opening;
        if (at > now + WINDOW_HORIZON) {
            break;
        }
        if (windows_at(permit, plan, at, &later, err)) {
            return -1;
        }
        if (!later.stands) {
            first->next_opening = at;
            return 0;
        }
    }
    first->has_next = false;
    return 0;
}

int permit_plan(struct permit *permit, struct apply_plan *plan, struct objection *out, struct err *err)
{
    int64_t now = 0;
    if (permit_clock(permit, &now, err) || refuse_unapproved(permit, plan, err) || permit_clock(permit, &now, err) ||
        windows_at(permit, plan, now, out, err)) {
        return -1;
    }
    return out->stands ? common_opening(permit, plan, now, out, err) : 0;
}
