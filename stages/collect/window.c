#include "stages/collect/window.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"

/* 2^(−i · unit / half-life) for i from 0 to count − 1; `unit` in seconds. */
static double *weights(size_t count, double unit)
{
    double *out = xcalloc_array(count, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = exp2(-(double)i * unit / WEIGHT_HALF_LIFE);
    }
    return out;
}

void window_init(struct window *window, int64_t start, int64_t end)
{
    size_t seconds = (size_t)(end - start);
    *window = (struct window){.start = start,
                              .end = end,
                              .hours = (seconds + HOUR - 1) / HOUR,
                              .steps = (seconds + STEP - 1) / STEP,
                              .hour_weights = weights(seconds / HOUR + 1, HOUR),
                              .second_weights = weights(HOUR, 1),
                              .milli_weights = weights(1000, 0.001)};
}

void window_release(struct window *window)
{
    free(window->hour_weights);
    free(window->second_weights);
    free(window->milli_weights);
    *window = (struct window){0};
}
