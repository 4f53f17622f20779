/* The record of a workload with something planted in the held-out days: what the backtest says there, and that risk and
 * confidence follow it. Everything goes through JSON as tare-collect writes it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "stages/analyze/advice/proof.h"
#include "stages/analyze/advice/recommend.h"
#include "stages/analyze/rules/figures.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

#define MI(n) ((int64_t)(n)*1048576)

enum { DAY = 288, WEEK = 7 * DAY };

/* The series of the two resources. */
struct rows {
    double cpu[WEEK], memory[WEEK];
};

static struct rows rows;

/* A service at 100m and 200 MiB. */
static void fill(void)
{
    for (int i = 0; i < WEEK; i++) {
        rows.cpu[i] = 100 + i % 7;
        rows.memory[i] = (200 + i % 5) * MIB;
    }
}

static void fill_from(double *row, int from, int to, double value)
{
    for (int i = from; i < to; i++) {
        row[i] = value;
    }
}

static void add_series(json_t *record, const char *resource, const double *row)
{
    char path[80];
    (void)snprintf(path, sizeof path, "usage.containers.app.%s", resource);
    json_t *series = json_pack("{s:i}", "step_seconds", 300);
    json_object_set_new(series, "mean", series_json(row, WEEK));
    json_object_set_new(series, "max", series_json(row, WEEK));
    json_object_set_new(json_at(record, path), "series", series);
}

/* Figures as tare-collect would give them, had each step been one sample. */
static struct made_use use_of(const double *row)
{
    struct arena arena;
    struct figures use;
    arena_init(&arena);
    const struct steps steps = {.start = 1794711600, .step_seconds = 300, .count = WEEK, .mean = row, .high = row};
    figures_of_steps(&steps, 0, WEEK, NULL, &arena, &use);
    arena_release(&arena);
    return (struct made_use){.p50 = use.p50, .p90 = use.p90, .p95 = use.p95, .p99 = use.p99, .max = use.max,
                             .wp95 = use.weighted_p95, .wp99 = use.weighted_p99, .bh90 = use.busy_hour_p90};
}

static struct made_workload workload(int64_t cpu, int64_t request, int64_t limit)
{
    struct made_workload from = {.replicas = 1, .count = 1};
    from.containers[0] = (struct made_container){.name = "app",
                                                 .cpu_request = cpu,
                                                 .cpu_limit = UNSET,
                                                 .memory_request = request,
                                                 .memory_limit = limit,
                                                 .cpu = use_of(rows.cpu),
                                                 .memory = use_of(rows.memory)};
    return from;
}

/* New recommendation for what the rows say, under a policy of limits for both resources. */
static json_t *recommendation_under(const struct made_workload *from, enum limits_policy cpu, enum limits_policy memory)
{
    struct arena arena;
    struct subject subject;
    struct class class;
    struct plan plan;
    struct policy policy = {.aggressiveness = AGGRESSIVENESS_BALANCED,
                            .limits = {cpu, memory},
                            .minimum_history_seconds = 86400};
    guardrails_default(&policy.guardrails);
    arena_init(&arena);
    json_t *record = made_record(from);
    add_series(record, "cpu_millicores", rows.cpu);
    add_series(record, "memory_bytes", rows.memory);
    subject_read(record, &arena, &subject);
    class_of(&subject, &class);
    plan_make(&subject, &policy, &arena, &plan);
    plan_settle(&plan);
    const struct parts parts = {.findings = NULL};
    json_t *recommendation = recommendation_new(&plan, &class, NULL, &parts);
    json_decref(record);
    arena_release(&arena);
    return recommendation;
}

static json_t *recommendation_of(const struct made_workload *from)
{
    return recommendation_under(from, LIMITS_KEEP, LIMITS_HEADROOM);
}

static double number_at(const json_t *recommendation, const char *path)
{
    return json_number_value(json_at(recommendation, path));
}

static void risk_is(const json_t *recommendation, const char *risk, const char *because)
{
    char *reasons = json_text(json_object_get(recommendation, "risk_reasons"));
    if (!str_equal(json_string_or_null(recommendation, "risk"), risk) || (because && !strstr(reasons, because))) {
        fail_msg("risk %s: %s", json_string_or_null(recommendation, "risk"), reasons);
    }
    free(reasons);
}

static void a_quiet_week_is_proof(void **state)
{
    (void)state;
    fill();
    struct made_workload from = workload(140, MI(240), MI(280));
    json_t *r = recommendation_of(&from);
    assert_string_equal(json_string_or_null(json_object_get(r, "backtest"), "judged_from"), "2026-11-20T03:00:00Z");
    assert_string_equal(json_string_or_null(json_object_get(r, "backtest"), "judged_to"), "2026-11-22T03:00:00Z");
    assert_true(json_is_null(json_object_get(r, "backtest_reason")));
    assert_int_equal(number_at(r, "backtest.learned_seconds"), 5 * 86400);
    assert_int_equal(number_at(r, "backtest.containers.app.memory_bytes.ours.oom_kills"), 0);
    assert_int_equal(number_at(r, "backtest.containers.app.memory_bytes.today.limit"), MI(280));
    assert_true(json_is_null(json_at(r, "backtest.containers.app.cpu_millicores.krr.throttled")));
    assert_true(json_is_false(json_at(r, "backtest.containers.app.cpu_millicores.ours.censored")));
    assert_true(number_at(r, "backtest.containers.app.cpu_millicores.today.slack") > 1.3);
    assert_true(number_at(r, "containers.app.confidence_parts.backtest") > 0.999);
    assert_true(number_at(r, "confidence") > 0.999);
    assert_non_null(strstr(json_string_or_null(r, "reasoning"), "Backtest of memory on the last 2d"));
    risk_is(r, "low", NULL);
    json_decref(r);
}

/* Memory rises on the last two days to what the rule's limit of the first five would not have let through. */
static void a_rise_on_the_held_out_days_is_a_risk(void **state)
{
    (void)state;
    fill();
    fill_from(rows.memory, WEEK - DAY, WEEK - DAY + 3, 290 * MIB);
    struct made_workload from = workload(140, MI(400), MI(800));
    json_t *r = recommendation_of(&from);
    assert_int_equal(number_at(r, "backtest.containers.app.memory_bytes.ours.oom_kills"), 1);
    assert_int_equal(number_at(r, "backtest.containers.app.memory_bytes.today.oom_kills"), 0);
    assert_true(number_at(r, "containers.app.requests.memory_bytes") < (double)MI(400));
    risk_is(r, "high", "1 time (today's: 0)");
    /* What is known to kill is not lowered to. */
    assert_true(json_is_null(json_at(r, "containers.app.limits.memory_bytes")));
    const json_t *cap = json_array_get(json_at(r, "containers.app.why.limits.memory_bytes.caps"), 0);
    assert_string_equal(json_string_or_null(cap, "by"), "backtest-kills");
    assert_int_equal(number_at(r, "backtest.containers.app.memory_bytes.plan.oom_kills"), 0);
    assert_true(number_at(r, "confidence") <= 0.5);
    json_decref(r);
    /* Where memory is only raised, it is better than what is there; it never is a small risk. */
    from = workload(140, MI(240), MI(250));
    r = recommendation_of(&from);
    assert_int_equal(number_at(r, "backtest.containers.app.memory_bytes.today.oom_kills"), 1);
    assert_true(number_at(r, "containers.app.limits.memory_bytes") > (double)MI(250));
    risk_is(r, "medium", "(today's: 1)");
    json_decref(r);
    /* Nothing changes: still it is known that it may not hold. */
    from = workload(120, MI(264), MI(348));
    r = recommendation_of(&from);
    assert_string_equal(json_string_or_null(r, "action"), "keep");
    risk_is(r, "medium", "1 time");
    json_decref(r);
}

/* Fewer kills than today's limit has: no risk, but worth a word. */
static void kills_that_end_are_said(void **state)
{
    (void)state;
    fill();
    struct made_workload from = workload(140, MI(150), MI(190));
    json_t *r = recommendation_of(&from);
    assert_int_equal(number_at(r, "backtest.containers.app.memory_bytes.ours.oom_kills"), 0);
    assert_true(number_at(r, "backtest.containers.app.memory_bytes.today.oom_kills") > 10);
    risk_is(r, "low", "no OOM kills on the held-out days, where today's limit has");
    json_decref(r);
}

/* Doubles `row` in so many of the last 2 · DAY steps, spread evenly. */
static void double_some(double *row, int steps)
{
    for (int i = 0; i < steps; i++) {
        row[WEEK - 2 * DAY + i * 2 * DAY / steps] = 2 * row[0];
    }
}

/* Use that doubles now and then on the held-out days, while the request is lowered. */
static void a_request_that_did_not_hold_is_a_risk(void **state)
{
    (void)state;
    static const struct {
        int cpu, memory; /* steps that double, of 576 */
        const char *risk, *because;
    } cases[] = {{24, 0, "low", NULL},
                 {30, 0, "medium", "requests.cpu falls, but on the held-out days use was above such a request for 5 %"},
                 {0, 100, "high", "requests.memory falls, but on the held-out days use was above such a request for 17 %"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        fill();
        double_some(rows.cpu, cases[i].cpu);
        double_some(rows.memory, cases[i].memory);
        struct made_workload from = workload(150, cases[i].memory ? MI(500) : MI(240), cases[i].memory ? UNSET : MI(280));
        json_t *r = recommendation_of(&from);
        assert_true(fabs(number_at(r, "backtest.containers.app.cpu_millicores.ours.time_above") - cases[i].cpu / 576.0) < 1e-9);
        assert_true(fabs(number_at(r, "backtest.containers.app.memory_bytes.ours.time_above") - cases[i].memory / 576.0) < 1e-9);
        assert_true(number_at(r, "containers.app.requests.cpu_millicores") < 150);
        risk_is(r, cases[i].risk, cases[i].because);
        json_decref(r);
        /* Raised: nothing to fear. */
        from = workload(50, MI(100), MI(280));
        r = recommendation_of(&from);
        assert_true(number_at(r, "containers.app.requests.cpu_millicores") > 50);
        assert_false(str_equal(json_string_or_null(r, "risk"), "high"));
        json_decref(r);
    }
}

static void too_little_is_null_with_a_reason(void **state)
{
    (void)state;
    fill();
    fill_from(rows.cpu, 0, WEEK - 400, NAN);
    fill_from(rows.memory, 0, WEEK - 400, NAN);
    struct made_workload from = workload(140, MI(240), MI(280));
    json_t *r = recommendation_of(&from);
    assert_true(json_is_null(json_object_get(r, "backtest")));
    assert_non_null(strstr(json_string_or_null(r, "backtest_reason"), "36 hours"));
    assert_true(number_at(r, "containers.app.confidence_parts.backtest") >= 1);
    json_decref(r);
}

/* From samples to number: who reads the record can follow it. */
static void the_chain_can_be_followed(void **state)
{
    (void)state;
    fill();
    struct made_workload from = workload(2000, MI(240), MI(280));
    json_t *r = recommendation_of(&from);
    assert_true(fabs(number_at(r, "containers.app.why.requests.cpu_millicores.inputs.wp95") - 106) < 1e-9);
    assert_true(number_at(r, "containers.app.why.requests.memory_bytes.inputs.wp99") > 200 * MIB);
    assert_true(number_at(r, "containers.app.why.limits.memory_bytes.inputs.max") >= 204 * MIB);
    assert_non_null(strstr(json_string_or_null(json_at(r, "containers.app.why.requests.memory_bytes"), "formula"), "wp99"));
    assert_true(json_is_null(json_at(r, "containers.app.why.limits.memory_bytes.formula")));
    const json_t *cap = json_array_get(json_at(r, "containers.app.why.requests.cpu_millicores.caps"), 0);
    assert_string_equal(json_string_or_null(cap, "by"), "step-cap");
    assert_int_equal(json_integer_value(json_object_get(cap, "min")), 1000);
    /* A cap holds the plan above what the rule asks for; both are judged. */
    assert_int_equal(number_at(r, "backtest.containers.app.cpu_millicores.plan.request"), 1000);
    assert_true(number_at(r, "backtest.containers.app.cpu_millicores.ours.request") < 150);
    assert_int_equal(number_at(r, "containers.app.samples.cpu_millicores.n"), 7 * 1440);
    assert_int_equal(number_at(r, "containers.app.samples.cpu_millicores.steps"), WEEK);
    double effective = number_at(r, "containers.app.samples.cpu_millicores.effective");
    assert_true(effective > 0.7 * 7 * 1440 && effective < 7 * 1440); /* 0.83 for 7 days at a half-life of 3 */
    static const char *const parts[] = {"coverage", "age", "stability", "backtest"};
    double product = 1;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        product *= number_at(json_at(r, "containers.app.confidence_parts"), parts[i]);
    }
    assert_true(fabs(product - number_at(r, "containers.app.confidence")) < 1e-12);
    json_decref(r);
}

/* Every member is there: a number or null, never left out for being NaN. */
static void verdicts_are_complete(const json_t *resource)
{
    static const char *const members[] = {"request",    "limit",   "time_above", "peak_above",
                                          "worst_hour", "starved", "slack",      "censored"};
    static const char *const contenders[] = {"ours", "today", "krr", "vpa", "plan"};
    for (size_t c = 0; c < ARRAY_COUNT(contenders) && json_is_object(resource); c++) {
        const json_t *verdict = json_object_get(resource, contenders[c]);
        assert_int_equal(json_object_size(verdict), ARRAY_COUNT(members) + 1);
        for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
            assert_non_null(json_object_get(verdict, members[i]));
        }
    }
}

/* Where the held-out days are like the others, and no cap holds anything, what is judged is what is planned: the backtest's limits are
 * those of the sizing under each policy, in a Burstable and in a Guaranteed pod. */
static void what_is_judged_is_what_is_planned(void **state)
{
    (void)state;
    fill_from(rows.cpu, 0, WEEK, 100);
    fill_from(rows.memory, 0, WEEK, 200 * MIB);
    for (int round = 0; round < 8; round++) {
        enum limits_policy policy = (enum limits_policy)(round % 4);
        struct made_workload from = workload(200, MI(320), MI(440));
        from.containers[0].cpu_limit = 350;
        if (round >= 4) {
            from.containers[0].cpu_limit = from.containers[0].cpu_request = 200;
            from.containers[0].memory_limit = from.containers[0].memory_request;
        }
        json_t *recommendation = recommendation_under(&from, policy, policy);
        for (int r = 0; r < RESOURCES; r++) {
            const json_t *judged = json_object_get(json_at(recommendation, "backtest.containers.app"), resource_key((enum resource)r));
            for (int limit = 0; limit < 2; limit++) {
                double ours = number_at(judged, limit ? "ours.limit" : "ours.request");
                double plan = number_at(judged, limit ? "plan.limit" : "plan.request");
                if (fabs(ours - plan) > 0.5) {
                    fail_msg("round %d: %s %.0f, %.0f planned", round, field_name(FIELD_OF(r, limit)), ours, plan);
                }
            }
        }
        json_decref(recommendation);
    }
}

/* The sentence that people read. */
static void proof_is_put_in_words(void **state)
{
    (void)state;
    struct container_plan plan = {.backtest = {.known = true, .judged = {true, true}, .judged_seconds = 172800}};
    struct backtest *backtest = &plan.backtest;
    struct buf text;
    for (int c = 0; c < CONTENDERS; c++) {
        backtest->verdicts[CPU][c] = (struct verdict){.time_above = 0.0125 * (c + 1), .slack = 2, .over_limit = c == 1 ? 0.25 : NAN};
        backtest->verdicts[MEMORY][c] = (struct verdict){.time_above = NAN, .slack = NAN, .over_limit = NAN};
    }
    backtest->verdicts[MEMORY][CONTENDER_OURS] = (struct verdict){.slack = 1.25, .over_limit = 2};
    buf_init(&text, 4000);
    proof_write(&plan, &text);
    assert_string_equal(buf_str(&text),
                        " Backtest of CPU on the last 2d, which no rule had seen (time above the request, request ÷ mean use): "
                        "ours 1.2 %, 2.00; today 2.5 %, 2.00, throttled 25.0 %; KRR 3.8 %, 2.00; VPA 5.0 %, 2.00. "
                        "Backtest of memory on the last 2d, which no rule had seen (time above the request, request ÷ mean use): "
                        "ours 0.0 %, 1.25, OOM killed 2 times.");
    buf_release(&text);
    backtest->known = false;
    buf_init(&text, 4000);
    proof_write(&plan, &text);
    assert_string_equal(buf_str(&text), "");
    buf_release(&text);
}

static void no_number_is_lost(void **state)
{
    (void)state;
    rng_seed(33);
    for (int round = 0; round < 60; round++) {
        fill();
        double gaps = rng_unit() * rng_unit();
        for (int i = 0; i < WEEK; i++) {
            rows.cpu[i] = rng_unit() < gaps ? NAN : rows.cpu[i] * 3 * rng_unit();
            rows.memory[i] = rng_unit() < gaps ? NAN : rows.memory[i] * (0.5 + rng_unit());
        }
        rows.cpu[0] = 100;
        rows.memory[0] = 200 * MIB;
        struct made_workload from = workload(rng_unit() < 0.3 ? UNSET : 140, rng_unit() < 0.3 ? UNSET : MI(240),
                                             rng_unit() < 0.3 ? UNSET : MI(280));
        json_t *r = recommendation_of(&from);
        verdicts_are_complete(json_at(r, "backtest.containers.app.cpu_millicores"));
        verdicts_are_complete(json_at(r, "backtest.containers.app.memory_bytes"));
        if (number_at(r, "backtest.containers.app.memory_bytes.ours.oom_kills") >= 1) {
            assert_false(str_equal(json_string_or_null(r, "risk"), "low"));
        }
        json_decref(r);
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_week_is_proof),
        cmocka_unit_test(a_rise_on_the_held_out_days_is_a_risk),
        cmocka_unit_test(kills_that_end_are_said),
        cmocka_unit_test(a_request_that_did_not_hold_is_a_risk),
        cmocka_unit_test(too_little_is_null_with_a_reason),
        cmocka_unit_test(the_chain_can_be_followed),
        cmocka_unit_test(what_is_judged_is_what_is_planned),
        cmocka_unit_test(proof_is_put_in_words),
        cmocka_unit_test(no_number_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
