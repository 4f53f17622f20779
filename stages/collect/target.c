#include "stages/collect/target.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/collect/pod_name.h"

static struct use *add_use(struct target *target, const char *name)
{
    if (target->use_count == TARGET_CONTAINERS_MAX) {
        return NULL;
    }
    GROW(target->uses, target->use_capacity, target->use_count + 1);
    struct use *use = &target->uses[target->use_count++];
    memset(use, 0, sizeof *use);
    use->name = xstrdup(name);
    samples_init(&use->samples);
    return use;
}

static struct use *find_use(struct target *target, const char *name)
{
    for (size_t i = 0; i < target->use_count; i++) {
        if (strcmp(target->uses[i].name, name) == 0) {
            return &target->uses[i];
        }
    }
    return NULL;
}

struct use *target_use(struct target *target, const char *name)
{
    struct use *use = find_use(target, name);
    return use != NULL ? use : add_use(target, name);
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
        samples_release(&use->samples);
        json_decref(use->cpu);
        json_decref(use->memory);
        free(use->periods);
        free(use->throttled);
    }
    free(target->uses);
    free(target->pods);
    /* A later record of the same workload still looks at this one's. */
    json_t *record = target->record;
    memset(target, 0, sizeof *target);
    target->record = record;
}

static bool is_named(const struct target *target, const char *kind, const char *name)
{
    return kind != NULL && strcmp(target->kind, kind) == 0 && strcmp(target->name, name) == 0;
}

static long find_by_owner(const struct target *targets, size_t count, const struct pod *pod)
{
    for (size_t i = 0; i < count; i++) {
        if (is_named(&targets[i], pod->top_kind, pod->top_name) ||
            is_named(&targets[i], pod->owner_kind, pod->owner_name)) {
            return (long)i;
        }
    }
    return -1;
}

static long find_by_name(const struct target *targets, size_t count, const char *pod)
{
    long best = -1;
    for (size_t i = 0; i < count; i++) {
        if (pod_name_matches(targets[i].kind, targets[i].name, pod) &&
            (best < 0 || strlen(targets[i].name) > strlen(targets[best].name))) {
            best = (long)i;
        }
    }
    return best;
}

static void find_same(struct target *targets, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i && targets[i].same == NULL; j++) {
            if (targets[j].same == NULL && is_named(&targets[j], targets[i].kind, targets[i].name)) {
                targets[i].same = &targets[j];
            }
        }
    }
}

void targets_match(struct target *targets, size_t count, const struct namespace *namespace, long *owner_of)
{
    find_same(targets, count);
    for (size_t i = 0; i < namespace->pod_count; i++) {
        const struct pod *pod = &namespace->pods[i];
        bool by_owner = pod->owner_kind != NULL;
        owner_of[i] = by_owner ? find_by_owner(targets, count, pod) : find_by_name(targets, count, pod->name);
        if (owner_of[i] < 0) {
            continue;
        }
        struct target *target = &targets[owner_of[i]];
        GROW(target->pods, target->pod_capacity, target->pod_count + 1);
        target->pods[target->pod_count++] = (uint32_t)i;
        target->by_owner = target->by_owner || by_owner;
    }
}
