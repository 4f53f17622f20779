/* Numbers that are not the rules': who has to approve them, and that guardrails hold whoever made them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/judge/judge.h"
#include "stages/common/judge/judge_opinion.h"

/* A change of a CPU request from 500m whose recommendation is `advice` (JSON). */
static json_t *record_of(const char *advice, const char *to)
{
    json_t *recommendation = json_loads(advice, 0, NULL);
    assert_non_null(recommendation);
    return json_pack("{s:{s:s,s:s,s:s}, s:{s:[{s:s,s:s,s:s,s:s}]}, s:o, s:{s:I}, s:[]}", "workload", "kind", "Deployment", "name", "cart",
                     "namespace", "shop", "change", "edits", "container", "app", "path",
                     "spec.template.spec.containers[0].resources.requests.cpu", "from", "500m", "to", to, "recommendation", recommendation,
                     "cost", "monthly_saving_microusd", (json_int_t)5000000, "problems");
}

static void judge_with(const char *stored, const char *own, const json_t *record, struct judgement *out)
{
    struct err err = {0};
    struct config *config = NULL;
    struct inforce inforce;
    if (config_parse(own, strlen(own), "own.yaml", &config, &err) || inforce_join(stored, config, &inforce, &err)) {
        fail_msg("%s", err.message);
    }
    struct judge judge = {.inforce = &inforce, .default_namespace = "default"};
    judge_record(&judge, record, out);
    inforce_release(&inforce);
    config_free(config);
}

#define OPEN "approvals: {required: 0}"
#define LLM(rest) "{\"source\":\"llm\",\"risk\":\"low\",\"class\":\"web\"" rest "}"

static const struct {
    const char *advice, *stored, *own;
    int needed;
    const char *rule, *code;
    enum risk risk;
} rows[] = {
    {"{\"source\":\"rules\",\"risk\":\"low\",\"class\":\"web\"}", NULL, OPEN, 0, "approvals.required", NULL, RISK_LOW},
    {LLM(",\"disagreement\":0.3"), NULL, OPEN, 0, "approvals.required", "disagreement", RISK_LOW},
    {LLM(",\"disagreement\":0.31"), NULL, OPEN, 1, "analysis.disagreement", "disagreement", RISK_MEDIUM},
    {LLM(",\"disagreement\":1e300"), NULL, OPEN, 1, "analysis.disagreement", "disagreement", RISK_MEDIUM},
    {LLM(""), NULL, OPEN, 1, "analysis.disagreement", "disagreement", RISK_MEDIUM}, /* not known: too far */
    {LLM(",\"disagreement\":null"), NULL, OPEN, 1, "analysis.disagreement", "disagreement", RISK_MEDIUM},
    {LLM(",\"disagreement\":-1"), NULL, OPEN, 1, "analysis.disagreement", "disagreement", RISK_MEDIUM},
    {LLM(",\"disagreement\":\"none\""), NULL, OPEN, 1, "analysis.disagreement", "disagreement", RISK_MEDIUM},
    {LLM(",\"disagreement\":0.5"), NULL, OPEN "\nanalysis: {disagreement: 0.6}", 0, "approvals.required", "disagreement", RISK_LOW},
    /* the stored policy's value counts where it is smaller */
    {LLM(",\"disagreement\":0.5"), OPEN "\nanalysis: {disagreement: 0.4}", OPEN "\nanalysis: {disagreement: 0.6}", 1,
     "analysis.disagreement", "disagreement", RISK_MEDIUM},
    {LLM(",\"disagreement\":0.5"), OPEN "\nanalysis: {disagreement: 0.9}", OPEN "\nanalysis: {disagreement: 0.6}", 0, NULL,
     "disagreement", RISK_LOW},
    /* what the policy lets through by itself is not let through */
    {LLM(",\"disagreement\":0.9"), NULL, "approvals: {required: 1, automatic: {max_risk: high}}", 1, "analysis.disagreement",
     "disagreement", RISK_MEDIUM},
    {"{\"source\":\"proposal\",\"risk\":\"low\",\"class\":\"web\",\"proposed_by\":\"ann\"}", NULL,
     "approvals: {required: 1, automatic: {max_risk: high}}", 1, "tare propose (own numbers)", "proposal", RISK_MEDIUM},
    {"{\"source\":\"proposal\",\"risk\":\"high\",\"class\":\"web\"}", NULL, OPEN, 1, "tare propose (own numbers)", "proposal", RISK_HIGH},
    /* more than one approval stays more */
    {"{\"source\":\"proposal\",\"risk\":\"low\",\"class\":\"web\"}", NULL, "approvals: {required: 3}", 3, "approvals.required", "proposal",
     RISK_MEDIUM},
    /* a proposal is not dropped because it saves little */
    {"{\"source\":\"proposal\",\"risk\":\"low\",\"class\":\"web\"}", NULL, "policy: {guardrails: {min_monthly_saving_usd: 100}}", 1,
     "approvals.required", "proposal", RISK_MEDIUM},
};

static bool has_code(const json_t *reasons, const char *code)
{
    size_t index;
    json_t *reason;
    json_array_foreach(reasons, index, reason)
    {
        if (str_equal(json_string_or_null(reason, "code"), code)) {
            return json_bool_or(reason, "ok", false);
        }
    }
    return code == NULL;
}

static void a_person_is_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct judgement judgement;
        json_t *record = record_of(rows[i].advice, "400m");
        judge_with(rows[i].stored, rows[i].own, record, &judgement);
        bool ok = judgement.need.approvals == rows[i].needed && judgement.risk == rows[i].risk && !judgement.blocked && !judgement.trifle &&
                  has_code(judgement.reasons, rows[i].code) && (rows[i].rule == NULL || str_equal(judgement.need.rule, rows[i].rule));
        if (!ok) {
            char *text = json_dumps(judgement.reasons, JSON_COMPACT);
            fail_msg("row %zu: %d approvals by %s, risk %d: %s", i, judgement.need.approvals, judgement.need.rule, (int)judgement.risk, text);
        }
        judgement_release(&judgement);
        json_decref(record);
    }
}

static void guardrails_hold_for_everybody(void **state)
{
    (void)state;
    /* Whatever a record says of its bounds, of who made it and of how sure that is: the edit is what is judged. */
    static const char *const advices[] = {
        LLM(",\"disagreement\":0,\"confidence\":1,\"containers\":{\"app\":{\"requests\":{\"cpu_millicores\":50,"
            "\"bounds\":{\"cpu_millicores\":{\"min\":1,\"max\":99999999}}}}}"),
        "{\"source\":\"proposal\",\"risk\":\"low\",\"class\":\"web\",\"proposed_by\":\"ann\"}",
    };
    static const char *const amounts[] = {"50m", "100", "9223372036854775807m", "5m"};
    for (size_t i = 0; i < ARRAY_COUNT(advices); i++) {
        for (size_t k = 0; k < ARRAY_COUNT(amounts); k++) {
            struct judgement judgement;
            json_t *record = record_of(advices[i], amounts[k]);
            judge_with(NULL, OPEN, record, &judgement);
            assert_true(judgement.blocked);
            judgement_release(&judgement);
            json_decref(record);
        }
    }
}

static void facts_tell_it(void **state)
{
    (void)state;
    struct judgement judgement;
    json_t *record = record_of(LLM(",\"disagreement\":0.9"), "400m");
    judge_with(NULL, OPEN, record, &judgement);
    double far = 0;
    assert_string_equal(json_string_or_null(judgement.facts, "source"), "llm");
    assert_true(json_get_number(judgement.facts, "disagreement", &far) && far > 0.89 && far < 0.91);
    assert_string_equal(json_string_or_null(judgement.facts, "risk"), "medium");
    judgement_release(&judgement);
    json_decref(record);
    record = record_of("{\"source\":\"rules\",\"risk\":\"low\",\"class\":\"web\",\"disagreement\":0.9}", "400m");
    judge_with(NULL, OPEN, record, &judgement);
    assert_null(json_object_get(judgement.facts, "source"));
    assert_null(json_object_get(judgement.facts, "disagreement"));
    judgement_release(&judgement);
    json_decref(record);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_person_is_asked), cmocka_unit_test(guardrails_hold_for_everybody),
                                       cmocka_unit_test(facts_tell_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
