#include "stages/analyze/analyze.h"

#include <stdlib.h>
#include <string.h>

#include "stages/analyze/advice/recommend.h"
#include "stages/analyze/findings/findings.h"
#include "stages/analyze/forecast/outlook.h"
#include "stages/analyze/history/history.h"
#include "stages/analyze/history/past.h"
#include "stages/analyze/opinion/analyst.h"
#include "stages/analyze/rules/figures.h"
#include "stages/analyze/scaling/scaling.h"
#include "stages/analyze/sizing/knobs.h"

/* Version of the rules: raise it with any change that moves a number, so that a plan says what it was made
 * by. */
enum { RULES_VERSION = 2 };

struct analyze_state {
    struct analyst *analyst; /* NULL: only the rules */
    struct history_out *history;
    struct history_past *past;
    struct scaling_setup *scaling;
};

/* Digest of a part of the configuration as it is in force. */
static void key_digest(const struct config *config, const char *key, char out[DIGEST_HEX])
{
    char *text = json_text(config_value(config, key));
    hash_bytes(text, strlen(text), out);
    free(text);
}

/* What the recommendations are made from, for the header: rules, policy, providers, history. */
static int settings_fill(struct stage *stage, struct err *err)
{
    json_t *settings = stage_settings(stage);
    char digest[DIGEST_HEX];
    const char *history = options_string(stage->options, OPT_HISTORY);
    struct analyze_state *state = stage->state;
    if (history && history_past_open(history, &state->past, digest, err))
        return -1;
    char policy_digest[DIGEST_HEX];
    char scaling_digest[DIGEST_HEX];
    key_digest(stage->config, "policy", policy_digest);
    key_digest(stage->config, "scaling", scaling_digest);
    json_object_set_new(settings, "rules_version", json_integer(RULES_VERSION));
    json_object_set_new(settings, "policy_sha256", json_string(policy_digest));
    json_object_set_new(settings, "scaling_sha256", json_string(scaling_digest));
    json_object_set_new(settings, "history_sha256", history && *digest ? json_string(digest) : json_null());
    return 0;
}

static int analyze_begin(struct stage *stage, struct err *err)
{
    struct analyze_state *state = stage->state;
    if (knobs_check(stage->config, err) || scaling_setup_new(stage->config, &state->scaling, err) || settings_fill(stage, err) ||
        analyst_new(stage->options, stage->config, stage_settings(stage), &state->analyst, err))
        return -1;
    return history_open(options_string(stage->options, OPT_HISTORY_OUT), &state->history, err);
}

/* The problem entries of a workload: nothing to say, another provider's failure, a model's numbers that were
 * moved. */
static void note_problems(json_t *record, const struct plan *plan, const struct opinion *opinion)
{
    if (plan->refusal)
        record_problem(record, "analyze", plan->refusal, "%s", plan->refusal_reason);
    if (opinion->fallback_from)
        record_problem(record, "analyze", "fallback", "%s was not used: %s", opinion->fallback_from,
                       opinion->fallback_reason);
    size_t moved = json_array_size(json_at(record, "recommendation.clamps"));
    if (opinion->source && moved > 0)
        record_problem(record, "analyze", "clamped",
                       "%zu of the model's amounts were moved into their bounds", moved);
}

static int analyze_record(struct stage *stage, json_t *record, struct err *err)
{
    struct analyze_state *state = stage->state;
    struct subject subject;
    struct policy policy;
    struct plan plan;
    struct class class;
    struct opinion opinion;
    struct forecasts forecasts;
    (void)err;
    const char *namespace = options_string(stage->options, OPT_NAMESPACE);
    subject_read(record, &stage->arena, &subject);
    if (!subject.namespace && namespace)
        subject.looked_up_in = namespace;
    figures_complete_all(&subject, &stage->arena);
    class_of(&subject, &class);
    policy_for(stage->config, subject.workload, namespace, class.name, &policy);
    knobs_annotate(record, stage->config, &stage->arena, &policy);
    plan_make(&subject, &policy, &stage->arena, &plan);
    plan_settle(&plan);
    forecasts_make(&subject, &stage->arena, &forecasts);
    struct parts parts = {.findings = findings_new(&plan, state->past, &stage->arena),
                          .forecast = forecasts_json(&subject, &forecasts)};
    analyst_ask(state->analyst, &plan, &class, parts.findings, &stage->arena, state->history, &opinion);
    parts.outlook = outlook_new(&plan, &forecasts, &stage->arena);
    findings_add_outlook(parts.findings, &plan, parts.outlook);
    parts.scaling = scaling_new(&plan, &class, state->scaling, &stage->arena);
    json_object_set_new(record, "recommendation", recommendation_new(&plan, &class, &opinion, &parts));
    note_problems(record, &plan, &opinion);
    history_add(state->history, &subject);
    return 0;
}

static int analyze_end(struct stage *stage, struct err *err)
{
    struct analyze_state *state = stage->state;
    struct history_out *history = state->history;
    state->history = NULL;
    analyst_summary(state->analyst);
    return history_finish(history, err);
}

static void analyze_release(struct stage *stage)
{
    struct analyze_state *state = stage->state;
    history_drop(state->history);
    history_past_free(state->past);
    analyst_free(state->analyst);
    scaling_setup_free(state->scaling);
}

const struct stage_spec analyze_stage = {
    .name = "analyze",
    .program = FOR_ANALYZE,
    .summary = "recommends requests and limits for each workload, with reasons",
    .reads = ARTIFACT_BIT(ARTIFACT_USAGE),
    .writes = ARTIFACT_RECOMMENDATIONS,
    .state_size = sizeof(struct analyze_state),
    .begin = analyze_begin,
    .record = analyze_record,
    .end = analyze_end,
    .release = analyze_release,
};
