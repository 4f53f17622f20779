#include "stages/analyze/rules/rules.h"

#include <math.h>

/* A percentile that is known. */
struct knot {
    double q, value;
};

/* Where a share of `q` per hundred lies on the scale on which tails are nearly straight lines. */
static double place(double q)
{
    return -log(1 - fmin(q, 99.999) / 100);
}

/* Puts what is known in order of q; values never fall. Returns how many. */
static size_t knots_of(const struct figures *use, struct knot knots[8])
{
    const struct knot all[] = {{50, use->weighted_p50 > 0 ? use->weighted_p50 : use->p50},
                               {90, use->p90},
                               {95, use->weighted_p95},
                               {98, use->weighted_p98 > 0 ? use->weighted_p98 : NAN},
                               {99, use->weighted_p99},
                               {99.5, use->p995},
                               {100, use->max}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (isfinite(all[i].value)) {
            knots[count] = all[i];
            if (count > 0 && knots[count - 1].value > knots[count].value) {
                knots[count].value = knots[count - 1].value;
            }
            count++;
        }
    }
    return count;
}

double rule_percentile(const struct figures *use, double q)
{
    struct knot knots[8];
    size_t count = knots_of(use, knots);
    if (count == 0) {
        return NAN;
    }
    for (size_t i = 0; i < count; i++) {
        if (q > knots[i].q + 1e-9) {
            continue;
        }
        if (i == 0 || q > knots[i].q - 1e-9) {
            return knots[i].value;
        }
        double from = place(knots[i - 1].q);
        double share = (place(q) - from) / (place(knots[i].q) - from);
        return knots[i - 1].value + share * (knots[i].value - knots[i - 1].value);
    }
    return knots[count - 1].value;
}
