#include "stages/analyze/forecast/band.h"

#include <math.h>
#include <stdlib.h>

#include "stages/analyze/statistics/order.h"

enum {
    BLOCKS = 3,
    BLOCK_STEPS = FORECAST_STEPS / BLOCKS,
    ERRORS_MAX = ORIGINS_MAX * BLOCK_STEPS,
    LATELY = 6 /* hours */
};

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

/* What the steps of some hours are off the median of their hour: the ends that a share `tail` lies beyond. */
struct spread {
    double low, high;
};

static struct spread spread_of(const struct grid *grid, size_t from, size_t to, double *scratch)
{
    size_t n = 0;
    for (size_t i = from * grid->per_hour; i < to * grid->per_hour; i++) {
        double off = grid->step[i] - grid->median[i / grid->per_hour];
        if (!isnan(off)) {
            scratch[n++] = off;
        }
    }
    if (n == 0) {
        return (struct spread){0, 0};
    }
    double low = order_quantile(scratch, n, tail);
    return (struct spread){low, order_quantile(scratch, n, 1 - tail)};
}

/* By how much the hours before hour `to` were more unsteady than is usual. */
static struct spread excess_at(const struct grid *grid, size_t to, const struct spread *usual, double *scratch)
{
    struct spread lately = spread_of(grid, to > LATELY ? to - LATELY : 0, to, scratch);
    return (struct spread){fmin(lately.low - usual->low, 0), fmax(lately.high - usual->high, 0)};
}

double band_make(const struct grid *grid, const struct trial *trial, double *lower, double *upper)
{
    struct error errors[ERRORS_MAX];
    double scratch[GRID_STEPS];
    struct spread excess[ORIGINS_MAX];
    double inside = 0;
    double judged = 0;
    struct spread usual = spread_of(grid, 0, grid->hours, scratch);
    struct spread now = excess_at(grid, grid->hours, &usual, scratch);
    for (size_t o = 0; o < trial->count; o++) {
        excess[o] = excess_at(grid, trial_hour(grid, o), &usual, scratch);
    }
    for (size_t b = 0; b < BLOCKS; b++) {
        size_t from = b * trial->steps / BLOCKS;
        size_t to = (b + 1) * trial->steps / BLOCKS;
        size_t n = errors_read(trial, from, to, errors);
        double low = fmin(end_without(errors, n, 1, ORIGINS_MAX) + now.low, 0);
        double high = fmax(end_without(errors, n, -1, ORIGINS_MAX) + now.high, 0);
        for (size_t i = from; i < to; i++) {
            lower[i] = fmax(trial->next[i] + low, 0);
            upper[i] = fmax(trial->next[i] + high, 0);
        }
        for (size_t o = 0; o < trial->count; o++) {
            low = fmin(end_without(errors, n, 1, o) + excess[o].low, 0);
            high = fmax(end_without(errors, n, -1, o) + excess[o].high, 0);
            for (size_t i = from; i < to; i++) {
                double error = trial->origins[o].error[i];
                judged += !isnan(error);
                inside += error >= low && error <= high;
            }
        }
    }
    return judged > 0 ? inside / judged : NAN;
}
