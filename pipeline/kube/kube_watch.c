#include "pipeline/kube/kube_watch.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "pipeline/kube/kube_internal.h"

/* The server says something (a bookmark) about every minute. */
enum { QUIET_SECONDS = 150, GRACE_SECONDS = 60, PAUSE_FIRST_MS = 250, PAUSE_MAX_MS = 10 * 1000 };

/* So often in a row there may be no fresh credential before that is the end: a minute or two, with the pauses. */
enum { STALE_MAX = 20 };

struct kube_watch {
    struct kube_api *api;
    struct http_loop *loop;
    struct http_flight *flight;
    struct kube_watcher watcher;
    struct kube_query query; /* its strings are ours */
    struct http_sink sink;
    struct buf path;
    struct buf line;    /* the beginning of an event */
    char *version;      /* to watch from; NULL: to be listed */
    char *page;         /* token of the next page of the list, NULL at its beginning */
    json_t *known;      /* "namespace/name" → what `gone` needs */
    json_t *listed;     /* the same of the list that is read */
    unsigned failures;  /* in a row */
    unsigned renewals;  /* of the credential, when it was asked */
    unsigned stale;     /* how often in a row no fresh credential could be had */
    bool renewed;       /* the credential, since the last answer that was not 401 */
    bool forgotten;     /* the stream said that the version is too old, or what nobody understands */
};

static int ask(struct kube_watch *watch, int64_t delay_ms, struct err *err);

/* ---- What is known ---- */

static char *key_of(const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    const char *namespace = json_string_or_null(metadata, "namespace");
    const char *name = json_string_or_null(metadata, "name");
    return name == NULL ? NULL : xasprintf("%s/%s", namespace == NULL ? "" : namespace, name);
}

/* New object with what is told of one that vanished unseen. */
static json_t *outline(const json_t *object)
{
    static const char *const members[] = {"name", "namespace", "uid", "labels", "ownerReferences"};
    json_t *metadata = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        json_t *value = json_object_get(json_object_get(object, "metadata"), members[i]);
        if (value != NULL) {
            json_object_set(metadata, members[i], value);
        }
    }
    json_t *out = json_object();
    json_object_set(out, "apiVersion", json_object_get(object, "apiVersion"));
    json_object_set(out, "kind", json_object_get(object, "kind"));
    json_object_set_new(out, "metadata", metadata);
    return out;
}

static bool same_uid(const json_t *a, const json_t *b)
{
    return str_equal(json_string_or_null(json_object_get(a, "metadata"), "uid"),
                     json_string_or_null(json_object_get(b, "metadata"), "uid"));
}

static void tell_gone(struct kube_watch *watch, json_t *object)
{
    watch->watcher.gone(watch->watcher.context, object);
}

/* An object is there: told, and remembered in `into`. One of the same name that was another has gone. */
static void tell_seen(struct kube_watch *watch, json_t *object, json_t *into)
{
    char *key = key_of(object);
    if (key == NULL) {
        return;
    }
    json_t *before = json_object_get(watch->known, key);
    if (before != NULL && !same_uid(before, object)) {
        tell_gone(watch, before);
    }
    json_object_set_new(into, key, outline(object));
    free(key);
    watch->watcher.seen(watch->watcher.context, object);
}

static int take_item(void *context, json_t *object, struct err *err)
{
    struct kube_watch *watch = context;
    (void)err;
    tell_seen(watch, object, watch->listed);
    return 0;
}

/* The list is whole: what was known and is not in it has gone. ERR_DATA where it does not say which version it is of: then nothing can
 * be watched from there. */
static int end_list(struct kube_watch *watch, const json_t *page, struct err *err)
{
    const char *version = json_string_or_null(json_object_get(page, "metadata"), "resourceVersion");
    const char *key;
    json_t *object;
    if (version == NULL || *version == '\0') {
        return err_set(err, ERR_DATA, "the Kubernetes API server's list of %s has no version", watch->query.resource);
    }
    json_object_foreach(watch->known, key, object)
    {
        if (json_object_get(watch->listed, key) == NULL) {
            tell_gone(watch, object);
        }
    }
    json_decref(watch->known);
    watch->known = watch->listed;
    watch->listed = json_object();
    watch->version = xstrdup(version);
    return 0;
}

/* ---- Events ---- */

static void set_version(struct kube_watch *watch, const json_t *object)
{
    const char *version = json_string_or_null(json_object_get(object, "metadata"), "resourceVersion");
    if (version != NULL && *version != '\0') {
        free(watch->version);
        watch->version = xstrdup(version);
    }
}

static void take_event(struct kube_watch *watch, const json_t *event)
{
    const char *type = json_string_or_null(event, "type");
    json_t *object = json_object_get(event, "object");
    if (type == NULL || !json_is_object(object) || str_equal(type, "ERROR")) {
        watch->forgotten = true;
        return;
    }
    watch->failures = 0;
    set_version(watch, object);
    if (str_equal(type, "ADDED") || str_equal(type, "MODIFIED")) {
        kube_list_complete(&watch->query, object);
        tell_seen(watch, object, watch->known);
    } else if (str_equal(type, "DELETED")) {
        char *key = key_of(object);
        kube_list_complete(&watch->query, object);
        tell_gone(watch, object);
        if (key != NULL) {
            json_object_del(watch->known, key);
        }
        free(key);
    }
}

/* An event is one line. After one that cannot be understood the stream is not believed any more. */
static int take_bytes(void *context, const char *bytes, size_t length, struct err *err)
{
    struct kube_watch *watch = context;
    kube_api_heard(watch->api, NULL);
    while (length > 0 && !watch->forgotten) {
        const char *end = memchr(bytes, '\n', length);
        size_t piece = end == NULL ? length : (size_t)(end - bytes);
        json_t *event = NULL;
        struct err ignored;
        if (buf_add(&watch->line, bytes, piece)) {
            watch->forgotten = true;
        } else if (end != NULL && watch->line.length > 0) {
            kube_parse(buf_str(&watch->line), watch->line.length, "", &event, &ignored);
            take_event(watch, event);
            json_decref(event);
        }
        if (end != NULL) {
            buf_clear(&watch->line);
            piece++;
        }
        bytes += piece;
        length -= piece;
    }
    return watch->forgotten ? err_set(err, ERR_DATA, "the watch is not understood") : 0;
}

/* ---- Asking, and asking again ---- */

static void forget_version(struct kube_watch *watch)
{
    free(watch->version);
    free(watch->page);
    watch->version = NULL;
    watch->page = NULL;
    json_object_clear(watch->listed);
}

static int64_t pause_ms(unsigned failures)
{
    int64_t base = (int64_t)PAUSE_FIRST_MS << (failures < 6 ? failures : 6);
    base = base > PAUSE_MAX_MS ? PAUSE_MAX_MS : base;
    return base / 2 + (int64_t)(rng_unit() * (double)(base / 2));
}

static void refuse(struct kube_watch *watch, struct kube_answer *answer)
{
    watch->watcher.refused(watch->watcher.context, answer);
    json_decref(answer->body);
}

static void ask_again(struct kube_watch *watch, int64_t delay_ms)
{
    struct kube_answer answer = {0};
    if (ask(watch, delay_ms, &answer.why)) {
        refuse(watch, &answer);
    }
}

/* After a failure that may pass: a lost connection, a busy server, a version that it has forgotten. */
static void recover(struct kube_watch *watch)
{
    int64_t pause = watch->failures == 0 && watch->forgotten ? 0 : pause_ms(watch->failures);
    watch->failures++;
    if (watch->forgotten) {
        forget_version(watch);
    }
    ask_again(watch, pause);
}

static void take_refusal(struct kube_watch *watch, struct http_reply *reply)
{
    struct kube_answer answer = {.status = reply->status};
    bool first = !watch->renewed;
    if (reply->status == 410 || http_status_retryable(reply->status)) {
        watch->forgotten = reply->status == 410;
        recover(watch);
        return;
    }
    if (reply->status == 401 && first && kube_api_renewable(watch->api)) {
        watch->renewed = true;
        if (kube_api_renew(watch->api, watch->renewals, &answer.why) == 0) {
            ask_again(watch, 0);
            return;
        }
        if (watch->stale++ < STALE_MAX) {
            log_warn("%s", answer.why.message);
            watch->renewed = false;
            ask_again(watch, pause_ms(watch->stale));
            return;
        }
    } else {
        kube_refused(watch->api, "GET", reply, &answer.why);
    }
    http_reply_header(reply, "audit-id", answer.request_id, sizeof answer.request_id);
    refuse(watch, &answer);
}

static void take_page(struct kube_watch *watch, const struct http_reply *reply)
{
    struct kube_taker taker = {.item = take_item, .context = watch};
    struct err err = {0};
    json_t *page = NULL;
    if (kube_read_reply(watch->api, "GET", reply, &page, &err) || kube_list_page(&watch->query, page, &taker, &err) ||
        kube_list_next(&watch->query, page, &watch->page, &err) || (watch->page == NULL && end_list(watch, page, &err))) {
        log_debug("%s", err.message);
        watch->forgotten = true;
        watch->failures++; /* what it is this time, it may well be again: not at once */
        recover(watch);
    } else {
        ask_again(watch, 0);
    }
    json_decref(page);
}

static void ended(void *context, struct http_reply *reply, const struct err *failure)
{
    struct kube_watch *watch = context;
    bool listing = watch->version == NULL;
    watch->flight = NULL;
    if (failure != NULL) {
        if (!(reply->timed_out && reply->sent) && !watch->forgotten) {
            kube_api_heard(watch->api, failure);
        }
        recover(watch);
        return;
    }
    kube_api_heard(watch->api, NULL);
    if (!http_status_ok(reply->status)) {
        take_refusal(watch, reply);
        return;
    }
    watch->renewed = false;
    watch->stale = 0;
    if (listing) {
        take_page(watch, reply);
    } else { /* the server ends a watch after a while: nothing is missed */
        ask_again(watch, watch->failures++ == 0 ? 0 : pause_ms(watch->failures));
    }
}

/* As whom it is asked. Where a new credential is due and cannot be had just now, the one of before may be good for a while yet; if it is
 * not, the server says so. */
static int choose_client(struct kube_watch *watch, struct http_client **http, int64_t *delay_ms, struct err *err)
{
    if (kube_api_client(watch->api, http, err) == 0) {
        return 0;
    }
    if (watch->stale++ >= STALE_MAX) {
        return -1;
    }
    int64_t pause = pause_ms(watch->stale);
    log_warn("%s", err->message);
    *err = (struct err){0};
    *http = watch->api->http;
    *delay_ms = *delay_ms > pause ? *delay_ms : pause;
    return 0;
}

static int ask(struct kube_watch *watch, int64_t delay_ms, struct err *err)
{
    struct http_client *http = NULL;
    bool listing = watch->version == NULL;
    buf_clear(&watch->line);
    watch->forgotten = false;
    if (kube_list_path(&watch->query, watch->page, watch->version, &watch->path, err) || choose_client(watch, &http, &delay_ms, err)) {
        return -1;
    }
    struct http_request request = {
        .path = buf_str(&watch->path),
        .accept = "application/json",
        .timeout_seconds = listing ? 0 : KUBE_WATCH_SECONDS + GRACE_SECONDS,
        .quiet_seconds = listing ? 0 : QUIET_SECONDS,
        .cap = listing ? watch->api->limits.answer_bytes : SIZE_MAX,
        .sink = listing ? NULL : &watch->sink,
        .once = true,
    };
    watch->renewals = watch->api->renewals;
    return http_loop_begin(watch->loop, http, &request, delay_ms, ended, watch, &watch->flight, err);
}

int kube_watch_begin(struct kube_api *api, struct http_loop *loop, const struct kube_query *query, const struct kube_watcher *watcher,
                     struct kube_watch **out, struct err *err)
{
    struct kube_watch *watch = xcalloc(sizeof *watch);
    watch->api = api;
    watch->loop = loop;
    watch->watcher = *watcher;
    watch->query = (struct kube_query){
        .group = xstrdup(query->group),
        .version = xstrdup(query->version),
        .resource = xstrdup(query->resource),
        .kind = xstrdup(query->kind),
        .namespace = xstrdup_null(query->namespace),
        .labels = xstrdup_null(query->labels),
        .fields = xstrdup_null(query->fields),
    };
    watch->sink = (struct http_sink){.bytes = take_bytes, .context = watch};
    watch->known = json_object();
    watch->listed = json_object();
    buf_init(&watch->path, KUBE_PATH_MAX);
    buf_init(&watch->line, api->limits.answer_bytes);
    if (ask(watch, 0, err)) {
        kube_watch_end(watch);
        return -1;
    }
    *out = watch;
    return 0;
}

/* Frees a string that a query borrows from its owner. */
static void free_text(const char *text)
{
    union {
        const char *read;
        char *owned;
    } both = {.read = text};
    free(both.owned);
}

void kube_watch_end(struct kube_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    http_loop_cancel(watch->loop, watch->flight);
    free_text(watch->query.group);
    free_text(watch->query.version);
    free_text(watch->query.resource);
    free_text(watch->query.kind);
    free_text(watch->query.namespace);
    free_text(watch->query.labels);
    free_text(watch->query.fields);
    json_decref(watch->known);
    json_decref(watch->listed);
    free(watch->version);
    free(watch->page);
    buf_release(&watch->path);
    buf_release(&watch->line);
    free(watch);
}
