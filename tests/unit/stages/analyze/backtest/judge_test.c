/* What a request and a limit would have done: rows with answers that are worked out by hand, and what holds for all. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/analyze/backtest/judge.h"
#include "stages/analyze/rules/figures.h"
#include "tests/unit/stages/analyze/backtest/steps_builder.h"

static struct made_row row;

static struct verdict judged(enum resource resource, double request, double limit)
{
    struct verdict verdict = {.request = request, .limit = limit};
    struct steps steps = made_steps(&row);
    judge(&steps, resource, &verdict);
    return verdict;
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9)) {
        fail_msg("%.12g is not %.12g", value, expected);
    }
}

static void flat_use_is_judged(void **state)
{
    (void)state;
    row.count = 0;
    made_fill(&row, 0, DAY_STEPS, 100, 120);
    struct verdict v = judged(CPU, 150, 200);
    near(v.time_above, 0);
    near(v.peak_above, 0);
    near(v.worst_hour, 0);
    near(v.starved, 0);
    near(v.slack, 1.5);
    near(v.over_limit, 0);
    /* Between mean and peak. */
    v = judged(CPU, 110, 120);
    near(v.time_above, 0);
    near(v.peak_above, 1);
    near(v.over_limit, 1);
    /* What equals the request is not above it. */
    near(judged(CPU, 100, NAN).time_above, 0);
    v = judged(CPU, 80, 122);
    near(v.time_above, 1);
    near(v.starved, 0.2);
    near(v.slack, 0.8);
    near(v.over_limit, 1); /* 120 is within 2 % of 122 */
    near(judged(CPU, 80, 123).over_limit, 0);
}

/* One hour a day at 300, the rest at 100: 1/24 of the time, all of one hour, 200 of 2600 above. */
static void a_busy_hour_is_judged(void **state)
{
    (void)state;
    row.count = 0;
    for (size_t day = 0; day < 2; day++) {
        made_fill(&row, day * DAY_STEPS, (day + 1) * DAY_STEPS, 100, 110);
        made_fill(&row, day * DAY_STEPS + 9 * HOUR_STEPS, day * DAY_STEPS + 10 * HOUR_STEPS, 300, 400);
    }
    struct verdict v = judged(CPU, 100, 300);
    near(v.time_above, 1.0 / 24);
    near(v.peak_above, 1);
    near(v.worst_hour, 1);
    near(v.starved, 200.0 / 2600);
    near(v.slack, 2400.0 / 2600);
    near(v.over_limit, 1.0 / 24);
    /* On one of the two days only. */
    made_fill(&row, 9 * HOUR_STEPS, 10 * HOUR_STEPS, 100, 110);
    near(judged(CPU, 100, 300).worst_hour, 0.5);
}

static void gaps_do_not_count(void **state)
{
    (void)state;
    row.count = 0;
    made_fill(&row, 0, 100, 100, 120);
    made_fill(&row, 100, 200, NAN, NAN);
    made_fill(&row, 200, 300, 200, NAN); /* a peak that is not known is the mean */
    struct verdict v = judged(CPU, 150, 200);
    near(v.time_above, 0.5);
    near(v.peak_above, 0.5);
    near(v.slack, 1);
    near(v.over_limit, 0.5);
    row.count = 0;
    made_fill(&row, 0, 50, NAN, NAN);
    v = judged(CPU, 150, 200);
    assert_true(isnan(v.time_above) && isnan(v.slack) && isnan(v.over_limit) && isnan(v.worst_hour));
}

static void without_amounts_nothing_is_said(void **state)
{
    (void)state;
    row.count = 0;
    made_fill(&row, 0, 100, 100, 120);
    struct verdict v = judged(MEMORY, NAN, NAN);
    assert_true(isnan(v.time_above) && isnan(v.peak_above) && isnan(v.starved) && isnan(v.slack));
    assert_true(isnan(v.over_limit));
    near(judged(MEMORY, NAN, 100).over_limit, 17); /* 100 steps above it: a kill each half hour */
}

/* Memory at 100 with something above the limit of 150. */
static double kills(void)
{
    return judged(MEMORY, 120, 150).over_limit;
}

static void kills_are_counted_by_episodes(void **state)
{
    (void)state;
    row.count = 0;
    made_fill(&row, 0, DAY_STEPS, 100, 110);
    near(kills(), 0);
    made_fill(&row, 50, 51, 100, 150); /* at the limit is not above it */
    near(kills(), 0);
    made_fill(&row, 50, 51, 100, 151);
    near(kills(), 1);
    made_fill(&row, 80, 81, 100, 160);
    near(kills(), 2);
    /* Six steps are half an hour: one episode; a seventh step above is the next. */
    made_fill(&row, 50, 56, 100, 151);
    near(kills(), 2);
    made_fill(&row, 50, 57, 100, 151);
    near(kills(), 3);
    made_fill(&row, 56, 57, 100, 110);
    /* Down to 136 is still the same episode (90 % are 135), to 134 it is over. */
    made_fill(&row, 52, 53, 100, 136);
    near(kills(), 2);
    made_fill(&row, 52, 53, 100, 134);
    near(kills(), 3);
    /* Nothing is known of a gap, so it ends nothing. */
    made_fill(&row, 52, 53, NAN, NAN);
    near(kills(), 2);
}

/* CPU does not kill: what it does above its limit is a share. */
static void over_a_cpu_limit_is_a_share(void **state)
{
    (void)state;
    row.count = 0;
    made_fill(&row, 0, 30, 100, 160);
    made_fill(&row, 30, 40, 100, 110);
    near(judged(CPU, 120, 150).over_limit, 0.75);
    struct steps steps = made_steps(&row);
    near(share_at_limit(&steps, 150), 0.75);
    assert_true(isnan(share_at_limit(&steps, NAN)));
    assert_true(isnan(share_at_limit(&steps, 0)));
}

static void random_row(void)
{
    double level = exp2(20 * rng_unit());
    row.count = 0;
    for (size_t i = 0; i < 2 * DAY_STEPS; i++) {
        double mean = rng_unit() < 0.1 ? NAN : level * rng_unit();
        made_fill(&row, i, i + 1, mean, rng_unit() < 0.05 ? NAN : mean * (1 + rng_unit()));
    }
    row.mean[0] = row.high[0] = level;
}

static void is_share(double value)
{
    assert_true(value >= 0 && value <= 1);
}

/* Whatever the row is: shares are shares, and who asks for more is above it for less time. */
static void more_is_never_worse(void **state)
{
    (void)state;
    rng_seed(6);
    for (int round = 0; round < 300; round++) {
        random_row();
        double request = 2 * row.mean[0] * rng_unit();
        double more = request * (1 + rng_unit());
        struct verdict low = judged(round % 2 ? CPU : MEMORY, request, request);
        struct verdict high = judged(round % 2 ? CPU : MEMORY, more, more);
        is_share(low.time_above);
        is_share(low.peak_above);
        is_share(low.worst_hour);
        is_share(low.starved);
        assert_true(low.time_above >= high.time_above && low.peak_above >= high.peak_above);
        assert_true(low.starved >= high.starved && low.worst_hour >= high.worst_hour);
        assert_true(low.slack <= high.slack && low.peak_above + 1e-12 >= low.time_above);
        assert_true(low.over_limit >= 0 && (round % 2 ? low.over_limit >= high.over_limit : true));
        assert_true(low.over_limit > 0 || high.over_limit <= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_use_is_judged),
        cmocka_unit_test(a_busy_hour_is_judged),
        cmocka_unit_test(gaps_do_not_count),
        cmocka_unit_test(without_amounts_nothing_is_said),
        cmocka_unit_test(kills_are_counted_by_episodes),
        cmocka_unit_test(over_a_cpu_limit_is_a_share),
        cmocka_unit_test(more_is_never_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
