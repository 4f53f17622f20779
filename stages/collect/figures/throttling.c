#include "stages/collect/figures/throttling.h"

#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

/* Adds the increases inside the window to the sums of their hours. */
static void add_counter(double **sums, const struct window *window, const struct told *series, size_t count)
{
    struct points increases = {0};
    counter_increases(series, count, &increases);
    if (*sums == NULL && increases.count > 0) {
        *sums = xcalloc_array(window->hours, sizeof **sums);
    }
    for (size_t i = 0; i < increases.count; i++) {
        const struct point *point = &increases.items[i];
        if (window_holds(window, point->time_ms) && point->value < 1e15) {
            (*sums)[window_hour(window_offset(window, point->time_ms))] += point->value;
        }
    }
    points_release(&increases);
}

void throttling_add(struct throttling *throttling, const struct window *window, const struct told *periods,
                    size_t period_count, const struct told *throttled, size_t throttled_count)
{
    add_counter(&throttling->periods, window, periods, period_count);
    add_counter(&throttling->throttled, window, throttled, throttled_count);
}

void throttling_json(const struct throttling *throttling, const struct window *window, json_t *out)
{
    double periods = 0;
    double throttled = 0;
    double worst = -1;
    size_t worst_hour = 0;
    char text[RFC3339_MAX];
    for (size_t i = 0; throttling->periods != NULL && i < window->hours; i++) {
        double all = throttling->periods[i];
        double part = throttling->throttled == NULL ? 0 : throttling->throttled[i];
        periods += all;
        throttled += part;
        if (all > 0 && part / all > worst) {
            worst = part / all;
            worst_hour = i;
        }
    }
    bool known = periods > 0;
    time_format(window->start + (int64_t)worst_hour * HOUR, text);
    json_object_set_new(out, "throttled_ratio", known ? json_real(throttled / periods) : json_null());
    json_object_set_new(out, "throttled_worst_hour", known ? json_real(worst) : json_null());
    json_object_set_new(out, "throttled_worst_hour_at", known ? json_string(text) : json_null());
}

void throttling_release(struct throttling *throttling)
{
    free(throttling->periods);
    free(throttling->throttled);
    *throttling = (struct throttling){0};
}
