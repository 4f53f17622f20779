#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"
#include "tests/harness/llm_vendor.h"

enum { BATCH_MAX = 100000, CUSTOM_ID_MAX = 64 };

struct stored {
    char id[CUSTOM_ID_MAX + 1];
    char *line; /* as it ends when nobody cancels; NULL: no line */
};

struct llm_stored_batch {
    char id[40];
    struct stored *items;
    size_t count;
    int64_t ends_ms;
    bool canceled;
};

static bool good_id(const char *id)
{
    size_t length = id ? strlen(id) : 0;
    return length >= 1 && length <= CUSTOM_ID_MAX &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct stored *)a)->id, ((const struct stored *)b)->id);
}

/* What is wrong with the list of requests; NULL where nothing is. Static. */
static const char *wrong_list(const json_t *requests)
{
    size_t count = json_array_size(requests), index;
    const char *wrong = NULL;
    json_t *one;
    if (count == 0 || count > BATCH_MAX) {
        return "requests: must hold 1 to 100000 entries";
    }
    struct stored *ids = xcalloc_array(count, sizeof *ids);
    json_array_foreach(requests, index, one)
    {
        const char *id = json_string_or_null(one, "custom_id");
        if (!good_id(id) || !json_is_object(json_object_get(one, "params"))) {
            wrong = "requests: custom_id must be 1 to 64 of [A-Za-z0-9_-], params an object";
        } else {
            (void)snprintf(ids[index].id, sizeof ids[index].id, "%s", id);
        }
    }
    qsort(ids, count, sizeof *ids, by_id);
    for (size_t i = 1; !wrong && i < count; i++) {
        wrong = by_id(&ids[i - 1], &ids[i]) == 0 ? "requests: custom_id must be unique" : NULL;
    }
    free(ids);
    return wrong;
}

/* New line of results; steals `result`. */
static char *line_new(const char *id, json_t *result)
{
    json_t *value = json_pack("{s:s, s:o}", "custom_id", id, "result", result);
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    return text;
}

static char *errored_line(const char *id, const char *type, const char *message)
{
    return line_new(id, json_pack("{s:s, s:{s:s, s:{s:s, s:s}, s:n}}", "type", "errored", "error", "type", "error", "error", "type",
                                  type ? type : "invalid_request_error", "message", message ? message : "scripted", "request_id"));
}

/* New line of one question, NULL where it has none. */
static char *result_line(struct llm_call *outer, const json_t *entry)
{
    struct wire_answer answer = {.status = 200};
    const json_t *params = json_object_get(entry, "params");
    const char *id = json_string_or_null(entry, "custom_id"), *wrong = llm_vendor_wrong("anthropic", params);
    struct llm_call call = {.world = outer->world, .request = outer->request, .answer = &answer, .api = "batched"};
    llm_call_ask(&call, params);
    char *raw = json_dumps(params, JSON_COMPACT);
    call.asked.raw = raw;
    pthread_mutex_lock(&outer->world->lock);
    llm_rules_apply(outer->world->rules, &call.asked, &call.act);
    outer->world->stats.batched++;
    pthread_mutex_unlock(&outer->world->lock);
    const char *outcome = llm_act_text(&call.act, RULE_OUTCOME);
    char *line = NULL;
    if (wrong || str_equal(outcome, "errored")) {
        line = errored_line(id, llm_act_text(&call.act, RULE_ERROR), wrong ? wrong : llm_act_text(&call.act, RULE_MESSAGE));
    } else if (str_equal(outcome, "expired") || str_equal(outcome, "canceled")) {
        line = line_new(id, json_pack("{s:s}", "type", outcome));
    } else if (llm_act_text(&call.act, RULE_BODY)) {
        line = xstrdup(llm_act_text(&call.act, RULE_BODY));
    } else if (!str_equal(outcome, "missing")) {
        line = line_new(str_equal(outcome, "unknown") ? "nobody-sent-this" : id,
                        json_pack("{s:s, s:o}", "type", "succeeded", "message", llm_vendor_message(&call, params)));
    }
    if (str_equal(outcome, "twice")) {
        char *twice = xasprintf("%s\n%s", line, line);
        free(line);
        line = twice;
    }
    json_decref(call.evidence);
    free(raw);
    return line;
}

/* The results come in any order: shuffled, the same way in every run. */
static void shuffle(struct llm_stored_batch *batch)
{
    uint64_t state = 88172645463325252u; /* xorshift64 (Marsaglia 2003) */
    for (size_t i = batch->count; i > 1; i--) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        size_t other = (size_t)(state % i);
        struct stored swap = batch->items[i - 1];
        batch->items[i - 1] = batch->items[other];
        batch->items[other] = swap;
    }
}

static void describe(struct llm_call *call, const struct llm_stored_batch *batch)
{
    bool ended = batch->canceled || clock_monotonic_ms() >= batch->ends_ms;
    char now[RFC3339_MAX], url[256];
    long count = (long)batch->count;
    (void)time_format(clock_now(), now);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/v1/messages/batches/%s/results", call->world->port, batch->id);
    const char *other = llm_act_text(&call->act, RULE_RESULTS_URL);
    llm_vendor_body(call, json_pack("{s:s, s:s, s:s, s:{s:I, s:I, s:i, s:i, s:i}, s:s, s:s, s:s?, s:s?, s:n, s:s?}", "id", batch->id, "type",
                                    "message_batch", "processing_status", ended ? "ended" : "in_progress", "request_counts", "processing",
                                    (json_int_t)(ended ? 0 : count), "succeeded", (json_int_t)(ended ? count : 0), "errored", 0, "canceled", 0,
                                    "expired", 0, "created_at", now, "expires_at", now, "ended_at", ended ? now : NULL, "cancel_initiated_at",
                                    batch->canceled ? now : NULL, "archived_at", "results_url", ended ? other ? other : url : NULL));
}

static void create(struct llm_call *call)
{
    struct llm_world *world = call->world;
    const json_t *requests = json_object_get(call->body, "requests");
    const char *wrong = wrong_list(requests);
    size_t index;
    json_t *entry;
    if (wrong) {
        llm_vendor_error(call, 400, NULL, wrong);
        return;
    }
    struct llm_stored_batch batch = {.count = json_array_size(requests), .canceled = false};
    batch.items = xcalloc_array(batch.count, sizeof *batch.items);
    batch.ends_ms = clock_monotonic_ms() + llm_act_number(&call->act, RULE_ENDED_AFTER, 0);
    json_array_foreach(requests, index, entry)
    {
        (void)snprintf(batch.items[index].id, sizeof batch.items[index].id, "%s", json_string_or_null(entry, "custom_id"));
        batch.items[index].line = result_line(call, entry);
    }
    shuffle(&batch);
    pthread_mutex_lock(&world->lock);
    (void)snprintf(batch.id, sizeof batch.id, "msgbatch_%06zu", world->batch_count + 1);
    GROW(world->batches, world->batch_capacity, world->batch_count + 1);
    world->batches[world->batch_count++] = batch;
    describe(call, &batch);
    pthread_mutex_unlock(&world->lock);
}

/* Where nobody cancelled all; else every other question was done by then. */
static void results(struct llm_call *call, const struct llm_stored_batch *batch)
{
    call->answer->type = "application/x-jsonl";
    for (size_t i = 0; i < batch->count; i++) {
        const struct stored *item = &batch->items[i];
        bool canceled = batch->canceled && i % 2 == 1;
        if (canceled) {
            (void)buf_printf(&call->answer->body, "{\"custom_id\":\"%s\",\"result\":{\"type\":\"canceled\"}}\n", item->id);
        } else if (item->line) {
            (void)buf_printf(&call->answer->body, "%s\n", item->line);
        }
    }
}

/* The batch of a target "/v1/messages/batches/ID…", NULL when there is none. The caller holds the lock. */
static struct llm_stored_batch *batch_of(struct llm_world *world, const char *target)
{
    const char *id = target + strlen("/v1/messages/batches/");
    size_t length = strcspn(id, "/?");
    for (size_t i = 0; i < world->batch_count; i++) {
        if (strlen(world->batches[i].id) == length && strncmp(world->batches[i].id, id, length) == 0) {
            return &world->batches[i];
        }
    }
    return NULL;
}

void llm_vendor_batch(struct llm_call *call)
{
    struct llm_world *world = call->world;
    if (str_equal(call->api, "create")) {
        create(call);
        return;
    }
    pthread_mutex_lock(&world->lock);
    struct llm_stored_batch *batch = batch_of(world, call->request->target);
    bool ended = batch && (batch->canceled || clock_monotonic_ms() >= batch->ends_ms);
    if (!batch || (str_equal(call->api, "results") && !ended)) {
        llm_vendor_error(call, 404, NULL, "Not Found");
    } else if (str_equal(call->api, "results")) {
        results(call, batch);
    } else {
        batch->canceled = batch->canceled || (str_equal(call->api, "cancel") && !ended);
        describe(call, batch);
    }
    pthread_mutex_unlock(&world->lock);
}

void llm_vendor_batches_free(struct llm_world *world)
{
    for (size_t i = 0; i < world->batch_count; i++) {
        for (size_t at = 0; at < world->batches[i].count; at++) {
            free(world->batches[i].items[at].line);
        }
        free(world->batches[i].items);
    }
    free(world->batches);
}
