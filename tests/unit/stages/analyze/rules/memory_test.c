#include "tests/unit/stages/analyze/rules/rules_builder.h"

static const struct figures use = {.known = true, .p50 = 80, .p90 = 90, .weighted_p50 = 80, .weighted_p95 = 95, .weighted_p99 = 100,
                                   .p995 = 101, .max = 120};

static void between_p99_and_the_peak(void **state)
{
    (void)state;
    struct scene scene = {.aggressiveness = AGGRESSIVENESS_BALANCED};
    NEAR(rule_memory_request(&use, &scene, 120), 110);
    NEAR(rule_memory_request(&use, &scene, 200), 180); /* killed at 200 */
    scene.aggressiveness = AGGRESSIVENESS_SAFE;
    NEAR(rule_memory_request(&use, &scene, 120), 120);
    scene.aggressiveness = AGGRESSIVENESS_LEAN;
    NEAR(rule_memory_request(&use, &scene, 120), 105);
}

static void knobs_and_runs(void **state)
{
    (void)state;
    struct scene scene = {.aggressiveness = AGGRESSIVENESS_BALANCED, .headroom = {0, 1.3}};
    NEAR(rule_memory_request(&use, &scene, 120), 130);
    scene.percentile[MEMORY] = 95;
    NEAR(rule_memory_request(&use, &scene, 120), 1.3 * 95);
    scene = (struct scene){.aggressiveness = AGGRESSIVENESS_BALANCED, .batch = true};
    NEAR(rule_memory_request(&use, &scene, 120), 120);
}

static void factors_of_limits(void **state)
{
    (void)state;
    struct scene scene = {.aggressiveness = AGGRESSIVENESS_BALANCED};
    NEAR(rule_memory_limit_factor(&scene, false), 1.20);
    NEAR(rule_memory_limit_factor(&scene, true), 1.15);
}

static void in_words(void **state)
{
    (void)state;
    struct arena arena;
    struct scene scene = {.aggressiveness = AGGRESSIVENESS_BALANCED};
    arena_init(&arena);
    assert_string_equal(rule_memory_formula(&scene, &arena), "max(1.10 × wp99, 0.90 × peak)");
    scene.percentile[MEMORY] = 90;
    assert_string_equal(rule_memory_formula(&scene, &arena), "1.10 × weighted p90");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_p99_and_the_peak),
        cmocka_unit_test(knobs_and_runs),
        cmocka_unit_test(factors_of_limits),
        cmocka_unit_test(in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
