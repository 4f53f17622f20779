#ifndef TARE_ANALYZE_OPINION_FIGURE_H
#define TARE_ANALYZE_OPINION_FIGURE_H

/* Numbers as a model is told them: as many digits as mean something, and none for what is not known. */

#include "pipeline/io/json.h"

/* Sets a number with `digits` significant digits; leaves it out where it is not finite. */
void figure_put(json_t *out, const char *key, double value, int digits);

#endif
