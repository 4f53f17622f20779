#ifndef TARE_HARNESS_ADVICE_FINDINGS_RECORD_H
#define TARE_HARNESS_ADVICE_FINDINGS_RECORD_H

/* What a record's findings say of a series: the whole way from `usage` to `recommendation.findings`. */

#include "pipeline/base/arena.h"
#include "tests/harness/advice_series.h"

/* Scores of 1 for the steps between start and end of each finding of the series that the detector of record
 * made, else 0. The series is the CPU of one container: of a machine of four cores where it is a share, else
 * scaled so that its highest value is four cores. */
void findings_of_record(const struct advice_series *series, struct arena *arena, double *scores);

#endif
