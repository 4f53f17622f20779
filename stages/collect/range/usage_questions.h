#ifndef TARE_COLLECT_USAGE_QUESTIONS_H
#define TARE_COLLECT_USAGE_QUESTIONS_H

/* What is asked about the use of CPU and memory, and about throttling. */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "stages/collect/range/reading.h"

/* Reads memory, rates of CPU and hourly increases of CFS periods of the marked pods (NULL: all of the namespace) into the
 * store. Fails as reading_range. */
int usage_questions(struct reading *reading, const bool *marked, struct err *err);

#endif
