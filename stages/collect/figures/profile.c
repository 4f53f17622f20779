#include "stages/collect/figures/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/series.h"

enum { STEPS_PER_HOUR = HOUR / STEP };

void profile_start(struct profile *profile, const struct window *window)
{
    GROW(profile->steps, profile->capacity, window->steps);
    memset(profile->steps, 0, window->steps * sizeof *profile->steps);
    profile->count = window->steps;
}

void profile_release(struct profile *profile)
{
    free(profile->steps);
    *profile = (struct profile){0};
}

/* The figures of every `per` steps taken together: three rows of `count` numbers, NaN where there is no sample. New. */
static double *rows_of(const struct profile *profile, size_t per, size_t count)
{
    double *rows = xcalloc_array(count * 3, sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        struct profile_step all = {0};
        for (size_t j = i * per; j < (i + 1) * per && j < profile->count; j++) {
            const struct profile_step *step = &profile->steps[j];
            if (step->count > 0) {
                profile_add(&all, step->count, step->sum, step->min, step->max);
            }
        }
        bool known = all.count > 0;
        rows[i] = known ? all.sum / (double)all.count : NAN;
        rows[count + i] = known ? all.min : NAN;
        rows[2 * count + i] = known ? all.max : NAN;
    }
    return rows;
}

void profile_json(const struct profile *profile, const struct window *window, json_t *out)
{
    double *hours = rows_of(profile, STEPS_PER_HOUR, window->hours);
    double *steps = rows_of(profile, 1, window->steps);
    json_t *hourly = json_object();
    json_object_set_new(hourly, "step_seconds", json_integer(HOUR));
    json_object_set_new(hourly, "mean", series_json(hours, window->hours));
    json_object_set_new(hourly, "min", series_json(hours + window->hours, window->hours));
    json_object_set_new(hourly, "max", series_json(hours + 2 * window->hours, window->hours));
    json_t *series = json_object();
    json_object_set_new(series, "step_seconds", json_integer(STEP));
    json_object_set_new(series, "mean", series_json(steps, window->steps));
    json_object_set_new(series, "max", series_json(steps + 2 * window->steps, window->steps));
    json_object_set_new(out, "hourly", hourly);
    json_object_set_new(out, "series", series);
    free(hours);
    free(steps);
}
