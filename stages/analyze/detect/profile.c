#include "stages/analyze/detect/profile.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

enum { DAY = 86400, DAYS_MAX = 64, DAYS_NEEDED = 3, SMOOTH = 2 };

/* Means by day and slot. */
struct days {
    size_t count;
    double (*of)[PROFILE_SLOTS];
};

/* The slot of an instant, which may lie before 1970. */
static size_t slot_of(int64_t instant)
{
    return (size_t)((instant % DAY + DAY) % DAY / PROFILE_SLOT_SECONDS);
}

double profile_at(const struct profile *profile, int64_t instant)
{
    return profile->slots[slot_of(instant)];
}

/* Means of every slot of the last DAYS_MAX days; NaN where there is none. */
static void read_days(const double *values, size_t count, int64_t start, int64_t step, struct arena *arena,
                      struct days *out)
{
    size_t most = (size_t)DAYS_MAX * DAY / (size_t)step;
    size_t skip = count > most ? count - most : 0;
    int64_t first = (start + (int64_t)skip * step) / DAY;
    out->count = count == 0 ? 0 : (size_t)((start + (int64_t)(count - 1) * step) / DAY - first) + 1;
    out->of = arena_alloc_array(arena, out->count + 1, sizeof *out->of);
    double(*seen)[PROFILE_SLOTS] = arena_alloc_array(arena, out->count + 1, sizeof *seen);
    for (size_t i = skip; i < count; i++) {
        int64_t at = start + (int64_t)i * step;
        if (isfinite(values[i])) {
            out->of[at / DAY - first][slot_of(at)] += values[i];
            seen[at / DAY - first][slot_of(at)] += 1;
        }
    }
    for (size_t d = 0; d < out->count; d++) {
        for (size_t s = 0; s < PROFILE_SLOTS; s++) {
            out->of[d][s] = seen[d][s] > 0 ? out->of[d][s] / seen[d][s] : NAN;
        }
    }
}

/* Takes its own median from each day; drops days that are known for less than half. */
static void detrend_days(struct days *days)
{
    size_t kept = 0;
    for (size_t d = 0; d < days->count; d++) {
        double known[PROFILE_SLOTS];
        size_t count = 0;
        for (size_t s = 0; s < PROFILE_SLOTS; s++) {
            if (isfinite(days->of[d][s])) {
                known[count++] = days->of[d][s];
            }
        }
        if (count < PROFILE_SLOTS / 2) {
            continue;
        }
        double median = order_median(known, count);
        for (size_t s = 0; s < PROFILE_SLOTS; s++) {
            days->of[kept][s] = days->of[d][s] - median;
        }
        kept++;
    }
    days->count = kept;
}

/* The median of a few values, by insertion; reorders them. */
static double small_median(double *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        double value = values[i];
        size_t k = i;
        for (; k > 0 && values[k - 1] > value; k--) {
            values[k] = values[k - 1];
        }
        values[k] = value;
    }
    return count % 2 ? values[count / 2] : (values[count / 2] + values[count / 2 - 1]) / 2;
}

/* Smoothed medians of every `stride`th day from `first`. */
static void medians(const struct days *days, size_t first, size_t stride, double out[PROFILE_SLOTS])
{
    double raw[PROFILE_SLOTS];
    for (size_t s = 0; s < PROFILE_SLOTS; s++) {
        double known[DAYS_MAX + 2];
        size_t count = 0;
        for (size_t d = first; d < days->count; d += stride) {
            if (isfinite(days->of[d][s])) {
                known[count++] = days->of[d][s];
            }
        }
        raw[s] = count > 0 ? small_median(known, count) : 0;
    }
    for (size_t s = 0; s < PROFILE_SLOTS; s++) {
        out[s] = 0;
        for (size_t k = 0; k <= 2 * SMOOTH; k++) {
            out[s] += raw[(s + k + PROFILE_SLOTS - SMOOTH) % PROFILE_SLOTS] / (2 * SMOOTH + 1);
        }
    }
}

static double correlation(const double a[PROFILE_SLOTS], const double b[PROFILE_SLOTS])
{
    double mean_a = 0;
    double mean_b = 0;
    for (size_t s = 0; s < PROFILE_SLOTS; s++) {
        mean_a += a[s] / PROFILE_SLOTS;
        mean_b += b[s] / PROFILE_SLOTS;
    }
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (size_t s = 0; s < PROFILE_SLOTS; s++) {
        ab += (a[s] - mean_a) * (b[s] - mean_b);
        aa += (a[s] - mean_a) * (a[s] - mean_a);
        bb += (b[s] - mean_b) * (b[s] - mean_b);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

void profile_make(const double *values, size_t count, int64_t start, int64_t step_seconds,
                  struct arena *arena, struct profile *out)
{
    struct days days;
    double odd[PROFILE_SLOTS];
    double even[PROFILE_SLOTS];
    *out = (struct profile){.agreement = 0};
    read_days(values, count, start, step_seconds, arena, &days);
    detrend_days(&days);
    if (days.count < DAYS_NEEDED) {
        return;
    }
    medians(&days, 0, 2, even);
    medians(&days, 1, 2, odd);
    out->agreement = fmax(0, correlation(odd, even));
    medians(&days, 0, 1, out->slots);
    for (size_t s = 0; s < PROFILE_SLOTS; s++) {
        out->slots[s] *= out->agreement;
        out->lowest = fmin(out->lowest, out->slots[s]);
        out->highest = fmax(out->highest, out->slots[s]);
    }
}
