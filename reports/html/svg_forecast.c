#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "reports/html/svg.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"

/* Of the 72 steps of five minutes three make a point, which is finer than the eye. */
enum { POINTS_MAX = 96, EVERY = 3, DAY = 86400, LABEL_MAX = 4 * FIGURE_MAX };

/* A request far above everything else would press the band flat: then it is not drawn. */
static const double request_stretch = 2.5;

struct curves {
    struct plot_axis axis;
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

static void read_axis(const json_t *forecast, struct plot_axis *axis)
{
    const char *written = json_string_or_null(forecast, "start");
    int64_t step = json_int_or(forecast, "step_seconds", 0);
    bool known = json_get_int(forecast, "start", &axis->start) ||
                 (written != NULL && time_parse(written, &axis->start, NULL) == 0);
    known = known && axis->start > 0 && axis->start < INT64_C(250000000000) && step > 0 && step <= DAY;
    axis->start = known ? axis->start : 0;
    axis->step = known ? step * EVERY : 1;
}

static bool read_curves(const json_t *forecast, double request, enum report_field field, struct curves *out)
{
    size_t count = read_points(json_object_get(forecast, "values"), FOLD_MEAN, out->values);
    if (count < 2 || read_points(json_object_get(forecast, "lower"), FOLD_LEAST, out->lower) != count ||
        read_points(json_object_get(forecast, "upper"), FOLD_MOST, out->upper) != count) {
        return false;
    }
    double top = 0;
    for (size_t i = 0; i < count; i++) {
        top = fmax(top, fmax(out->upper[i], out->values[i]));
    }
    out->axis = (struct plot_axis){.count = count};
    read_axis(forecast, &out->axis);
    out->top =
        plot_top(request > top && request <= request_stretch * top ? request : top, field == CPU_REQUEST);
    return true;
}

static void caption(const json_t *forecast, const char *container, enum report_field field, struct buf *out)
{
    char held[FIGURE_MAX];
    char nominal[FIGURE_MAX];
    double coverage = NAN;
    double wanted = NAN;
    buf_printf(out, "<figcaption><b>%s</b> of <bdi>", field == CPU_REQUEST ? "CPU" : "Memory");
    escape_html(out, container);
    buf_add_str(out, "</bdi>, forecast (UTC)");
    if (json_get_number(forecast, "coverage", &coverage) && json_get_number(forecast, "nominal", &wanted)) {
        buf_printf(out, "; the band of %s held %s in backtests", figure_share(wanted, nominal),
                   figure_share(coverage, held));
    }
    buf_add_str(out, "</figcaption>");
}

void svg_forecast_chart(const json_t *forecast, const struct report_container *container,
                        enum report_field field, struct buf *out)
{
    static const struct plot_axis none;
    struct curves curves;
    double request = (double)report_effective(container->next, field);
    char low[FIGURE_MAX];
    char high[FIGURE_MAX];
    char label[LABEL_MAX];
    if (!read_curves(forecast, request, field, &curves)) {
        return;
    }
    size_t count = curves.axis.count;
    buf_add_str(out, "<figure>");
    caption(forecast, container->name, field, out);
    snprintf(label, sizeof label, "Forecast from %s to %s", figure_measured(field, curves.values[0], low),
             figure_measured(field, curves.values[count - 1], high));
    plot_begin(out, &curves.axis, &none, curves.top, field, label);
    plot_band(out, "b", curves.lower, curves.upper, count, curves.top);
    plot_curve(out, "u", curves.values, count, curves.top);
    plot_level(out, "rx", request > 0 ? request : -1, &curves.axis, curves.top);
    plot_inner_end(out);
    plot_end(out);
    buf_add_str(out, "<ul class=lg>");
    plot_key(out, "u", "expected");
    plot_key(out, "b", "band");
    if (request > 0 && request <= curves.top) {
        plot_key(out, "rx", "request new");
    }
    buf_add_str(out, "</ul></figure>\n");
}
