/* The parts of a confidence, each on its own, and their product. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/sizing/confidence.h"

/* A week of full data, as steady as can be, that the backtest has nothing to say against. */
struct trial {
    struct subject subject;
    struct container container;
    struct signals signals;
    struct backtest backtest;
};

static struct trial fine(void)
{
    struct trial t = {
        .subject = {.kind = "Deployment", .coverage = 1, .window_seconds = 604800, .history_seconds = 604800},
        .container = {.name = "app"},
        .backtest = {.known = true, .judged = {true, true}, .promised = {0.05, 0.05}}};
    for (int r = 0; r < RESOURCES; r++) {
        t.container.use[r] = (struct figures){.known = true, .p95 = 1e9, .p95_recent = 1e9, .p95_before = 1e9};
        t.backtest.verdicts[r][CONTENDER_OURS] = (struct verdict){.request = 1.2e9, .slack = 1.2, .over_limit = NAN};
    }
    return t;
}

static struct confidence parts_of(const struct trial *t)
{
    struct confidence parts;
    confidence_of(&t->subject, &t->container, &t->signals, &t->backtest, &parts);
    return parts;
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9)) {
        fail_msg("%.12g is not %.12g", value, expected);
    }
}

static void nothing_against_it_is_one(void **state)
{
    (void)state;
    struct trial t = fine();
    struct confidence parts = parts_of(&t);
    near(confidence_value(&parts), 1);
    assert_true(isnan(parts.ceiling));
    t.backtest.known = false;
    t.backtest.verdicts[CPU][CONTENDER_OURS].time_above = 1;
    parts = parts_of(&t);
    near(parts.backtest, 1);
}

static void each_part_is_its_own(void **state)
{
    (void)state;
    struct trial t = fine();
    t.subject.history_seconds = 302400;
    t.subject.coverage = 0.4;
    t.container.use[MEMORY].p95_recent = 1.4e9;
    t.backtest.verdicts[CPU][CONTENDER_OURS].time_above = 0.25;
    struct confidence parts = parts_of(&t);
    near(parts.age, 0.5);
    near(parts.coverage, 0.8);
    near(parts.stability, 0.8);
    near(parts.backtest, 0.8);
    near(confidence_value(&parts), 0.5 * 0.8 * 0.8 * 0.8);
    t.signals.throttled = true;
    parts = parts_of(&t);
    near(parts.ceiling, 0.6);
    near(confidence_value(&parts), 0.5 * 0.8 * 0.8 * 0.8);
    t = fine();
    t.signals.throttled = true;
    parts = parts_of(&t);
    near(confidence_value(&parts), 0.6);
}

/* {time above, starved, kills} of CPU or memory → the backtest's part. */
static void the_held_out_days_count(void **state)
{
    (void)state;
    static const struct {
        enum resource resource;
        double above, starved, over, part;
    } rows[] = {
        {CPU, 0.05, 0.05, 0, 1},    {CPU, 0.15, 0, 0, 0.9},  {CPU, 0, 0.35, 0, 0.7},    {CPU, 1, 0.9, 0, 0.5},
        {MEMORY, 0.25, 0, 0, 0.8},  {MEMORY, 0, 0, 1, 0.5},  {MEMORY, 0.9, 0, 30, 0.5}, {MEMORY, NAN, NAN, NAN, 1},
        {CPU, NAN, NAN, 1, 1},      {CPU, 0.02, 0.01, 0, 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct trial t = fine();
        struct verdict *ours = &t.backtest.verdicts[rows[i].resource][CONTENDER_OURS];
        ours->time_above = rows[i].above;
        ours->starved = rows[i].starved;
        ours->over_limit = rows[i].over;
        struct confidence parts = parts_of(&t);
        near(parts.backtest, rows[i].part);
        t.backtest.judged[rows[i].resource] = false;
        parts = parts_of(&t);
        near(parts.backtest, 1);
    }
    /* Who says beforehand that use may pass for a fifth of the time is not wrong when it does. */
    struct trial lenient = fine();
    lenient.backtest.promised[CPU] = 0.2;
    lenient.backtest.verdicts[CPU][CONTENDER_OURS].time_above = 0.2;
    struct confidence parts = parts_of(&lenient);
    near(parts.backtest, 1);
}

/* Small amounts jump by what says nothing. */
static void small_use_is_steady(void **state)
{
    (void)state;
    struct trial t = fine();
    t.container.use[CPU].p95 = t.container.use[CPU].p95_before = 1;
    t.container.use[CPU].p95_recent = 3;
    struct confidence parts = parts_of(&t);
    near(parts.stability, 1 - 0.1 / 2);
    t.container.use[CPU].p95_before = NAN;
    parts = parts_of(&t);
    near(parts.stability, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_against_it_is_one),
        cmocka_unit_test(each_part_is_its_own),
        cmocka_unit_test(the_held_out_days_count),
        cmocka_unit_test(small_use_is_steady),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
