/* What a model is told: small whatever a manifest holds, nothing but visible text in it, nothing that was withheld. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/str.h"
#include "stages/analyze/findings/findings.h"
#include "stages/analyze/opinion/evidence_fit.h"
#include "stages/analyze/opinion/schema.h"
#include "tests/harness/rounds.h"
#include "tests/unit/stages/analyze/opinion/hostile.h"
#include "tests/unit/stages/analyze/opinion/opinion_builder.h"

enum { CASES = 2000 };

/* The evidence of a plan with all its findings, as text; *value (may be NULL) receives it as new JSON. */
static char *told(struct made_plan *of, const json_t *redact, json_t **value)
{
    json_t *findings = findings_new(&of->plan, NULL, &of->arena);
    json_t *evidence = evidence_new(&of->plan, &of->class, findings, redact);
    char *text = evidence_text_new(evidence);
    if (value) {
        *value = json_incref(evidence);
    }
    json_decref(evidence);
    json_decref(findings);
    return text;
}

static void what_is_told(void **state)
{
    (void)state;
    struct made_plan plan;
    struct made_container container = oversized;
    json_t *evidence;
    container.oom_kills = 4;
    container.image = "registry/shop/cart-api:17";
    made_plan_init(&plan, container);
    char *text = told(&plan, NULL, &evidence);
    json_t *app = json_array_get(json_object_get(evidence, "containers"), 0);
    assert_string_equal(json_string_or_null(evidence, "workload"), "shop/Deployment/cart");
    assert_string_equal(json_string_or_null(app, "name"), "app");
    assert_string_equal(json_string_or_null(app, "image"), "registry/shop/cart-api:17");
    assert_int_equal(json_int_or(json_object_get(app, "cpu"), "p95", 0), 150);
    assert_int_equal(json_int_or(json_object_get(app, "memory"), "max", 0), 209700000); /* four digits */
    assert_int_equal(json_int_or(json_object_get(app, "today"), "memory_limit_bytes", 0), MI(512));
    assert_int_equal(json_int_or(app, "oom_kills", 0), 4);
    const struct field_plan *field = &plan.plan.containers[0].fields[CPU_REQUEST];
    json_t *range = json_at(app, "bounds.cpu_request_millicores");
    assert_int_equal(json_int_or(range, "min", 0), field->min);
    assert_int_equal(json_int_or(range, "max", 0), field->max);
    assert_string_equal(json_string_or_null(range, "max_by"), field->max_by);
    assert_int_equal(json_int_or(json_object_get(app, "rules"), "cpu_request_millicores", 0), field_after(field));
    assert_int_equal(json_int_or(json_object_get(evidence, "rules_ask_more"), "cpu_millicores", 0), -500); /* 2 × (250 − 500) */
    assert_null(json_at(app, "bounds.cpu_limit_millicores")); /* nothing may be set here */
    assert_non_null(strstr(json_string_value(json_array_get(json_object_get(evidence, "findings"), 0)), "oom-kills:"));
    free(text);
    json_decref(evidence);
    made_plan_release(&plan);
}

/* Hours of use that are high from 9 to 17 and on no weekend. */
static json_t *office_hours(double peak)
{
    double values[168];
    for (int i = 0; i < 168; i++) {
        /* 2026-11-15, a Sunday, at three o'clock. */
        int hour = (i + 3) % 24;
        int weekday = (6 + (i + 3) / 24) % 7;
        values[i] = weekday < 5 && hour >= 9 && hour < 17 ? peak : peak / 10;
    }
    return series_json(values, 168);
}

static void the_course_of_a_week_is_told(void **state)
{
    (void)state;
    struct made_plan plan;
    json_t *evidence;
    struct made_workload workload = {.replicas = 2, .count = 1};
    workload.containers[0] = oversized;
    workload.containers[0].name = "app";
    made_usual_use(&workload.containers[0]);
    json_t *record = made_record(&workload);
    json_object_set_new(json_at(record, "usage.containers.app.cpu_millicores.hourly"), "mean", office_hours(200));
    made_plan_of(&plan, record);
    char *text = told(&plan, NULL, &evidence);
    json_t *app = json_array_get(json_object_get(evidence, "containers"), 0);
    json_t *hours = json_object_get(app, "cpu_by_hour");
    json_t *days = json_object_get(app, "cpu_by_weekday");
    assert_int_equal(json_array_size(hours), 24);
    assert_int_equal(json_array_size(days), 7);
    assert_true(json_integer_value(json_array_get(hours, 12)) > 200);
    assert_true(json_integer_value(json_array_get(hours, 3)) < 50);
    assert_true(json_integer_value(json_array_get(days, 0)) > 100); /* Monday */
    assert_true(json_integer_value(json_array_get(days, 6)) < 50);
    assert_null(json_object_get(app, "memory_by_hour")); /* always the same: not worth the bytes */
    free(text);
    json_decref(evidence);
    made_plan_release(&plan);
}

/* Whether every byte of a text shows something, and no string in it could end early or open a tag. */
static void check_text(int number, const char *text)
{
    bool inside = false;
    for (const char *at = text; *at; at++) {
        if (*at == '"') {
            inside = !inside;
        } else if (inside && (strchr("<>[]{}`", *at) || (*at == '\\' && !str_starts(at, "\\u00")))) {
            fail_msg("case %d: a mark in a string: %.60s", number, at);
        }
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            fail_msg("case %d: a control byte", number);
        }
    }
    assert_true(str_utf8_valid(text, strlen(text), NULL));
    static const char *const hidden[] = {"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\x8b", "\xef\xbb\xbf", "\xc2\xad", "\\u001", "\\n"};
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++) {
        if (strstr(text, hidden[i])) {
            fail_msg("case %d: what cannot be seen is sent", number);
        }
    }
}

/* What a model cannot do without is there, whatever had to go. */
static void check_core(int number, const struct made_plan *plan, const json_t *evidence)
{
    size_t index = 0;
    for (size_t i = 0; i < plan->subject.container_count; i++) {
        const struct container_plan *container = &plan->plan.containers[i];
        if (!container->judged) {
            continue;
        }
        const json_t *told_of = json_array_get(json_object_get(evidence, "containers"), index++);
        for (int f = 0; f < FIELDS; f++) {
            const json_t *range = json_object_get(json_object_get(told_of, "bounds"), schema_field((enum field)f));
            if ((range != NULL) != answer_may_set(&container->fields[f]) ||
                (range && (json_int_or(range, "min", -1) != container->fields[f].min ||
                           json_int_or(range, "max", -1) != container->fields[f].max))) {
                fail_msg("case %d: bounds of %s", number, field_name((enum field)f));
            }
        }
        assert_non_null(json_object_get(told_of, "today"));
        assert_non_null(json_object_get(told_of, "rules"));
        if (container->container->use[CPU].known) {
            assert_non_null(json_object_get(json_object_get(told_of, "cpu"), "p95"));
        }
    }
}

/* Thousands of workloads full of text that means harm: small, clean, and the same every time. */
static void evidence_is_small_and_clean(void **state)
{
    (void)state;
    size_t largest = 0;
    rng_seed(20261123);
    for (int i = 0; i < rounds_of(CASES); i++) {
        struct made_plan plan;
        json_t *evidence;
        made_plan_of(&plan, hostile_record(i % 200 == 0 ? 1024 * 1024 : 4000));
        char *text = told(&plan, NULL, &evidence);
        size_t judged = json_array_size(json_object_get(evidence, "containers"));
        size_t most = EVIDENCE_ONE_MAX + (judged > 1 ? (judged - 1) * EVIDENCE_MORE_MAX : 0);
        if (strlen(text) > most) {
            fail_msg("case %d: %zu bytes for %zu containers: %s", i, strlen(text), judged, text);
        }
        if (judged == 1 && strlen(text) > largest) {
            largest = strlen(text);
        }
        check_text(i, text);
        check_core(i, &plan, evidence);
        json_t *again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_equal(again, evidence));
        char *second = told(&plan, NULL, NULL);
        assert_string_equal(text, second);
        json_decref(again);
        json_decref(evidence);
        free(second);
        free(text);
        made_plan_release(&plan);
    }
    assert_true(largest > EVIDENCE_ONE_MAX / 2 || rounds_of(CASES) < CASES); /* the limit was put to the test */
}

/* Many containers with long names: the stated bound holds for them too. */
static void many_containers_fit(void **state)
{
    (void)state;
    struct made_plan plan;
    rng_seed(7);
    for (int count = 2; count <= 64; count += 31) {
        json_t *record = hostile_record(4000);
        json_t *containers = json_array();
        json_t *usage = json_object();
        json_t *one = json_array_get(json_at(record, "workload.containers"), 0);
        for (int i = 0; i < count; i++) {
            char name[420];
            struct made_container made = oversized;
            made_usual_use(&made);
            (void)snprintf(name, sizeof name, "%d\xe4\xb8\xad%0390d", i, i);
            json_t *container = json_deep_copy(one);
            json_object_set_new(container, "name", json_string(name));
            json_object_set_new(container, "role", json_string("container"));
            json_array_append_new(containers, container);
            json_object_set_new(usage, name, made_container_usage(&made, 20000, 2));
        }
        json_object_set_new(json_object_get(record, "workload"), "containers", containers);
        json_object_set_new(json_object_get(record, "usage"), "containers", usage);
        made_plan_of(&plan, record);
        char *text = told(&plan, NULL, NULL);
        assert_true(strlen(text) <= EVIDENCE_ONE_MAX + (size_t)(count - 1) * EVIDENCE_MORE_MAX);
        assert_non_null(strstr(text, "\"today\""));
        free(text);
        made_plan_release(&plan);
    }
}

static void withheld_is_withheld(void **state)
{
    (void)state;
    struct made_plan plan;
    struct made_container container = oversized;
    container.image = "secretregistry/redis:1"; /* the class is told by it */
    container.oom_kills = 5;
    container.throttled = 0.5;
    made_plan_init(&plan, container);
    json_t *workload = json_object_get(plan.record, "workload");
    json_object_set_new(workload, "labels", json_pack("{s:s}", "secretlabel", "secretvalue"));
    json_object_set_new(workload, "annotations", json_pack("{s:s}", "secretannotation", "secrettext"));
    char *text = told(&plan, NULL, NULL);
    static const char *const texts[] = {"secretregistry", "secretlabel", "secretvalue", "secretannotation", "secrettext"};
    static const char *const fields[] = {"image", "labels", "labels", "annotations", "annotations"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_non_null(strstr(text, texts[i]));
        json_t *redact = json_pack("[s]", fields[i]);
        char *less = told(&plan, redact, NULL);
        assert_null(strstr(less, texts[i]));
        assert_non_null(strstr(less, "\"class_hint\":\"cache\""));
        free(less);
        json_decref(redact);
    }
    json_t *all = json_pack("[s,s,s]", "image", "labels", "annotations");
    char *least = told(&plan, all, NULL);
    assert_null(strstr(least, "secret"));
    assert_non_null(strstr(least, "\"name\":\"app\""));
    free(least);
    free(text);
    json_decref(all);
    made_plan_release(&plan);
}

/* What tools write for themselves is not worth the tokens. */
static void marks_of_tools_are_left_out(void **state)
{
    (void)state;
    struct made_plan plan;
    made_plan_init(&plan, oversized);
    json_t *workload = json_object_get(plan.record, "workload");
    json_object_set_new(workload, "labels", json_pack("{s:s,s:s}", "pod-template-hash", "5d4f", "app.kubernetes.io/component", "api"));
    json_object_set_new(workload, "annotations", json_pack("{s:s,s:i}", "kubectl.kubernetes.io/last-applied-configuration", "{}", "n", 1));
    char *text = told(&plan, NULL, NULL);
    assert_non_null(strstr(text, "\"labels\":{\"app.kubernetes.io/component\":\"api\"}"));
    assert_null(strstr(text, "annotations"));
    free(text);
    made_plan_release(&plan);
}

/* What helps least goes first, one thing after another, and what is enough is not cut further. */
static void parts_go_in_order(void **state)
{
    (void)state;
    json_t *evidence = json_pack("{s:s,s:[s,s,s],s:{s:s,s:s,s:s},s:[{s:[i],s:{s:i,s:i}}]}", "workload", "w", "findings", "first", "second",
                                 "third", "annotations", "a", "1", "b", "2", "c", "3", "containers", "memory_by_hour", 1, "memory", "p90",
                                 1, "max", 2);
    size_t before = 0;
    for (size_t most = 400; most > 0; most--) {
        evidence_fit(evidence, most);
        char *text = json_text(evidence);
        assert_true(strlen(text) <= most || most < 60);
        /* Findings are the last of these to go, the main figures never. */
        if (json_object_get(evidence, "annotations")) {
            assert_int_equal(json_array_size(json_object_get(evidence, "findings")), 3);
        }
        before = before ? before : strlen(text);
        free(text);
    }
    char *text = json_text(evidence);
    assert_string_equal(text, "{\"containers\":[{\"memory\":{\"max\":2}}],\"workload\":\"w\"}");
    assert_true(before > strlen(text));
    free(text);
    json_decref(evidence);
}

static void the_digest_is_of_the_bytes(void **state)
{
    (void)state;
    char a[DIGEST_HEX];
    char b[DIGEST_HEX];
    char c[DIGEST_HEX];
    assert_string_equal(evidence_digest("{\"a\":1}", a), evidence_digest("{\"a\":1}", b));
    assert_string_not_equal(a, evidence_digest("{\"a\":2}", c));
    assert_int_equal(strlen(a), 64);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told),           cmocka_unit_test(the_course_of_a_week_is_told), cmocka_unit_test(evidence_is_small_and_clean),
        cmocka_unit_test(many_containers_fit),    cmocka_unit_test(withheld_is_withheld),         cmocka_unit_test(marks_of_tools_are_left_out),
        cmocka_unit_test(parts_go_in_order),      cmocka_unit_test(the_digest_is_of_the_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
