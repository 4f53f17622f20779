#include "tests/unit/stages/analyze/rules/rules_builder.h"

static const struct figures use = {.known = true, .p50 = 40, .p90 = 90, .weighted_p50 = 50, .weighted_p95 = 100, .weighted_p98 = 120,
                                   .weighted_p99 = 150, .p995 = 170, .max = 200};

static void known_ones_are_exact(void **state)
{
    (void)state;
    NEAR(rule_percentile(&use, 50), 50);
    NEAR(rule_percentile(&use, 90), 90);
    NEAR(rule_percentile(&use, 95), 100);
    NEAR(rule_percentile(&use, 99), 150);
    NEAR(rule_percentile(&use, 100), 200);
}

static void others_lie_between(void **state)
{
    (void)state;
    /* 1 − q falls from a tenth to a twentieth; at 0.0707 half of the way on a scale of logarithms. */
    NEAR(rule_percentile(&use, 100 - 10 / sqrt(2)), 95);
    double last = 0;
    for (double q = 50; q <= 100; q += 0.05) {
        double value = rule_percentile(&use, q);
        assert_true(value >= last);
        last = value;
    }
}

static void with_little_known(void **state)
{
    (void)state;
    struct figures few = {.p50 = 40, .p90 = NAN, .weighted_p95 = 100, .weighted_p99 = NAN, .p995 = NAN, .max = 90};
    NEAR(rule_percentile(&few, 95), 100);
    NEAR(rule_percentile(&few, 100), 100); /* never falls */
    struct figures none = {.p50 = NAN, .p90 = NAN, .weighted_p95 = NAN, .weighted_p99 = NAN, .p995 = NAN, .max = NAN};
    assert_true(isnan(rule_percentile(&none, 95)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_ones_are_exact),
        cmocka_unit_test(others_lie_between),
        cmocka_unit_test(with_little_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
