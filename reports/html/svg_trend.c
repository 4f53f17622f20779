#include <math.h>
#include <stdio.h>

#include "pipeline/base/money.h"
#include "reports/html/svg.h"

enum {
    RUNS_MAX = 60,
    WIDE = 340,
    TALL = 130,
    LEFT = 52,
    RIGHT = 334,
    TOP = 10,
    BOTTOM = 108,
    LABEL_MAX = 256
};

static double x_of(size_t i, size_t count)
{
    return LEFT + (double)(RIGHT - LEFT) * (double)i / (double)(count - 1);
}

static double y_of(double amount, double top)
{
    return BOTTOM - (BOTTOM - TOP) * fmin(fmax(amount / top, 0), 1);
}

/* The newest run comes first in the list and last in the drawing. */
static void line(const struct report_past *past, size_t count, bool after, double top, struct buf *out)
{
    buf_printf(out, "<path class=\"%s\" d=\"", after ? "rx" : "u");
    for (size_t i = 0; i < count; i++) {
        const struct past_run *run = &past->trend[count - 1 - i];
        buf_printf(out, "%c%.0f %.0f", i == 0 ? 'M' : 'L', x_of(i, count),
                   y_of((double)(after ? run->before - run->saving : run->before), top));
    }
    buf_add_str(out, "\"/>");
}

static void amounts(double top, struct buf *out)
{
    for (int i = 0; i <= 2; i++) {
        char money[MONEY_TEXT];
        double y = y_of(top * i / 2, top);
        buf_printf(out,
                   "<path class=\"g\" d=\"M%d %.0fH%d\"/><text class=\"y\" x=\"%d\" y=\"%.0f\">%s</text>",
                   LEFT, y, RIGHT, LEFT - 4, y + 3, money_format((int64_t)(top * i / 2), money));
    }
}

void svg_trend_chart(const struct report_past *past, struct buf *out)
{
    size_t count = past->trend_count < RUNS_MAX ? past->trend_count : RUNS_MAX;
    double top = 0;
    char first[MONEY_TEXT];
    char last[MONEY_TEXT];
    if (count < 2) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        top = fmax(top, fmax((double)past->trend[i].before,
                             (double)(past->trend[i].before - past->trend[i].saving)));
    }
    top = plot_top(top > 0 ? top : 1, true);
    buf_add_str(out, "<figure class=\"trend\"><figcaption>Cost a month, run by run</figcaption>");
    buf_printf(out,
               "<svg class=\"c\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Cost a month: %s in run "
               "%lld, %s in run %lld\">",
               WIDE, TALL, money_format(past->trend[count - 1].before, first),
               (long long)past->trend[count - 1].run, money_format(past->trend[0].before, last),
               (long long)past->trend[0].run);
    amounts(top, out);
    line(past, count, false, top, out);
    line(past, count, true, top, out);
    buf_printf(out,
               "<text class=\"x\" x=\"%d\" y=\"%d\">run %lld</text><text class=\"y\" x=\"%d\" y=\"%d\">run "
               "%lld</text></svg>",
               LEFT + 14, BOTTOM + 14, (long long)past->trend[count - 1].run, RIGHT, BOTTOM + 14,
               (long long)past->trend[0].run);
    buf_add_str(out, "<ul class=\"lg\">");
    plot_key(out, "u", "as it was");
    plot_key(out, "rx", "with the plan");
    buf_add_str(out, "</ul></figure>\n");
}
