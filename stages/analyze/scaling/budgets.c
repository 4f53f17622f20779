#include "stages/analyze/scaling/budgets.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"

enum { FLOOR_SEARCH_MAX = 1000 };

/* "50%" of a number, rounded up as the controller of budgets does; a whole number as it is. −1 for what is neither. */
static int64_t amount_of(const json_t *value, int64_t of)
{
    char digits[16];
    int64_t percent;
    if (json_is_integer(value)) {
        return json_integer_value(value);
    }
    const char *text = json_string_value(value);
    size_t length = text ? strlen(text) : 0;
    if (length < 2 || length > sizeof digits || text[length - 1] != '%') {
        return -1;
    }
    memcpy(digits, text, length - 1);
    digits[length - 1] = '\0';
    return str_int64(digits, 0, 1000, &percent) ? -1 : (percent * of + 99) / 100;
}

/* Whether a budget lets at least one of so many replicas go. */
static bool lets_go(const json_t *budget, int64_t replicas)
{
    int64_t least = amount_of(json_object_get(budget, "min_available"), replicas);
    int64_t most = amount_of(json_object_get(budget, "max_unavailable"), replicas);
    return (least < 0 || replicas - least >= 1) && most != 0;
}

const char *budgets_blocked(const json_t *workload, int64_t replicas)
{
    size_t index;
    json_t *budget;
    json_array_foreach(json_object_get(workload, "disruption_budgets"), index, budget)
    {
        if (!lets_go(budget, replicas)) {
            const char *name = json_string_or_null(budget, "name");
            return name ? name : "";
        }
    }
    return NULL;
}

int64_t budgets_floor(const json_t *workload, int64_t now, const char **by)
{
    int64_t floor = now >= 2 ? 2 : 1;
    *by = floor == 2 ? "availability" : "one";
    int64_t least = floor;
    while (least < FLOOR_SEARCH_MAX && budgets_blocked(workload, least)) {
        least++;
    }
    if (least == floor) {
        return floor;
    }
    *by = "disruption-budget";
    return least < FLOOR_SEARCH_MAX ? least : now > floor ? now : floor;
}
