#include "reports/explain/sections.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "reports/explain/page.h"

static const struct {
    const char *member;
    const char *name;
} resources[] = {{"cpu_millicores", "CPU"}, {"memory_bytes", "memory"}};

/* Number at a place of an array; NaN where there is none. */
static double at(const json_t *list, size_t index)
{
    const json_t *value = json_array_get(list, index);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double extreme(const json_t *list, bool highest)
{
    double found = NAN;
    for (size_t i = 0; i < json_array_size(list); i++) {
        found = highest ? fmax(found, at(list, i)) : fmin(found, at(list, i));
    }
    return found;
}

/* "by rising 3 % a day" … in amounts at the ends and the extremes of the band. */
static void forecast_lines(const json_t *forecast, const char *container, size_t resource, struct buf *out)
{
    const json_t *values = json_object_get(forecast, "values");
    enum report_field field = page_field(resources[resource].member);
    char text[5][FIGURE_MAX];
    size_t count = json_array_size(values);
    if (count == 0) {
        return;
    }
    page_line(out, 2, resources[resource].name,
              "%s from %s UTC, the next %s: %s now, %s at the end, between %s and %s in all", container,
              figure_instant(forecast, "start", text[0]),
              figure_duration((double)count * page_number(forecast, "step_seconds"), text[1]),
              page_amount(field, at(values, 0), text[2]), page_amount(field, at(values, count - 1), text[3]),
              page_amount(field, fmax(0, extreme(json_object_get(forecast, "lower"), false)), text[4]),
              page_amount(field, extreme(json_object_get(forecast, "upper"), true), (char[FIGURE_MAX]){0}));
    page_line(out, 2, " ", "method %s; in backtests its error is %s times the seasonal naive's",
              page_string(forecast, "method"), figure_plain(page_number(forecast, "rmae"), text[0]));
    page_line(out, 2, " ", "mean scaled error %s; of %s backtests the band of %s held %s",
              figure_plain(page_number(forecast, "mase"), text[0]),
              figure_plain(page_number(forecast, "origins"), text[1]),
              figure_share(page_number(forecast, "nominal"), text[2]),
              figure_share(page_number(forecast, "coverage"), text[3]));
}

static void forecasts(const struct explain *explain, struct buf *out)
{
    const char *name;
    json_t *container;
    json_t *containers = json_object_get(json_object_get(explain->recommendation, "forecast"), "containers");
    if (json_object_size(containers) > 0) {
        page_heading(out, "FORECAST");
    }
    json_object_foreach(containers, name, container)
    {
        for (size_t i = 0; i < ARRAY_COUNT(resources); i++) {
            forecast_lines(json_object_get(container, resources[i].member), name, i, out);
        }
    }
}

/* What use may meet, and how that is called. */
static const struct {
    const char *member;
    const char *words;
} marks[] = {{"request", "the request"},
             {"limit", "the limit"},
             {"advised_request", "the advised request"},
             {"advised_limit", "the advised limit"}};

/* When use meets a mark at the trend of its days, or in the band of the forecast. */
static void crossing_line(const json_t *cross, const char *words, enum report_field field, struct buf *out)
{
    char amount[FIGURE_MAX];
    char when[FIGURE_MAX];
    char days[FIGURE_MAX];
    if (!json_is_object(cross)) {
        return;
    }
    const char *soon =
        json_bool_or(cross, "within_forecast", false) ? "; the band of the next hours reaches it" : "";
    double ahead = page_number(cross, "days");
    page_amount(field, page_number(cross, "amount"), amount);
    if (ahead > 0) {
        page_line(out, 2, " ", "it meets %s of %s in %s days, on %s UTC%s", words, amount,
                  figure_plain(ahead, days), figure_instant(cross, "at", when), soon);
    } else if (isfinite(ahead)) {
        page_line(out, 2, " ", "it is above %s of %s already", words, amount);
    } else {
        page_line(out, 2, " ", "at this trend it does not meet %s of %s%s", words, amount, soon);
    }
}

static void trend_lines(const json_t *trend, const char *container, size_t resource, struct buf *out)
{
    enum report_field field = page_field(resources[resource].member);
    char change[FIGURE_MAX];
    char now[FIGURE_MAX];
    char chance[FIGURE_MAX];
    double per_day = page_number(trend, "per_day");
    if (!json_is_object(trend) || !isfinite(per_day)) {
        return;
    }
    page_amount(field, page_number(trend, "now"), now);
    if (json_bool_or(trend, "trend", true)) {
        page_line(out, 2, resources[resource].name, "%s %s by %s a day from %s (p %s)", container,
                  per_day < 0 ? "falls" : "rises", figure_measured(field, fabs(per_day), change), now,
                  figure_plain(page_number(trend, "p_value"), chance));
    } else {
        page_line(out, 2, resources[resource].name, "%s has no sure trend; it is at %s", container, now);
    }
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++) {
        crossing_line(json_object_get(json_object_get(trend, "crosses"), marks[i].member), marks[i].words,
                      field, out);
    }
}

static void quota_line(const json_t *quota, struct buf *out)
{
    char days[FIGURE_MAX];
    char when[FIGURE_MAX];
    char hard[FIGURE_MAX];
    char used[FIGURE_MAX];
    double ahead = page_number(quota, "days");
    enum report_field field =
        strstr(page_string(quota, "resource"), "memory") != NULL ? MEMORY_REQUEST : CPU_REQUEST;
    page_line(out, 2, "quota", "%s: %s of %s %s is used; at this trend it %s%s%s%s",
              page_string(quota, "name"), page_amount(field, page_number(quota, "used"), used),
              page_amount(field, page_number(quota, "hard"), hard), page_string(quota, "resource"),
              isfinite(ahead) ? "is met in " : "is not met", isfinite(ahead) ? figure_plain(ahead, days) : "",
              isfinite(ahead) ? " days, on " : "", isfinite(ahead) ? figure_instant(quota, "at", when) : "");
}

void explain_outlook(const struct explain *explain, struct buf *out)
{
    const json_t *outlook = json_object_get(explain->recommendation, "outlook");
    const char *name;
    json_t *container;
    forecasts(explain, out);
    if (!json_is_object(outlook)) {
        return;
    }
    page_heading(out, "OUTLOOK");
    size_t before = out->length;
    json_object_foreach(json_object_get(outlook, "containers"), name, container)
    {
        for (size_t i = 0; i < ARRAY_COUNT(resources); i++) {
            trend_lines(json_object_get(container, resources[i].member), name, i, out);
        }
    }
    for (size_t i = 0; i < json_array_size(json_object_get(outlook, "quotas")); i++) {
        quota_line(json_array_get(json_object_get(outlook, "quotas"), i), out);
    }
    if (out->length == before) {
        page_line(out, 2, "", "no trend that would meet a request, a limit or a quota");
    }
}
