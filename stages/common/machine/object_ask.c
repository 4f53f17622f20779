#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/url.h"
#include "stages/common/machine/machine_internal.h"
#include "stages/common/machine/patch.h"
#include "stages/common/machine/resize.h"
#include "stages/common/machine/tag.h"

enum { PATH_CAP = 8192, BACKOFF_MS = 500, BACKOFF_DOUBLINGS = 6, PODS_PAGE = 250 };

#define MERGE_PATCH "application/merge-patch+json"

/* ---- Paths ---- */

/* "/apis/apps/v1/namespaces/shop/deployments". */
static void add_collection(struct buf *path, const char *group, const char *version, const char *namespace, const char *resource)
{
    if (*group == '\0') {
        buf_add_str(path, "/api/");
    } else {
        buf_add_str(path, "/apis/");
        url_escape(path, group);
        buf_add_char(path, '/');
    }
    url_escape(path, version);
    buf_add_str(path, "/namespaces/");
    url_escape(path, namespace);
    buf_add_char(path, '/');
    url_escape(path, resource);
}

static void add_objects(struct buf *path, const struct machine_object *object)
{
    add_collection(path, object->group, object->version, object->namespace, object->resource);
}

static void add_object(struct buf *path, const struct machine_object *object)
{
    add_objects(path, object);
    buf_add_char(path, '/');
    url_escape(path, object->object_name);
}

/* Its pods, page by page. */
static void add_pods(struct buf *path, const struct work *work)
{
    struct buf selector;
    buf_init(&selector, PATH_CAP);
    add_collection(path, "", "v1", work->object->namespace, "pods");
    buf_printf(path, "?limit=%d", PODS_PAGE);
    if (pods_selector(work->live, &selector)) {
        buf_add_str(path, "&labelSelector=");
        url_escape(path, buf_str(&selector));
    }
    if (work->more != NULL) {
        buf_add_str(path, "&continue=");
        url_escape(path, work->more);
    }
    buf_release(&selector);
}

/* ---- What each phase asks ---- */

/* New body of the write, and of its rehearsal. */
static json_t *write_body(const struct work *work, struct api_request *request)
{
    if (work->object->action == MACHINE_CREATE) {
        request->method = "POST";
        request->content_type = "application/json";
        return json_incref(json_object_get(work->detail, "manifest"));
    }
    const json_t *patch = json_object_get(work->detail, "patch");
    request->method = "PATCH";
    request->content_type = patch_type(patch);
    json_t *body = patch_guarded(patch, work->live);
    return work->phase == PHASE_WRITE ? resize_paused(work, body) : body;
}

static json_t *undo_body(const struct work *work, struct api_request *request)
{
    if (work->object->action == MACHINE_CREATE) {
        request->method = "DELETE";
        request->content_type = "application/json";
        return patch_removal(work->live, work->object->force);
    }
    json_t *back = patch_back(work->object->kind, work->live, work->was);
    json_t *body = patch_guarded(back, work->live);
    request->method = "PATCH";
    request->content_type = patch_type(back);
    json_decref(back);
    return resize_paused(work, body);
}

/* A label that is set and removed: what was sent before with another resourceVersion can then land no more. */
static json_t *fence_body(const struct work *work, struct api_request *request)
{
    json_t *labels = json_pack("{s:{s:{s:o}}}", "metadata", "labels", FENCE_LABEL,
                               work->phase == PHASE_FENCE_SET ? json_string("1") : json_null());
    json_t *body = patch_guarded(labels, work->live);
    request->method = "PATCH";
    request->content_type = MERGE_PATCH;
    json_decref(labels);
    return body;
}

static bool lists_pods(enum phase phase)
{
    return phase == PHASE_BASELINE || phase == PHASE_ROOM_PODS || phase == PHASE_PODS || phase == PHASE_SETTLE_PODS ||
           phase == PHASE_UNDO_PODS;
}

/* Method, path, type and (new) body of the phase's request. */
static json_t *request_of(const struct work *work, struct buf *path, struct api_request *request)
{
    const struct machine_object *object = work->object;
    bool creates = object->action == MACHINE_CREATE && (work->phase == PHASE_REHEARSE || work->phase == PHASE_WRITE);
    json_t *body = NULL;
    if (resize_is(work->phase)) {
        body = resize_request(work, path, request);
    } else if (lists_pods(work->phase)) {
        add_pods(path, work);
    } else if (creates) {
        add_objects(path, object);
    } else {
        add_object(path, object);
    }
    if (work->phase == PHASE_REHEARSE || work->phase == PHASE_WRITE) {
        buf_printf(path, "?fieldManager=tare%s", work->phase == PHASE_REHEARSE ? "&dryRun=All" : "");
        body = write_body(work, request);
    } else if (work->phase == PHASE_UNDO_WRITE) {
        buf_add_str(path, object->action == MACHINE_CREATE ? "" : "?fieldManager=tare");
        body = undo_body(work, request);
    } else if (work->phase == PHASE_FENCE_SET || work->phase == PHASE_FENCE_CLEAR) {
        buf_add_str(path, "?fieldManager=tare");
        body = fence_body(work, request);
    }
    request->path = buf_str(path);
    request->body = body;
    return body;
}

static bool is_write(const struct work *work)
{
    enum phase phase = work->phase;
    if (resize_is(phase)) {
        return resize_writes(work);
    }
    return phase == PHASE_WRITE || phase == PHASE_UNDO_WRITE || phase == PHASE_FENCE_SET || phase == PHASE_FENCE_CLEAR;
}

static bool is_too_long(const struct machine *machine, const struct work *work)
{
    return work->outage && machine->ends->now(machine->ends->context) - work->since >= machine->policy->rollout_timeout;
}

/* Asks the phase's request again in a while; gives up once the server did not answer for longer than a rollout may take. */
static void object_later(struct machine *machine, struct work *work, const struct err *why)
{
    int64_t now = machine->ends->now(machine->ends->context);
    unsigned doublings = work->tries < BACKOFF_DOUBLINGS ? work->tries : BACKOFF_DOUBLINGS;
    if (!work->outage) {
        work->outage = true;
        work->since = now;
        work->tries = 0;
        doublings = 0;
    }
    if (is_too_long(machine, work)) {
        object_give_up(machine, work, why);
        return;
    }
    work->tries++;
    work->retries = true;
    work->retry = now + ((int64_t)BACKOFF_MS << doublings);
}

void object_request(struct machine *machine, struct work *work, const struct api_request *request)
{
    struct err why = {0};
    uint64_t tag = tag_request(work->index, ++work->asked);
    work->sequence = work->asked;
    if (machine->ends->ask(machine->ends->context, tag, request, &why)) {
        work->sequence = 0;
        object_later(machine, work, &why);
    }
}

static void send_measure(struct machine *machine, struct work *work)
{
    struct err why = {0};
    uint64_t tag = tag_request(work->index, ++work->asked);
    work->sequence = work->asked;
    if (machine->ends->measure(machine->ends->context, tag, work->object, work->measured, &why)) {
        work->sequence = 0;
        object_later(machine, work, &why);
    }
}

void object_send(struct machine *machine, struct work *work)
{
    struct api_request request = {.method = "GET"};
    struct buf path;
    if (work->phase == PHASE_MEASURE) {
        send_measure(machine, work);
        return;
    }
    buf_init(&path, PATH_CAP);
    json_t *body = request_of(work, &path, &request);
    machine->touched = machine->touched || is_write(work);
    object_request(machine, work, &request);
    json_decref(body);
    buf_release(&path);
}

void object_ask(struct machine *machine, struct work *work, enum phase phase)
{
    work->phase = phase;
    work->wakes = false;
    work->retries = false;
    object_send(machine, work);
}

/* ---- When no answer comes ---- */

void object_give_up(struct machine *machine, struct work *work, const struct err *why)
{
    struct err cause = *why;
    if (machine->lost.class == ERR_NONE) {
        machine->lost = cause;
    }
    machine->stopping = true;
    work_over(machine, work, work_has_row(work) ? MACHINE_PENDING : MACHINE_LEFT, &cause);
}

void object_unseen(struct machine *machine, struct work *work, const struct err *why)
{
    struct err cause = *why;
    err_prefix(&cause, "%s cannot be observed", work->object->name);
    if (work_has_row(work)) {
        object_give_up(machine, work, &cause);
    } else {
        object_refuse(machine, work, &cause);
    }
}

/* Whether the phase only looks at what an object that is begun, or its pods, came to. */
static bool only_looks(const struct work *work)
{
    switch (work->phase) {
    case PHASE_LOOK:
    case PHASE_PODS:
    case PHASE_ROLLOUT:
    case PHASE_SETTLE:
    case PHASE_SETTLE_PODS:
    case PHASE_UNDO_READ:
    case PHASE_UNDO_PODS:
    case PHASE_UNDO_ROLLOUT:
        return true;
    default:
        return false;
    }
}

/* Answered by what stands before the server, or by one that has no time. */
static bool is_away(long status)
{
    return status == 0 || status == 401 || status == 429 || (status >= 502 && status <= 504);
}

/* Whether the server, or what stands before or behind it, did not do its work: a 500 is a webhook that cannot be called, or a store
 * that changes its leader. A 401 may pass, too: tokens are renewed. */
static bool is_outage(const struct work *work, const struct machine_event *event)
{
    return is_away(event->status) || (event->status >= 500 && (only_looks(work) || is_write(work)));
}

/* The server had an answer all that time, and it was that it cannot write this: no outage, but a failure. */
static void write_failed(struct machine *machine, struct work *work, const struct err *why)
{
    struct err cause = *why;
    if (resize_is(work->phase)) {
        resize_fail(machine, work, cause.message);
    } else if (work->phase == PHASE_WRITE) {
        work->doubt = true;
        err_prefix(&cause, "%s is not %s", work->object->name, work->object->action == MACHINE_CREATE ? "made" : "changed");
        object_fail(machine, work, &cause);
    } else {
        object_undo_failed(machine, work, cause.message);
    }
}

void object_look_later(struct machine *machine, struct work *work, const struct err *why)
{
    work->phase = PHASE_LOOK;
    object_later(machine, work, why);
}

/* A write may have happened: what became of it is read. Everything else is asked again. */
static void no_answer(struct machine *machine, struct work *work, const struct machine_event *event)
{
    bool write = is_write(work);
    work->unwritten = work->unwritten || write;
    if (write && !is_away(event->status) && is_too_long(machine, work)) {
        write_failed(machine, work, &event->why);
        return;
    }
    if (resize_is(work->phase)) {
        resize_unanswered(work);
    } else if (work->phase == PHASE_WRITE) {
        work->doubt = true;
        work->phase = PHASE_LOOK;
    } else if (write) {
        work->phase = PHASE_UNDO_READ;
    }
    object_later(machine, work, &event->why);
}

void object_calm(struct work *work)
{
    work->retries = false;
    work->outage = false;
    work->unwritten = false;
}

void object_leave(struct machine *machine, struct work *work)
{
    struct err why = machine->cause;
    if (why.class == ERR_NONE) {
        err_set(&why, ERR_TEMPFAIL, "asked to end before %s", work->object->name);
    }
    work_over(machine, work, MACHINE_LEFT, &why);
}

void object_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    work->sequence = 0;
    if (machine->stopping && !work_has_row(work) && !machine->policy->rehearse) {
        object_leave(machine, work);
    } else if (is_outage(work, event)) {
        no_answer(machine, work, event);
    } else {
        work->unwritten = work->unwritten && !is_write(work);
        work->outage = work->outage && work->unwritten;
        if (resize_is(work->phase)) {
            resize_answer(machine, work, event);
        } else if (work->phase <= PHASE_LOOK) {
            object_write_answer(machine, work, event);
        } else if (work->phase <= PHASE_MEASURE) {
            object_watch_answer(machine, work, event);
        } else {
            object_undo_answer(machine, work, event);
        }
    }
}

void object_wake(struct machine *machine, struct work *work)
{
    bool again = work->retries;
    if (machine->stopping && !work_has_row(work) && !machine->policy->rehearse) {
        object_leave(machine, work);
        return;
    }
    if (again && work->retry <= machine->ends->now(machine->ends->context)) {
        work->retries = false;
        object_send(machine, work);
        return;
    }
    if (work->wakes && (work->phase >= PHASE_PODS || resize_is(work->phase))) {
        work->wakes = false;
        if (resize_is(work->phase)) {
            resize_wake(machine, work);
        } else if (work->phase <= PHASE_MEASURE) {
            object_watch_wake(machine, work);
        } else {
            object_undo_wake(machine, work);
        }
    }
}
