/* The gate's own judgement: guardrails on the edits, exclusions, what approvals a change needs, the quota of
 * a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/judge/judge.h"
#include "stages/common/judge/quota.h"
#include "stages/common/judge/verdict.h"

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
    return json_pack("{s:{s:s,s:s,s:s?},s:{s:o},s:{s:s?,s:s},s:{s:I},s:[]}", "workload", "kind", "Deployment",
                     "name", "cart", "namespace", namespace, "change", "edits", edits, "recommendation",
                     "risk", risk, "class", "web", "cost", "monthly_saving_microusd", (json_int_t)5000000, "problems");
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
    /* a stricter floor or ceiling of the own file wins over percents, but not over those of the stored policy */
    {"version: 1", "policy: {guardrails: {min_cpu: 4}}", "shop", CPU, "100m", "4", true, true, "max_increase_percent"},
    {"version: 1", "policy: {guardrails: {max_cpu: 100m}}", "shop", CPU, "1", "100m", true, true, "max_decrease_percent"},
    {NULL, "policy: {guardrails: {max_cpu: 100m}}", "shop", CPU, "1", "100m", true, false, "max_decrease_percent"},
    /* amounts */
    {NULL, "policy: {guardrails: {max_increase_cpu: 100m}}", "shop", CPU, "200m", "300m", true, false, "max_increase_cpu"},
    {NULL, "policy: {guardrails: {max_increase_cpu: 100m}}", "shop", CPU, "200m", "301m", true, true, "max_increase_cpu"},
    {NULL, "policy: {guardrails: {max_increase_cpu: 100m}}", "shop", CPU, "0", "101m", true, true, "max_increase_cpu"},
    {NULL, "policy: {guardrails: {max_decrease_cpu: 100m}}", "shop", CPU, "400m", "299m", true, true, "max_decrease_cpu"},
    {NULL, "policy: {guardrails: {max_decrease_cpu: 100m}}", "shop", CPU, "400m", "300m", true, false, "max_decrease_cpu"},
    {NULL, "policy: {guardrails: {max_increase_memory: 64Mi}}", "shop", MEMORY, "128Mi", "193Mi", true, true, "max_increase_memory"},
    {NULL, "policy: {guardrails: {max_decrease_memory: 64Mi}}", "shop", MEMORY, "256Mi", "191Mi", true, true, "max_decrease_memory"},
    {"policy: {guardrails: {max_decrease_memory: 1Gi}}", "policy: {guardrails: {max_decrease_memory: 64Mi}}", "shop", MEMORY, "256Mi",
     "191Mi", true, true, "max_decrease_memory"},
    /* what is never changed */
    {NULL, "policy: {exclude: {kinds: [Deployment]}}", "shop", CPU, "500m", "400m", true, true, "exclude"},
    {NULL, "policy: {exclude: {kinds: [StatefulSet]}}", "shop", CPU, "500m", "400m", true, false, "exclude"},
    {NULL, "policy: {exclude: {workloads: [shop/Deployment/cart]}}", "shop", CPU, "500m", "400m", true, true, "exclude"},
    {NULL, "policy: {exclude: {workloads: ['*/Deployment/ca*']}}", "shop", CPU, "500m", "400m", true, true, "exclude"},
    {NULL, "policy: {exclude: {workloads: [shop/Deployment/car]}}", "shop", CPU, "500m", "400m", true, false, "exclude"},
    {"policy: {exclude: {workloads: [shop/*]}}", "policy: {exclude: {kinds: [Job]}}", "shop", CPU, "500m", "400m", true, true, "exclude"},
    /* the own file's defaults say nothing beside a stored policy */
    {"policy: {exclude: {namespaces: []}}", "policy: {exclude: {kinds: [Job]}}", "kube-system", CPU, "500m", "400m", true, false,
     "exclude"},
    {"policy: {guardrails: {max_decrease_percent: 80}}",
     "policy: {overrides: [{match: {namespaces: [shop]}, guardrails: {max_increase_percent: 10}}]}", "shop", CPU, "500m", "150m", true,
     false, "max_decrease_percent"},
    /* an override of a class */
    {NULL, "policy: {overrides: [{match: {classes: [web]}, guardrails: {max_decrease_percent: 10}}]}", "shop", CPU, "500m", "400m",
     true, true, "max_decrease_percent"},
    {NULL, "policy: {overrides: [{match: {classes: [database]}, guardrails: {max_decrease_percent: 10}}]}", "shop", CPU, "500m",
     "400m", true, false, "max_decrease_percent"},
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

/* $5 a month is too little where $6 is asked for, unless the change raises something, costs more, or is not priced. */
static void test_saving(void **state)
{
    (void)state;
    static const struct {
        const char *least, *to;
        int64_t saving;
        bool priced, trifle;
    } rows[] = {
        {"6", "400m", 5000000, true, true},   {"5", "400m", 5000000, true, false}, {"6", "600m", 5000000, true, false},
        {"6", "400m", -1000000, true, false}, {"6", "400m", 0, false, false},      {"6", "400m", 0, true, true},
        {"0", "400m", 0, true, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fixture fixture;
        char own[256];
        snprintf(own, sizeof own, "policy: {guardrails: {min_monthly_saving_usd: %s}}", rows[i].least);
        open_fixture(&fixture, NULL, own);
        json_t *record = record_of("shop", CPU, "500m", rows[i].to, "low");
        json_object_set_new(json_object_get(record, "cost"), "monthly_saving_microusd",
                            rows[i].priced ? json_integer(rows[i].saving) : json_null());
        struct judgement judgement;
        judge_record(&fixture.judge, record, &judgement);
        if (judgement.trifle != rows[i].trifle || judgement.blocked ||
            (rows[i].least[0] != '0' && !has_reason(&judgement, "min_saving", !rows[i].trifle))) {
            fail_msg("row %zu: trifle %d", i, judgement.trifle);
        }
        assert_string_equal(verdict_of(&judgement, false, true, false), rows[i].trifle ? "unchanged" : "needs-approval");
        judgement_release(&judgement);
        json_decref(record);
        close_fixture(&fixture);
    }
}

/* What the ledger keeps of a change. */
static void test_facts(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, NULL, "approvals: {rules: [{match: {labels: {tier: a, zone: b}}}]}");
    json_t *record = record_of("shop", CPU, "300m", "200m", "low");
    json_object_set_new(json_object_get(record, "workload"), "labels", json_pack("{s:s,s:s}", "tier", "b", "team", "x"));
    struct judgement judgement;
    judge_record(&fixture.judge, record, &judgement);
    char *text = json_text(judgement.facts);
    assert_string_equal(text, "{\"class\":\"web\",\"decrease_percent\":33.333333,\"increase_percent\":0.0,"
                              "\"labels\":{\"tier\":\"b\",\"zone\":null},"
                              "\"monthly_usd\":5.0,\"risk\":\"low\"}");
    free(text);
    judgement_release(&judgement);
    json_decref(record);
    close_fixture(&fixture);
}

/* More replicas than advice may ask for are told, and keep nothing from being applied. */
static void test_replicas(void **state)
{
    (void)state;
    static const struct {
        const char *scaling;
        int ok; /* -1: nothing is said */
    } rows[] = {
        {"{\"replicas\":{\"now\":3,\"advised\":9}}", 0},
        {"{\"replicas\":{\"now\":3,\"advised\":8}}", 1},
        {"{\"replicas\":{\"now\":12,\"advised\":9}}", -1},
        {"{\"autoscaler\":{\"action\":\"create\",\"max\":9}}", 0},
        {"{\"autoscaler\":{\"action\":\"none\",\"max\":9}}", -1},
        {"{\"autoscaler\":{\"action\":\"change\",\"max\":20,\"max_before\":20}}", -1},
        {"{\"schedule\":{\"entries\":[{\"replicas\":2},{\"replicas\":11}]}}", 0},
        {"{\"policies\":[{\"advised\":9}]}", 0},
        {"null", -1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct fixture fixture;
        open_fixture(&fixture, NULL, "policy: {guardrails: {max_replicas: 8}}");
        json_t *record = record_of("shop", CPU, "500m", "400m", "low");
        json_object_set_new(json_object_get(record, "recommendation"), "scaling", json_loads(rows[i].scaling, JSON_DECODE_ANY, NULL));
        struct judgement judgement;
        judge_record(&fixture.judge, record, &judgement);
        if (judgement.blocked || has_reason(&judgement, "max_replicas", true) != (rows[i].ok == 1) ||
            has_reason(&judgement, "max_replicas", false) != (rows[i].ok == 0)) {
            fail_msg("row %zu", i);
        }
        judgement_release(&judgement);
        json_decref(record);
        close_fixture(&fixture);
    }
}

/* A HorizontalPodAutoscaler for the record's workload, as tare-diff writes it. */
static void add_object(json_t *record, const char *namespace, const char *target, const char *most)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"objects\":[{\"kind\":\"HorizontalPodAutoscaler\",\"api_version\":\"autoscaling/v2\",\"namespace\":\"%s\",\"name\":\"cart\","
             "\"advice\":\"hpa\",\"yaml\":\"x\",\"manifest\":{\"apiVersion\":\"autoscaling/v2\",\"kind\":\"HorizontalPodAutoscaler\","
             "\"metadata\":{\"name\":\"cart\",\"namespace\":\"%s\"},\"spec\":{\"maxReplicas\":%s,\"scaleTargetRef\":{\"kind\":"
             "\"Deployment\",\"name\":\"%s\"}}}}],\"objects_file\":\"deploy/tare-shop-deployment-cart.yaml\"}",
             namespace, namespace, most, target);
    json_t *members = json_loads(text, 0, NULL);
    json_object_update(json_object_get(record, "change"), members);
    json_decref(members);
}

struct object_case {
    const char *stored, *own, *to, *target, *most, *more; /* `more`: members of the workload */
    bool cluster, blocked;
    int approvals;
};

static const struct object_case object_cases[] = {
    {NULL, "apply: {advice: [hpa]}", "400m", "cart", "4", NULL, false, false, 1},
    {NULL, "apply: {advice: [hpa]}", "-", "cart", "4", NULL, false, false, 1}, /* without a resize, too */
    {NULL, "{apply: {advice: [hpa]}, approvals: {required: 0}}", "-", "cart", "4", NULL, false, false, 1},
    {NULL, "{apply: {advice: [hpa]}, approvals: {automatic: {max_risk: high}}}", "400m", "cart", "4", NULL, false, false, 1},
    {NULL, "{apply: {advice: [hpa]}, approvals: {rules: [{required: 3, when: {risk: medium}}]}}", "-", "cart", "4", NULL, false, false, 3},
    {NULL, "version: 1", "-", "cart", "4", NULL, false, true, 1},
    {NULL, "apply: {advice: [vpa]}", "-", "cart", "4", NULL, false, true, 1},
    {NULL, "{apply: {advice: [hpa]}, policy: {overrides: [{match: {namespaces: [shop]}, apply: {advice: [none]}}]}}", "-", "cart", "4", NULL,
     false, true, 1},
    {NULL, "policy: {overrides: [{match: {namespaces: [shop]}, apply: {advice: [hpa]}}]}", "-", "cart", "4", NULL, false, false, 1},
    {"policy: {overrides: [{match: {namespaces: [shop]}, apply: {advice: [vpa]}}]}", "apply: {advice: [hpa]}", "-", "cart", "4", NULL, false,
     true, 1},
    {"approvals: {required: 2}", "apply: {advice: [hpa]}", "-", "cart", "4", NULL, false, false, 2},
    {"approvals: {required: 2}", "version: 1", "-", "cart", "4", NULL, false, false, 2}, /* as the conductor asks before approvals */
    {"apply: {advice: [vpa]}", "version: 1", "-", "cart", "4", NULL, false, true, 1},
    {NULL, "apply: {advice: [hpa]}", "-", "other", "4", NULL, false, true, 1}, /* it aims at something else */
    {NULL, "{apply: {advice: [hpa]}, policy: {guardrails: {max_replicas: 3}}}", "-", "cart", "4", NULL, false, true, 1},
    {NULL, "{apply: {advice: [hpa]}, policy: {guardrails: {max_replicas: 4}}}", "-", "cart", "4", NULL, false, false, 1},
    {NULL, "{apply: {advice: [hpa]}, policy: {guardrails: {min_monthly_saving_usd: 1000}}}", "400m", "cart", "4", NULL, false, false, 1},
    {NULL, "apply: {advice: [hpa]}", "-", "cart", "4", "{\"autoscaler\":{\"kind\":\"ScaledObject\",\"name\":\"k\"}}", false, true, 1},
    {NULL, "apply: {advice: [hpa]}", "-", "cart", "4",
     "{\"autoscaler\":{\"kind\":\"VerticalPodAutoscaler\",\"name\":\"v\",\"also\":[{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"h\"}]}}", false,
     true, 1},
    {NULL, "apply: {advice: [hpa]}", "-", "cart", "4", "{\"autoscaler\":{\"kind\":\"VerticalPodAutoscaler\",\"name\":\"v\"}}", false, false, 1},
    {NULL, "apply: {advice: [hpa]}", "-", "cart", "4", "{\"annotations\":{\"argocd.argoproj.io/tracking-id\":\"a\"}}", true, true, 1},
    {NULL, "apply: {advice: [hpa]}", "-", "cart", "4", "{\"annotations\":{\"argocd.argoproj.io/tracking-id\":\"a\"}}", false, false, 1},
    {NULL, "apply: {advice: [hpa]}", "-", "cart", "4", "{\"labels\":{\"kustomize.toolkit.fluxcd.io/name\":\"a\"}}", true, true, 1},
};

/* New objects: somebody always approves them, at medium risk or more; what they may not be holds the change back. */
static void test_new_objects(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(object_cases); i++) {
        const struct object_case *one = &object_cases[i];
        struct fixture fixture;
        struct judgement judgement;
        open_fixture(&fixture, one->stored, one->own);
        fixture.judge.cluster = one->cluster;
        json_t *record = record_of("shop", CPU, "500m", one->to, "low");
        add_object(record, "shop", one->target, one->most);
        json_t *more = one->more == NULL ? NULL : json_loads(one->more, 0, NULL);
        json_object_update(json_object_get(record, "workload"), more);
        json_decref(more);
        judge_record(&fixture.judge, record, &judgement);
        bool told = has_reason(&judgement, "new-object", true) || has_reason(&judgement, "new-object", false);
        if (!judgement.changes || judgement.blocked != one->blocked || judgement.trifle || judgement.risk < RISK_MEDIUM || !told ||
            judgement.need.approvals != one->approvals || json_integer_value(json_object_get(judgement.facts, "new_objects")) != 1) {
            char *reasons = json_text(judgement.reasons);
            fail_msg("case %zu: blocked %d, approvals %d, %s", i, judgement.blocked, judgement.need.approvals, reasons);
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

/* A change of kind Pod or Job can only go into files. */
static void test_kinds_without_template(void **state)
{
    (void)state;
    static const char *const kinds[] = {"Pod", "Job", "Deployment", "CronJob"};
    for (size_t i = 0; i < 2 * ARRAY_COUNT(kinds); i++) {
        struct fixture fixture;
        struct judgement judgement;
        open_fixture(&fixture, NULL, "version: 1");
        json_t *record = record_of("shop", CPU, "500m", "400m", "low");
        json_object_set_new(json_object_get(record, "workload"), "kind", json_string(kinds[i / 2]));
        fixture.judge.cluster = i % 2 == 1;
        judge_record(&fixture.judge, record, &judgement);
        assert_int_equal(judgement.blocked, i / 2 < 2 && fixture.judge.cluster);
        assert_int_equal(has_reason(&judgement, "template", false), judgement.blocked);
        judgement_release(&judgement);
        json_decref(record);
        close_fixture(&fixture);
    }
}

static void test_quota(void **state)
{
    (void)state;
    struct quota quota = {0};
    uint32_t shop = quota_workload(&quota, NULL, "shop");
    quota_add(&quota, 3, shop, RISK_HIGH, 900);
    quota_add(&quota, 5, shop, RISK_LOW, 10);
    quota_add(&quota, 8, shop, RISK_LOW, 20);
    quota_add(&quota, 9, shop, RISK_MEDIUM, 500);
    quota_add(&quota, 11, shop, RISK_LOW, 10);
    quota.spaces[shop].workloads = 20;
    quota_choose(&quota, 3, -1);
    assert_int_equal(quota_fate_of(&quota, 3), QUOTA_RUN);
    assert_int_equal(quota_fate_of(&quota, 9), QUOTA_RUN);
    for (size_t i = 5; i < 12; i += 3) {
        assert_int_equal(quota_fate_of(&quota, i), QUOTA_KEPT);
    }
    quota_release(&quota);
    shop = quota_workload(&quota, NULL, "shop");
    quota_add(&quota, 3, shop, RISK_HIGH, 900);
    quota_choose(&quota, -1, -1);
    assert_int_equal(quota_fate_of(&quota, 3), QUOTA_KEPT);
    quota_release(&quota);
    shop = quota_workload(&quota, NULL, "shop");
    quota_add(&quota, 3, shop, RISK_HIGH, 900);
    quota_choose(&quota, 0, -1);
    assert_int_equal(quota_fate_of(&quota, 3), QUOTA_RUN);
    quota_release(&quota);
}

/* Of ten workloads of a namespace a quarter are two; of three, of another cluster, one; a share of 0 is none. */
static void test_share(void **state)
{
    (void)state;
    for (int64_t percent = 0; percent <= 25; percent += 25) {
        struct quota quota = {0};
        for (size_t i = 0; i < 13; i++) {
            uint32_t space = quota_workload(&quota, i < 10 ? "eu" : "us", "shop");
            quota_add(&quota, i, space, i == 7 ? RISK_LOW : RISK_MEDIUM, i == 4 ? 100 : 10);
        }
        quota_choose(&quota, -1, percent);
        for (size_t i = 0; i < 13; i++) {
            bool kept = percent > 0 && (i == 7 || i == 4 || i == 10);
            assert_int_equal(quota_fate_of(&quota, i), kept ? QUOTA_KEPT : QUOTA_SHARE);
        }
        assert_int_equal(quota_space_of(&quota, 2)->workloads, 10);
        quota_release(&quota);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_annotation),
        cmocka_unit_test(test_facts_reach_the_rules),
        cmocka_unit_test(test_duplicates_on_a_cluster),
        cmocka_unit_test(test_kinds_without_template),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_saving),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_replicas),
        cmocka_unit_test(test_new_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
