#include "stages/ask/ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/text/figures.h"
#include "reports/text/sink.h"
#include "stages/ask/model.h"
#include "stages/ask/tell.h"

struct ask_state {
    struct wording wording;
    struct report report;
    struct pick pick;
    json_t *facts; /* of the picked records */
    json_t *totals;
    struct spoken spoken; /* by a model */
    struct report_sink sink;
    bool counts; /* the report is open */
    bool json;
};

static int read_format(struct stage *stage, struct ask_state *state, struct err *err)
{
    const char *format = options_string(stage->options, OPT_FORMAT);
    state->json = str_equal(format, "json");
    if (format == NULL || state->json || str_equal(format, "text")) {
        return 0;
    }
    err_set(err, ERR_USAGE, "--format is \"%s\", it must be text or json here", format);
    return err_hint(err, "reports have more formats: tare report RUN --format markdown");
}

/* A workload's record into the sums and, where the question may be about it, among the picked ones. */
static int look_at(struct ask_state *state, json_t *record, struct err *err)
{
    struct arena arena;
    struct report_row row = {.record = NULL};
    if (report_add(&state->report, record, err)) {
        return -1;
    }
    if (record_workload(record) == NULL) {
        return 0;
    }
    arena_init(&arena);
    int failed = report_row_read(json_incref(record), NULL, &arena, &row, err);
    if (!failed) {
        pick_look(&state->pick, record, &row);
    }
    report_row_release(&row);
    arena_release(&arena);
    return failed;
}

static void read_meta(struct stage *stage, struct report_meta *meta)
{
    bool given = false;
    meta->kind = artifact_reader_kind(stage->in);
    meta->digest = xstrdup(artifact_reader_digest(stage->in));
    meta->settings = json_incref(json_object_get(artifact_reader_header(stage->in), "settings"));
    meta->run = options_integer(stage->options, OPT_RUN, &given);
    meta->run = given ? meta->run : 0;
}

static int read_artifact(struct stage *stage, struct ask_state *state, struct err *err)
{
    json_t *record = NULL;
    int got = 0;
    state->report.meta.kind = artifact_reader_kind(stage->in);
    while ((got = stage_read(stage, &record, err)) == 1) {
        int failed = look_at(state, record, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
    if (got == 0) {
        read_meta(stage, &state->report.meta);
        report_finish(&state->report);
        pick_finish(&state->pick);
    }
    return got;
}

/* Nothing of the artifact fits: the nearest names, where there are any. */
static int nothing_fits(const struct ask_state *state, struct err *err)
{
    char *const *near = state->pick.near;
    err_set(err, ERR_DATA, "no record among the %zu workloads of this artifact fits the question", state->pick.workloads);
    if (near[0] == NULL) {
        return err_hint(err, "name a workload, a namespace or a container, or ask what saves most, is riskiest, blocked, idle, leaks");
    }
    return err_hint(err, "the nearest names are %.120s%s%.120s%s%.120s", near[0], near[1] == NULL ? "" : ", ",
                    near[1] == NULL ? "" : near[1],
                    near[2] == NULL ? "" : ", ", near[2] == NULL ? "" : near[2]);
}

static int gather_facts(struct ask_state *state, struct err *err)
{
    state->facts = json_array();
    state->totals = facts_totals(&state->report, &state->pick);
    for (size_t i = 0; i < state->pick.count; i++) {
        json_t *facts = NULL;
        if (facts_of(&state->pick.list[i], &facts, err)) {
            return -1;
        }
        json_array_append_new(state->facts, facts);
    }
    return 0;
}

/* What a model cost, or null. New. */
static json_t *model_json(const struct spoken *spoken)
{
    if (json_array_size(spoken->calls) == 0) {
        return json_null();
    }
    json_t *out = json_object();
    json_object_set_new(out, "provider", json_string_safe(spoken->provider));
    json_object_set_new(out, "model", json_string_safe(spoken->model));
    json_object_set_new(out, "calls", json_integer((json_int_t)json_array_size(spoken->calls)));
    json_object_set_new(out, "input_tokens", json_integer(spoken->input_tokens));
    json_object_set_new(out, "output_tokens", json_integer(spoken->output_tokens));
    json_object_set_new(out, "cost_microusd", json_int_or_null(spoken->priced, spoken->cost_microusd));
    return out;
}

/* One object: the answer, who gave it, the facts of the records it is from, the artifact. */
static int print_json(struct ask_state *state, const char *answer, const json_t *used, struct err *err)
{
    const struct report_meta *meta = &state->report.meta;
    bool spoken = state->spoken.reply.answer != NULL;
    json_t *all = json_object();
    json_t *artifact = json_object();
    json_object_set_new(artifact, "kind", json_string(artifact_kind_name(meta->kind)));
    json_object_set_new(artifact, "sha256", json_string(meta->digest));
    json_object_set_new(artifact, "run", json_int_or_null(meta->run > 0, meta->run));
    json_object_set_new(all, "question", json_string_safe(state->wording.text));
    json_object_set_new(all, "answer", json_string_safe(answer));
    json_object_set_new(all, "by", json_string(spoken ? "model" : "facts"));
    json_object_set_new(all, "fallback", json_string_safe(spoken ? NULL : state->spoken.why));
    json_object_set_new(all, "model", model_json(&state->spoken));
    json_object_set(all, "records", (json_t *)(uintptr_t)used);
    json_object_set_new(all, "fitting", json_integer((json_int_t)state->pick.fitting));
    json_object_set(all, "totals", state->totals);
    json_object_set_new(all, "artifact", artifact);
    int failed = json_write(all, &state->sink.out, err);
    buf_add_char(&state->sink.out, '\n');
    json_decref(all);
    return failed;
}

static int print(struct ask_state *state, struct err *err)
{
    struct buf answer;
    const struct spoken *spoken = &state->spoken;
    const json_t *used = spoken->reply.answer != NULL ? spoken->reply.used : state->facts;
    int failed = 0;
    buf_init(&answer, SINK_CAP);
    if (spoken->reply.answer != NULL) {
        tell_spoken(spoken->reply.answer, spoken->provider, spoken->model, &answer);
    } else {
        tell_answer(&state->wording, &state->pick, state->facts, state->totals, &answer);
    }
    if (state->json) {
        failed = print_json(state, spoken->reply.answer != NULL ? spoken->reply.answer : buf_str(&answer), used, err);
    } else {
        buf_add_str(&state->sink.out, buf_str(&answer));
        tell_sources(used, &state->report.meta, &state->sink.out);
    }
    buf_release(&answer);
    return failed || sink_finish(&state->sink, err) ? -1 : 0;
}

/* What the calls came to, and why the facts must do where no model answered. */
static void say_spent(const struct spoken *spoken)
{
    char dollars[FIGURE_MAX];
    if (json_array_size(spoken->calls) > 0) {
        log_info("asked %zu question%s: %" PRId64 " tokens in, %" PRId64 " out, %s%s", json_array_size(spoken->calls),
                 json_array_size(spoken->calls) == 1 ? "" : "s", spoken->input_tokens, spoken->output_tokens, spoken->priced ? "$" : "",
                 spoken->priced ? figure_dollars(spoken->cost_microusd, dollars) : "at a price that is not known");
    }
    if (spoken->reply.answer == NULL && spoken->why != NULL) {
        log_warn("no model's answer is shown, the records answer themselves: %s", spoken->why);
    }
}

/* A model's answer where one is wanted. */
static int speak(struct stage *stage, struct ask_state *state, struct err *err)
{
    const char *keep = options_string(stage->options, OPT_HISTORY_OUT);
    int failed = model_ask(stage, state->wording.text, state->facts, state->totals, &state->spoken, err);
    say_spent(&state->spoken);
    if (keep != NULL && json_array_size(state->spoken.calls) > 0) {
        struct err why = {0};
        if (spoken_keep(&state->spoken, keep, &why)) {
            log_warn("the calls are not kept: %s", why.message);
        }
    }
    return failed;
}

static int run(struct stage *stage, struct err *err)
{
    struct ask_state *state = stage->state;
    size_t operands = options_operands(stage->options);
    sink_init(&state->sink, STDOUT_FILENO);
    if (operands != 1) {
        err_set(err, ERR_USAGE, operands == 0 ? "the question is missing" : "one question is answered at a time, and %zu are given",
                operands);
        return err_hint(err, "put it between quotes: tare-ask \"why does cart get 300m?\"");
    }
    if (read_format(stage, state, err) || wording_read(options_operand(stage->options, 0), &stage->arena, &state->wording, err)) {
        return -1;
    }
    if (model_wanted(stage, &state->pick.any, err)) {
        return -1;
    }
    state->counts = true;
    if (report_init(&state->report, false, err)) {
        return -1;
    }
    const char *fallback = json_string_or_null(json_at(artifact_reader_header(stage->in), "settings.parse"), "namespace");
    state->pick.wording = &state->wording;
    state->pick.fallback = fallback == NULL ? "default" : fallback;
    if (read_artifact(stage, state, err)) {
        return -1;
    }
    bool fits = state->pick.count > 0 || state->wording.totals || state->wording.topic != TOPICS;
    if (!fits || gather_facts(state, err) || speak(stage, state, err)) {
        return fits ? -1 : nothing_fits(state, err);
    }
    if (state->pick.vague && state->spoken.reply.answer == NULL) {
        return nothing_fits(state, err);
    }
    return print(state, err);
}

static void release(struct stage *stage)
{
    struct ask_state *state = stage->state;
    pick_release(&state->pick);
    if (state->counts) {
        report_release(&state->report);
    }
    json_decref(state->facts);
    json_decref(state->totals);
    spoken_release(&state->spoken);
    sink_release(&state->sink);
}

const struct stage_spec ask_stage = {
    .name = "ask",
    .program = FOR_ASK,
    .summary = "answers a question about a run from one of its artifacts; changes nothing",
    .operands = "QUESTION",
    .reads = ARTIFACT_ANY,
    .writes = ARTIFACT_NONE,
    .state_size = sizeof(struct ask_state),
    .run = run,
    .release = release,
};
