#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "reports/escape.h"
#include "reports/figures.h"
#include "reports/svg.h"

/* The drawing's own units; of the 72 steps of five minutes three make a point, which is finer than the eye.
 */
enum {
    WIDTH = 340,
    HEIGHT = 110,
    LEFT = 42,
    RIGHT = 334,
    TOP = 8,
    BOTTOM = 90,
    POINTS_MAX = 96,
    EVERY = 3,
    DAY = 86400
};

/* A request far above everything else would press the band flat: then it is not drawn. */
static const double request_stretch = 2.5;

struct curves {
    size_t count;
    double values[POINTS_MAX];
    double lower[POINTS_MAX];
    double upper[POINTS_MAX];
    double top;
};

/* How steps that share a point become one. */
enum fold { FOLD_MEAN, FOLD_LEAST, FOLD_MOST };

static size_t read_points(const json_t *list, enum fold fold, double out[POINTS_MAX])
{
    size_t length = json_array_size(list);
    size_t count = 0;
    for (size_t i = 0; i < length && count < POINTS_MAX; i += EVERY) {
        double sum = 0;
        double least = INFINITY;
        double most = 0;
        size_t k = i;
        for (; k < length && k < i + EVERY; k++) {
            const json_t *value = json_array_get(list, k);
            double number = json_is_number(value) ? fmax(json_number_value(value), 0) : NAN;
            if (!isfinite(number) || number > 1e18) {
                return 0;
            }
            sum += number;
            least = fmin(least, number);
            most = fmax(most, number);
        }
        out[count++] = fold == FOLD_MEAN ? sum / (double)(k - i) : fold == FOLD_LEAST ? least : most;
    }
    return count;
}

static bool read_curves(const json_t *forecast, double request, struct curves *out)
{
    out->count = read_points(json_object_get(forecast, "values"), FOLD_MEAN, out->values);
    if (out->count < 2 ||
        read_points(json_object_get(forecast, "lower"), FOLD_LEAST, out->lower) != out->count ||
        read_points(json_object_get(forecast, "upper"), FOLD_MOST, out->upper) != out->count) {
        return false;
    }
    out->top = 0;
    for (size_t i = 0; i < out->count; i++) {
        out->top = fmax(out->top, fmax(out->upper[i], out->values[i]));
    }
    out->top = request > out->top && request <= request_stretch * out->top ? request : out->top;
    out->top = out->top > 0 ? out->top * 1.06 : 1;
    return true;
}

static double x_of(const struct curves *curves, size_t i)
{
    return LEFT + (double)(RIGHT - LEFT) * (double)i / (double)(curves->count - 1);
}

static double y_of(const struct curves *curves, double value)
{
    return BOTTOM - (BOTTOM - TOP) * fmin(value / curves->top, 1);
}

static void draw(const struct curves *curves, struct buf *out)
{
    buf_add_str(out, "<path class=\"band\" d=\"");
    for (size_t i = 0; i < curves->count; i++) {
        buf_printf(out, "%c%.0f %.1f", i == 0 ? 'M' : 'L', x_of(curves, i), y_of(curves, curves->upper[i]));
    }
    for (size_t i = curves->count; i-- > 0;) {
        buf_printf(out, "L%.0f %.1f", x_of(curves, i), y_of(curves, curves->lower[i]));
    }
    buf_add_str(out, "Z\"/><path class=\"upper\" d=\"");
    for (size_t i = 0; i < curves->count; i++) {
        buf_printf(out, "%c%.0f %.1f", i == 0 ? 'M' : 'L', x_of(curves, i), y_of(curves, curves->values[i]));
    }
    buf_add_str(out, "\"/>");
}

static void ticks(const struct curves *curves, enum report_field field, struct buf *out)
{
    for (int i = 0; i < 2; i++) {
        char text[FIGURE_MAX];
        double value = curves->top * i / 1.06;
        buf_printf(out,
                   "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"tick\" x=\"%d\" y=\"%.1f\" "
                   "text-anchor=\"end\">%s</text>",
                   LEFT, y_of(curves, value), RIGHT, LEFT - 4, y_of(curves, value) + 3,
                   figure_measured(field, value, text));
    }
}

/* The hours at both ends. */
static void hours(const json_t *forecast, struct buf *out)
{
    char text[FIGURE_MAX];
    int64_t start = 0;
    int64_t step = json_int_or(forecast, "step_seconds", 0);
    int64_t length = (int64_t)json_array_size(json_object_get(forecast, "values"));
    const char *written = json_string_or_null(forecast, "start");
    bool known = json_get_int(forecast, "start", &start) ||
                 (written != NULL && time_parse(written, &start, NULL) == 0);
    if (!known || start < 0 || start > INT64_C(250000000000) || step <= 0 || step > DAY) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        int64_t second = (start + i * step * length) % DAY;
        snprintf(text, sizeof text, "%02" PRId64 ":%02" PRId64, second / 3600, second / 60 % 60);
        buf_printf(out, "<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>",
                   i == 0 ? LEFT : RIGHT, BOTTOM + 14, i == 0 ? "start" : "end", text);
    }
}

static void caption(const json_t *forecast, const char *container, enum report_field field, struct buf *out)
{
    char held[FIGURE_MAX];
    char nominal[FIGURE_MAX];
    double coverage = NAN;
    double wanted = NAN;
    buf_printf(out, "<figcaption><b>%s</b> of ", field == CPU_REQUEST ? "CPU" : "Memory");
    escape_html(out, container);
    buf_add_str(out, ", forecast (UTC)");
    if (json_get_number(forecast, "coverage", &coverage) && json_get_number(forecast, "nominal", &wanted)) {
        buf_printf(out, "; the band of %s held %s in backtests", figure_share(wanted, nominal),
                   figure_share(coverage, held));
    }
    buf_add_str(out, "</figcaption>");
}

bool svg_forecast_chart(const json_t *forecast, const struct report_container *container,
                        enum report_field field, struct buf *out)
{
    struct curves curves;
    double request = (double)report_effective(container->next, field);
    char low[FIGURE_MAX];
    char high[FIGURE_MAX];
    if (!read_curves(forecast, request, &curves)) {
        return false;
    }
    buf_add_str(out, "<figure>");
    caption(forecast, container->name, field, out);
    buf_printf(
        out, "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Forecast from %s to %s\">",
        WIDTH, HEIGHT, figure_measured(field, curves.values[0], low),
        figure_measured(field, curves.values[curves.count - 1], high));
    ticks(&curves, field, out);
    hours(forecast, out);
    draw(&curves, out);
    if (request > 0 && request <= curves.top) {
        buf_printf(out, "<path class=\"req-new\" d=\"M%d %.1fH%d\"/>", LEFT, y_of(&curves, request), RIGHT);
    }
    buf_add_str(out, "</svg></figure>");
    return true;
}
