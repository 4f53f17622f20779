#include "stages/collect/figures/merge.h"

#include <stdbool.h>

/* Whether two times are at least 0.9 intervals apart. */
static bool apart(int64_t earlier, int64_t later, int64_t interval_ms)
{
    return (later - earlier) * 10 >= interval_ms * 9;
}

/* Whether a time has no neighbour among the points before `at` (none later than it) and from `at` on (none earlier). */
static bool is_alone(const struct point *before, const struct point *after, int64_t time_ms, int64_t interval_ms)
{
    return (before == NULL || apart(before->time_ms, time_ms, interval_ms)) &&
           (after == NULL || apart(time_ms, after->time_ms, interval_ms));
}

static size_t count_alone(const struct points *into, const struct points *from, int64_t interval_ms)
{
    size_t alone = 0;
    size_t at = 0;
    for (size_t i = 0; i < from->count; i++) {
        int64_t time_ms = from->items[i].time_ms;
        while (at < into->count && into->items[at].time_ms <= time_ms) {
            at++;
        }
        alone += is_alone(at > 0 ? &into->items[at - 1] : NULL, at < into->count ? &into->items[at] : NULL, time_ms,
                          interval_ms);
    }
    return alone;
}

void points_merge(struct points *into, const struct points *from, int64_t interval_ms)
{
    interval_ms = interval_ms > 1 ? interval_ms : 2; /* so that no time comes twice */
    size_t alone = count_alone(into, from, interval_ms);
    if (alone == 0) {
        return;
    }
    GROW(into->items, into->capacity, into->count + alone);
    /* From the end, where the room is: what is written never reaches what is still to be read. */
    size_t at = into->count;
    size_t end = into->count + alone;
    const struct point *after = NULL; /* the earliest of into's own that is later than what is looked at */
    into->count = end;
    for (size_t i = from->count; i-- > 0 && end > at;) {
        int64_t time_ms = from->items[i].time_ms;
        while (at > 0 && into->items[at - 1].time_ms > time_ms) {
            into->items[--end] = into->items[--at];
            after = &into->items[end];
        }
        if (is_alone(at > 0 ? &into->items[at - 1] : NULL, after, time_ms, interval_ms)) {
            into->items[--end] = from->items[i];
        }
    }
}
