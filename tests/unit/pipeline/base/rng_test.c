/* Randomness: the published sequence of splitmix64, the seed from the environment, numbers below one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"

/* First: the sequence starts at TARE_SEED only as long as nobody seeded it. */
static void test_seed_of_the_environment(void **state)
{
    (void)state;
    setenv("TARE_SEED", "1234567", 1);
    uint64_t first = rng_next();
    rng_seed(1234567);
    assert_true(first == rng_next());
}

/* Reference values of S. Vigna's splitmix64 for the seed 1234567. */
static void test_sequence(void **state)
{
    (void)state;
    static const uint64_t wanted[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                      UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                      UINT64_C(16408922859458223821)};
    rng_seed(1234567);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_true(rng_next() == wanted[i]);
    }
}

static void test_unit(void **state)
{
    (void)state;
    rng_seed(1);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double value = rng_unit();
        assert_true(value >= 0 && value < 1);
        sum += value;
    }
    assert_true(sum > 49000 && sum < 51000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed_of_the_environment),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
