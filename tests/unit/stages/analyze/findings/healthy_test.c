/* Thousands of healthy weeks of many shapes and sizes: nothing high or critical is said of any, and hardly
 * ever anything medium. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/base/str.h"
#include "stages/analyze/findings/findings.h"
#include "tests/harness/rounds.h"
#include "tests/unit/stages/analyze/findings/weeks_builder.h"

enum { WEEKS = 2048 };
static const double medium_most = 0.02;

static double between(double low, double high)
{
    return low + (high - low) * rng_unit();
}

static size_t any_step(size_t from)
{
    return from + (size_t)(rng_unit() * (double)(WEEK_STEPS - from));
}

/* A wave of the day, 0 to 1. */
static double wave(const struct week *week, size_t i, double peak_hour)
{
    return 0.5 + 0.5 * cos((week_hour(week, i) - peak_hour) / 24 * 6.283185307179586);
}

/* Up to `steps` steps from `at` at `factor` times the use. */
static void burst(double *values, size_t at, size_t steps, double factor)
{
    for (size_t i = at; i < at + steps && i < WEEK_STEPS; i++) {
        values[i] *= factor;
    }
}

static void steady(struct week *week)
{
    (void)week;
}

static void daily(struct week *week)
{
    double height = between(0.5, 7);
    double hour = between(0, 24);
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *= 1 + height * wave(week, i, hour);
    }
}

static void office(struct week *week)
{
    double height = between(1, 5);
    for (size_t i = 0; i < week->count; i++) {
        bool open = week_hour(week, i) >= 8 && week_hour(week, i) < 18 && week_weekday(week, i) % 6 != 0;
        week->cpu[i] *= open ? 1 + height : 1;
        week->memory[i] *= open ? 1 + height / 8 : 1;
    }
}

static void workweek(struct week *week)
{
    double height = between(1, 6);
    double share = between(0.1, 0.6);
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *= (1 + height * wave(week, i, 14)) * (week_weekday(week, i) % 6 == 0 ? share : 1);
    }
}

static void weekend_shop(struct week *week)
{
    double height = between(0.5, 1.5);
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *= 1 + wave(week, i, 16) * (week_weekday(week, i) % 6 == 0 ? 1 + height : 1);
    }
}

static void bursty(struct week *week)
{
    double per_day = between(8, 40);
    double height = between(2, 7);
    for (size_t i = 0; i < week->count; i++) {
        if (rng_unit() < per_day / WEEK_DAY) {
            burst(week->cpu, i, 1 + (size_t)between(0, 3), 1 + (height - 1) * between(0.6, 1));
        }
    }
}

static void heap(struct week *week)
{
    daily(week);
    week_fill(week->memory, week->count, 500 * WEEK_MIB, 0.002);
}

static void cache(struct week *week)
{
    double hours = between(2, 40);
    double grown = between(0.5, 3);
    daily(week);
    for (size_t i = 0; i < week->count; i++) {
        week->memory[i] *= 1 + grown * (1 - exp(-(double)i / (hours * WEEK_HOUR)));
    }
}

/* Starts: a short peak of CPU, memory that falls and warms up. */
static void start(struct week *week, size_t at)
{
    burst(week->cpu, at, 1 + (size_t)between(0, 2), between(2, 5));
    for (size_t i = at; i < week->count; i++) {
        double warm = 1 - 0.5 * exp(-(double)(i - at) / (2 * WEEK_HOUR));
        week->memory[i] *= warm;
    }
    week->restarts++;
}

static void rolled_out(struct week *week)
{
    daily(week);
    start(week, any_step(0));
    week->startup = 400;
}

static void crashed(struct week *week)
{
    size_t count = 1 + (size_t)between(0, 3);
    for (size_t i = 0; i < count; i++) {
        start(week, any_step(0));
    }
}

/* Load over as many replicas as the target asks for. */
static void autoscaled(struct week *week)
{
    double height = between(2, 6);
    double hour = between(0, 24);
    for (size_t i = 0; i < week->count; i++) {
        double load = 1 + height * wave(week, i, hour);
        week->cpu[i] *= load / fmax(ceil(load), 1);
    }
    week->autoscaler = "{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"cart\",\"min\":1,\"max\":9,"
                       "\"metrics\":[{\"type\":\"Resource\","
                       "\"resource\":\"cpu\",\"target_type\":\"Utilization\",\"target\":70}]}";
}

static void nightly(struct week *week)
{
    double height = between(2, 8);
    size_t steps = (size_t)between(6, 14);
    size_t at = (size_t)between(0, 250);
    for (size_t day = 0; day < 7; day++) {
        burst(week->cpu, day * WEEK_DAY + at, steps, height);
    }
}

static void hourly(struct week *week)
{
    for (size_t i = 4; i < week->count; i += WEEK_HOUR) {
        burst(week->cpu, i, 2, 4);
    }
}

static void wandering(struct week *week)
{
    double level = 0;
    for (size_t i = 0; i < week->count; i++) {
        level = 0.98 * level + 0.02 * week_normal();
        week->cpu[i] *= exp(level);
    }
}

static void following(struct week *week)
{
    double hour = between(0, 24);
    double height = between(0.1, 0.6);
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *= 1 + 2 * wave(week, i, hour);
        week->memory[i] *= 1 + height * wave(week, i, hour);
    }
}

static void collecting(struct week *week)
{
    double hours = between(1.5, 30);
    daily(week);
    for (size_t i = 0; i < week->count; i++) {
        week->memory[i] *= 1 + 0.6 * fmod((double)i, hours * WEEK_HOUR) / (hours * WEEK_HOUR);
    }
}

static const struct shape {
    const char *name;
    void (*make)(struct week *);
} shapes[] = {
    {"steady", steady},
    {"daily", daily},
    {"office", office},
    {"workweek", workweek},
    {"weekend shop", weekend_shop},
    {"bursty", bursty},
    {"heap", heap},
    {"cache", cache},
    {"rolled out", rolled_out},
    {"crashed", crashed},
    {"autoscaled", autoscaled},
    {"nightly", nightly},
    {"hourly", hourly},
    {"wandering", wandering},
    {"following", following},
    {"collecting", collecting},
};

static double highest(const double *values, size_t count)
{
    double out = 0;
    for (size_t i = 0; i < count; i++) {
        out = fmax(out, values[i]);
    }
    return out;
}

/* A healthy week of a shape, with settings that fit it. */
static void make(struct week *week, const struct shape *shape)
{
    static double sorted[WEEK_STEPS];
    memset(week, 0, sizeof *week);
    week->count = WEEK_STEPS;
    week->replicas = 1 + floor(between(0, 4));
    week_fill(week->cpu, week->count, exp(between(log(30), log(1500))), between(0.02, 0.25));
    week_fill(week->memory, week->count, exp(between(log(60), log(3000))) * WEEK_MIB, between(0.002, 0.03));
    shape->make(week);
    memcpy(sorted, week->cpu, sizeof sorted);
    qsort(sorted, WEEK_STEPS, sizeof *sorted, week_compare);
    week->cpu_request = sorted[WEEK_STEPS * 95 / 100] * between(1.05, 2);
    week->memory_request = highest(week->memory, week->count) * between(0.9, 1.4);
    week->memory_limit = rng_unit() < 0.8 ? highest(week->memory, week->count) * between(1.15, 1.8) : 0;
    week->cpu_limit = rng_unit() < 0.3 ? highest(week->cpu, week->count) * between(1.3, 2) : 0;
}

/* How many findings of a severity. */
static size_t count_of(const json_t *findings, const char *severity, const char *what)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        if (str_equal(json_string_or_null(finding, "severity"), severity)) {
            print_message("%s: %s %s: %s\n", what, severity, json_string_or_null(finding, "code"),
                          json_string_or_null(finding, "message"));
            count++;
        }
    }
    return count;
}

static void test_healthy(void **state)
{
    static struct week week;
    struct arena arena;
    size_t severe = 0;
    size_t medium = 0;
    (void)state;
    arena_init(&arena);
    rng_seed(2026);
    const size_t weeks = (size_t)rounds_of(WEEKS);
    for (size_t i = 0; i < weeks; i++) {
        const struct shape *shape = &shapes[i % (sizeof shapes / sizeof *shapes)];
        struct policy policy = {.limits = {LIMITS_KEEP, LIMITS_HEADROOM}, .minimum_history_seconds = 86400};
        struct subject subject;
        struct plan plan;
        guardrails_default(&policy.guardrails);
        make(&week, shape);
        json_t *record = week_record(&week);
        subject_read(record, &arena, &subject);
        plan_make(&subject, &policy, &arena, &plan);
        json_t *findings = findings_new(&plan, NULL, &arena);
        severe += count_of(findings, "high", shape->name) + count_of(findings, "critical", shape->name);
        medium += count_of(findings, "medium", shape->name) > 0;
        json_decref(findings);
        json_decref(record);
        arena_clear(&arena);
    }
    arena_release(&arena);
    print_message("%zu of %zu weeks with a medium finding\n", medium, weeks);
    assert_int_equal(severe, 0);
    assert_true(weeks < WEEKS || (double)medium < medium_most * WEEKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_healthy)};
    return cmocka_run_group_tests_name("healthy", tests, NULL, NULL);
}
