#include "reports/model/hours.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/series.h"

enum { STEP = 300, HOUR = 3600, STEPS_AN_HOUR = HOUR / STEP, CODE_NONE = 0 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit(unsigned char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '-'             ? 62
           : c == '_'             ? 63
                                  : -1;
}

/* The codes of an hour's steps that have a number, in order; a larger code is a larger number, so none need
 * be decoded. Returns how many, or −1 for what is no code. */
static int hour_codes(const char *text, int codes[STEPS_AN_HOUR])
{
    int count = 0;
    for (size_t i = 0; i < STEPS_AN_HOUR; i++) {
        int high = digit((unsigned char)text[2 * i]);
        int low = digit((unsigned char)text[2 * i + 1]);
        int code = high * 64 + low;
        if (high < 0 || low < 0) {
            return -1;
        }
        if (code == CODE_NONE) {
            continue;
        }
        int at = count++;
        for (; at > 0 && codes[at - 1] > code; at--) {
            codes[at] = codes[at - 1];
        }
        codes[at] = code;
    }
    return count;
}

static void put_code(char *out, int code)
{
    out[0] = alphabet[code >> 6];
    out[1] = alphabet[code & 63];
}

/* New series with the numbers' range and other codes. */
static json_t *with_codes(const json_t *series, const char *codes, size_t length)
{
    json_t *out = json_object();
    json_object_set(out, "low", json_object_get(series, "low"));
    json_object_set(out, "high", json_object_get(series, "high"));
    json_object_set_new(out, "codes", json_stringn_nocheck(codes, length));
    return out;
}

/* Of `count` ordered codes the first with at least `tenths` of them at or below it. */
static int order_statistic(const int *codes, int count, int tenths)
{
    return count == 0 ? CODE_NONE : codes[(count * tenths + 9) / 10 - 1];
}

static bool add_percentiles(const json_t *means, size_t hours, json_t *out)
{
    const char *text = json_string_value(json_object_get(means, "codes"));
    char *p50 = xcalloc_array(hours, 2);
    char *p90 = xcalloc_array(hours, 2);
    bool whole = true;
    for (size_t h = 0; h < hours && whole; h++) {
        int codes[STEPS_AN_HOUR];
        int count = hour_codes(text + 2 * h * STEPS_AN_HOUR, codes);
        whole = count >= 0;
        if (whole) {
            put_code(p50 + 2 * h, order_statistic(codes, count, 5));
            put_code(p90 + 2 * h, order_statistic(codes, count, 9));
        }
    }
    if (whole) {
        json_object_set_new(out, "p50", with_codes(means, p50, 2 * hours));
        json_object_set_new(out, "p90", with_codes(means, p90, 2 * hours));
    }
    free(p50);
    free(p90);
    return whole;
}

json_t *report_hours(const json_t *resource)
{
    const json_t *hourly = json_object_get(resource, "hourly");
    const json_t *series = json_object_get(resource, "series");
    const json_t *means = json_object_get(series, "mean");
    json_t *out = json_object();
    size_t hours = series_length(json_object_get(hourly, "max"));
    bool steps_of_hours = hours > 0 && json_int_or(series, "step_seconds", 0) == STEP &&
                          series_length(means) == hours * STEPS_AN_HOUR &&
                          json_string_length(json_object_get(means, "codes")) % 2 == 0;
    if (!steps_of_hours || !add_percentiles(means, hours, out)) {
        json_object_set(out, "mean", json_object_get(hourly, "mean"));
    }
    json_object_set(out, "max", json_object_get(hourly, "max"));
    return out;
}
