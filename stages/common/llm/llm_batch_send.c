#include <poll.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "stages/common/llm/llm_batch_internal.h"

enum { AGAIN_FIRST_MS = 200, AGAIN_MOST_MS = 60 * 1000, TURN_MS = 60 * 1000, FEW_TRIES = 5 };

/* What http_done told. */
struct flown {
    bool done;
    bool failed;
    struct err failure;
    struct http_reply *reply;
};

char *llm_batch_path(const struct llm_batch *batch, const char *id, const char *rest)
{
    return xasprintf("%s/batches%s%s%s", batch->llm->path, *id ? "/" : "", id, rest);
}

static bool woken(const struct llm_batch *batch)
{
    struct pollfd look = {.fd = batch->wake_fd, .events = POLLIN};
    return batch->wake_fd >= 0 && poll(&look, 1, 0) > 0;
}

/* Whether there is no time left, or no will: then only what closes the batches is still sent. */
static bool over(struct llm_batch *batch)
{
    if (!batch->closing && (batch->stopping || woken(batch))) {
        batch->stopping = true;
        return true;
    }
    return clock_monotonic_ms() >= batch->deadline;
}

static int turn(struct llm_batch *batch, int64_t until, struct err *err)
{
    int64_t last = until < batch->deadline ? until : batch->deadline;
    return http_loop_turn(batch->loop, last, batch->closing ? -1 : batch->wake_fd, err);
}

enum llm_went llm_batch_pause(struct llm_batch *batch, int64_t ms, struct err *err)
{
    int64_t until = clock_monotonic_ms() + ms;
    while (!over(batch)) {
        if (clock_monotonic_ms() >= until) {
            return LLM_WENT_WELL;
        }
        if (turn(batch, until, err)) {
            return LLM_WENT_BROKEN;
        }
    }
    return LLM_WENT_STOPPED;
}

static void note_done(void *context, struct http_reply *reply, const struct err *failure)
{
    struct flown *flown = context;
    flown->done = true;
    flown->failed = failure != NULL;
    if (failure) {
        flown->failure = *failure;
    }
    struct http_reply mine = *flown->reply;
    *flown->reply = *reply; /* the loop frees what was ours, which is empty */
    *reply = mine;
}

/* One try; where it went well, *flown says how it ended. */
static enum llm_went fly(struct llm_batch *batch, const struct http_request *request, struct flown *flown, struct err *err)
{
    struct http_flight *flight = NULL;
    bool stopped = false;
    if (http_loop_begin(batch->loop, batch->llm->http, request, 0, note_done, flown, &flight, err)) {
        return LLM_WENT_BROKEN;
    }
    while (!flown->done && !(stopped = over(batch))) {
        if (turn(batch, clock_monotonic_ms() + TURN_MS, err)) {
            return LLM_WENT_BROKEN;
        }
    }
    if (stopped) {
        http_loop_cancel(batch->loop, flight);
    }
    return stopped ? LLM_WENT_STOPPED : LLM_WENT_WELL;
}

/* Whether another try may do better, and harm nothing. */
static bool try_again(const struct http_request *request, const struct flown *flown, enum llm_verdict verdict, int tries)
{
    if (verdict != LLM_AGAIN && verdict != LLM_SLOWER && verdict != LLM_LATE) {
        return false;
    }
    return !request->once || (tries < FEW_TRIES && (!request->body || !flown->failed || !flown->reply->sent));
}

enum llm_went llm_batch_send(struct llm_batch *batch, const struct http_request *request, struct http_reply *reply,
                             enum llm_verdict *verdict, struct err *why, struct err *err)
{
    int64_t wait = AGAIN_FIRST_MS;
    for (int tries = 1;; tries++) {
        struct flown flown = {.reply = reply};
        http_reply_release(reply);
        enum llm_went went = fly(batch, request, &flown, err);
        if (went != LLM_WENT_WELL) {
            return went;
        }
        if (flown.failed) {
            *why = flown.failure;
        }
        *verdict = flown.failed ? llm_verdict_of_failure(reply, &flown.failure) : llm_verdict_of(batch->llm, reply, why);
        if (*verdict == LLM_READ) {
            return LLM_WENT_WELL;
        }
        if (!flown.failed && reply->status == 413) {
            return LLM_WENT_TOO_LARGE;
        }
        if (!try_again(request, &flown, *verdict, tries)) {
            return LLM_WENT_REFUSED;
        }
        int64_t asked = flown.failed ? -1 : llm_verdict_wait(reply);
        went = llm_batch_pause(batch, asked > wait ? asked : wait, err);
        if (went != LLM_WENT_WELL) {
            return went;
        }
        wait = wait * 2 < AGAIN_MOST_MS ? wait * 2 : AGAIN_MOST_MS;
    }
}
