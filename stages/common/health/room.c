#include "stages/common/health/room.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "stages/common/health/needs.h"
#include "stages/common/health/rollout.h"
#include "stages/common/health/surge.h"

/* A node by its name: pods may be told of before it is. */
struct place {
    char *name;
    json_t *node; /* what says who may run there; NULL: not told of (any more) */
    struct needs allocatable;
    int64_t pods_max;
    struct needs used;
    int64_t pods;
};

/* What a pod takes of a place. */
struct taken {
    size_t place; /* of one that is free again: the next such */
    struct needs needs;
};

struct room {
    struct place *places;
    size_t place_count;
    size_t place_capacity;
    struct taken *taken;
    size_t taken_count;
    size_t taken_capacity;
    size_t spare;  /* the first of `taken` that is free again, NONE */
    json_t *names; /* node name → index of its place */
    json_t *nodes; /* node's uid → index of its place */
    json_t *pods;  /* pod's uid → index of what it takes */
    size_t known;  /* places that are nodes */
};

#define NONE SIZE_MAX

struct room *room_new(void)
{
    struct room *room = xcalloc(sizeof *room);
    room->spare = NONE;
    room->names = json_object();
    room->nodes = json_object();
    room->pods = json_object();
    return room;
}

void room_free(struct room *room)
{
    if (room == NULL) {
        return;
    }
    for (size_t i = 0; i < room->place_count; i++) {
        free(room->places[i].name);
        json_decref(room->places[i].node);
    }
    free(room->places);
    free(room->taken);
    json_decref(room->names);
    json_decref(room->nodes);
    json_decref(room->pods);
    free(room);
}

/* ---- What is there ---- */

static size_t place_of(struct room *room, const char *name)
{
    const json_t *known = json_object_get(room->names, name);
    if (known != NULL) {
        return (size_t)json_integer_value(known);
    }
    GROW(room->places, room->place_capacity, room->place_count + 1);
    room->places[room->place_count] = (struct place){.name = xstrdup(name)};
    json_object_set_new(room->names, name, json_integer((json_int_t)room->place_count));
    return room->place_count++;
}

static const char *uid_of(const json_t *object)
{
    return json_string_or_null(json_object_get(object, "metadata"), "uid");
}

/* New copy of what needs_allow reads. */
static json_t *node_facts(const json_t *node)
{
    const json_t *metadata = json_object_get(node, "metadata");
    const json_t *spec = json_object_get(node, "spec");
    return json_pack("{s:{s:O?,s:O?},s:{s:O?,s:O?}}", "metadata", "name", json_object_get(metadata, "name"), "labels",
                     json_object_get(metadata, "labels"), "spec", "taints", json_object_get(spec, "taints"), "unschedulable",
                     json_object_get(spec, "unschedulable"));
}

void room_node(struct room *room, const json_t *node)
{
    const char *name = json_string_or_null(json_object_get(node, "metadata"), "name");
    const char *uid = uid_of(node);
    const json_t *allocatable = json_at(node, "status.allocatable");
    int64_t pods = 0;
    if (name == NULL || uid == NULL) {
        return;
    }
    room_gone(room, uid);
    size_t index = place_of(room, name);
    struct place *place = &room->places[index];
    room->known += place->node == NULL ? 1 : 0;
    json_decref(place->node);
    place->node = node_facts(node);
    needs_amounts(allocatable, &place->allocatable);
    const char *most = json_string_or_null(allocatable, "pods");
    place->pods_max = most != NULL && str_int64(most, 0, INT64_MAX, &pods) == 0 ? pods : INT64_MAX;
    json_object_set_new(room->nodes, uid, json_integer((json_int_t)index));
}

static size_t taken_new(struct room *room)
{
    size_t index = room->spare;
    if (index != NONE) {
        room->spare = room->taken[index].place;
        return index;
    }
    GROW(room->taken, room->taken_capacity, room->taken_count + 1);
    return room->taken_count++;
}

void room_pod(struct room *room, const json_t *pod)
{
    const char *uid = uid_of(pod);
    const char *name = json_string_or_null(json_object_get(pod, "spec"), "nodeName");
    const char *phase = json_string_value(json_at(pod, "status.phase"));
    if (uid == NULL) {
        return;
    }
    room_gone(room, uid);
    if (name == NULL || name[0] == '\0' || str_equal(phase, "Succeeded") || str_equal(phase, "Failed")) {
        return;
    }
    size_t index = taken_new(room);
    struct taken *taken = &room->taken[index];
    taken->place = place_of(room, name);
    needs_read(json_object_get(pod, "spec"), json_object_get(pod, "status"), &taken->needs);
    struct place *place = &room->places[taken->place];
    place->used.cpu += taken->needs.cpu;
    place->used.memory += taken->needs.memory;
    place->pods++;
    json_object_set_new(room->pods, uid, json_integer((json_int_t)index));
}

void room_gone(struct room *room, const char *uid)
{
    const json_t *pod = uid == NULL ? NULL : json_object_get(room->pods, uid);
    const json_t *node = uid == NULL ? NULL : json_object_get(room->nodes, uid);
    if (pod != NULL) {
        struct taken *taken = &room->taken[json_integer_value(pod)];
        struct place *place = &room->places[taken->place];
        place->used.cpu -= taken->needs.cpu;
        place->used.memory -= taken->needs.memory;
        place->pods--;
        taken->place = room->spare;
        room->spare = (size_t)json_integer_value(pod);
        json_object_del(room->pods, uid);
    }
    if (node != NULL) {
        struct place *place = &room->places[json_integer_value(node)];
        room->known -= place->node == NULL ? 0 : 1;
        json_decref(place->node);
        place->node = NULL;
        json_object_del(room->nodes, uid);
    }
}

/* ---- Judging ---- */

bool room_increases(const json_t *before, const json_t *after)
{
    struct needs was;
    struct needs will;
    needs_read(needs_spec(before), NULL, &was);
    needs_read(needs_spec(after), NULL, &will);
    return will.cpu > was.cpu || will.memory > was.memory;
}

/* A copy of the room to try things in. */
struct trial {
    const struct room *room;
    struct needs *left; /* by place */
    int64_t *pods;
    bool *open;         /* places the new pods may be on */
    size_t open_count;
    struct needs wanted;
    struct taken *former; /* own pods that stand */
    size_t former_count;
};

static void trial_init(struct trial *trial, const struct room *room, const json_t *after, const json_t *pods)
{
    const json_t *spec = needs_spec(after);
    size_t index = 0;
    const json_t *pod = NULL;
    *trial = (struct trial){.room = room};
    trial->left = xcalloc_array(room->place_count, sizeof *trial->left);
    trial->pods = xcalloc_array(room->place_count, sizeof *trial->pods);
    trial->open = xcalloc_array(room->place_count, sizeof *trial->open);
    trial->former = xcalloc_array(json_array_size(pods), sizeof *trial->former);
    needs_read(spec, NULL, &trial->wanted);
    for (size_t i = 0; i < room->place_count; i++) {
        const struct place *place = &room->places[i];
        trial->left[i] = (struct needs){place->allocatable.cpu - place->used.cpu, place->allocatable.memory - place->used.memory};
        trial->pods[i] = place->pods_max - place->pods;
        trial->open[i] = place->node != NULL && needs_allow(spec, place->node);
        trial->open_count += trial->open[i] ? 1 : 0;
    }
    json_array_foreach(pods, index, pod)
    {
        const char *uid = uid_of(pod);
        const json_t *known = uid == NULL ? NULL : json_object_get(room->pods, uid);
        if (known != NULL) {
            trial->former[trial->former_count++] = room->taken[json_integer_value(known)];
        }
    }
}

static void trial_release(struct trial *trial)
{
    free(trial->left);
    free(trial->pods);
    free(trial->open);
    free(trial->former);
}

/* Who asks for nothing of a resource is placed where there is none left. */
static bool fits(const struct needs *left, const struct needs *wanted)
{
    return (wanted->cpu <= left->cpu || wanted->cpu == 0) && (wanted->memory <= left->memory || wanted->memory == 0);
}

/* How much of what is wanted there would be, of the scarcer resource. */
static double share(const struct needs *left, const struct needs *wanted)
{
    double cpu = wanted->cpu == 0 ? 1e9 : (double)left->cpu / (double)wanted->cpu;
    double memory = wanted->memory == 0 ? 1e9 : (double)left->memory / (double)wanted->memory;
    return cpu < memory ? cpu : memory;
}

/* All new pods are alike: on which of the nodes that fit one stands changes nothing for the others. */
static bool put(struct trial *trial, size_t *cursor)
{
    for (size_t tried = 0; tried < trial->room->place_count; tried++) {
        size_t i = (*cursor + tried) % trial->room->place_count;
        if (trial->open[i] && trial->pods[i] > 0 && fits(&trial->left[i], &trial->wanted)) {
            trial->left[i].cpu -= trial->wanted.cpu;
            trial->left[i].memory -= trial->wanted.memory;
            trial->pods[i]--;
            *cursor = i;
            return true;
        }
    }
    return false;
}

/* Takes away the former pod that leaves most behind. */
static void take_one(struct trial *trial)
{
    size_t best = 0;
    double most = -1e300;
    for (size_t i = 0; i < trial->former_count; i++) {
        const struct taken *each = &trial->former[i];
        struct needs left = {trial->left[each->place].cpu + each->needs.cpu, trial->left[each->place].memory + each->needs.memory};
        double is = trial->open[each->place] ? share(&left, &trial->wanted) : -1e200;
        if (is > most) {
            most = is;
            best = i;
        }
    }
    const struct taken *gone = &trial->former[best];
    trial->left[gone->place].cpu += gone->needs.cpu;
    trial->left[gone->place].memory += gone->needs.memory;
    trial->pods[gone->place]++;
    trial->former[best] = trial->former[--trial->former_count];
}

/* Rolls out as the surge allows; how many new pods found room. */
static int64_t roll(struct trial *trial, const struct surge *surge)
{
    int64_t new = 0;
    size_t cursor = 0;
    bool moved = true;
    while (moved && new < surge->replicas) {
        moved = false;
        while (new < surge->replicas && (int64_t)trial->former_count + new < surge->replicas + surge->surge && put(trial, &cursor)) {
            new++;
            moved = true;
        }
        if (new < surge->replicas && trial->former_count > 0 &&
            (int64_t)trial->former_count + new > surge->replicas - surge->unavailable) {
            take_one(trial);
            moved = true;
        }
    }
    return new;
}

/* The node with most left for a pod, in words; "" where none is open. */
static void most_left(const struct trial *trial, char *out, size_t size)
{
    const struct needs *best = NULL;
    char cpu[QUANTITY_MAX];
    char memory[QUANTITY_MAX];
    for (size_t i = 0; i < trial->room->place_count; i++) {
        if (trial->open[i] && (best == NULL || share(&trial->left[i], &trial->wanted) > share(best, &trial->wanted))) {
            best = &trial->left[i];
        }
    }
    out[0] = '\0';
    if (best != NULL) {
        snprintf(out, size, "; the most that one of them has left is %s CPU and %s memory",
                 quantity_cpu_format(best->cpu > 0 ? best->cpu : 0, cpu),
                 quantity_memory_format(best->memory > 0 ? best->memory : 0, memory));
    }
}

static bool no_room(const struct trial *trial, int64_t found, const struct surge *surge, char why[ERR_MESSAGE_MAX])
{
    char cpu[QUANTITY_MAX];
    char memory[QUANTITY_MAX];
    char most[200];
    most_left(trial, most, sizeof most);
    snprintf(why, ERR_MESSAGE_MAX,
             "the nodes have no room for its pods of %s CPU and %s memory: %zu of %zu nodes are open to them, %" PRId64 " of %" PRId64
             " pods found room while %zu former ones stand (surge %" PRId64 ", %" PRId64 " may be missing)%s",
             quantity_cpu_format(trial->wanted.cpu, cpu), quantity_memory_format(trial->wanted.memory, memory), trial->open_count,
             trial->room->known, found, surge->replicas, trial->former_count, surge->surge, surge->unavailable, most);
    return false;
}

/* Pods that stay where they are: each grows, or is replaced (`beside`: while the former one still stands). */
static bool grow(struct trial *trial, bool beside, char why[ERR_MESSAGE_MAX])
{
    for (size_t i = 0; i < trial->former_count; i++) {
        const struct taken *each = &trial->former[i];
        struct needs *left = &trial->left[each->place];
        struct needs more = beside ? trial->wanted
                                   : (struct needs){trial->wanted.cpu - each->needs.cpu, trial->wanted.memory - each->needs.memory};
        if ((more.cpu > 0 && more.cpu > left->cpu) || (more.memory > 0 && more.memory > left->memory)) {
            char cpu[QUANTITY_MAX];
            char memory[QUANTITY_MAX];
            snprintf(why, ERR_MESSAGE_MAX, "node %.253s has no room for %s CPU and %s memory more: it has %" PRId64 "m and %" PRId64
                     " bytes left", trial->room->places[each->place].name, quantity_cpu_format(more.cpu > 0 ? more.cpu : 0, cpu),
                     quantity_memory_format(more.memory > 0 ? more.memory : 0, memory), left->cpu, left->memory);
            return false;
        }
        if (!beside) {
            left->cpu -= more.cpu;
            left->memory -= more.memory;
        }
    }
    return true;
}

bool room_judge(const struct room *room, const json_t *before, const json_t *after, const json_t *pods, bool in_place,
                char why[ERR_MESSAGE_MAX])
{
    struct surge surge;
    struct trial trial;
    const char *unseen = needs_unseen(needs_spec(after));
    bool found = true;
    why[0] = '\0';
    if (room->known == 0 || !room_increases(before, after)) {
        return true;
    }
    surge_read(after, &surge);
    trial_init(&trial, room, after, pods);
    if (in_place || surge.per_node) {
        found = grow(&trial, !in_place && surge.surge > 0, why);
    } else {
        int64_t new = roll(&trial, &surge);
        found = new >= surge.replicas || no_room(&trial, new, &surge, why);
    }
    if (found && unseen != NULL) {
        snprintf(why, ERR_MESSAGE_MAX, "room was found without looking at %s", unseen);
    }
    trial_release(&trial);
    return found;
}
