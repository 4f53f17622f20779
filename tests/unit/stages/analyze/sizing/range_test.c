/* LimitRanges and ResourceQuotas: what they add, bound and forbid. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/subject/allowance.h"
#include "tests/unit/stages/analyze/sizing/plan_builder.h"

enum { KEEP = -1 };

#define RANGE(type, rest) "[{\"name\":\"lr\",\"type\":\"" type "\"," rest "}]"
#define PAIR(cpu, memory) "{\"cpu_millicores\":" cpu ",\"memory_bytes\":" memory "}"
#define QUOTA(hard, rest) "[{\"name\":\"q\",\"hard\":{" hard "}" rest "}]"
#define USED(used) ",\"used\":{" used "}"

/* As the rules have it without any LimitRange: 175m, 220 MiB, no CPU limit, 240 MiB. */
#define APP(cr, cl, mr, ml) \
    { \
        .name = "app", .cpu_request = cr, .cpu_limit = cl, .memory_request = mr, .memory_limit = ml, .cpu = CPU_150, .memory = MEM_200 \
    }

struct truth {
    const char *what;
    struct made_workload workload;
    enum limits_policy cpu, memory;
    int64_t cpu_request, memory_request, cpu_limit, memory_limit;
    enum field by_field;
    const char *by; /* who moved or holds it, NULL: not asked */
};

/* clang-format off */
static const struct truth truths[] = {
    {"a least request wins over the rule",
     {.replicas = 2, .limit_ranges = RANGE("Container", "\"min\":" PAIR("200", "268435456")), .count = 1, .containers = {APP(300, UNSET, MI(300), MI(400))}},
     LIMITS_KEEP, LIMITS_HEADROOM, 200, MI(256), KEEP, MI(256), CPU_REQUEST, "limit-range:lr"},
    {"a largest limit wins over the rule: today it fits, so it stays as far as it fits",
     {.replicas = 2, .limit_ranges = RANGE("Container", "\"max\":" PAIR("null", "222298112")), .count = 1, .containers = {APP(300, UNSET, MI(150), MI(160))}},
     LIMITS_KEEP, LIMITS_HEADROOM, 175, MI(212), KEEP, MI(212), MEMORY_LIMIT, "limit-range:lr"},
    {"what is set today is more than it lets: no rollout would be admitted, so nothing at all",
     {.replicas = 2, .limit_ranges = RANGE("Container", "\"max\":" PAIR("null", "209715200")), .count = 1, .containers = {APP(300, UNSET, MI(300), MI(400))}},
     LIMITS_KEEP, LIMITS_HEADROOM, KEEP, KEEP, KEEP, KEEP, CPU_REQUEST, "limit-range:lr"},
    {"a pod without limits has the default in effect: `keep` counts it, the request stays below",
     {.replicas = 2, .limit_ranges = RANGE("Container", "\"default\":" PAIR("120", "536870912")), .count = 1, .containers = {APP(100, UNSET, MI(220), UNSET)}},
     LIMITS_KEEP, LIMITS_KEEP, 120, KEEP, KEEP, KEEP, CPU_REQUEST, "limit"},
    {"a limit is not taken away where a default would come in its place",
     {.replicas = 2, .limit_ranges = RANGE("Container", "\"default\":" PAIR("120", "536870912")), .count = 1, .containers = {APP(175, 400, MI(220), MI(240))}},
     LIMITS_REMOVE, LIMITS_REMOVE, KEEP, KEEP, KEEP, KEEP, CPU_LIMIT, "limit-range:lr"},
    {"… and is without any LimitRange",
     {.replicas = 2, .count = 1, .containers = {APP(175, 400, MI(220), MI(240))}},
     LIMITS_REMOVE, LIMITS_REMOVE, KEEP, KEEP, KEEP, KEEP, CPU_LIMIT, "removed"},
    /* A Pod's max asks for a limit: max(2 × 175, 1.2 × 300) = 360 */
    {"a limit that is asked for and missing is added",
     {.replicas = 2, .limit_ranges = RANGE("Pod", "\"max\":" PAIR("1000", "null")), .count = 1, .containers = {APP(300, UNSET, MI(220), MI(240))}},
     LIMITS_KEEP, LIMITS_KEEP, 175, KEEP, 360, KEEP, CPU_LIMIT, "limit-range:lr"},
    /* limit 400 ÷ 2 = 200 */
    {"a ratio: the request is not lowered past limit ÷ ratio",
     {.replicas = 2, .limit_ranges = RANGE("Container", "\"max_limit_request_ratio\":{\"cpu_thousandths\":2000,\"memory_thousandths\":null}"), .count = 1, .containers = {APP(300, 400, MI(220), MI(240))}},
     LIMITS_KEEP, LIMITS_KEEP, 200, KEEP, KEEP, KEEP, CPU_REQUEST, "limit-range:lr"},
    {"a Pod's least: what the other container does not bring",
     {.replicas = 2, .limit_ranges = RANGE("Pod", "\"min\":" PAIR("300", "null")), .count = 2, .containers = {APP(300, UNSET, MI(220), MI(240)),
          {.name = "side", .cpu_request = 50, .cpu_limit = UNSET, .memory_request = MI(32), .memory_limit = UNSET, .no_usage = true}}},
     LIMITS_KEEP, LIMITS_KEEP, 250, KEEP, KEEP, KEEP, CPU_REQUEST, "limit-range:lr"},
    {"a Pod's most: what the other container leaves",
     {.replicas = 2, .limit_ranges = RANGE("Pod", "\"max\":" PAIR("null", "314572800")), .count = 2, .containers = {APP(170, UNSET, MI(150), MI(200)),
          {.name = "side", .cpu_request = 50, .cpu_limit = UNSET, .memory_request = MI(32), .memory_limit = MI(64), .no_usage = true}}},
     LIMITS_KEEP, LIMITS_HEADROOM, KEEP, MI(220), KEEP, MI(236), MEMORY_LIMIT, "limit-range:lr"},
    /* ---- quotas: (1000 − 850) ÷ 3 replicas = 50 */
    {"an increase is capped to what is left of a quota for all replicas",
     {.replicas = 3, .quotas = QUOTA("\"requests.cpu\":1000", USED("\"requests.cpu\":850")), .count = 1, .containers = {APP(90, UNSET, MI(220), MI(240))}},
     LIMITS_KEEP, LIMITS_KEEP, 140, KEEP, KEEP, KEEP, CPU_REQUEST, "quota:q"},
    {"nothing is left: it stays",
     {.replicas = 3, .quotas = QUOTA("\"requests.cpu\":1000", USED("\"requests.cpu\":1000")), .count = 1, .containers = {APP(90, UNSET, MI(220), MI(240))}},
     LIMITS_KEEP, LIMITS_KEEP, KEEP, KEEP, KEEP, KEEP, CPU_REQUEST, "quota:q"},
    {"a quota never asks for less than today, and a decrease always fits",
     {.replicas = 3, .quotas = QUOTA("\"requests.cpu\":1000", USED("\"requests.cpu\":2000")), .count = 1, .containers = {APP(300, UNSET, MI(220), MI(240))}},
     LIMITS_KEEP, LIMITS_KEEP, 150, KEEP, KEEP, KEEP, CPU_REQUEST, NULL},
    {"how much is used is not known: it is only said",
     {.replicas = 2, .quotas = QUOTA("\"requests.cpu\":100", ""), .count = 1, .containers = {APP(90, UNSET, MI(220), MI(240))}},
     LIMITS_KEEP, LIMITS_KEEP, 175, KEEP, KEEP, KEEP, CPU_REQUEST, NULL},
    {"a quota of other pods does not count",
     {.replicas = 2, .quotas = QUOTA("\"requests.cpu\":100", USED("\"requests.cpu\":100") ",\"scopes\":[\"Terminating\"]"), .count = 1, .containers = {APP(90, UNSET, MI(220), MI(240))}},
     LIMITS_KEEP, LIMITS_KEEP, 175, KEEP, KEEP, KEEP, CPU_REQUEST, NULL},
    {"a quota of limits: they are not taken away",
     {.replicas = 2, .quotas = QUOTA("\"limits.cpu\":10000", ""), .count = 1, .containers = {APP(175, 400, MI(220), MI(240))}},
     LIMITS_REMOVE, LIMITS_KEEP, KEEP, KEEP, KEEP, KEEP, CPU_LIMIT, "quota:q"},
    /* each could have 60 more, both together could not */
    {"two containers that grow together past a quota: neither does",
     {.replicas = 2, .quotas = QUOTA("\"requests.cpu\":1000", USED("\"requests.cpu\":880")), .count = 2, .containers = {APP(110, UNSET, MI(220), MI(240)),
          {.name = "side", .cpu_request = 110, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200}}},
     LIMITS_KEEP, LIMITS_KEEP, KEEP, KEEP, KEEP, KEEP, CPU_REQUEST, "quota:q"},
};
/* clang-format on */

static void check_field(const struct truth *truth, enum field field, const struct plan *plan, int64_t expected)
{
    int64_t got = plan->containers[0].fields[field].value;
    if (got != expected) {
        fail_msg("%s: %s is %lld, expected %lld", truth->what, field_name(field), (long long)got, (long long)expected);
    }
}

/* Who moved a field, else who holds it. */
static const char *who(const struct field_plan *field)
{
    return field->remove ? "removed" : field->moved_by ? field->moved_by : field->rule;
}

static void known_truths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(truths); i++) {
        const struct truth *truth = &truths[i];
        struct policy policy = default_policy();
        struct made_plan made;
        policy.limits[CPU] = truth->cpu;
        policy.limits[MEMORY] = truth->memory;
        made_plan(&truth->workload, &policy, &made);
        check_field(truth, CPU_REQUEST, &made.plan, truth->cpu_request);
        check_field(truth, MEMORY_REQUEST, &made.plan, truth->memory_request);
        check_field(truth, CPU_LIMIT, &made.plan, truth->cpu_limit);
        check_field(truth, MEMORY_LIMIT, &made.plan, truth->memory_limit);
        const char *by = who(&made.plan.containers[0].fields[truth->by_field]);
        if (truth->by && !str_equal(by, truth->by)) {
            fail_msg("%s: %s by %s, expected %s", truth->what, field_name(truth->by_field), by, truth->by);
        }
        bool refused = truth->workload.limit_ranges && strstr(truth->what, "what is set today is more");
        assert_true(!refused || made.plan.refused_today != NULL);
        made_plan_release(&made);
    }
}

/* Amounts in effect, as the API server makes them. */
static void defaults_are_in_effect(void **state)
{
    (void)state;
    static const struct {
        int64_t request, limit, request_then, limit_then;
    } cases[] = {
        {UNSET, UNSET, 50, 200},  /* both defaults */
        {100, UNSET, 100, 200},   /* the limit's */
        {300, UNSET, 300, UNSET}, /* would be refused: not filled in */
        {UNSET, 80, UNSET, 80},   /* the limit is the request */
        {10, 20, 10, 20},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct made_workload workload = {
            .replicas = 1,
            .limit_ranges = RANGE("Container", "\"default\":" PAIR("200", "null") ",\"default_request\":" PAIR("50", "null")),
            .count = 1,
            .containers = {APP(cases[i].request, cases[i].limit, MI(220), MI(240))}};
        struct made_plan made;
        made_plan(&workload, NULL, &made);
        const struct container *container = &made.subject.containers[0];
        assert_int_equal(container->request[CPU], cases[i].request_then);
        assert_int_equal(container->limit[CPU], cases[i].limit_then);
        assert_int_equal(container->written_request[CPU], cases[i].request);
        assert_int_equal(made.plan.containers[0].fields[CPU_LIMIT].old, cases[i].limit);
        made_plan_release(&made);
    }
}

/* A pod that is Guaranteed by defaults alone stays so. */
static void defaults_make_the_class(void **state)
{
    (void)state;
    struct made_workload workload = {
        .replicas = 1,
        .limit_ranges = RANGE("Container", "\"default\":" PAIR("400", "419430400") ",\"default_request\":" PAIR("400", "419430400")),
        .count = 1,
        .containers = {APP(UNSET, UNSET, UNSET, UNSET)}};
    struct made_plan made;
    made_plan(&workload, NULL, &made);
    assert_int_equal(made.subject.qos, QOS_GUARANTEED);
    assert_int_equal(made.plan.containers[0].fields[CPU_LIMIT].value, 240);
    assert_int_equal(made.plan.containers[0].fields[CPU_REQUEST].value, KEEP);
    made_plan_release(&made);
}

static void needs_of_quotas(void **state)
{
    (void)state;
    struct made_workload workload = {.replicas = 2,
                                     .quotas = QUOTA("\"requests.cpu\":1000,\"requests.memory\":1", USED("\"requests.cpu\":900")),
                                     .count = 1,
                                     .containers = {APP(90, UNSET, MI(220), MI(240))}};
    struct made_plan made;
    made_plan(&workload, NULL, &made);
    assert_int_equal(made.plan.quota_need_count, 2);
    const struct quota_need *cpu = &made.plan.quota_needs[0];
    assert_int_equal(cpu->field, CPU_REQUEST);
    assert_true(cpu->more > 150 && cpu->more < 175 && cpu->room > 99 && cpu->room < 101);
    assert_false(cpu->fits);
    assert_true(isnan(made.plan.quota_needs[1].room) && made.plan.quota_needs[1].fits);
    assert_string_equal(cpu->quota->name, "q");
    made_plan_release(&made);
}

/* Names from outside are cut and lose what could steer a terminal. */
static void names_are_safe(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    json_t *workload = json_pack("{s:[{s:s,s:s}]}", "limit_ranges", "name", "a\x1b[2J\xc3\xa4", "type", "Container");
    const struct allowance *allowance = allowance_read(workload, false, &arena);
    assert_string_equal(allowance->ranges[0].by, "limit-range:a?[2J\xc3\xa4");
    json_decref(workload);
    arena_release(&arena);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_truths), cmocka_unit_test(defaults_are_in_effect),
                                       cmocka_unit_test(defaults_make_the_class), cmocka_unit_test(needs_of_quotas),
                                       cmocka_unit_test(names_are_safe)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
