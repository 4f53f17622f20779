/* Findings on planted courses of usage: each is found and named, with its severity; what explains it is not
 * told as something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/base/str.h"
#include "stages/analyze/findings/findings.h"
#include "tests/unit/stages/analyze/findings/weeks_builder.h"

static json_t *findings_of(const struct week *week, const struct history_past *past)
{
    struct policy policy = {.limits = {LIMITS_KEEP, LIMITS_HEADROOM}, .minimum_history_seconds = 86400};
    struct subject subject;
    struct plan plan;
    struct arena arena;
    guardrails_default(&policy.guardrails);
    arena_init(&arena);
    json_t *record = week_record(week);
    subject_read(record, &arena, &subject);
    plan_make(&subject, &policy, &arena, &plan);
    plan_settle(&plan);
    json_t *findings = findings_new(&plan, past, &arena);
    json_decref(record);
    arena_release(&arena);
    return findings;
}

static const json_t *finding_of(const json_t *findings, const char *code)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (str_equal(json_string_or_null(json_array_get(findings, i), "code"), code)) {
            return json_array_get(findings, i);
        }
    }
    return NULL;
}

/* An ordinary week: 200m and 300 MiB that wander. */
static void ordinary(struct week *week)
{
    memset(week, 0, sizeof *week);
    rng_seed(7);
    week->count = WEEK_STEPS;
    week->cpu_request = 300;
    week->memory_request = 400 * WEEK_MIB;
    week->replicas = 2;
    week_fill(week->cpu, week->count, 200, 0.06);
    week_fill(week->memory, week->count, 300 * WEEK_MIB, 0.01);
}

static void times(double *values, size_t from, size_t steps, double factor)
{
    for (size_t i = from; i < from + steps; i++) {
        values[i] *= factor;
    }
}

static void plant_cpu_spike(struct week *week)
{
    times(week->cpu, 5 * WEEK_DAY, 3, 8);
}

/* A peak as a start makes it, and a restart that explains it. */
static void plant_start(struct week *week)
{
    times(week->cpu, 5 * WEEK_DAY, 2, 8);
    week->restarts = 1;
}

static void plant_memory_spike(struct week *week)
{
    week->memory_limit = 800 * WEEK_MIB;
    times(week->memory, 5 * WEEK_DAY, 6, 2.6);
}

static void plant_cpu_drop(struct week *week)
{
    times(week->cpu, 5 * WEEK_DAY, 6, 0.02);
}

static void plant_shift(struct week *week)
{
    times(week->cpu, 5 * WEEK_DAY, 2 * WEEK_DAY, 2.5);
}

static void plant_shift_down(struct week *week)
{
    times(week->cpu, 5 * WEEK_DAY - 20 * WEEK_HOUR, 2 * WEEK_DAY + 20 * WEEK_HOUR, 0.3);
}

static void plant_drift(struct week *week)
{
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *= 0.6 + 1.2 * (double)i / WEEK_STEPS;
    }
}

static void plant_drift_with_days(struct week *week)
{
    plant_drift(week);
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *= 1 + 0.3 * cos((week_hour(week, i) - 14) / 24 * 6.2832);
    }
}

static void plant_leak(struct week *week)
{
    for (size_t i = 0; i < week->count; i++) {
        week->memory[i] += 60 * WEEK_MIB * (double)i / WEEK_DAY;
    }
}

static void plant_leak_sawtooth(struct week *week)
{
    static const size_t ends[] = {30, 75, 140, 168};
    size_t life = 0;
    size_t born = 0;
    for (size_t i = 0; i < week->count; i++) {
        if (i == ends[life] * WEEK_HOUR) {
            born = i;
            life++;
        }
        week->memory[i] += 250 * WEEK_MIB * (double)(i - born) / WEEK_DAY;
    }
    week->restarts = 3;
}

static void plant_leak_near_limit(struct week *week)
{
    plant_leak(week);
    week->memory_limit = 800 * WEEK_MIB;
}

static void plant_kills(struct week *week)
{
    week->memory_limit = 512 * WEEK_MIB;
    week->oom_kills = 2;
}

static void plant_loop(struct week *week)
{
    week->memory_limit = 512 * WEEK_MIB;
    week->oom_kills = 60;
}

static void plant_throttling(struct week *week)
{
    week->cpu_limit = 300;
    week->throttled = 0.1;
    week->throttled_hour = 0.2;
}

static void plant_severe_throttling(struct week *week)
{
    week->cpu_limit = 300;
    week->throttled = 0.3;
    week->throttled_hour = 0.9;
}

static void plant_saturation(struct week *week)
{
    week->memory_limit = 318 * WEEK_MIB;
}

static void plant_no_limit(struct week *week)
{
    week->memory_request = 100 * WEEK_MIB;
}

static void plant_hot(struct week *week)
{
    week->replicas = 4;
    week->pod_max = 600;
    week->pod_median = 180;
}

static void plant_idle(struct week *week)
{
    times(week->cpu, 0, week->count, 0.01);
}

static void plant_unset(struct week *week)
{
    week->cpu_request = 0;
    week->memory_request = 0;
}

static void plant_over(struct week *week)
{
    week->cpu_request = 2000;
}

static void plant_young(struct week *week)
{
    week->count = 10 * WEEK_HOUR;
}

static void plant_cold(struct week *week)
{
    week->startup = 1500;
}

/* Three restarts in the pod: short peaks, and no figures of new pods. */
static void plant_cold_restarts(struct week *week)
{
    memcpy(week->high, week->cpu, sizeof week->high);
    for (size_t k = 1; k <= 3; k++) {
        week->high[k * 500] = 1400;
    }
    week->restarts = 3;
}

static void plant_daily(struct week *week)
{
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *= week_hour(week, i) >= 18 && week_hour(week, i) < 21 ? 4 : 1;
    }
}

static void plant_weekend(struct week *week)
{
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *= week_weekday(week, i) % 6 == 0 ? 0.2 : 1;
    }
}

/* Three weeks with five hours on each Wednesday. */
static void plant_weekly(struct week *week)
{
    week->count = 3 * WEEK_STEPS;
    week_fill(week->cpu, week->count, 120, 0.06);
    week_fill(week->memory, week->count, 300 * WEEK_MIB, 0.01);
    for (size_t i = 0; i < week->count; i++) {
        week->cpu[i] *=
            week_weekday(week, i) == 3 && week_hour(week, i) >= 9 && week_hour(week, i) < 14 ? 6 : 1;
    }
}

static void plant_conflict(struct week *week)
{
    week->autoscaler = "{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"cart\",\"min\":2,\"max\":6,"
                       "\"metrics\":[{\"type\":\"Resource\","
                       "\"resource\":\"cpu\",\"target_type\":\"Utilization\",\"target\":70}]}";
    week->cpu_request = 0;
}

static const struct planted {
    void (*plant)(struct week *);
    const char *code, *severity, *resource;
    const char *absent; /* a code that must not be there beside it, NULL for none */
} planted[] = {
    {plant_cpu_spike, "cpu-spike", "medium", "cpu", "level-shift"},
    {plant_start, "cpu-spike", "low", "cpu", "cold-start"},
    {plant_memory_spike, "memory-spike", "high", "memory", "memory-leak"},
    {plant_cpu_drop, "cpu-drop", "low", "cpu", "cpu-spike"},
    {plant_shift, "level-shift", "medium", "cpu", "usage-drift"},
    {plant_shift_down, "level-shift", "low", "cpu", "usage-drift"},
    {plant_drift, "usage-drift", "medium", "cpu", "level-shift"},
    {plant_drift_with_days, "usage-drift", "medium", "cpu", "level-shift"},
    {plant_leak, "memory-leak", "medium", "memory", "usage-drift"},
    {plant_leak_sawtooth, "memory-leak", "medium", "memory", "memory-drop"},
    {plant_leak_near_limit, "memory-leak", "high", "memory", "memory-spike"},
    {plant_kills, "oom-kills", "high", "memory", "oom-loop"},
    {plant_loop, "oom-loop", "critical", "memory", "oom-kills"},
    {plant_throttling, "throttling", "medium", "cpu", NULL},
    {plant_severe_throttling, "throttling", "high", "cpu", NULL},
    {plant_saturation, "saturation", "medium", "memory", NULL},
    {plant_no_limit, "saturation", "medium", "memory", "limits-below-use"},
    {plant_hot, "hot-replica", "medium", "cpu", NULL},
    {plant_idle, "idle", "low", "cpu", "cpu-spike"},
    {plant_unset, "no-requests", "medium", NULL, NULL},
    {plant_over, "over-provisioned", "low", "cpu", NULL},
    {plant_young, "brand-new", "low", NULL, NULL},
    {plant_cold, "cold-start", "low", "cpu", NULL},
    {plant_cold_restarts, "cold-start", "low", "cpu", NULL},
    {plant_daily, "daily-peak", "low", "cpu", "level-shift"},
    {plant_weekend, "weekend-low", "low", "cpu", "level-shift"},
    {plant_weekly, "weekly-batch", "low", "cpu", "cpu-spike"},
    {plant_conflict, "hpa-conflict", "medium", NULL, NULL},
};

static void test_planted(void **state)
{
    static struct week week;
    (void)state;
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        ordinary(&week);
        planted[i].plant(&week);
        json_t *findings = findings_of(&week, NULL);
        const json_t *finding = finding_of(findings, planted[i].code);
        char *text = json_text(findings);
        if (!finding || !str_equal(json_string_or_null(finding, "severity"), planted[i].severity) ||
            !str_equal(json_string_or_null(finding, "resource"), planted[i].resource)) {
            fail_msg("%s %s of %s is not among %s", planted[i].severity, planted[i].code, planted[i].resource,
                     text);
        }
        if (planted[i].absent && finding_of(findings, planted[i].absent)) {
            fail_msg("%s beside %s in %s", planted[i].absent, planted[i].code, text);
        }
        free(text);
        json_decref(findings);
    }
}

/* What stands at the planted place: when, how far, and what textbooks would say, labelled as such. */
static void test_evidence(void **state)
{
    static struct week week;
    (void)state;
    ordinary(&week);
    plant_cpu_spike(&week);
    json_t *findings = findings_of(&week, NULL);
    const json_t *spike = finding_of(findings, "cpu-spike");
    int64_t start;
    int64_t end;
    double score;
    double z;
    assert_non_null(spike);
    assert_int_equal(time_parse(json_string_or_null(spike, "start"), &start, NULL), 0);
    assert_int_equal(time_parse(json_string_or_null(spike, "end"), &end, NULL), 0);
    assert_in_range(start, WEEK_END - 2 * 86400, WEEK_END - 2 * 86400 + 600);
    assert_int_equal(end, WEEK_END - 2 * 86400 + 900);
    assert_true(json_get_number(json_object_get(spike, "evidence"), "score", &score) && score >= 1.5);
    assert_true(json_get_number(json_at(spike, "evidence.extra"), "z_score", &z) && z > 5);
    assert_non_null(json_at(spike, "evidence.extra.iqr_fences"));
    assert_non_null(json_at(spike, "evidence.extra.rolling_average_ratio"));
    json_decref(findings);
}

/* A cache that fills and levels off is no leak; nor is a heap that lies flat at its limit. */
static void test_no_leak(void **state)
{
    static struct week week;
    (void)state;
    for (double hours = 3; hours <= 48; hours *= 2) {
        ordinary(&week);
        for (size_t i = 0; i < week.count; i++) {
            week.memory[i] += 500 * WEEK_MIB * (1 - exp(-(double)i / (hours * WEEK_HOUR)));
        }
        json_t *findings = findings_of(&week, NULL);
        if (finding_of(findings, "memory-leak")) {
            fail_msg("a cache that fills with a time constant of %.0f hours is a leak", hours);
        }
        json_decref(findings);
    }
}

static void test_outlook(void **state)
{
    struct subject subject = {.window_end = WEEK_END};
    struct plan plan = {.subject = &subject};
    json_t *findings = json_array();
    json_t *outlook = json_loads("{\"quotas\":[{\"name\":\"team\",\"resource\":\"cpu_millicores\",\"hard\":"
                                 "4000,\"at\":\"2026-11-25T00:00:00Z\","
                                 "\"days\":3},{\"name\":\"far\",\"resource\":\"cpu_millicores\",\"hard\":"
                                 "4000,\"at\":null,\"days\":null}]}",
                                 0, NULL);
    (void)state;
    findings_add_outlook(findings, &plan, outlook);
    findings_add_outlook(findings, &plan, NULL);
    assert_int_equal(json_array_size(findings), 1);
    assert_string_equal(json_string_or_null(json_array_get(findings, 0), "code"), "quota-near");
    assert_string_equal(json_string_or_null(json_array_get(findings, 0), "severity"), "medium");
    json_decref(outlook);
    json_decref(findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_no_leak),
        cmocka_unit_test(test_outlook),
    };
    return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
