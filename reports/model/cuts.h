#ifndef TARE_REPORTS_MODEL_CUTS_H
#define TARE_REPORTS_MODEL_CUTS_H

/* What of a record a report reads, and how much of it at a time. */

#include <stdbool.h>

#include "pipeline/io/json.h"
#include "pipeline/io/json_skim.h"

/* What goes into the spool: how numbers came about and most usage figures are left out; with `charts` the series of usage and the
 * forecasts stay. Borrowed, static. */
const struct json_cut *report_cut_kept(bool charts);

/* What of that is read for details in words: all but what is drawn. Borrowed, static. */
const struct json_cut *report_cut_told(void);

/* What of that is read for sums, tables and lists. Borrowed, static. */
const struct json_cut *report_cut_brief(void);

/* Puts percentiles of each hour in the place of the usage series of a record that was read whole. */
void report_draw_hours(json_t *record);

#endif
