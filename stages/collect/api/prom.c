#include "stages/collect/api/prom.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "stages/collect/api/promql.h"
#include "stages/collect/api/refusal.h"

/* Bounds of one question and one answer. An answer is read as a stream, so its bound only stops an endless
 * one. */
enum { QUESTION_MAX = 8 * 1024 * 1024, SILENT_MAX = 3, TIMEOUT_DEFAULT = 120 };
static const size_t answer_max = (size_t)4 << 30;

static const char *const what = "the metrics server";

struct prom {
    struct http_options http; /* its texts are owned */
    json_t *headers;
    int64_t timeout_seconds;
    char *who; /* "the metrics server http://…", for messages */
    char *label_name;
    char *label_value;
    char *matcher;
    pthread_mutex_t lock;      /* of all that follows */
    struct http_client **idle; /* clients that nobody uses now */
    size_t idle_count;
    size_t idle_capacity;
    int silent;         /* rounds without an answer in a row */
    struct err silence; /* what the last of them said */
    struct source_counts counts;
    bool warned; /* of what the server said about an answer that it gave */
};

/* One question on its way. */
struct exchange {
    const struct http_sink *sink; /* of the one who asks */
    const struct http_reply *reply;
    bool page;    /* the body is a web page */
    bool stopped; /* by the sink: the error is its own */
    int round;    /* rounds of silence when it began */
};

static char *make_matcher(const struct prom *prom)
{
    struct buf out;
    buf_init(&out, 8192);
    if (prom->label_name != NULL) {
        promql_match(&out, prom->label_name, "=", prom->label_value);
    }
    return buf_steal(&out);
}

static void copy_settings(struct prom *prom, const struct prom_settings *settings)
{
    prom->timeout_seconds = settings->timeout_seconds > 0 ? settings->timeout_seconds : TIMEOUT_DEFAULT;
    prom->http = (struct http_options){
        .what = what,
        .url = xstrdup_null(settings->url),
        .connect_timeout_seconds = settings->connect_timeout_seconds,
        .timeout_seconds = prom->timeout_seconds,
        .bearer_token_file = xstrdup_null(settings->bearer_token_file),
        .username = xstrdup_null(settings->basic_username),
        .password_file = xstrdup_null(settings->basic_password_file),
        .ca_file = xstrdup_null(settings->ca_file),
        .certificate_file = xstrdup_null(settings->certificate_file),
        .key_file = xstrdup_null(settings->key_file),
    };
    prom->headers = settings->headers == NULL ? json_object() : json_deep_copy(settings->headers);
    if (settings->label_name != NULL && settings->label_value != NULL) {
        prom->label_name = xstrdup(settings->label_name);
        prom->label_value = xstrdup(settings->label_value);
    }
    prom->matcher = make_matcher(prom);
}

/* A client of one's own: one that is idle, else a new one. */
static int take_client(struct prom *prom, struct http_client **out, struct err *err)
{
    const char *name;
    json_t *value;
    int failed = 0;
    pthread_mutex_lock(&prom->lock);
    if (prom->idle_count > 0) {
        *out = prom->idle[--prom->idle_count];
    } else {
        failed = http_client_new(&prom->http, out, err);
        json_object_foreach(prom->headers, name, value)
        {
            failed = failed || http_client_header(*out, name, json_string_value(value), err);
        }
        if (failed) {
            http_client_free(*out);
            *out = NULL;
        }
    }
    pthread_mutex_unlock(&prom->lock);
    return failed ? -1 : 0;
}

static void give_back(struct prom *prom, struct http_client *client)
{
    pthread_mutex_lock(&prom->lock);
    GROW(prom->idle, prom->idle_capacity, prom->idle_count + 1);
    prom->idle[prom->idle_count++] = client;
    pthread_mutex_unlock(&prom->lock);
}

int prom_new(const struct prom_settings *settings, struct prom **out, struct err *err)
{
    struct prom *prom = xcalloc(sizeof *prom);
    struct http_client *client = NULL;
    pthread_mutex_init(&prom->lock, NULL);
    copy_settings(prom, settings);
    if (take_client(prom, &client, err)) {
        prom_free(prom);
        return -1;
    }
    prom->who = xasprintf("%s %s", what, http_client_name(client));
    give_back(prom, client);
    *out = prom;
    return 0;
}

static void free_text(const char *text)
{
    free((char *)(uintptr_t)text);
}

void prom_free(struct prom *prom)
{
    if (prom == NULL) {
        return;
    }
    for (size_t i = 0; i < prom->idle_count; i++) {
        http_client_free(prom->idle[i]);
    }
    const char *const texts[] = {prom->http.url,           prom->http.bearer_token_file, prom->http.username,
                                 prom->http.password_file, prom->http.ca_file,           prom->http.certificate_file,
                                 prom->http.key_file,      prom->who,                    prom->label_name,
                                 prom->label_value,        prom->matcher};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        free_text(texts[i]);
    }
    json_decref(prom->headers);
    free(prom->idle);
    pthread_mutex_destroy(&prom->lock);
    free(prom);
}

const char *prom_name(const struct prom *prom)
{
    return prom->who + strlen(what) + 1;
}

const char *prom_label_name(const struct prom *prom)
{
    return prom->label_name;
}

const char *prom_label_value(const struct prom *prom)
{
    return prom->label_value;
}

const char *prom_matcher(const struct prom *prom)
{
    return prom->matcher;
}

void prom_counts(struct prom *prom, struct source_counts *out)
{
    pthread_mutex_lock(&prom->lock);
    *out = prom->counts;
    pthread_mutex_unlock(&prom->lock);
}

static void begin_body(void *context)
{
    struct exchange *exchange = context;
    if (exchange->sink->begin != NULL) {
        exchange->sink->begin(exchange->sink->context);
    }
}

static int take_body(void *context, const char *bytes, size_t length, struct err *err)
{
    struct exchange *exchange = context;
    if (http_reply_is(exchange->reply, "text/html")) {
        exchange->page = true;
        err_set(err, ERR_UNAVAILABLE, "%s answered with a web page instead of data", what);
        return err_hint(err, "check the address: it must be that of the Prometheus API, not of a login page or proxy");
    }
    exchange->stopped = exchange->sink->bytes(exchange->sink->context, bytes, length, err) != 0;
    return exchange->stopped ? -1 : 0;
}

/* Counts the one that asks in, unless the server is gone. */
static int begin(struct prom *prom, struct exchange *exchange, enum served *served, struct err *err)
{
    pthread_mutex_lock(&prom->lock);
    bool gone = prom->silent >= SILENT_MAX;
    exchange->round = prom->silent;
    if (gone) {
        *served = SERVED_NOTHING;
        *err = prom->silence;
    }
    pthread_mutex_unlock(&prom->lock);
    return gone ? -1 : 0;
}

/* Counts what came. Questions that were under way at once are one round of silence, however many they are. */
static void end(struct prom *prom, const struct exchange *exchange, enum served served, int64_t samples,
                const struct err *problem)
{
    const struct http_reply *reply = exchange->reply;
    bool busy = served == SERVED_TOO_MUCH && (reply->timed_out || reply->status == 429 || reply->status == 504);
    pthread_mutex_lock(&prom->lock);
    prom->counts.requests += reply->tries;
    prom->counts.bytes += reply->received;
    prom->counts.samples += samples;
    prom->counts.served += served == SERVED;
    if (served != SERVED_NOTHING && !busy) {
        prom->silent = 0;
    } else if (prom->silent == exchange->round) {
        prom->silent++;
        prom->silence = *problem;
    }
    pthread_mutex_unlock(&prom->lock);
}

static bool has_served(struct prom *prom)
{
    struct source_counts counts;
    prom_counts(prom, &counts);
    return counts.served > 0;
}

/* Sends a request and says how it went, without counting it. */
static int exchange_send(struct prom *prom, struct exchange *exchange, const struct http_request *request,
                         struct http_reply *reply, enum served *served, struct err *err)
{
    struct http_sink guard = {
        .begin = request->sink != NULL && request->sink->begin != NULL ? begin_body : NULL, .bytes = take_body, .context = exchange};
    struct http_request guarded = *request;
    struct http_client *client;
    exchange->sink = request->sink;
    guarded.sink = request->sink == NULL ? NULL : &guard;
    guarded.final = refusal_is_final;
    *served = SERVED_REFUSED;
    if (take_client(prom, &client, err)) {
        return -1;
    }
    int failed = http_send(client, &guarded, reply, err);
    give_back(prom, client);
    if (failed) {
        bool late = reply->timed_out && has_served(prom);
        *served = exchange->stopped ? SERVED_REFUSED : late ? SERVED_TOO_MUCH : SERVED_NOTHING;
        return -1;
    }
    *served = http_status_ok(reply->status) ? SERVED : refusal_read(reply, prom->who, err);
    return *served == SERVED ? 0 : -1;
}

int prom_send(struct prom *prom, const struct http_request *request, struct http_reply *reply, enum served *served,
              struct err *err)
{
    struct exchange exchange = {.reply = reply};
    struct err problem = {0};
    if (begin(prom, &exchange, served, err)) {
        return -1;
    }
    int failed = exchange_send(prom, &exchange, request, reply, served, &problem);
    end(prom, &exchange, *served, 0, &problem);
    if (failed) {
        *err = problem;
    }
    return failed;
}

static void begin_answer(void *context)
{
    answer_reset(context);
}

static int take_answer(void *context, const char *bytes, size_t length, struct err *err)
{
    return answer_feed(context, bytes, length, err);
}

/* How it went, where a status of 2xx was not all: what does not read as an answer is none. */
static enum served judge(const struct answer *answer, const struct exchange *exchange, enum served served)
{
    if (exchange->stopped) {
        return answer->stopped ? SERVED_REFUSED : SERVED_NOTHING;
    }
    if (served != SERVED) {
        return served;
    }
    if (answer->status[0] == '\0' || !json_pull_done(&answer->json)) {
        return SERVED_NOTHING;
    }
    return refusal_of_size(answer->error) ? SERVED_TOO_MUCH : SERVED_REFUSED;
}

/* Passes on what the server says beside an answer (a store that it could not ask), once. */
static void warn(struct prom *prom, const struct answer *answer)
{
    if (answer->warning[0] == '\0') {
        return;
    }
    pthread_mutex_lock(&prom->lock);
    bool first = !prom->warned;
    prom->warned = true;
    pthread_mutex_unlock(&prom->lock);
    if (first) {
        log_warn("%s answers with a warning: %s", prom->who, answer->warning);
    }
}

/* Sends a form and reads the answer as it comes. */
static int ask_form(struct prom *prom, const char *path, const struct buf *form, const struct answer_listener *listener,
                    enum served *served, struct err *err)
{
    struct answer answer;
    struct http_reply reply;
    struct http_sink sink = {.begin = begin_answer, .bytes = take_answer, .context = &answer};
    struct http_request request = {
        .path = path,
        .content_type = "application/x-www-form-urlencoded",
        .accept = "application/json",
        .body = form->data,
        .body_length = form->length,
        .cap = answer_max,
        .sink = &sink,
    };
    struct exchange exchange = {.reply = &reply};
    struct err problem = {0};
    if (begin(prom, &exchange, served, err)) {
        return -1;
    }
    answer_init(&answer, listener, prom->who);
    http_reply_init(&reply);
    int failed = exchange_send(prom, &exchange, &request, &reply, served, &problem);
    failed = failed || answer_finish(&answer, &problem);
    *served = failed ? judge(&answer, &exchange, *served) : SERVED;
    end(prom, &exchange, *served, answer.points, &problem);
    log_debug("%s: %" PRId64 " series, %" PRId64 " samples, %" PRId64 " bytes", path, answer.series, answer.points,
              reply.received);
    warn(prom, &answer);
    answer_release(&answer);
    http_reply_release(&reply);
    if (failed) {
        *err = problem;
    }
    return failed ? -1 : 0;
}

/* Half an answer is none: Thanos and VictoriaMetrics shall refuse what a part of their stores cannot answer. The latter
 * shall also look at the instants that are asked for, not at rounder ones that it has answers for. Others pass over
 * names that they do not know. */
static void add_conditions(struct buf *form)
{
    http_add_field(form, "partial_response", "false");
    http_add_field(form, "deny_partial_response", "1");
    http_add_field(form, "nocache", "1");
}

static int ask(struct prom *prom, const char *path, struct buf *form, const struct answer_listener *listener,
               enum served *served, struct err *err)
{
    int failed;
    add_conditions(form);
    if (form->overflow) {
        *served = SERVED_TOO_MUCH;
        failed = err_set(err, ERR_UNAVAILABLE, "a question to %s is larger than %d bytes", prom->who, QUESTION_MAX);
    } else {
        failed = ask_form(prom, path, form, listener, served, err);
    }
    buf_release(form);
    return failed;
}

static void add_number(struct buf *form, const char *name, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    http_add_field(form, name, text);
}

/* The server is given a little less time than the whole exchange, so that it says itself when that was too short. */
static void add_timeout(const struct prom *prom, struct buf *form)
{
    int64_t seconds = prom->timeout_seconds - prom->timeout_seconds / 10;
    char text[32];
    snprintf(text, sizeof text, "%" PRId64 "s", seconds < 1 ? 1 : seconds);
    http_add_field(form, "timeout", text);
}

int prom_series(struct prom *prom, const char *const *selectors, size_t count, int64_t start, int64_t end_time,
                const struct answer_listener *listener, enum served *served, struct err *err)
{
    struct buf form;
    buf_init(&form, QUESTION_MAX);
    for (size_t i = 0; i < count; i++) {
        http_add_field(&form, "match[]", selectors[i]);
    }
    add_number(&form, "start", start);
    add_number(&form, "end", end_time);
    return ask(prom, "/api/v1/series", &form, listener, served, err);
}

int prom_instant(struct prom *prom, const char *query, int64_t time, const struct answer_listener *listener,
                 enum served *served, struct err *err)
{
    struct buf form;
    buf_init(&form, QUESTION_MAX);
    http_add_field(&form, "query", query);
    add_number(&form, "time", time);
    add_timeout(prom, &form);
    return ask(prom, "/api/v1/query", &form, listener, served, err);
}

int prom_range(struct prom *prom, const char *query, int64_t start, int64_t end_time, int64_t step,
               const struct answer_listener *listener, enum served *served, struct err *err)
{
    struct buf form;
    buf_init(&form, QUESTION_MAX);
    http_add_field(&form, "query", query);
    add_number(&form, "start", start);
    add_number(&form, "end", end_time);
    add_number(&form, "step", step);
    add_timeout(prom, &form);
    return ask(prom, "/api/v1/query_range", &form, listener, served, err);
}
