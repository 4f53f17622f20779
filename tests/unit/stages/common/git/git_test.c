#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/git/git.h"

/* What a row says is a commit is given to git only where it is one: "--output=FILE" would be an order to it. */
static void ids_of_rows(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "--output=/tmp/x", "HEAD", "0123456789abcdef0123456789abcdef0123456",
                                        "0123456789abcdef0123456789abcdef01234567^", "0123456789ABCDEF0123456789ABCDEF01234567"};
    struct err err = {0};
    assert_int_equal(git_check_oid("0123456789abcdef0123456789abcdef01234567", &err), 0);
    assert_int_equal(git_check_oid("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", &err), 0);
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_int_equal(git_check_oid(wrong[i], &err), -1);
        assert_int_equal(err.class, ERR_DATA);
        assert_non_null(strstr(err.message, wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_of_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
