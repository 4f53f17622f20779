#ifndef TARE_REPORTS_SLIM_H
#define TARE_REPORTS_SLIM_H

/* What of a record goes into the report's spool. */

#include <stdbool.h>

#include "pipeline/io/json.h"

/* New record with what reports show: how numbers came about and most usage figures left out; with `charts` the
 * hourly means and peaks and the forecasts stay. Parts that stay as they are are shared with `record`. */
json_t *report_slim(const json_t *record, bool charts);

#endif
