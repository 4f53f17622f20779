#include "stages/analyze/forecast/forecast.h"

void forecasts_make(const struct subject *subject, struct arena *arena, struct forecasts *out)
{
    out->count = subject->container_count;
    for (int r = 0; r < RESOURCES; r++) {
        out->of[r] = arena_alloc_array(arena, out->count + 1, sizeof *out->of[r]);
        for (size_t i = 0; i < out->count; i++) {
            const struct steps *steps = &subject->containers[i].use[r].steps;
            forecast_make(steps->mean, steps->count, steps->step_seconds, subject->window_end, arena, &out->of[r][i]);
        }
    }
}

json_t *forecasts_json(const struct subject *subject, const struct forecasts *forecasts)
{
    (void)subject, (void)forecasts;
    return json_null();
}
