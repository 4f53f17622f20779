/* Money as people read it: rounding half away from zero, thousands, cents below a dollar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"

static void test_money(void **state)
{
    (void)state;
    static const struct {
        int64_t microusd;
        const char *text;
    } cases[] = {
        {0, "$0"},
        {1, "$0"},
        {4999, "$0"},
        {5000, "$0.01"},
        {-4999, "$0"},
        {-5000, "-$0.01"},
        {420000, "$0.42"},
        {50000, "$0.05"},
        {994999, "$0.99"},
        {995000, "$1"},
        {999999, "$1"},
        {1000000, "$1"},
        {1499999, "$1"},
        {1500000, "$2"},
        {-12400000, "-$12"},
        {-12500000, "-$13"},
        {INT64_C(999499999), "$999"},
        {INT64_C(999500000), "$1,000"},
        {INT64_C(1234000000), "$1,234"},
        {INT64_C(1234567890000000), "$1,234,567,890"},
        {INT64_MAX, "$9,223,372,036,855"},
        {INT64_MIN, "-$9,223,372,036,855"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[MONEY_TEXT];
        assert_string_equal(money_format(cases[i].microusd, text), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_money)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
