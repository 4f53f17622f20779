#include "stages/analyze/detect/extra.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

void textbook_make(const double *values, size_t count, struct arena *arena, struct textbook *out)
{
    double *known = arena_alloc_array(arena, count + 1, sizeof *known);
    size_t n = 0;
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            known[n++] = values[i];
            double apart = values[i] - mean;
            mean += apart / (double)n;
            squares += apart * (values[i] - mean);
        }
    }
    *out = (struct textbook){.mean = mean, .deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN};
    out->quarter = order_quantile(known, n, 0.25);
    out->three_quarters = order_quantile(known, n, 0.75);
}

/* Mean of the known ones of `before` values that end before `place`; NaN of none. */
static double mean_before(const double *values, size_t place, size_t before)
{
    double sum = 0;
    double seen = 0;
    for (size_t i = place > before ? place - before : 0; i < place; i++) {
        if (isfinite(values[i])) {
            sum += values[i];
            seen += 1;
        }
    }
    return sum / seen;
}

json_t *textbook_json(const struct textbook *textbook, const double *values, size_t place, size_t before,
                      double value)
{
    json_t *out = json_object();
    double range = textbook->three_quarters - textbook->quarter;
    double beyond = fmax(0, fmax(textbook->quarter - value, value - textbook->three_quarters));
    json_object_set_new(out, "z_score", json_real_or_null((value - textbook->mean) / textbook->deviation));
    json_object_set_new(out, "iqr_fences", json_real_or_null(beyond / range));
    json_object_set_new(out, "rolling_average_ratio",
                        json_real_or_null(value / mean_before(values, place, before)));
    return out;
}
