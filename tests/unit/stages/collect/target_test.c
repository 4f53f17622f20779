/* Which pod belongs to which workload, and what is told of odd series. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/mem.h"
#include "stages/collect/pod_name.h"
#include "stages/collect/target.h"

enum { MANY = 4000, PODS = 8000 };

static struct pod pods[PODS];
static char names[PODS][96];
static char workload_names[MANY][96];

static void match(struct target *targets, size_t count, size_t pod_count, long *owner_of)
{
    struct namespace namespace = {.pods = pods, .pod_count = pod_count};
    targets_match(targets, count, &namespace, owner_of);
}

static void release(struct target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        target_release(&targets[i]);
    }
}

static void test_owners_and_names(void **state)
{
    static const char *const made[][2] = {
        {"Deployment", "web"}, {"Deployment", "web-api"},  {"StatefulSet", "web"},    {"Deployment", "web"},
        {"CronJob", "tidy"},   {"Job", "tidy-4-one"},      {"ReplicaSet", "web-abc"},
    };
    static const struct pod given[] = {
        {.name = "web-7d9f8b6c5d-x2k4q",
         .owner_kind = "ReplicaSet", .owner_name = "web-7d9f8b6c5d",
         .top_kind = "Deployment", .top_name = "web"},
        {.name = "web-api-7d9f8b6c5d-x2k4q"},
        {.name = "web-0"},
        {.name = "web-api-5-x2k4q", .owner_kind = "Robot", .owner_name = "web-api"},
        {.name = "tidy-29000000-aaaaa",
         .owner_kind = "Job", .owner_name = "tidy-29000000",
         .top_kind = "CronJob", .top_name = "tidy"},
        {.name = "tidy-4-one-bbbbb"},
        {.name = "web-abc-ccccc",
         .owner_kind = "ReplicaSet", .owner_name = "web-abc",
         .top_kind = "Deployment", .top_name = "web"},
        {.name = "other"},
        {.name = "renamed", .owner_kind = "StatefulSet", .owner_name = "web"},
        {.name = "web"},
        {.name = ""},
    };
    static const long wanted[] = {0, 1, 2, -1, 4, 5, 0, -1, 2, -1, -1};
    struct target targets[ARRAY_COUNT(made)];
    long owner_of[ARRAY_COUNT(given)];
    memcpy(pods, given, sizeof given);
    for (size_t i = 0; i < ARRAY_COUNT(made); i++) {
        target_init(&targets[i], NULL, made[i][0], made[i][1]);
    }
    match(targets, ARRAY_COUNT(made), ARRAY_COUNT(given), owner_of);
    for (size_t i = 0; i < ARRAY_COUNT(given); i++) {
        if (owner_of[i] != wanted[i]) {
            fail_msg("pod %s went to %ld, not %ld", given[i].name, owner_of[i], wanted[i]);
        }
    }
    assert_int_equal(targets[0].pod_count, 2);
    assert_true(targets[0].pods[0] == 0 && targets[0].pods[1] == 6);
    assert_true(targets[0].by_owner && !targets[1].by_owner && targets[2].by_owner);
    assert_ptr_equal(targets[3].same, &targets[0]);
    assert_null(targets[2].same);
    assert_int_equal(targets[3].pod_count, 0);
    release(targets, ARRAY_COUNT(made));
    match(NULL, 0, 3, owner_of);
    assert_int_equal(owner_of[0], -1);
    (void)state;
}

/* What the look-up must agree with: the pattern of each target, one after the other. */
static long find_slowly(const struct target *targets, size_t count, const char *pod)
{
    long best = -1;
    for (size_t i = 0; i < count; i++) {
        if (pod_name_matches(targets[i].kind, targets[i].name, pod) &&
            (best < 0 || strlen(targets[i].name) > strlen(targets[best].name))) {
            best = (long)i;
        }
    }
    return best;
}

#define LONG "a-very-long-name-of-a-workload-that-goes-on-and-on-for-58-x"

/* Names that are parts of each other, cut ones among them: the look-up finds what trying all would. */
static void test_names_as_patterns_say(void **state)
{
    static const char *const bases[] = {"a",    "a-b",      "a-b-c", "a-1",      "a-10",      "a-b-1",  "web-abcde", "-",
                                        "a-",   LONG "-tail", LONG,    LONG "yz",  LONG "-a-b", "web",    "web-1"};
    static const char *const kinds[] = {"Deployment", "StatefulSet", "Job", "CronJob", "Pod", "DaemonSet", "Robot"};
    static const char *const tails[] = {"",        "-0",           "-1-2",          "-abcde",  "-b-abcde",
                                        "-1-abcde", "-29000000-abcde", "-7d9f8b6c5d-abcde", "-x-y-z-abcde", "-abc"};
    struct target targets[ARRAY_COUNT(bases) * ARRAY_COUNT(kinds)];
    long owner_of[PODS];
    size_t count = 0;
    size_t pod_count = 0;
    for (size_t b = 0; b < ARRAY_COUNT(bases); b++) {
        for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
            target_init(&targets[count++], NULL, kinds[(k + b) % ARRAY_COUNT(kinds)], bases[b]);
        }
        for (size_t t = 0; t < ARRAY_COUNT(tails); t++) {
            (void)snprintf(names[pod_count], sizeof names[0], "%s%s", bases[b], tails[t]);
            pods[pod_count] = (struct pod){.name = names[pod_count]};
            pod_count++;
        }
        /* As the API server cuts it. */
        (void)snprintf(names[pod_count], sizeof names[0], "%.58s%s", bases[b], "abcde");
        pods[pod_count] = (struct pod){.name = names[pod_count]};
        pod_count++;
    }
    match(targets, count, pod_count, owner_of);
    size_t found = 0;
    for (size_t i = 0; i < pod_count; i++) {
        long slowly = find_slowly(targets, count, names[i]);
        found += slowly >= 0;
        if (owner_of[i] != slowly) {
            fail_msg("pod %s went to %ld, not %ld", names[i], owner_of[i], slowly);
        }
    }
    assert_true(found > 60);
    release(targets, count);
    (void)state;
}

/* CPU time of the process, so that a busy machine tells nothing else. */
static double seconds_used(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Seconds that the first `count` workloads with two pods each take; every pod has to find its own. */
static double match_many(struct target *targets, size_t count, long *owner_of)
{
    double begin = seconds_used();
    match(targets, count, 2 * count, owner_of);
    double took = seconds_used() - begin;
    for (size_t i = 0; i < 2 * count; i++) {
        assert_int_equal(owner_of[i], i / 2);
    }
    return took;
}

static void test_many(void **state)
{
    static struct target targets[MANY];
    static long owner_of[PODS];
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(workload_names[i], sizeof workload_names[i], "service-%zu-of-many", (i * 7919) % MANY);
        target_init(&targets[i], NULL, "Deployment", workload_names[i]);
    }
    for (size_t i = 0; i < PODS; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s-7d9f8b6c5d-x2k%zuq", workload_names[i / 2], i % 2);
        pods[i] = (struct pod){.name = names[i]};
        if (i % 4 == 0) {
            pods[i].owner_kind = "ReplicaSet";
            pods[i].owner_name = "gone";
            pods[i].top_kind = "Deployment";
            pods[i].top_name = workload_names[i / 2];
        }
    }
    /* Sixteen times the workloads: trying all of them for each pod would take 256 times as long. The best of three, for a
     * sanitizer or valgrind may do work of its own in one of them. */
    double few = INFINITY;
    double many = INFINITY;
    for (int i = 0; i < 3; i++) {
        few = fmin(few, match_many(targets, MANY / 16, owner_of));
        many = fmin(many, match_many(targets, MANY, owner_of));
    }
    print_message("%d workloads, %d pods: %.1f ms, %.0f times a sixteenth of them\n", MANY, PODS, many * 1000, many / few);
    assert_true(many < 80 * few + 0.02);
    release(targets, MANY);
    (void)state;
}

static void test_containers(void **state)
{
    json_t *record = json_loads("{\"workload\":{\"containers\":[{\"name\":\"app\",\"role\":\"container\"},"
                                "{\"name\":\"setup\",\"role\":\"init\"},{\"role\":\"container\"},"
                                "{\"name\":\"mesh\",\"role\":\"sidecar\"}]}}",
                                0, NULL);
    struct target target;
    target_init(&target, record, "Deployment", "web");
    assert_int_equal(target.use_count, 3);
    assert_true(target_use(&target, "setup")->init && !target_use(&target, "mesh")->init);
    assert_false(target_use(&target, "injected")->declared);
    assert_int_equal(target.use_count, 4);
    char name[16];
    for (int i = 0; i < TARGET_CONTAINERS_MAX - 4; i++) {
        (void)snprintf(name, sizeof name, "c%d", i);
        assert_non_null(target_use(&target, name));
    }
    assert_null(target_use(&target, "one-too-many"));
    assert_non_null(target_use(&target, "app"));
    target_release(&target);
    assert_ptr_equal(target.record, record);
    json_decref(record);
    (void)state;
}

#define PROBLEM(code, message) "{\"code\":\"" code "\",\"message\":\"" message "\",\"stage\":\"collect\"}"

static void test_problems(void **state)
{
    json_t *record = json_loads("{\"problems\":[]}", 0, NULL);
    struct target target;
    target_init(&target, record, "Deployment", "web");
    target_use(&target, "app")->odd = (struct oddities){.increments = 100, .resets = 10};
    target_problems(&target);
    assert_int_equal(json_array_size(json_object_get(record, "problems")), 0);
    target_use(&target, "app")->odd = (struct oddities){.dropped = 3, .increments = 100, .resets = 11};
    struct use *side = target_use(&target, "side");
    side->odd.dropped = 4;
    side->odd.increments = 2;
    side->odd.resets = 2;
    side->duplicates = 2;
    side->bad_chunks = 1;
    target_problems(&target);
    char *text = json_text(json_object_get(record, "problems"));
    text[strlen(text) - 1] = '\0';
    assert_string_equal(text + 1, PROBLEM("odd-samples", "container side: 4 samples are negative or no numbers and were left out; "
                                                     "so it is with 1 more container")
                        "," PROBLEM("duplicate-series", "container side: 2 series tell what another one tells too; "
                                                        "the fuller one counts")
                        "," PROBLEM("bad-chunk", "container side: 1 chunk of samples could not be decoded and was left out")
                        "," PROBLEM("counter-resets", "container app: the CPU counter fell at 11 of 100 samples: "
                                                      "its figures may be wrong"));
    free(text);
    target_release(&target);
    json_decref(record);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners_and_names), cmocka_unit_test(test_names_as_patterns_say),
        cmocka_unit_test(test_many),             cmocka_unit_test(test_containers),
        cmocka_unit_test(test_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
