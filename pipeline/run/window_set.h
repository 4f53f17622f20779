#ifndef TARE_RUN_WINDOW_SET_H
#define TARE_RUN_WINDOW_SET_H

/* Inside of window.h: how a window is held, for the reader (window_set.c) and the judge (window.c). */

#include "pipeline/run/cron.h"
#include "pipeline/run/tz.h"
#include "pipeline/run/window.h"

struct window {
    char *name;
    enum window_kind kind;
    bool override;
    enum window_overrun overrun;
    size_t group;
    bool one_off; /* start and end count, else schedule, duration and zone */
    int64_t start;
    int64_t end;
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
    char fault[96]; /* key of the last refusal */
};

#endif
