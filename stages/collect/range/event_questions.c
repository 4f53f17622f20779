#include "stages/collect/range/event_questions.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/collect/range/selector.h"
#include "stages/collect/window.h"

/* A container whose counter somebody tells. */
struct known {
    uint32_t pod;
    char *container;
};

/* What is known of the counters of one metric. */
struct changes {
    struct reading *reading;
    bool *changed; /* pods that had a change */
    bool any;
    struct known *items;
    size_t count;
    size_t capacity;
};

static void forget(struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].container);
    }
    changes->count = 0;
    changes->any = false;
    memset(changes->changed, 0, changes->reading->question->namespace->pod_count);
}

static int take_known(void *context, const struct labels *labels, struct err *err)
{
    struct changes *changes = context;
    long pod = namespace_find_pod(changes->reading->question->namespace, labels_get(labels, "pod"));
    (void)err;
    changes->reading->open = pod >= 0;
    if (pod >= 0) {
        GROW(changes->items, changes->capacity, changes->count + 1);
        changes->items[changes->count++] = (struct known){(uint32_t)pod, xstrdup(labels_get(labels, "container"))};
    }
    return 0;
}

static int take_changes(void *context, int64_t time_ms, double value, struct err *err)
{
    struct changes *changes = context;
    (void)time_ms;
    (void)err;
    if (changes->reading->open && value > 0) {
        changes->changed[changes->items[changes->count - 1].pod] = true;
        changes->any = true;
    }
    return 0;
}

static int compare_known(const void *a, const void *b)
{
    const struct known *x = a;
    const struct known *y = b;
    return x->pod != y->pod ? (x->pod > y->pod) - (x->pod < y->pod) : strcmp(x->container, y->container);
}

/* A counter that stood still: one sample tells that there is one. */
static int keep_still(const struct changes *changes, struct err *err)
{
    struct reading *reading = changes->reading;
    const struct question *question = reading->question;
    struct labels labels = {.count = 2, .names = {"container", "pod"}};
    if (changes->count > 0) {
        qsort(changes->items, changes->count, sizeof *changes->items, compare_known);
    }
    for (size_t i = 0; i < changes->count; i++) {
        const struct known *known = &changes->items[i];
        bool again = i > 0 && compare_known(known, known - 1) == 0;
        if (again || changes->changed[known->pod]) {
            continue;
        }
        labels.values[0] = known->container;
        labels.values[1] = question->namespace->pods[known->pod].name;
        if (store_series(reading->store, &labels, reading->metric, SERIES_RAW) &&
            store_point(reading->store, question->window->end * 1000, 0, err)) {
            return -1;
        }
        reading->whole++;
    }
    return 0;
}

static int ask(struct reading *reading, const bool *marked, const char *names, const char *extra, const char *before,
               const char *after, int64_t overlap, const struct answer_listener *listener, struct err *err)
{
    const struct window *window = reading->question->window;
    struct buf selector;
    int failed;
    buf_init(&selector, QUERY_MAX);
    selector_add(&selector, reading->prom, reading->question->namespace, marked, names, extra);
    if (selector.overflow) {
        reading->served = SERVED_TOO_MUCH;
        failed = err_set(err, ERR_UNAVAILABLE, "namespace %s has too many pods for one question",
                         reading->question->namespace->name);
    } else {
        struct span span = {before, buf_str(&selector), after, window->start - LOOKBACK, window->end, overlap};
        failed = reading_span(reading, &span, listener, err);
    }
    buf_release(&selector);
    return failed;
}

/* Reads a counter: all samples of the pods where it changed, which are then marked in `changed`. */
static int read_counter(struct reading *reading, const bool *marked, enum metric metric, struct changes *changes, struct err *err)
{
    struct answer_listener known = {.series = take_known, .point = take_changes, .context = changes};
    struct answer_listener samples = reading_listener(reading);
    reading->metric = metric;
    reading->form = SERIES_RAW;
    forget(changes);
    if (ask(reading, marked, metric_names(metric), "", "max by (pod,container) (changes(", "))", LOOKBACK, &known, err) ||
        keep_still(changes, err)) {
        reading->served = reading->store->full ? SERVED_TOO_MUCH : reading->served;
        return -1;
    }
    reading->metric = METRIC_COUNT;
    return changes->any ? ask(reading, changes->changed, metric_names(metric), "", "", "", 0, &samples, err) : 0;
}

static int read_extra(struct reading *reading, const bool *marked, enum metric metric, const char *extra, struct err *err)
{
    struct answer_listener samples = reading_listener(reading);
    reading->metric = METRIC_COUNT;
    reading->form = SERIES_RAW;
    return ask(reading, marked, metric_names(metric), extra, "", "", 0, &samples, err);
}

static int read_all(struct reading *reading, const bool *marked, struct changes *changes, bool *either, struct err *err)
{
    size_t count = reading->question->namespace->pod_count;
    if (read_counter(reading, marked, METRIC_RESTARTS, changes, err)) {
        return -1;
    }
    bool any = changes->any;
    memcpy(either, changes->changed, count);
    if (any && read_extra(reading, either, METRIC_OOM_REASON, ",reason=\"OOMKilled\"", err)) {
        return -1;
    }
    if (read_counter(reading, marked, METRIC_OOM_EVENTS, changes, err)) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        either[i] = either[i] || changes->changed[i];
    }
    return (any || changes->any) ? read_extra(reading, either, METRIC_MEMORY_LIMIT, ",resource=\"memory\"", err) : 0;
}

int event_questions(struct reading *reading, const bool *marked, struct err *err)
{
    size_t count = reading->question->namespace->pod_count;
    struct changes changes = {.reading = reading, .changed = xcalloc_array(count, sizeof(bool))};
    bool *either = xcalloc_array(count, sizeof *either);
    int failed = read_all(reading, marked, &changes, either, err);
    forget(&changes);
    free(changes.items);
    free(changes.changed);
    free(either);
    return failed;
}
