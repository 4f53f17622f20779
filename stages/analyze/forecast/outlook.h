#ifndef TARE_ANALYZE_FORECAST_OUTLOOK_H
#define TARE_ANALYZE_FORECAST_OUTLOOK_H

/* When usage will cross the request, the limit and the quota of its namespace, if it goes on as it went. README.md. */

#include "stages/analyze/forecast/forecast.h"
#include "stages/analyze/sizing/sizing.h"

/* New member `outlook` {containers:{NAME:{RESOURCE:{per_day,p_value,now,crosses:{request,limit,advised_request,advised_limit}}}},
 * quotas:[{name,resource,hard,used,per_day,at,days}]}, null where nothing can be said. Today's amounts and those of the settled
 * plan both count. */
json_t *outlook_new(const struct plan *plan, const struct forecasts *forecasts, struct arena *arena);

#endif
