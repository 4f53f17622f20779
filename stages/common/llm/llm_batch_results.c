#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_batch_internal.h"

enum { LINE_MAX_BYTES = LLM_BODY_MAX, QUIET_SECONDS = 120, RESULTS_SECONDS = 3600 };

/* Results as they come: JSON lines in any order. */
struct reading {
    struct llm_batch *batch;
    const struct llm_sent *sent; /* whose results they are */
    struct buf line;
    bool too_long; /* what comes is the rest of a line that no answer is as long as */
    bool failed;
    struct err err;
};

int llm_batch_tell(struct llm_batch *batch, struct llm_question *question, struct llm_reply *reply, enum llm_end end, const struct err *why,
                   struct err *err)
{
    if (question->at < 0) {
        return 0;
    }
    question->at = -1;
    reply->latency_ms = clock_monotonic_ms() - batch->begin;
    if (!*reply->model) {
        (void)snprintf(reply->model, sizeof reply->model, "%s", batch->llm->model);
    }
    return batch->done(batch->context, question->number, reply, end, why, err);
}

/* What a result of another kind means. */
static enum llm_end read_failure(const struct llm_batch *batch, const json_t *result, struct err *why)
{
    const char *type = json_string_or_null(result, "type");
    const json_t *error = json_object_get(json_object_get(result, "error"), "error");
    const char *kind = json_string_or_null(error, "type"), *message = json_string_or_null(error, "message");
    bool secret = message && batch->llm->key && strstr(message, batch->llm->key);
    if (str_equal(type, "canceled") && batch->stopping) {
        (void)err_set(why, ERR_UNAVAILABLE, "the batch was cancelled before this question was answered");
        return LLM_STOPPED;
    }
    if (str_equal(type, "expired")) {
        (void)err_set(why, ERR_UNAVAILABLE, "the batch expired before this question was answered");
    } else if (str_equal(type, "canceled")) {
        (void)err_set(why, ERR_UNAVAILABLE, "the batch was cancelled at the vendor before this question was answered");
    } else if (str_equal(type, "errored")) {
        (void)err_set(why, ERR_UNAVAILABLE, "the batch says %.60s for this question: %.200s", kind ? kind : "error",
                      secret ? "(its message holds the key)" : message ? message : "(no message)");
    } else {
        (void)err_set(why, ERR_DATA, "the batch has a result of an unknown type for this question");
    }
    return str_equal(kind, "invalid_request_error") ? LLM_NO_ANSWER : LLM_FAILED;
}

static int compare_key(const void *key, const void *question)
{
    return memcmp(key, ((const struct llm_question *)question)->key, LLM_BATCH_KEY);
}

/* The first question with this custom_id, NULL when nobody asked. */
static struct llm_question *question_of(const struct llm_batch *batch, const char *id)
{
    if (!id || strlen(id) != LLM_BATCH_KEY) {
        return NULL;
    }
    struct llm_question *found = bsearch(id, batch->questions, batch->count, sizeof *found, compare_key);
    while (found && found > batch->questions && compare_key(id, found - 1) == 0) {
        found--;
    }
    return found;
}

/* Tells all who asked just this (most often one). What an earlier attempt cancelled, when it was interrupted, stays open: it is sent
 * again. */
static int tell_all(struct llm_batch *batch, const struct llm_sent *sent, struct llm_question *question, const json_t *result,
                    struct err *err)
{
    const json_t *message = json_object_get(result, "message");
    const char *type = json_string_or_null(result, "type");
    bool succeeded = str_equal(type, "succeeded");
    if (!sent->ours && str_equal(type, "canceled")) {
        return 0;
    }
    const struct llm_question *end = batch->questions + batch->count;
    const struct llm_question *first = question;
    for (; question < end && compare_key(first->key, question) == 0; question++) {
        struct err why = {.class = ERR_NONE};
        struct llm_reply reply = {.text = NULL};
        if (question->at < 0) {
            continue;
        }
        enum llm_end how = LLM_ANSWERED;
        if (!succeeded) {
            how = read_failure(batch, result, &why);
        } else if (llm_take_message(batch->llm, question->length / 3 + 1, message, &reply, &why)) {
            how = LLM_NO_ANSWER;
        }
        int status = llm_batch_tell(batch, question, &reply, how, how == LLM_ANSWERED ? NULL : &why, err);
        llm_reply_release(&reply);
        if (status) {
            return -1;
        }
    }
    return 0;
}

/* One line. What is no result, or nobody's, is passed over: its question is told that none came. */
static int take_line(const struct reading *reading, struct err *err)
{
    json_t *row = json_read(buf_str(&reading->line), reading->line.length, "a result", NULL);
    struct llm_question *question = question_of(reading->batch, json_string_or_null(row, "custom_id"));
    const json_t *result = json_object_get(row, "result");
    int status = question && result ? tell_all(reading->batch, reading->sent, question, result, err) : 0;
    json_decref(row);
    return status;
}

static void begin(void *context)
{
    struct reading *reading = context;
    buf_clear(&reading->line);
    reading->too_long = false;
}

static int take_bytes(void *context, const char *bytes, size_t length, struct err *err)
{
    struct reading *reading = context;
    while (length > 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t part = newline ? (size_t)(newline - bytes) : length;
        if (part > 0 && !reading->too_long) {
            reading->too_long = buf_add(&reading->line, bytes, part) != 0;
        }
        if (newline && !reading->too_long && reading->line.length > 0 && take_line(reading, &reading->err)) {
            reading->failed = true;
            *err = reading->err;
            return -1;
        }
        if (newline) {
            begin(reading);
        }
        part += newline != NULL;
        bytes += part;
        length -= part;
    }
    return 0;
}

enum llm_went llm_batch_results(struct llm_batch *batch, const struct llm_sent *sent, enum llm_verdict *verdict, struct err *why,
                                struct err *err)
{
    struct reading reading = {.batch = batch, .sent = sent};
    struct http_sink sink = {.begin = begin, .bytes = take_bytes, .context = &reading};
    struct http_reply reply;
    char *path = llm_batch_path(batch, sent->id, "/results");
    struct http_request request = {.path = path,
                                   .sink = &sink,
                                   .no_redirect = true,
                                   .timeout_seconds = RESULTS_SECONDS,
                                   .quiet_seconds = QUIET_SECONDS,
                                   .cap = (size_t)LLM_BODY_MAX * (LLM_BATCH_MOST + 1)};
    http_reply_init(&reply);
    buf_init(&reading.line, LINE_MAX_BYTES);
    enum llm_went went = llm_batch_send(batch, &request, &reply, verdict, why, err);
    /* The last line may lack its end. */
    if (went == LLM_WENT_WELL && !reading.too_long && reading.line.length > 0 && take_line(&reading, &reading.err)) {
        reading.failed = true;
    }
    if (reading.failed) {
        *err = reading.err;
        went = LLM_WENT_BROKEN;
    }
    buf_release(&reading.line);
    http_reply_release(&reply);
    free(path);
    return went;
}
