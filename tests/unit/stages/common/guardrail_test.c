#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/guardrail.h"

#define MI(n) ((int64_t)(n)*1048576)

static const struct clamp_case {
    const char *what;
    enum guardrail_resource resource;
    int64_t old, proposed, expected;
    enum guardrail_rule moved_by;
} clamp_cases[] = {
    {"inside", GUARDRAIL_CPU, 100, 120, 120, GUARDRAIL_NONE},
    {"unchanged", GUARDRAIL_CPU, 100, 100, 100, GUARDRAIL_NONE},
    {"three times is allowed", GUARDRAIL_CPU, 100, 300, 300, GUARDRAIL_NONE},
    {"one more is not", GUARDRAIL_CPU, 100, 301, 300, GUARDRAIL_MAX_INCREASE},
    {"one half is allowed", GUARDRAIL_CPU, 100, 50, 50, GUARDRAIL_NONE},
    {"one less is not", GUARDRAIL_CPU, 100, 49, 50, GUARDRAIL_MAX_DECREASE},
    {"half of an odd value rounds towards it", GUARDRAIL_CPU, 101, 1, 51, GUARDRAIL_MAX_DECREASE},
    {"the floor", GUARDRAIL_CPU, 15, 1, 10, GUARDRAIL_FLOOR},
    {"the floor wins over the percent guardrail", GUARDRAIL_CPU, 1, 3, 10, GUARDRAIL_FLOOR},
    {"not set: only the floor", GUARDRAIL_CPU, GUARDRAIL_ABSENT, 1, 10, GUARDRAIL_FLOOR},
    {"not set: no percent guardrail", GUARDRAIL_CPU, GUARDRAIL_ABSENT, 100000, 100000, GUARDRAIL_NONE},
    {"zero counts as not set", GUARDRAIL_CPU, 0, 100000, 100000, GUARDRAIL_NONE},
    {"memory floor", GUARDRAIL_MEMORY, MI(40), 0, MI(32), GUARDRAIL_FLOOR},
    {"memory up", GUARDRAIL_MEMORY, MI(100), INT64_MAX, MI(300), GUARDRAIL_MAX_INCREASE},
    {"the largest value there is", GUARDRAIL_MEMORY, INT64_MAX, INT64_MAX, INT64_MAX, GUARDRAIL_NONE},
};

static void clamps(void **state)
{
    (void)state;
    struct guardrails guardrails;
    guardrails_default(&guardrails);
    for (size_t i = 0; i < ARRAY_COUNT(clamp_cases); i++) {
        const struct clamp_case *c = &clamp_cases[i];
        enum guardrail_rule moved_by;
        struct guardrail_bounds bounds = guardrail_range(&guardrails, c->resource, c->old);
        int64_t value = guardrail_clamp(&bounds, c->proposed, &moved_by);
        if (value != c->expected || moved_by != c->moved_by) {
            fail_msg("%s: %lld moved by %d", c->what, (long long)value, (int)moved_by);
        }
        assert_true(bounds.min <= bounds.max);
        assert_int_equal(bounds.percent, c->old > 0);
    }
}

static bool all_passed(const struct guardrails *guardrails, enum guardrail_resource resource, int64_t old,
                       int64_t value)
{
    struct guardrail_reason reasons[GUARDRAIL_REASONS_MAX];
    size_t count = guardrail_check(guardrails, resource, old, value, reasons);
    for (size_t i = 0; i < count; i++) {
        if (!reasons[i].passed) {
            return false;
        }
    }
    return true;
}

/* What clamp gives, check lets pass; one step further it does not. */
static void check_agrees_with_clamp(void **state)
{
    (void)state;
    struct guardrails guardrails;
    guardrails_default(&guardrails);
    guardrails.ceiling[GUARDRAIL_CPU] = 4000;
    for (int64_t old = -1; old < 5000; old += 7) {
        struct guardrail_bounds bounds = guardrail_range(&guardrails, GUARDRAIL_CPU, old);
        assert_true(all_passed(&guardrails, GUARDRAIL_CPU, old, bounds.min));
        assert_true(all_passed(&guardrails, GUARDRAIL_CPU, old, bounds.max));
        if (bounds.min - 1 != old && bounds.min > 0) {
            assert_false(all_passed(&guardrails, GUARDRAIL_CPU, old, bounds.min - 1));
        }
        if (bounds.max + 1 != old) {
            assert_false(all_passed(&guardrails, GUARDRAIL_CPU, old, bounds.max + 1));
        }
    }
}

/* Amounts narrow the percents, on either side, also from 0; floors win over them. */
static void amounts(void **state)
{
    (void)state;
    struct guardrails guardrails;
    guardrails_default(&guardrails);
    guardrails.step_up[GUARDRAIL_CPU] = 300;
    guardrails.step_down[GUARDRAIL_CPU] = 200;
    for (int64_t old = -1; old < 3000; old += 3) {
        struct guardrail_bounds bounds = guardrail_range(&guardrails, GUARDRAIL_CPU, old);
        assert_true(all_passed(&guardrails, GUARDRAIL_CPU, old, bounds.min));
        assert_true(all_passed(&guardrails, GUARDRAIL_CPU, old, bounds.max));
        if (bounds.min - 1 != old && bounds.min > 0) {
            assert_false(all_passed(&guardrails, GUARDRAIL_CPU, old, bounds.min - 1));
        }
        if (bounds.max < INT64_MAX && bounds.max + 1 != old) {
            assert_false(all_passed(&guardrails, GUARDRAIL_CPU, old, bounds.max + 1));
        }
        if (old >= 400) {
            assert_int_equal(bounds.min, old - 200);
        }
        if (old >= 150) {
            assert_int_equal(bounds.max, old + 300);
        }
        assert_int_equal(bounds.max == INT64_MAX, old < 0);
    }
    struct guardrail_reason reasons[GUARDRAIL_REASONS_MAX];
    assert_int_equal(guardrail_check(&guardrails, GUARDRAIL_CPU, 500, 900, reasons), 3);
    assert_string_equal(reasons[1].message, "+400m is past +300m (max_increase_cpu)");
    guardrails_none(&guardrails);
    guardrails.step_up[GUARDRAIL_MEMORY] = INT64_MAX - 1;
    assert_true(all_passed(&guardrails, GUARDRAIL_MEMORY, INT64_MAX - 5, INT64_MAX - 1));
}

static void reasons_name_values(void **state)
{
    (void)state;
    struct guardrail_reason reasons[GUARDRAIL_REASONS_MAX];
    struct guardrails guardrails;
    guardrails_default(&guardrails);
    guardrails.ceiling[GUARDRAIL_CPU] = 200;
    assert_int_equal(guardrail_check(&guardrails, GUARDRAIL_CPU, 100, 400, reasons), 3);
    assert_string_equal(reasons[0].message, "+300.0 % is past +200 % (max_increase_percent)");
    assert_false(reasons[0].passed);
    assert_string_equal(reasons[1].message, "400m is within 10m (min_cpu)");
    assert_string_equal(reasons[2].message, "400m is above 200m (max_cpu)");
    assert_int_equal(guardrail_check(&guardrails, GUARDRAIL_CPU, 100, 100, reasons), 0);
    assert_int_equal(guardrail_check(&guardrails, GUARDRAIL_CPU, 100, GUARDRAIL_ABSENT, reasons), 0);
    assert_int_equal(guardrail_check(&guardrails, GUARDRAIL_CPU, GUARDRAIL_ABSENT, 100, reasons), 2);
}

static void a_ceiling_below_the_floor_yields(void **state)
{
    (void)state;
    struct guardrails guardrails;
    guardrails_default(&guardrails);
    guardrails.ceiling[GUARDRAIL_CPU] = 5;
    struct guardrail_bounds bounds = guardrail_range(&guardrails, GUARDRAIL_CPU, 100);
    assert_int_equal(bounds.min, 10);
    assert_int_equal(bounds.max, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(clamps), cmocka_unit_test(check_agrees_with_clamp),
                                       cmocka_unit_test(reasons_name_values), cmocka_unit_test(amounts),
                                       cmocka_unit_test(a_ceiling_below_the_floor_yields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
