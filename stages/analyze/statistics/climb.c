#include "stages/analyze/statistics/climb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stages/analyze/statistics/order.h"

enum { LEAST = 48, MOST = 24 * 31, LIFE_LEAST = 12 };

/* A fall by this share from one number to the next ends a life; the slope of either half is at least this
 * share of the whole one. */
static const double fall_share = 0.15;
static const double half_share = 0.5;
static const double sure = 0.01;

/* Numbers that are known, by their places. */
struct points {
    size_t count;
    double *x, *y;
};

/* What is summed over the lives. */
struct sums {
    double s, variance;
    double *slopes, *late, *early;
    size_t slope_count, late_count, early_count;
    size_t lives, points;
};

static void read_points(const double *values, size_t count, struct arena *arena, struct points *out)
{
    if (count > MOST) {
        values += count - MOST;
        count = MOST;
    }
    *out = (struct points){0, arena_alloc_array(arena, count + 1, sizeof(double)),
                           arena_alloc_array(arena, count + 1, sizeof(double))};
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            out->x[out->count] = (double)i;
            out->y[out->count++] = values[i];
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Variance of Kendall's S over one life; sorts it. */
static double variance_of(double *life, size_t count)
{
    double n = (double)count;
    double variance = n * (n - 1) * (2 * n + 5);
    qsort(life, count, sizeof *life, by_size);
    for (size_t i = 0; i < count;) {
        size_t j = i;
        while (j < count && life[j] <= life[i]) {
            j++;
        }
        double ties = (double)(j - i);
        variance -= ties * (ties - 1) * (2 * ties + 5);
        i = j;
    }
    return variance / 18;
}

/* Adds the pairs of one life, the places [from, to). */
static void add_life(const struct points *points, size_t from, size_t to, struct arena *arena,
                     struct sums *sums)
{
    size_t count = to - from;
    size_t later = from + count / 2;
    if (count < LIFE_LEAST) {
        return;
    }
    for (size_t i = from; i < to; i++) {
        for (size_t j = i + 1; j < to; j++) {
            double rise = points->y[j] - points->y[i];
            double slope = rise / (points->x[j] - points->x[i]);
            sums->s += (rise > 0) - (rise < 0);
            sums->slopes[sums->slope_count++] = slope;
            if (i >= later) {
                sums->late[sums->late_count++] = slope;
            } else if (j < later) {
                sums->early[sums->early_count++] = slope;
            }
        }
    }
    double *life = arena_alloc_array(arena, count, sizeof *life);
    memcpy(life, points->y + from, count * sizeof *life);
    sums->variance += variance_of(life, count);
    sums->lives++;
    sums->points += count;
}

/* Whether a number lies far below the one before it. */
static bool is_fall(const struct points *points, size_t i)
{
    return points->y[i] < (1 - fall_share) * points->y[i - 1];
}

static double falls_of(const struct points *points)
{
    double falls = 0;
    for (size_t i = 1; i < points->count; i++) {
        falls += is_fall(points, i);
    }
    return falls;
}

static double p_of(const struct sums *sums)
{
    if (sums->variance <= 0) {
        return 1;
    }
    double z = (sums->s > 0 ? sums->s - 1 : sums->s < 0 ? sums->s + 1 : 0) / sqrt(sums->variance);
    return erfc(fabs(z) / sqrt(2));
}

void climb_fit(const double *values, size_t count, double ends, struct arena *arena, struct climb *out)
{
    struct points points;
    *out = (struct climb){.p = 1};
    read_points(values, count, arena, &points);
    if (points.count < LEAST) {
        return;
    }
    size_t pairs = points.count * (points.count - 1) / 2;
    struct sums sums = {.slopes = arena_alloc_array(arena, pairs, sizeof(double)),
                        .late = arena_alloc_array(arena, pairs, sizeof(double)),
                        .early = arena_alloc_array(arena, pairs, sizeof(double))};
    bool cut = falls_of(&points) <= 2 * ends;
    size_t from = 0;
    for (size_t i = 1; i <= points.count; i++) {
        if (i == points.count || (cut && is_fall(&points, i))) {
            add_life(&points, from, i, arena, &sums);
            from = i;
        }
    }
    out->lives = sums.lives;
    out->median = order_median(points.y, points.count);
    out->known = 2 * sums.points >= points.count && sums.late_count > 0;
    if (out->known) {
        out->per_step = order_median(sums.slopes, sums.slope_count);
        out->late_per_step = order_median(sums.late, sums.late_count);
        out->early_per_step = order_median(sums.early, sums.early_count);
        out->p = p_of(&sums);
    }
}

bool climb_lasts(const struct climb *climb, double share, double steps)
{
    return climb->known && climb->p < sure && steps * climb->per_step > share * climb->median &&
           climb->late_per_step > half_share * climb->per_step &&
           (climb->lives < 2 || climb->early_per_step > half_share * climb->per_step);
}
