#include "stages/analyze/asking/analyst.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "stages/analyze/asking/desk.h"
#include "stages/analyze/opinion/answer.h"
#include "stages/analyze/opinion/evidence.h"
#include "stages/analyze/opinion/evidence_key.h"

enum { PARALLEL_MAX = 64, EVIDENCE_MAX = 64 * 1024 };

static const char too_large[] = "the evidence is too large to send";
static const char not_kept[] = "the ledger holds no answer to this evidence";

static int size_of(const struct config *config, const char *key, int64_t most, size_t *out, struct err *err)
{
    int64_t value = config_integer(config, key, 1);
    *out = (size_t)value;
    return value >= 1 && value <= most ? 0 : config_error(config, err, key, "must be between 1 and %" PRId64, most);
}

static int analyst_configure(struct analyst *analyst, const struct analyst_options *given, struct err *err)
{
    const char *over = config_string(given->config, "analysis.over_budget");
    analyst->redact = config_value(given->config, "analysis.redact");
    analyst->refuse = over && strcmp(over, "refuse") == 0;
    analyst->budget.run = config_integer(given->config, "analysis.max_tokens_per_run", -1);
    analyst->budget.month = config_integer(given->config, "analysis.max_tokens_per_month", -1);
    return size_of(given->config, "analysis.parallel", PARALLEL_MAX, &analyst->parallel, err) ||
                   size_of(given->config, "analysis.workloads_per_call", QUESTION_WORKLOADS_MAX, &analyst->workloads, err)
               ? -1
               : 0;
}

/* Whether the first provider is asked in batches. One further on in the chain is asked only about what is left, question by question. */
static bool wants_batches(const struct analyst *analyst, const struct analyst_options *given)
{
    return analyst->chain.links[0].provider == &llm_anthropic && config_flag(given->config, "analysis.anthropic.batch");
}

static int open_batches(struct analyst *analyst, const struct analyst_options *given, struct err *err)
{
    analyst->rows[0].batch = wants_batches(analyst, given);
    if (!analyst->rows[0].batch || !analyst->chain.links[0].llm) {
        return 0;
    }
    analyst->gathers = true;
    analyst->second_history = analyst->history;
    analyst->history = NULL;
    int64_t wait = config_integer(given->config, "analysis.anthropic.batch_wait", 0);
    return batched_new(&analyst->chain.links[0], wait, &analyst->batched, err);
}

/* Opens what answers come from. */
static int analyst_open_sources(struct analyst *analyst, const struct analyst_options *given, struct err *err)
{
    int64_t microusd;
    bool replay = options_flag(given->options, OPT_REPLAY);
    if (chain_open(given->options, given->config, !replay && !given->offline, &analyst->chain, err)) {
        return -1;
    }
    if (analyst->chain.count == 0) {
        return 0;
    }
    if (recall_open(given->options, given->config, given->created, &analyst->recall, err)) {
        return -1;
    }
    history_answers_spent(analyst->recall.answers, &analyst->budget.before, &microusd);
    return llm_pool_new((int)analyst->parallel, &analyst->pool, err) || open_batches(analyst, given, err) ? -1 : 0;
}

int analyst_new(const struct analyst_options *given, json_t *settings, struct analyst **out, struct err *err)
{
    struct analyst *analyst = xcalloc(sizeof *analyst);
    *out = NULL;
    analyst->last = &analyst->waiting;
    analyst->history = given->history;
    analyst->estimate = given->offline;
    int failed = analyst_configure(analyst, given, err) || analyst_open_sources(analyst, given, err) ? -1 : 0;
    if (!failed && settings) {
        json_object_set_new(settings, "providers", chain_settings(&analyst->chain));
    }
    if (failed || analyst->chain.count == 0) {
        analyst_free(analyst);
        return failed;
    }
    *out = analyst;
    return 0;
}

void analyst_free(struct analyst *analyst)
{
    if (!analyst) {
        return;
    }
    analyst_stop(analyst);
    llm_pool_free(analyst->pool);
    batched_free(analyst->batched);
    for (size_t i = 0; i < LINKS_MAX; i++) {
        call_free(analyst->gathering.calls[i]);
    }
    recall_release(&analyst->recall);
    chain_release(&analyst->chain);
    free(analyst);
}

size_t analyst_window(const struct analyst *analyst)
{
    return ANALYST_SPAN + 2 * analyst->parallel * analyst->workloads;
}

size_t analyst_open(const struct analyst *analyst)
{
    size_t open = analyst->under_way;
    for (const struct call *call = analyst->waiting; call; call = call->next) {
        open++;
    }
    return open;
}

bool analyst_batches(const struct analyst *analyst)
{
    return analyst->batched != NULL;
}

int analyst_batch(struct analyst *analyst, int wake_fd, struct err *err)
{
    if (analyst->fatal.class != ERR_NONE) {
        *err = analyst->fatal;
        return -1;
    }
    analyst->gathers = false;
    analyst->history = analyst->second_history;
    analyst->counts = (struct counts){.asked = 0};
    analyst->calls = 0;
    return batched_run(analyst->batched, &analyst->recall, analyst->history, wake_fd, err);
}

void analyst_drain(struct analyst *analyst)
{
    analyst->drains = true;
    llm_pool_stop(analyst->pool);
}

/* Notes the first provider that was passed over, and why. */
static void note_fallback(struct inquiry *inquiry, const struct link *link, const char *reason)
{
    if (inquiry->opinion.fallback_from) {
        return;
    }
    inquiry->opinion.fallback_from = link->provider->name;
    inquiry->opinion.fallback_reason = arena_strdup(inquiry->arena, reason);
}

void desk_pass(struct analyst *analyst, struct inquiry *inquiry, enum told_outcome outcome, const char *reason, const char *exchange,
               int64_t at)
{
    const struct link *link = &analyst->chain.links[inquiry->link];
    struct told told = {.outcome = outcome, .reason = reason, .exchange = exchange, .at = at};
    note_fallback(inquiry, link, reason);
    kept_told(analyst->history, inquiry, link, &told);
    inquiry->link++;
}

void desk_answer(struct analyst *analyst, struct inquiry *inquiry, const struct answer *answer, const char *text, const char *exchange,
                 int64_t at)
{
    const struct link *link = &analyst->chain.links[inquiry->link];
    struct told told = {.outcome = TOLD_ANSWERED, .text = text, .exchange = exchange, .at = at};
    struct opinion *opinion = &inquiry->opinion;
    kept_told(analyst->history, inquiry, link, &told);
    opinion->disagreement = answer_apply(answer, inquiry->plan);
    opinion->source = "llm";
    opinion->provider = link->provider->name;
    opinion->model = link->model;
    opinion->reasoning = arena_strdup(inquiry->arena, answer->reasoning);
    opinion->class_name = answer->class_name;
    opinion->confidence = answer->confidence;
    analyst->counts.by_model++;
    inquiry->done = true;
}

/* An answer that was kept is checked like any other: bounds are today's. False where it does not hold and can be asked for anew. */
static bool take_kept(struct analyst *analyst, struct inquiry *inquiry, const struct told *told)
{
    struct answer answer;
    struct err err = {.class = ERR_NONE};
    if (answer_read(told->text, inquiry->plan, inquiry->arena, &answer, &err) == 0) {
        desk_answer(analyst, inquiry, &answer, told->text, told->exchange, told->at);
        analyst->counts.recalled++;
        return true;
    }
    if (analyst->recall.replay) {
        desk_pass(analyst, inquiry, TOLD_REFUSED, err.message, told->exchange, told->at);
    }
    return analyst->recall.replay;
}

/* What is known of the inquiry at its provider. */
static enum recalled look(const struct analyst *analyst, const struct inquiry *inquiry, struct told *told)
{
    const struct link *link = &analyst->chain.links[inquiry->link];
    *told = (struct told){.provider = link->provider->name, .model = link->model};
    memcpy(told->evidence, inquiry->digest, DIGEST_HEX);
    memcpy(told->key, inquiry->keys[inquiry->link], DIGEST_HEX);
    return recall_look(&analyst->recall, inquiry->plan->subject, inquiry->arena, told);
}

/* Whether what is known settles the inquiry at its provider, one way or the other. */
static bool recalled(struct analyst *analyst, struct inquiry *inquiry)
{
    struct told told;
    switch (look(analyst, inquiry, &told)) {
        case RECALL_ANSWER:
            return take_kept(analyst, inquiry, &told);
        case RECALL_PASSED:
            /* as old as it was, or it would be taken for young for ever */
            desk_pass(analyst, inquiry, told.outcome, told.reason ? told.reason : not_kept, told.exchange, told.at);
            return true;
        case RECALL_MISSING:
            note_fallback(inquiry, &analyst->chain.links[inquiry->link], not_kept);
            analyst->counts.missing++;
            inquiry->link = analyst->chain.count;
            return true;
        case RECALL_NOTHING:
            break;
    }
    return false;
}

/* Adds an inquiry to the question that is being gathered for its provider; a full one is closed first. */
static void gather(struct analyst *analyst, struct inquiry *inquiry, struct gathering *gathering)
{
    struct call **call = &gathering->calls[inquiry->link];
    if (*call && !call_fits(*call, inquiry, analyst->workloads)) {
        queue_add(analyst, *call, gathering != &analyst->gathering);
        *call = NULL;
    }
    if (!*call) {
        *call = call_new(analyst, &analyst->chain.links[inquiry->link]);
    }
    call_add(*call, inquiry);
}

/* Whether there may be an answer at a provider. One that is off is not asked, but what its batches brought is there, and paid for. */
static bool may_answer(const struct analyst *analyst, const struct link *link)
{
    return !link->off || (analyst->batched && link == &analyst->chain.links[0]);
}

void desk_walk(struct analyst *analyst, struct inquiry *inquiry, struct gathering *gathering)
{
    while (!inquiry->done && inquiry->link < analyst->chain.count) {
        const struct link *link = &analyst->chain.links[inquiry->link];
        if (recalled(analyst, inquiry)) {
            continue;
        }
        if (may_answer(analyst, link) && inquiry->evidence) {
            gather(analyst, inquiry, gathering);
            return;
        }
        desk_pass(analyst, inquiry, TOLD_FAILED, inquiry->evidence ? link->why : too_large, NULL, clock_now());
    }
    analyst->counts.fell_back += !inquiry->done;
    inquiry->done = true;
}

/* Counts the inquiry at every provider, as if each were the one to answer. */
static void count_everywhere(struct analyst *analyst, struct inquiry *inquiry)
{
    struct told told;
    inquiry->held = 1;
    for (inquiry->link = 0; inquiry->link < analyst->chain.count; inquiry->link++) {
        if (look(analyst, inquiry, &told) != RECALL_NOTHING) {
            analyst->rows[inquiry->link].known++;
        } else if (inquiry->evidence) {
            inquiry->held++;
            gather(analyst, inquiry, &analyst->gathering);
        }
    }
    inquiry->done = --inquiry->held == 0;
}

void desk_close(struct analyst *analyst, struct gathering *gathering, bool first)
{
    for (size_t i = 0; i < analyst->chain.count; i++) {
        if (gathering->calls[i]) {
            queue_add(analyst, gathering->calls[i], first);
        }
        gathering->calls[i] = NULL;
    }
}

/* What is sent, and by what it is found again. */
static void write_evidence(struct analyst *analyst, struct inquiry *inquiry)
{
    char name[EVIDENCE_NAME_MAX];
    json_t *evidence = evidence_new(inquiry->plan, inquiry->class, inquiry->findings, analyst->redact);
    char *text = evidence_text_new(evidence);
    inquiry->name = arena_strdup(inquiry->arena, evidence_name(inquiry->plan->subject, name));
    if (strlen(text) <= EVIDENCE_MAX) {
        inquiry->evidence = arena_strdup(inquiry->arena, text);
    }
    (void)evidence_digest(text, inquiry->digest);
    for (size_t i = 0; i < analyst->chain.count; i++) {
        const struct link *link = &analyst->chain.links[i];
        (void)evidence_key(evidence, link->provider->name, link->model, inquiry->keys[i]);
    }
    free(text);
    json_decref(evidence);
}

void analyst_take(struct analyst *analyst, struct inquiry *inquiry)
{
    inquiry->opinion = (struct opinion){.confidence = NAN};
    inquiry->done = inquiry->plan->refusal || !answer_may_move(inquiry->plan);
    if (inquiry->done) {
        return;
    }
    analyst->counts.workloads++;
    write_evidence(analyst, inquiry);
    if (analyst->estimate) {
        count_everywhere(analyst, inquiry);
    } else {
        desk_walk(analyst, inquiry, &analyst->gathering);
    }
}

void analyst_estimate(const struct analyst *analyst, int64_t workloads, FILE *out)
{
    static const struct chain none;
    if (!analyst) {
        estimate_print(&none, NULL, workloads, 0, out);
        return;
    }
    estimate_print(&analyst->chain, analyst->rows, workloads, analyst->counts.workloads, out);
    estimate_print_budget(analyst->rows, analyst->chain.count, &analyst->budget, analyst->refuse, out);
}

char *analyst_prompt(struct analyst *analyst, struct inquiry *inquiry)
{
    static const struct llm_dialect plain;
    struct link *link = &analyst->chain.links[0];
    if (inquiry->plan->refusal || !answer_may_move(inquiry->plan)) {
        return NULL;
    }
    write_evidence(analyst, inquiry);
    struct call *call = call_new(analyst, link);
    call_add(call, inquiry);
    call_prepare(call);
    char *text = llm_request_text(link->provider, &call->prompt, link->model, &plain);
    call_free(call);
    return text;
}

void analyst_passed(struct analyst *analyst, int64_t number)
{
    for (size_t i = 0; i < analyst->chain.count; i++) {
        struct call **call = &analyst->gathering.calls[i];
        bool full = *call && (*call)->count >= analyst->workloads;
        if (!full && (!*call || number - (*call)->of[0]->number < ANALYST_SPAN - 1)) {
            continue;
        }
        queue_add(analyst, *call, false);
        *call = NULL;
    }
    queue_send(analyst);
}

void analyst_flush(struct analyst *analyst)
{
    desk_close(analyst, &analyst->gathering, false);
    queue_send(analyst);
}

int analyst_turn(struct analyst *analyst, int64_t until_ms, int wake_fd, struct err *err)
{
    queue_send(analyst);
    if (analyst->fatal.class == ERR_NONE && llm_pool_turn(analyst->pool, until_ms, wake_fd, err)) {
        return -1;
    }
    if (analyst->fatal.class != ERR_NONE) {
        *err = analyst->fatal;
        return -1;
    }
    progress_show(&analyst->progress, &analyst->counts, analyst_open(analyst) - analyst->under_way);
    return 0;
}

void analyst_stop(struct analyst *analyst)
{
    bool again = analyst->stopped; /* then nobody can be told any more: inquiries live until the first time */
    analyst->stopped = true;
    queue_drop(analyst);
    if (again || !analyst->pool || analyst->under_way == 0) {
        return;
    }
    llm_pool_stop(analyst->pool);
    (void)llm_pool_turn(analyst->pool, clock_monotonic_ms(), -1, NULL);
    progress_end();
}

void analyst_summary(const struct analyst *analyst)
{
    if (!analyst) {
        return;
    }
    progress_end();
    progress_summary(&analyst->counts);
}
