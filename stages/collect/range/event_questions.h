#ifndef TARE_COLLECT_EVENT_QUESTIONS_H
#define TARE_COLLECT_EVENT_QUESTIONS_H

/* What is asked about restarts and OOM kills: first which containers are known and which pods had any (one number a
 * container); only theirs are then read sample by sample, since counters that jump by one are wanted whole. */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "stages/collect/range/reading.h"

/* Reads restarts, OOM events, reasons and memory limits of the marked pods (NULL: all of the namespace) into the store; a
 * container whose counter stood still has a single sample of 0. Fails as reading_range. */
int event_questions(struct reading *reading, const bool *marked, struct err *err);

#endif
