#include "stages/analyze/forecast/forecast.h"

#include <math.h>

#include "stages/analyze/forecast/band.h"
#include "stages/analyze/forecast/grid.h"
#include "stages/analyze/forecast/methods.h"

struct forecaster {
    struct grid grid;
    struct trial trial;
};

struct forecaster *forecaster_new(struct arena *arena)
{
    return arena_alloc(arena, sizeof(struct forecaster));
}

void forecast_make(struct forecaster *forecaster, const double *values, size_t count, int64_t step_seconds, int64_t end,
                   struct forecast *out)
{
    struct trial *trial = &forecaster->trial;
    *out = (struct forecast){.start = end, .step_seconds = step_seconds, .mase = NAN, .rmae = NAN, .coverage = NAN};
    if (!grid_make(values, count, step_seconds, end, &forecaster->grid) || !trial_run(&forecaster->grid, trial)) {
        return;
    }
    out->count = trial->steps;
    out->method = trial_method(trial);
    out->coverage = band_make(&forecaster->grid, trial, out->lower, out->upper);
    out->known = true;
    for (size_t i = 0; i < out->count; i++) {
        out->values[i] = fmax(trial->next[i], 0);
        out->known = out->known && isfinite(out->values[i]) && isfinite(out->lower[i]) && isfinite(out->upper[i]);
    }
    out->origins = (double)trial->count;
    out->mase = trial->scale > 0 ? trial->error / trial->scale : NAN;
    out->rmae = trial->naive_error > 0 ? trial->error / trial->naive_error : NAN;
}
