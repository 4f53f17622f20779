/* The record's member: findings, risk, reasons and shape, on made workloads with something planted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/findings/findings.h"
#include "stages/analyze/advice/recommend.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

#define MI(n) ((int64_t)(n)*1048576)
#define CPU_150 \
    { \
        .p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160 \
    }
#define MEM_200 \
    { \
        .p50 = 190 * MIB, .p90 = 195 * MIB, .p95 = 196 * MIB, .p99 = 198 * MIB, .max = 200 * MIB \
    }
#define FITS \
    .cpu_request = 175, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), \
    .cpu = CPU_150, .memory = MEM_200
#define ONE(...) .count = 1, .containers = {{.name = "app", __VA_ARGS__}}

/* clang-format off */
static const struct planted {
    const char *what;
    struct made_workload workload;
    const char *finding;  /* expected code, NULL: none at all */
    const char *severity;
    const char *action;
    const char *risk;
} planteds[] = {
    {"healthy", {.replicas = 2, ONE(FITS)}, NULL, NULL, "keep", "low"},
    {"over-provisioned", {.replicas = 2, ONE(.cpu_request = 2000, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     "over-provisioned", "low", "resize", "medium"},
    {"small step down", {.replicas = 2, ONE(.cpu_request = 220, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     NULL, NULL, "resize", "low"},
    {"throttled", {.replicas = 1, ONE(.cpu_request = 200, .cpu_limit = 250, .memory_request = MI(220), .memory_limit = MI(240), .throttled = 0.3, .cpu = CPU_150, .memory = MEM_200)},
     "throttling", "high", "resize", "low"},
    {"killed", {.replicas = 1, ONE(.cpu_request = 175, .cpu_limit = UNSET, .memory_request = MI(200), .memory_limit = MI(200), .oom_kills = 2, .cpu = CPU_150, .memory = MEM_200)},
     "oom-kills", "high", "resize", "medium"},
    {"killed again and again", {.replicas = 1, ONE(.cpu_request = 175, .cpu_limit = UNSET, .memory_request = MI(200), .memory_limit = MI(200), .oom_kills = 9, .cpu = CPU_150, .memory = MEM_200)},
     "oom-loop", "critical", "resize", "medium"},
    {"leaking", {.replicas = 1, ONE(.cpu_request = 175, .cpu_limit = UNSET, .memory_request = MI(420), .memory_limit = MI(800), .cpu = CPU_150,
                     .memory = {.p50 = 200 * MIB, .p90 = 350 * MIB, .p95 = 370 * MIB, .p99 = 380 * MIB, .max = 390 * MIB, .slope_per_hour = 1.2 * MIB})},
     "memory-leak", "medium", "keep", "low"},
    {"heap-capped", {.replicas = 1, ONE(.cpu_request = 175, .cpu_limit = UNSET, .memory_request = MI(210), .memory_limit = MI(210), .cpu = CPU_150,
                         .memory = {.p50 = 198 * MIB, .p90 = 199 * MIB, .p95 = 199 * MIB, .p99 = 199 * MIB, .max = 200 * MIB})},
     "heap-capped", "low", "keep", "low"},
    {"hot", {.replicas = 4, ONE(.cpu_request = 290, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
                 .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 280, .max = 300, .wp95 = 155, .bh90 = 160, .pod_max = 280, .pod_median = 120}, .memory = MEM_200)},
     "hot-replica", "medium", "keep", "low"},
    {"limit below use", {.replicas = 1, ONE(.cpu_request = 175, .cpu_limit = UNSET, .memory_request = MI(200), .memory_limit = MI(204), .cpu = CPU_150, .memory = MEM_200)},
     "limits-below-use", "medium", "resize", "low"},
    {"nothing requested", {.replicas = 1, ONE(.cpu_request = UNSET, .cpu_limit = UNSET, .memory_request = UNSET, .memory_limit = UNSET, .cpu = CPU_150, .memory = MEM_200)},
     "no-requests", "medium", "resize", "medium"},
    {"brand-new", {.replicas = 1, .days = 0.5, ONE(FITS)}, "brand-new", "low", "none", "low"},
    {"idle", {.replicas = 1, ONE(.cpu_request = 100, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
                  .cpu = {.p50 = 1, .p90 = 1, .p95 = 1, .p99 = 2, .max = 3}, .memory = MEM_200)},
     "idle", "low", "resize", "medium"},
    {"a database is more risk", {.kind = "StatefulSet", .replicas = 1, ONE(.image = "postgres:16", .cpu_request = 220, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     NULL, NULL, "resize", "medium"},
    {"little history", {.replicas = 1, .days = 2, ONE(.cpu_request = 250, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     NULL, NULL, "resize", "high"},
};
/* clang-format on */

static json_t *recommendation_of(const struct made_workload *workload, struct arena *arena)
{
    struct subject subject;
    struct class class;
    struct plan plan;
    struct policy policy = {.aggressiveness = AGGRESSIVENESS_BALANCED,
                            .limits = {LIMITS_KEEP, LIMITS_HEADROOM},
                            .minimum_history_seconds = 86400};
    guardrails_default(&policy.guardrails);
    json_t *record = made_record(workload);
    subject_read(record, arena, &subject);
    class_of(&subject, &class);
    plan_make(&subject, &policy, arena, &plan);
    plan_settle(&plan);
    const struct parts parts = {.findings = findings_new(&plan, NULL, arena)};
    json_t *recommendation = recommendation_new(&plan, &class, NULL, &parts);
    json_decref(record);
    return recommendation;
}

static void check_planted(const struct planted *planted, const json_t *recommendation)
{
    const json_t *findings = json_object_get(recommendation, "findings");
    bool found = false;
    size_t index;
    json_t *finding;
    json_array_foreach(findings, index, finding)
    {
        if (!str_equal(json_string_or_null(finding, "code"), planted->finding)) {
            continue;
        }
        found = true;
        if (!str_equal(json_string_or_null(finding, "severity"), planted->severity)) {
            fail_msg("%s: severity %s", planted->what, json_string_or_null(finding, "severity"));
        }
    }
    if (planted->finding && !found) {
        fail_msg("%s: not found", planted->what);
    }
    if (!planted->finding && json_array_size(findings) > 0) {
        fail_msg("%s: found %s", planted->what, json_string_or_null(json_array_get(findings, 0), "code"));
    }
    if (!str_equal(json_string_or_null(recommendation, "action"), planted->action) ||
        !str_equal(json_string_or_null(recommendation, "risk"), planted->risk)) {
        fail_msg("%s: %s at risk %s", planted->what, json_string_or_null(recommendation, "action"),
                 json_string_or_null(recommendation, "risk"));
    }
}

static void planted_things_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(planteds); i++) {
        struct arena arena;
        arena_init(&arena);
        json_t *recommendation = recommendation_of(&planteds[i].workload, &arena);
        check_planted(&planteds[i], recommendation);
        assert_true(strlen(json_string_or_null(recommendation, "reasoning")) > 20);
        json_decref(recommendation);
        arena_release(&arena);
    }
}

static void the_contract_holds(void **state)
{
    (void)state;
    static const char *const members[] = {"action",   "confidence",   "risk",       "source",   "reasoning",
                                          "class",    "class_of_model", "class_reason", "containers", "findings", "fallback",
                                          "backtest", "forecast",     "clamps"};
    struct arena arena;
    arena_init(&arena);
    json_t *recommendation = recommendation_of(&planteds[1].workload, &arena);
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        assert_non_null(json_object_get(recommendation, members[i]));
    }
    assert_int_equal(json_integer_value(json_at(recommendation, "containers.app.requests.cpu_millicores")),
                     1000);
    assert_int_equal(
        json_integer_value(json_at(recommendation, "containers.app.requests.bounds.cpu_millicores.min")),
        1000);
    assert_true(json_is_null(json_at(recommendation, "containers.app.limits.cpu_millicores")));
    assert_true(json_is_null(json_at(recommendation, "containers.app.limits.bounds.cpu_millicores")));
    assert_string_equal(
        json_string_value(json_at(recommendation, "containers.app.why.requests.cpu_millicores.rule")),
        "cpu-pooled");
    assert_non_null(strstr(json_string_or_null(recommendation, "reasoning"), "CPU request 2 to 1:"));
    json_decref(recommendation);
    arena_release(&arena);
}

/* A live object's amounts are what counts, and a manifest that says otherwise is a finding. */
static void drift_is_found(void **state)
{
    (void)state;
    struct arena arena;
    struct subject subject;
    struct plan plan;
    struct policy policy = {.minimum_history_seconds = 86400};
    guardrails_default(&policy.guardrails);
    arena_init(&arena);
    json_t *record = made_record(&planteds[0].workload);
    json_t *workload = json_object_get(record, "workload");
    json_t *live = json_pack("{s:o}", "containers", json_deep_copy(json_object_get(workload, "containers")));
    json_object_set_new(workload, "live", live);
    subject_read(record, &arena, &subject);
    plan_make(&subject, &policy, &arena, &plan);
    json_t *findings = findings_new(&plan, NULL, &arena);
    assert_int_equal(json_array_size(findings), 0);
    json_decref(findings);
    json_t *requests = json_object_get(json_array_get(json_object_get(live, "containers"), 0), "requests");
    json_object_set_new(requests, "cpu_millicores", json_integer(400));
    subject_read(record, &arena, &subject);
    plan_make(&subject, &policy, &arena, &plan);
    findings = findings_new(&plan, NULL, &arena);
    assert_int_equal(plan.containers[0].fields[CPU_REQUEST].old, 400);
    assert_int_equal(json_array_size(findings), 1);
    assert_string_equal(json_string_or_null(json_array_get(findings, 0), "code"), "drift");
    json_decref(findings);
    json_decref(record);
    arena_release(&arena);
}

/* Records from anywhere: whatever is missing or of the wrong type, there is an answer. */
static void odd_records_are_survived(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{\"workload\":null,\"usage\":7}",
        "{\"workload\":{\"containers\":{}},\"usage\":{\"containers\":[]}}",
        "{\"workload\":{\"containers\":[null,7,\"x\",{}]},\"usage\":{\"containers\":{\"\":{\"cpu_"
        "millicores\":{\"wp95\":1,\"max\":1}}}}}",
        "{\"workload\":{\"containers\":[{\"name\":\"a\",\"requests\":{\"cpu_millicores\":9223372036854775807,"
        "\"memory_bytes\":-5}}]},"
        "\"usage\":{\"coverage\":1,\"history_seconds\":1e300,\"window\":{\"seconds\":604800},\"replicas\":"
        "1e300,\"containers\":{\"a\":"
        "{\"cpu_millicores\":{\"wp95\":1e300,\"max\":1e308,\"p90\":1e300,\"hourly\":{\"min\":[1e308,null,"
        "\"x\",-1],\"mean\":{\"low\":1e308,\"high\":1.7e308,\"codes\":\"AC__\"},"
        "\"max\":{\"low\":-1,\"high\":1,\"codes\":\"?\"}}},"
        "\"memory_bytes\":{\"wp99\":1e308,\"wp95\":0,\"max\":0},\"oom_kills\":1e308,\"throttled_ratio\":-3}}}"
        "}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct arena arena;
        struct subject subject;
        struct class class;
        struct plan plan;
        struct policy policy = {.minimum_history_seconds = 86400, .limits = {LIMITS_RATIO, LIMITS_HEADROOM}};
        guardrails_default(&policy.guardrails);
        arena_init(&arena);
        json_t *record = json_loads(texts[i], 0, NULL);
        assert_non_null(record);
        subject_read(record, &arena, &subject);
        class_of(&subject, &class);
        plan_make(&subject, &policy, &arena, &plan);
        plan_settle(&plan);
        const struct parts parts = {.findings = findings_new(&plan, NULL, &arena)};
        json_t *recommendation = recommendation_new(&plan, &class, NULL, &parts);
        char *text = json_text(recommendation);
        assert_non_null(text);
        free(text);
        json_decref(recommendation);
        json_decref(record);
        arena_release(&arena);
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(planted_things_are_found),
                                       cmocka_unit_test(the_contract_holds), cmocka_unit_test(drift_is_found),
                                       cmocka_unit_test(odd_records_are_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
