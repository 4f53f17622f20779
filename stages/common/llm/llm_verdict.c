#include "stages/common/llm/llm_verdict.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { SAID_MAX = 2048, TYPE_MAX = 80 };
static const double wait_max_ms = 30.0 * 86400 * 1000;

/* Adds one of the places where servers put their words. */
static void add(struct buf *out, const json_t *value)
{
    if (json_is_string(value) && *json_string_value(value)) {
        (void)buf_printf(out, "%s%.600s", out->length ? " " : "", json_string_value(value));
    }
}

/* The sentence of an error: {"error":{"message"}}, {"error":"…"}, {"message"}, {"detail":"…"}, {"detail":[{"msg"}]}. */
static void add_sentence(struct buf *out, const json_t *body)
{
    const json_t *error = json_object_get(body, "error");
    const json_t *detail = json_object_get(body, "detail");
    const json_t *places[] = {json_object_get(error, "message"), error, json_object_get(body, "message"), detail,
                              json_object_get(json_array_get(detail, 0), "msg")};
    for (size_t i = 0; i < ARRAY_COUNT(places) && out->length == 0; i++) {
        add(out, places[i]);
    }
}

/* What kind of error it is: words that are made for programs. `code` may be a number, a string or null. */
static void add_codes(struct buf *out, const json_t *body)
{
    const json_t *error = json_object_get(body, "error");
    const json_t *details = json_object_get(error, "details");
    add(out, json_object_get(error, "type"));
    add(out, json_object_get(error, "code"));
    add(out, json_object_get(error, "param"));
    add(out, json_object_get(details, "error_code"));
}

static bool holds(const struct buf *text, const char *const *words, size_t count)
{
    char *lower = xstrdup(buf_str(text));
    bool found = false;
    for (char *c = lower; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    for (size_t i = 0; i < count && !found; i++) {
        found = strstr(lower, words[i]) != NULL;
    }
    free(lower);
    return found;
}

/* Whether a refusal is about money: asking again costs none and brings none. */
static bool spent(long status, const struct buf *sentence, const struct buf *codes)
{
    static const char *const kinds[] = {"spend_limit", "insufficient_quota", "billing", "credit"};
    static const char *const words[] = {"credit balance", "usage limit", "spend limit", "spending limit", "billing"};
    if (status != 400 && status != 429) {
        return false;
    }
    return holds(codes, kinds, ARRAY_COUNT(kinds)) || (status == 400 && holds(sentence, words, ARRAY_COUNT(words)));
}

static enum llm_verdict by_status(long status)
{
    if (http_status_ok(status)) {
        return LLM_READ;
    }
    switch (status) {
    case 401:
    case 402:
    case 403:
    case 404:
    case 405:
    case 407:
        return LLM_USELESS;
    case 429:
    case 498:
    case 503:
    case 529:
        return LLM_SLOWER;
    case 409:
        return LLM_AGAIN;
    default:
        return http_status_retryable(status) ? LLM_AGAIN : status < 400 ? LLM_USELESS : LLM_NEVER;
    }
}

/* Whether a refusal may be about what was asked for, rather than about the question. With 500 only where it says so: that is how some
 * servers fail at a schema. */
static bool adaptable(long status, const struct buf *sentence)
{
    static const char *const words[] = {"grammar", "schema", "response_format"};
    return status == 400 || status == 422 || ((status == 500 || status == 501) && holds(sentence, words, ARRAY_COUNT(words)));
}

/* The server's own words for people and for programs, apart. */
static void words_of(const struct http_reply *http, struct buf *sentence, struct buf *codes)
{
    json_t *body = json_read(buf_str(&http->body), http->body.length, "answer", NULL);
    buf_init(sentence, SAID_MAX);
    buf_init(codes, SAID_MAX);
    add_sentence(sentence, body);
    add_codes(codes, body);
    json_decref(body);
}

static void say(const struct llm *llm, const struct http_reply *http, const struct buf *sentence, struct err *err)
{
    const char *name = llm->provider->name;
    char type[TYPE_MAX];
    if (http->status == 401 || http->status == 403) {
        (void)err_set(err, ERR_UNAVAILABLE, "%s answered %ld: %s", name, http->status,
                      llm->key ? "the key was refused" : "it wants a key, and none is given");
        (void)err_hint(err, "check the key that analysis.%s.key_env or key_file names", name);
    } else if (llm->key && strstr(buf_str(sentence), llm->key)) {
        (void)err_set(err, ERR_UNAVAILABLE, "%s answered %ld: (its message holds the key)", name, http->status);
    } else if (sentence->length > 0) {
        (void)err_set(err, ERR_UNAVAILABLE, "%s answered %ld: %.200s", name, http->status, sentence->data);
    } else if (http_reply_header(http, "content-type", type, sizeof type) && !http_reply_is(http, "application/json")) {
        (void)err_set(err, ERR_UNAVAILABLE, "%s answered %ld (%s)", name, http->status, type);
    } else {
        (void)err_set(err, ERR_UNAVAILABLE, "%s answered %ld", name, http->status);
    }
    if (http->status == 404) {
        (void)err_hint(err, "check analysis.%s.model and base_url", name);
    }
}

enum llm_verdict llm_verdict_of(const struct llm *llm, const struct http_reply *http, struct err *err)
{
    struct buf sentence, codes;
    enum llm_verdict verdict = by_status(http->status);
    if (verdict == LLM_READ) {
        return verdict;
    }
    words_of(http, &sentence, &codes);
    say(llm, http, &sentence, err);
    if (spent(http->status, &sentence, &codes)) {
        verdict = LLM_USELESS;
    }
    buf_release(&sentence);
    buf_release(&codes);
    return verdict;
}

enum llm_verdict llm_verdict_of_failure(const struct http_reply *http, const struct err *failure)
{
    if (failure->class == ERR_DATA) {
        return LLM_NEVER;
    }
    if (http->timed_out && http->sent) {
        return LLM_LATE;
    }
    return http->timed_out || http->broken ? LLM_AGAIN : LLM_USELESS;
}

/* Two dialects in one: what either leaves out is left out. */
static struct llm_dialect both(const struct llm_dialect *a, const struct llm_dialect *b)
{
    return (struct llm_dialect){.mode = a->mode > b->mode ? a->mode : b->mode,
                                .max_completion_tokens = a->max_completion_tokens || b->max_completion_tokens,
                                .no_temperature = a->no_temperature || b->no_temperature,
                                .no_effort = a->no_effort || b->no_effort};
}

/* Steps down from the dialect that a refusal was about; false where there is nothing to leave out. Each step leaves out more. */
static bool step_down(struct llm *llm, const char *complaint, bool once, struct llm_dialect *dialect)
{
    struct llm_dialect next = *dialect;
    if (once && next.mode != LLM_PLAIN) { /* the server asked well, the model wrote badly: this question alone goes without */
        dialect->mode = LLM_PLAIN;
        return true;
    }
    if (!llm->provider->adapt(complaint, &next)) {
        return false;
    }
    struct llm_dialect known = both(dialect, &llm->dialect);
    if (!llm_dialect_same(&known, dialect)) { /* another answer taught it in the meantime */
        *dialect = known;
        return true;
    }
    struct llm_dialect learned = next;
    if (next.mode == dialect->mode) { /* which may be this question's own */
        learned.mode = llm->dialect.mode;
    }
    llm->dialect = learned;
    *dialect = next;
    return true;
}

bool llm_verdict_adapt(struct llm *llm, const struct http_reply *http, struct llm_dialect *dialect)
{
    static const char *const failed[] = {"json_validate_failed"};
    struct buf sentence, codes;
    words_of(http, &sentence, &codes);
    bool may = adaptable(http->status, &sentence);
    bool once = holds(&codes, failed, ARRAY_COUNT(failed));
    (void)buf_printf(&sentence, " %s", buf_str(&codes));
    bool adapted = may && step_down(llm, buf_str(&sentence), once, dialect);
    buf_release(&sentence);
    buf_release(&codes);
    return adapted;
}

int64_t llm_verdict_wait(const struct http_reply *http)
{
    char value[64];
    char *end = NULL;
    if (http_reply_header(http, "retry-after-ms", value, sizeof value)) {
        double ms = strtod(value, &end);
        if (end != value && *end == '\0' && ms >= 0) {
            return ms > wait_max_ms ? (int64_t)wait_max_ms : (int64_t)ms;
        }
    }
    if (http->retry_after_seconds < 0) {
        return -1;
    }
    return http->retry_after_seconds > (int64_t)wait_max_ms / 1000 ? (int64_t)wait_max_ms : http->retry_after_seconds * 1000;
}
