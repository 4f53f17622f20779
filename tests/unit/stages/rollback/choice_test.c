/* Which changes --workload names, and what it may not name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/rollback/choice.h"

static struct ledger_change items[] = {
    {.object = "a.yaml", .workloads = "[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\"}]"},
    {.object = "b.yaml",
     .workloads = "[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"web\"},"
                  "{\"namespace\":\"shop\",\"kind\":\"CronJob\",\"name\":\"sweep\"}]"},
};
static const struct ledger_changes changes = {items, ARRAY_COUNT(items)};

static void test_all(void **state)
{
    (void)state;
    struct choice choice = {0};
    assert_int_equal(choice_check(&choice, &changes, NULL), 0);
    assert_true(choice_wants(&choice, &items[0]) && choice_wants(&choice, &items[1]));
}

static void test_one(void **state)
{
    (void)state;
    struct choice choice = {0};
    assert_int_equal(choice_add(&choice, "shop/Deployment/cart", NULL), 0);
    assert_int_equal(choice_check(&choice, &changes, NULL), 0);
    assert_true(choice_wants(&choice, &items[0]));
    assert_false(choice_wants(&choice, &items[1]));
    choice_release(&choice);
}

static void test_shared_file(void **state)
{
    (void)state;
    struct choice choice = {0};
    struct err err = {0};
    assert_int_equal(choice_add(&choice, "shop/Deployment/web", NULL), 0);
    assert_int_equal(choice_check(&choice, &changes, &err), -1);
    assert_int_equal(err.class, ERR_USAGE);
    assert_non_null(strstr(err.message, "shop/CronJob/sweep"));
    assert_int_equal(choice_add(&choice, "shop/CronJob/sweep", NULL), 0);
    assert_int_equal(choice_check(&choice, &changes, NULL), 0);
    choice_release(&choice);
}

static void test_unknown(void **state)
{
    (void)state;
    struct choice choice = {0};
    struct err err = {0};
    assert_int_equal(choice_add(&choice, "shop/Deployment/none", NULL), 0);
    assert_int_equal(choice_check(&choice, &changes, &err), -1);
    assert_non_null(strstr(err.message, "shop/Deployment/none"));
    static const char *const bad[] = {
        "", "cart", "shop/cart", "/Deployment/cart", "shop//cart", "shop/Deployment/"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_int_equal(choice_add(&choice, bad[i], &err), -1);
        assert_int_equal(err.class, ERR_USAGE);
    }
    choice_release(&choice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_shared_file),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
