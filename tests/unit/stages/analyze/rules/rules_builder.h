#ifndef TARE_TESTS_RULES_BUILDER_H
#define TARE_TESTS_RULES_BUILDER_H

/* Series of steps for tests of the rules. */

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/analyze/rules/figures.h"
#include "stages/analyze/rules/rules.h"

enum { DAY = 288, WEEK = 7 * DAY };

static inline int is_near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

#define NEAR(a, b) assert_true(is_near(a, b))

static inline struct steps steps_of(const double *values, size_t count)
{
    return (struct steps){.start = 1700438400, .step_seconds = 300, .count = count, .mean = values, .high = values};
}

/* A day's wave with noise and a gap here and there; the same for the same seed. */
static inline void fill_week(double values[WEEK], uint64_t seed)
{
    rng_seed(seed);
    for (size_t i = 0; i < WEEK; i++) {
        double wave = 100 + 60 * sin((double)(i % DAY) / DAY * 6.283185307179586);
        values[i] = rng_unit() < 0.03 ? NAN : wave * (0.8 + 0.4 * rng_unit()) + (rng_unit() < 0.01 ? 200 : 0);
    }
}

#endif
