/* A run's own file against the stored policy: for made pairs either the own file is refused, or no change gets a milder verdict
 * than by the stored policy alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/common/judge/judge.h"
#include "tests/harness/rounds.h"

enum { PAIRS = 3000, CHANGES = 40, TEXT_MAX = 8192 };

struct verdict {
    bool made; /* it may come about: neither blocked nor too small to be worth it */
    int approvals;
    const char *role;
};

static int64_t pick(int64_t below)
{
    return (int64_t)(rng_next() % (uint64_t)below);
}

static const char *word(const char *const *words, size_t count)
{
    return words[pick((int64_t)count)];
}

#define WORD(...) word((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void write_match(struct buf *out)
{
    buf_printf(out, "match: {");
    const char *comma = "";
    if (pick(3) > 0) {
        buf_printf(out, "namespaces: [%s]", WORD("prod-a", "prod-*", "dev", "'*'", "prod-?", "dev, prod-b"));
        comma = ", ";
    }
    if (pick(4) == 0) {
        buf_printf(out, "%skinds: [%s]", comma, WORD("Deployment", "'*Set'", "Job"));
        comma = ", ";
    }
    if (pick(4) == 0) {
        buf_printf(out, "%sclasses: [%s]", comma, WORD("web", "database", "'*'"));
        comma = ", ";
    }
    if (pick(4) == 0) {
        buf_printf(out, "%slabels: {tier: %s}", comma, WORD("a", "b"));
    }
    buf_printf(out, "}");
}

/* `strict`: few, and of the strict end, so that an own file is taken now and then. */
static void write_guardrails(struct buf *out, bool strict)
{
    static const struct {
        const char *key;
        const char *values[5];
    } keys[] = {
        {"max_increase_percent", {"20", "50", "100", "300", "null"}},
        {"max_decrease_percent", {"10", "30", "50", "90", "null"}},
        {"min_cpu", {"5m", "50m", "200m", "1", "null"}},
        {"min_memory", {"16Mi", "64Mi", "256Mi", "1Gi", "null"}},
        {"max_cpu", {"100m", "400m", "2", "8", "null"}},
        {"max_memory", {"128Mi", "512Mi", "2Gi", "8Gi", "null"}},
        {"max_increase_cpu", {"20m", "100m", "1", "4", "null"}},
        {"max_decrease_cpu", {"20m", "100m", "1", "4", "null"}},
        {"max_increase_memory", {"32Mi", "256Mi", "1Gi", "4Gi", "null"}},
        {"max_decrease_memory", {"32Mi", "256Mi", "1Gi", "4Gi", "null"}},
        {"min_monthly_saving_usd", {"0.5", "2", "10", "100", "null"}},
    };
    const char *comma = "";
    buf_printf(out, "guardrails: {");
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (pick(strict ? 7 : 4) == 0) {
            int64_t end = strncmp(keys[i].key, "min", 3) == 0 ? 2 : 0;
            buf_printf(out, "%s%s: %s", comma, keys[i].key, keys[i].values[strict ? end + pick(2) : pick(5)]);
            comma = ", ";
        }
    }
    buf_printf(out, "}");
}

static void write_policy(struct buf *out)
{
    if (pick(8) == 0) {
        buf_printf(out, "policy: null\n");
    } else {
        buf_printf(out, "policy:\n  ");
        write_guardrails(out, false);
        buf_printf(out, "\n");
        if (pick(2) == 0) {
            buf_printf(out, "  exclude: {");
            const char *comma = "";
            if (pick(2) == 0) {
                buf_printf(out, "namespaces: [%s]", WORD("", "prod-a", "prod-*", "dev"));
                comma = ", ";
            }
            if (pick(2) == 0) {
                buf_printf(out, "%skinds: [%s]", comma, WORD("", "Job", "'*'", "StatefulSet"));
                comma = ", ";
            }
            if (pick(2) == 0) {
                buf_printf(out, "%sworkloads: [%s]", comma, WORD("", "dev/*", "prod-a/Job/x", "'*/x'"));
                comma = ", ";
            }
            if (pick(3) == 0) {
                buf_printf(out, "%sannotation: %s", comma, WORD("null", "tare.dev/skip", "own/skip"));
            }
            buf_printf(out, "}\n");
        }
        if (pick(2) == 0) {
            buf_printf(out, "  overrides:\n");
            for (int64_t i = 1 + pick(3); i > 0; i--) {
                buf_printf(out, "  - ");
                write_match(out);
                buf_printf(out, "\n    ");
                write_guardrails(out, false);
                if (pick(2) == 0) {
                    buf_printf(out, "\n    approvals: {required: %d}", (int)pick(4));
                }
                buf_printf(out, "\n");
            }
        }
    }
    buf_printf(out, "approvals:\n  separation_of_duties: %s\n", WORD("true", "false", "null"));
    if (pick(2) == 0) {
        buf_printf(out, "  required: %s\n", WORD("0", "1", "2", "3", "null"));
    }
    if (pick(2) == 0) {
        buf_printf(out, "  automatic: {max_risk: %s, ", WORD("low", "medium", "high"));
        write_match(out);
        buf_printf(out, "}\n");
    } else if (pick(4) == 0) {
        buf_printf(out, "  automatic: null\n");
    }
    if (pick(2) == 0) {
        buf_printf(out, "  rules:\n");
        for (int64_t i = 1 + pick(2); i > 0; i--) {
            buf_printf(out, "  - {required: %d, ", (int)pick(4));
            write_match(out);
            if (pick(3) == 0) {
                buf_printf(out, ", role: %s", WORD("tare_approver", "sre", "null"));
            }
            if (pick(3) == 0) {
                buf_printf(out, ", when: {%s}", WORD("risk: medium", "decrease_percent: 20", "monthly_usd: 5", "increase_percent: 50"));
            }
            buf_printf(out, "}\n");
        }
    }
}

static const char *const cpu_amounts[] = {NULL, "5m", "40m", "100m", "150m", "400m", "1", "4", "10"};
static const char *const memory_amounts[] = {NULL, "8Mi", "32Mi", "100Mi", "500Mi", "1Gi", "6Gi", "20Gi"};

static json_t *change_new(void)
{
    json_t *edits = json_array();
    for (int64_t i = 1 + pick(2); i > 0; i--) {
        bool cpu = pick(2) == 0;
        const char *const *amounts = cpu ? cpu_amounts : memory_amounts;
        int64_t count = cpu ? ARRAY_COUNT(cpu_amounts) : ARRAY_COUNT(memory_amounts);
        json_array_append_new(edits, json_pack("{s:s, s:s, s:s?, s:s?}", "container", "app", "path",
                                               cpu ? (pick(2) ? "x.requests.cpu" : "x.limits.cpu")
                                                   : (pick(2) ? "x.requests.memory" : "x.limits.memory"),
                                               "from", amounts[pick(count)], "to", amounts[pick(count)]));
    }
    json_t *record = json_pack("{s:{s:s, s:s, s:s, s:{s:s}, s:{s:s}}, s:{s:o}, s:{s:s, s:s}, s:{s:o}, s:[]}", "workload", "kind",
                               WORD("Deployment", "StatefulSet", "Job"), "name", WORD("x", "y"), "namespace",
                               WORD("prod-a", "prod-b", "dev", "shop"), "labels", "tier", WORD("a", "b"), "annotations",
                               WORD("tare.dev/skip", "own/skip", "none"), "true", "change", "edits", edits, "recommendation", "risk",
                               WORD("low", "medium", "high"), "class", WORD("web", "database"), "cost", "monthly_saving_microusd",
                               pick(5) == 0 ? json_null() : json_integer((pick(30) - 5) * 700000), "problems");
    assert_non_null(record);
    return record;
}

static struct verdict verdict_of_change(const struct inforce *inforce, const json_t *record, struct judgement *judgement)
{
    struct judge judge = {.inforce = inforce, .default_namespace = "default"};
    judge_record(&judge, record, judgement);
    return (struct verdict){!judgement->blocked && !judgement->trifle, judgement->need.approvals, judgement->need.role};
}

/* Whether `got` is as strict as `stored`. */
static bool as_strict(const struct verdict *got, const struct verdict *stored)
{
    if (!got->made) {
        return true;
    }
    bool role = stored->role == NULL || (got->role != NULL && strcmp(got->role, stored->role) == 0);
    return stored->made && got->approvals >= stored->approvals && role;
}

static void check_pair(const char *stored_text, const char *own_text, size_t *taken)
{
    struct config *nothing = NULL;
    struct config *own = NULL;
    struct inforce alone;
    struct inforce joined;
    struct err err = {0};
    assert_int_equal(config_parse("", 0, "nothing", &nothing, &err), 0);
    if (config_parse(own_text, strlen(own_text), "own.yaml", &own, &err) || inforce_join(stored_text, nothing, &alone, &err)) {
        fail_msg("%s\n%s\n%s", err.message, stored_text, own_text);
    }
    int failed = inforce_join(stored_text, own, &joined, &err);
    if (failed && (err.class != ERR_CONFIG || strstr(err.message, "own.yaml") == NULL)) {
        fail_msg("%s", err.message);
    }
    for (int i = 0; !failed && i < CHANGES; i++) {
        json_t *record = change_new();
        struct judgement one;
        struct judgement two;
        struct verdict stored = verdict_of_change(&alone, record, &one);
        struct verdict got = verdict_of_change(&joined, record, &two);
        if (!as_strict(&got, &stored)) {
            char *text = json_dumps(record, JSON_COMPACT);
            fail_msg("milder than the stored policy: made %d for %d, approvals %d for %d\n%s\n--- stored\n%s--- own\n%s", got.made,
                     stored.made, got.approvals, stored.approvals, text, stored_text, own_text);
        }
        judgement_release(&one);
        judgement_release(&two);
        json_decref(record);
    }
    *taken += !failed;
    inforce_release(&joined);
    inforce_release(&alone);
    config_free(own);
    config_free(nothing);
}

static void test_never_milder(void **state)
{
    (void)state;
    size_t taken = 0;
    rng_seed(8);
    for (int i = 0; i < rounds_of(PAIRS); i++) {
        struct buf stored;
        struct buf own;
        buf_init(&stored, TEXT_MAX);
        buf_init(&own, TEXT_MAX);
        write_policy(&stored);
        /* Often the own file is the stored one with something put to it: files that are made apart are nearly always refused. */
        if (pick(4) > 0) {
            buf_printf(&own, "policy:\n  overrides:\n  - ");
            write_match(&own);
            buf_printf(&own, "\n    ");
            write_guardrails(&own, true);
            if (pick(2) == 0) {
                buf_printf(&own, "\n    approvals: {required: %d}", (int)pick(4));
            }
            buf_printf(&own, "\napprovals:\n  rules:\n  - {required: %d, ", (int)pick(4));
            write_match(&own);
            buf_printf(&own, "}\n");
        } else {
            write_policy(&own);
        }
        check_pair(buf_str(&stored), buf_str(&own), &taken);
        buf_release(&stored);
        buf_release(&own);
    }
    /* The property would hold of a check that refuses everything. */
    assert_true((int)taken > rounds_of(PAIRS) / 10);
}

/* Whoever copies the stored policy into the own file is taken, and nothing changes. */
static void test_a_copy_is_taken(void **state)
{
    (void)state;
    size_t taken = 0;
    rng_seed(80);
    for (int i = 0; i < rounds_of(PAIRS) / 10; i++) {
        struct buf stored;
        buf_init(&stored, TEXT_MAX);
        write_policy(&stored);
        check_pair(buf_str(&stored), buf_str(&stored), &taken);
        buf_release(&stored);
    }
    assert_int_equal(taken, rounds_of(PAIRS) / 10);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_never_milder), cmocka_unit_test(test_a_copy_is_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
