#include "stages/collect/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/collect/measures.h"
#include "stages/collect/promql.h"

/* Most points of a series in one answer (the server's limit is 11,000), and of all series together. */
enum { PIECE_POINTS = 11000, PIECE_SAMPLES = 8 * 1000 * 1000, SELECTOR_MAX = 4 * 1024 * 1024 };

enum resource { CPU, MEMORY };

/* What the listener needs to know while an answer goes by. */
struct reading {
    struct batch *batch;
    enum resource resource;
    struct use *use; /* of the series in work, NULL: not ours */
    uint32_t pod;    /* its number in the namespace */
    uint32_t place;  /* its place in the samples */
};

static void add_pods(const struct batch *batch, const bool *chosen, struct buf *pattern)
{
    for (size_t i = 0; i < batch->namespace->pod_count; i++) {
        if (chosen != NULL ? chosen[i] : batch->target_of[i] >= 0) {
            if (pattern->length > 0) {
                buf_add_char(pattern, '|');
            }
            promql_literal(pattern, batch->namespace->pods[i].name);
        }
    }
}

void batch_selector_of(const struct batch *batch, const bool *chosen, const char *metric, const char *extra,
                       struct buf *out)
{
    if (strchr(metric, '|') == NULL) {
        buf_printf(out, "%s{container!=\"\",container!=\"POD\"", metric);
    } else {
        buf_printf(out, "{__name__=~\"%s\",container!=\"\",container!=\"POD\"", metric);
    }
    promql_match(out, "namespace", "=", batch->namespace->name);
    if (chosen != NULL || !batch->whole) {
        struct buf pattern;
        buf_init(&pattern, SELECTOR_MAX);
        add_pods(batch, chosen, &pattern);
        promql_match(out, "pod", "=~", buf_str(&pattern));
        out->overflow = out->overflow || pattern.overflow;
        buf_release(&pattern);
    }
    buf_printf(out, "%s%s}", extra, prom_matcher(batch->prom));
}

/* A metric's selector for the pods of the batch, `extra` (",a=\"b\"" or "") included, added to `out`. Several
 * metrics are joined by '|'. */
static void batch_selector(const struct batch *batch, const char *metric, const char *extra, struct buf *out)
{
    batch_selector_of(batch, NULL, metric, extra, out);
}

struct use *batch_find(const struct batch *batch, const struct labels *labels, uint32_t *pod)
{
    long number = namespace_find_pod(batch->namespace, labels_get(labels, "pod"));
    const char *container = labels_get(labels, "container");
    if (number < 0 || batch->target_of[number] < 0 || *container == '\0') {
        return NULL;
    }
    *pod = (uint32_t)number;
    return target_use(&batch->targets[batch->target_of[number]], container);
}

static int take_series(void *context, const struct labels *labels, struct err *err)
{
    struct reading *reading = context;
    (void)err;
    reading->use = batch_find(reading->batch, labels, &reading->pod);
    if (reading->use != NULL) {
        reading->place = samples_pod(&reading->use->samples, reading->pod);
    }
    return 0;
}

static void mark_reported(struct batch *batch, uint32_t pod, uint32_t point)
{
    if (batch->reported[pod] == NULL) {
        batch->reported[pod] = xcalloc_array(batch->grid->count / 64 + 1, sizeof(uint64_t));
    }
    batch->reported[pod][point / 64] |= UINT64_C(1) << (point % 64);
}

static int take_point(void *context, int64_t time_ms, double value, struct err *err)
{
    struct reading *reading = context;
    const struct grid *grid = reading->batch->grid;
    int64_t point = grid_index(grid, time_ms);
    (void)err;
    if (reading->use == NULL || point < 0) {
        return 0;
    }
    double scaled = reading->resource == CPU ? value * 1000 : value;
    if (samples_add(&reading->use->samples, grid, reading->place, (uint32_t)point, scaled)) {
        mark_reported(reading->batch, reading->pod, (uint32_t)point);
    }
    return 0;
}

/* One sample for each scrape and container, whatever scrapes it twice: see README.md. */
static void write_query(const struct batch *batch, enum resource resource, struct buf *query)
{
    const char *metric =
        resource == CPU ? "container_cpu_usage_seconds_total" : "container_memory_working_set_bytes";
    buf_printf(query, "max by (pod,container) (%s(", resource == CPU ? "rate" : "max_over_time");
    batch_selector(batch, metric, "", query);
    promql_range(query, resource == CPU ? batch->grid->range : batch->grid->step);
    buf_add_char(query, ')');
    if (resource == CPU) {
        buf_add_str(query, " and count_over_time(");
        batch_selector(batch, metric, "", query);
        promql_range(query, batch->grid->step);
        buf_add_char(query, ')');
    }
    buf_add_char(query, ')');
}

/* Asks for the points [from, to]; a piece that is too much for the server is halved. */
static int ask_piece(struct reading *reading, const char *query, uint32_t from, uint32_t to, struct err *err)
{
    const struct batch *batch = reading->batch;
    const struct grid *grid = batch->grid;
    struct answer_listener listener = {.series = take_series, .point = take_point, .context = reading};
    struct err problem = {0};
    reading->use = NULL;
    if (prom_range(batch->prom, query, grid_time(grid, from), grid_time(grid, to), grid->step, &listener,
                   &problem) == 0) {
        return 0;
    }
    if (prom_last(batch->prom) != PROM_TOO_MUCH || (to - from) * grid->step < HOUR) {
        *err = problem;
        return -1;
    }
    uint32_t middle = from + (to - from) / 2;
    return ask_piece(reading, query, from, middle, err) || ask_piece(reading, query, middle + 1, to, err) ? -1
                                                                                                          : 0;
}

static size_t count_pods(const struct batch *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->namespace->pod_count; i++) {
        count += batch->target_of[i] >= 0;
    }
    return count;
}

/* Points a piece may have so that neither the server's limits nor our patience are strained. */
static uint32_t piece_points(const struct batch *batch)
{
    size_t series = 2 * count_pods(batch) + 1;
    size_t points = PIECE_SAMPLES / series;
    size_t least = (size_t)(HOUR / batch->grid->step) + 1;
    points = points > PIECE_POINTS ? PIECE_POINTS : points;
    return (uint32_t)(points < least ? least : points);
}

static bool in_batch(const struct batch *batch, size_t target)
{
    const struct target *one = &batch->targets[target];
    return one->pod_count > 0 && batch->target_of[one->pods[0]] == (long)target;
}

/* Turns the samples of one resource into figures and lets them go. */
static void finish_resource(struct batch *batch, size_t target_count, enum resource resource,
                            const char *const *names)
{
    for (size_t i = 0; i < target_count; i++) {
        for (size_t c = 0; in_batch(batch, i) && c < batch->targets[i].use_count; c++) {
            struct use *use = &batch->targets[i].uses[c];
            json_t *figures = measures_json(&use->samples, batch->grid, resource == CPU, names);
            *(resource == CPU ? &use->cpu : &use->memory) = figures;
            samples_release(&use->samples);
            samples_init(&use->samples);
        }
    }
}

static size_t targets_end(const struct batch *batch)
{
    size_t end = 0;
    for (size_t i = 0; i < batch->namespace->pod_count; i++) {
        size_t next = (size_t)(batch->target_of[i] + 1);
        end = next > end ? next : end;
    }
    return end;
}

static int collect_resource(struct batch *batch, enum resource resource, const char *const *names,
                            struct err *err)
{
    struct reading reading = {.batch = batch, .resource = resource};
    uint32_t step = piece_points(batch);
    struct buf query;
    buf_init(&query, 4 * SELECTOR_MAX);
    write_query(batch, resource, &query);
    int failed = query.overflow
                     ? err_set(err, ERR_UNAVAILABLE, "namespace %s has too many pods for one question",
                               batch->namespace->name)
                     : 0;
    for (uint32_t from = 0; !failed && from < batch->grid->count; from += step) {
        uint32_t to = batch->grid->count - from < step ? batch->grid->count - 1 : from + step - 1;
        failed = ask_piece(&reading, buf_str(&query), from, to, err);
    }
    buf_release(&query);
    finish_resource(batch, targets_end(batch), resource, names);
    return failed;
}

int batch_collect_usage(struct batch *batch, struct err *err)
{
    const char **names = xcalloc_array(batch->namespace->pod_count, sizeof *names);
    for (size_t i = 0; i < batch->namespace->pod_count; i++) {
        names[i] = batch->namespace->pods[i].name;
    }
    int failed = collect_resource(batch, CPU, names, err) || collect_resource(batch, MEMORY, names, err);
    free(names);
    return failed ? -1 : 0;
}

/* Counters of one metric by the hour of the window. */
struct hourly {
    struct batch *batch;
    bool throttled;
    struct use *use;
};

/* The answer comes from its beginning (again): what a broken try added is forgotten. */
static void begin_hourly(void *context)
{
    struct hourly *hourly = context;
    struct batch *batch = hourly->batch;
    for (size_t i = 0; i < targets_end(batch); i++) {
        for (size_t c = 0; in_batch(batch, i) && c < batch->targets[i].use_count; c++) {
            struct use *use = &batch->targets[i].uses[c];
            double *sums = hourly->throttled ? use->throttled : use->periods;
            if (sums != NULL) {
                memset(sums, 0, batch->grid->hours * sizeof *sums);
            }
        }
    }
}

static int take_hourly_series(void *context, const struct labels *labels, struct err *err)
{
    struct hourly *hourly = context;
    uint32_t pod;
    (void)err;
    hourly->use = batch_find(hourly->batch, labels, &pod);
    if (hourly->use == NULL) {
        return 0;
    }
    double **sums = hourly->throttled ? &hourly->use->throttled : &hourly->use->periods;
    if (*sums == NULL) {
        *sums = xcalloc_array(hourly->batch->grid->hours, sizeof **sums);
    }
    return 0;
}

static int take_hourly_point(void *context, int64_t time_ms, double value, struct err *err)
{
    struct hourly *hourly = context;
    (void)err;
    if (hourly->use != NULL && value > 0 && value < 1e15) {
        size_t hour = grid_hour(hourly->batch->grid, time_ms / 1000);
        (hourly->throttled ? hourly->use->throttled : hourly->use->periods)[hour] += value;
    }
    return 0;
}

static int collect_hourly(struct batch *batch, const char *metric, bool throttled, struct err *err)
{
    const struct grid *grid = batch->grid;
    struct hourly hourly = {.batch = batch, .throttled = throttled};
    struct answer_listener listener = {
        .begin = begin_hourly, .series = take_hourly_series, .point = take_hourly_point, .context = &hourly};
    int64_t last = grid->start + (grid->end - grid->start) / HOUR * HOUR;
    if (last == grid->start) {
        return 0;
    }
    struct buf query;
    buf_init(&query, 4 * SELECTOR_MAX);
    buf_add_str(&query, "sum by (pod,container) (max by (pod,container,id) (increase(");
    batch_selector(batch, metric, "", &query);
    promql_range(&query, grid->range > HOUR ? grid->range : HOUR);
    buf_add_str(&query, ")))");
    int failed = prom_range(batch->prom, buf_str(&query), grid->start + HOUR, last, HOUR, &listener, err);
    buf_release(&query);
    return failed;
}

int batch_collect_throttling(struct batch *batch, struct err *err)
{
    return collect_hourly(batch, "container_cpu_cfs_periods_total", false, err) ||
                   collect_hourly(batch, "container_cpu_cfs_throttled_periods_total", true, err)
               ? -1
               : 0;
}
