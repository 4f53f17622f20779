#include "stages/analyze/statistics/trend.h"

#include <math.h>
#include <stdlib.h>

#include "stages/analyze/statistics/order.h"

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Two-sided p of Mann-Kendall's S over `sorted` (for the ties) of n values. */
static double kendall_p(double s, const double *sorted, size_t n)
{
    double size = (double)n;
    double variance = size * (size - 1) * (2 * size + 5);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && sorted[j] <= sorted[i]) {
            j++;
        }
        double tie = (double)(j - i);
        variance -= tie * (tie - 1) * (2 * tie + 5);
        i = j;
    }
    if (variance <= 0) {
        return 1;
    }
    double z = (s > 0 ? s - 1 : s < 0 ? s + 1 : 0) / sqrt(variance / 18);
    return erfc(fabs(z) / sqrt(2));
}

/* Pairwise slopes per hour into `slopes`; returns Mann-Kendall's S. */
static double pair_slopes(const double *x, const double *y, size_t n, double *slopes)
{
    double s = 0;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            slopes[k++] = (y[j] - y[i]) / (x[j] - x[i]);
            s += (y[j] > y[i]) - (y[j] < y[i]);
        }
    }
    return s;
}

void trend_fit_few(const double *values, size_t count, size_t least, struct arena *arena, struct trend *out)
{
    *out = (struct trend){.known = false, .per_step = 0, .p = 1, .median = 0};
    if (count > TREND_MAX) {
        values += count - TREND_MAX;
        count = TREND_MAX;
    }
    double *x = arena_alloc_array(arena, count + 1, sizeof *x);
    double *y = arena_alloc_array(arena, count + 1, sizeof *y);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            x[n] = (double)i;
            y[n++] = values[i];
        }
    }
    if (n < least || n < 2) {
        return;
    }
    size_t pairs = n * (n - 1) / 2;
    double *slopes = arena_alloc_array(arena, pairs, sizeof *slopes);
    double s = pair_slopes(x, y, n, slopes);
    out->known = true;
    out->per_step = order_median(slopes, pairs);
    qsort(y, n, sizeof *y, compare_doubles);
    out->median = y[n / 2];
    out->p = kendall_p(s, y, n);
}

void trend_fit(const double *values, size_t count, struct arena *arena, struct trend *out)
{
    trend_fit_few(values, count, TREND_MIN, arena, out);
}
