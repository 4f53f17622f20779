/* iCalendar files: read or refused with a line, and what is read keeps the laws of openings: one that is open lies around its
 * instant, the next one begins after it, and nothing begins between. */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HORIZON = 400 * 86400, STEPS = 20 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_open(struct calendar *calendar, int64_t instant)
{
    struct opening open;
    if (calendar_open(calendar, instant, &open)) {
        must(open.start <= instant && instant < open.end && open.end - open.start <= CALENDAR_LENGTH_MAX + 2 * 86400);
        must(calendar_closes(calendar, instant, instant + HORIZON) >= open.end);
    } else {
        must(calendar_closes(calendar, instant, instant + HORIZON) == instant);
    }
}

/* Goes from opening to opening; what is asked from the middle of a gap says the same. */
static void walk(struct calendar *calendar, int64_t instant)
{
    for (int i = 0; i < STEPS; i++) {
        struct opening next;
        struct opening again;
        check_open(calendar, instant);
        if (!calendar_next(calendar, instant, HORIZON, &next)) {
            return;
        }
        must(next.start > instant && next.end > next.start && next.start - instant <= HORIZON);
        int64_t middle = instant + (next.start - instant) / 2;
        must(middle == instant || (calendar_next(calendar, middle, HORIZON, &again) && again.start == next.start));
        struct opening open;
        must(calendar_open(calendar, next.start, &open) && open.end >= next.end);
        instant = next.start;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t instants[] = {0, 631152000, 1774746000, 1792890000, 4102444800};
    static const char *const zones[] = {NULL, "Europe/Berlin"};
    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        struct calendar *calendar = NULL;
        struct err err = {0};
        if (calendar_read((const char *)data, size, zones[i], &calendar, &err)) {
            must(err.class == ERR_CONFIG && str_starts(err.message, "line "));
            continue;
        }
        for (size_t j = 0; j < ARRAY_COUNT(instants); j++) {
            walk(calendar, instants[j]);
        }
        calendar_free(calendar);
    }
    return 0;
}
