#include "stages/collect/range/reading.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "stages/collect/api/promql.h"
#include "stages/collect/range/selector.h"
#include "stages/collect/window.h"

/* What a piece may shrink to. */
enum { POINTS_MIN = 64, SPAN_MIN = 2 * HOUR };

/* The answer begins (again): points that an earlier try of this piece left are to go. */
static void begin(void *context)
{
    struct reading *reading = context;
    if (reading->partly > 0 && reading->whole == 0) {
        store_clear(reading->store);
        reading->partly = 0;
    }
    reading->again = reading->again || reading->partly > 0;
}

static int take_series(void *context, const struct labels *labels, struct err *err)
{
    struct reading *reading = context;
    if (reading->again) {
        return err_set(err, ERR_UNAVAILABLE, "the metrics server cut its answers again and again");
    }
    reading->open = store_series(reading->store, labels, reading->metric, reading->form);
    if (reading->spacing != NULL) {
        spacing_series(reading->spacing, labels_get(labels, "pod"));
    }
    return 0;
}

static int take_point(void *context, int64_t time_ms, double value, struct err *err)
{
    struct reading *reading = context;
    if (!reading->open) {
        return 0;
    }
    reading->partly++;
    if (reading->spacing != NULL) {
        spacing_point(reading->spacing, time_ms);
    }
    return store_point(reading->store, time_ms, value, err);
}

struct answer_listener reading_listener(struct reading *reading)
{
    return (struct answer_listener){.begin = begin, .series = take_series, .point = take_point, .context = reading};
}

/* What became of a piece: 0 when it came whole, 1 when a smaller one may be asked, -1. */
static int settle(struct reading *reading, bool failed, bool may_shrink, const struct err *problem, struct err *err)
{
    if (!failed) {
        reading->whole += reading->partly;
        reading->partly = 0;
        return 0;
    }
    if (reading->store->full) {
        reading->served = SERVED_TOO_MUCH;
        reading->again = false;
    } else if (reading->served == SERVED_TOO_MUCH && may_shrink && !reading->again) {
        if (reading->partly == 0) {
            return 1;
        }
        reading->again = true;
    }
    *err = *problem;
    return -1;
}

/* Whether the server spoke of the points of one series. */
static bool is_resolution(const struct err *problem)
{
    return strstr(problem->message, "resolution") != NULL || strstr(problem->message, "PointsPerTimeseries") != NULL;
}

int reading_range(struct reading *reading, const char *query, const struct grid *grid, struct err *err)
{
    struct answer_listener listener = reading_listener(reading);
    int64_t series = (int64_t)reading->question->pod_count * 2;
    int64_t size = pace_points(reading->pace, series);
    size = size < POINTS_MIN ? POINTS_MIN : size;
    for (int64_t from = 0; from < grid->count;) {
        int64_t points = grid->count - from < size ? grid->count - from : size;
        int64_t start = grid->end - (grid->count - 1 - from) * grid->step;
        struct err problem = {0};
        reading->open = false;
        int failed = prom_range(reading->prom, query, start, start + (points - 1) * grid->step, grid->step, &listener,
                                &reading->served, &problem);
        if (failed && reading->served == SERVED_TOO_MUCH && points > POINTS_MIN) {
            size = points / 2 < POINTS_MIN ? POINTS_MIN : points / 2;
            pace_learn(reading->pace, size, series, is_resolution(&problem));
        }
        int how = settle(reading, failed != 0, points > POINTS_MIN, &problem, err);
        if (how < 0) {
            return -1;
        }
        from += how == 0 ? points : 0;
    }
    return 0;
}

static int ask_span(struct reading *reading, const struct span *span, int64_t from, int64_t to,
                    const struct answer_listener *listener, struct err *err)
{
    struct buf query;
    buf_init(&query, QUERY_MAX + 4096);
    buf_printf(&query, "%s%s", span->before, span->selector);
    promql_range(&query, to - from);
    buf_add_str(&query, span->after);
    reading->open = false;
    int failed = prom_instant(reading->prom, buf_str(&query), to, listener, &reading->served, err);
    buf_release(&query);
    return failed;
}

int reading_span(struct reading *reading, const struct span *span, const struct answer_listener *listener, struct err *err)
{
    int64_t size = span->to - span->from;
    for (int64_t from = span->from; from < span->to;) {
        int64_t to = span->to - from < size ? span->to : from + size;
        int64_t back = from - span->overlap < span->from ? span->from : from - span->overlap;
        struct err problem = {0};
        bool failed = ask_span(reading, span, back, to, listener, &problem) != 0;
        int how = settle(reading, failed, to - from > SPAN_MIN, &problem, err);
        if (how < 0) {
            return -1;
        }
        size = how == 0 ? size : (to - from) / 2;
        from = how == 0 ? to : from;
    }
    return 0;
}
