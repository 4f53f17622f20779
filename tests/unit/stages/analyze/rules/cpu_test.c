#include "tests/unit/stages/analyze/rules/rules_builder.h"

/* Figures by hand: round numbers, each its own. */
static struct figures by_hand(void)
{
    return (struct figures){.known = true, .samples = 2016, .mean = 60, .p50 = 55, .p90 = 90, .p95 = 100, .p99 = 150, .p995 = 170,
                            .max = 200, .weighted_p50 = 50, .weighted_p95 = 100, .weighted_p98 = 120, .weighted_p99 = 150,
                            .busy_hour_p90 = 130, .pods = 1, .pod_p95_max = 110, .pod_p95_p95 = 105, .day_p99_second = 140,
                            .recent_p50 = 40, .recent_p90 = 80};
}

static double request(const struct figures *use, struct scene scene)
{
    const char *rule;
    return rule_cpu_request(use, &scene, &rule);
}

static const struct scene balanced = {.aggressiveness = AGGRESSIVENESS_BALANCED};

static void the_tail_and_its_bounds(void **state)
{
    (void)state;
    struct figures use = by_hand();
    NEAR(request(&use, balanced), 1.07 * 130 + 0.07 * 50); /* no further than 1.07 of the busiest hour */
    use.day_p99_second = 125;
    NEAR(request(&use, balanced), 125 + 0.07 * 50); /* as far as it came on two days */
    use.day_p99_second = 80;
    NEAR(request(&use, balanced), 100 + 0.07 * 50); /* not below p95 */
    use = by_hand();
    use.weighted_p99 = 110;
    NEAR(request(&use, balanced), 110 + 0.07 * 50);
}

static void the_last_hour(void **state)
{
    (void)state;
    struct figures use = by_hand();
    use.recent_p90 = 300;
    use.recent_p50 = 280;
    NEAR(request(&use, balanced), 300 + 0.07 * 280);
}

static void tempers(void **state)
{
    (void)state;
    struct figures use = by_hand();
    NEAR(request(&use, (struct scene){.aggressiveness = AGGRESSIVENESS_SAFE}), 1.05 * 150 + 0.15 * 50);
    NEAR(request(&use, (struct scene){.aggressiveness = AGGRESSIVENESS_LEAN}), 130 + 0.03 * 50);
}

static void without_steps(void **state)
{
    (void)state;
    struct figures use = by_hand();
    use.day_p99_second = use.recent_p90 = use.recent_p50 = use.weighted_p98 = NAN;
    NEAR(request(&use, balanced), 1.05 * 130);
    use.busy_hour_p90 = 90;
    NEAR(request(&use, balanced), 110);
    NEAR(request(&use, (struct scene){.aggressiveness = AGGRESSIVENESS_SAFE}), 150);
}

static void per_pod(void **state)
{
    (void)state;
    struct figures use = by_hand();
    struct scene scene = {.aggressiveness = AGGRESSIVENESS_BALANCED, .per_pod = true};
    const char *rule;
    use.pods = 5;
    use.busy_hour_p90 = 115;
    NEAR(rule_cpu_request(&use, &scene, &rule), 110);
    assert_string_equal(rule, "cpu-per-pod");
    use.busy_hour_p90 = 130; /* more than 1.2 × p95: a real daily peak */
    NEAR(request(&use, scene), 130);
    use.day_p99_second = 60; /* of one day alone: none */
    NEAR(request(&use, scene), 110);
    use.recent_p90 = 150; /* half as much again as p95 */
    NEAR(request(&use, scene), 165);
    use = by_hand();
    use.pods = 21;
    use.busy_hour_p90 = 100;
    NEAR(request(&use, scene), 105); /* of many pods the highest is an outlier */
}

static void runs(void **state)
{
    (void)state;
    struct figures use = by_hand();
    struct scene scene = {.aggressiveness = AGGRESSIVENESS_BALANCED, .batch = true};
    const char *rule;
    use.recent_p90 = 900; /* no clock */
    NEAR(rule_cpu_request(&use, &scene, &rule), 121);
    assert_string_equal(rule, "cpu-run");
    use.pods = 30;
    NEAR(request(&use, scene), 1.10 * 105);
}

static void knobs(void **state)
{
    (void)state;
    struct figures use = by_hand();
    const char *rule;
    struct scene scene = {.aggressiveness = AGGRESSIVENESS_BALANCED, .percentile = {99}};
    NEAR(rule_cpu_request(&use, &scene, &rule), 1.10 * 150);
    assert_string_equal(rule, "cpu-percentile");
    scene.headroom[CPU] = 1.5;
    NEAR(request(&use, scene), 1.5 * 150);
    scene.percentile[CPU] = 0;
    NEAR(request(&use, scene), 1.5 * 1.07 * 130);
    scene.per_pod = true;
    NEAR(request(&use, scene), 1.5 * 110);
    scene.percentile[CPU] = 99;
    NEAR(request(&use, scene), 1.5 * 150 * 1.1); /* the highest pod is a tenth above all */
}

static double request_of(const double *values, struct scene scene, struct arena *arena)
{
    struct figures use;
    struct steps steps = steps_of(values, WEEK);
    figures_of_steps(&steps, 0, WEEK, NULL, arena, &use);
    double amount = request(&use, scene);
    arena_clear(arena);
    return amount;
}

static struct scene any_scene(void)
{
    return (struct scene){.aggressiveness = (enum aggressiveness)(rng_next() % 3), .per_pod = rng_unit() < 0.3, .batch = rng_unit() < 0.2,
                          .percentile = {rng_unit() < 0.3 ? 50 + 50 * rng_unit() : 0}, .headroom = {rng_unit() < 0.3 ? 1 + rng_unit() : 0}};
}

/* k times the load asks for k times as much, of any temper; more load never for less. */
static void in_proportion_and_monotone(void **state)
{
    (void)state;
    static double values[WEEK];
    static double other[WEEK];
    struct arena arena;
    arena_init(&arena);
    for (uint64_t seed = 1; seed <= 150; seed++) {
        fill_week(values, seed);
        struct scene scene = any_scene();
        double before = request_of(values, scene, &arena);
        for (size_t i = 0; i < WEEK; i++) {
            other[i] = 8 * values[i];
        }
        assert_true(fabs(request_of(other, scene, &arena) - 8 * before) < 1e-6 * before);
        /* A part of the week rises. */
        size_t from = rng_next() % WEEK;
        size_t length = rng_next() % 600;
        for (size_t i = 0; i < WEEK; i++) {
            other[i] = values[i] + (i >= from && i < from + length ? 150 * rng_unit() : 0);
        }
        if (!scene.per_pod && !(scene.percentile[CPU] > 0)) {
            assert_true(request_of(other, scene, &arena) >= before * (1 - 1e-9));
        }
    }
    arena_release(&arena);
}

/* Within reach of what was used: never above the peak and a tenth of it, never below the median. */
static void within_reach(void **state)
{
    (void)state;
    static double values[WEEK];
    struct arena arena;
    arena_init(&arena);
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct figures use;
        fill_week(values, seed);
        struct steps steps = steps_of(values, WEEK);
        figures_of_steps(&steps, 0, WEEK, NULL, &arena, &use);
        double lean = request(&use, (struct scene){.aggressiveness = AGGRESSIVENESS_LEAN});
        double usual = request(&use, balanced);
        double safe = request(&use, (struct scene){.aggressiveness = AGGRESSIVENESS_SAFE});
        assert_true(use.p50 < lean && lean <= usual && usual <= safe);
        assert_true(usual <= 1.1 * use.max);
        arena_clear(&arena);
    }
    arena_release(&arena);
}

static void in_words(void **state)
{
    (void)state;
    struct figures use = by_hand();
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(rule_cpu_formula(&use, &balanced, &arena),
                        "1.00 × max(min(wp99, max(wp95, day_p99_second), 1.07 × max(wp95, bh90)), recent_p90) + 0.07 × max(wp50, recent_p50)");
    struct scene scene = {.aggressiveness = AGGRESSIVENESS_LEAN, .percentile = {97.5}};
    assert_string_equal(rule_cpu_formula(&use, &scene, &arena), "1.05 × weighted p97.5");
    use.recent_p90 = NAN;
    assert_string_equal(rule_cpu_formula(&use, &balanced, &arena), "max(1.10 × wp95, 1.05 × bh90)");
    arena_release(&arena);
}

static void room_for_bursts(void **state)
{
    (void)state;
    struct figures use = by_hand();
    NEAR(rule_cpu_guaranteed(&use, 140), 180);
    NEAR(rule_cpu_guaranteed(&use, 190), 190);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tail_and_its_bounds), cmocka_unit_test(the_last_hour), cmocka_unit_test(tempers),
        cmocka_unit_test(without_steps),           cmocka_unit_test(per_pod),       cmocka_unit_test(runs),
        cmocka_unit_test(knobs),                   cmocka_unit_test(in_proportion_and_monotone),
        cmocka_unit_test(within_reach),            cmocka_unit_test(in_words),      cmocka_unit_test(room_for_bursts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
