#include "stages/collect/api/prom.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/http.h"
#include "pipeline/io/json.h"
#include "pipeline/io/url.h"
#include "stages/collect/api/promql.h"

/* Bounds of one question and one answer. An answer is read as a stream, so its bound only stops an endless
 * one. */
enum { QUESTION_MAX = 8 * 1024 * 1024, SILENT_MAX = 3 };
static const size_t answer_max = (size_t)4 << 30;

static const char *const what = "the metrics server";

struct prom {
    struct http_client *client;
    char *who; /* "the metrics server http://…", for messages */
    char *matcher;
    enum prom_failure last;
    int silent;         /* requests in a row without an answer of the API */
    struct err silence; /* what the last of them said */
    int64_t served;
    int64_t requests;
    int64_t bytes;
    int64_t samples;
};

static int add_headers(struct prom *prom, const struct config *config, struct err *err)
{
    json_t *headers = json_copy((json_t *)(uintptr_t)config_value(config, "metrics.headers"));
    const char *name;
    json_t *value;
    int failed = 0;
    json_object_foreach(headers, name, value)
    {
        failed = failed || http_client_header(prom->client, name, json_string_value(value), err);
    }
    json_decref(headers);
    return failed;
}

static char *make_matcher(const struct config *config)
{
    const char *name = config_string(config, "metrics.cluster_label.name");
    const char *value = config_string(config, "metrics.cluster_label.value");
    if (name == NULL || value == NULL) {
        return xstrdup("");
    }
    struct buf out;
    buf_init(&out, 4096);
    promql_match(&out, name, "=", value);
    return buf_steal(&out);
}

int prom_new(const struct options *options, const struct config *config, struct prom **out, struct err *err)
{
    struct http_options http = {
        .what = what,
        .url = options_string(options, OPT_PROMETHEUS),
        .connect_timeout_seconds = options_integer(options, OPT_CONNECT_TIMEOUT, NULL),
        .timeout_seconds = options_integer(options, OPT_TIMEOUT, NULL),
        .bearer_token_file = config_string(config, "metrics.bearer_token_file"),
        .username = config_string(config, "metrics.basic.username"),
        .password_file = config_string(config, "metrics.basic.password_file"),
        .ca_file = config_string(config, "metrics.tls.ca"),
        .certificate_file = config_string(config, "metrics.tls.certificate"),
        .key_file = config_string(config, "metrics.tls.key"),
    };
    if (http.url == NULL) {
        err_set(err, ERR_USAGE, "no metrics server was given");
        return err_hint(err,
                        "give --prometheus http://HOST:9090, or the key metrics.prometheus in tare.yaml");
    }
    struct prom *prom = xcalloc(sizeof *prom);
    if (http_client_new(&http, &prom->client, err)) {
        if (err->class == ERR_CONFIG && options_given(options, OPT_PROMETHEUS) && url_check(http.url, what, NULL)) {
            err->class = ERR_USAGE;
        }
        prom_free(prom);
        return -1;
    }
    prom->who = xasprintf("%s %s", what, http_client_name(prom->client));
    prom->matcher = make_matcher(config);
    if (add_headers(prom, config, err)) {
        prom_free(prom);
        return -1;
    }
    *out = prom;
    return 0;
}

void prom_free(struct prom *prom)
{
    if (prom == NULL) {
        return;
    }
    http_client_free(prom->client);
    free(prom->matcher);
    free(prom->who);
    free(prom);
}

const char *prom_name(const struct prom *prom)
{
    return http_client_name(prom->client);
}

const char *prom_matcher(const struct prom *prom)
{
    return prom->matcher;
}

enum prom_failure prom_last(const struct prom *prom)
{
    return prom->last;
}

/* Whether the server is asked no more. */
static bool prom_gone(const struct prom *prom)
{
    return prom->silent >= SILENT_MAX;
}

int64_t prom_served(const struct prom *prom)
{
    return prom->served;
}

int64_t prom_requests(const struct prom *prom)
{
    return prom->requests;
}

int64_t prom_bytes(const struct prom *prom)
{
    return prom->bytes;
}

int64_t prom_samples(const struct prom *prom)
{
    return prom->samples;
}

static void begin_answer(void *context)
{
    answer_reset(context);
}

static int take_bytes(void *context, const char *bytes, size_t length, struct err *err)
{
    return answer_feed(context, bytes, length, err);
}

/* The sentence for a refusal by the API itself, and whether a smaller question may do. 0: this is no answer
 * of the API. */
static int explain_refusal(struct prom *prom, struct answer *answer, const struct http_reply *reply,
                           struct err *err)
{
    struct err ignored = {0};
    answer_reset(answer);
    if (reply->body.length == 0 || answer_feed(answer, reply->body.data, reply->body.length, &ignored) ||
        strcmp(answer->status, "error") != 0) {
        return 0;
    }
    bool too_much = strstr(answer->error, "too many samples") != NULL ||
                    strstr(answer->error, "maximum resolution") != NULL ||
                    strcmp(answer->error_type, "timeout") == 0;
    prom->last = too_much ? PROM_TOO_MUCH : PROM_REFUSED;
    return err_set(err, ERR_UNAVAILABLE, "%s refused a question (%s): %s", prom->who,
                   answer->error_type[0] == '\0' ? "error" : answer->error_type, answer->error);
}

/* Reads what came after the transfer itself went well. */
static int judge(struct prom *prom, struct answer *answer, const struct http_reply *reply, struct err *err)
{
    if (!http_status_ok(reply->status)) {
        bool closed = reply->status == 401 || reply->status == 403;
        if (!closed && explain_refusal(prom, answer, reply, err)) {
            return -1;
        }
        prom->last = PROM_SILENT;
        return http_reply_check(reply, what, err);
    }
    if (answer_finish(answer, err)) {
        prom->last = answer->status[0] != '\0' && json_pull_done(&answer->json) ? PROM_REFUSED : PROM_SILENT;
        return -1;
    }
    prom->last = PROM_SERVED;
    return 0;
}

static void count(struct prom *prom, const struct answer *answer, const struct http_reply *reply,
                  const struct err *err)
{
    prom->requests += reply->tries;
    prom->bytes += reply->received;
    prom->samples += answer->points;
    prom->served += prom->last == PROM_SERVED;
    if (prom->last == PROM_SILENT || reply->timed_out) {
        prom->silent++;
        prom->silence = *err;
    } else {
        prom->silent = 0;
    }
}

static int ask(struct prom *prom, const char *path, const struct buf *form,
               const struct answer_listener *listener, struct err *err)
{
    if (prom_gone(prom)) {
        *err = prom->silence;
        return -1;
    }
    if (form->overflow) {
        prom->last = PROM_REFUSED;
        return err_set(err, ERR_UNAVAILABLE, "a question to %s is larger than %d bytes", prom->who,
                       QUESTION_MAX);
    }
    struct answer answer;
    struct http_reply reply;
    struct err problem = {0};
    answer_init(&answer, listener, prom->who);
    http_reply_init(&reply);
    struct http_sink sink = {.begin = begin_answer, .bytes = take_bytes, .context = &answer};
    struct http_request request = {
        .path = path,
        .content_type = "application/x-www-form-urlencoded",
        .accept = "application/json",
        .body = form->data,
        .body_length = form->length,
        .cap = answer_max,
        .sink = &sink,
    };
    int64_t before = prom->served;
    int failed = http_send(prom->client, &request, &reply, &problem);
    if (failed) {
        prom->last = reply.timed_out && before > 0 ? PROM_TOO_MUCH : PROM_SILENT;
    } else {
        failed = judge(prom, &answer, &reply, &problem);
    }
    count(prom, &answer, &reply, &problem);
    log_debug("%s: %" PRId64 " series, %" PRId64 " samples, %" PRId64 " bytes", path, answer.series,
              answer.points, reply.received);
    answer_release(&answer);
    http_reply_release(&reply);
    if (failed) {
        *err = problem;
        return -1;
    }
    return 0;
}

static void add_number(struct buf *form, const char *name, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    http_add_field(form, name, text);
}

int prom_series(struct prom *prom, const char *const *selectors, size_t count_of, int64_t start, int64_t end,
                const struct answer_listener *listener, struct err *err)
{
    struct buf form;
    buf_init(&form, QUESTION_MAX);
    for (size_t i = 0; i < count_of; i++) {
        http_add_field(&form, "match[]", selectors[i]);
    }
    add_number(&form, "start", start);
    add_number(&form, "end", end);
    int failed = ask(prom, "/api/v1/series", &form, listener, err);
    buf_release(&form);
    return failed;
}

int prom_instant(struct prom *prom, const char *query, int64_t time, const struct answer_listener *listener,
                 struct err *err)
{
    struct buf form;
    buf_init(&form, QUESTION_MAX);
    http_add_field(&form, "query", query);
    add_number(&form, "time", time);
    int failed = ask(prom, "/api/v1/query", &form, listener, err);
    buf_release(&form);
    return failed;
}

int prom_range(struct prom *prom, const char *query, int64_t start, int64_t end, int64_t step,
               const struct answer_listener *listener, struct err *err)
{
    struct buf form;
    buf_init(&form, QUESTION_MAX);
    http_add_field(&form, "query", query);
    add_number(&form, "start", start);
    add_number(&form, "end", end);
    add_number(&form, "step", step);
    int failed = ask(prom, "/api/v1/query_range", &form, listener, err);
    buf_release(&form);
    return failed;
}
