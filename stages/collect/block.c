#include "stages/collect/block.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/collect/policies.h"
#include "stages/collect/threads.h"

/* Namespaces that are remembered from block to block. */
enum { KEPT = 64 };

struct kept {
    char *cluster;
    struct namespace *namespace;
};

/* The work of one block: groups whose namespaces are looked up one after the other, and handed out in pieces then. */
struct block {
    struct group *groups;
    size_t count;
    size_t capacity;
    size_t next;    /* the first group that nobody looks up yet */
    size_t looking; /* groups that are looked up just now */
};

struct collector {
    struct sources *sources;
    const struct window *window;
    const char *fallback;
    const json_t *policies;
    struct appetite appetite;
    struct worker *workers;
    size_t worker_count;
    void (*tick)(void *context);
    void *tick_context;
    struct block block;
    pthread_mutex_t mutex; /* of the block */
    pthread_cond_t found;  /* a namespace was looked up */
    atomic_llong done;
    bool asked;
    struct err problem;
    struct kept kept[KEPT];
    size_t next_kept;
};

struct collector *collector_new(struct sources *sources, const struct window *window, const char *fallback, const json_t *policies,
                                void (*tick)(void *context), void *context)
{
    struct collector *collector = xcalloc(sizeof *collector);
    collector->sources = sources;
    collector->window = window;
    collector->fallback = fallback;
    collector->policies = policies;
    collector->tick = tick;
    collector->tick_context = context;
    pthread_mutex_init(&collector->mutex, NULL);
    pthread_cond_init(&collector->found, NULL);
    collector->worker_count = sources_parallel(sources);
    collector->workers = xcalloc_array(collector->worker_count, sizeof *collector->workers);
    for (size_t i = 0; i < collector->worker_count; i++) {
        worker_init(&collector->workers[i], window, &collector->appetite);
    }
    return collector;
}

void collector_free(struct collector *collector)
{
    if (collector == NULL) {
        return;
    }
    for (size_t i = 0; i < collector->worker_count; i++) {
        worker_release(&collector->workers[i]);
    }
    for (size_t i = 0; i < KEPT; i++) {
        free(collector->kept[i].cluster);
        namespace_free(collector->kept[i].namespace);
    }
    pthread_cond_destroy(&collector->found);
    pthread_mutex_destroy(&collector->mutex);
    free(collector->workers);
    free(collector);
}

bool collector_asked(const struct collector *collector)
{
    return collector->asked;
}

int64_t collector_done(struct collector *collector)
{
    return atomic_load(&collector->done);
}

int64_t collector_samples(struct collector *collector)
{
    return atomic_load(&collector->appetite.samples);
}

int64_t collector_left_out(struct collector *collector)
{
    return atomic_load(&collector->appetite.left_out);
}

const struct err *collector_problem(const struct collector *collector)
{
    return &collector->problem;
}

static struct namespace *recall(const struct collector *collector, const char *cluster, const char *name)
{
    for (size_t i = 0; i < KEPT; i++) {
        const struct kept *kept = &collector->kept[i];
        if (kept->namespace != NULL && str_equal(kept->cluster, cluster) && strcmp(kept->namespace->name, name) == 0) {
            return kept->namespace;
        }
    }
    return NULL;
}

/* Remembers a namespace (steals it) for the blocks that follow, in place of the one that was remembered first. */
static void keep(struct collector *collector, const char *cluster, struct namespace *namespace)
{
    struct kept *kept = &collector->kept[collector->next_kept];
    free(kept->cluster);
    namespace_free(kept->namespace);
    *kept = (struct kept){.cluster = xstrdup_null(cluster), .namespace = namespace};
    collector->next_kept = (collector->next_kept + 1) % KEPT;
}

static struct group *find_group(struct block *block, const char *cluster, const char *name)
{
    for (size_t i = 0; i < block->count; i++) {
        if (strcmp(block->groups[i].name, name) == 0 && str_equal(block->groups[i].cluster, cluster)) {
            return &block->groups[i];
        }
    }
    GROW(block->groups, block->capacity, block->count + 1);
    block->groups[block->count] = (struct group){.cluster = cluster, .name = name};
    return &block->groups[block->count++];
}

/* Sorts the records into groups. */
static int sort_records(struct collector *collector, json_t *const *records, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct identity identity;
        if (record_workload(records[i]) == NULL) {
            continue;
        }
        if (record_identity(records[i], &identity, err)) {
            return -1;
        }
        const char *name = identity.namespace == NULL ? collector->fallback : identity.namespace;
        struct group *group = find_group(&collector->block, identity.cluster, name);
        GROW(group->targets, group->capacity, group->count + 1);
        target_init(&group->targets[group->count++], records[i], identity.kind, identity.name);
    }
    return 0;
}

/* Finds whose the pods are. */
static void match(struct group *group)
{
    long *owner_of = xcalloc_array(group->namespace->pod_count, sizeof *owner_of);
    group->pod_names = xcalloc_array(group->namespace->pod_count, sizeof *group->pod_names);
    for (size_t i = 0; i < group->namespace->pod_count; i++) {
        group->pod_names[i] = group->namespace->pods[i].name;
    }
    targets_match(group->targets, group->count, group->namespace, owner_of);
    free(owner_of);
}

/* Looks a group's namespace up; without one, `trouble` says why. What is remembered changes only between blocks. */
static void look_up(struct collector *collector, struct group *group)
{
    enum served served = SERVED;
    if (sources_get(collector->sources, group->cluster, &group->source, &group->trouble)) {
        return;
    }
    group->namespace = recall(collector, group->cluster, group->name);
    if (group->namespace == NULL) {
        group->fresh = group->source->discover(group->source, group->name, collector->window, &group->namespace, &served,
                                               &group->trouble) == 0;
    }
    if (group->namespace != NULL) {
        match(group);
    }
}

static bool is_read(const struct group *group, size_t target)
{
    return group->targets[target].pod_count > 0;
}

/* The next piece of a group that was looked up: its targets *from to *to. False when all are handed out. */
static bool cut_piece(struct group *group, size_t limit, size_t *from, size_t *to)
{
    size_t pods = 0;
    while (group->handed < group->count && !is_read(group, group->handed)) {
        group->handed++;
    }
    *from = group->handed;
    for (*to = *from; *to < group->count && is_read(group, *to); (*to)++) {
        pods += group->targets[*to].pod_count;
        if (*to > *from && pods > limit) {
            break;
        }
    }
    group->handed = *to;
    return *to > *from;
}

/* The next piece of any group. NULL when there is none just now. */
static struct group *next_piece(struct collector *collector, size_t *from, size_t *to)
{
    struct block *block = &collector->block;
    size_t limit = appetite_pods(&collector->appetite, collector->window);
    for (size_t i = 0; i < block->next; i++) {
        if (block->groups[i].ready && cut_piece(&block->groups[i], limit, from, to)) {
            return &block->groups[i];
        }
    }
    return NULL;
}

/* Looks up the next namespace. The mutex is held before and after, not meanwhile. */
static void look_up_next(struct collector *collector)
{
    struct block *block = &collector->block;
    struct group *group = &block->groups[block->next++];
    block->looking++;
    pthread_mutex_unlock(&collector->mutex);
    look_up(collector, group);
    pthread_mutex_lock(&collector->mutex);
    group->ready = group->namespace != NULL;
    block->looking--;
    pthread_cond_broadcast(&collector->found);
}

/* One thread's share: pieces first, so that the server and this side both have something to do. */
static void collect_some(void *context, size_t thread)
{
    struct collector *collector = context;
    struct block *block = &collector->block;
    pthread_mutex_lock(&collector->mutex);
    for (;;) {
        size_t from;
        size_t to;
        struct group *group = next_piece(collector, &from, &to);
        if (group != NULL) {
            pthread_mutex_unlock(&collector->mutex);
            piece_collect(&collector->workers[thread], group, from, to);
            for (size_t i = from; i < to; i++) {
                policies_ask(collector->policies, group->source, collector->fallback, collector->window->end, group->targets[i].record);
            }
            atomic_fetch_add(&collector->done, (long long)(to - from));
            pthread_mutex_lock(&collector->mutex);
        } else if (block->next < block->count) {
            look_up_next(collector);
        } else if (block->looking > 0) {
            pthread_cond_wait(&collector->found, &collector->mutex);
        } else {
            break;
        }
    }
    pthread_mutex_unlock(&collector->mutex);
}

static void note(struct collector *collector, const struct group *group, const struct err *problem)
{
    collector->problem = *problem;
    log_debug("namespace %s: %s", group->name, problem->message);
}

/* What no piece was about: workloads without pods, those that are there twice, groups in trouble. */
static void settle(struct collector *collector, struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        struct target *target = &group->targets[i];
        if (group->namespace == NULL) {
            note(collector, group, &group->trouble);
            piece_fail(target->record, &group->trouble);
        } else if (!is_read(group, i)) {
            json_t *same = target->same == NULL ? NULL : json_object_get(target->same->record, "usage");
            json_object_set_new(target->record, "usage", same == NULL ? json_null() : json_deep_copy(same));
            if (same == NULL || json_is_null(same)) {
                piece_no_data(target, group);
            }
        }
        if (!is_read(group, i)) {
            atomic_fetch_add(&collector->done, 1);
        }
    }
}

static void release_block(struct collector *collector)
{
    struct block *block = &collector->block;
    for (size_t i = 0; i < block->count; i++) {
        struct group *group = &block->groups[i];
        for (size_t j = 0; j < group->count; j++) {
            target_release(&group->targets[j]);
        }
        free(group->targets);
        free(group->pod_names);
        if (group->fresh) {
            keep(collector, group->cluster, group->namespace);
        }
    }
    free(block->groups);
    *block = (struct block){0};
}

int collector_take(struct collector *collector, json_t *const *records, size_t count, struct err *err)
{
    struct block *block = &collector->block;
    int failed = sort_records(collector, records, count, err);
    if (!failed && block->count > 0) {
        collector->asked = true;
        struct threads_work work = {
            .run = collect_some, .context = collector, .tick = collector->tick, .tick_context = collector->tick_context};
        threads_run(collector->worker_count, &work);
        for (size_t i = 0; i < block->count; i++) {
            settle(collector, &block->groups[i]);
        }
        for (size_t i = 0; i < collector->worker_count; i++) {
            if (collector->workers[i].last.class != ERR_NONE) {
                collector->problem = collector->workers[i].last;
            }
        }
    }
    release_block(collector);
    return failed;
}
