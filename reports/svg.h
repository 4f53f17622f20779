#ifndef TARE_REPORTS_SVG_H
#define TARE_REPORTS_SVG_H

/* Charts as inline SVG: presentation by classes of report.css only, so that they follow light and dark and a
 * strict content policy allows them. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "reports/model.h"

enum { SVG_HOURS_MAX = 24 * 62 };

/* Usage of one resource of one container by hour, against its request and limit. NaN for hours without samples. */
struct svg_usage {
    enum report_field request; /* CPU_REQUEST or MEMORY_REQUEST */
    enum report_field limit;
    const struct report_container *container;
    size_t hours;
    double mean[SVG_HOURS_MAX];
    double upper[SVG_HOURS_MAX]; /* the largest sample */
    int64_t start;               /* of the first hour; 0 unknown */
};

/* Takes what the chart needs out of a container's usage; false when there is no hourly profile that can be read. */
bool svg_usage_from(const struct report_row *row, const struct report_container *container,
                    enum report_field request, struct svg_usage *out);

/* Adds the <figure> with caption, chart and legend. */
void svg_usage_chart(const struct svg_usage *usage, struct buf *out);

/* Adds the <figure> of a forecast with its band, and the request where it is near; false (and nothing added) where it cannot be read. */
bool svg_forecast_chart(const json_t *forecast, const struct report_container *container, enum report_field field, struct buf *out);

/* Adds a bar of `share` (0..1) of its width; `saving` chooses its colour. */
void svg_bar(double share, bool saving, struct buf *out);

#endif
