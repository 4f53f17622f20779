/* A run's own file against the stored policy, key by key: as strict or stricter passes, weaker is refused with line and key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/cli/stricter.h"

static struct config *load(const char *text, const char *name)
{
    struct config *config = NULL;
    struct err err = {0};
    if (config_parse(text, strlen(text), name, &config, &err)) {
        fail_msg("%s", err.message);
    }
    return config;
}

static void test_key_by_key(void **state)
{
    (void)state;
    static const struct {
        const char *stored;
        const char *own;
        const char *weaker; /* the key that is named, NULL where it passes */
    } cases[] = {
        {"policy: {guardrails: {max_decrease_percent: 40}}\n", "cluster: a\n", NULL},
        {"policy: {guardrails: {max_decrease_percent: 40}}\n", "policy: {guardrails: {max_decrease_percent: 40}}\n", NULL},
        {"policy: {guardrails: {max_decrease_percent: 40}}\n", "policy: {guardrails: {max_decrease_percent: 10}}\n", NULL},
        {"policy: {guardrails: {max_decrease_percent: 40}}\n", "policy: {guardrails: {max_decrease_percent: 41}}\n",
         "policy.guardrails.max_decrease_percent"},
        {"policy: {guardrails: {max_increase_percent: 100}}\n", "policy: {guardrails: {max_increase_percent: 101}}\n",
         "policy.guardrails.max_increase_percent"},
        {"policy: {guardrails: {min_memory: 64Mi}}\n", "policy: {guardrails: {min_memory: 128Mi}}\n", NULL},
        {"policy: {guardrails: {min_memory: 64Mi}}\n", "policy: {guardrails: {min_memory: 32Mi}}\n", "policy.guardrails.min_memory"},
        {"approvals: {required: 2}\n", "approvals: {required: 3}\n", NULL},
        {"approvals: {required: 2}\n", "approvals: {required: 1}\n", "approvals.required"},
        {"approvals: {separation_of_duties: true}\n", "approvals: {separation_of_duties: false}\n", "approvals.separation_of_duties"},
        {"cluster: a\n", "apply: {advice: [hpa]}\n", NULL},
        {"apply: {advice: [hpa, vpa]}\n", "apply: {advice: [vpa]}\n", NULL},
        {"apply: {advice: [hpa, vpa]}\n", "apply: {advice: [vpa, keda]}\n", "apply.advice"},
        {"apply: {advice: []}\n", "apply: {advice: [hpa]}\n", "apply.advice"},
        {"apply: {advice: [hpa]}\n", "policy: {overrides: [{match: {namespaces: [a]}, apply: {advice: [none]}}]}\n", NULL},
        {"apply: {advice: [hpa]}\n", "policy: {overrides: [{match: {namespaces: [a]}, apply: {advice: [vpa]}}]}\n",
         "policy.overrides[0].apply.advice"},
        {"policy: {overrides: [{match: {namespaces: [\"*\"]}, apply: {advice: [none]}}]}\n",
         "policy: {overrides: [{match: {namespaces: [a]}, apply: {advice: [vpa]}}]}\n", "policy.overrides[0].apply.advice"},
        {"approvals: {separation_of_duties: false}\n", "approvals: {separation_of_duties: true}\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct config *stored = load(cases[i].stored, "the stored policy");
        struct config *own = load(cases[i].own, "tare.yaml");
        struct err err = {0};
        int failed = stricter_check(stored, own, &err);
        if ((failed != 0) != (cases[i].weaker != NULL)) {
            fail_msg("%s against %s: %s", cases[i].own, cases[i].stored, failed ? err.message : "passed");
        }
        if (failed) {
            assert_int_equal(err.class, ERR_CONFIG);
            assert_non_null(strstr(err.message, "tare.yaml, line 1"));
            assert_non_null(strstr(err.message, cases[i].weaker));
        }
        config_free(stored);
        config_free(own);
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_key_by_key)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
