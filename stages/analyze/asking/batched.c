#include "stages/analyze/asking/batched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_batch.h"
#include "stages/common/spool.h"

enum { NO_PLACE = -1 };

/* A question that was added, and where its result lies. */
struct entry {
    char digest[DIGEST_HEX];
    int64_t place; /* in the spool */
    int64_t reserved;
};

struct batched {
    struct link *link;
    struct llm_batch *batch;
    struct spool *results;
    struct entry *entries;
    size_t count, size;
    struct history_out *history; /* while it runs */
};

int batched_new(struct link *link, int64_t wait_seconds, struct batched **out, struct err *err)
{
    struct batched *batched = xcalloc(sizeof *batched);
    batched->link = link;
    if (llm_batch_new(link->llm, wait_seconds, &batched->batch, err) || spool_new(&batched->results, err)) {
        batched_free(batched);
        return -1;
    }
    *out = batched;
    return 0;
}

void batched_free(struct batched *batched)
{
    if (!batched) {
        return;
    }
    llm_batch_free(batched->batch);
    spool_free(batched->results);
    free(batched->entries);
    free(batched);
}

bool batched_wants(const struct batched *batched, const struct call *call)
{
    return batched && call->link == batched->link && !call->repair;
}

static struct entry *entry_new(struct batched *batched)
{
    GROW(batched->entries, batched->size, batched->count + 1);
    batched->entries[batched->count] = (struct entry){.place = NO_PLACE};
    return &batched->entries[batched->count++];
}

/* Keeps a result under its number; `end` negative: it was not sent. */
static int keep(struct batched *batched, uint64_t number, const struct llm_reply *reply, int end, const char *why, struct err *err)
{
    json_t *row = json_object();
    if (number >= batched->count) {
        return err_set(err, ERR_SOFTWARE, "a batch told of a question that was not asked");
    }
    json_object_set_new(row, "end", json_integer(end));
    json_object_set_new(row, "text", json_string_safe(reply->text));
    json_object_set_new(row, "model", json_string_safe(reply->model));
    json_object_set_new(row, "input", json_integer(reply->input_tokens));
    json_object_set_new(row, "output", json_integer(reply->output_tokens));
    json_object_set_new(row, "read", json_integer(reply->cache_read_tokens));
    json_object_set_new(row, "written", json_integer(reply->cache_write_tokens));
    json_object_set_new(row, "latency", json_integer(reply->latency_ms));
    json_object_set_new(row, "why", json_string_safe(why));
    int status = spool_add(batched->results, row, &batched->entries[number].place, err);
    json_decref(row);
    return status;
}

int batched_add(struct batched *batched, const struct call *call, struct budget *budget, bool refuse, struct err *err)
{
    char why[LINK_REASON_MAX];
    const struct llm_reply nothing = {.text = NULL};
    int64_t tokens = llm_estimate(&call->prompt);
    uint64_t number = batched->count;
    struct entry *entry = entry_new(batched);
    (void)call_digest(call, entry->digest);
    if (budget_take(budget, tokens)) {
        entry->reserved = tokens;
        return llm_batch_add(batched->batch, number, &call->prompt, err);
    }
    (void)budget_reason(budget, tokens, why, sizeof why);
    return refuse ? budget_refuse(why, err) : keep(batched, number, &nothing, -1, why, err);
}

static int on_done(void *context, uint64_t number, const struct llm_reply *reply, enum llm_end end, const struct err *why, struct err *err)
{
    return keep(context, number, reply, (int)end, why ? why->message : NULL, err);
}

static int on_sent(void *context, const char *id, const char *questions, struct err *err)
{
    const struct batched *batched = context;
    struct sent_batch row = {
        .provider = batched->link->provider->name, .model = batched->link->model, .id = id, .at = clock_now()};
    (void)err;
    (void)snprintf(row.questions, sizeof row.questions, "%s", questions);
    history_batch(batched->history, &row);
    log_info("%s took questions as batch %s: its results are waited for", row.provider, id);
    return 0;
}

/* Names the batches of earlier attempts, so that nothing is paid for twice. */
static void name_earlier(const struct batched *batched, const struct recall *recall)
{
    struct sent_batch row;
    for (size_t i = 0; recall->answers && history_answers_batch(recall->answers, i, &row); i++) {
        if (str_equal(row.provider, batched->link->provider->name) && str_equal(row.model, batched->link->model)) {
            llm_batch_earlier(batched->batch, row.id, row.questions);
        }
    }
}

int batched_run(struct batched *batched, const struct recall *recall, struct history_out *history, int wake_fd, struct err *err)
{
    name_earlier(batched, recall);
    batched->history = history;
    int status = batched->count == 0 ? 0 : llm_batch_run(batched->batch, wake_fd, on_done, on_sent, batched, err);
    return status ? status : spool_rewind(batched->results, err);
}

static void result_read(const json_t *row, struct batch_result *out)
{
    int64_t end = json_int_or(row, "end", LLM_FAILED);
    const char *why = json_string_or_null(row, "why");
    out->sent = end >= 0;
    out->end = out->sent ? (enum llm_end)end : LLM_FAILED;
    out->reply = (struct llm_reply){.text = xstrdup_null(json_string_or_null(row, "text")),
                                    .input_tokens = json_int_or(row, "input", 0),
                                    .output_tokens = json_int_or(row, "output", 0),
                                    .cache_read_tokens = json_int_or(row, "read", 0),
                                    .cache_write_tokens = json_int_or(row, "written", 0),
                                    .latency_ms = json_int_or(row, "latency", 0)};
    (void)snprintf(out->reply.model, sizeof out->reply.model, "%s", json_string_or_null(row, "model"));
    if (why) {
        (void)err_set(&out->why, ERR_UNAVAILABLE, "%s", why);
    }
}

bool batched_take(const struct batched *batched, const struct call *call, struct batch_result *out, struct err *err)
{
    char digest[DIGEST_HEX];
    json_t *row;
    if (call->number < 0 || (size_t)call->number >= batched->count) {
        return false;
    }
    const struct entry *entry = &batched->entries[call->number];
    if (entry->place == NO_PLACE || !str_equal(entry->digest, call_digest(call, digest)) ||
        spool_at(batched->results, entry->place, &row, err)) {
        return false;
    }
    *out = (struct batch_result){.reserved = entry->reserved};
    result_read(row, out);
    json_decref(row);
    return true;
}
