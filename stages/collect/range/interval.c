#include "stages/collect/range/interval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/collect/api/promql.h"
#include "stages/collect/range/selector.h"
#include "stages/collect/store.h"

enum { SHORT_LOOK = 2 * HOUR, FEW = 4, SPREAD = 16 };

/* Distances between samples, rounded to seconds, of one series; and the shortest median of all series so far. */
struct distances {
    int64_t last_ms;
    int64_t total;
    int64_t counts[INTERVAL_MAX + 1];
    int64_t shortest;
};

/* The median, not the mean: gaps do not count. */
static void end_series(struct distances *distances)
{
    int64_t seen = 0;
    for (int64_t i = 1; distances->total > 0 && i <= INTERVAL_MAX; i++) {
        seen += distances->counts[i];
        if (seen * 2 >= distances->total) {
            distances->shortest = distances->shortest == 0 || i < distances->shortest ? i : distances->shortest;
            break;
        }
    }
    memset(distances->counts, 0, sizeof distances->counts);
    distances->total = 0;
    distances->last_ms = 0;
}

static void begin_distances(void *context)
{
    memset(context, 0, sizeof(struct distances));
}

static int take_series(void *context, const struct labels *labels, struct err *err)
{
    (void)labels;
    (void)err;
    end_series(context);
    return 0;
}

static int take_point(void *context, int64_t time_ms, double value, struct err *err)
{
    struct distances *distances = context;
    (void)value;
    (void)err;
    if (distances->last_ms > 0 && time_ms > distances->last_ms) {
        int64_t seconds = (time_ms - distances->last_ms + 500) / 1000;
        distances->counts[seconds < 1 ? 1 : seconds > INTERVAL_MAX ? INTERVAL_MAX : seconds]++;
        distances->total++;
    }
    distances->last_ms = time_ms;
    return 0;
}

/* The pods that have most samples. */
struct chosen {
    const struct namespace *namespace;
    bool *marked;
    bool any;
};

static void begin_chosen(void *context)
{
    struct chosen *chosen = context;
    memset(chosen->marked, 0, chosen->namespace->pod_count);
    chosen->any = false;
}

static int take_pod(void *context, const struct labels *labels, struct err *err)
{
    struct chosen *chosen = context;
    long pod = namespace_find_pod(chosen->namespace, labels_get(labels, "pod"));
    (void)err;
    if (pod >= 0) {
        chosen->marked[pod] = true;
        chosen->any = true;
    }
    return 0;
}

static int take_count(void *context, int64_t time_ms, double value, struct err *err)
{
    (void)context;
    (void)time_ms;
    (void)value;
    (void)err;
    return 0;
}

/* One look at a metric over the last `length` seconds of the window: who has most samples, and how far apart. */
struct look {
    struct prom *prom;
    const struct namespace *namespace;
    const struct window *window;
    enum metric metric;
    int64_t length;
};

static int ask(const struct look *look, const char *before, const bool *marked, const char *after,
               const struct answer_listener *listener, enum served *served, struct err *err)
{
    struct buf query;
    int failed;
    buf_init(&query, QUERY_MAX);
    buf_add_str(&query, before);
    selector_add(&query, look->prom, look->namespace, marked, metric_names(look->metric), "");
    promql_range(&query, look->length);
    buf_add_str(&query, after);
    if (query.overflow) {
        *served = SERVED_TOO_MUCH;
        failed = err_set(err, ERR_UNAVAILABLE, "namespace %s has too many pods for one question", look->namespace->name);
    } else {
        failed = prom_instant(look->prom, buf_str(&query), look->window->end, listener, served, err);
    }
    buf_release(&query);
    return failed;
}

static int look_at(const struct look *look, const bool *marked, int64_t *interval, enum served *served, struct err *err)
{
    struct chosen chosen = {look->namespace, xcalloc_array(look->namespace->pod_count, sizeof(bool)), false};
    struct distances *distances = xcalloc(sizeof *distances);
    struct answer_listener pods = {begin_chosen, take_pod, take_count, &chosen};
    struct answer_listener samples = {begin_distances, take_series, take_point, distances};
    char before[64];
    snprintf(before, sizeof before, "topk(%d,count_over_time(", FEW);
    int failed = ask(look, before, marked, "))", &pods, served, err) ||
                 (chosen.any && ask(look, "", chosen.marked, "", &samples, served, err));
    end_series(distances);
    *interval = failed ? 0 : distances->shortest;
    free(distances);
    free(chosen.marked);
    return failed ? -1 : 0;
}

/* Looks at all marked pods; at some of them where that is too much. */
static int look_wide(const struct look *look, const bool *marked, int64_t *interval, enum served *served, struct err *err)
{
    size_t count = look->namespace->pod_count;
    struct err problem = {0};
    if (look_at(look, marked, interval, served, &problem) == 0) {
        return 0;
    }
    if (*served != SERVED_TOO_MUCH || count <= SPREAD) {
        *err = problem;
        return -1;
    }
    bool *some = xcalloc_array(count, sizeof *some);
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        wanted += marked == NULL || marked[i];
    }
    for (size_t i = 0, nth = 0, taken = 0; i < count; i++) {
        if ((marked == NULL || marked[i]) && nth++ * SPREAD / wanted >= taken) {
            some[i] = true;
            taken++;
        }
    }
    int failed = look_at(look, some, interval, served, err);
    free(some);
    return failed;
}

int interval_find(struct prom *prom, const struct namespace *namespace, const bool *marked, const struct window *window,
                  int64_t *interval, enum served *served, struct err *err)
{
    int64_t whole = window->end - window->start;
    const struct look looks[] = {
        {prom, namespace, window, METRIC_MEMORY, whole < SHORT_LOOK ? whole : SHORT_LOOK},
        {prom, namespace, window, METRIC_MEMORY, whole},
        {prom, namespace, window, METRIC_CPU, whole},
    };
    *interval = 0;
    for (size_t i = 0; i < ARRAY_COUNT(looks) && *interval == 0; i++) {
        if (look_wide(&looks[i], marked, interval, served, err)) {
            return -1;
        }
    }
    *interval = *interval == 0 ? INTERVAL_DEFAULT : *interval;
    *served = SERVED;
    return 0;
}
