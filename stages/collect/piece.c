#include "stages/collect/piece.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/run/record.h"
#include "stages/collect/figures/measures.h"
#include "stages/collect/figures/rates.h"
#include "stages/collect/figures/runs.h"
#include "stages/collect/scrapes.h"
#include "stages/collect/usage.h"

/* What a question should bring, and what it may; a first guess at a pod's share: CPU and memory every 30 seconds. */
enum {
    PIECE_BYTES = 4 * 1024 * 1024,
    STORE_BYTES = 12 * 1024 * 1024,
    PODS_MAX = 2000,
    GUESS_SECONDS_A_BYTE = 3,
    INTERVAL_DEFAULT_MS = 60 * 1000
};

enum { CPU, MEMORY };

/* A workload in work, over all parts of its pods. */
struct work {
    struct worker *worker;
    struct group *group;
    struct target *target;
    struct runs runs;
    int64_t interval_ms;    /* 0 until the first samples came */
    struct samples *sets;   /* two for each container; NULL while the workload is read in one part */
    size_t set_count;
};

void worker_init(struct worker *worker, const struct window *window, struct appetite *appetite)
{
    *worker = (struct worker){.window = window, .appetite = appetite};
    store_init(&worker->store, STORE_BYTES);
    samples_init(&worker->sets[CPU]);
    samples_init(&worker->sets[MEMORY]);
}

void worker_release(struct worker *worker)
{
    store_release(&worker->store);
    for (size_t i = 0; i < WORKER_GATHERS; i++) {
        gather_release(&worker->gathers[i]);
    }
    samples_release(&worker->sets[CPU]);
    samples_release(&worker->sets[MEMORY]);
}

size_t appetite_pods(struct appetite *appetite, const struct window *window)
{
    long long pods = atomic_load(&appetite->pods);
    long long each = pods == 0 ? (window->end - window->start) / GUESS_SECONDS_A_BYTE
                               : atomic_load(&appetite->bytes) / pods;
    long long fit = PIECE_BYTES / (each < 1 ? 1 : each);
    return fit < 1 ? 1 : fit > PODS_MAX ? PODS_MAX : (size_t)fit;
}

void piece_fail(json_t *record, const struct err *why)
{
    json_object_set_new(record, "usage", json_null());
    record_problem(record, "collect", "metrics-error", "%s", why->message);
}

void piece_no_data(const struct target *target, const struct group *group)
{
    record_problem(target->record, "collect", "no-data", "no samples of %s %s in namespace %s in the window", target->kind,
                   target->name, group->name);
}

static void note(struct worker *worker, const struct group *group, const struct err *problem)
{
    worker->last = *problem;
    log_debug("namespace %s: %s", group->name, problem->message);
}

/* Asks about some pods. *much: a part of the question may be answered. */
static int read_pods(struct worker *worker, const struct group *group, const uint32_t *pods, size_t count, bool *much,
                     struct err *err)
{
    enum served served = SERVED;
    bool *asked = xcalloc_array(group->namespace->pod_count, sizeof *asked);
    struct question question = {.namespace = group->namespace,
                                .pods = pods,
                                .pod_count = count,
                                .whole = count == group->namespace->pod_count,
                                .window = worker->window};
    for (size_t i = 0; i < count; i++) {
        asked[pods[i]] = true;
    }
    store_begin(&worker->store, group->namespace, asked);
    int failed = group->source->read(group->source, &question, &worker->store, &served, err) ||
                 store_finish(&worker->store, err);
    free(asked);
    worker->store.asked = NULL;
    *much = failed && (worker->store.full || served == SERVED_TOO_MUCH);
    if (!failed) {
        atomic_fetch_add(&worker->appetite->bytes, (long long)worker->store.bytes);
        atomic_fetch_add(&worker->appetite->pods, (long long)count);
        atomic_fetch_add(&worker->appetite->samples, (long long)store_samples(&worker->store));
        atomic_fetch_add(&worker->appetite->left_out, (long long)(worker->store.left_out + worker->store.per_cpu));
    }
    return failed ? -1 : 0;
}

/* The scrape interval of a workload: that of its CPU, else of its memory. */
static int64_t find_interval(const struct store *store, const uint32_t *pods, size_t count)
{
    int64_t interval = 0;
    for (int resource = METRIC_CPU; resource <= METRIC_MEMORY && interval == 0; resource++) {
        const struct series **found = NULL;
        size_t capacity = 0;
        size_t used = 0;
        for (size_t i = 0; i < count; i++) {
            size_t of_pod;
            const struct series *series = store_pod(store, pods[i], &of_pod);
            for (size_t j = 0; j < of_pod; j++) {
                if ((int)series[j].metric == resource) {
                    GROW(found, capacity, used + 1);
                    found[used++] = &series[j];
                }
            }
        }
        interval = scrapes_interval(found, used);
        free(found);
    }
    int64_t rounded = (interval + 500) / 1000 * 1000;
    return interval == 0 ? 0 : rounded < 1000 ? 1000 : rounded;
}

static void take_samples(struct work *work, struct use *use, const struct series *series, size_t count,
                         struct samples *sets)
{
    static const double scales[] = {[CPU] = 1000, [MEMORY] = 1};
    struct worker *worker = work->worker;
    for (int resource = CPU; resource <= MEMORY; resource++) {
        const struct points *points = gather_samples(&worker->gathers[0], series, count,
                                                     resource == CPU ? METRIC_CPU : METRIC_MEMORY, work->interval_ms, use);
        if (points != NULL) {
            samples_add(&sets[resource], worker->window, series->pod, points, scales[resource]);
            runs_add(&work->runs, series->pod, points);
        }
    }
}

static void take_throttling(struct work *work, struct use *use, const struct series *series, size_t count)
{
    struct gather *periods = &work->worker->gathers[0];
    struct gather *throttled = &work->worker->gathers[1];
    gather_series(periods, series, count, METRIC_PERIODS, use);
    gather_series(throttled, series, count, METRIC_THROTTLED, use);
    throttling_add(&use->throttling, work->worker->window, periods->told, periods->count, throttled->told,
                   throttled->count);
}

static void take_events(struct work *work, struct use *use, const struct series *series, size_t count)
{
    static const enum metric metrics[WORKER_GATHERS] = {METRIC_RESTARTS, METRIC_OOM_EVENTS, METRIC_OOM_REASON,
                                                         METRIC_MEMORY_LIMIT};
    struct gather *told = work->worker->gathers;
    for (size_t i = 0; i < WORKER_GATHERS; i++) {
        gather_series(&told[i], series, count, metrics[i], use);
    }
    struct event_series events = {.restarts = told[0].told,
                                  .restart_count = told[0].count,
                                  .ooms = told[1].told,
                                  .oom_count = told[1].count,
                                  .reasons = told[2].told,
                                  .reason_count = told[2].count,
                                  .limits = told[3].told,
                                  .limit_count = told[3].count};
    events_add(&use->events, work->worker->window, &events);
}

/* The series of a pod that are of one container; they lie beside each other. */
static const struct series *of_container(const struct store *store, uint32_t pod, uint32_t container, size_t *count)
{
    size_t all;
    const struct series *series = store_pod(store, pod, &all);
    size_t from = 0;
    while (from < all && series[from].container != container) {
        from++;
    }
    *count = 0;
    while (from + *count < all && series[from + *count].container == container) {
        (*count)++;
    }
    return *count == 0 ? NULL : series + from;
}

static void finish_container(struct work *work, struct use *use, struct samples *sets)
{
    const struct worker *worker = work->worker;
    use->cpu = measures_json(&sets[CPU], worker->window, work->interval_ms, true, work->group->pod_names);
    use->memory = measures_json(&sets[MEMORY], worker->window, work->interval_ms, false, work->group->pod_names);
    samples_clear(&sets[CPU]);
    samples_clear(&sets[MEMORY]);
}

/* Where the samples of a container go: of a workload that is read in parts they stay until the last. */
static struct samples *sets_of(struct work *work, size_t use)
{
    if (work->sets == NULL) {
        return work->worker->sets;
    }
    for (; work->set_count < 2 * (use + 1); work->set_count++) {
        samples_init(&work->sets[work->set_count]);
    }
    return &work->sets[2 * use];
}

/* Takes in what the store holds of one container of some pods. */
static void take_container(struct work *work, const uint32_t *pods, size_t count, uint32_t container)
{
    struct worker *worker = work->worker;
    struct use *use = NULL;
    struct samples *sets = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t of_pod;
        const struct series *series = of_container(&worker->store, pods[i], container, &of_pod);
        if (series == NULL) {
            continue;
        }
        if (use == NULL) {
            use = target_use(work->target, worker->store.containers[container]);
            if (use == NULL) {
                return;
            }
            sets = sets_of(work, (size_t)(use - work->target->uses));
        }
        take_samples(work, use, series, of_pod, sets);
        take_throttling(work, use, series, of_pod);
        take_events(work, use, series, of_pod);
    }
    if (use != NULL && work->sets == NULL) {
        finish_container(work, use, sets);
    }
}

/* Takes in what the store holds of some pods of the workload. */
static void take_pods(struct work *work, const uint32_t *pods, size_t count)
{
    const struct store *store = &work->worker->store;
    if (work->interval_ms == 0) {
        work->interval_ms = find_interval(store, pods, count);
        work->interval_ms = work->interval_ms == 0 ? INTERVAL_DEFAULT_MS : work->interval_ms;
        runs_init(&work->runs, work->worker->window, work->interval_ms);
    }
    for (size_t i = 0; i < store->container_count; i++) {
        take_container(work, pods, count, (uint32_t)i);
    }
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
        if ((!cpu || !memory) && (cpu || memory || !is_batch_kind(target))) {
            record_problem(target->record, "collect", "partial-data", "container %s has no %s samples in the window", name,
                           cpu ? "memory" : memory ? "CPU" : "CPU and memory");
        }
    }
}

/* Makes `usage` of what was taken in, and lets it go. */
static void finish(struct work *work)
{
    struct target *target = work->target;
    for (size_t i = 0; 2 * i + 1 < work->set_count; i++) {
        finish_container(work, &target->uses[i], &work->sets[2 * i]);
    }
    json_t *usage = usage_json(target, work->worker->window, &work->runs, work->group->source->name);
    json_object_set_new(target->record, "usage", usage);
    if (json_is_null(usage)) {
        piece_no_data(target, work->group);
    } else {
        name_missing(target, usage);
    }
    target_problems(target);
    runs_release(&work->runs);
}

static void release_sets(struct work *work)
{
    for (size_t i = 0; i < work->set_count; i++) {
        samples_release(&work->sets[i]);
    }
    free(work->sets);
}

/* Reads some pods of a workload, in halves where they are too much at once. */
static int read_part(struct work *work, const uint32_t *pods, size_t count, struct err *err)
{
    bool much;
    struct err problem = {0};
    if (read_pods(work->worker, work->group, pods, count, &much, &problem) == 0) {
        take_pods(work, pods, count);
        return 0;
    }
    if (!much || count == 1) {
        *err = problem;
        return -1;
    }
    size_t half = count / 2;
    return read_part(work, pods, half, err) || read_part(work, pods + half, count - half, err) ? -1 : 0;
}

/* A workload on its own, in as many parts as it takes. */
static void collect_one(struct worker *worker, struct group *group, struct target *target)
{
    struct err problem = {0};
    struct work work = {.worker = worker, .group = group, .target = target};
    size_t part = appetite_pods(worker->appetite, worker->window);
    int failed = 0;
    work.sets = xcalloc_array(2 * TARGET_CONTAINERS_MAX, sizeof *work.sets);
    for (size_t from = 0; from < target->pod_count && !failed; from += part) {
        size_t left = target->pod_count - from;
        failed = read_part(&work, target->pods + from, left < part ? left : part, &problem);
    }
    if (failed) {
        note(worker, group, &problem);
        piece_fail(target->record, &problem);
        runs_release(&work.runs);
    } else {
        finish(&work);
    }
    release_sets(&work);
}

static int compare_pods(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The pods of the targets [from, to), ascending. Returns new. */
static uint32_t *pods_of(const struct group *group, size_t from, size_t to, size_t *count)
{
    size_t capacity = 0;
    uint32_t *pods = NULL;
    *count = 0;
    for (size_t i = from; i < to; i++) {
        const struct target *target = &group->targets[i];
        GROW(pods, capacity, *count + target->pod_count + 1);
        memcpy(pods + *count, target->pods, target->pod_count * sizeof *pods);
        *count += target->pod_count;
    }
    qsort(pods, *count, sizeof *pods, compare_pods);
    return pods;
}

static void fail_all(struct worker *worker, struct group *group, size_t from, size_t to, const struct err *problem)
{
    note(worker, group, problem);
    for (size_t i = from; i < to; i++) {
        piece_fail(group->targets[i].record, problem);
    }
}

void piece_collect(struct worker *worker, struct group *group, size_t from, size_t to)
{
    if (to - from == 1 && group->targets[from].pod_count > appetite_pods(worker->appetite, worker->window)) {
        collect_one(worker, group, &group->targets[from]);
        return;
    }
    size_t count;
    bool much;
    struct err problem = {0};
    uint32_t *pods = pods_of(group, from, to, &count);
    int failed = read_pods(worker, group, pods, count, &much, &problem);
    free(pods);
    if (failed && much && to - from > 1) {
        size_t middle = from + (to - from) / 2;
        piece_collect(worker, group, from, middle);
        piece_collect(worker, group, middle, to);
    } else if (failed && much) {
        collect_one(worker, group, &group->targets[from]);
    } else if (failed) {
        fail_all(worker, group, from, to, &problem);
    }
    for (size_t i = from; i < to && !failed; i++) {
        struct work work = {.worker = worker, .group = group, .target = &group->targets[i]};
        take_pods(&work, work.target->pods, work.target->pod_count);
        finish(&work);
    }
}
