#ifndef TARE_REPORTS_HTML_SVG_H
#define TARE_REPORTS_HTML_SVG_H

/* The charts of the page. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "reports/html/plot.h"
#include "reports/model/model.h"

enum { SVG_HOURS_MAX = 24 * 62 };

/* The axis of the workload's hours; false where it has no usage by hour. */
bool svg_usage_axis(const struct report_row *row, struct plot_axis *out);

/* Adds the <figure> of a container's use of CPU (CPU_REQUEST) or memory by hour, with requests, limits, and
 * the findings of that time; nothing where there is no hourly profile that can be read. `shared`: the axis
 * that plot_definitions drew. */
void svg_usage_chart(const struct report_row *row, const struct report_container *container,
                     enum report_field request, const struct plot_axis *shared, struct buf *out);

/* Adds the <figure> of a forecast with its band, and the request where it is near; nothing where it cannot be
 * read. */
void svg_forecast_chart(const json_t *forecast, const struct report_container *container,
                        enum report_field field, struct buf *out);

/* Adds the <figure> of the cost of the last runs and of what their plans would have made of it; nothing for
 * less than two. */
void svg_trend_chart(const struct report_past *past, struct buf *out);

/* Adds a bar of `share` (0..1) of its width; `saving` chooses its colour. */
void svg_bar(double share, bool saving, struct buf *out);

#endif
