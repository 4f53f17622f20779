/* Whatever the figures, the manifest, the policy and the model's answer are: no number outside its bounds or
 * the guardrails, request ≤ limit, rounding, memory never lowered after an OOM kill, QoS class kept. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/mem.h"
#include "stages/analyze/opinion/answer.h"
#include "stages/analyze/advice/recommend.h"
#include "stages/analyze/findings/findings.h"
#include "stages/analyze/sizing/knobs.h"
#include "stages/analyze/sizing/sizing.h"
#include "tests/harness/rounds.h"
#include "tests/unit/stages/analyze/sizing/plan_checks.h"
#include "tests/unit/stages/analyze/sizing/random_workload.h"

enum { CASES = 12000 };

/* Proposals of a model that means harm or makes no sense. */
static void hostile_answer(const struct plan *plan, struct arena *arena, struct answer *out)
{
    *out = (struct answer){.confidence = unit()};
    out->proposals = arena_alloc_array(arena, plan->subject->container_count, sizeof *out->proposals);
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            out->proposals[i][f] = chance(0.3) ? NAN : chance(0.2) ? 1 : floor(spread(1, 4e15));
        }
    }
}

static void one_case(int number, const struct config *config)
{
    struct arena arena;
    struct subject subject;
    struct policy policy;
    struct plan plan;
    struct class class;
    struct answer answer;
    arena_init(&arena);
    json_t *record = random_record();
    random_policy(&policy);
    const struct guardrails rails = policy.guardrails;
    knobs_annotate(record, config, &arena, &policy);
    assert_memory_equal(&rails, &policy.guardrails, sizeof rails);
    subject_read(record, &arena, &subject);
    class_of(&subject, &class);
    plan_make(&subject, &policy, &arena, &plan);
    plan_settle(&plan);
    check_plan(number, &plan);
    hostile_answer(&plan, &arena, &answer);
    (void)answer_apply(&answer, &plan);
    check_plan(number, &plan);
    struct opinion opinion = {.source = "llm", .confidence = answer.confidence};
    const struct parts parts = {.findings = findings_new(&plan, NULL, &arena)};
    json_t *recommendation = recommendation_new(&plan, &class, &opinion, &parts);
    assert_true(json_object_size(json_object_get(recommendation, "containers")) <= subject.container_count);
    json_decref(recommendation);
    json_decref(record);
    arena_release(&arena);
}

static void nothing_escapes(void **state)
{
    (void)state;
    struct config *config;
    struct err err;
    assert_int_equal(config_parse("version: 1\n", 11, "c.yaml", &config, &err), 0);
    rng_seed(20261122);
    for (int i = 0; i < rounds_of(CASES); i++) {
        one_case(i, config);
    }
    config_free(config);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
