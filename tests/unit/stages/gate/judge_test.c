/* The gate's own judgement: guardrails on the edits, exclusions, what approvals a change needs, the quota of
 * a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/gate/judge.h"
#include "stages/gate/quota.h"

struct fixture {
    struct config *own;
    struct inforce inforce;
    struct judge judge;
};

static void open_fixture(struct fixture *fixture, const char *stored, const char *own)
{
    struct err err = {0};
    if (config_parse(own, strlen(own), "own.yaml", &fixture->own, &err) ||
        inforce_join(stored, fixture->own, &fixture->inforce, &err)) {
        fail_msg("%s", err.message);
    }
    fixture->judge = (struct judge){.inforce = &fixture->inforce, .default_namespace = "default"};
}

static void close_fixture(struct fixture *fixture)
{
    inforce_release(&fixture->inforce);
    config_free(fixture->own);
}

/* A record with one edit, or none where `to` is "-". */
static json_t *record_of(const char *namespace, const char *path, const char *from, const char *to,
                         const char *risk)
{
    json_t *edits = json_array();
    if (to == NULL || strcmp(to, "-") != 0) {
        json_array_append_new(edits, json_pack("{s:s,s:s,s:s?,s:s?}", "container", "app", "path", path,
                                               "from", from, "to", to));
    }
    return json_pack("{s:{s:s,s:s,s:s?},s:{s:o},s:{s:s?},s:{s:I},s:[]}", "workload", "kind", "Deployment",
                     "name", "cart", "namespace", namespace, "change", "edits", edits, "recommendation",
                     "risk", risk, "cost", "monthly_saving_microusd", (json_int_t)5000000, "problems");
}

static bool has_reason(const struct judgement *judgement, const char *code, bool ok)
{
    size_t index = 0;
    const json_t *reason = NULL;
    json_array_foreach(judgement->reasons, index, reason)
    {
        if (strcmp(json_string_value(json_object_get(reason, "code")), code) == 0 &&
            json_is_true(json_object_get(reason, "ok")) == ok) {
            return true;
        }
    }
    return false;
}

#define CPU "spec.template.spec.containers[0].resources.requests.cpu"
#define MEMORY "spec.template.spec.containers[0].resources.limits.memory"

struct judge_case {
    const char *stored;
    const char *own;
    const char *namespace;
    const char *path;
    const char *from;
    const char *to;
    bool changes;
    bool blocked;
    const char *code; /* of a reason that must be there with ok = !blocked */
};

static const struct judge_case cases[] = {
    {NULL, "version: 1", "shop", CPU, "500m", "300m", true, false, "max_decrease_percent"},
    {NULL, "version: 1", "shop", CPU, "500m", "249m", true, true, "max_decrease_percent"},
    {NULL, "version: 1", "shop", CPU, "500m", "250m", true, false, "max_decrease_percent"},
    {NULL, "version: 1", "shop", CPU, "100m", "301m", true, true, "max_increase_percent"},
    {NULL, "version: 1", "shop", CPU, "15m", "9m", true, true, "min_cpu"},
    {NULL, "version: 1", "shop", MEMORY, "48Mi", "31Mi", true, true, "min_memory"},
    {NULL, "policy: {guardrails: {max_memory: 1Gi}}", "shop", MEMORY, "1Gi", "1025Mi", true, true,
     "max_memory"},
    {NULL, "version: 1", "shop", CPU, NULL, "300m", true, false, "exclude"},
    {NULL, "version: 1", "shop", CPU, "500m", "-", false, false, "edits"},
    {NULL, "version: 1", "kube-system", CPU, "500m", "400m", true, true, "exclude"},
    {NULL, "version: 1", "shop", "spec.replicas", "3", "1", true, true, "edit"},
    {NULL, "version: 1", "shop", CPU, "500m", "lots", true, true, "edit"},
    /* the stored policy counts where the own file is silent, the stricter where it is not */
    {"policy: {guardrails: {max_decrease_percent: 80}}", "version: 1", "shop", CPU, "500m", "150m", true,
     false, "max_decrease_percent"},
    {"policy: {guardrails: {max_decrease_percent: 80}}", "policy: {guardrails: {max_decrease_percent: 60}}",
     "shop", CPU, "500m", "150m", true, true, "max_decrease_percent"},
    {"policy: {exclude: {namespaces: [shop]}}", "version: 1", "shop", CPU, "500m", "400m", true, true,
     "exclude"},
    {"policy: {exclude: {namespaces: [shop]}}", "version: 1", "kube-system", CPU, "500m", "400m", true, false,
     "exclude"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct judge_case *c = &cases[i];
        struct fixture fixture;
        open_fixture(&fixture, c->stored, c->own);
        json_t *record = record_of(c->namespace, c->path, c->from, c->to, "low");
        struct judgement judgement;
        judge_record(&fixture.judge, record, &judgement);
        if (judgement.changes != c->changes || judgement.blocked != c->blocked ||
            !has_reason(&judgement, c->code, !c->blocked)) {
            char *text = json_dumps(judgement.reasons, JSON_COMPACT);
            fail_msg("case %zu: changes %d, blocked %d: %s", i, judgement.changes, judgement.blocked, text);
        }
        judgement_release(&judgement);
        json_decref(record);
        close_fixture(&fixture);
    }
}

static void test_annotation(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, NULL, "version: 1");
    json_t *record = record_of("shop", CPU, "500m", "400m", "low");
    json_object_set_new(json_object_get(record, "workload"), "annotations",
                        json_pack("{s:s}", "tare.dev/skip", "true"));
    struct judgement judgement;
    judge_record(&fixture.judge, record, &judgement);
    assert_true(judgement.blocked);
    judgement_release(&judgement);
    json_decref(record);
    close_fixture(&fixture);
}

static void test_facts_reach_the_rules(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *from, *to, *risk;
        int needed;
    } rows[] = {
        {"{required: 2, when: {decrease_percent: 40}}", "500m", "300m", "low", 2},
        {"{required: 2, when: {decrease_percent: 40}}", "500m", "301m", "low", 1},
        {"{required: 2, when: {decrease_percent: 100}}", "500m", NULL, "low", 2},
        {"{required: 2, when: {increase_percent: 100}}", "100m", "200m", "low", 2},
        {"{required: 2, when: {monthly_usd: 5}}", "100m", "110m", "low", 2},
        {"{required: 2, when: {monthly_usd: 6}}", "100m", "110m", "low", 1},
        {"{required: 2, when: {risk: medium}}", NULL, "110m", "low", 2}, /* no old value: at least medium */
        {"{required: 2, when: {risk: medium}}", "100m", "110m", "low", 1},
        {"{required: 2, when: {risk: high}}", "100m", "110m", NULL, 2}, /* unknown risk counts as high */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fixture fixture;
        char own[256];
        snprintf(own, sizeof own, "approvals: {rules: [%s]}", rows[i].rules);
        open_fixture(&fixture, NULL, own);
        json_t *record = record_of("shop", CPU, rows[i].from, rows[i].to, rows[i].risk);
        struct judgement judgement;
        judge_record(&fixture.judge, record, &judgement);
        if (judgement.need.approvals != rows[i].needed) {
            fail_msg("row %zu: %d approvals", i, judgement.need.approvals);
        }
        judgement_release(&judgement);
        json_decref(record);
        close_fixture(&fixture);
    }
}

static void test_duplicates_on_a_cluster(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, NULL, "version: 1");
    json_t *record = record_of("shop", CPU, "500m", "400m", "low");
    json_array_append_new(json_object_get(record, "problems"),
                          json_pack("{s:s,s:s}", "stage", "parse", "code", "duplicate-identity"));
    for (int cluster = 0; cluster < 2; cluster++) {
        fixture.judge.cluster = cluster == 1;
        struct judgement judgement;
        judge_record(&fixture.judge, record, &judgement);
        assert_int_equal(judgement.blocked, cluster);
        judgement_release(&judgement);
    }
    json_decref(record);
    close_fixture(&fixture);
}

static void test_quota(void **state)
{
    (void)state;
    struct quota quota = {0};
    quota_add(&quota, 3, RISK_HIGH, 900);
    quota_add(&quota, 5, RISK_LOW, 10);
    quota_add(&quota, 8, RISK_LOW, 20);
    quota_add(&quota, 9, RISK_MEDIUM, 500);
    quota_add(&quota, 11, RISK_LOW, 10);
    quota_choose(&quota, 3);
    assert_false(quota_keeps(&quota, 3));
    assert_true(quota_keeps(&quota, 5) && quota_keeps(&quota, 8) && quota_keeps(&quota, 11));
    assert_false(quota_keeps(&quota, 9));
    quota_release(&quota);
    quota_add(&quota, 3, RISK_HIGH, 900);
    quota_choose(&quota, -1);
    assert_true(quota_keeps(&quota, 3));
    quota_choose(&quota, 0);
    assert_false(quota_keeps(&quota, 3));
    quota_release(&quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_annotation),
        cmocka_unit_test(test_facts_reach_the_rules),
        cmocka_unit_test(test_duplicates_on_a_cluster),
        cmocka_unit_test(test_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
