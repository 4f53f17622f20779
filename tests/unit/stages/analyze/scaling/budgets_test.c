/* Below how many replicas no advice goes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stages/analyze/scaling/budgets.h"

static int64_t floor_of(const char *budgets, int64_t now)
{
    const char *by;
    json_t *workload = json_object();
    if (budgets) {
        json_object_set_new(workload, "disruption_budgets", json_loads(budgets, 0, NULL));
    }
    int64_t floor = budgets_floor(workload, now, &by);
    assert_non_null(by);
    json_decref(workload);
    return floor;
}

static void test_budgets(void **state)
{
    (void)state;
    assert_int_equal(floor_of(NULL, 0), 1);
    assert_int_equal(floor_of(NULL, 1), 1);
    assert_int_equal(floor_of(NULL, 5), 2);
    assert_int_equal(floor_of("[{\"min_available\":3,\"max_unavailable\":null}]", 5), 4);
    assert_int_equal(floor_of("[{\"min_available\":1,\"max_unavailable\":null}]", 1), 2);
    assert_int_equal(floor_of("[{\"min_available\":\"50%\",\"max_unavailable\":null}]", 5), 2);
    assert_int_equal(floor_of("[{\"min_available\":\"90%\",\"max_unavailable\":null}]", 12), 10);
    assert_int_equal(floor_of("[{\"min_available\":\"100%\",\"max_unavailable\":null}]", 7), 7);
    assert_int_equal(floor_of("[{\"min_available\":null,\"max_unavailable\":0}]", 6), 6);
    assert_int_equal(floor_of("[{\"min_available\":null,\"max_unavailable\":1}]", 6), 2);
    assert_int_equal(floor_of("[{\"min_available\":null,\"max_unavailable\":\"10%\"}]", 6), 2);
    assert_int_equal(floor_of("[{\"min_available\":2,\"max_unavailable\":null},{\"min_available\":4,\"max_unavailable\":null}]", 9), 5);
    assert_int_equal(floor_of("[{\"min_available\":\"x%\",\"max_unavailable\":{}},7,null]", 3), 2);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_budgets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
