#include "stages/common/llm/llm_batch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "stages/common/llm/llm_batch_internal.h"

enum { POLL_FIRST_MS = 100, POLL_MOST_MS = 60 * 1000, CLOSE_MS = 10 * 1000, STATE_MAX = 64 * 1024, WRAP = 64 };

int llm_batch_new(struct llm *llm, int64_t wait_seconds, struct llm_batch **out, struct err *err)
{
    if (llm->provider != &llm_anthropic) {
        return err_set(err, ERR_CONFIG, "provider %s has no batches", llm->provider->name);
    }
    struct llm_batch *batch = xcalloc(sizeof *batch);
    batch->llm = llm;
    batch->wait_ms = wait_seconds * 1000;
    batch->wake_fd = -1;
    batch->spool = -1;
    if (http_loop_new(&batch->loop, err) || fs_spool(&batch->spool, err)) {
        llm_batch_free(batch);
        return -1;
    }
    *out = batch;
    return 0;
}

void llm_batch_free(struct llm_batch *batch)
{
    if (!batch) {
        return;
    }
    http_loop_free(batch->loop);
    if (batch->spool >= 0) {
        close(batch->spool);
    }
    free(batch->questions);
    free(batch->sent);
    free(batch);
}

int llm_batch_add(struct llm_batch *batch, uint64_t number, const struct llm_prompt *prompt, struct err *err)
{
    char digest[DIGEST_HEX];
    char *text = llm_body(batch->llm, prompt);
    size_t length = strlen(text);
    int status = length > LLM_BATCH_BYTES - WRAP ? err_set(err, ERR_SOFTWARE, "a question of %zu bytes fits in no batch", length)
                                                 : fs_write_fd(batch->spool, text, length, "the spool of questions", err);
    if (status == 0) {
        GROW(batch->questions, batch->capacity, batch->count + 1);
        struct llm_question *question = &batch->questions[batch->count++];
        *question = (struct llm_question){.number = number, .at = batch->spooled, .length = (uint32_t)length};
        memcpy(question->key, hash_bytes(text, length, digest), LLM_BATCH_KEY);
        batch->spooled += (int64_t)length;
    }
    free(text);
    return status;
}

/* Whether a vendor's word can stand in a path. */
static bool good_id(const char *id)
{
    size_t length = id ? strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") : 0;
    return length > 0 && length <= LLM_BATCH_ID_MAX && id[length] == '\0';
}

/* New row, of no batch yet. */
static struct llm_sent *sent_new(struct llm_batch *batch)
{
    GROW(batch->sent, batch->sent_capacity, batch->sent_count + 1);
    struct llm_sent *sent = &batch->sent[batch->sent_count++];
    *sent = (struct llm_sent){.end = LLM_FAILED};
    return sent;
}

void llm_batch_earlier(struct llm_batch *batch, const char *id, const char *questions)
{
    for (size_t i = 0; i < batch->sent_count; i++) {
        if (str_equal(batch->sent[i].id, id)) {
            return;
        }
    }
    if (!good_id(id) || !questions || strlen(questions) >= DIGEST_HEX) {
        return;
    }
    struct llm_sent *sent = sent_new(batch);
    memcpy(sent->id, id, strlen(id) + 1);
    memcpy(sent->questions, questions, strlen(questions) + 1);
}

/* A question without a result: what its batch came to. */
static void fail(struct llm_sent *sent, enum llm_verdict verdict, const struct http_reply *reply)
{
    bool gone = verdict == LLM_USELESS || (reply && reply->status == 0 && !reply->sent);
    sent->ended = true;
    sent->end = gone ? LLM_GONE : verdict == LLM_NEVER ? LLM_NO_ANSWER : LLM_FAILED;
}

static int read_spool(const struct llm_batch *batch, const struct llm_question *question, struct buf *out, struct err *err)
{
    char *text = xmalloc(question->length);
    ssize_t got = pread(batch->spool, text, question->length, (off_t)question->at);
    int status = got == (ssize_t)question->length ? buf_add(out, text, question->length) : -1;
    free(text);
    return status ? err_set(err, ERR_IO, "the spool of questions cannot be read again") : 0;
}

/* The next question at or behind `at` that is to be sent; one that others ask, too, is sent once. */
static size_t next_open(const struct llm_batch *batch, size_t at)
{
    while (at < batch->count && (batch->questions[at].at < 0 || batch->questions[at].sent ||
                                 (at > 0 && memcmp(batch->questions[at].key, batch->questions[at - 1].key, LLM_BATCH_KEY) == 0))) {
        at++;
    }
    return at;
}

/* Writes a body with the open questions from *at on, as many as `most` bytes hold (one at least), and marks them as sent with `mark`.
 * *at moves behind them; *count says how many they are. */
static int fill_body(struct llm_batch *batch, size_t *at, size_t most, uint32_t mark, struct buf *body, size_t *count, struct err *err)
{
    *count = 0;
    (void)buf_add_str(body, "{\"requests\":[");
    for (*at = next_open(batch, *at); *at < batch->count && *count < LLM_BATCH_MOST; *at = next_open(batch, *at)) {
        struct llm_question *question = &batch->questions[*at];
        if (*count > 0 && body->length + question->length + WRAP + LLM_BATCH_KEY > most) {
            break;
        }
        (void)buf_printf(body, "%s{\"custom_id\":\"%.*s\",\"params\":", *count > 0 ? "," : "", LLM_BATCH_KEY, question->key);
        if (read_spool(batch, question, body, err)) {
            return -1;
        }
        (void)buf_add_char(body, '}');
        question->sent = mark;
        ++*count;
    }
    return buf_add_str(body, "]}") ? err_set(err, ERR_SOFTWARE, "a batch is larger than it may be") : 0;
}

/* Takes the id out of the vendor's answer. */
static bool read_id(struct llm_sent *sent, const struct http_reply *reply)
{
    json_t *state = json_read(buf_str(&reply->body), reply->body.length, "a batch", NULL);
    const char *id = json_string_or_null(state, "id");
    bool good = good_id(id);
    if (good) {
        memcpy(sent->id, id, strlen(id) + 1);
    } else {
        (void)err_set(&sent->why, ERR_DATA, "the vendor's answer to a new batch does not name it");
    }
    json_decref(state);
    return good;
}

/* Sends one body. What the vendor does not take is noted with the batch. */
static enum llm_went create(struct llm_batch *batch, const struct buf *body, struct llm_sent *sent, struct err *err)
{
    struct http_reply reply;
    enum llm_verdict verdict = LLM_NEVER;
    char *path = llm_batch_path(batch, "", "");
    struct http_request request = {.method = "POST",
                                   .path = path,
                                   .content_type = "application/json",
                                   .accept = "application/json",
                                   .body = body->data,
                                   .body_length = body->length,
                                   .writes = true,
                                   .once = true,
                                   .no_redirect = true,
                                   .cap = STATE_MAX};
    http_reply_init(&reply);
    enum llm_went went = llm_batch_send(batch, &request, &reply, &verdict, &sent->why, err);
    if (went == LLM_WENT_REFUSED || went == LLM_WENT_TOO_LARGE || (went == LLM_WENT_WELL && !read_id(sent, &reply))) {
        fail(sent, went == LLM_WENT_TOO_LARGE ? LLM_NEVER : verdict, &reply);
    }
    sent->ours = went == LLM_WENT_WELL && !sent->ended;
    http_reply_release(&reply);
    free(path);
    return went;
}

/* Takes back that these questions were sent. */
static void unmark(struct llm_batch *batch, uint32_t mark)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->questions[i].sent == mark) {
            batch->questions[i].sent = 0;
        }
    }
}

/* Sends all that is open, in as many batches as it takes; a body that the vendor finds too large is halved. A vendor that is of no use
 * is not asked again: the rest shares the reason. */
static enum llm_went send_open(struct llm_batch *batch, struct err *err)
{
    size_t most = LLM_BATCH_BYTES, at = 0, count = 0;
    enum llm_went went = LLM_WENT_WELL;
    while (went != LLM_WENT_BROKEN && went != LLM_WENT_STOPPED && (at = next_open(batch, at)) < batch->count) {
        size_t from = at;
        struct buf body;
        struct llm_sent *sent = sent_new(batch);
        uint32_t mark = (uint32_t)batch->sent_count;
        buf_init(&body, LLM_BATCH_BYTES + WRAP + LLM_BATCH_KEY);
        went = fill_body(batch, &at, most, mark, &body, &count, err) ? LLM_WENT_BROKEN : create(batch, &body, sent, err);
        size_t length = body.length;
        buf_release(&body);
        if (went == LLM_WENT_TOO_LARGE && count > 1) {
            unmark(batch, mark);
            batch->sent_count--;
            most = length / 2;
            at = from;
        } else if (sent->ended && sent->end == LLM_GONE) {
            for (; at < batch->count; at++) {
                batch->questions[at].sent = batch->questions[at].sent ? batch->questions[at].sent : mark;
            }
        } else if (sent->ours && batch->told_sent && batch->told_sent(batch->context, sent->id, batch->all, err)) {
            went = LLM_WENT_BROKEN;
        }
    }
    return went == LLM_WENT_BROKEN || went == LLM_WENT_STOPPED ? went : LLM_WENT_WELL;
}

/* Asks how a batch is (or, with "/cancel", to end), and takes its results where it ended. */
static enum llm_went look(struct llm_batch *batch, struct llm_sent *sent, const char *rest, struct err *err)
{
    struct http_reply reply;
    enum llm_verdict verdict = LLM_NEVER;
    char *path = llm_batch_path(batch, sent->id, rest);
    struct http_request request = {.method = *rest ? "POST" : "GET",
                                   .path = path,
                                   .accept = "application/json",
                                   .no_redirect = true,
                                   .once = !sent->ours,
                                   .cap = STATE_MAX};
    http_reply_init(&reply);
    enum llm_went went = llm_batch_send(batch, &request, &reply, &verdict, &sent->why, err);
    json_t *state = went == LLM_WENT_WELL ? json_read(buf_str(&reply.body), reply.body.length, "a batch", NULL) : NULL;
    if (str_equal(json_string_or_null(state, "processing_status"), "ended")) {
        sent->ended = true;
        went = llm_batch_results(batch, sent, &verdict, &sent->why, err);
    }
    if (went == LLM_WENT_REFUSED || went == LLM_WENT_TOO_LARGE) {
        fail(sent, verdict, NULL);
    }
    json_decref(state);
    http_reply_release(&reply);
    free(path);
    return went == LLM_WENT_BROKEN || went == LLM_WENT_STOPPED ? went : LLM_WENT_WELL;
}

/* Looks at every open batch until all ended, ever more rarely. */
static enum llm_went await(struct llm_batch *batch, struct err *err)
{
    enum llm_went went = LLM_WENT_WELL;
    for (int64_t wait = POLL_FIRST_MS; went == LLM_WENT_WELL; wait = wait * 3 / 2 < POLL_MOST_MS ? wait * 3 / 2 : POLL_MOST_MS) {
        size_t open = 0;
        for (size_t i = 0; i < batch->sent_count && went == LLM_WENT_WELL; i++) {
            if (!batch->sent[i].ended && batch->sent[i].id[0]) {
                went = look(batch, &batch->sent[i], "", err);
            }
            open += !batch->sent[i].ended && batch->sent[i].id[0];
        }
        if (open == 0) {
            return went;
        }
        if (went == LLM_WENT_WELL) {
            went = llm_batch_pause(batch, wait, err);
        }
    }
    return went;
}

/* Cancels what is open, and takes what came of it within a short time. */
static enum llm_went close_open(struct llm_batch *batch, struct err *err)
{
    batch->closing = true;
    batch->deadline = clock_monotonic_ms() + CLOSE_MS;
    enum llm_went went = LLM_WENT_WELL;
    for (size_t i = 0; i < batch->sent_count && went == LLM_WENT_WELL; i++) {
        if (!batch->sent[i].ended && batch->sent[i].id[0] && batch->sent[i].ours) {
            went = look(batch, &batch->sent[i], "/cancel", err);
        }
    }
    return went == LLM_WENT_WELL ? await(batch, err) : went;
}

/* Tells of every question that had no result why that is so. */
static int tell_rest(struct llm_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct llm_question *question = &batch->questions[i];
        if (!question->sent && i > 0 && memcmp(question->key, question[-1].key, LLM_BATCH_KEY) == 0) {
            question->sent = question[-1].sent;
        }
        const struct llm_sent *sent = question->sent ? &batch->sent[question->sent - 1] : NULL;
        struct llm_reply reply = {.text = NULL};
        struct err why = {.class = ERR_NONE};
        enum llm_end end = LLM_FAILED;
        if (sent && sent->ended && sent->why.class) {
            why = sent->why;
            end = sent->end;
        } else if (sent && sent->ended) {
            (void)err_set(&why, ERR_UNAVAILABLE, "the batch ended without a result for this question");
        } else if (batch->stopping) {
            (void)err_set(&why, ERR_UNAVAILABLE, "the run was ended before the batch was");
            end = LLM_STOPPED;
        } else {
            (void)err_set(&why, ERR_UNAVAILABLE, "the batch did not end within the time that analysis.anthropic.batch_wait gives it");
        }
        if (llm_batch_tell(batch, question, &reply, end, &why, err)) {
            return -1;
        }
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct llm_question *left = a, *right = b;
    int order = memcmp(left->key, right->key, LLM_BATCH_KEY);
    return order ? order : left->number < right->number ? -1 : left->number > right->number;
}

/* Puts the questions in order, and passes over earlier batches of others. */
static void settle_questions(struct llm_batch *batch)
{
    struct hash *hash = hash_new();
    if (batch->count > 0) {
        qsort(batch->questions, batch->count, sizeof *batch->questions, by_key);
    }
    for (size_t i = 0; i < batch->count; i++) {
        hash_add(hash, batch->questions[i].key, LLM_BATCH_KEY);
    }
    (void)hash_hex(hash, batch->all);
    hash_free(hash);
    for (size_t i = 0; i < batch->sent_count; i++) {
        batch->sent[i].ended = !str_equal(batch->sent[i].questions, batch->all);
    }
}

int llm_batch_run(struct llm_batch *batch, int wake_fd, llm_batch_done *done, llm_batch_sent *sent, void *context, struct err *err)
{
    batch->wake_fd = wake_fd;
    batch->done = done;
    batch->told_sent = sent;
    batch->context = context;
    batch->begin = clock_monotonic_ms();
    batch->deadline = batch->begin + batch->wait_ms;
    settle_questions(batch);
    enum llm_went went = await(batch, err);
    if (went == LLM_WENT_WELL) {
        went = send_open(batch, err);
    }
    if (went == LLM_WENT_WELL) {
        went = await(batch, err);
    }
    if (went == LLM_WENT_STOPPED) {
        went = close_open(batch, err);
    }
    return went == LLM_WENT_BROKEN || tell_rest(batch, err) ? -1 : 0;
}
