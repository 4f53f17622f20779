#include "stages/analyze/asking/desk.h"

/* Lets the workloads of a question that is not asked go. */
static void let_go(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        call->of[i]->held -= call->of[i]->held > 0;
        call->of[i]->done = call->of[i]->held == 0;
    }
    call_free(call);
}

/* What is not to be sent now: it is counted, or gathered for a batch. */
static void put_aside(struct analyst *analyst, struct call *call)
{
    if (analyst->estimate) {
        estimate_add(&analyst->rows[call->link - analyst->chain.links], call);
    } else if (batched_wants(analyst->batched, call) && analyst->fatal.class == ERR_NONE) {
        (void)batched_add(analyst->batched, call, &analyst->budget, analyst->refuse, &analyst->fatal);
    }
    let_go(call);
}

void queue_add(struct analyst *analyst, struct call *call, bool first)
{
    call_prepare(call);
    if (analyst->estimate || analyst->gathers) {
        put_aside(analyst, call);
        return;
    }
    if (!first && batched_wants(analyst->batched, call)) {
        call->number = analyst->calls++;
    }
    if (first) {
        call->next = analyst->waiting;
        analyst->waiting = call;
    } else {
        call->next = NULL;
        *analyst->last = call;
    }
    if (!call->next) {
        analyst->last = &call->next;
    }
}

static struct call *queue_pop(struct analyst *analyst)
{
    struct call *call = analyst->waiting;
    analyst->waiting = call->next;
    if (!analyst->waiting) {
        analyst->last = &analyst->waiting;
    }
    call->next = NULL;
    return call;
}

/* The provider was taken out of the run before the question was sent: it costs nothing and is no call. */
static void never_sent(struct call *call, const char *why)
{
    struct analyst *analyst = call->analyst;
    analyst->counts.asked--;
    budget_settle(&analyst->budget, call->reserved, 0);
    reply_none(call, why);
}

static void on_done(void *context, const struct llm_reply *reply, enum llm_end end, const struct err *why)
{
    struct call *call = context;
    struct analyst *analyst = call->analyst;
    analyst->under_way--;
    if (reply->tries == 0 && end != LLM_STOPPED) {
        never_sent(call, why->message);
    } else {
        reply_take(call, reply, end, why, false);
    }
    queue_send(analyst);
}

/* Beyond the budget the workloads go on to the rules, or the run ends. */
static void over_budget(struct analyst *analyst, struct call *call)
{
    char why[LINK_REASON_MAX];
    (void)budget_reason(&analyst->budget, llm_estimate(&call->prompt), why, sizeof why);
    if (!analyst->refuse) {
        reply_none(call, why);
        return;
    }
    (void)budget_refuse(why, &analyst->fatal);
    call_free(call);
}

/* The question is answered by what a batch brought. */
static bool answered_by_batch(struct analyst *analyst, struct call *call)
{
    struct batch_result result;
    if (call->number < 0 || !batched_take(analyst->batched, call, &result, &analyst->fatal)) {
        return false;
    }
    call->reserved = result.reserved;
    (void)queue_pop(analyst);
    if (result.sent) {
        analyst->counts.asked++;
        reply_take(call, &result.reply, result.end, &result.why, true);
    } else {
        reply_none(call, result.why.message);
    }
    llm_reply_release(&result.reply);
    return true;
}

/* The head of the queue, if it need not wait: what is under way may come to cost less than was set aside for it. */
static bool send_first(struct analyst *analyst)
{
    struct call *call = analyst->waiting;
    if (answered_by_batch(analyst, call)) {
        return true;
    }
    if (analyst->drains) {
        let_go(queue_pop(analyst));
        return true;
    }
    if (call->link->off) {
        reply_none(queue_pop(analyst), call->link->why);
        return true;
    }
    int64_t tokens = llm_estimate(&call->prompt);
    if (!budget_take(&analyst->budget, tokens)) {
        if (analyst->under_way > 0) {
            return false;
        }
        over_budget(analyst, queue_pop(analyst));
        return true;
    }
    (void)queue_pop(analyst);
    call->reserved = tokens;
    analyst->under_way++;
    analyst->counts.asked++;
    llm_pool_ask(analyst->pool, call->link->llm, &call->prompt, on_done, call);
    return true;
}

void queue_send(struct analyst *analyst)
{
    while (analyst->waiting && analyst->under_way < analyst->parallel && !analyst->stopped && analyst->fatal.class == ERR_NONE) {
        if (!send_first(analyst)) {
            return;
        }
    }
}

void queue_drop(struct analyst *analyst)
{
    while (analyst->waiting) {
        call_free(queue_pop(analyst));
    }
}
