#ifndef TARE_REPORTS_MODEL_HOURS_H
#define TARE_REPORTS_MODEL_HOURS_H

/* Percentiles of each hour, out of the steps of five minutes that a usage record keeps. */

#include "pipeline/io/json.h"

/* New {"p50","p90","max"} of a resource of a container: rows in the form of pipeline/run/series.h, an entry an hour. p50 and p90 are order
 * statistics of the hour's means of five minutes, max is the hour's largest sample. Where the steps are not those of the hours:
 * {"mean","max"} as the record has them. */
json_t *report_hours(const json_t *resource);

#endif
