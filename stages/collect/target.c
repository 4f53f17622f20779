#include "stages/collect/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/collect/pod_name.h"

/* A name that is cut in a pod's name keeps so many bytes; fewer resets than so many are nothing to tell. */
enum { NAME_KEPT = 58, RESETS_TOLD = 3 };

static struct use *add_use(struct target *target, const char *name)
{
    if (target->use_count == TARGET_CONTAINERS_MAX) {
        return NULL;
    }
    GROW(target->uses, target->use_capacity, target->use_count + 1);
    struct use *use = &target->uses[target->use_count++];
    memset(use, 0, sizeof *use);
    use->name = xstrdup(name);
    return use;
}

struct use *target_use(struct target *target, const char *name)
{
    for (size_t i = 0; i < target->use_count; i++) {
        if (strcmp(target->uses[i].name, name) == 0) {
            return &target->uses[i];
        }
    }
    return add_use(target, name);
}

void target_init(struct target *target, json_t *record, const char *kind, const char *name)
{
    memset(target, 0, sizeof *target);
    target->record = record;
    target->kind = kind;
    target->name = name;
    size_t index;
    json_t *container;
    json_array_foreach(json_at(record, "workload.containers"), index, container)
    {
        const char *container_name = json_string_or_null(container, "name");
        struct use *use = container_name == NULL ? NULL : target_use(target, container_name);
        if (use != NULL) {
            use->declared = true;
            use->init = str_equal(json_string_or_null(container, "role"), "init");
        }
    }
}

void target_release(struct target *target)
{
    for (size_t i = 0; i < target->use_count; i++) {
        struct use *use = &target->uses[i];
        free(use->name);
        json_decref(use->cpu);
        json_decref(use->memory);
        throttling_release(&use->throttling);
    }
    free(target->uses);
    free(target->pods);
    /* A later record of the same workload still looks at this one's. */
    json_t *record = target->record;
    memset(target, 0, sizeof *target);
    target->record = record;
}

/* Targets in order of name, kind, place: those of one name are beside each other. */
struct index {
    struct target **items;
    size_t count;
};

static int compare_targets(const void *a, const void *b)
{
    const struct target *x = *(struct target *const *)a;
    const struct target *y = *(struct target *const *)b;
    int by_name = strcmp(x->name, y->name);
    int by_kind = by_name != 0 ? by_name : strcmp(x->kind, y->kind);
    return by_kind != 0 ? by_kind : (x > y) - (x < y);
}

/* Sorts the targets; a later one of the same kind and name is left out and told which it is the same as. */
static struct index make_index(struct target *targets, size_t count)
{
    struct index out = {.items = xcalloc_array(count, sizeof(struct target *))};
    for (size_t i = 0; i < count; i++) {
        out.items[i] = &targets[i];
    }
    if (count > 1) {
        qsort(out.items, count, sizeof *out.items, compare_targets);
    }
    for (size_t i = 0; i < count; i++) {
        struct target *last = out.count > 0 ? out.items[out.count - 1] : NULL;
        struct target *next = out.items[i];
        if (last != NULL && strcmp(last->name, next->name) == 0 && strcmp(last->kind, next->kind) == 0) {
            next->same = last;
        } else {
            out.items[out.count++] = next;
        }
    }
    return out;
}

/* strcmp of a target's name and the first `length` bytes of a text, as if the text ended there. */
static int compare_name(const char *name, const char *text, size_t length)
{
    int order = strncmp(name, text, length);
    return order != 0 ? order : name[length] != '\0';
}

/* Place of the first target whose name is not before the first `length` bytes of a text. */
static size_t lower_bound(const struct index *index, const char *text, size_t length)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_name(index->items[middle]->name, text, length) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct target *find_named(const struct index *index, const char *kind, const char *name)
{
    size_t length = name == NULL ? 0 : strlen(name);
    for (size_t i = name == NULL || kind == NULL ? index->count : lower_bound(index, name, length);
         i < index->count && compare_name(index->items[i]->name, name, length) == 0; i++) {
        if (strcmp(index->items[i]->kind, kind) == 0) {
            return index->items[i];
        }
    }
    return NULL;
}

/* The earlier one of two, NULL being none. */
static struct target *earlier(struct target *a, struct target *b)
{
    return a == NULL || (b != NULL && b < a) ? b : a;
}

static struct target *find_by_owner(const struct index *index, const struct pod *pod)
{
    return earlier(find_named(index, pod->top_kind, pod->top_name),
                   find_named(index, pod->owner_kind, pod->owner_name));
}

/* The better of two targets that a pod is named after: the one with the longer name, then the earlier. */
static struct target *better(struct target *a, struct target *b)
{
    size_t x = a == NULL ? 0 : strlen(a->name);
    size_t y = strlen(b->name);
    return a == NULL || y > x || (y == x && b < a) ? b : a;
}

/* Looks at the targets whose names are the first `length` bytes of a pod's name, or (`longer`) begin with them. */
static struct target *try_names(const struct index *index, const char *pod, size_t length, bool longer,
                                struct target *best)
{
    for (size_t i = lower_bound(index, pod, length); i < index->count; i++) {
        struct target *target = index->items[i];
        if (longer ? strncmp(target->name, pod, length) != 0 : compare_name(target->name, pod, length) != 0) {
            break;
        }
        if (pod_name_matches(target->kind, target->name, pod)) {
            best = better(best, target);
        }
    }
    return best;
}

/* A pod's name begins with that of its workload, up to a '-' or the end, or with as much of it as there is room for. */
static struct target *find_by_name(const struct index *index, const char *pod)
{
    size_t length = strlen(pod);
    struct target *best =
        length > NAME_KEPT ? try_names(index, pod, NAME_KEPT, true, NULL) : NULL;
    for (size_t i = length; i > 0; i--) {
        if (pod[i] == '\0' || pod[i] == '-') {
            best = try_names(index, pod, i, false, best);
        }
    }
    return best;
}

void targets_match(struct target *targets, size_t count, const struct namespace *namespace, long *owner_of)
{
    struct index index = make_index(targets, count);
    for (size_t i = 0; i < namespace->pod_count; i++) {
        const struct pod *pod = &namespace->pods[i];
        bool by_owner = pod->owner_kind != NULL;
        struct target *target = by_owner ? find_by_owner(&index, pod) : find_by_name(&index, pod->name);
        owner_of[i] = target == NULL ? -1 : (long)(target - targets);
        if (target != NULL) {
            GROW(target->pods, target->pod_capacity, target->pod_count + 1);
            target->pods[target->pod_count++] = (uint32_t)i;
            target->by_owner = target->by_owner || by_owner;
        }
    }
    free(index.items);
}

static int64_t dropped(const struct use *use)
{
    return use->odd.dropped;
}

static int64_t duplicates(const struct use *use)
{
    return use->duplicates;
}

static int64_t bad_chunks(const struct use *use)
{
    return use->bad_chunks;
}

/* A kind of oddity: how many a container has, and what to say of one and of many. */
struct oddity {
    int64_t (*count)(const struct use *use);
    const char *code;
    const char *one;
    const char *many;
};

static const struct oddity oddities[] = {
    {dropped, "odd-samples", "sample is negative or no number and was left out",
     "samples are negative or no numbers and were left out"},
    {duplicates, "duplicate-series", "series tells what another one tells too; the fuller one counts",
     "series tell what another one tells too; the fuller one counts"},
    {bad_chunks, "bad-chunk", "chunk of samples could not be decoded and was left out",
     "chunks of samples could not be decoded and were left out"},
};

/* Tells of one kind once: of the container that has most of it, and how many others have it. */
static void tell_oddity(struct target *target, const struct oddity *oddity)
{
    const struct use *worst = NULL;
    int64_t most = 0;
    size_t having = 0;
    char others[64] = "";
    for (size_t i = 0; i < target->use_count; i++) {
        int64_t count = oddity->count(&target->uses[i]);
        having += count > 0;
        if (count > most) {
            most = count;
            worst = &target->uses[i];
        }
    }
    if (worst == NULL) {
        return;
    }
    if (having > 1) {
        (void)snprintf(others, sizeof others, "; so it is with %zu more container%s", having - 1, having > 2 ? "s" : "");
    }
    record_problem(target->record, "collect", oddity->code, "container %s: %" PRId64 " %s%s", worst->name, most,
                   most == 1 ? oddity->one : oddity->many, others);
}

/* A few resets are containers that started anew; a counter that falls at more than one sample in ten counts something
 * else. */
static void tell_resets(struct target *target)
{
    for (size_t i = 0; i < target->use_count; i++) {
        const struct oddities *odd = &target->uses[i].odd;
        if (odd->resets >= RESETS_TOLD && odd->resets > odd->increments / 10) {
            record_problem(target->record, "collect", "counter-resets",
                           "container %s: the CPU counter fell at %" PRId64 " of %" PRId64
                           " samples: its figures may be wrong",
                           target->uses[i].name, odd->resets, odd->increments);
            return;
        }
    }
}

void target_problems(struct target *target)
{
    for (size_t i = 0; i < ARRAY_COUNT(oddities); i++) {
        tell_oddity(target, &oddities[i]);
    }
    tell_resets(target);
}
