#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pricing/money/quotient.h"

static int64_t quotient(uint64_t a, uint64_t b, uint64_t c, uint64_t x, uint64_t y)
{
    const uint64_t factors[] = {a, b, c};
    const uint64_t divisors[] = {x, y};
    return money_quotient(factors, 3, divisors, 2);
}

static void halves_go_up_once(void **state)
{
    (void)state;
    assert_int_equal(quotient(1, 1, 1, 2, 1), 1);
    assert_int_equal(quotient(1, 1, 1, 3, 1), 0);
    assert_int_equal(quotient(2, 1, 1, 3, 1), 1);
    assert_int_equal(quotient(0, 7, 7, 3, 3), 0);
    /* 2.49… would be 3 where it is rounded to 2.5 first. */
    assert_int_equal(quotient(249, 1, 1, 10, 10), 2);
    assert_int_equal(quotient(250, 1, 1, 10, 10), 3);
}

static void products_past_64_bits_are_exact(void **state)
{
    (void)state;
    const uint64_t big = UINT64_C(1) << 62;
    assert_int_equal(quotient(big, big, 3, big, big), 3);
    assert_int_equal(quotient(big, big, 3, big, 2 * big), 2);     /* 1.5 */
    assert_int_equal(quotient(big, big, 3, big, 2 * big + 1), 1); /* a little less */
    uint64_t many[QUOTIENT_TERMS_MAX];
    for (size_t i = 0; i < QUOTIENT_TERMS_MAX; i++) {
        many[i] = UINT64_MAX;
    }
    assert_int_equal(money_quotient(many, QUOTIENT_TERMS_MAX, many, QUOTIENT_TERMS_MAX), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_go_up_once),
        cmocka_unit_test(products_past_64_bits_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
