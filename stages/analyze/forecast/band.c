#include "stages/analyze/forecast/band.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCKS = 3, BLOCK_STEPS = FORECAST_STEPS / BLOCKS, ERRORS_MAX = ORIGINS_MAX * BLOCK_STEPS };

/* Share of what comes that may lie beyond either end. */
static const double tail = 0.025;

struct error {
    double value;
    size_t origin;
};

static int by_value(const void *a, const void *b)
{
    const struct error *x = a;
    const struct error *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Errors of one block of steps at all origins, in order. */
static size_t errors_read(const struct trial *trial, size_t from, size_t to, struct error *out)
{
    size_t n = 0;
    for (size_t o = 0; o < trial->count; o++) {
        for (size_t i = from; i < to; i++) {
            if (!isnan(trial->origins[o].error[i])) {
                out[n++] = (struct error){trial->origins[o].error[i], o};
            }
        }
    }
    qsort(out, n, sizeof *out, by_value);
    return n;
}

/* The error that a share `tail` lies beyond, at the low end (`sign` 1) or the high one (-1), without those of origin `without`. */
static double end_without(const struct error *errors, size_t count, int sign, size_t without)
{
    size_t left_out = 0;
    for (size_t i = 0; i < count; i++) {
        left_out += errors[i].origin == without;
    }
    double rank = tail * (double)(count - left_out + 1);
    size_t needed = rank < 1 ? 1 : (size_t)rank;
    for (size_t i = 0; i < count; i++) {
        const struct error *error = &errors[sign > 0 ? i : count - 1 - i];
        if (error->origin != without && --needed == 0) {
            return error->value;
        }
    }
    return 0;
}

double band_make(const struct trial *trial, double *lower, double *upper)
{
    struct error errors[ERRORS_MAX];
    double inside = 0;
    double judged = 0;
    for (size_t b = 0; b < BLOCKS; b++) {
        size_t from = b * trial->steps / BLOCKS;
        size_t to = (b + 1) * trial->steps / BLOCKS;
        size_t n = errors_read(trial, from, to, errors);
        double low = end_without(errors, n, 1, ORIGINS_MAX);
        double high = end_without(errors, n, -1, ORIGINS_MAX);
        for (size_t i = from; i < to; i++) {
            lower[i] = fmax(trial->next[i] + fmin(low, 0), 0);
            upper[i] = fmax(trial->next[i] + fmax(high, 0), 0);
        }
        for (size_t o = 0; o < trial->count; o++) {
            low = end_without(errors, n, 1, o);
            high = end_without(errors, n, -1, o);
            for (size_t i = from; i < to; i++) {
                double error = trial->origins[o].error[i];
                judged += !isnan(error);
                inside += error >= low && error <= high;
            }
        }
    }
    return judged > 0 ? inside / judged : NAN;
}
