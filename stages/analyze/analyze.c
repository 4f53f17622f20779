#include "stages/analyze/analyze.h"

#include <stdlib.h>
#include <string.h>

#include "stages/analyze/flow/preview.h"
#include "stages/analyze/history/history.h"
#include "stages/analyze/history/past.h"
#include "stages/analyze/sizing/knobs.h"

/* Version of the rules: raise it with any change that moves a number, so that a plan says what it was made
 * by. */
enum { RULES_VERSION = 2 };

struct analyze_state {
    struct analyst *analyst;   /* NULL: only the rules */
    struct proposal *proposal; /* NULL: none */
    struct history_out *history;
    struct history_past *past;
    struct scaling_setup *scaling;
    struct job_setup setup;
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
    char digest[DIGEST_HEX] = "";
    const char *history = options_string(stage->options, OPT_HISTORY);
    struct analyze_state *state = stage->state;
    if (history && history_past_open(history, &state->past, digest, err)) {
        return -1;
    }
    if (!settings) {
        return 0;
    }
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

/* --estimate and --prompt-for tell what would be asked, and write no artifact. */
static bool only_tells(const struct options *options)
{
    return options_flag(options, OPT_ESTIMATE) || options_string(options, OPT_PROMPT_FOR);
}

/* Who has a say beside the rules: a proposal, else the providers. */
static int open_others(struct stage *stage, struct err *err)
{
    struct analyze_state *state = stage->state;
    const char *proposal = options_string(stage->options, OPT_PROPOSAL);
    struct analyst_options analyst = {
        .options = stage->options, .config = stage->config, .history = state->history, .created = stage->created,
        .offline = only_tells(stage->options)};
    if (!proposal) {
        return analyst_new(&analyst, stage_settings(stage), &state->analyst, err);
    }
    if (proposal_open(proposal, &state->proposal, err)) {
        return -1;
    }
    proposal_settings(state->proposal, stage_settings(stage));
    return 0;
}

static int analyze_begin(struct stage *stage, struct err *err)
{
    struct analyze_state *state = stage->state;
    const json_t *disagreement = config_value(stage->config, "analysis.disagreement");
    if (knobs_check(stage->config, err) || scaling_setup_new(stage->config, &state->scaling, err) || settings_fill(stage, err) ||
        history_open(options_string(stage->options, OPT_HISTORY_OUT), &state->history, err) || open_others(stage, err)) {
        return -1;
    }
    state->setup = (struct job_setup){.config = stage->config,
                                      .namespace = options_string(stage->options, OPT_NAMESPACE),
                                      .past = state->past,
                                      .scaling = state->scaling,
                                      .proposal = state->proposal,
                                      .disagreement_from = json_number_value(disagreement)};
    return 0;
}

/* Puts --history-out in place. What was asked is paid for: it is kept also where the run ends early. */
static int keep_history(struct analyze_state *state, struct err *err)
{
    struct history_out *history = state->history;
    state->history = NULL;
    return history_finish(history, err);
}

/* Reads the records and only tells. */
static int tell(struct stage *stage, struct err *err)
{
    struct analyze_state *state = stage->state;
    const struct flow_means means = {.setup = &state->setup, .analyst = state->analyst, .silent = true};
    const char *prompt = options_string(stage->options, OPT_PROMPT_FOR);
    history_drop(state->history);
    state->history = NULL;
    if (prompt) {
        return preview_run(stage, &means, prompt, stdout, err);
    }
    if (flow_run(stage, &means, err)) {
        return -1;
    }
    analyst_estimate(state->analyst, json_int_or(artifact_reader_trailer(stage->in), "workloads", 0), stdout);
    return 0;
}

static int analyze_run(struct stage *stage, struct err *err)
{
    struct analyze_state *state = stage->state;
    const struct flow_means means = {.setup = &state->setup, .analyst = state->analyst, .history = state->history};
    if (only_tells(stage->options)) {
        return tell(stage, err);
    }
    int status = flow_run(stage, &means, err);
    analyst_summary(state->analyst);
    if (status && state->analyst) {
        (void)keep_history(state, NULL);
    }
    return status;
}

static int analyze_end(struct stage *stage, struct err *err)
{
    struct analyze_state *state = stage->state;
    if (state->proposal && proposal_finish(state->proposal, err)) {
        return -1;
    }
    return keep_history(state, err);
}

static void analyze_release(struct stage *stage)
{
    struct analyze_state *state = stage->state;
    analyst_free(state->analyst);
    history_drop(state->history);
    history_past_free(state->past);
    proposal_free(state->proposal);
    scaling_setup_free(state->scaling);
}

const struct stage_spec analyze_stage = {
    .name = "analyze",
    .program = FOR_ANALYZE,
    .summary = "recommends requests and limits for each workload, with reasons",
    .reads = ARTIFACT_BIT(ARTIFACT_USAGE),
    .writes = ARTIFACT_RECOMMENDATIONS,
    .writes_none = only_tells,
    .state_size = sizeof(struct analyze_state),
    .begin = analyze_begin,
    .run = analyze_run,
    .end = analyze_end,
    .release = analyze_release,
};
