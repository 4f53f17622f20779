/* What a run and a month may spend: whatever is under way, the limits hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "stages/analyze/asking/budget.h"

static void test_sets_aside(void **state)
{
    (void)state;
    struct budget budget = {.run = 100, .month = -1};
    assert_true(budget_take(&budget, 60));
    assert_false(budget_take(&budget, 41));
    assert_true(budget_take(&budget, 40));
    budget_settle(&budget, 60, 10);
    assert_int_equal(budget.reserved, 40);
    assert_int_equal(budget.spent, 10);
    assert_true(budget_take(&budget, 50));
    assert_false(budget_take(&budget, 1));
}

static void test_a_no_takes_nothing(void **state)
{
    (void)state;
    struct budget budget = {.run = 100, .month = 50};
    assert_false(budget_take(&budget, 51));
    assert_int_equal(budget.reserved, 0);
    assert_true(budget_take(&budget, 50));
}

static void test_the_month_counts_earlier_runs(void **state)
{
    char text[200];
    (void)state;
    struct budget budget = {.run = 1000, .month = 500, .before = 450};
    assert_true(budget_take(&budget, 50));
    assert_false(budget_take(&budget, 1));
    assert_non_null(strstr(budget_reason(&budget, 1, text, sizeof text), "month's budget of 500 tokens"));
    budget = (struct budget){.run = 10, .month = 500};
    assert_false(budget_take(&budget, 11));
    assert_non_null(strstr(budget_reason(&budget, 11, text, sizeof text), "run's budget of 10 tokens"));
}

/* More was spent than set aside, or than the month allows; numbers as large as they get. */
static void test_odd_numbers(void **state)
{
    (void)state;
    struct budget budget = {.run = 100, .month = 100, .before = 300};
    assert_false(budget_take(&budget, 0));
    budget = (struct budget){.run = 100, .month = -1};
    assert_true(budget_take(&budget, 10));
    budget_settle(&budget, 10, 500);
    assert_false(budget_take(&budget, 1));
    budget = (struct budget){.run = INT64_MAX, .month = INT64_MAX, .before = 1};
    assert_false(budget_take(&budget, INT64_MAX));
    assert_true(budget_take(&budget, INT64_MAX - 1));
    budget = (struct budget){.run = 0, .month = -1};
    assert_false(budget_take(&budget, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_aside),
        cmocka_unit_test(test_a_no_takes_nothing),
        cmocka_unit_test(test_the_month_counts_earlier_runs),
        cmocka_unit_test(test_odd_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
