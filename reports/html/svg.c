#include "reports/html/svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"
#include "pipeline/run/series.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/insight.h"

enum {
    HOUR = 3600,
    POINTS_MAX = 336,
    MARKS_MAX = 8,
    BAR_WIDTH = 120,
    BAR_HEIGHT = 8,
    LABEL_MAX = 4 * FIGURE_MAX
};

/* Limits far above everything else would press the usage flat: then they are named, not drawn. */
static const double limit_stretch = 2.5;
/* What lasts nearly as long as the window marks nothing in it. */
static const double mark_share_max = 0.8;

enum curve { MIDDLE, HIGH, PEAK, CURVES };

/* Usage of one resource of one container by hour. NaN for hours without samples. */
struct usage {
    enum report_field request;
    enum report_field limit;
    const struct report_container *container;
    bool percentiles; /* else the middle is the mean, and there is no HIGH */
    struct plot_axis axis;
    double values[CURVES][SVG_HOURS_MAX];
    double peak;
    double top;
};

static bool read_curve(const json_t *hourly, const char *name, double *values, size_t *count)
{
    const json_t *series = json_object_get(hourly, name);
    return series_length(series) <= SVG_HOURS_MAX && series_read(series, values, SVG_HOURS_MAX, count) == 0;
}

/* Long windows have more hours than a phone has pixels: then several make one entry, which is their largest.
 */
static void fold(struct usage *usage)
{
    size_t hours = usage->axis.count;
    size_t by = (hours + POINTS_MAX - 1) / POINTS_MAX;
    if (by < 2) {
        return;
    }
    for (int c = 0; c < CURVES; c++) {
        double *values = usage->values[c];
        for (size_t i = 0; i < hours; i++) {
            values[i / by] = i % by == 0 ? values[i] : fmax(values[i / by], values[i]);
        }
    }
    usage->axis.count = (hours + by - 1) / by;
    usage->axis.step *= (int64_t)by;
}

static bool read_usage(const struct report_row *row, const struct report_container *container,
                       enum report_field request, struct usage *out)
{
    const char *key = request == CPU_REQUEST ? "cpu_millicores" : "memory_bytes";
    const json_t *hourly = json_object_get(json_object_get(container->usage, key), "hourly");
    const char *start = json_string_or_null(json_at(row->record, "usage.window"), "start");
    size_t count[CURVES] = {0};
    out->request = request;
    out->limit = request == CPU_REQUEST ? CPU_LIMIT : MEMORY_LIMIT;
    out->container = container;
    out->percentiles = json_object_get(hourly, "p50") != NULL;
    out->axis = (struct plot_axis){.step = HOUR};
    if (start != NULL && time_parse(start, &out->axis.start, NULL)) {
        out->axis.start = 0;
    }
    if (!read_curve(hourly, "max", out->values[PEAK], &count[PEAK]) ||
        !read_curve(hourly, out->percentiles ? "p50" : "mean", out->values[MIDDLE], &count[MIDDLE]) ||
        (out->percentiles && !read_curve(hourly, "p90", out->values[HIGH], &count[HIGH]))) {
        return false;
    }
    out->axis.count = count[PEAK];
    fold(out);
    return count[PEAK] > 1 && count[MIDDLE] == count[PEAK] &&
           (!out->percentiles || count[HIGH] == count[PEAK]);
}

bool svg_usage_axis(const struct report_row *row, struct plot_axis *out)
{
    struct usage usage;
    for (size_t i = 0; i < row->container_count; i++) {
        if (read_usage(row, &row->containers[i], CPU_REQUEST, &usage)) {
            *out = usage.axis;
            return usage.axis.start > 0;
        }
    }
    return false;
}

static double peak_of(const double *values, size_t count)
{
    double peak = 0;
    for (size_t i = 0; i < count; i++) {
        peak = fmax(peak, values[i]);
    }
    return peak;
}

static void scale(struct usage *usage)
{
    const struct report_container *c = usage->container;
    usage->peak = fmax(peak_of(usage->values[PEAK], usage->axis.count),
                       peak_of(usage->values[MIDDLE], usage->axis.count));
    double top = fmax(usage->peak, fmax((double)c->now[usage->request], (double)c->next[usage->request]));
    double limit = fmax((double)c->now[usage->limit], (double)c->next[usage->limit]);
    top = limit > top && limit <= limit_stretch * top ? limit : top;
    usage->top = plot_top(top, usage->request == CPU_REQUEST);
}

static void amount_key(const struct usage *usage, const int64_t *amounts, enum report_field field,
                       const char *class, const char *name, struct buf *out)
{
    char amount[FIGURE_MAX];
    char text[LABEL_MAX];
    if (amounts[field] >= 0) {
        snprintf(text, sizeof text, "%s %s%s", name, figure_amount(field, amounts[field], amount),
                 (double)amounts[field] > usage->top ? " (above)" : "");
        plot_key(out, class, text);
    }
}

static void legend(const struct usage *usage, struct buf *out)
{
    const struct report_container *c = usage->container;
    bool moves = c->now[usage->request] != c->next[usage->request];
    bool limit_moves = c->now[usage->limit] != c->next[usage->limit];
    buf_add_str(out, "<ul class=lg>");
    plot_key(out, "a", usage->percentiles ? "median" : "mean");
    if (usage->percentiles) {
        plot_key(out, "u", "p90");
    }
    plot_key(out, "m", "peak");
    amount_key(usage, c->now, usage->request, "rn", moves ? "request now" : "request", out);
    if (moves) {
        amount_key(usage, c->next, usage->request, "rx", "request new", out);
    }
    amount_key(usage, c->now, usage->limit, "ln", limit_moves ? "limit now" : "limit", out);
    if (limit_moves) {
        amount_key(usage, c->next, usage->limit, "lx", "limit new", out);
    }
    buf_add_str(out, "</ul>");
}

static void levels(const struct usage *usage, struct buf *out)
{
    const struct report_container *c = usage->container;
    plot_level(out, "ln", (double)c->now[usage->limit], &usage->axis, usage->top);
    if (c->next[usage->limit] != c->now[usage->limit]) {
        plot_level(out, "lx", (double)c->next[usage->limit], &usage->axis, usage->top);
    }
    plot_level(out, "rn", (double)c->now[usage->request], &usage->axis, usage->top);
    if (c->next[usage->request] != c->now[usage->request]) {
        plot_level(out, "rx", (double)c->next[usage->request], &usage->axis, usage->top);
    }
}

/* The field of a finding: from entry to entry, and its number in the list of findings. */
struct mark {
    double from;
    double to;
    size_t number;
    int severity;
};

static bool mark_of(const struct usage *usage, const json_t *finding, struct mark *out)
{
    const char *resource = json_string_or_null(finding, "resource");
    const char *container = json_string_or_null(finding, "container");
    const char *start = json_string_or_null(finding, "start");
    const char *end = json_string_or_null(finding, "end");
    int64_t from = 0;
    int64_t to = 0;
    const struct plot_axis *axis = &usage->axis;
    double last = (double)(axis->count - 1);
    if (!str_equal(resource, usage->request == CPU_REQUEST ? "cpu" : "memory") ||
        !str_equal(container, usage->container->name) || start == NULL || end == NULL || axis->start == 0 ||
        time_parse(start, &from, NULL) || time_parse(end, &to, NULL)) {
        return false;
    }
    out->from = fmin(fmax((double)(from - axis->start) / (double)axis->step, 0), last);
    out->to = fmin((double)(to - axis->start) / (double)axis->step, last);
    out->to = fmax(out->to, out->from + 1);
    out->severity = insight_severity(finding);
    return out->to - out->from < mark_share_max * last && to >= axis->start;
}

static size_t read_marks(const struct usage *usage, const struct report_row *row,
                         struct mark marks[MARKS_MAX])
{
    const json_t *findings = json_at(row->record, "recommendation.findings");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(findings) && count < MARKS_MAX; i++) {
        marks[count].number = i + 1;
        count += mark_of(usage, json_array_get(findings, i), &marks[count]);
    }
    return count;
}

static void draw_marks(const struct mark *marks, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "<path class=\"f f%d\" d=\"M%.1f 0H%.1fV%dH%.1fz\"/>", marks[i].severity >= 3 ? 2 : 1,
                   marks[i].from, marks[i].to, PLOT_TALL, marks[i].from);
    }
}

/* Numbers of marks stand side by side where they would meet. */
static void number_marks(const struct usage *usage, const struct mark *marks, size_t count, struct buf *out)
{
    double free_from = 0;
    for (size_t i = 0; i < count; i++) {
        double x =
            PLOT_LEFT + PLOT_WIDE * (marks[i].from + marks[i].to) / 2 / (double)(usage->axis.count - 1);
        x = fmax(x, free_from);
        free_from = x + 9;
        buf_printf(out, "<text class=\"x q\" x=%.0f y=%d>%zu</text>", x, PLOT_TOP - 3, marks[i].number);
    }
}

static void description(const struct usage *usage, char out[LABEL_MAX])
{
    const struct report_container *c = usage->container;
    char peak[FIGURE_MAX];
    char request[FIGURE_MAX];
    char limit[FIGURE_MAX];
    snprintf(out, LABEL_MAX, "%s by hour, peak %s; request %s, limit %s",
             usage->request == CPU_REQUEST ? "CPU" : "Memory",
             figure_measured(usage->request, usage->peak, peak),
             figure_pair(usage->request, c->now[usage->request], c->next[usage->request], " to ", request),
             figure_pair(usage->limit, c->now[usage->limit], c->next[usage->limit], " to ", limit));
}

static void draw(const struct usage *usage, const struct report_row *row, const struct plot_axis *shared,
                 struct buf *out)
{
    char label[LABEL_MAX];
    struct mark marks[MARKS_MAX];
    size_t marked = read_marks(usage, row, marks);
    size_t count = usage->axis.count;
    buf_printf(out, "<figure><figcaption><b>%s</b> of <bdi>",
               usage->request == CPU_REQUEST ? "CPU" : "Memory");
    escape_html(out, usage->container->name);
    buf_add_str(out, "</bdi> by hour (UTC)</figcaption>");
    description(usage, label);
    plot_begin(out, &usage->axis, shared, usage->top, usage->request, label);
    draw_marks(marks, marked, out);
    plot_area(out, "a", usage->values[MIDDLE], count, usage->top);
    plot_curve(out, "m", usage->values[PEAK], count, usage->top);
    if (usage->percentiles) {
        plot_curve(out, "u", usage->values[HIGH], count, usage->top);
    }
    levels(usage, out);
    plot_inner_end(out);
    number_marks(usage, marks, marked, out);
    plot_end(out);
    legend(usage, out);
    buf_add_str(out, "</figure>\n");
}

void svg_usage_chart(const struct report_row *row, const struct report_container *container,
                     enum report_field request, const struct plot_axis *shared, struct buf *out)
{
    struct usage usage;
    if (read_usage(row, container, request, &usage)) {
        scale(&usage);
        draw(&usage, row, shared, out);
    }
}

void svg_bar(double share, bool saving, struct buf *out)
{
    double width = BAR_WIDTH * fmin(fmax(share, 0), 1);
    buf_printf(out,
               "<svg class=\"bar\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" aria-hidden=\"true\">"
               "<rect class=\"rest\" width=\"%d\" height=\"%d\" rx=\"4\"/>"
               "<rect class=\"%s\" width=\"%.1f\" height=\"%d\" rx=\"4\"/></svg>",
               BAR_WIDTH, BAR_HEIGHT, BAR_WIDTH, BAR_HEIGHT, BAR_WIDTH, BAR_HEIGHT, saving ? "less" : "more",
               width, BAR_HEIGHT);
}
