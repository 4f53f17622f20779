#include "stages/analyze/forecast/growth.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"
#include "stages/analyze/statistics/trend.h"

enum { DAY = 86400, HOUR = 3600, DAYS_MAX = 49, DAYS_MIN = 6 };

/* A trend that chance gives less often is one. */
static const double chance = 0.01;

/* Over all days it must be a twentieth of the level to matter. */
static const double matters = 0.05;

/* The later half must rise at least by this share of the whole. */
static const double lasting = 0.5;

/* A process that climbs by less of its memory a day is not looked at by itself. */
static const double climb_a_day = 0.05;

/* Figure of some steps: CPU the 95th percentile of the means, memory the peak. NaN where less than half of them is known. */
static double figure_of(const struct steps *steps, enum resource resource, size_t from, size_t count, double *scratch)
{
    size_t n = 0;
    double peak = NAN;
    for (size_t i = from; i < from + count; i++) {
        if (isfinite(steps->mean[i])) {
            scratch[n++] = steps->mean[i];
            peak = fmax(peak, fmax(steps->mean[i], steps->high[i]));
        }
    }
    if (2 * n < count) {
        return NAN;
    }
    return resource == MEMORY ? peak : order_quantile(scratch, n, 0.95);
}

/* Figures of the last spans of `seconds`, the latest last, into `out`. Returns how many. */
static size_t figures_of_spans(const struct steps *steps, enum resource resource, int64_t seconds, size_t most, struct arena *arena,
                               double *out)
{
    size_t each = (size_t)(seconds / steps->step_seconds);
    size_t spans = each > 0 ? steps->count / each : 0;
    double *scratch = arena_alloc_array(arena, each + 1, sizeof *scratch);
    spans = spans < most ? spans : most;
    for (size_t i = 0; i < spans; i++) {
        out[i] = figure_of(steps, resource, steps->count - (spans - i) * each, each, scratch);
    }
    return spans;
}

/* Whether the later half of the days goes on as all of them: what fills up and levels off does not. */
static bool goes_on(const double *days, size_t count, double per_day, struct arena *arena)
{
    struct trend late;
    size_t half = count / 2 + 1;
    trend_fit_few(days + count - half, half, 2, arena, &late);
    return late.known && late.per_step / per_day >= lasting;
}

/* Where the line through the days stands on the last one. */
static double line_end(const double *days, size_t count, double per_day)
{
    double ends[DAYS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(days[i])) {
            ends[n++] = days[i] + per_day * (double)(count - 1 - i);
        }
    }
    return order_median(ends, n);
}

/* Memory that climbs as long as its processes live, whatever the days look like: from where it stands in the last hour. */
static void growth_by_lives(const struct steps *steps, const struct climb *climb, struct arena *arena, struct growth *out)
{
    double hour;
    *out = (struct growth){.known = true, .sure = true, .per_day = 24 * climb->per_step, .p = climb->p, .now = out->now};
    if (figures_of_spans(steps, MEMORY, HOUR, 1, arena, &hour) == 1 && isfinite(hour)) {
        out->now = hour;
    }
}

void growth_read(const struct steps *steps, enum resource resource, const struct climb *climb, struct arena *arena,
                 struct growth *out)
{
    double days[DAYS_MAX];
    struct trend trend;
    *out = (struct growth){.per_day = NAN, .p = NAN, .now = NAN};
    if (steps->count == 0 || steps->step_seconds <= 0 || steps->step_seconds > HOUR) {
        return;
    }
    size_t count = figures_of_spans(steps, resource, DAY, DAYS_MAX, arena, days);
    out->now = count > 0 ? days[count - 1] : NAN;
    trend_fit_few(days, count, DAYS_MIN, arena, &trend);
    if (trend.known) {
        out->known = true;
        out->per_day = trend.per_step;
        out->p = trend.p;
        out->sure = trend.p < chance && fabs(trend.per_step) * (double)count > matters * trend.median &&
                    goes_on(days, count, trend.per_step, arena);
        out->now = out->sure ? line_end(days, count, trend.per_step) : out->now;
    }
    if (!out->sure && climb && climb_lasts(climb, climb_a_day, 24)) {
        growth_by_lives(steps, climb, arena, out);
    }
}
