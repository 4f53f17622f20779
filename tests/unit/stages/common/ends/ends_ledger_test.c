#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "stages/common/ends/ends_ledger.h"

/* What windows are asked about is missing: then nothing may be written, be it changed, made, or written again. */
static void without_its_record(void **state)
{
    (void)state;
    struct permit permit = {.begun = true};
    struct ends_ledger ends = {.permit = &permit, .command = "rollback"};
    struct machine_object object = {.name = "shop/HorizontalPodAutoscaler/cart", .workload = {"shop", "Deployment", "cart"}};
    struct machine_objection objection = {.window = true};
    struct err err = {0};
    assert_int_equal(ends_ledger_permit(&ends, &object, &objection, &err), SAID_NO);
    assert_int_equal(err.class, ERR_REFUSED);
    assert_false(objection.window || objection.undo || objection.finish);
    assert_non_null(strstr(objection.why, "shop/Deployment/cart"));
    ends.permit = NULL; /* a rollback asks nobody */
    assert_int_equal(ends_ledger_permit(&ends, &object, &objection, &err), SAID_YES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_its_record)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
