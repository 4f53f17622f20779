/* Restarts and OOM kills: which pods had any is asked first (one number a container); only theirs are then
 * read sample by sample, because counters that jump by one are wanted whole, not extrapolated. */

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/collect/batch.h"
#include "stages/collect/promql.h"

enum {
    EVENTS_MAX = 1000000,
    QUERY_MAX = 16 * 1024 * 1024,
    REASON_DELAY_MS = 300 * 1000,
    LIMIT_QUESTIONS_MAX = 50
};

/* A sidecar is an init container to kube-state-metrics. */
static const char *const restarts_metric =
    "kube_pod_container_status_restarts_total|kube_pod_init_container_status_restarts_total";
static const char *const reason_metric =
    "kube_pod_container_status_last_terminated_reason|kube_pod_init_container_status_last_terminated_reason";
static const char *const limits_metric =
    "kube_pod_container_resource_limits|kube_pod_init_container_resource_limits";
static const char *const oom_metric = "container_oom_events_total";

/* One counter, whoever reports it: a pod, its container and, where told, the container's id. */
struct counter {
    uint32_t pod;
    char *container;
    char *id;
    int64_t last_ms;
    double last;
};

/* A counter went up. */
struct event {
    uint32_t pod;
    size_t counter;
    int64_t time_ms;
    int64_t count;
    bool oom;
};

struct events {
    struct batch *batch;
    struct counter *counters;
    size_t counter_count;
    size_t counter_capacity;
    struct event *items;
    size_t count;
    size_t capacity;
    size_t current; /* counter of the series in work */
    size_t cursor;  /* events before it are not later than the sample in work */
    size_t latest;  /* the counter's last event before the cursor; `count` or more: none */
    bool skip;      /* the series in work is none of ours */
    bool *changed;  /* pods that had a change */
    bool any;
    bool restarts; /* the metric in work counts restarts */
    struct use *use;
    uint32_t pod;
};

static void forget_counters(void *context)
{
    struct events *events = context;
    for (size_t i = 0; i < events->counter_count; i++) {
        free(events->counters[i].container);
        free(events->counters[i].id);
    }
    events->counter_count = 0;
    events->count = 0;
}

/* First question: which containers are known, and which pods changed. */
static int take_known(void *context, const struct labels *labels, struct err *err)
{
    struct events *events = context;
    (void)err;
    events->use = batch_find(events->batch, labels, &events->pod);
    if (events->use != NULL) {
        *(events->restarts ? &events->use->restarts_known : &events->use->ooms_known) = true;
    }
    return 0;
}

static int take_changes(void *context, int64_t time_ms, double value, struct err *err)
{
    struct events *events = context;
    (void)time_ms;
    (void)err;
    if (events->use != NULL && value > 0) {
        events->changed[events->pod] = true;
        events->any = true;
    }
    return 0;
}

static size_t find_counter(struct events *events, uint32_t pod, const char *container, const char *id)
{
    for (size_t i = 0; i < events->counter_count; i++) {
        const struct counter *counter = &events->counters[i];
        if (counter->pod == pod && strcmp(counter->container, container) == 0 &&
            strcmp(counter->id, id) == 0) {
            return i;
        }
    }
    GROW(events->counters, events->counter_capacity, events->counter_count + 1);
    events->counters[events->counter_count] = (struct counter){
        .pod = pod, .container = xstrdup(container), .id = xstrdup(id), .last_ms = INT64_MIN};
    return events->counter_count++;
}

static int take_counter(void *context, const struct labels *labels, struct err *err)
{
    struct events *events = context;
    uint32_t pod;
    (void)err;
    events->skip = batch_find(events->batch, labels, &pod) == NULL;
    if (!events->skip) {
        const char *id = events->restarts ? "" : labels_get(labels, "id");
        events->current = find_counter(events, pod, labels_get(labels, "container"), id);
    }
    events->cursor = 0;
    events->latest = SIZE_MAX;
    return 0;
}

/* Notes by how much a counter went up; a smaller value than the last means that it began anew. */
static int take_count(void *context, int64_t time_ms, double value, struct err *err)
{
    struct events *events = context;
    struct counter *counter = &events->counters[events->current];
    if (events->skip || !(value >= 0 && value < 1e9) || time_ms <= counter->last_ms) {
        return 0;
    }
    double more = counter->last_ms == INT64_MIN ? 0 : value >= counter->last ? value - counter->last : value;
    counter->last_ms = time_ms;
    counter->last = value;
    if (more <= 0) {
        return 0;
    }
    if (events->count == EVENTS_MAX) {
        return err_set(err, ERR_UNAVAILABLE, "namespace %s had more than %d restarts",
                       events->batch->namespace->name, EVENTS_MAX);
    }
    GROW(events->items, events->capacity, events->count + 1);
    events->items[events->count++] =
        (struct event){counter->pod, events->current, time_ms, llround(more), false};
    return 0;
}

/* A sample of 1 says that the last restart before it, not long ago, was an OOM kill. */
static int take_reason(void *context, int64_t time_ms, double value, struct err *err)
{
    struct events *events = context;
    (void)err;
    while (!events->skip && events->cursor < events->count &&
           events->items[events->cursor].time_ms <= time_ms) {
        events->latest =
            events->items[events->cursor].counter == events->current ? events->cursor : events->latest;
        events->cursor++;
    }
    bool known = !events->skip && value > 0 && events->latest < events->count;
    if (known && time_ms - events->items[events->latest].time_ms < REASON_DELAY_MS) {
        events->items[events->latest].oom = true;
    }
    return 0;
}

static int ask(struct events *events, const char *before, const char *metric, const char *extra,
               const char *after, const struct answer_listener *listener, struct err *err)
{
    const struct grid *grid = events->batch->grid;
    struct buf query;
    buf_init(&query, QUERY_MAX);
    buf_add_str(&query, before);
    batch_selector_of(events->batch, events->any ? events->changed : NULL, metric, extra, &query);
    promql_range(&query, grid->end - grid->start);
    buf_add_str(&query, after);
    int failed = prom_instant(events->batch->prom, buf_str(&query), grid->end, listener, err);
    buf_release(&query);
    return failed;
}

/* Finds all increases of a counter in the batch. */
static int find_events(struct events *events, const char *metric, bool restarts, struct err *err)
{
    struct answer_listener known = {.series = take_known, .point = take_changes, .context = events};
    struct answer_listener counts = {
        .begin = forget_counters, .series = take_counter, .point = take_count, .context = events};
    forget_counters(events);
    memset(events->changed, 0, events->batch->namespace->pod_count * sizeof *events->changed);
    events->any = false;
    events->restarts = restarts;
    if (ask(events, "max by (pod,container) (changes(", metric, "", "))", &known, err)) {
        return -1;
    }
    return events->any ? ask(events, "", metric, "", "", &counts, err) : 0;
}

static struct use *use_of(const struct events *events, const struct event *event)
{
    const struct batch *batch = events->batch;
    return target_use(&batch->targets[batch->target_of[event->pod]],
                      events->counters[event->counter].container);
}

static void note_oom(struct use *use, const struct event *event)
{
    if (event->time_ms / 1000 >= use->oom_last) {
        use->oom_last = event->time_ms / 1000;
        use->oom_pod = event->pod;
    }
}

static int compare_events(const void *a, const void *b)
{
    const struct event *x = a;
    const struct event *y = b;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static int collect_restarts(struct events *events, struct err *err)
{
    struct answer_listener reasons = {.series = take_counter, .point = take_reason, .context = events};
    if (find_events(events, restarts_metric, true, err)) {
        return -1;
    }
    /* Time alone orders them from here on: the samples of a reason come in order of time as well. */
    if (events->count > 0) {
        qsort(events->items, events->count, sizeof *events->items, compare_events);
    }
    if (events->count > 0 && ask(events, "", reason_metric, ",reason=\"OOMKilled\"", "", &reasons, err)) {
        return -1;
    }
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->items[i];
        struct use *use = use_of(events, event);
        use->restarts += event->count;
        if (event->oom) {
            use->oom_restarts += event->count;
            note_oom(use, event);
        }
    }
    return 0;
}

static int collect_ooms(struct events *events, struct err *err)
{
    if (find_events(events, oom_metric, false, err)) {
        return -1;
    }
    for (size_t i = 0; i < events->count; i++) {
        struct use *use = use_of(events, &events->items[i]);
        use->oom_events += events->items[i].count;
        note_oom(use, &events->items[i]);
    }
    return 0;
}

static int take_nothing(void *context, const struct labels *labels, struct err *err)
{
    (void)context;
    (void)labels;
    (void)err;
    return 0;
}

static int take_limit(void *context, int64_t time_ms, double value, struct err *err)
{
    struct use *use = context;
    (void)time_ms;
    (void)err;
    if (value > use->oom_limit && isfinite(value)) {
        use->oom_limit = value;
    }
    return 0;
}

/* The memory limit that a container had when it was last killed. */
static int collect_limit(struct batch *batch, struct use *use, struct err *err)
{
    struct answer_listener listener = {.series = take_nothing, .point = take_limit, .context = use};
    struct buf query;
    struct buf extra;
    bool *chosen = xcalloc_array(batch->namespace->pod_count, sizeof *chosen);
    chosen[use->oom_pod] = true;
    buf_init(&query, QUERY_MAX);
    buf_init(&extra, 64 * 1024);
    buf_add_str(&extra, ",resource=\"memory\"");
    promql_match(&extra, "container", "=", use->name);
    buf_add_str(&query, "max(last_over_time(");
    batch_selector_of(batch, chosen, limits_metric, buf_str(&extra), &query);
    buf_add_str(&query, "[10m]))");
    int failed = prom_instant(batch->prom, buf_str(&query), use->oom_last, &listener, err);
    buf_release(&query);
    buf_release(&extra);
    free(chosen);
    return failed;
}

static int collect_limits(struct batch *batch, struct err *err)
{
    int questions = 0;
    for (size_t i = 0; i < batch->namespace->pod_count; i++) {
        if (batch->target_of[i] < 0) {
            continue;
        }
        struct target *target = &batch->targets[batch->target_of[i]];
        for (size_t c = 0; c < target->use_count; c++) {
            struct use *use = &target->uses[c];
            bool due = use->oom_last > 0 && use->oom_pod == i && use->oom_limit <= 0 &&
                       questions < LIMIT_QUESTIONS_MAX;
            questions += due;
            if (due && collect_limit(batch, use, err)) {
                return -1;
            }
        }
    }
    return 0;
}

int batch_collect_events(struct batch *batch, struct err *err)
{
    struct events events = {.batch = batch};
    events.changed = xcalloc_array(batch->namespace->pod_count, sizeof *events.changed);
    int failed = collect_restarts(&events, err) || collect_ooms(&events, err) || collect_limits(batch, err);
    forget_counters(&events);
    free(events.counters);
    free(events.items);
    free(events.changed);
    return failed ? -1 : 0;
}
