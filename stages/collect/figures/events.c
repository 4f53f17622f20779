#include "stages/collect/figures/events.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

enum { REASON_DELAY_MS = 300 * 1000, LIMIT_AGE_MS = 600 * 1000 };

/* Whole events of an increase; more than a thousand million at once is no count. */
static int64_t count_of(const struct point *increase)
{
    return increase->value < 1e9 ? llround(increase->value) : 0;
}

static bool any_inside(const struct window *window, const struct told *series, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct points *points = series[i].points;
        for (size_t p = points->count; p > 0; p--) {
            if (window_holds(window, points->items[p - 1].time_ms)) {
                return true;
            }
        }
    }
    return false;
}

/* The largest limit that a series told last before an instant, not long ago; 0 for none. */
static double limit_at(const struct told *limits, size_t count, int64_t time_ms)
{
    double out = 0;
    for (size_t i = 0; i < count; i++) {
        const struct points *points = limits[i].points;
        size_t p = points->count;
        while (p > 0 && points->items[p - 1].time_ms > time_ms) {
            p--;
        }
        if (p > 0 && time_ms - points->items[p - 1].time_ms < LIMIT_AGE_MS) {
            out = fmax(out, points->items[p - 1].value);
        }
    }
    return out;
}

static void note_oom(struct events *events, const struct event_series *series, int64_t time_ms)
{
    bool same = time_ms == events->oom_last_ms;
    if (time_ms > events->oom_last_ms || (same && events->oom_limit <= 0)) {
        events->oom_last_ms = time_ms;
        events->oom_limit = limit_at(series->limits, series->limit_count, time_ms);
    }
}

/* Marks the restarts that a series of the reason OOMKilled follows: in `killed`, beside the restarts. */
static void find_killed(const struct points *restarts, const struct points *reason, bool *killed)
{
    size_t next = 0;
    for (size_t i = 0; i < reason->count; i++) {
        int64_t time_ms = reason->items[i].time_ms;
        while (next < restarts->count && restarts->items[next].time_ms <= time_ms) {
            next++;
        }
        if (next > 0 && reason->items[i].value > 0 &&
            time_ms - restarts->items[next - 1].time_ms < REASON_DELAY_MS) {
            killed[next - 1] = true;
        }
    }
}

static void add_restarts(struct events *events, const struct window *window, const struct event_series *series)
{
    struct points restarts = {0};
    counter_increases(series->restarts, series->restart_count, &restarts);
    bool *killed = xcalloc_array(restarts.count, sizeof *killed);
    for (size_t i = 0; i < series->reason_count && restarts.count > 0; i++) {
        find_killed(&restarts, series->reasons[i].points, killed);
    }
    for (size_t i = 0; i < restarts.count; i++) {
        int64_t time_ms = restarts.items[i].time_ms;
        int64_t count = window_holds(window, time_ms) ? count_of(&restarts.items[i]) : 0;
        events->restarts += count;
        if (killed[i] && count > 0) {
            events->oom_restarts += count;
            note_oom(events, series, time_ms);
        }
    }
    free(killed);
    points_release(&restarts);
}

static void add_ooms(struct events *events, const struct window *window, const struct event_series *series)
{
    struct points ooms = {0};
    counter_increases(series->ooms, series->oom_count, &ooms);
    for (size_t i = 0; i < ooms.count; i++) {
        int64_t time_ms = ooms.items[i].time_ms;
        int64_t count = window_holds(window, time_ms) ? count_of(&ooms.items[i]) : 0;
        if (count > 0) {
            events->oom_events += count;
            note_oom(events, series, time_ms);
        }
    }
    points_release(&ooms);
}

void events_add(struct events *events, const struct window *window, const struct event_series *series)
{
    events->restarts_known =
        events->restarts_known || any_inside(window, series->restarts, series->restart_count);
    events->ooms_known = events->ooms_known || any_inside(window, series->ooms, series->oom_count);
    add_restarts(events, window, series);
    add_ooms(events, window, series);
}

void events_json(const struct events *events, json_t *out)
{
    char text[RFC3339_MAX];
    bool known = events->ooms_known || events->restarts_known;
    int64_t ooms = events->oom_events > events->oom_restarts ? events->oom_events : events->oom_restarts;
    time_format(events->oom_last_ms / 1000, text);
    json_object_set_new(out, "restarts", json_int_or_null(events->restarts_known, events->restarts));
    json_object_set_new(out, "oom_kills", json_int_or_null(known, ooms));
    json_object_set_new(out, "oom_last_at", events->oom_last_ms > 0 ? json_string(text) : json_null());
    json_object_set_new(out, "oom_limit_bytes",
                        events->oom_limit > 0 ? json_real(events->oom_limit) : json_null());
}
