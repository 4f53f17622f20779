#include "pipeline/run/series.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/mem.h"

enum { CODE_NONE, CODE_ZERO, CODE_LOW, CODE_HIGH = 4095, STEPS = CODE_HIGH - CODE_LOW };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The positive numbers of a series: low is 0 where there is none. */
struct range {
    double low;
    double high;
    double log_low;
    double log_step; /* between two codes; 0 where all numbers are one */
    double steps;    /* its inverse */
};

static struct range range_of(double low, double high)
{
    struct range out = {.low = low, .high = high};
    if (low > 0) {
        out.log_low = log(low);
        out.log_step = (log(high) - out.log_low) / STEPS;
        out.steps = out.log_step > 0 ? 1 / out.log_step : 0;
    }
    return out;
}

static unsigned code_of(const struct range *range, double value)
{
    if (!(value > 0 && value < (double)INFINITY)) {
        return value <= 0 && value >= 0 ? CODE_ZERO : CODE_NONE;
    }
    /* The ends are told by themselves, not by rounding. */
    if (value <= range->low || value >= range->high) {
        return value <= range->low ? CODE_LOW : CODE_HIGH;
    }
    double steps = (log(value) - range->log_low) * range->steps + 0.5;
    return steps < STEPS ? CODE_LOW + (unsigned)steps : CODE_HIGH;
}

static double value_of(const struct range *range, unsigned code)
{
    if (code < CODE_LOW) {
        return code == CODE_NONE ? (double)NAN : 0;
    }
    if (code == CODE_LOW || code == CODE_HIGH) {
        return code == CODE_LOW ? range->low : range->high;
    }
    double value = exp(range->log_low + range->log_step * (double)(code - CODE_LOW));
    value = value < range->low ? range->low : value;
    return value > range->high ? range->high : value;
}

static struct range find_range(const double *values, size_t count)
{
    double low = INFINITY;
    double high = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i] > 0 && values[i] < (double)INFINITY) {
            low = values[i] < low ? values[i] : low;
            high = values[i] > high ? values[i] : high;
        }
    }
    return range_of(high > 0 ? low : 0, high);
}

json_t *series_json(const double *values, size_t count)
{
    struct range range = find_range(values, count);
    char *codes = xcalloc_array(count, 2);
    for (size_t i = 0; i < count; i++) {
        unsigned code = code_of(&range, values[i]);
        codes[2 * i] = alphabet[code >> 6];
        codes[2 * i + 1] = alphabet[code & 63];
    }
    json_t *out = json_object();
    json_object_set_new(out, "low", range.low > 0 ? json_real(range.low) : json_null());
    json_object_set_new(out, "high", range.low > 0 ? json_real(range.high) : json_null());
    json_object_set_new(out, "codes", json_stringn_nocheck(codes, 2 * count));
    free(codes);
    return out;
}

size_t series_length(const json_t *series)
{
    return json_string_length(json_object_get(series, "codes")) / 2;
}

/* An end of the range: a positive number, or null, which is 0. */
static bool read_end(const json_t *series, const char *key, double *out)
{
    const json_t *member = json_object_get(series, key);
    *out = 0;
    return json_is_null(member) || (json_get_number(series, key, out) && isfinite(*out) && *out > 0);
}

/* What each byte means in base64url, -1 for those that mean nothing. */
static void fill_digits(signed char digits[256])
{
    memset(digits, -1, 256);
    for (int i = 0; i < 64; i++) {
        digits[(unsigned char)alphabet[i]] = (signed char)i;
    }
}

static bool read_codes(const json_t *codes, const struct range *range, double *values, size_t room)
{
    signed char digits[256];
    size_t count = json_string_length(codes) / 2;
    const unsigned char *text = (const unsigned char *)json_string_value(codes);
    fill_digits(digits);
    for (size_t i = 0; i < count; i++) {
        int high = digits[text[2 * i]];
        int low = digits[text[2 * i + 1]];
        unsigned code = (unsigned)high << 6 | (unsigned)low;
        if (high < 0 || low < 0 || (code >= CODE_LOW && !(range->low > 0))) {
            return false;
        }
        if (i < room) {
            values[i] = value_of(range, code);
        }
    }
    return true;
}

int series_read(const json_t *series, double *values, size_t room, size_t *count)
{
    const json_t *codes = json_object_get(series, "codes");
    double low;
    double high;
    if (!json_is_string(codes) || json_string_length(codes) % 2 != 0 || !read_end(series, "low", &low) ||
        !read_end(series, "high", &high) || low > high || (low > 0) != (high > 0)) {
        return -1;
    }
    struct range range = range_of(low, high);
    if (!read_codes(codes, &range, values, room)) {
        return -1;
    }
    size_t length = series_length(series);
    *count = length < room ? length : room;
    return 0;
}
