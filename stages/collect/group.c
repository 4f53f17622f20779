#include "stages/collect/group.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/collect/batch.h"
#include "stages/collect/interval.h"
#include "stages/collect/target.h"
#include "stages/collect/usage.h"

/* Samples of one resource that a batch may hold in memory; a single larger workload is a batch of its own. */
enum { BATCH_SAMPLES = 1500 * 1000 };

struct group {
    struct prom *prom;
    struct namespace *namespace;
    struct target *targets;
    size_t count;
    struct grid grid;
    long *owner_of; /* of each pod: index of its target */
    long *in_batch; /* the same, for pods of the batch in work only */
    struct err *last;
};

void group_fail(json_t *record, const struct err *why)
{
    json_object_set_new(record, "usage", json_null());
    record_problem(record, "collect", "metrics-error", "%s", why->message);
}

/* Whether an error is one of this question alone, so that others are worth asking. */
static bool may_go_on(const struct prom *prom)
{
    return prom_served(prom) > 0 || prom_last(prom) != PROM_SILENT;
}

static void note(struct group *group, const struct err *problem)
{
    if (group->last != NULL) {
        *group->last = *problem;
    }
    log_debug("namespace %s: %s", group->namespace->name, problem->message);
}

static bool is_batch_kind(const struct target *target)
{
    return strcmp(target->kind, "Job") == 0 || strcmp(target->kind, "CronJob") == 0;
}

/* Says which containers of the manifest gave no samples. Init containers and jobs may well have none. */
static void name_missing(const struct target *target, const json_t *usage)
{
    const char *name;
    json_t *container;
    json_t *containers = json_object_get(usage, "containers");
    json_object_foreach(containers, name, container)
    {
        bool cpu = !json_is_null(json_object_get(container, "cpu_millicores"));
        bool memory = !json_is_null(json_object_get(container, "memory_bytes"));
        if (cpu && memory) {
            continue;
        }
        if (cpu || memory || !is_batch_kind(target)) {
            record_problem(target->record, "collect", "partial-data",
                           "container %s has no %s samples in the window", name,
                           cpu      ? "memory"
                           : memory ? "CPU"
                                    : "CPU and memory");
        }
    }
}

static void finish_target(const struct group *group, struct target *target, uint64_t *const *reported)
{
    json_t *usage = target->same != NULL ? json_deep_copy(json_object_get(target->same->record, "usage"))
                                         : usage_json(target, &group->grid, reported, "query-range");
    usage = usage == NULL ? json_null() : usage;
    json_object_set_new(target->record, "usage", usage);
    if (json_is_null(usage)) {
        record_problem(target->record, "collect", "no-data",
                       "no samples of %s %s in namespace %s in the window", target->kind, target->name,
                       group->namespace->name);
    } else {
        name_missing(target, usage);
    }
}

/* Throttling, restarts and OOM kills are told apart from usage: without them the figures still stand. */
static void collect_extras(struct group *group, struct batch *batch, size_t from, size_t to)
{
    struct err problem = {0};
    if (batch_collect_throttling(batch, &problem) == 0 && batch_collect_events(batch, &problem) == 0) {
        return;
    }
    note(group, &problem);
    for (size_t i = from; i < to; i++) {
        if (group->targets[i].pod_count > 0) {
            record_problem(group->targets[i].record, "collect", "metrics-error",
                           "throttling, restarts or OOM kills could not be read: %s", problem.message);
        }
    }
}

static void free_reported(const struct group *group, uint64_t **reported)
{
    for (size_t i = 0; i < group->namespace->pod_count; i++) {
        free(reported[i]);
    }
    free(reported);
}

/* Asks about the targets [from, to) together. */
static int run_batch(struct group *group, size_t from, size_t to, struct err *err)
{
    size_t pods = 0;
    for (size_t i = 0; i < group->namespace->pod_count; i++) {
        bool ours = group->owner_of[i] >= (long)from && group->owner_of[i] < (long)to;
        group->in_batch[i] = ours ? group->owner_of[i] : -1;
        pods += ours;
    }
    uint64_t **reported = xcalloc_array(group->namespace->pod_count, sizeof *reported);
    struct batch batch = {.prom = group->prom,
                          .grid = &group->grid,
                          .namespace = group->namespace,
                          .targets = group->targets,
                          .target_of = group->in_batch,
                          .reported = reported,
                          .whole = pods == group->namespace->pod_count};
    struct err problem = {0};
    int failed = pods > 0 && batch_collect_usage(&batch, &problem);
    if (failed && !may_go_on(group->prom)) {
        free_reported(group, reported);
        *err = problem;
        return -1;
    }
    if (failed) {
        note(group, &problem);
    } else if (pods > 0) {
        collect_extras(group, &batch, from, to);
    }
    for (size_t i = from; i < to; i++) {
        if (failed && group->targets[i].pod_count > 0) {
            group_fail(group->targets[i].record, &problem);
        } else {
            finish_target(group, &group->targets[i], reported);
        }
        target_release(&group->targets[i]);
    }
    free_reported(group, reported);
    return 0;
}

static size_t samples_of(const struct group *group, const struct target *target)
{
    size_t containers = target->use_count > 0 ? target->use_count : 1;
    return target->pod_count * containers * group->grid.count;
}

static int run_batches(struct group *group, struct err *err)
{
    for (size_t from = 0, to; from < group->count; from = to) {
        size_t samples = samples_of(group, &group->targets[from]);
        for (to = from + 1; to < group->count; to++) {
            samples += samples_of(group, &group->targets[to]);
            if (samples > BATCH_SAMPLES) {
                break;
            }
        }
        if (run_batch(group, from, to, err)) {
            return -1;
        }
    }
    return 0;
}

/* Finds the interval once a namespace: with it the instants at which everything is looked at. */
static int set_grid(struct group *group, int64_t start, int64_t end, struct err *err)
{
    struct namespace *namespace = group->namespace;
    bool any = false;
    unsigned char *wanted = xcalloc_array(namespace->pod_count, 1);
    for (size_t i = 0; i < namespace->pod_count; i++) {
        if (group->owner_of[i] >= 0) {
            wanted[i] = is_batch_kind(&group->targets[group->owner_of[i]]) ? 1 : 2;
            any = true;
        }
    }
    int failed = namespace->interval == 0 && any &&
                 interval_find(group->prom, namespace, wanted, start, end, &namespace->interval, err);
    free(wanted);
    int64_t step = namespace->interval > 0 ? namespace->interval : INTERVAL_DEFAULT;
    grid_init(&group->grid, start, end, step < end - start ? step : end - start);
    return failed ? -1 : 0;
}

static int prepare(struct group *group, json_t *const *records, struct err *err)
{
    for (size_t i = 0; i < group->count; i++) {
        struct identity identity;
        if (record_identity(records[i], &identity, err)) {
            return -1;
        }
        target_init(&group->targets[i], records[i], identity.kind, identity.name);
    }
    targets_match(group->targets, group->count, group->namespace, group->owner_of);
    return 0;
}

static void release(struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        target_release(&group->targets[i]);
    }
    free(group->targets);
    free(group->owner_of);
    free(group->in_batch);
    grid_release(&group->grid);
}

int group_collect(struct prom *prom, struct namespace *namespace, json_t *const *records, size_t count,
                  int64_t start, int64_t end, struct err *last, struct err *err)
{
    struct err problem = {0};
    struct group group = {.prom = prom, .namespace = namespace, .count = count, .last = last};
    group.targets = xcalloc_array(count, sizeof *group.targets);
    group.owner_of = xcalloc_array(namespace->pod_count, sizeof *group.owner_of);
    group.in_batch = xcalloc_array(namespace->pod_count, sizeof *group.in_batch);
    int failed = prepare(&group, records, err);
    if (!failed && set_grid(&group, start, end, &problem)) {
        failed = may_go_on(prom) ? 0 : -1;
        note(&group, &problem);
        for (size_t i = 0; i < count && !failed; i++) {
            group_fail(records[i], &problem);
        }
        if (failed) {
            *err = problem;
        }
    } else if (!failed) {
        failed = run_batches(&group, err);
    }
    release(&group);
    return failed;
}
