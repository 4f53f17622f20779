#include "stages/common/llm/llm_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/http_loop.h"
#include "stages/common/llm/llm_internal.h"
#include "stages/common/llm/llm_pace.h"
#include "stages/common/llm/llm_verdict.h"

enum { TRIES = 5, TRIES_UNREACHED = 4, THROTTLED_TRIES = 12, ADAPTATIONS_MAX = 6, TOLD_FROM_MS = 10 * 1000 };

/* A question from llm_pool_ask until its end was told. It is in one list at a time. */
struct question {
    struct question *next;
    struct lane *lane;
    struct llm_prompt prompt;
    llm_done *done;
    void *context;
    struct llm_dialect dialect; /* in which it goes out */
    bool own_dialect;           /* which is not the client's */
    struct llm_need need; /* at most */
    struct llm_need likely;
    char *body; /* while it is under way */
    struct http_flight *flight;
    uint64_t order;  /* as asked, among those of its lane */
    uint64_t number; /* as sent */
    int64_t sent_at;
    int64_t due; /* not before, while it waits for another try */
    unsigned failures;
    unsigned throttles;
    unsigned adaptations;
    int64_t lost_tokens; /* of answers that were cut on their way: they are paid for */
    struct llm_reply reply;
    enum llm_end end;
    struct err why;
};

struct list {
    struct question *first;
    struct question *last;
    size_t count;
};

/* What is asked of one model. */
struct lane {
    struct lane *next;
    struct llm_pool *pool;
    struct llm *llm;
    struct list waiting; /* never sent, first come first */
    struct list again;   /* waiting for another try, in the order in which they were asked */
    struct list flying;
    struct llm_pace pace;
    uint64_t orders;
    int64_t told_until; /* the longest wait that people were told of */
    bool gone;
    struct err why; /* where gone, or held for longer than anybody waits */
};

struct llm_pool {
    struct http_loop *loop;
    struct lane *lanes;
    struct list ended; /* to be told */
    size_t parallel;
    size_t flying;
    size_t open;
    bool stopping;
};

/* ---- Lists ---- */

/* Puts a question behind `at`, NULL: to the front. */
static void insert_behind(struct list *list, struct question *at, struct question *question)
{
    struct question **link = at ? &at->next : &list->first;
    question->next = *link;
    *link = question;
    if (!question->next) {
        list->last = question;
    }
    list->count++;
}

static void append(struct list *list, struct question *question)
{
    insert_behind(list, list->last, question);
}

static void insert_ordered(struct list *list, struct question *question)
{
    struct question *at = NULL;
    for (struct question *each = list->first; each && each->order < question->order; each = each->next) {
        at = each;
    }
    insert_behind(list, at, question);
}

static void take_out(struct list *list, struct question *question)
{
    struct question *before = NULL;
    for (struct question *each = list->first; each != question; each = each->next) {
        before = each;
    }
    *(before ? &before->next : &list->first) = question->next;
    if (list->last == question) {
        list->last = before;
    }
    question->next = NULL;
    list->count--;
}

/* ---- Beginnings and ends ---- */

int llm_pool_new(int parallel, struct llm_pool **out, struct err *err)
{
    struct llm_pool *pool = xcalloc(sizeof *pool);
    pool->parallel = parallel < 1 ? 1 : (size_t)parallel;
    if (http_loop_new(&pool->loop, err)) {
        free(pool);
        return -1;
    }
    *out = pool;
    return 0;
}

static void free_question(struct question *question)
{
    llm_reply_release(&question->reply);
    free(question->body);
    free(question);
}

static void free_list(struct list *list)
{
    while (list->first) {
        struct question *question = list->first;
        take_out(list, question);
        free_question(question);
    }
}

void llm_pool_free(struct llm_pool *pool)
{
    if (!pool) {
        return;
    }
    http_loop_free(pool->loop);
    while (pool->lanes) {
        struct lane *lane = pool->lanes;
        pool->lanes = lane->next;
        free_list(&lane->waiting);
        free_list(&lane->again);
        free_list(&lane->flying);
        free(lane);
    }
    free_list(&pool->ended);
    free(pool);
}

/* The lane of a model; lanes stand in the order in which they were first asked. */
static struct lane *lane_of(struct llm_pool *pool, struct llm *llm)
{
    struct lane **at = &pool->lanes;
    while (*at && (*at)->llm != llm) {
        at = &(*at)->next;
    }
    if (!*at) {
        *at = xcalloc(sizeof **at);
        (*at)->pool = pool;
        (*at)->llm = llm;
        llm_pace_init(&(*at)->pace, (int)pool->parallel);
    }
    return *at;
}

void llm_pool_ask(struct llm_pool *pool, struct llm *llm, const struct llm_prompt *prompt, llm_done *done, void *context)
{
    struct question *question = xcalloc(sizeof *question);
    question->lane = lane_of(pool, llm);
    question->prompt = *prompt;
    question->done = done;
    question->context = context;
    question->need = llm_need_of(prompt);
    question->order = ++question->lane->orders;
    (void)snprintf(question->reply.model, sizeof question->reply.model, "%s", llm->model);
    append(&question->lane->waiting, question);
    pool->open++;
}

size_t llm_pool_open(const struct llm_pool *pool)
{
    return pool->open;
}

void llm_pool_stop(struct llm_pool *pool)
{
    pool->stopping = true;
}

/* Ends a question that is in no list; it is told in this turn or the next. */
static void finish(struct question *question, enum llm_end end, const struct err *why)
{
    struct llm_pool *pool = question->lane->pool;
    question->end = end;
    if (why) {
        question->why = *why;
    }
    question->reply.input_tokens += question->lost_tokens;
    free(question->body);
    question->body = NULL;
    append(&pool->ended, question);
}

static void finish_all(struct list *list, enum llm_end end, const struct err *why)
{
    while (list->first) {
        struct question *question = list->first;
        take_out(list, question);
        finish(question, end, why);
    }
}

/* The model is of no use any more: what waits is not sent, what is under way may still be answered. */
static void close_lane(struct lane *lane, const struct err *why)
{
    if (!lane->gone) {
        log_debug("%s is not asked any more: %s", lane->llm->provider->name, why->message);
    }
    lane->gone = true;
    lane->why = *why;
    finish_all(&lane->waiting, LLM_GONE, why);
    finish_all(&lane->again, LLM_GONE, why);
}

/* ---- What an answer, or none, leads to ---- */

/* Puts a question back, to go out again at `due`. */
static void put_back(struct question *question, int64_t due)
{
    struct lane *lane = question->lane;
    question->due = due;
    if (lane->gone) {
        finish(question, LLM_GONE, &lane->why);
    } else {
        insert_ordered(&lane->again, question);
    }
}

/* Nothing came of a question in spite of all tries. */
static void fail(struct question *question, const struct err *why)
{
    struct lane *lane = question->lane;
    bool over = llm_pace_failed(&lane->pace, false);
    finish(question, over ? LLM_GONE : LLM_FAILED, why);
    if (over) {
        close_lane(lane, why);
    }
}

/* The server answered, and it is no answer of the model. */
static void no_answer(struct question *question, const struct err *why)
{
    struct lane *lane = question->lane;
    bool over = llm_pace_failed(&lane->pace, true);
    finish(question, LLM_NO_ANSWER, why);
    if (over) {
        close_lane(lane, why);
    }
}

static void useless(struct question *question, const struct err *why)
{
    finish(question, LLM_GONE, why);
    close_lane(question->lane, why);
}

/* A failure that may pass: another try after a while, or the end. */
static void try_again(struct question *question, int64_t asked_ms, const struct err *why)
{
    int64_t wait = llm_pace_backoff(question->failures);
    wait = asked_ms > wait ? asked_ms : wait;
    unsigned tries = question->lane->pace.reached ? TRIES : TRIES_UNREACHED;
    if (++question->failures >= tries || wait > LLM_HOLD_MAX_MS) {
        fail(question, why);
        return;
    }
    log_debug("%s: another try in %lld ms: %s", question->lane->llm->provider->name, (long long)wait, why->message);
    put_back(question, clock_monotonic_ms() + wait);
}

/* The server throttles: everybody waits, then this question goes first. */
static void slow_down(struct question *question, int64_t asked_ms, const struct err *why)
{
    struct lane *lane = question->lane;
    int64_t now = clock_monotonic_ms();
    llm_pace_throttled(&lane->pace, question->number, lane->flying.count, asked_ms, now);
    log_debug("%s: %s; nobody asks for %lld ms, then %.1f at once", lane->llm->provider->name, why->message,
              (long long)(lane->pace.held_until - now), lane->pace.window);
    if (llm_pace_hopeless(&lane->pace)) {
        useless(question, why);
    } else if (++question->throttles >= THROTTLED_TRIES || lane->pace.held_until - now > LLM_HOLD_MAX_MS) {
        lane->why = *why;
        fail(question, why);
    } else {
        put_back(question, lane->pace.held_until);
    }
}

static void take_answer(struct question *question, const struct http_reply *http)
{
    struct lane *lane = question->lane;
    struct err why = {.class = ERR_NONE};
    if (llm_take_reply(lane->llm, &question->prompt, http, &question->reply, &why)) {
        no_answer(question, &why);
        return;
    }
    llm_pace_answered(&lane->pace, question->reply.output_tokens);
    finish(question, LLM_ANSWERED, NULL);
}

/* The server's limits as its answer tells them; it does not know yet of what went out later than the question it answers. */
static void note_limits(const struct question *question, const struct http_reply *http, int64_t now)
{
    struct lane *lane = question->lane;
    if (!llm_limits_read(&lane->pace.limits, http, now)) {
        return;
    }
    for (const struct question *other = lane->flying.first; other; other = other->next) {
        if (other->number > question->number) {
            llm_limits_take(&lane->pace.limits, &other->likely, now);
        }
    }
}

/* What becomes of a question that has a whole answer of any status. */
static void judge_answer(struct question *question, const struct http_reply *http)
{
    struct llm *llm = question->lane->llm;
    struct err why = {.class = ERR_NONE};
    enum llm_verdict verdict = llm_verdict_of(llm, http, &why);
    note_limits(question, http, clock_monotonic_ms());
    question->lane->pace.reached = true;
    if ((verdict == LLM_NEVER || verdict == LLM_AGAIN) && question->adaptations < ADAPTATIONS_MAX &&
        llm_verdict_adapt(llm, http, &question->dialect)) {
        question->adaptations++;
        question->own_dialect = true;
        put_back(question, 0);
        return;
    }
    switch (verdict) {
    case LLM_READ:
        take_answer(question, http);
        break;
    case LLM_AGAIN:
        try_again(question, llm_verdict_wait(http), &why);
        break;
    case LLM_SLOWER:
        slow_down(question, llm_verdict_wait(http), &why);
        break;
    case LLM_USELESS:
        useless(question, &why);
        break;
    default:
        no_answer(question, &why);
        break;
    }
}

/* What becomes of a question that has no whole answer. */
static void judge_failure(struct question *question, const struct http_reply *http, const struct err *failure)
{
    enum llm_verdict verdict = llm_verdict_of_failure(http, failure);
    bool paid = http_status_ok(http->status) || verdict == LLM_LATE; /* the model was at work */
    question->lane->pace.reached = question->lane->pace.reached || http->sent;
    question->lost_tokens += paid ? llm_estimate_input(&question->prompt) : 0;
    if (verdict == LLM_AGAIN) {
        try_again(question, -1, failure);
    } else if (verdict == LLM_NEVER) {
        no_answer(question, failure);
    } else if (verdict == LLM_LATE || question->lane->pace.answered) {
        fail(question, failure);
    } else {
        useless(question, failure);
    }
}

static void landed(void *context, struct http_reply *http, const struct err *failure)
{
    struct question *question = context;
    question->flight = NULL;
    take_out(&question->lane->flying, question);
    question->lane->pool->flying--;
    question->reply.latency_ms = clock_monotonic_ms() - question->sent_at;
    if (failure) {
        judge_failure(question, http, failure);
    } else {
        judge_answer(question, http);
    }
}

/* ---- A turn ---- */

/* Sends a question that is in no list. */
static void send_out(struct question *question, int64_t now)
{
    struct lane *lane = question->lane;
    struct llm_pool *pool = lane->pool;
    struct err err = {.class = ERR_NONE};
    if (!question->own_dialect) {
        question->dialect = lane->llm->dialect;
    }
    free(question->body);
    question->body = llm_request_text(lane->llm->provider, &question->prompt, lane->llm->model, &question->dialect);
    struct http_request request = {.method = "POST",
                                   .path = lane->llm->path,
                                   .content_type = "application/json",
                                   .accept = "application/json",
                                   .body = question->body,
                                   .body_length = strlen(question->body),
                                   .cap = LLM_BODY_MAX};
    question->sent_at = now;
    question->reply.tries++;
    question->number = llm_pace_sent(&lane->pace, &question->likely, now);
    append(&lane->flying, question);
    pool->flying++;
    if (http_loop_begin(pool->loop, lane->llm->http, &request, 0, landed, question, &question->flight, &err)) {
        take_out(&lane->flying, question);
        pool->flying--;
        useless(question, &err);
    }
}

/* A long wait does not look like a program that hangs. */
static void tell_wait(struct lane *lane, int64_t at, int64_t now)
{
    if (at - now < TOLD_FROM_MS || at <= lane->told_until) {
        return;
    }
    lane->told_until = at;
    log_info("%s allows no more questions for %lld seconds", lane->llm->provider->name, (long long)(at - now + 999) / 1000);
}

/* The next question of a lane that may go out, taken out of its list. NULL: none; then *until_ms becomes the instant at which one may,
 * where that is sooner. */
static struct question *next_question(struct lane *lane, int64_t now, int64_t *until_ms)
{
    struct list *list = &lane->again;
    struct question *question = list->first;
    while (question && question->due > now) {
        *until_ms = question->due < *until_ms ? question->due : *until_ms;
        question = question->next;
    }
    if (!question && llm_pace_room(&lane->pace, lane->flying.count + lane->again.count)) {
        list = &lane->waiting;
        question = list->first;
    }
    if (!question || !llm_pace_room(&lane->pace, lane->flying.count)) {
        return NULL;
    }
    question->likely = lane->llm->provider->limits_by_use ? llm_pace_likely(&lane->pace, &question->need) : question->need;
    int64_t at = llm_pace_until(&lane->pace, &question->likely, now);
    if (at > now) {
        tell_wait(lane, at, now);
        *until_ms = at < *until_ms ? at : *until_ms;
        return NULL;
    }
    take_out(list, question);
    return question;
}

/* Ends what nobody waits for. Whether the lane can be asked. */
static bool lane_open(struct lane *lane, int64_t now)
{
    if (lane->gone) {
        finish_all(&lane->waiting, LLM_GONE, &lane->why);
        return false;
    }
    if (lane->pace.held_until - now > LLM_HOLD_MAX_MS) {
        finish_all(&lane->waiting, LLM_FAILED, &lane->why);
        finish_all(&lane->again, LLM_FAILED, &lane->why);
        return false;
    }
    return true;
}

/* Sends what may go out, one of each model in turn; *until_ms becomes the instant at which more may. */
static void send_due(struct llm_pool *pool, int64_t now, int64_t *until_ms)
{
    bool more = true;
    while (more && pool->flying < pool->parallel) {
        more = false;
        for (struct lane *lane = pool->lanes; lane && pool->flying < pool->parallel; lane = lane->next) {
            struct question *question = lane_open(lane, now) ? next_question(lane, now, until_ms) : NULL;
            if (question) {
                send_out(question, now);
            }
            more = more || question;
        }
    }
}

static void stop_all(struct llm_pool *pool)
{
    struct err why = {.class = ERR_NONE};
    (void)err_set(&why, ERR_TEMPFAIL, "it was stopped before there was an answer");
    for (struct lane *lane = pool->lanes; lane; lane = lane->next) {
        for (struct question *question = lane->flying.first; question; question = question->next) {
            http_loop_cancel(pool->loop, question->flight);
            question->flight = NULL;
            question->lost_tokens += llm_estimate_input(&question->prompt); /* the server may be at work on it */
        }
        finish_all(&lane->flying, LLM_STOPPED, &why);
        finish_all(&lane->again, LLM_STOPPED, &why);
        finish_all(&lane->waiting, LLM_STOPPED, &why);
    }
    pool->flying = 0;
}

/* Tells of what had ended when this was called. */
static void tell(struct llm_pool *pool)
{
    struct list ended = pool->ended;
    pool->ended = (struct list){.first = NULL};
    while (ended.first) {
        struct question *question = ended.first;
        take_out(&ended, question);
        pool->open--;
        question->done(question->context, &question->reply, question->end, question->end == LLM_ANSWERED ? NULL : &question->why);
        free_question(question);
    }
}

int llm_pool_turn(struct llm_pool *pool, int64_t until_ms, int wake_fd, struct err *err)
{
    int64_t now = clock_monotonic_ms();
    if (pool->stopping) {
        stop_all(pool);
    } else {
        send_due(pool, now, &until_ms);
    }
    if (pool->ended.first) {
        until_ms = now;
    }
    if (http_loop_turn(pool->loop, until_ms, wake_fd, err)) {
        return -1;
    }
    tell(pool);
    return 0;
}
