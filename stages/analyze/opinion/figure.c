#include "stages/analyze/opinion/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* 123456 in 3 digits is 123000. */
static double figure_rounded(double value, int digits)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
    return strtod(text, NULL);
}

void figure_put(json_t *out, const char *key, double value, int digits)
{
    if (!isfinite(value)) {
        return;
    }
    double rounded = figure_rounded(value, digits);
    bool whole = fabs(rounded) < 9e15 && !(rounded > floor(rounded));
    json_object_set_new(out, key, whole ? json_integer((json_int_t)rounded) : json_real(rounded));
}
