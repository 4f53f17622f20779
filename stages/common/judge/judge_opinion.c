#include "stages/common/judge/judge_opinion.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/str.h"

/* Where no file says anything; the same as the default of the key. */
static const double disagreement_default = 0.3;

/* How far a model's numbers may be from the rules' without anybody looking: the smaller of what the own file says, which always has a
 * value, and what the stored policy does. */
static double disagreement_from(const struct inforce *inforce)
{
    static const char key[] = "analysis.disagreement";
    const json_t *own = config_value(inforce->own, key);
    double from = json_is_number(own) ? json_number_value(own) : disagreement_default;
    if (inforce->stored != NULL && config_given(inforce->stored, key)) {
        const json_t *stored = config_value(inforce->stored, key);
        from = json_is_number(stored) ? fmin(from, json_number_value(stored)) : from;
    }
    return from;
}

static const char *source_of(const json_t *record)
{
    return json_string_or_null(json_object_get(record, "recommendation"), "source");
}

/* Relative difference, infinite where it is not known. */
static double disagreement_of(const json_t *record)
{
    double value = 0;
    bool known = json_get_number(json_object_get(record, "recommendation"), "disagreement", &value);
    return known && value >= 0 ? value : INFINITY;
}

static enum judge_doubt judge_model(const struct judge *judge, const json_t *record, json_t *reasons)
{
    double far = disagreement_of(record);
    double from = disagreement_from(judge->inforce);
    bool doubt = far > from;
    if (!isfinite(far)) {
        reason_add(reasons, "disagreement", true, "how far the model's numbers are from the rules' is not known: somebody approves it");
    } else {
        reason_add(reasons, "disagreement", true,
                   "the model's numbers differ from the rules' by up to %.0f %%, %s %g %% (analysis.disagreement)%s",
                   fmin(far, 99) * 100, doubt ? "more than" : "within", from * 100, doubt ? ": somebody approves it" : "");
    }
    return doubt ? DOUBT_DISAGREEMENT : DOUBT_NONE;
}

enum judge_doubt judge_opinion(const struct judge *judge, const json_t *record, struct approval_facts *facts, json_t *reasons)
{
    enum judge_doubt doubt = DOUBT_NONE;
    const char *by = json_string_or_null(json_object_get(record, "recommendation"), "proposed_by");
    if (str_equal(source_of(record), "proposal")) {
        doubt = DOUBT_PROPOSAL;
        reason_add(reasons, "proposal", true, "%s proposes these numbers, not the rules: somebody else approves them",
                   by == NULL ? "somebody" : by);
    } else if (str_equal(source_of(record), "llm")) {
        doubt = judge_model(judge, record, reasons);
    }
    if (doubt != DOUBT_NONE && facts->risk < RISK_MEDIUM) {
        facts->risk = RISK_MEDIUM;
    }
    return doubt;
}

void judge_opinion_require(enum judge_doubt doubt, struct approval_requirement *need)
{
    if (doubt != DOUBT_NONE && need->approvals == 0) {
        need->approvals = 1;
        (void)snprintf(need->rule, sizeof need->rule, "%s",
                       doubt == DOUBT_PROPOSAL ? "tare propose (own numbers)" : "analysis.disagreement");
    }
}

void judge_opinion_facts(const json_t *record, json_t *facts)
{
    const char *source = source_of(record);
    double far = disagreement_of(record);
    if (!str_equal(source, "llm") && !str_equal(source, "proposal")) {
        return;
    }
    json_object_set_new(facts, "source", json_string(source));
    if (str_equal(source, "llm")) {
        json_object_set_new(facts, "disagreement", isfinite(far) ? json_real(far) : json_null());
    }
}
