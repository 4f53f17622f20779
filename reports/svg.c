#include "reports/svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "pipeline/io/json.h"
#include "pipeline/run/series.h"
#include "reports/escape.h"
#include "reports/figures.h"

/* The drawing's own units: about the pixels of a phone, so that text stays readable there. */
enum {
    WIDTH = 340,
    HEIGHT = 150,
    LEFT = 42,
    RIGHT = 334,
    TOP = 8,
    BOTTOM = 128,
    GRID_LINES = 3,
    HOUR = 3600,
    DAY = 86400,
    LABEL_HALF = 12
};

enum { BAR_WIDTH = 120, BAR_HEIGHT = 8 };

/* Limits far above everything else would press the usage flat: then they are named, not drawn. */
static const double limit_stretch = 2.5;

struct scale {
    double top;
    size_t hours;
};

static const char *resource_key(enum report_field request)
{
    return request == CPU_REQUEST ? "cpu_millicores" : "memory_bytes";
}

bool svg_usage_from(const struct report_row *row, const struct report_container *container,
                    enum report_field request, struct svg_usage *out)
{
    const json_t *hourly =
        json_object_get(json_object_get(container->usage, resource_key(request)), "hourly");
    const json_t *mean = json_object_get(hourly, "mean");
    const json_t *upper = json_object_get(hourly, "max");
    size_t means = 0;
    out->request = request;
    out->limit = request == CPU_REQUEST ? CPU_LIMIT : MEMORY_LIMIT;
    out->container = container;
    out->start = 0;
    const char *start = json_string_or_null(json_at(row->record, "usage.window"), "start");
    if (start != NULL && time_parse(start, &out->start, NULL)) {
        out->start = 0;
    }
    return series_length(mean) <= SVG_HOURS_MAX && series_length(upper) <= SVG_HOURS_MAX &&
           series_read(mean, out->mean, SVG_HOURS_MAX, &means) == 0 &&
           series_read(upper, out->upper, SVG_HOURS_MAX, &out->hours) == 0 && out->hours == means &&
           out->hours > 1;
}

static double peak_of(const double *values, size_t count)
{
    double peak = 0;
    for (size_t i = 0; i < count; i++) {
        peak = fmax(peak, values[i]);
    }
    return peak;
}

/* A round step: 1, 2 or 5 times a power of ten for CPU; a power of two for memory. */
static double round_step(double rough, bool cpu)
{
    if (!cpu) {
        return exp2(ceil(log2(rough)));
    }
    double power = pow(10, floor(log10(rough)));
    double lead = rough / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

static struct scale scale_of(const struct svg_usage *usage)
{
    const struct report_container *c = usage->container;
    double top = fmax(peak_of(usage->upper, usage->hours), peak_of(usage->mean, usage->hours));
    top = fmax(top, fmax((double)c->now[usage->request], (double)c->next[usage->request]));
    double limit = fmax((double)c->now[usage->limit], (double)c->next[usage->limit]);
    top = limit > top && limit <= limit_stretch * top ? limit : top;
    return (struct scale){.top = top > 0 ? top * 1.06 : 1, .hours = usage->hours};
}

static double x_of(const struct scale *scale, double hour)
{
    return LEFT + (RIGHT - LEFT) * hour / (double)(scale->hours - 1);
}

static double y_of(const struct scale *scale, double value)
{
    return BOTTOM - (BOTTOM - TOP) * fmin(value / scale->top, 1);
}

static void grid(const struct svg_usage *usage, const struct scale *scale, struct buf *out)
{
    bool cpu = usage->request == CPU_REQUEST;
    double step = round_step(scale->top / (GRID_LINES + 1), cpu);
    for (double value = 0; value <= scale->top; value += step) {
        char text[FIGURE_MAX];
        double y = y_of(scale, value);
        buf_printf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, y, RIGHT);
        buf_printf(out, "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 4,
                   y + 3, figure_measured(usage->request, value, text));
    }
}

/* Midnights in UTC, named by their day of the month. */
static void days(const struct svg_usage *usage, const struct scale *scale, struct buf *out)
{
    if (usage->start == 0) {
        return;
    }
    int64_t end = usage->start + (int64_t)scale->hours * HOUR;
    int64_t every = scale->hours > 24 * 10 ? 7 * DAY : DAY;
    for (int64_t at = (usage->start + DAY - 1) / DAY * DAY; at < end; at += every) {
        int64_t year = 0;
        int month = 0;
        int day = 0;
        days_to_date(at / DAY, &year, &month, &day);
        double x = x_of(scale, (double)(at - usage->start) / HOUR);
        if (x <= RIGHT) {
            buf_printf(out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>", x, TOP, BOTTOM);
        }
        if (x <= RIGHT - LABEL_HALF) {
            buf_printf(out,
                       "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%02d-%02d</text>", x,
                       BOTTOM + 14, month, day);
        }
    }
}

/* The line through the values; it breaks where hours have none. */
static void curve(const double *values, const struct scale *scale, const char *class, struct buf *out)
{
    bool pen_down = false;
    buf_printf(out, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < scale->hours; i++) {
        bool known = !isnan(values[i]);
        if (known) {
            buf_printf(out, "%c%.1f %.1f", pen_down ? 'L' : 'M', x_of(scale, (double)i), y_of(scale, values[i]));
        }
        pen_down = known;
    }
    buf_add_str(out, "\"/>");
}

/* The filled area under the values, one piece for each run of known hours. */
static void area(const double *values, const struct scale *scale, struct buf *out)
{
    bool pen_down = false;
    buf_add_str(out, "<path class=\"mean\" d=\"");
    for (size_t i = 0; i <= scale->hours; i++) {
        bool known = i < scale->hours && !isnan(values[i]);
        double x = x_of(scale, (double)(known ? i : i - (i > 0)));
        if (known && !pen_down) {
            buf_printf(out, "M%.1f %d", x, BOTTOM);
        }
        if (known) {
            buf_printf(out, "L%.1f %.1f", x, y_of(scale, values[i]));
        } else if (pen_down) {
            buf_printf(out, "V%dZ", BOTTOM);
        }
        pen_down = known;
    }
    buf_add_str(out, "\"/>");
}

static void level(int64_t amount, const struct scale *scale, const char *class, struct buf *out)
{
    if (amount >= 0 && (double)amount <= scale->top) {
        buf_printf(out, "<path class=\"%s\" d=\"M%d %.1fH%d\"/>", class, LEFT, y_of(scale, (double)amount),
                   RIGHT);
    }
}

static void key(struct buf *out, const char *class, const char *name, const char *value)
{
    buf_printf(out,
               "<li><svg class=\"key\" viewBox=\"0 0 18 8\" width=\"18\" height=\"8\" aria-hidden=\"true\">"
               "<path class=\"%s\" d=\"M1 4H17\"/></svg> %s%s%s</li>",
               class, name, value[0] == '\0' ? "" : " ", value);
}

static void level_key(struct buf *out, const struct scale *scale, enum report_field field,
                      const int64_t *amounts, const char *class, const char *name)
{
    char text[FIGURE_MAX];
    if (amounts[field] < 0) {
        return;
    }
    figure_amount(field, amounts[field], text);
    char value[2 * FIGURE_MAX];
    snprintf(value, sizeof value, "%s%s", text,
             (double)amounts[field] > scale->top ? " (above the chart)" : "");
    key(out, class, name, value);
}

static void legend(const struct svg_usage *usage, const struct scale *scale, struct buf *out)
{
    const struct report_container *c = usage->container;
    bool moves = c->now[usage->request] != c->next[usage->request];
    bool limit_moves = c->now[usage->limit] != c->next[usage->limit];
    buf_add_str(out, "<ul class=\"legend\">");
    key(out, "mean-key", "mean", "");
    key(out, "upper", "peak", "");
    level_key(out, scale, usage->request, c->now, "req-now", moves ? "request now" : "request");
    if (moves) {
        level_key(out, scale, usage->request, c->next, "req-new", "request new");
    }
    level_key(out, scale, usage->limit, c->now, "lim-now", limit_moves ? "limit now" : "limit");
    if (limit_moves) {
        level_key(out, scale, usage->limit, c->next, "lim-new", "limit new");
    }
    buf_add_str(out, "</ul>");
}

static void levels(const struct svg_usage *usage, const struct scale *scale, struct buf *out)
{
    const struct report_container *c = usage->container;
    level(c->now[usage->limit], scale, "lim-now", out);
    if (c->next[usage->limit] != c->now[usage->limit]) {
        level(c->next[usage->limit], scale, "lim-new", out);
    }
    level(c->now[usage->request], scale, "req-now", out);
    if (c->next[usage->request] != c->now[usage->request]) {
        level(c->next[usage->request], scale, "req-new", out);
    }
}

static void description(const struct svg_usage *usage, struct buf *out)
{
    char text[FIGURE_MAX];
    const struct report_container *c = usage->container;
    buf_printf(out, "%s by hour, highest %s", usage->request == CPU_REQUEST ? "CPU" : "Memory",
               figure_measured(usage->request, peak_of(usage->upper, usage->hours), text));
    buf_printf(out, "; request %s",
               figure_pair(usage->request, c->now[usage->request], c->next[usage->request], " to ", text));
    buf_printf(out, ", limit %s",
               figure_pair(usage->limit, c->now[usage->limit], c->next[usage->limit], " to ", text));
}

void svg_usage_chart(const struct svg_usage *usage, struct buf *out)
{
    struct scale scale = scale_of(usage);
    buf_printf(out, "<figure><figcaption><b>%s</b> of ", usage->request == CPU_REQUEST ? "CPU" : "Memory");
    escape_html(out, usage->container->name);
    buf_printf(
        out,
        ", by hour (UTC)</figcaption><svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"",
        WIDTH, HEIGHT);
    description(usage, out);
    buf_add_str(out, "\">");
    grid(usage, &scale, out);
    days(usage, &scale, out);
    area(usage->mean, &scale, out);
    curve(usage->upper, &scale, "upper", out);
    levels(usage, &scale, out);
    buf_add_str(out, "</svg>");
    legend(usage, &scale, out);
    buf_add_str(out, "</figure>");
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
