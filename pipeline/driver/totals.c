#include "pipeline/driver/totals.h"

int64_t add_amounts(int64_t a, int64_t b)
{
    if (b > 0) {
        return a > INT64_MAX - b ? INT64_MAX : a + b;
    }
    return a < INT64_MIN - b ? INT64_MIN : a + b;
}

/* Adds the integer `key` of an object; one that is not there counts as `otherwise`. */
static void add_member(int64_t *sum, const json_t *object, const char *key, int64_t otherwise)
{
    *sum = add_amounts(*sum, json_int_or(object, key, otherwise));
}

struct totals totals_of(const json_t *rows)
{
    struct totals totals = {0};
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const json_t *detail = json_object_get(row, "detail");
        int64_t before;
        totals.objects++;
        add_member(&totals.workloads, detail, "records", 1);
        add_member(&totals.waiting, detail, "needs-approval", 0);
        add_member(&totals.blocked, detail, "blocked", 0);
        add_member(&totals.changes, detail, "allowed", 0);
        add_member(&totals.held_back, detail, "held_back_microusd", 0);
        add_member(&totals.unwritten, detail, "unwritten_microusd", 0);
        add_member(&totals.unpriced, detail, "unpriced", 0);
        add_member(&totals.critical, detail, "critical", 0);
        if (!json_get_int(row, "monthly_before_microusd", &before)) {
            continue;
        }
        totals.before = add_amounts(totals.before, before);
        add_member(&totals.after, row, "monthly_after_microusd", before);
        add_member(&totals.saving, row, "monthly_saving_microusd", 0);
    }
    totals.changes = add_amounts(totals.changes, add_amounts(totals.waiting, totals.blocked));
    return totals;
}
