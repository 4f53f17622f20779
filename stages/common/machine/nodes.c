#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/url.h"
#include "stages/common/health/room.h"
#include "stages/common/machine/machine_internal.h"
#include "stages/common/machine/resize.h"
#include "stages/common/machine/tag.h"

enum { PAGE = 500, RETRY_MS = 1000, OBSERVED = 2, PATH_CAP = 8192 };

/* What is on the nodes: listed once, then observed. Requests and observations have tags behind those of the objects. */
struct nodes {
    struct room *room;
    bool pods;         /* nodes are listed, pods are being listed */
    bool known;
    bool hidden;       /* this account may not see them */
    uint64_t number;   /* of the last request */
    bool retries;
    int64_t retry;
    int64_t since;     /* when it was asked for first */
    char *more;
};

static uint64_t request_tag(const struct machine *machine)
{
    return tag_request(machine->count, machine->nodes->number);
}

/* Observation 0 is of nodes, 1 of pods. */
static uint64_t watch_tag(size_t which)
{
    return tag_watch(NODES_WATCH + which, 1);
}

static void later(struct machine *machine)
{
    machine->nodes->retries = true;
    machine->nodes->retry = machine->ends->now(machine->ends->context) + RETRY_MS;
}

static void send_list(struct machine *machine)
{
    struct nodes *nodes = machine->nodes;
    struct buf path;
    buf_init(&path, PATH_CAP);
    buf_printf(&path, "/api/v1/%s?limit=%d", nodes->pods ? "pods" : "nodes", PAGE);
    if (nodes->more != NULL) {
        buf_add_str(&path, "&continue=");
        url_escape(&path, nodes->more);
    }
    struct api_request request = {.method = "GET", .path = buf_str(&path)};
    nodes->number++;
    if (machine->ends->ask(machine->ends->context, request_tag(machine), &request, NULL)) {
        later(machine);
    }
    buf_release(&path);
}

/* All that wait for it go on. */
static void go_on(struct machine *machine)
{
    size_t count = machine->active_count;
    size_t *active = xcalloc_array(count, sizeof *active);
    for (size_t i = 0; i < count; i++) {
        active[i] = machine->active[i];
    }
    for (size_t i = 0; i < count && !machine->quit; i++) {
        struct work *work = &machine->works[active[i]];
        if (work->phase == PHASE_ROOM) {
            object_room(machine, work);
        }
    }
    free(active);
}

static void hide(struct machine *machine)
{
    machine->nodes->hidden = true;
    machine->nodes->known = true;
    go_on(machine);
}

static void observe(struct machine *machine)
{
    const struct api_query queries[OBSERVED] = {{"", "v1", "nodes", "Node", NULL, NULL}, {"", "v1", "pods", "Pod", NULL, NULL}};
    for (size_t i = 0; i < OBSERVED; i++) {
        if (machine->ends->observe(machine->ends->context, watch_tag(i), &queries[i], NULL)) {
            machine->nodes->hidden = true;
        }
    }
}

bool nodes_known(struct machine *machine)
{
    if (machine->nodes == NULL) {
        machine->nodes = xcalloc(sizeof *machine->nodes);
        machine->nodes->room = room_new();
        machine->nodes->since = machine->ends->now(machine->ends->context);
        send_list(machine);
    }
    return machine->nodes->known;
}

static void take_page(struct machine *machine, const json_t *body)
{
    struct nodes *nodes = machine->nodes;
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(body, "items"), index, item)
    {
        if (nodes->pods) {
            room_pod(nodes->room, item);
        } else {
            room_node(nodes->room, item);
        }
    }
    const char *more = json_string_or_null(json_object_get(body, "metadata"), "continue");
    free(nodes->more);
    nodes->more = more == NULL || *more == '\0' ? NULL : xstrdup(more);
}

static void answer(struct machine *machine, const struct machine_event *event)
{
    struct nodes *nodes = machine->nodes;
    if (nodes->known || tag_number(event->tag) != (nodes->number & TAG_NUMBER_MAX)) {
        return;
    }
    if (event->status == 403 || event->status == 404) {
        hide(machine);
    } else if (event->status != 200) {
        free(nodes->more); /* a list that the server forgot is begun anew */
        nodes->more = NULL;
        later(machine);
    } else {
        take_page(machine, event->body);
        if (nodes->more == NULL && nodes->pods) {
            observe(machine);
            nodes->known = true;
            go_on(machine);
            return;
        }
        nodes->pods = nodes->pods || nodes->more == NULL;
        send_list(machine);
    }
}

static void seen(struct machine *machine, const struct machine_event *event, bool pod)
{
    if (event->kind == EVENT_ANSWER) {
        machine->nodes->hidden = true;
    } else if (event->kind == EVENT_GONE) {
        room_gone(machine->nodes->room, json_string_or_null(json_object_get(event->body, "metadata"), "uid"));
    } else if (pod) {
        room_pod(machine->nodes->room, event->body);
    } else {
        room_node(machine->nodes->room, event->body);
    }
}

bool nodes_event(struct machine *machine, struct machine_event *event)
{
    uint64_t index = tag_index(event->tag);
    if (tag_is_watch(event->tag) ? index < NODES_WATCH : index != machine->count) {
        return false;
    }
    if (machine->nodes != NULL && tag_is_watch(event->tag)) {
        seen(machine, event, index > NODES_WATCH);
    } else if (machine->nodes != NULL) {
        answer(machine, event);
    }
    return true;
}

int64_t nodes_instant(const struct machine *machine)
{
    return machine->nodes != NULL && machine->nodes->retries ? machine->nodes->retry : INT64_MAX;
}

void nodes_wake(struct machine *machine, int64_t now)
{
    if (nodes_instant(machine) > now) {
        return;
    }
    machine->nodes->retries = false;
    if (now - machine->nodes->since >= machine->policy->rollout_timeout) {
        hide(machine);
    } else {
        send_list(machine);
    }
}

bool nodes_have_room(struct machine *machine, struct work *work, struct err *why)
{
    char text[ERR_MESSAGE_MAX] = "";
    const char *uid = NULL;
    json_t *pod = NULL;
    if (machine->nodes->hidden) {
        work_note(work, "whether the nodes have room for it could not be looked at");
        return true;
    }
    json_t *pods = json_array();
    json_object_foreach(work->own, uid, pod)
    {
        json_array_append(pods, pod);
    }
    bool room = room_judge(machine->nodes->room, work->live, work->rehearsed, pods, resize_begun(work), text);
    json_decref(pods);
    if (!room) {
        err_set(why, ERR_REFUSED, "the nodes have no room for the change of %s: %.700s", work->object->name, text);
    } else if (*text != '\0') {
        work_note(work, "%.300s", text);
    }
    return room;
}

void nodes_release(struct machine *machine)
{
    if (machine->nodes == NULL) {
        return;
    }
    for (size_t i = 0; machine->nodes->known && !machine->nodes->hidden && i < OBSERVED; i++) {
        machine->ends->forget(machine->ends->context, watch_tag(i));
    }
    room_free(machine->nodes->room);
    free(machine->nodes->more);
    free(machine->nodes);
}
