#include "tests/harness/advice_rules.h"

#include <math.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/rules/peers.h"
#include "stages/analyze/statistics/order.h"

static double weighted(const struct lesson *lesson, double half_life_hours, double q)
{
    const struct steps *steps = &lesson->use->steps;
    struct weighted *entries = arena_alloc_array(lesson->arena, steps->count + 1, sizeof *entries);
    size_t count = 0;
    for (size_t i = 0; i < steps->count; i++) {
        double age = (double)(steps->count - 1 - i) * (double)steps->step_seconds / 3600;
        if (isfinite(steps->mean[i])) {
            entries[count++] = (struct weighted){steps->mean[i], exp2(-age / half_life_hours)};
        }
    }
    return order_weighted(entries, count, q);
}

static double plain(const struct lesson *lesson, double q)
{
    const struct steps *steps = &lesson->use->steps;
    double *values = arena_alloc_array(lesson->arena, steps->count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < steps->count; i++) {
        if (isfinite(steps->mean[i])) {
            values[count++] = steps->mean[i];
        }
    }
    return order_quantile(values, count, q);
}

static double krr(const struct lesson *lesson)
{
    return plain(lesson, 0.95);
}

static double krr_limit(const struct lesson *lesson)
{
    return plain(lesson, 0.66);
}

/* Requests as VPA makes them, without the floor of a pod, which is the same for every rule. */
static double vpa_native(const struct lesson *lesson)
{
    return peer_vpa(CPU, lesson->use, 1000, lesson->arena);
}

/* The same from a history of rate(…[1h]) at steps of an hour. */
static double vpa_hourly(const struct lesson *lesson)
{
    const struct steps *steps = &lesson->use->steps;
    size_t hour = (size_t)(3600 / steps->step_seconds);
    size_t count = steps->count / hour;
    double *values = arena_alloc_array(lesson->arena, count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        double known = 0;
        for (size_t at = i * hour; at < (i + 1) * hour; at++) {
            if (isfinite(steps->mean[at])) {
                sum += steps->mean[at];
                known++;
            }
        }
        values[i] = sum / known;
    }
    struct figures hours = {.known = true, .p90 = NAN};
    hours.steps = (struct steps){.start = steps->start, .step_seconds = 3600, .count = count, .mean = values, .high = values};
    return peer_vpa(CPU, &hours, 1000, lesson->arena);
}

/* The same percentile without classes. */
static double vpa_exact(const struct lesson *lesson)
{
    return 1.15 * weighted(lesson, 24, 0.90);
}

/* Bins of 100m, the end of the bin. */
static double crane(const struct lesson *lesson)
{
    return 1.15 * (floor(weighted(lesson, 24, 0.99) / 100) + 1) * 100;
}

static double crane_exact(const struct lesson *lesson)
{
    return 1.15 * weighted(lesson, 24, 0.99);
}

static double p95_and_15(const struct lesson *lesson)
{
    return 1.15 * plain(lesson, 0.95);
}

static double p99(const struct lesson *lesson)
{
    return plain(lesson, 0.99);
}

static double highest(const struct lesson *lesson)
{
    return plain(lesson, 1);
}

static double baseline(const struct lesson *lesson)
{
    return fmax(1.10 * lesson->use->weighted_p95, 1.05 * lesson->use->busy_hour_p90);
}

static double ours_as(const struct lesson *lesson, enum aggressiveness aggressiveness)
{
    struct scene scene = {.aggressiveness = aggressiveness};
    const char *rule;
    return rule_cpu_request(lesson->use, &scene, &rule);
}

static double ours(const struct lesson *lesson)
{
    return ours_as(lesson, AGGRESSIVENESS_BALANCED);
}

static double ours_safe(const struct lesson *lesson)
{
    return ours_as(lesson, AGGRESSIVENESS_SAFE);
}

static double ours_lean(const struct lesson *lesson)
{
    return ours_as(lesson, AGGRESSIVENESS_LEAN);
}

/* The formula of rules/cpu.c once more, with constants of one's own. */
static double with_constants(const struct lesson *lesson, double beyond, double level)
{
    const struct figures *use = lesson->use;
    double usual = (1 + beyond) * fmax(use->weighted_p95, use->busy_hour_p90);
    double tail = fmin(use->weighted_p99, fmin(fmax(use->weighted_p95, use->day_p99_second), usual));
    return fmax(tail, use->recent_p90) + level * fmax(use->weighted_p50, use->recent_p50);
}

static double less_level(const struct lesson *lesson)
{
    return with_constants(lesson, 0.07, 0.056);
}

static double more_level(const struct lesson *lesson)
{
    return with_constants(lesson, 0.07, 0.084);
}

static double less_beyond(const struct lesson *lesson)
{
    return with_constants(lesson, 0.056, 0.07);
}

static double more_beyond(const struct lesson *lesson)
{
    return with_constants(lesson, 0.084, 0.07);
}

const struct advice_rule advice_rules[] = {
    {"KRR simple (p95)", krr, true, false},
    {"KRR simple-limit (p66)", krr_limit, true, false},
    {"VPA, 1 h history", vpa_hourly, true, false},
    {"VPA, native samples", vpa_native, true, false},
    {"VPA, without classes", vpa_exact, true, false},
    {"Crane (p99, bins of 100m)", crane, true, false},
    {"Crane, without bins", crane_exact, true, false},
    {"p95 + 15 %", p95_and_15, true, false},
    {"p99", p99, true, false},
    {"highest of 7 days", highest, true, false},
    {"max(1.10 wp95, 1.05 BH90)", baseline, true, false},
    {"ours", ours, false, false},
    {"ours, safe", ours_safe, false, false},
    {"ours, lean", ours_lean, false, false},
    {"ours, 0.056 of the level", less_level, false, true},
    {"ours, 0.084 of the level", more_level, false, true},
    {"ours, 1.056 of the usual", less_beyond, false, true},
    {"ours, 1.084 of the usual", more_beyond, false, true},
};

const size_t advice_rule_count = ARRAY_COUNT(advice_rules);
