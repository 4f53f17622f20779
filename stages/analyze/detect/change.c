#include "stages/analyze/detect/change.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"
#include "stages/analyze/statistics/trend.h"

enum { BLOCK = 3 * 3600, LEAST_BLOCKS = 24, BEFORE_LEAST = 8, AFTER_LEAST = 2, PER_DAY = 86400 / BLOCK };

/* A change is at least this share of the level, and these of the variance are explained by it; a step happens
 * for the most part at once; a slope is one beyond doubt. */
static const double least_share = 0.25;
static const double step_explains = 0.6;
static const double slope_explains = 0.6;
static const double at_once = 0.6;
static const double slope_p = 1e-4;
/* What levels off (a cache that fills) is none: its later half rises by less than this share of the whole. */
static const double late_share = 0.4;

/* Medians of the blocks, NaN where there is none. */
struct blocks {
    size_t count, known;
    int64_t start;
    double *values;
};

static void read_blocks(const double *values, size_t count, int64_t start, int64_t step,
                        const struct profile *profile, struct arena *arena, struct blocks *out)
{
    size_t each = (size_t)(BLOCK / step);
    double *scratch = arena_alloc_array(arena, each + 1, sizeof *scratch);
    *out = (struct blocks){.count = count / each, .start = start};
    out->values = arena_alloc_array(arena, out->count + 1, sizeof *out->values);
    for (size_t b = 0; b < out->count; b++) {
        size_t known = 0;
        for (size_t i = b * each; i < (b + 1) * each; i++) {
            if (isfinite(values[i])) {
                scratch[known++] = values[i] - profile_at(profile, start + (int64_t)i * step);
            }
        }
        out->values[b] = order_median(scratch, known);
        out->known += known > 0;
    }
}

/* Count, mean and squared deviations of blocks [from, to). */
struct moments {
    double count, mean, squares;
};

static struct moments moments_of(const struct blocks *blocks, size_t from, size_t to)
{
    struct moments out = {0, 0, 0};
    for (size_t b = from; b < to; b++) {
        if (isfinite(blocks->values[b])) {
            out.count += 1;
            double apart = blocks->values[b] - out.mean;
            out.mean += apart / out.count;
            out.squares += apart * (blocks->values[b] - out.mean);
        }
    }
    return out;
}

/* The split that leaves least, as a step. */
static void best_step(const struct blocks *blocks, double all, struct change *out)
{
    double least = INFINITY;
    for (size_t b = BEFORE_LEAST; b + AFTER_LEAST <= blocks->count; b++) {
        struct moments before = moments_of(blocks, 0, b);
        struct moments after = moments_of(blocks, b, blocks->count);
        if (before.count >= BEFORE_LEAST && after.count >= AFTER_LEAST &&
            before.squares + after.squares < least) {
            least = before.squares + after.squares;
            out->at = blocks->start + (int64_t)b * BLOCK;
            out->before = before.mean;
            out->after = after.mean;
        }
    }
    out->explained = isfinite(least) && all > 0 ? 1 - least / all : 0;
}

/* Whether most of a step happens from two blocks before it to the two that begin it. */
static bool is_sudden(const struct blocks *blocks, const struct change *step)
{
    size_t at = (size_t)((step->at - blocks->start) / BLOCK);
    struct moments before = moments_of(blocks, at - 2, at);
    struct moments after = moments_of(blocks, at, at + 2 < blocks->count ? at + 2 : blocks->count);
    return before.count > 0 && after.count > 0 &&
           fabs(after.mean - before.mean) >= at_once * fabs(step->after - step->before);
}

/* The straight line of least squares through blocks from `first` on: its rise from block to block; *level,
 * *sum receive its value at block 0 and what it explains. */
static double line_of(const struct blocks *blocks, size_t first, double *level, double *sum)
{
    double n = 0;
    double x = 0;
    double y = 0;
    for (size_t b = first; b < blocks->count; b++) {
        if (isfinite(blocks->values[b])) {
            n += 1;
            x += (double)b;
            y += blocks->values[b];
        }
    }
    double xy = 0;
    double xx = 0;
    for (size_t b = first; b < blocks->count; b++) {
        if (isfinite(blocks->values[b])) {
            xy += ((double)b - x / n) * (blocks->values[b] - y / n);
            xx += ((double)b - x / n) * ((double)b - x / n);
        }
    }
    *level = y / n - xy / xx * x / n;
    *sum = xy / xx * xy;
    return xy / xx;
}

/* The best straight line, and whether the later half goes on as the whole does. */
static bool best_slope(const struct blocks *blocks, double all, struct change *out)
{
    double explained;
    double ignored;
    double slope = line_of(blocks, 0, &out->before, &explained);
    out->at = blocks->start;
    out->per_day = slope * PER_DAY;
    out->after = out->before + slope * (double)(blocks->count - 1);
    out->explained = all > 0 ? explained / all : 0;
    return line_of(blocks, blocks->count / 2, &ignored, &ignored) / slope > late_share;
}

/* Whether both ends are worth telling apart. */
static bool is_large(const struct change *change)
{
    double level = fmax(fmin(change->before, change->after), 0);
    return fabs(change->after - change->before) > least_share * level;
}

/* Whether the blocks rise or fall beyond doubt. */
static bool is_sure(const struct blocks *blocks, struct arena *arena, struct change *slope)
{
    struct trend trend;
    trend_fit(blocks->values, blocks->count, arena, &trend);
    slope->p = trend.known ? trend.p : 1;
    return slope->p < slope_p;
}

void change_find(const double *values, size_t count, int64_t start, int64_t step_seconds,
                 const struct profile *profile, struct arena *arena, struct change *out)
{
    struct blocks blocks;
    struct change step = {.kind = CHANGE_STEP, .p = NAN};
    struct change slope = {.kind = CHANGE_SLOPE};
    *out = (struct change){.kind = CHANGE_NONE};
    if (step_seconds <= 0 || step_seconds > 1800) {
        return;
    }
    read_blocks(values, count, start, step_seconds, profile, arena, &blocks);
    if (blocks.known < LEAST_BLOCKS) {
        return;
    }
    double all = moments_of(&blocks, 0, blocks.count).squares;
    best_step(&blocks, all, &step);
    bool lasts = best_slope(&blocks, all, &slope);
    if (step.explained >= step_explains && step.explained > slope.explained && is_large(&step) &&
        is_sudden(&blocks, &step)) {
        *out = step;
    } else if (lasts && slope.explained >= slope_explains && slope.explained > step.explained - 0.05 &&
               is_large(&slope) && is_sure(&blocks, arena, &slope)) {
        *out = slope;
    }
}
