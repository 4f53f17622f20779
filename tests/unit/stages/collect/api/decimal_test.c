/* Decimal numbers: the same doubles as strtod's, bit for bit. */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/collect/api/decimal.h"

static void check(uint64_t digits, unsigned decimals)
{
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 "e-%u", digits, decimals);
    double expected = strtod(text, NULL);
    double got = decimal_value(digits, decimals);
    if (memcmp(&expected, &got, sizeof got) != 0) {
        fail_msg("%s is %a, not %a", text, expected, got);
    }
}

static void test_edges(void **state)
{
    (void)state;
    static const uint64_t edges[] = {0, 1, 3, UINT64_C(1) << 53, (UINT64_C(1) << 53) + 1, (UINT64_C(1) << 54) + 2, (UINT64_C(1) << 63) + 1024, UINT64_MAX};
    for (unsigned decimals = 0; decimals <= DECIMALS_MAX; decimals++) {
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
            check(edges[i], decimals);
        }
    }
}

static void test_any(void **state)
{
    (void)state;
    rng_seed(20261122);
    for (int i = 0; i < 300000; i++) {
        check(rng_next() >> rng_next() % 64, (unsigned)(rng_next() % (DECIMALS_MAX + 1)));
    }
}

/* The middle between two doubles, which goes to the even one, and its neighbours. */
static void test_halves(void **state)
{
    (void)state;
    rng_seed(7);
    for (int i = 0; i < 100000; i++) {
        unsigned decimals = (unsigned)(rng_next() % 5);
        uint64_t half = rng_next() >> 10 | 1;
        for (unsigned n = 0; n < decimals; n++) {
            half *= 5;
        }
        check(half, decimals);
        check(half - 1, decimals);
        check(half + 1, decimals);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
