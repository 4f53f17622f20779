#include "stages/common/ends/ends_api.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/kube/kube_watch.h"

/* A request whose answer is awaited, or an observation. */
struct entry {
    struct entry *next;
    struct ends_api *ends;
    uint64_t tag;
    struct kube_call *call;
    struct kube_watch *watch; /* NULL of a request, and of an observation that was refused */
    struct http_flight *fetch; /* of another server */
    const char *what;
    json_t *(*read)(const struct http_reply *reply, struct err *err);
    json_t *states;           /* of an observation: "namespace/name" → {"object", "gone"}, not told yet */
};

/* What is told before anything else. */
struct told {
    struct told *next;
    struct machine_event event;
};

struct ends_api {
    struct kube_api *api;
    struct http_loop *loop;
    struct entry *entries;
    struct told *first;
    struct told **last;
};

int ends_api_new(struct kube_api *api, struct ends_api **out, struct err *err)
{
    struct ends_api *ends = xcalloc(sizeof *ends);
    ends->api = api;
    ends->last = &ends->first;
    if (http_loop_new(&ends->loop, err)) {
        free(ends);
        return -1;
    }
    *out = ends;
    return 0;
}

static struct entry *add_entry(struct ends_api *ends, uint64_t tag)
{
    struct entry *entry = xcalloc(sizeof *entry);
    entry->ends = ends;
    entry->tag = tag;
    entry->next = ends->entries;
    ends->entries = entry;
    return entry;
}

static void drop_entry(struct entry *entry)
{
    struct entry **at = &entry->ends->entries;
    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    kube_call_cancel(entry->call);
    http_loop_cancel(entry->ends->loop, entry->fetch);
    kube_watch_end(entry->watch);
    json_decref(entry->states);
    free(entry);
}

/* ---- Requests ---- */

static void tell_answer(struct ends_api *ends, uint64_t tag, struct kube_answer *answer)
{
    struct told *told = xcalloc(sizeof *told);
    struct machine_event *event = &told->event;
    event->kind = EVENT_ANSWER;
    event->tag = tag;
    event->status = answer->status;
    event->body = answer->body;
    event->may_have_happened = answer->may_have_happened;
    event->why = answer->why;
    memcpy(event->request_id, answer->request_id, sizeof event->request_id);
    answer->body = NULL;
    *ends->last = told;
    ends->last = &told->next;
}

static void answered(void *context, struct kube_answer *answer)
{
    struct entry *entry = context;
    entry->call = NULL;
    tell_answer(entry->ends, entry->tag, answer);
    drop_entry(entry);
}

static bool is_write(const struct api_request *request)
{
    return !str_equal(request->method, "GET") && strstr(request->path, "dryRun=All") == NULL;
}

int ends_api_ask(struct ends_api *ends, uint64_t tag, const struct api_request *request, struct err *err)
{
    struct kube_request asked = {
        .method = request->method,
        .path = request->path,
        .content_type = request->content_type,
        .body = request->body,
        .writes = is_write(request),
    };
    struct entry *entry = add_entry(ends, tag);
    if (kube_call_begin(ends->api, ends->loop, &asked, answered, entry, &entry->call, err)) {
        drop_entry(entry);
        return -1;
    }
    return 0;
}

static void fetched(void *context, struct http_reply *reply, const struct err *failure)
{
    struct entry *entry = context;
    struct kube_answer answer = {.status = reply->status};
    entry->fetch = NULL;
    if (failure != NULL) {
        answer.status = 0;
        answer.why = *failure;
    } else if (http_reply_check(reply, entry->what, &answer.why) == 0) {
        answer.body = entry->read(reply, &answer.why);
        answer.status = answer.body == NULL ? 0 : reply->status;
    }
    tell_answer(entry->ends, entry->tag, &answer);
    drop_entry(entry);
}

int ends_api_fetch(struct ends_api *ends, uint64_t tag, struct http_client *client, const char *what, const char *path,
                   json_t *(*read)(const struct http_reply *reply, struct err *err), struct err *err)
{
    struct entry *entry = add_entry(ends, tag);
    struct http_request request = {.path = path, .accept = "application/json"};
    entry->what = what;
    entry->read = read;
    if (http_loop_begin(ends->loop, client, &request, 0, fetched, entry, &entry->fetch, err)) {
        drop_entry(entry);
        return -1;
    }
    return 0;
}

/* ---- Observations ---- */

/* Keeps an object's last state, in place of one that was not told yet. */
static void keep_state(struct entry *entry, json_t *object, bool gone)
{
    const json_t *metadata = json_object_get(object, "metadata");
    const char *uid = json_string_or_null(metadata, "uid");
    char *key = xasprintf("%s %s", uid == NULL ? "" : uid, json_string_or_null(metadata, "name"));
    json_object_set_new(entry->states, key, json_pack("{s:O, s:b}", "object", object, "gone", gone));
    free(key);
}

static void seen(void *context, json_t *object)
{
    keep_state(context, object, false);
}

static void gone(void *context, json_t *object)
{
    keep_state(context, object, true);
}

static void refused(void *context, struct kube_answer *answer)
{
    struct entry *entry = context;
    tell_answer(entry->ends, entry->tag, answer);
}

int ends_api_observe(struct ends_api *ends, uint64_t tag, const struct api_query *query, struct err *err)
{
    struct kube_query asked = {
        .group = query->group,
        .version = query->version,
        .resource = query->resource,
        .kind = query->kind,
        .namespace = query->namespace,
        .labels = query->labels,
    };
    struct entry *entry = add_entry(ends, tag);
    struct kube_watcher watcher = {.seen = seen, .gone = gone, .refused = refused, .context = entry};
    entry->states = json_object();
    if (kube_watch_begin(ends->api, ends->loop, &asked, &watcher, &entry->watch, err)) {
        drop_entry(entry);
        return -1;
    }
    return 0;
}

/* Forgets what would be told under a tag. */
static void untell(struct ends_api *ends, uint64_t tag)
{
    for (struct told **at = &ends->first; *at != NULL;) {
        struct told *told = *at;
        if (told->event.tag == tag) {
            *at = told->next;
            json_decref(told->event.body);
            free(told);
        } else {
            at = &told->next;
        }
    }
    for (ends->last = &ends->first; *ends->last != NULL;) {
        ends->last = &(*ends->last)->next;
    }
}

void ends_api_forget(struct ends_api *ends, uint64_t tag)
{
    for (struct entry *entry = ends->entries; entry != NULL; entry = entry->next) {
        if (entry->tag == tag && entry->states != NULL) {
            untell(ends, tag);
            drop_entry(entry);
            return;
        }
    }
}

/* ---- Events ---- */

static bool take_told(struct ends_api *ends, struct machine_event *out)
{
    struct told *told = ends->first;
    if (told == NULL) {
        return false;
    }
    *out = told->event;
    ends->first = told->next;
    ends->last = ends->first == NULL ? &ends->first : ends->last;
    free(told);
    return true;
}

static bool take_state(struct ends_api *ends, struct machine_event *out)
{
    for (struct entry *entry = ends->entries; entry != NULL; entry = entry->next) {
        void *first = entry->states == NULL ? NULL : json_object_iter(entry->states);
        if (first != NULL) {
            const json_t *state = json_object_iter_value(first);
            memset(out, 0, sizeof *out);
            out->kind = json_bool_or(state, "gone", false) ? EVENT_GONE : EVENT_SEEN;
            out->tag = entry->tag;
            out->body = json_incref(json_object_get(state, "object"));
            char *key = xstrdup(json_object_iter_key(first));
            json_object_del(entry->states, key);
            free(key);
            return true;
        }
    }
    return false;
}

int ends_api_next(struct ends_api *ends, int64_t until_ms, struct machine_event *out, struct err *err)
{
    while (!take_told(ends, out) && !take_state(ends, out)) {
        if (clock_monotonic_ms() >= until_ms) {
            *out = (struct machine_event){.kind = EVENT_TIME};
            return 0;
        }
        if (http_loop_turn(ends->loop, until_ms, -1, err)) {
            return -1;
        }
    }
    return 0;
}

void ends_api_free(struct ends_api *ends)
{
    if (ends == NULL) {
        return;
    }
    while (ends->entries != NULL) {
        drop_entry(ends->entries);
    }
    for (struct machine_event event; take_told(ends, &event);) {
        json_decref(event.body);
    }
    http_loop_free(ends->loop);
    free(ends);
}
