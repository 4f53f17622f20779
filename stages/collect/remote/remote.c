#include "stages/collect/remote/remote.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "stages/collect/api/discover.h"
#include "stages/collect/api/promql.h"
#include "stages/collect/remote/request.h"
#include "stages/collect/remote/stream.h"
#include "stages/collect/remote/xor.h"

enum { REQUEST_MAX = 8 * 1024 * 1024, NAMES_MAX = 4096, MATCHERS_MAX = 8, PROBE_MAX = 1024 * 1024 };

static const char streamed[] = "application/x-streamed-protobuf";

struct remote {
    struct source source;
    struct prom *prom;
};

/* Series that are asked for with the same matchers. */
struct family {
    enum metric metrics[METRIC_COUNT];
    size_t metric_count;
    struct matcher matchers[2];
    size_t matcher_count;
};

static const struct family families[] = {
    {{METRIC_CPU, METRIC_MEMORY, METRIC_PERIODS, METRIC_THROTTLED, METRIC_OOM_EVENTS},
     5,
     {{MATCHER_NOT_EQUAL, "container", ""}, {MATCHER_NOT_EQUAL, "container", "POD"}},
     2},
    {{METRIC_RESTARTS}, 1, {{MATCHER_EQUAL, NULL, NULL}}, 0},
    {{METRIC_OOM_REASON}, 1, {{MATCHER_EQUAL, "reason", "OOMKilled"}}, 1},
    {{METRIC_MEMORY_LIMIT}, 1, {{MATCHER_EQUAL, "resource", "memory"}}, 1},
};

/* An answer on its way. */
struct reading {
    struct stream stream;
    struct store *store; /* NULL: nobody wants it */
    struct http_reply reply;
    size_t most;    /* bytes, decompressed */
    bool too_large; /* more than these */
    bool other;     /* an answer, but of another kind */
};

static bool take_series(void *context, const struct labels *labels)
{
    struct reading *reading = context;
    return reading->store != NULL && store_series(reading->store, labels, METRIC_COUNT, SERIES_RAW);
}

static int take_chunk(void *context, const struct stream_chunk *chunk, struct err *err)
{
    struct reading *reading = context;
    return store_chunk(reading->store, CHUNK_XOR, chunk->bytes, chunk->length,
                       xor_count(chunk->bytes, chunk->length), chunk->first_ms, chunk->last_ms, err);
}

static void reading_init(struct reading *reading, struct store *store, size_t most)
{
    struct stream_listener listener = {.series = take_series, .chunk = take_chunk, .context = reading};
    *reading = (struct reading){.store = store, .most = most};
    stream_init(&reading->stream, &listener);
    http_reply_init(&reading->reply);
}

static void reading_release(struct reading *reading)
{
    stream_release(&reading->stream);
    http_reply_release(&reading->reply);
}

/* The answer begins, perhaps anew. */
static void begin(void *context)
{
    struct reading *reading = context;
    stream_begin(&reading->stream);
    if (reading->store != NULL) {
        store_clear(reading->store);
    }
}

static int check_kind(struct reading *reading, struct err *err)
{
    char kind[128] = "no type of content";
    if (http_reply_is(&reading->reply, streamed)) {
        return 0;
    }
    reading->other = true;
    http_reply_header(&reading->reply, "content-type", kind, sizeof kind);
    err_set(err, ERR_UNAVAILABLE,
            "the metrics server does not stream remote reads: it answered with %s instead of %s", kind,
            streamed);
    return err_hint(err, "read with --source query-range");
}

static int take_bytes(void *context, const char *bytes, size_t length, struct err *err)
{
    struct reading *reading = context;
    if (reading->stream.frames.offset == 0 && check_kind(reading, err)) {
        return -1;
    }
    reading->too_large = length > reading->most - (size_t)reading->stream.frames.offset;
    if (reading->too_large) {
        return err_set(err, ERR_UNAVAILABLE, "the answer is larger than %zu MiB", reading->most >> 20);
    }
    return stream_feed(&reading->stream, bytes, length, err);
}

/* Sends a request and takes the answer in to its end. */
static int exchange(struct prom *prom, const struct buf *body, struct reading *reading, enum served *served,
                    struct err *err)
{
    static const char *const headers[] = {"Content-Encoding: snappy",
                                          "X-Prometheus-Remote-Read-Version: 0.1.0", NULL};
    struct http_sink sink = {.begin = begin, .bytes = take_bytes, .context = reading};
    struct http_request request = {
        .path = "/api/v1/read",
        .content_type = "application/x-protobuf",
        .body = body->data,
        .body_length = body->length,
        .headers = headers,
        .cap = SIZE_MAX, /* the sink has its own */
        .sink = &sink,
    };
    if (prom_send(prom, &request, &reading->reply, served, err)) {
        return -1;
    }
    *served = SERVED_REFUSED;
    if (check_kind(reading, err) || stream_finish(&reading->stream, err)) {
        return -1;
    }
    *served = SERVED;
    return 0;
}

/* What may still be answered after a failure: this server's other questions, where only remote read is not
 * spoken here. */
static enum served judge(const struct reading *reading, enum served served)
{
    long status = reading->reply.status;
    if (reading->too_large || (reading->store != NULL && reading->store->full)) {
        return SERVED_TOO_MUCH;
    }
    return reading->other || status == 404 || status == 405 || status == 501 ? SERVED_REFUSED : served;
}

/* The names of a family as a regular expression. */
static char *names_of(const struct family *family)
{
    struct buf names;
    buf_init(&names, NAMES_MAX);
    for (size_t i = 0; i < family->metric_count; i++) {
        buf_printf(&names, "%s%s", i == 0 ? "" : "|", metric_names(family->metrics[i]));
    }
    return buf_steal(&names);
}

/* The pods of a question as a regular expression. */
static void add_pods(const struct question *question, struct buf *out)
{
    for (size_t i = 0; i < question->pod_count; i++) {
        if (i > 0) {
            buf_add_char(out, '|');
        }
        promql_literal(out, question->namespace->pods[question->pods[i]].name);
    }
}

static void add_query(const struct family *family, const struct prom *prom, const struct question *question,
                      const char *pods, struct buf *request)
{
    const struct window *window = question->window;
    struct matcher matchers[MATCHERS_MAX];
    size_t count = 0;
    char *names = names_of(family);
    matchers[count++] = (struct matcher){MATCHER_LIKE, "__name__", names};
    matchers[count++] = (struct matcher){MATCHER_EQUAL, "namespace", question->namespace->name};
    for (size_t i = 0; i < family->matcher_count; i++) {
        matchers[count++] = family->matchers[i];
    }
    if (!question->whole) {
        matchers[count++] = (struct matcher){MATCHER_LIKE, "pod", pods};
    }
    if (prom_label_name(prom) != NULL) {
        matchers[count++] = (struct matcher){MATCHER_EQUAL, prom_label_name(prom), prom_label_value(prom)};
    }
    request_query(request, (window->start - LOOKBACK) * 1000, window->end * 1000, matchers, count);
    free(names);
}

/* The body for a question. Too long a one is too much. */
static int make_body(const struct prom *prom, const struct question *question, struct buf *body,
                     enum served *served, struct err *err)
{
    struct buf request;
    struct buf pods;
    buf_init(&request, REQUEST_MAX);
    buf_init(&pods, REQUEST_MAX);
    add_pods(question, &pods);
    for (size_t i = 0; i < ARRAY_COUNT(families); i++) {
        add_query(&families[i], prom, question, buf_str(&pods), &request);
    }
    int failed = request_finish(&request, body) || pods.overflow ? -1 : 0;
    buf_release(&pods);
    buf_release(&request);
    if (failed) {
        *served = SERVED_TOO_MUCH;
        return err_set(err, ERR_UNAVAILABLE,
                       "the question about %zu pods of namespace %s is longer than %d MiB",
                       question->pod_count, question->namespace->name, REQUEST_MAX >> 20);
    }
    return 0;
}

static int remote_read(struct source *source, const struct question *question, struct store *store,
                       enum served *served, struct err *err)
{
    struct remote *remote = (struct remote *)source;
    struct reading reading;
    struct buf body;
    *served = SERVED;
    if (question->pod_count == 0 && !question->whole) {
        return 0;
    }
    buf_init(&body, 2 * REQUEST_MAX);
    if (make_body(remote->prom, question, &body, served, err)) {
        buf_release(&body);
        return -1;
    }
    reading_init(&reading, store, SIZE_MAX / 16 > store->limit ? 8 * store->limit + FRAME_MAX : SIZE_MAX / 2);
    int failed = exchange(remote->prom, &body, &reading, served, err);
    if (failed) {
        *served = judge(&reading, *served);
    }
    store->left_out += (size_t)reading.stream.left_out;
    log_debug("/api/v1/read: %s, %zu pods, %" PRId64 " series, %" PRId64 " bytes", question->namespace->name,
              question->pod_count, reading.stream.series, reading.stream.frames.offset);
    reading_release(&reading);
    buf_release(&body);
    return failed;
}

static int remote_discover(struct source *source, const char *name, const struct window *window,
                           struct namespace **out, enum served *served, struct err *err)
{
    return api_discover(((struct remote *)source)->prom, name, window, out, served, err);
}

static void remote_free(struct source *source)
{
    free(source);
}

void remote_new(struct prom *prom, struct source **out)
{
    struct remote *remote = xcalloc(sizeof *remote);
    remote->source = (struct source){
        .name = "remote-read", .discover = remote_discover, .read = remote_read, .free = remote_free, .prom = prom};
    remote->prom = prom;
    *out = &remote->source;
}

enum remote_support remote_probe(struct prom *prom, struct err *why)
{
    static const struct matcher nobody = {MATCHER_EQUAL, "__name__",
                                          "tare_asks_whether_remote_read_is_spoken"};
    enum remote_support support = REMOTE_SPOKEN;
    enum served served;
    struct reading reading;
    struct buf request;
    struct buf body;
    buf_init(&request, PROBE_MAX);
    buf_init(&body, PROBE_MAX);
    request_query(&request, clock_now() * 1000, clock_now() * 1000, &nobody, 1);
    request_finish(&request, &body);
    reading_init(&reading, NULL, PROBE_MAX);
    if (exchange(prom, &body, &reading, &served, why)) {
        bool nothing = reading.reply.status == 0 || reading.reply.status == 401;
        support = nothing ? REMOTE_NO_ANSWER : REMOTE_NOT_SPOKEN;
    }
    reading_release(&reading);
    buf_release(&request);
    buf_release(&body);
    return support;
}
