/* The key of evidence that is alike: noise keeps it, what matters changes it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/analyze/findings/findings.h"
#include "stages/analyze/opinion/evidence_key.h"
#include "tests/harness/rounds.h"
#include "tests/unit/stages/analyze/opinion/opinion_builder.h"
#include "tests/unit/stages/analyze/sizing/random_workload.h"

enum { CASES = 2000 };

/* The key of a record, which it takes. */
static char *key_of(json_t *record, char out[DIGEST_HEX])
{
    struct made_plan plan;
    made_plan_of(&plan, record);
    json_t *findings = findings_new(&plan.plan, NULL, &plan.arena);
    json_t *evidence = evidence_new(&plan.plan, &plan.class, findings, NULL);
    evidence_key(evidence, "openai", "m", out);
    json_decref(evidence);
    json_decref(findings);
    made_plan_release(&plan);
    return out;
}

/* Multiplies every figure of use, each by a factor of its own about 1 (all alike where `each` is 0). */
static void wobble(json_t *use, double factor, double each)
{
    const char *key;
    json_t *value;
    json_object_foreach(use, key, value)
    {
        double own = factor * (1 + each * (2 * unit() - 1));
        if (json_is_real(value) && strcmp(key, "samples") != 0 && strcmp(key, "pods") != 0) {
            (void)json_real_set(value, json_real_value(value) * own);
        }
    }
}

/* A usual workload whose figures are moved. */
static json_t *moved_record(const struct made_use *cpu, const struct made_use *memory, double factor, double each)
{
    struct made_workload workload = {.replicas = 3, .count = 1};
    workload.containers[0] = (struct made_container){.name = "app",
                                                     .image = "shop/cart:1",
                                                     .cpu = *cpu,
                                                     .memory = *memory,
                                                     .cpu_request = (int64_t)(cpu->p95 * 3) + 50,
                                                     .cpu_limit = UNSET,
                                                     .memory_request = (int64_t)memory->max * 2,
                                                     .memory_limit = (int64_t)memory->max * 2};
    json_t *record = made_record(&workload);
    wobble(json_at(record, "usage.containers.app.cpu_millicores"), factor, each);
    wobble(json_at(record, "usage.containers.app.memory_bytes"), factor, each);
    return record;
}

static void noise_keeps_it_and_a_third_does_not(void **state)
{
    (void)state;
    int cases = rounds_of(CASES);
    int kept = 0;
    rng_seed(3);
    for (int i = 0; i < cases; i++) {
        char before[DIGEST_HEX];
        char after[DIGEST_HEX];
        struct made_use cpu = random_use(20, 4000);
        struct made_use memory = random_use(40 * MIB, 20000 * MIB);
        key_of(moved_record(&cpu, &memory, 1, 0), before);
        key_of(moved_record(&cpu, &memory, 1, 0), after);
        assert_string_equal(before, after);
        key_of(moved_record(&cpu, &memory, 1, 0.01), after);
        kept += strcmp(before, after) == 0;
        static const double far[] = {1.3, 0.7, 2, 0.1};
        for (size_t f = 0; f < ARRAY_COUNT(far); f++) {
            key_of(moved_record(&cpu, &memory, far[f], 0), after);
            if (strcmp(before, after) == 0) {
                fail_msg("case %d: figures times %g have the same key", i, far[f]);
            }
        }
    }
    print_message("%d of %d keys are the same after a wobble of 1 %%\n", kept, cases);
    assert_true(kept * 2 > cases);
}

/* One change of a usual workload's record. */
struct change {
    const char *path; /* of the object that is changed */
    const char *key;
    const char *value; /* JSON */
    bool same;
};

static const struct change changes[] = {
    {"workload", "name", "\"other\"", false},
    {"workload", "namespace", "\"other\"", false},
    {"workload", "labels", "{\"app.kubernetes.io/component\":\"db\"}", false},
    {"workload", "annotations", "{\"note\":\"a heap of 2 GiB\"}", false},
    {"workload", "replicas", "4", true}, /* replicas that run count, in coarse steps */
    {"workload", "quotas", "[{\"name\":\"q\",\"hard\":{\"requests.cpu\":900000}}]", true},
    {"workload", "limit_ranges", "[{\"name\":\"r\",\"type\":\"Container\",\"max\":{\"cpu_millicores\":200,\"memory_bytes\":null}}]", false},
    {"workload", "schedule", "\"0 3 * * *\"", false},
    {"usage", "replicas", "30", false},
    {"usage", "history_seconds", "90000", false},
    {"usage.containers.app", "oom_kills", "5", false},
    {"usage.containers.app", "throttled_worst_hour", "0.011", true},
    {"usage.containers.app.cpu_millicores", "p99", "400", false},
    {"usage.containers.app.cpu_millicores", "p90", "131", true},
    {"usage.containers.app.memory_bytes", "max", "235000000", false}, /* 12 % */
};

static void what_counts(void **state)
{
    (void)state;
    char before[DIGEST_HEX];
    struct made_container container = oversized;
    made_usual_use(&container);
    key_of(moved_record(&container.cpu, &container.memory, 1, 0), before);
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        char after[DIGEST_HEX];
        json_t *record = moved_record(&container.cpu, &container.memory, 1, 0);
        json_object_set_new(json_at(record, changes[i].path), changes[i].key, json_loads(changes[i].value, JSON_DECODE_ANY, NULL));
        key_of(record, after);
        if ((strcmp(before, after) == 0) != changes[i].same) {
            fail_msg("%s.%s = %s: the key is %s", changes[i].path, changes[i].key, changes[i].value,
                     changes[i].same ? "another" : "the same");
        }
    }
}

static void who_is_asked_counts(void **state)
{
    (void)state;
    char keys[4][DIGEST_HEX];
    json_t *evidence = json_pack("{s:s}", "workload", "a/b/c");
    evidence_key(evidence, "openai", "m", keys[0]);
    evidence_key(evidence, "openai", "n", keys[1]);
    evidence_key(evidence, "anthropic", "m", keys[2]);
    evidence_key(evidence, "openaim", "", keys[3]); /* the ends of texts count */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(keys[i], keys[j]);
        }
    }
    json_decref(evidence);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(noise_keeps_it_and_a_third_does_not), cmocka_unit_test(what_counts),
                                       cmocka_unit_test(who_is_asked_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
