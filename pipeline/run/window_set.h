#ifndef TARE_RUN_WINDOW_SET_H
#define TARE_RUN_WINDOW_SET_H

/* Inside of window.h: how a window is held, for the reader (window_set.c), the judge (window.c) and the calendar of all of them
 * (window_report.c). */

#include "pipeline/run/calendar.h"
#include "pipeline/run/cron.h"
#include "pipeline/run/tz.h"
#include "pipeline/run/window.h"

struct window {
    char *name;
    enum window_kind kind;
    bool override;
    enum window_overrun overrun;
    size_t group;
    bool one_off; /* start and end count */
    int64_t start;
    int64_t end;
    struct calendar *calendar; /* where not NULL it counts; else schedule, duration and zone */
    struct cron schedule;
    int64_t duration;
    char *zone;
    struct tz *tz;
    json_t *namespaces; /* arrays of globs and an object; NULL matches everything */
    json_t *clusters;
    json_t *labels;
};

struct window_set {
    struct window *items;
    size_t count;
    size_t capacity;
    size_t groups;
    const json_t *files; /* texts of calendars by name, for the group that is read; borrowed */
    char fault[96]; /* key of the last refusal */
};

/* Whether a window is about a subject (NULL: it is). */
bool window_matches(const struct window *window, const struct window_subject *subject);

/* Of the openings in which an instant lies the one that ends last. Returns false where the window is closed. */
bool window_open_at(const struct window *window, int64_t instant, struct opening *out);

/* The first opening that begins after an instant, within the horizon. */
bool window_next_opening(const struct window *window, int64_t instant, struct opening *out);

/* The instant at which an open window closes; openings that overlap or touch count as one. Not looked for past `limit`. */
int64_t window_closes_at(const struct window *window, int64_t instant, int64_t limit);

#endif
