/* Approval rules are judged twice: by the gate in C, and by the ledger in SQL when a plan is registered and before each write. Both
 * must say the same of any policy and any change; and the less is known of a change, the more is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"
#include "pipeline/run/approval.h"
#include "tests/harness/pg_server.h"

enum { ROUNDS = 10, POLICIES = 40, WORKLOADS = 12, ANSWER_MAX = 1024 * 1024 };

#define ANY(list) (list)[rng_next() % ARRAY_COUNT(list)]

static const char *const globs[] = {"\"*\"",     "\"?\"",    "\"prod-*\"", "\"p?od-a\"", "\"prod-a\"", "\"*-*\"", "\"**a\"",
                                    "\"a\\\\b\"", "\"100%\"", "\"_x\"",     "\"\"",       "\"?1\"",     "\"??1\"", "\"\\u00fc*\"",
                                    "null",      "7",        "\"*o*a\"",   "\"[a-z]*\""};
static const char *const names[] = {"prod-a", "prod-b", "dev", "a\\b", "100%", "1000", "_x", "ax", "\303\2741", "s", "default"};
static const char *const kinds[] = {"Deployment", "StatefulSet", "prod-a", "Job"};
static const char *const classes[] = {"web", "batch", "prod-a"};
static const char *const keys[] = {"tier", "team", "a\\b"};
static const char *const values[] = {"gold", "pay", "100%"};
static const char *const wanted[] = {"\"gold\"", "\"pay\"", "\"100%\"", "null", "3"};
static const char *const numbers[] = {"0", "1", "2", "3", "7", "100", "null", "\"2\"", "1.5", "2.0"};
static const char *const risks[] = {"\"low\"", "\"medium\"", "\"high\"", "\"unheard-of\"", "null"};
static const char *const ranks[] = {"low", "medium", "high"}; /* in the order of enum risk */
static const char *const roles[] = {"\"sre\"", "\"dba\"", "\"tare_approver\"", "null", "null", "null"};
static const char *const percents[] = {"0", "29.9", "30", "30.1", "99.999999999", "100", "null", "\"30\""};
static const double amounts[] = {0, 29.9, 30, 30.1, 50, 99.999999999, 100, 2900.5};

static bool chance(unsigned in)
{
    return rng_next() % in == 0;
}

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

static json_t *made_globs(void)
{
    json_t *list = json_array();
    for (uint64_t count = rng_next() % 3; count > 0; count--) {
        json_array_append_new(list, parse(ANY(globs)));
    }
    return list;
}

/* A match: mostly one or two members, sometimes none or no object at all. */
static json_t *made_match(void)
{
    static const char *const members[] = {"namespaces", "clusters", "kinds", "classes"};
    json_t *match = json_object();
    if (chance(8)) {
        json_decref(match);
        return parse(chance(2) ? "null" : "[]");
    }
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (chance(4)) {
            json_object_set_new(match, members[i], chance(8) ? json_null() : made_globs());
        }
    }
    if (chance(3)) {
        json_t *labels = json_object();
        json_object_set_new(labels, ANY(keys), parse(ANY(wanted)));
        json_object_set_new(match, "labels", labels);
    }
    return match;
}

static json_t *made_rule(void)
{
    static const char *const thresholds[] = {"decrease_percent", "increase_percent", "monthly_usd"};
    json_t *rule = json_pack("{s:o, s:o}", "match", made_match(), "role", parse(ANY(roles)));
    if (!chance(4)) {
        json_object_set_new(rule, "required", parse(ANY(numbers)));
    }
    json_t *when = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(thresholds); i++) {
        if (chance(4)) {
            json_object_set_new(when, thresholds[i], parse(ANY(percents)));
        }
    }
    if (chance(4)) {
        json_object_set_new(when, "risk", parse(ANY(risks)));
    }
    json_object_set_new(rule, "when", when);
    return rule;
}

static json_t *made_policy(void)
{
    json_t *approvals = json_object();
    json_t *rules = json_array();
    json_t *overrides = json_array();
    if (!chance(3)) {
        json_object_set_new(approvals, "required", parse(chance(10) ? "250" : ANY(numbers)));
    }
    for (uint64_t count = rng_next() % 5; count > 0; count--) {
        json_array_append_new(rules, made_rule());
    }
    for (uint64_t count = rng_next() % 3; count > 0; count--) {
        json_array_append_new(overrides, json_pack("{s:o, s:{s:o}}", "match", made_match(), "approvals", "required",
                                                   parse(chance(10) ? "-1" : ANY(numbers))));
    }
    json_object_set_new(approvals, "rules", rules);
    if (chance(2)) {
        json_object_set_new(approvals, "automatic",
                            json_pack("{s:o, s:o}", "max_risk", parse(ANY(risks)), "match", made_match()));
    }
    return json_pack("{s:o, s:{s:o}}", "approvals", approvals, "policy", "overrides", overrides);
}

/* A workload with everything known of it, as the gate hands it to the ledger. */
static json_t *made_workload(void)
{
    json_t *labels = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        json_object_set_new(labels, keys[i], chance(3) ? json_null() : json_string(ANY(values)));
    }
    json_t *facts = json_pack("{s:o, s:s, s:f, s:f, s:o, s:o}", "class", chance(4) ? json_null() : json_string(ANY(classes)), "risk",
                              ANY(ranks), "decrease_percent", ANY(amounts), "increase_percent",
                              ANY(amounts), "monthly_usd", chance(4) ? json_null() : json_real(ANY(amounts)), "labels", labels);
    return json_pack("{s:s, s:s, s:s, s:o}", "cluster", ANY(names), "namespace", ANY(names), "kind", ANY(kinds), "facts", facts);
}

static enum risk rank_of(const char *name)
{
    enum risk risk = RISK_LOW;
    while (!str_equal(name, ranks[risk])) {
        risk++;
    }
    return risk;
}

/* What C says of it, in the words of the ledger. */
static json_t *said_by_c(const json_t *policy, const json_t *made)
{
    const json_t *facts = json_object_get(made, "facts");
    json_t *workload = json_pack("{s:O, s:O, s:O}", "cluster", json_object_get(made, "cluster"), "kind", json_object_get(made, "kind"),
                                 "labels", json_object_get(facts, "labels"));
    struct approval_facts known = {
        .workload = workload,
        .namespace = json_string_or_null(made, "namespace"),
        .class = json_string_or_null(facts, "class"),
        .risk = rank_of(json_string_or_null(facts, "risk")),
        .decrease_percent = json_number_value(json_object_get(facts, "decrease_percent")),
        .increase_percent = json_number_value(json_object_get(facts, "increase_percent")),
        .priced = json_is_number(json_object_get(facts, "monthly_usd")),
        .monthly_usd = json_number_value(json_object_get(facts, "monthly_usd")),
    };
    struct approval_requirement need;
    approval_require(json_object_get(policy, "approvals"), json_at(policy, "policy.overrides"), &known, &need);
    json_decref(workload);
    return json_pack("{s:b, s:i, s:s?, s:s}", "conflict", need.conflict, "required", need.approvals, "role", need.role, "rule",
                     need.rule);
}

/* What the ledger says of each case: an array. The JSON is handed over as a literal between marks that no made text has. */
static json_t *said_by_sql(const json_t *cases)
{
    static char answer[ANSWER_MAX];
    char *list = json_text(cases);
    char *sql = xasprintf("select jsonb_agg(to_jsonb(d) - 'automatic' order by w.n) from jsonb_array_elements($m$%s$m$::jsonb) with "
                          "ordinality w (v, n) cross join lateral tare.rule_demand(w.v -> 'policy', w.v ->> 'cluster', "
                          "w.v ->> 'namespace', w.v ->> 'kind', w.v -> 'facts') d",
                          list);
    pg_server_sql(sql, answer, sizeof answer);
    free(sql);
    free(list);
    return parse(answer);
}

/* Compares every answer; returns how many approvals were asked for. */
static int64_t compare(const json_t *cases)
{
    json_t *answers = said_by_sql(cases);
    int64_t asked = 0;
    assert_int_equal(json_array_size(answers), json_array_size(cases));
    for (size_t k = 0; k < json_array_size(cases); k++) {
        const json_t *made = json_array_get(cases, k);
        const json_t *got = json_array_get(answers, k);
        json_t *by_c = said_by_c(json_object_get(made, "policy"), made);
        if (!json_equal(by_c, got)) {
            fail_msg("of %s\nC says %s\nSQL says %s", json_text(made), json_text(by_c), json_text(got));
        }
        asked += json_int_or(got, "required", 0);
        json_decref(by_c);
    }
    json_decref(answers);
    return asked;
}

static void test_the_same_answers(void **state)
{
    (void)state;
    int64_t asked = 0;
    for (int round = 0; round < ROUNDS; round++) {
        json_t *cases = json_array();
        for (int i = 0; i < POLICIES; i++) {
            json_t *policy = made_policy();
            for (int k = 0; k < WORKLOADS; k++) {
                json_t *made = made_workload();
                json_object_set(made, "policy", policy);
                json_array_append_new(cases, made);
            }
            json_decref(policy);
        }
        asked += compare(cases);
        json_decref(cases);
    }
    assert_true(asked > ROUNDS * POLICIES); /* the made policies do ask for something */
}

/* Adds the workload, and copies of it of each of which one fact is not known, and one of which none is; returns how many. */
static size_t add_with_less(json_t *cases, json_t *made)
{
    static const char *const paths[] = {"class", "risk", "decrease_percent", "increase_percent", "monthly_usd", "labels"};
    size_t before = json_array_size(cases);
    json_array_append_new(cases, made);
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        json_t *less = json_deep_copy(made);
        json_object_del(json_object_get(less, "facts"), paths[i]);
        json_array_append_new(cases, less);
    }
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        json_t *less = json_deep_copy(made);
        json_object_del(json_object_get(json_object_get(less, "facts"), "labels"), keys[i]);
        json_array_append_new(cases, less);
    }
    json_t *none = json_deep_copy(made);
    json_object_del(none, "facts");
    json_array_append_new(cases, none);
    return json_array_size(cases) - before;
}

static bool asks_less(const json_t *got, const json_t *known)
{
    return json_int_or(got, "required", -1) < json_int_or(known, "required", -1) ||
           (json_bool_or(known, "conflict", true) && !json_bool_or(got, "conflict", false)) ||
           (json_string_or_null(known, "role") != NULL && json_string_or_null(got, "role") == NULL);
}

static void test_what_is_not_known_counts(void **state)
{
    (void)state;
    size_t more = 0;
    size_t each = 0;
    json_t *cases = json_array();
    for (int i = 0; i < ROUNDS * POLICIES; i++) {
        json_t *made = made_workload();
        json_object_set_new(made, "policy", made_policy());
        each = add_with_less(cases, made);
    }
    json_t *answers = said_by_sql(cases);
    assert_int_equal(json_array_size(answers), json_array_size(cases));
    for (size_t k = 0; k < json_array_size(cases); k++) {
        const json_t *known = json_array_get(answers, k - k % each);
        const json_t *got = json_array_get(answers, k);
        if (asks_less(got, known)) {
            fail_msg("of %s\nless is asked: %s", json_text(json_array_get(cases, k)), json_text(got));
        }
        more += json_int_or(got, "required", 0) > json_int_or(known, "required", 0);
    }
    assert_true(more > ROUNDS * POLICIES / 10);
    json_decref(answers);
    json_decref(cases);
}

static int start(void **state)
{
    (void)state;
    rng_seed(20261122);
    pg_server_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pg_server_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_answers),
        cmocka_unit_test(test_what_is_not_known_counts),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
