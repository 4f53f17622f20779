/* The policy in force: the own file may be stricter, a weaker value is refused naming both; what is silent
 * comes from the stored policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/cli/inforce.h"

static struct config *config_of(const char *text)
{
    struct config *config = NULL;
    struct err err = {0};
    if (config_parse(text, strlen(text), "own.yaml", &config, &err)) {
        fail_msg("%s", err.message);
    }
    return config;
}

struct join_case {
    const char *stored;
    const char *own;
    const char *weaker; /* NULL: taken; else what the refusal must name */
};

#define DENY "windows:\n- {name: freeze, kind: deny, schedule: '0 0 * * *', duration: 1h}\n"

static const struct join_case cases[] = {
    {"policy: {guardrails: {max_increase_percent: 100}}", "version: 1", NULL},
    {"policy: {guardrails: {max_increase_percent: 100}}", "policy: {guardrails: {max_increase_percent: 100}}",
     NULL},
    {"policy: {guardrails: {max_increase_percent: 100}}", "policy: {guardrails: {max_increase_percent: 50}}",
     NULL},
    {"policy: {guardrails: {max_increase_percent: 100}}", "policy: {guardrails: {max_increase_percent: 101}}",
     "line 1: policy.guardrails.max_increase_percent: 101 is weaker than 100"},
    {"policy: {guardrails: {max_decrease_percent: 10}}", "policy: {guardrails: {max_decrease_percent: 11}}",
     "policy.guardrails.max_decrease_percent"},
    {"policy: {guardrails: {min_cpu: 50m}}", "policy: {guardrails: {min_cpu: 49m}}",
     "policy.guardrails.min_cpu"},
    {"policy: {guardrails: {min_cpu: 50m}}", "policy: {guardrails: {min_cpu: 51m}}", NULL},
    {"policy: {guardrails: {max_memory: 4Gi}}", "policy: {guardrails: {max_memory: 8Gi}}", "max_memory"},
    {"policy: {guardrails: {max_memory: 4Gi}}", "policy: {guardrails: {max_memory: null}}", "max_memory"},
    {"policy: {guardrails: {max_changes: 5}}", "policy: {guardrails: {max_changes: 6}}", "max_changes"},
    {"policy: {exclude: {namespaces: [a, b]}}", "policy: {exclude: {namespaces: [b]}}", "exclude.namespaces"},
    {"policy: {exclude: {namespaces: [a, b]}}", "policy: {exclude: {namespaces: [c, b, a]}}", NULL},
    {"policy: {exclude: {annotation: x/skip}}", "policy: {exclude: {annotation: y/skip}}",
     "exclude.annotation"},
    {"approvals: {required: 2}", "approvals: {required: 1}", "approvals.required"},
    {"approvals: {required: 2}", "approvals: {required: 3}", NULL},
    {"approvals: {expires_after: 1h}", "approvals: {expires_after: 2h}", "approvals.expires_after"},
    {"approvals: {separation_of_duties: true}", "approvals: {separation_of_duties: false}",
     "separation_of_duties"},
    {"approvals: {required: 1}", "approvals: {automatic: {max_risk: low}}", "approvals.automatic"},
    {"approvals: {automatic: {max_risk: medium}}", "approvals: {automatic: {max_risk: low}}", NULL},
    {"approvals: {automatic: {max_risk: low}}", "approvals: {automatic: {max_risk: high}}",
     "approvals.automatic"},
    {"approvals: {automatic: {max_risk: low, match: {namespaces: [dev]}}}",
     "approvals: {automatic: {max_risk: low}}", "approvals.automatic"},
    {"approvals: {automatic: {max_risk: low}}", "approvals: {automatic: null}", NULL},
    {"policy: {guardrails: {max_increase_percent: 100}}",
     "policy: {overrides: [{match: {namespaces: [dev]}, guardrails: {max_increase_percent: 300}}]}",
     "policy.overrides[0].guardrails.max_increase_percent"},
    {"approvals: {required: 1}",
     "policy: {overrides: [{match: {namespaces: [dev]}, approvals: {required: 0}}]}",
     "policy.overrides[0].approvals.required"},
    {DENY, DENY, NULL},
    {DENY, "windows:\n- {name: freeze, kind: deny, schedule: '0 0 * * *', duration: 5m}\n",
     "windows[0].name"},
    {DENY, "windows:\n- {name: other, kind: allow, schedule: '0 0 * * *', duration: 5m}\n", NULL},
};

static void test_join(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct config *own = config_of(cases[i].own);
        struct inforce inforce;
        struct err err = {0};
        int failed = inforce_join(cases[i].stored, own, &inforce, &err);
        if ((failed != 0) != (cases[i].weaker != NULL)) {
            fail_msg("case %zu: %s", i, failed ? err.message : "was taken");
        }
        if (failed) {
            assert_int_equal(err.class, ERR_CONFIG);
            if (strstr(err.message, cases[i].weaker) == NULL || strstr(err.message, "own.yaml") == NULL) {
                fail_msg("case %zu: %s", i, err.message);
            }
        }
        inforce_release(&inforce);
        config_free(own);
    }
}

static void test_silent_values_come_from_the_stored_policy(void **state)
{
    (void)state;
    struct config *own = config_of("approvals: {rules: [{required: 2, match: {namespaces: [prod]}}]}\n");
    struct inforce inforce;
    struct err err = {0};
    assert_int_equal(inforce_join("approvals: {required: 3, rules: [{required: 4, role: sre}]}\n" DENY, own,
                                  &inforce, &err),
                     0);
    assert_int_equal(json_int_or(inforce.approvals, "required", -1), 3);
    assert_int_equal(json_array_size(json_object_get(inforce.approvals, "rules")), 2);
    assert_int_equal(window_set_count(inforce.windows), 1);
    inforce_release(&inforce);
    config_free(own);
}

static void test_digest_tells_every_change(void **state)
{
    (void)state;
    static const char *const own_texts[] = {
        "version: 1",
        "approvals: {required: 2}",
        DENY,
        "policy: {guardrails: {max_increase_percent: 90}}",
        "policy: {exclude: {namespaces: [x]}}",
        "policy: {overrides: [{match: {namespaces: [x]}, qos_change: true}]}"};
    char seen[2 * ARRAY_COUNT(own_texts)][DIGEST_HEX];
    size_t count = 0;
    for (size_t i = 0; i < 2 * ARRAY_COUNT(own_texts); i++) {
        struct config *own = config_of(own_texts[i / 2]);
        struct inforce inforce;
        assert_int_equal(
            inforce_join(i % 2 == 0 ? NULL : "approvals: {required: 1}\npolicy: {exclude: {namespaces: []}}",
                         own, &inforce, NULL),
            0);
        for (size_t j = 0; j < count; j++) {
            assert_string_not_equal(seen[j], inforce.digest);
        }
        memcpy(seen[count++], inforce.digest, DIGEST_HEX);
        inforce_release(&inforce);
        config_free(own);
    }
    struct config *other = config_of("cluster: x\nmetrics: {window: 3d}");
    struct inforce inforce;
    assert_int_equal(inforce_join(NULL, other, &inforce, NULL), 0);
    assert_string_equal(inforce.digest, seen[0]);
    inforce_release(&inforce);
    config_free(other);
}

static void test_bad_window_names_file_line_and_key(void **state)
{
    (void)state;
    struct config *own =
        config_of("version: 1\nwindows:\n- name: a\n  kind: deny\n  schedule: 0 25 * * *\n  duration: 1h\n");
    struct inforce inforce;
    struct err err = {0};
    assert_int_equal(inforce_join(NULL, own, &inforce, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_non_null(strstr(err.message, "own.yaml, line 5: windows[0].schedule"));
    assert_true(err.hint[0] != '\0');
    inforce_release(&inforce);
    config_free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_silent_values_come_from_the_stored_policy),
        cmocka_unit_test(test_digest_tells_every_change),
        cmocka_unit_test(test_bad_window_names_file_line_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
