#include "stages/analyze/asking/desk.h"

/* Counts a question that would be sent, and lets its workloads go. */
static void only_count(struct analyst *analyst, struct call *call)
{
    estimate_add(&analyst->rows[call->link - analyst->chain.links], call);
    for (size_t i = 0; i < call->count; i++)
        call->of[i]->done = --call->of[i]->held == 0;
    call_free(call);
}

void queue_add(struct analyst *analyst, struct call *call, bool first)
{
    call_prepare(call);
    if (analyst->estimate) {
        only_count(analyst, call);
        return;
    }
    if (first) {
        call->next = analyst->waiting;
        analyst->waiting = call;
    } else {
        call->next = NULL;
        *analyst->last = call;
    }
    if (!call->next)
        analyst->last = &call->next;
}

static struct call *queue_pop(struct analyst *analyst)
{
    struct call *call = analyst->waiting;
    analyst->waiting = call->next;
    if (!analyst->waiting)
        analyst->last = &analyst->waiting;
    call->next = NULL;
    return call;
}

static void on_done(void *context, const struct llm_reply *reply, enum llm_end end, const struct err *why)
{
    struct call *call = context;
    struct analyst *analyst = call->analyst;
    analyst->under_way--;
    reply_take(call, reply, end, why, false);
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
    (void)err_set(&analyst->fatal, ERR_REFUSED, "%s", why);
    (void)err_hint(&analyst->fatal, "raise it, or let the rules decide beyond it with analysis.over_budget: rules");
    call_free(call);
}

/* The head of the queue, if it need not wait: what is under way may come to cost less than was set aside for it. */
static bool send_first(struct analyst *analyst)
{
    struct call *call = analyst->waiting;
    if (call->link->off) {
        reply_none(queue_pop(analyst), call->link->why);
        return true;
    }
    int64_t tokens = llm_estimate(&call->prompt);
    if (!budget_take(&analyst->budget, tokens)) {
        if (analyst->under_way > 0)
            return false;
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
        if (!send_first(analyst))
            return;
    }
}

void queue_drop(struct analyst *analyst)
{
    while (analyst->waiting)
        call_free(queue_pop(analyst));
}
