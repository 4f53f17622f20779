#include "stages/collect/range/usage_questions.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/collect/api/promql.h"
#include "stages/collect/figures/rates.h"
#include "stages/collect/range/interval.h"
#include "stages/collect/range/selector.h"
#include "stages/collect/window.h"

/* Some cAdvisors tell of each processor as well. */
static const char *const whole_cpu = ",cpu=~\"|total\"";

static int64_t interval_of(const struct reading *reading)
{
    const struct window *window = reading->question->window;
    int64_t interval = reading->question->namespace->interval;
    interval = interval > 0 ? interval : INTERVAL_DEFAULT;
    return interval < window->end - window->start ? interval : window->end - window->start;
}

static int64_t range_of(int64_t interval)
{
    return rates_range(interval * 1000) / 1000;
}

/* The instants at which samples are looked at, LOOKBACK included. */
static struct grid sample_grid(const struct reading *reading, int64_t interval)
{
    const struct window *window = reading->question->window;
    return (struct grid){window->end, interval, (window->end - window->start + LOOKBACK) / interval};
}

/* Asks for a query that was written, in pieces. */
static int ask(struct reading *reading, struct buf *query, enum metric metric, enum series_form form, const struct grid *grid,
               struct err *err)
{
    int failed;
    reading->metric = metric;
    reading->form = form;
    if (query->overflow) {
        reading->served = SERVED_TOO_MUCH;
        failed = err_set(err, ERR_UNAVAILABLE, "namespace %s has too many pods for one question",
                         reading->question->namespace->name);
    } else {
        failed = reading_range(reading, buf_str(query), grid, err);
    }
    buf_release(query);
    return failed;
}

static void add_ranged(struct buf *query, const struct reading *reading, const bool *marked, enum metric metric,
                       const char *function, int64_t range)
{
    buf_printf(query, "%s(", function);
    selector_add(query, reading->prom, reading->question->namespace, marked, metric_names(metric),
                 metric == METRIC_CPU ? whole_cpu : "");
    promql_range(query, range);
    buf_add_char(query, ')');
}

static int ask_memory(struct reading *reading, const bool *marked, int64_t interval, struct err *err)
{
    struct grid grid = sample_grid(reading, interval);
    struct buf query;
    buf_init(&query, QUERY_MAX);
    add_ranged(&query, reading, marked, METRIC_MEMORY, "max_over_time", interval);
    return ask(reading, &query, METRIC_MEMORY, SERIES_RAW, &grid, err);
}

/* The rate goes on for its whole range after the last sample: only where a sample is does a point stand. Series are asked
 * for as they are: an aggregation over them costs the server twice as much as the rates themselves. */
static int ask_cpu(struct reading *reading, const bool *marked, int64_t interval, struct err *err)
{
    struct grid grid = sample_grid(reading, interval);
    struct buf query;
    buf_init(&query, QUERY_MAX);
    add_ranged(&query, reading, marked, METRIC_CPU, "rate", range_of(interval));
    buf_add_str(&query, " and ");
    add_ranged(&query, reading, marked, METRIC_CPU, "count_over_time", interval);
    return ask(reading, &query, METRIC_CPU, SERIES_RATE, &grid, err);
}

/* Asks for the CPU of the pods of one class of spacing, if there are any: rarer scrapes need longer ranges. */
static int ask_class(struct reading *reading, const struct spacing *spacing, unsigned class, int64_t interval, struct err *err)
{
    const struct question *question = reading->question;
    bool *marked = xcalloc_array(question->namespace->pod_count, sizeof *marked);
    size_t count = 0;
    for (size_t i = 0; i < question->pod_count; i++) {
        marked[question->pods[i]] = spacing_class(spacing, question->pods[i]) == class;
        count += marked[question->pods[i]];
    }
    int failed = 0;
    if (count > 0 && class > 0) {
        failed = interval_find(reading->prom, question->namespace, marked, question->window, &interval, &reading->served, err);
    }
    if (count > 0 && !failed) {
        bool all = question->whole && count == question->pod_count;
        failed = ask_cpu(reading, all ? NULL : marked, interval, err);
    }
    free(marked);
    return failed;
}

/* Memory tells how rarely each pod is scraped. */
static int ask_samples(struct reading *reading, const bool *marked, struct err *err)
{
    int64_t interval = interval_of(reading);
    struct spacing spacing;
    spacing_init(&spacing, reading->question->namespace, interval * 1000);
    reading->spacing = &spacing;
    int failed = ask_memory(reading, marked, interval, err);
    reading->spacing = NULL;
    for (unsigned class = 0; class < SPACING_CLASSES && !failed; class++) {
        failed = ask_class(reading, &spacing, class, interval, err);
    }
    spacing_release(&spacing);
    return failed;
}

/* Increases of a counter in each whole hour of the window. */
static int ask_hourly(struct reading *reading, const bool *marked, enum metric metric, struct err *err)
{
    const struct window *window = reading->question->window;
    int64_t range = range_of(interval_of(reading));
    int64_t hours = (window->end - window->start) / HOUR;
    struct grid grid = {window->start + hours * HOUR, HOUR, hours};
    struct buf query;
    buf_init(&query, QUERY_MAX);
    add_ranged(&query, reading, marked, metric, "rate", range > HOUR ? range : HOUR);
    buf_printf(&query, "*%d", HOUR);
    return ask(reading, &query, metric, SERIES_INCREASE, &grid, err);
}

int usage_questions(struct reading *reading, const bool *marked, struct err *err)
{
    if (ask_samples(reading, marked, err)) {
        return -1;
    }
    size_t before = reading->whole;
    if (ask_hourly(reading, marked, METRIC_PERIODS, err)) {
        return -1;
    }
    /* Without periods no container has a CPU limit, and nothing was throttled. */
    return reading->whole > before ? ask_hourly(reading, marked, METRIC_THROTTLED, err) : 0;
}
