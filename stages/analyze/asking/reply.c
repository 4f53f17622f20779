#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/asking/desk.h"

enum { FORMER_REPLY_MAX = 4000 };

/* What is being made of a reply. */
struct taking {
    struct call *call;
    struct said said[QUESTION_WORKLOADS_MAX];
    size_t good;
    struct arena arena;
    struct gathering onward; /* workloads that go on to other providers */
};

/* The workloads of a call without a good answer go on, each with its reason (`reason` NULL: what was wrong with its answer). */
static void pass_on(struct taking *taking, enum told_outcome outcome, const char *reason, const char *exchange)
{
    struct call *call = taking->call;
    for (size_t i = 0; i < call->count; i++) {
        if (taking->said[i].good) {
            continue;
        }
        desk_pass(call->analyst, call->of[i], outcome, reason ? reason : taking->said[i].complaint, exchange, clock_now());
        desk_walk(call->analyst, call->of[i], &taking->onward);
    }
}

/* A copy that is cut at a whole character. */
static char *cut_copy(const char *text)
{
    char *copy = xstrndup(text, strnlen(text, FORMER_REPLY_MAX));
    str_trim_utf8(copy);
    return copy;
}

/* Asks about the workloads without a good answer once more, all together and before others: records wait for them. */
static void repair(struct taking *taking, const char *former)
{
    struct call *call = taking->call;
    struct call *again = call_new(call->analyst, call->link);
    for (size_t i = 0; i < call->count; i++) {
        if (!taking->said[i].good) {
            call_add(again, call->of[i]);
        }
    }
    again->repair = true;
    again->former = cut_copy(former);
    again->complaint = xstrdup(question_complaint(call->asked, taking->said, call->count, &taking->arena));
    call->analyst->counts.repaired++;
    queue_add(call->analyst, again, true);
}

/* Asks about the workloads of a question that had no whole answer one by one: it may have been for one of them, or for their number. */
static void part(struct taking *taking)
{
    struct call *call = taking->call;
    for (size_t i = call->count; i > 0; i--) {
        if (taking->said[i - 1].good) {
            continue;
        }
        struct call *one = call_new(call->analyst, call->link);
        call_add(one, call->of[i - 1]);
        queue_add(call->analyst, one, true);
    }
}

static void take_good(struct taking *taking, const char *exchange)
{
    struct call *call = taking->call;
    for (size_t i = 0; i < call->count; i++) {
        const struct said *said = &taking->said[i];
        if (said->good) {
            desk_answer(call->analyst, call->of[i], &said->answer, said->text, exchange, clock_now());
        }
    }
}

/* Reads a reply that has a text. */
static void read_reply(struct taking *taking, const struct llm_reply *reply)
{
    struct call *call = taking->call;
    size_t others = question_read(reply->text, call->asked, call->count, &taking->arena, taking->said);
    for (size_t i = 0; i < call->count; i++) {
        taking->good += taking->said[i].good;
    }
    if (others > 0) {
        log_debug("%s answered about %zu workloads that it was not asked about", call->link->provider->name, others);
    }
}

static void answered(struct taking *taking, const struct llm_reply *reply, struct call_end *end)
{
    struct call *call = taking->call;
    call->link->failures = 0;
    read_reply(taking, reply);
    bool all = taking->good == call->count;
    end->outcome = taking->good == 0 ? "refused" : call->repair ? "repaired" : "answered";
    end->error = all ? NULL : question_complaint(call->asked, taking->said, call->count, &taking->arena);
    kept_call(call->analyst->history, call, reply, end);
    take_good(taking, end->key);
    if (!all && !call->repair) {
        repair(taking, reply->text);
    } else if (!all) {
        pass_on(taking, TOLD_REFUSED, NULL, end->key);
    }
}

/* What is told of a workload that got none: where a model did reply, it would reply the same again, and later runs need not ask; what came
 * of something in between (a page of a proxy) says nothing of that. */
static enum told_outcome outcome_of(enum llm_end how, const struct llm_reply *reply)
{
    return how == LLM_NO_ANSWER && (reply->text || reply->output_tokens > 0) ? TOLD_REFUSED : TOLD_FAILED;
}

/* There is no answer, or a part of one. */
static void not_answered(struct taking *taking, const struct llm_reply *reply, enum llm_end how, const char *why, struct call_end *end)
{
    struct call *call = taking->call;
    if (how == LLM_NO_ANSWER && reply->text) {
        read_reply(taking, reply);
    }
    end->outcome = taking->good > 0 ? "answered" : "failed";
    end->error = why;
    kept_call(call->analyst->history, call, reply, end);
    take_good(taking, end->key);
    if (how == LLM_NO_ANSWER) {
        call->link->failures = 0;
    } else {
        link_failed(call->link, how == LLM_GONE, why);
    }
    if (how == LLM_NO_ANSWER && call->count > 1) {
        part(taking);
    } else {
        pass_on(taking, outcome_of(how, reply), why, end->key);
    }
}

static void finish(struct taking *taking)
{
    desk_close(taking->call->analyst, &taking->onward, true);
    call_free(taking->call);
    arena_release(&taking->arena);
    free(taking);
}

static struct taking *taking_new(struct call *call)
{
    struct taking *taking = xcalloc(sizeof *taking);
    taking->call = call;
    arena_init(&taking->arena);
    return taking;
}

void reply_none(struct call *call, const char *reason)
{
    struct taking *taking = taking_new(call);
    pass_on(taking, TOLD_FAILED, reason, NULL);
    finish(taking);
}

/* Counts what a reply cost. */
static void count(struct analyst *analyst, const struct call *call, const struct llm_reply *reply, const struct call_end *end)
{
    int64_t tokens = reply->input_tokens + reply->output_tokens;
    budget_settle(&analyst->budget, call->reserved, tokens);
    analyst->counts.answered++;
    analyst->counts.tokens += tokens;
    analyst->counts.microusd += end->microusd;
}

/* Nobody waits for it any more. What was under way may be charged all the same: it is on record. */
static void stopped(struct call *call, const struct llm_reply *reply, const char *why, struct call_end *end)
{
    end->outcome = "failed";
    end->error = why;
    if (reply->input_tokens > 0) {
        kept_call(call->analyst->history, call, reply, end);
    }
    for (size_t i = 0; i < call->count; i++) {
        call->of[i]->done = true;
    }
    call_free(call);
}

void reply_take(struct call *call, const struct llm_reply *reply, enum llm_end end, const struct err *why, bool batch)
{
    struct analyst *analyst = call->analyst;
    struct call_end row = {.microusd = llm_cost_microusd(&call->link->price, reply, batch), .batch = batch};
    count(analyst, call, reply, &row);
    if (end == LLM_STOPPED) {
        stopped(call, reply, why->message, &row);
        return;
    }
    struct taking *taking = taking_new(call);
    if (end == LLM_ANSWERED) {
        answered(taking, reply, &row);
    } else {
        not_answered(taking, reply, end, why->message, &row);
    }
    finish(taking);
}
