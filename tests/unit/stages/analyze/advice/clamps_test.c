/* What moved a proposal: which amounts are told, from what, to what, by what sort of thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/advice/clamps.h"

/* One field as settling leaves it, and what is told of it (kind NULL: nothing). */
static const struct clamped {
    struct field_plan field;
    const char *by, *kind;
    int64_t bound, after;
} rows[] = {
    /* the rules' own target */
    {{.effective = 500, .min = 100, .max = 400, .movable = true, .proposal = 50, .value = 100, .moved_by = "step-cap", .min_by = "step-cap"},
     "step-cap", "statistics", 100, 100},
    {{.effective = 500, .min = 100, .max = 400, .movable = true, .proposal = 300, .value = 300}, NULL, NULL, 0, 0},
    /* what a model asked for */
    {{.effective = 500, .min = 100, .max = 400, .movable = true, .asked = 900, .proposal = 900, .value = 400, .moved_by = "max_cpu", .max_by = "max_cpu"},
     "max_cpu", "guardrail", 400, 400},
    {{.effective = 500, .min = 100, .max = 400, .movable = true, .asked = 312, .proposal = 312, .value = 320}, NULL, NULL, 0, 0},
    {{.effective = 500, .min = 100, .max = 600, .movable = true, .asked = 505, .proposal = 505, .value = AMOUNT_ABSENT}, NULL, NULL, 0, 0},
    /* of which it has no say */
    {{.effective = 500, .movable = false, .asked = 900, .value = AMOUNT_ABSENT, .rule = "autoscaled"}, "autoscaled", "autoscaler", -1, 500},
    {{.effective = AMOUNT_ABSENT, .movable = false, .asked = 900, .value = AMOUNT_ABSENT, .rule = "limit-keep"}, "limit-keep", "policy", -1, -1},
    {{.effective = 500, .movable = false, .asked = 900, .value = AMOUNT_ABSENT}, "no-usage", "statistics", -1, 500},
    {{.effective = 500, .movable = false, .asked = 500, .value = AMOUNT_ABSENT, .rule = "vpa"}, NULL, NULL, 0, 0},
    {{.effective = 500, .movable = true, .fixed = true, .asked = 900, .value = 600, .rule = "limit-ratio"}, "limit-ratio", "policy", -1, 600},
    /* what others hold */
    {{.effective = 500, .min = 1, .max = 900, .movable = true, .asked = 900, .value = 700, .moved_by = "limit"}, "limit", "pod", -1, 700},
    {{.effective = 500, .min = 1, .max = 900, .movable = true, .asked = 900, .value = AMOUNT_ABSENT, .moved_by = "quota:compute"},
     "quota:compute", "quota", -1, 500},
    {{.effective = 500, .min = 1, .max = 300, .movable = true, .asked = 900, .value = 300, .moved_by = "limit-range:team", .max_by = "limit-range:team"},
     "limit-range:team", "limit-range", 300, 300},
};

static void each_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct container container = {.name = "app"};
        struct container_plan settled = {.container = &container};
        const struct subject subject = {.container_count = 1};
        struct plan plan = {.subject = &subject, .containers = &settled};
        for (int f = 0; f < FIELDS; f++) {
            settled.fields[f].value = AMOUNT_ABSENT;
        }
        settled.fields[CPU_LIMIT] = rows[i].field;
        json_t *clamps = clamps_new(&plan);
        const json_t *clamp = json_array_get(clamps, 0);
        if (json_array_size(clamps) != (rows[i].kind == NULL ? 0 : 1)) {
            fail_msg("row %zu: %zu clamps", i, json_array_size(clamps));
        } else if (clamp != NULL && (!str_equal(json_string_or_null(clamp, "by"), rows[i].by) ||
                                     !str_equal(json_string_or_null(clamp, "kind"), rows[i].kind) ||
                                     !str_equal(json_string_or_null(clamp, "field"), "limits.cpu") ||
                                     json_int_or(clamp, "bound", -1) != rows[i].bound || json_int_or(clamp, "after", -1) != rows[i].after)) {
            char *text = json_dumps(clamp, JSON_COMPACT);
            fail_msg("row %zu: %s", i, text);
        }
        json_decref(clamps);
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
