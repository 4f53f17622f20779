#include "tests/unit/stages/analyze/rules/rules_builder.h"

#include "stages/analyze/rules/peers.h"

static void figures_of(const double *values, struct arena *arena, struct figures *out)
{
    struct steps steps = steps_of(values, WEEK);
    figures_of_steps(&steps, 0, WEEK, NULL, arena, out);
}

static void krr(void **state)
{
    (void)state;
    static double values[WEEK];
    struct arena arena;
    struct figures use;
    arena_init(&arena);
    for (size_t i = 0; i < WEEK; i++) {
        values[i] = i % 20 == 0 ? 400.2 : 100.2; /* a twentieth is above */
    }
    figures_of(values, &arena, &use);
    NEAR(peer_krr(CPU, &use), 401); /* 1,915 of 2,016 are below, 0.95 of them are 1,915.2; up to a whole millicore */
    arena_release(&arena);
}

static void krr_floors_and_memory(void **state)
{
    (void)state;
    struct figures use = {.known = true, .samples = 2016, .p95 = 3.2, .weighted_p95 = 3, .pod_p95_max = 3, .pods = 1, .max = 20};
    NEAR(peer_krr(CPU, &use), 10);
    NEAR(peer_krr(MEMORY, &use), 100.0 * 1048576);
    use.max = 1000.0 * 1048576;
    NEAR(peer_krr(MEMORY, &use), 1150.0 * 1048576);
    use.p95 = 100.5;
    NEAR(peer_krr(CPU, &use), 101);
    use.pods = 3;
    use.pod_p95_max = 6; /* twice as much as all together */
    NEAR(peer_krr(CPU, &use), 201);
    use.samples = 99;
    assert_true(isnan(peer_krr(CPU, &use)));
}

static void vpa(void **state)
{
    (void)state;
    static double values[WEEK];
    struct arena arena;
    struct figures use;
    arena_init(&arena);
    for (size_t i = 0; i < WEEK; i++) {
        values[i] = 100;
    }
    figures_of(values, &arena, &use);
    /* 100m lie in the class from 95.5m to 110.3m, which ends at 10 (1.05⁹ − 1) / 0.05 = 110.27; × 1.15. */
    NEAR(peer_vpa(CPU, &use, 1, &arena), 127);
    for (size_t i = 0; i < WEEK; i++) {
        values[i] = 3;
    }
    figures_of(values, &arena, &use);
    NEAR(peer_vpa(CPU, &use, 1, &arena), 25);
    NEAR(peer_vpa(CPU, &use, 5, &arena), 12); /* the first class ends at 10m */
    arena_release(&arena);
}

/* A weekly peak is forgotten after three days: its weight is an eighth of nearly two, the tenth lies at 0.2. */
static void vpa_forgets_peaks_of_memory(void **state)
{
    (void)state;
    static double values[WEEK];
    struct arena arena;
    struct figures use;
    double amount[2];
    arena_init(&arena);
    for (int days = 2; days <= 3; days++) {
        for (size_t i = 0; i < WEEK; i++) {
            values[i] = i == WEEK - (size_t)days * DAY - 10 ? 2e9 : 1e9;
        }
        figures_of(values, &arena, &use);
        amount[days - 2] = peer_vpa(MEMORY, &use, 1, &arena);
    }
    assert_true(amount[0] > 2e9);
    assert_true(amount[1] < 1.3e9);
    arena_release(&arena);
}

static void nothing_known(void **state)
{
    (void)state;
    struct arena arena;
    struct figures use = {.known = false};
    arena_init(&arena);
    assert_true(isnan(peer_vpa(CPU, &use, 1, &arena)));
    assert_true(isnan(peer_krr(MEMORY, &use)));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(krr),
        cmocka_unit_test(krr_floors_and_memory),
        cmocka_unit_test(vpa),
        cmocka_unit_test(vpa_forgets_peaks_of_memory),
        cmocka_unit_test(nothing_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
