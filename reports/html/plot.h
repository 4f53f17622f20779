#ifndef TARE_REPORTS_HTML_PLOT_H
#define TARE_REPORTS_HTML_PLOT_H

/*
 * The field that curves are drawn in, as lean as ten thousand of them must be: an inner <svg> whose unit is
 * one entry wide and PLOT_TALL high, so that paths are small whole numbers; grid, axis and keys are drawn
 * once a page and shared by <use>. Everything looks by classes of report.css, so charts follow light and dark
 * and a strict content policy allows them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "reports/model/model.h"

enum { PLOT_TALL = 116, PLOT_LEFT = 40, PLOT_TOP = 12, PLOT_WIDE = 296, PLOT_AXIS_MAX = 16 };

/* A time axis: `count` entries from `start` (seconds since the epoch; 0 unknown), `step` seconds each. */
struct plot_axis {
    int64_t start;
    int64_t step;
    size_t count;
};

/* The grid, the keys of legends and the axis that most charts share, once a page before the first chart.
 * `shared` may have no entries. */
void plot_definitions(const struct plot_axis *shared, struct buf *out);

/* A round top of the field that is at least `peak`: four steps of the grid. */
double plot_top(double peak, bool cpu);

/* Opens the drawing up to the curves: grid, amounts, axis (shared where it equals `shared`). `label` is plain
 * text for who cannot see it. */
void plot_begin(struct buf *out, const struct plot_axis *axis, const struct plot_axis *shared, double top,
                enum report_field field, const char *label);

/* Closes the inner and the outer drawing; marks that are not to be stretched may come between. */
void plot_inner_end(struct buf *out);
void plot_end(struct buf *out);

/* A line through values, which breaks where they are NaN. */
void plot_curve(struct buf *out, const char *class, const double *values, size_t count, double top);

/* The area below values. */
void plot_area(struct buf *out, const char *class, const double *values, size_t count, double top);

/* The area between two rows of known values. */
void plot_band(struct buf *out, const char *class, const double *lower, const double *upper, size_t count,
               double top);

/* A level over the whole width; nothing where it is negative or above the field. */
void plot_level(struct buf *out, const char *class, double amount, const struct plot_axis *axis, double top);

/* An entry of a legend: the key of a class, and text (escaped by the caller). */
void plot_key(struct buf *out, const char *class, const char *text);

#endif
