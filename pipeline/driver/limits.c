#include "pipeline/driver/limits.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/totals.h"
#include "pipeline/run/record.h"

/* Whether the advice takes "limits.RESOURCE" of its container away. */
static bool removes(const json_t *advice, const char *resource)
{
    size_t index;
    json_t *removed;
    json_array_foreach(json_object_get(advice, "remove"), index, removed)
    {
        const char *what = json_string_value(removed);
        if (what != NULL && str_starts(what, "limits.") && what[strlen("limits.")] == resource[0]) {
            return true;
        }
    }
    return false;
}

/* A container's limit, before (`advice` NULL) or after; false where it has none. */
static bool limit_of(const json_t *container, const json_t *advice, const char *resource, int64_t *amount)
{
    return !removes(advice, resource) && (json_get_int(json_object_get(advice, "limits"), resource, amount) ||
                                          json_get_int(json_object_get(container, "limits"), resource, amount));
}

/* Sum of the limits over the containers that run; null where one of them, or all, have none. New. */
static json_t *total_limit(const json_t *record, const char *resource, bool after)
{
    int64_t sum = 0;
    bool all = true;
    size_t index;
    json_t *container;
    const json_t *containers = json_object_get(record_workload(record), "containers");
    const json_t *advices = after ? json_at(record, "recommendation.containers") : NULL;
    json_array_foreach(containers, index, container)
    {
        int64_t value;
        const char *name = json_string_or_null(container, "name");
        if (str_equal(json_string_or_null(container, "role"), "init")) {
            continue;
        }
        bool has = limit_of(container, json_object_get(advices, name == NULL ? "" : name), resource, &value);
        sum = has ? add_amounts(sum, value) : sum;
        all = all && has;
    }
    return json_int_or_null(all && index > 0, sum);
}

void limits_note(const json_t *record, json_t *detail)
{
    static const struct {
        const char *resource, *before, *after;
    } rows[] = {{"cpu_millicores", "cpu_limit_before_millicores", "cpu_limit_after_millicores"},
                {"memory_bytes", "memory_limit_before_bytes", "memory_limit_after_bytes"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        json_t *before = total_limit(record, rows[i].resource, false);
        json_t *after = total_limit(record, rows[i].resource, true);
        if (!json_equal(before, after)) {
            json_object_set(detail, rows[i].before, before);
            json_object_set(detail, rows[i].after, after);
        }
        json_decref(before);
        json_decref(after);
    }
}
