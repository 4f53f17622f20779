#include "stages/collect/api/refusal.h"

#include <stddef.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/collect/api/answer.h"

/* Words of limits: "query processing would load too many samples into memory", "exceeded maximum resolution of 11,000
 * points per timeseries", "query timed out", "context deadline exceeded", "the query hit the max number of series limit
 * (limit: …)", "cannot select more than -search.maxSamplesPerQuery=…", "not enough memory for processing …". */
static const char *const words_of_size[] = {
    "too many", "exceed", "timed out", "timeout", "deadline", "limit:", "limit ", "more than", "not enough memory", "too large", "too long",
};

bool refusal_of_size(const char *text)
{
    if (strstr(text, "parse error") != NULL || strstr(text, "cannot parse") != NULL) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(words_of_size); i++) {
        if (strstr(text, words_of_size[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* A refusal by the API itself: {"status":"error","errorType":…,"error":…}. */
struct refusal {
    char type[64];
    char text[ANSWER_TEXT_MAX];
};

static int ignore_series(void *context, const struct labels *labels, struct err *err)
{
    (void)context;
    (void)labels;
    (void)err;
    return 0;
}

static int ignore_point(void *context, int64_t time_ms, double value, struct err *err)
{
    (void)context;
    (void)time_ms;
    (void)value;
    (void)err;
    return 0;
}

/* False when the body is none. */
static bool read_body(const struct http_reply *reply, struct refusal *refusal)
{
    struct answer_listener nobody = {.series = ignore_series, .point = ignore_point};
    struct answer answer;
    answer_init(&answer, &nobody, "the server");
    bool read = reply->body.length > 0 && answer_feed(&answer, reply->body.data, reply->body.length, NULL) == 0 &&
                strcmp(answer.status, "error") == 0;
    memcpy(refusal->type, answer.error_type, sizeof refusal->type);
    memcpy(refusal->text, answer.error, sizeof refusal->text);
    answer_release(&answer);
    return read;
}

static bool is_of_size(const struct refusal *refusal)
{
    return strcmp(refusal->type, "timeout") == 0 || refusal_of_size(refusal->text);
}

bool refusal_is_final(const struct http_reply *reply)
{
    struct refusal refusal;
    return reply->status != 429 && read_body(reply, &refusal) && is_of_size(&refusal);
}

/* What a status alone tells. */
static enum served of_status(long status)
{
    switch (status) {
    case 413: /* the question or its answer */
    case 429:
    case 504:
        return SERVED_TOO_MUCH;
    case 401:
    case 403:
    case 404:
    case 405:
    case 407:
        return SERVED_NOTHING;
    default:
        return status >= 400 && status < 500 ? SERVED_REFUSED : SERVED_NOTHING;
    }
}

/* Whether a body for people (remote read answers with plain text) may tell more than the status. */
static bool is_text_of_size(const struct http_reply *reply, enum served served)
{
    return (served == SERVED_REFUSED || reply->status >= 500) && !http_reply_is(reply, "text/html") &&
           refusal_of_size(buf_str(&reply->body));
}

enum served refusal_read(const struct http_reply *reply, const char *who, struct err *err)
{
    struct refusal refusal;
    enum served served = of_status(reply->status);
    if (reply->status == 401 || reply->status == 403 || !read_body(reply, &refusal)) {
        http_reply_check(reply, "the metrics server", err);
        return is_text_of_size(reply, served) ? SERVED_TOO_MUCH : served;
    }
    err_set(err, ERR_UNAVAILABLE, "%s refused a question (%s): %s", who, refusal.type[0] == '\0' ? "error" : refusal.type,
            refusal.text);
    return served == SERVED_TOO_MUCH || is_of_size(&refusal) ? SERVED_TOO_MUCH : SERVED_REFUSED;
}
