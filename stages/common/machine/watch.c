#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/machine/machine_internal.h"
#include "stages/common/machine/tag.h"

/* So many observations that nobody needs at the moment stay open: the next object is likely of the same namespace. */
enum { IDLE_MAX = 16 };

/* One observation; several objects share it. Strings are the first object's. */
struct watch {
    const char *group;
    const char *version;
    const char *resource;
    const char *kind;
    const char *namespace;
    bool pods;
    bool open;
    uint64_t number;   /* how often it was opened */
    uint64_t idle;     /* since when nobody needs it, by machine.watch_clock; 0: somebody does */
    size_t *users;     /* indexes of works */
    size_t user_count;
    size_t capacity;
};

/* The observation of a resource in a namespace, made where there is none. */
static size_t watch_of(struct machine *machine, const struct watch *wanted)
{
    char *key = xasprintf("%s/%s/%s/%s", wanted->group, wanted->version, wanted->resource, wanted->namespace);
    int64_t at = json_int_or(machine->watch_index, key, NONE);
    if (at == NONE) {
        GROW(machine->watches, machine->watch_capacity, machine->watch_count + 1);
        at = (int64_t)machine->watch_count++;
        machine->watches[at] = *wanted;
        json_object_set_new(machine->watch_index, key, json_integer(at));
    }
    free(key);
    return (size_t)at;
}

static bool watch_open(struct machine *machine, size_t index, struct err *err)
{
    struct watch *watch = &machine->watches[index];
    struct api_query query = {watch->group, watch->version, watch->resource, watch->kind, watch->namespace, NULL};
    watch->idle = 0;
    if (watch->open) {
        return true;
    }
    watch->open = machine->ends->observe(machine->ends->context, tag_watch(index, ++watch->number), &query, err) == 0;
    return watch->open;
}

static void add_user(struct watch *watch, size_t index)
{
    GROW(watch->users, watch->capacity, watch->user_count + 1);
    watch->users[watch->user_count++] = index;
}

bool watch_join(struct machine *machine, struct work *work, bool pods, struct err *err)
{
    const struct machine_object *object = work->object;
    const struct watch wanted[] = {
        {.group = object->group, .version = object->version, .resource = object->resource, .kind = object->kind,
         .namespace = object->namespace},
        {.group = "", .version = "v1", .resource = "pods", .kind = "Pod", .namespace = object->namespace, .pods = true},
    };
    for (size_t i = 0; i < (pods ? ARRAY_COUNT(wanted) : 1); i++) {
        if (work->watch[i] == NONE) {
            size_t index = watch_of(machine, &wanted[i]);
            if (!watch_open(machine, index, err)) {
                return false;
            }
            add_user(&machine->watches[index], work->index);
            work->watch[i] = (int)index;
        }
    }
    return true;
}

static void watch_close(struct machine *machine, size_t index)
{
    struct watch *watch = &machine->watches[index];
    machine->ends->forget(machine->ends->context, tag_watch(index, watch->number));
    watch->open = false;
    watch->idle = 0;
}

/* Closes the one that was idle longest, where there are more than some. */
static void close_idle(struct machine *machine)
{
    size_t count = 0;
    size_t oldest = 0;
    for (size_t i = 0; i < machine->watch_count; i++) {
        const struct watch *watch = &machine->watches[i];
        if (watch->open && watch->idle != 0) {
            oldest = count++ == 0 || watch->idle < machine->watches[oldest].idle ? i : oldest;
        }
    }
    if (count > IDLE_MAX) {
        watch_close(machine, oldest);
    }
}

static void drop_user(struct machine *machine, struct watch *watch, size_t index)
{
    size_t at = 0;
    while (at < watch->user_count && watch->users[at] != index) {
        at++;
    }
    if (at < watch->user_count) {
        watch->users[at] = watch->users[--watch->user_count];
    }
    if (watch->user_count == 0 && watch->open) {
        watch->idle = ++machine->watch_clock;
    }
}

void watch_leave(struct machine *machine, struct work *work)
{
    bool any = false;
    for (size_t i = 0; i < ARRAY_COUNT(work->watch); i++) {
        if (work->watch[i] != NONE) {
            drop_user(machine, &machine->watches[work->watch[i]], work->index);
            work->watch[i] = NONE;
            any = true;
        }
    }
    if (any) {
        close_idle(machine);
    }
}

/* A pod of one of the users. */
static void pod_event(struct machine *machine, const struct watch *watch, const json_t *pod, bool gone)
{
    for (size_t i = 0; i < watch->user_count; i++) {
        struct work *work = &machine->works[watch->users[i]];
        if (work->live != NULL && pod_is_of(work->live, pod)) {
            object_pod(machine, work, pod, gone);
            return;
        }
    }
}

static void own_event(struct machine *machine, const struct watch *watch, const json_t *object, bool gone)
{
    const char *name = json_string_or_null(json_object_get(object, "metadata"), "name");
    for (size_t i = 0; i < watch->user_count; i++) {
        struct work *work = &machine->works[watch->users[i]];
        if (str_equal(work->object->object_name, name)) {
            object_seen(machine, work, object, gone);
            return;
        }
    }
}

/* It is over: the server refuses it for good. */
static void refused(struct machine *machine, struct watch *watch, const struct err *why)
{
    watch->open = false;
    while (watch->user_count > 0 && !machine->quit) {
        object_unseen(machine, &machine->works[watch->users[0]], why);
    }
}

void watch_event(struct machine *machine, struct machine_event *event)
{
    uint64_t index = tag_index(event->tag);
    if (index >= machine->watch_count || !machine->watches[index].open || machine->watches[index].number != tag_number(event->tag)) {
        return;
    }
    struct watch *watch = &machine->watches[index];
    if (event->kind == EVENT_ANSWER) {
        refused(machine, watch, &event->why);
    } else if (event->body != NULL && watch->pods) {
        pod_event(machine, watch, event->body, event->kind == EVENT_GONE);
    } else if (event->body != NULL) {
        own_event(machine, watch, event->body, event->kind == EVENT_GONE);
    }
}

void watch_release(struct machine *machine)
{
    for (size_t i = 0; i < machine->watch_count; i++) {
        if (machine->watches[i].open) {
            watch_close(machine, i);
        }
        free(machine->watches[i].users);
    }
    free(machine->watches);
}
