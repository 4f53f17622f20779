/* Approval rules: what a change needs, over rules, thresholds, overrides and the automatic rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/approval.h"

static json_t *parse(const char *text)
{
    json_error_t where;
    json_t *value = json_loads(text, 0, &where);
    if (value == NULL) {
        fail_msg("%s: %s", text, where.text);
    }
    return value;
}

#define RULE(body) "{\"rules\":[" body "]}"
#define TWO_PROD "{\"match\":{\"namespaces\":[\"prod-*\"]},\"required\":2}"
#define SRE "{\"match\":{\"namespaces\":[\"prod-*\"]},\"required\":1,\"role\":\"sre\"}"
#define DBA "{\"match\":{\"kinds\":[\"StatefulSet\"]},\"required\":3,\"role\":\"dba\"}"
#define AUTO "{\"required\":1,\"automatic\":{\"max_risk\":\"low\",\"match\":{\"namespaces\":[\"dev-*\"]}}"

struct need_case {
    const char *approvals;
    const char *namespace;
    const char *kind;
    enum risk risk;
    double decrease;
    double usd; /* below 0: not priced */
    int approvals_needed;
    const char *role;
    bool conflict;
};

static const struct need_case need_cases[] = {
    {"{}", "shop", "Deployment", RISK_LOW, 0, 0, 1, NULL, false},
    {"{\"required\":0}", "shop", "Deployment", RISK_HIGH, 50, 900, 0, NULL, false},
    {"{\"required\":3}", "shop", "Deployment", RISK_LOW, 0, 0, 3, NULL, false},
    {RULE(TWO_PROD), "shop", "Deployment", RISK_LOW, 0, 0, 1, NULL, false},
    {RULE(TWO_PROD), "prod-eu", "Deployment", RISK_LOW, 0, 0, 2, NULL, false},
    {RULE(SRE), "prod-eu", "Deployment", RISK_LOW, 0, 0, 1, "sre", false},
    {RULE(TWO_PROD "," SRE), "prod-eu", "Deployment", RISK_LOW, 0, 0, 2, "sre", false},
    {RULE(SRE "," DBA), "prod-eu", "StatefulSet", RISK_LOW, 0, 0, 3, "dba", true},
    {RULE(SRE "," DBA), "shop", "StatefulSet", RISK_LOW, 0, 0, 3, "dba", false},
    {RULE("{\"required\":2,\"role\":\"tare_approver\"}," SRE), "prod-eu", "Deployment", RISK_LOW, 0, 0, 2,
     "sre", false},
    /* thresholds: reached from the very value on */
    {RULE("{\"required\":2,\"when\":{\"decrease_percent\":30}}"), "a", "Job", RISK_LOW, 29.9, 0, 1, NULL,
     false},
    {RULE("{\"required\":2,\"when\":{\"decrease_percent\":30}}"), "a", "Job", RISK_LOW, 30, 0, 2, NULL,
     false},
    {RULE("{\"required\":2,\"when\":{\"monthly_usd\":500}}"), "a", "Job", RISK_LOW, 0, 499, 1, NULL, false},
    {RULE("{\"required\":2,\"when\":{\"monthly_usd\":500}}"), "a", "Job", RISK_LOW, 0, 500, 2, NULL, false},
    {RULE("{\"required\":2,\"when\":{\"monthly_usd\":500}}"), "a", "Job", RISK_LOW, 0, -1, 2, NULL, false},
    {RULE("{\"required\":2,\"when\":{\"risk\":\"medium\"}}"), "a", "Job", RISK_LOW, 0, 0, 1, NULL, false},
    {RULE("{\"required\":2,\"when\":{\"risk\":\"medium\"}}"), "a", "Job", RISK_HIGH, 0, 0, 2, NULL, false},
    {RULE("{\"required\":2,\"when\":{\"risk\":\"high\",\"decrease_percent\":30}}"), "a", "Job", RISK_LOW, 40,
     0, 2, NULL, false},
    {RULE("{\"required\":2,\"when\":{\"risk\":null,\"decrease_percent\":null}}"), "a", "Job", RISK_LOW, 0, 0,
     2, NULL, false},
    /* automatic */
    {AUTO "}", "dev-a", "Deployment", RISK_LOW, 0, 0, 0, NULL, false},
    {AUTO "}", "dev-a", "Deployment", RISK_MEDIUM, 0, 0, 1, NULL, false},
    {AUTO "}", "prod-a", "Deployment", RISK_LOW, 0, 0, 1, NULL, false},
    {AUTO ",\"rules\":[{\"required\":2,\"when\":{\"monthly_usd\":100}}]}", "dev-a", "Job", RISK_LOW, 0, 100,
     2, NULL, false},
    {AUTO ",\"rules\":[{\"required\":2,\"when\":{\"monthly_usd\":100}}]}", "dev-a", "Job", RISK_LOW, 0, 10, 0,
     NULL, false},
    {"{\"automatic\":null,\"rules\":null}", "dev-a", "Job", RISK_LOW, 0, 0, 1, NULL, false},
    {"{\"automatic\":{\"match\":{}}}", "dev-a", "Job", RISK_LOW, 0, 0, 1, NULL, false},
};

static void test_needs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(need_cases); i++) {
        const struct need_case *c = &need_cases[i];
        json_t *approvals = parse(c->approvals);
        json_t *workload = json_pack("{s:s}", "kind", c->kind);
        struct approval_facts facts = {.workload = workload,
                                       .namespace = c->namespace,
                                       .risk = c->risk,
                                       .decrease_percent = c->decrease,
                                       .priced = c->usd >= 0,
                                       .monthly_usd = c->usd};
        struct approval_requirement need;
        approval_require(approvals, NULL, &facts, &need);
        if (need.approvals != c->approvals_needed || need.conflict != c->conflict || need.rule[0] == '\0' ||
            (c->role == NULL) != (need.role == NULL) ||
            (c->role != NULL && strcmp(c->role, need.role) != 0)) {
            fail_msg("case %zu: %d approvals by %s (%s)", i, need.approvals,
                     need.role == NULL ? "anyone" : need.role, need.rule);
        }
        json_decref(workload);
        json_decref(approvals);
    }
}

static void test_overrides(void **state)
{
    (void)state;
    json_t *approvals = parse("{\"required\":2}");
    json_t *overrides = parse("[{\"match\":{\"namespaces\":[\"dev-*\"]},\"approvals\":{\"required\":0}},"
                              "{\"match\":{\"labels\":{\"tier\":\"gold\"}},\"approvals\":{\"required\":4}},"
                              "{\"match\":{\"namespaces\":[\"dev-*\"]},\"aggressiveness\":\"lean\"}]");
    json_t *plain = parse("{\"kind\":\"Deployment\"}");
    json_t *gold = parse("{\"kind\":\"Deployment\",\"labels\":{\"tier\":\"gold\"}}");
    struct approval_requirement need;
    struct approval_facts facts = {.workload = plain, .namespace = "dev-a", .priced = true};
    approval_require(approvals, overrides, &facts, &need);
    assert_int_equal(need.approvals, 0);
    assert_string_equal(need.rule, "policy.overrides[0].approvals.required");
    facts.workload = gold;
    approval_require(approvals, overrides, &facts, &need);
    assert_int_equal(need.approvals, 4);
    facts.workload = plain;
    facts.namespace = "shop";
    approval_require(approvals, overrides, &facts, &need);
    assert_int_equal(need.approvals, 2);
    json_decref(approvals);
    json_decref(overrides);
    json_decref(plain);
    json_decref(gold);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"required\":-1}",       "{\"required\":101}",
                                      RULE("{\"required\":-1}"), RULE("{\"role\":\"\"}"),
                                      "{\"expires_after\":0}",   "{\"automatic\":{\"match\":{}}}"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        json_t *approvals = parse(bad[i]);
        struct err err = {0};
        assert_int_equal(approval_check(approvals, "tare.yaml", &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
        assert_non_null(strstr(err.message, "tare.yaml: approvals."));
        json_decref(approvals);
    }
    assert_int_equal(approval_check(NULL, "tare.yaml", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
