#include "reports/html/plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"

enum {
    STEPS = 4,
    HOUR = 3600,
    DAY = 86400,
    TALL = PLOT_TOP + PLOT_TALL + 20,
    WIDE = PLOT_LEFT + PLOT_WIDE + 4,
    LABEL_HALF = 14
};

/* The keys that legends show: a line of the class, at half the height of the text. */
static const char *const keys[] = {"a", "u", "m", "rn", "rx", "ln", "lx", "b"};

double plot_top(double peak, bool cpu)
{
    static const double tens[] = {1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
    static const double twos[] = {1, 1.25, 1.5, 1.75, 2};
    double rough = peak / STEPS;
    if (!(rough > 0) || !isfinite(rough)) {
        return STEPS;
    }
    double power = cpu ? pow(10, floor(log10(rough))) : exp2(floor(log2(rough)));
    const double *leads = cpu ? tens : twos;
    size_t i = 0;
    while (i + 1 < (cpu ? ARRAY_COUNT(tens) : ARRAY_COUNT(twos)) && leads[i] * power < rough * (1 - 1e-9)) {
        i++;
    }
    return STEPS * leads[i] * power;
}

static int y_of(double value, double top)
{
    double share = fmin(fmax(value / top, 0), 1);
    return (int)lround(PLOT_TALL * (1 - share));
}

static double x_on_page(const struct plot_axis *axis, int64_t instant)
{
    double entry = (double)(instant - axis->start) / (double)axis->step;
    return PLOT_LEFT + PLOT_WIDE * entry / (double)(axis->count - 1);
}

static void tick(struct buf *out, double x, const char *text)
{
    if (x >= PLOT_LEFT + 1 && x <= PLOT_LEFT + PLOT_WIDE - 1) {
        buf_printf(out, "<path class=g d=\"M%.0f %dv%d\"/>", x, PLOT_TOP, PLOT_TALL);
    }
    if (x <= PLOT_LEFT + PLOT_WIDE - LABEL_HALF) {
        buf_printf(out, "<text class=x x=%.0f y=%d>%s</text>", x, PLOT_TOP + PLOT_TALL + 13, text);
    }
}

/* How far ticks stand apart: about six of them, on full days or hours (UTC). */
static int64_t tick_every(int64_t span)
{
    static const int64_t steps[] = {HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY};
    size_t i = 0;
    while (i + 1 < ARRAY_COUNT(steps) && span / steps[i] > 8) {
        i++;
    }
    return steps[i];
}

static void draw_axis(const struct plot_axis *axis, struct buf *out)
{
    if (axis->start <= 0 || axis->step <= 0 || axis->count < 2) {
        return;
    }
    int64_t span = axis->step * (int64_t)(axis->count - 1);
    int64_t every = tick_every(span);
    for (int64_t at = (axis->start + every - 1) / every * every; at <= axis->start + span; at += every) {
        char text[PLOT_AXIS_MAX];
        int64_t year = 0;
        int month = 0;
        int day = 0;
        days_to_date(at / DAY, &year, &month, &day);
        if (every < DAY) {
            snprintf(text, sizeof text, "%02d:%02d", (int)(at % DAY / HOUR), (int)(at % HOUR / 60));
        } else {
            snprintf(text, sizeof text, "%02d-%02d", month, day);
        }
        tick(out, x_on_page(axis, at), text);
    }
}

void plot_definitions(const struct plot_axis *shared, struct buf *out)
{
    buf_add_str(out,
                "<svg class=\"hidden\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><g id=\"g\">");
    for (int i = 0; i <= STEPS; i++) {
        buf_printf(out, "<path class=\"g\" d=\"M%d %dh%d\"/>", PLOT_LEFT, PLOT_TOP + PLOT_TALL * i / STEPS,
                   PLOT_WIDE);
    }
    buf_add_str(out, "</g><g id=\"ax\">");
    draw_axis(shared, out);
    buf_add_str(out, "</g>");
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        bool filled = keys[i][0] == 'a' || keys[i][0] == 'b';
        buf_printf(out, "<path id=\"k-%s\" class=\"%s\" d=\"%s\"/>", keys[i], keys[i],
                   filled ? "M1 0h16v8h-16z" : "M0 4h18");
    }
    buf_add_str(out, "</defs></svg>\n");
}

static bool same_axis(const struct plot_axis *a, const struct plot_axis *b)
{
    return a->start == b->start && a->step == b->step && a->count == b->count;
}

void plot_begin(struct buf *out, const struct plot_axis *axis, const struct plot_axis *shared, double top,
                enum report_field field, const char *label)
{
    buf_printf(out, "<svg class=c viewBox=\"0 0 %d %d\" role=img aria-label=\"", WIDE, TALL);
    escape_html(out, label);
    buf_add_str(out, "\"><use href=#g />");
    for (int i = 0; i <= STEPS; i++) {
        char text[FIGURE_MAX];
        buf_printf(out, "<text class=y x=%d y=%d>%s</text>", PLOT_LEFT - 4,
                   PLOT_TOP + PLOT_TALL - PLOT_TALL * i / STEPS + 3,
                   i == 0 ? "0" : figure_measured(field, top * i / STEPS, text));
    }
    if (same_axis(axis, shared)) {
        buf_add_str(out, "<use href=#ax />");
    } else {
        draw_axis(axis, out);
    }
    buf_printf(out,
               "<svg class=p x=%d y=%d width=%d height=%d viewBox=\"0 0 %zu %d\" preserveAspectRatio=none>",
               PLOT_LEFT, PLOT_TOP, PLOT_WIDE, PLOT_TALL, axis->count - 1, PLOT_TALL);
}

void plot_inner_end(struct buf *out)
{
    buf_add_str(out, "</svg>");
}

void plot_end(struct buf *out)
{
    buf_add_str(out, "</svg>");
}

/* A run of a path: so many entries on, each so much lower on the page. */
struct stroke {
    int across;
    int each;
};

static void add_stroke(struct buf *out, const struct stroke *stroke, bool first)
{
    if (stroke->across > 0) {
        int down = stroke->across * stroke->each;
        buf_printf(out, "%s%d%s%d", first ? "l" : " ", stroke->across, down < 0 ? "" : " ", down);
    }
}

/* Steps from known value to known value; equal ones in a row become one. Returns the index after the last. */
static size_t add_line(struct buf *out, const double *values, size_t from, size_t count, double top)
{
    struct stroke stroke = {0};
    bool first = true;
    int y = y_of(values[from], top);
    size_t i = from + 1;
    for (; i < count && !isnan(values[i]); i++) {
        int next = y_of(values[i], top);
        if (stroke.across > 0 && stroke.each == next - y) {
            stroke.across++;
        } else {
            add_stroke(out, &stroke, first);
            first = first && stroke.across == 0;
            stroke = (struct stroke){.across = 1, .each = next - y};
        }
        y = next;
    }
    add_stroke(out, &stroke, first);
    return i;
}

void plot_curve(struct buf *out, const char *class, const double *values, size_t count, double top)
{
    buf_printf(out, "<path class=%s d=\"", class);
    for (size_t i = 0; i < count;) {
        if (isnan(values[i])) {
            i++;
            continue;
        }
        buf_printf(out, "M%zu %d", i, y_of(values[i], top));
        size_t end = add_line(out, values, i, count, top);
        if (end == i + 1) {
            buf_add_str(out, "h.5");
        }
        i = end;
    }
    buf_add_str(out, "\"/>");
}

void plot_area(struct buf *out, const char *class, const double *values, size_t count, double top)
{
    buf_printf(out, "<path class=%s d=\"", class);
    for (size_t i = 0; i < count;) {
        if (isnan(values[i])) {
            i++;
            continue;
        }
        buf_printf(out, "M%zu %dV%d", i, PLOT_TALL, y_of(values[i], top));
        i = add_line(out, values, i, count, top);
        buf_printf(out, "V%dz", PLOT_TALL);
    }
    buf_add_str(out, "\"/>");
}

void plot_band(struct buf *out, const char *class, const double *lower, const double *upper, size_t count,
               double top)
{
    buf_printf(out, "<path class=%s d=\"M0 %d", class, y_of(upper[0], top));
    (void)add_line(out, upper, 0, count, top);
    for (size_t i = count; i-- > 0;) {
        buf_printf(out, "L%zu %d", i, y_of(lower[i], top));
    }
    buf_add_str(out, "z\"/>");
}

void plot_level(struct buf *out, const char *class, double amount, const struct plot_axis *axis, double top)
{
    if (amount >= 0 && amount <= top) {
        buf_printf(out, "<path class=%s d=\"M0 %dh%zu\"/>", class, y_of(amount, top), axis->count - 1);
    }
}

void plot_key(struct buf *out, const char *class, const char *text)
{
    buf_printf(out, "<li><svg class=k aria-hidden=true><use href=#k-%s /></svg>%s", class, text);
}
