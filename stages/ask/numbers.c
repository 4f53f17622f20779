#include "stages/ask/numbers.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"

enum { DIGITS_MAX = 40 };

/* Units as people write them, longer ones before those they begin with. `exact`: small and capital letters count. */
static const struct {
    const char *text;
    bool exact;
    enum number_unit unit;
    double factor;
} units[] = {
    {"millicores", false, NUMBER_CPU, 1}, {"millicore", false, NUMBER_CPU, 1}, {"mcpu", false, NUMBER_CPU, 1},
    {"months", false, NUMBER_TIME, 2592000}, {"month", false, NUMBER_TIME, 2592000}, {"minutes", false, NUMBER_TIME, 60},
    {"minute", false, NUMBER_TIME, 60}, {"mins", false, NUMBER_TIME, 60}, {"min", false, NUMBER_TIME, 60},
    {"milliseconds", false, NUMBER_TIME, 0.001}, {"ms", true, NUMBER_TIME, 0.001}, {"megabytes", false, NUMBER_MEMORY, 1e6},
    {"mebibytes", false, NUMBER_MEMORY, 1048576}, {"MiB", true, NUMBER_MEMORY, 1048576}, {"Mi", true, NUMBER_MEMORY, 1048576},
    {"MB", false, NUMBER_MEMORY, 1e6}, {"M", true, NUMBER_MEMORY, 1e6}, {"m", true, NUMBER_CPU, 1}, {"cores", false, NUMBER_CPU, 1000},
    {"core", false, NUMBER_CPU, 1000}, {"vCPUs", false, NUMBER_CPU, 1000}, {"vCPU", false, NUMBER_CPU, 1000},
    {"CPUs", false, NUMBER_CPU, 1000}, {"CPU", false, NUMBER_CPU, 1000}, {"kibibytes", false, NUMBER_MEMORY, 1024},
    {"KiB", true, NUMBER_MEMORY, 1024}, {"Ki", true, NUMBER_MEMORY, 1024}, {"kB", false, NUMBER_MEMORY, 1e3},
    {"gigabytes", false, NUMBER_MEMORY, 1e9}, {"gibibytes", false, NUMBER_MEMORY, 1073741824}, {"GiB", true, NUMBER_MEMORY, 1073741824},
    {"Gi", true, NUMBER_MEMORY, 1073741824}, {"GB", false, NUMBER_MEMORY, 1e9}, {"G", true, NUMBER_MEMORY, 1e9},
    {"TiB", true, NUMBER_MEMORY, 1099511627776}, {"Ti", true, NUMBER_MEMORY, 1099511627776}, {"TB", false, NUMBER_MEMORY, 1e12},
    {"bytes", false, NUMBER_MEMORY, 1}, {"%", true, NUMBER_SHARE, 1}, {"percent", false, NUMBER_SHARE, 1},
    {"per cent", false, NUMBER_SHARE, 1}, {"dollars", false, NUMBER_MONEY, 1}, {"dollar", false, NUMBER_MONEY, 1},
    {"USD", false, NUMBER_MONEY, 1}, {"cents", false, NUMBER_MONEY, 0.01}, {"days", false, NUMBER_TIME, 86400},
    {"day", false, NUMBER_TIME, 86400}, {"d", true, NUMBER_TIME, 86400}, {"hours", false, NUMBER_TIME, 3600},
    {"hour", false, NUMBER_TIME, 3600}, {"h", true, NUMBER_TIME, 3600}, {"seconds", false, NUMBER_TIME, 1},
    {"second", false, NUMBER_TIME, 1}, {"s", true, NUMBER_TIME, 1}, {"weeks", false, NUMBER_TIME, 604800},
    {"week", false, NUMBER_TIME, 604800},
};

/* Digits with thousands between commas and one point. Returns their length; *places: digits behind the point. */
static size_t digits(const char *text, double *value, int *places)
{
    char plain[DIGITS_MAX + 1];
    size_t kept = 0;
    size_t i = 0;
    bool point = false;
    *places = 0;
    for (; kept < DIGITS_MAX; i++) {
        if (text[i] == ',' && !point && isdigit((unsigned char)text[i + 1])) {
            continue;
        }
        if (text[i] == '.' && !point && isdigit((unsigned char)text[i + 1])) {
            point = true;
        } else if (!isdigit((unsigned char)text[i])) {
            break;
        } else if (point) {
            (*places)++;
        }
        plain[kept++] = text[i];
    }
    plain[kept] = '\0';
    *value = strtod(plain, NULL);
    return i;
}

/* The unit at a place, behind blanks or none; its length with them, 0 for none. */
static size_t unit_at(const char *text, struct number *out, double *factor)
{
    size_t blanks = strspn(text, " ");
    if (strncmp(text, "\xc2\xa0", 2) == 0 || strncmp(text, "\xe2\x80\xaf", 3) == 0) {
        blanks = text[0] == '\xc2' ? 2 : 3;
    }
    for (size_t i = 0; blanks <= 3 && i < ARRAY_COUNT(units); i++) {
        size_t length = strlen(units[i].text);
        const char *at = text + blanks;
        bool same = units[i].exact ? strncmp(at, units[i].text, length) == 0 : strncasecmp(at, units[i].text, length) == 0;
        bool ends = same && (!isalnum((unsigned char)at[length]) || units[i].text[0] == '%');
        if (ends) {
            out->unit = units[i].unit;
            *factor = units[i].factor;
            return blanks + length;
        }
    }
    return 0;
}

/* Whether a number may begin here: not inside a word or a name. */
static bool may_begin(const char *start, const char *at)
{
    if (at == start) {
        return true;
    }
    unsigned char before = (unsigned char)at[-1];
    bool dash = before == '-' || before == '_' || before == '.' || before == '/';
    return !isalnum(before) && !(dash && at - 1 > start && isalnum((unsigned char)at[-2]));
}

/* Reads the number at `at`, where a digit stands. False where it has no unit; *length in both cases. */
static bool read_number(const char *start, const char *at, struct number *out, size_t *length)
{
    double value = 0;
    double factor = 1;
    int places = 0;
    size_t count = digits(at, &value, &places);
    size_t unit = unit_at(at + count, out, &factor);
    bool dollars = at > start && at[-1] == '$';
    if (dollars) {
        out->unit = NUMBER_MONEY;
        factor = 1;
        unit = 0;
    }
    *length = count + unit;
    *out = (struct number){.unit = out->unit,
                           .value = value * factor,
                           .slack = fmin(0.5 * pow(10, -places) * factor, value * factor / 50),
                           .at = dollars ? at - 1 : at,
                           .length = count + unit + (dollars ? 1 : 0)};
    return dollars || unit > 0;
}

bool number_next(const char **text, struct number *out)
{
    const char *start = *text;
    const char *at = start;
    while (*at != '\0') {
        if (!isdigit((unsigned char)*at)) {
            at++;
            continue;
        }
        size_t length = 0;
        bool begins = may_begin(start, at);
        bool found = read_number(start, at, out, &length);
        at += length;
        if (begins && found) {
            *text = at;
            return true;
        }
        at += strspn(at, "0123456789.");
    }
    *text = at;
    return false;
}

/* Whether two numbers are the same as far as they were written. */
static bool number_same(const struct number *a, const struct number *b)
{
    return a->unit == b->unit && fabs(a->value - b->value) <= fmax(a->slack, b->slack) * (1 + 1e-9) + 1e-9;
}

bool number_in_text(const struct number *number, const char *text)
{
    struct number other = {.unit = NUMBER_CPU};
    while (number_next(&text, &other)) {
        if (number_same(number, &other)) {
            return true;
        }
    }
    return false;
}

bool number_in(const struct number *number, const json_t *value)
{
    const char *key = NULL;
    json_t *item = NULL;
    size_t index = 0;
    if (json_is_string(value)) {
        return number_in_text(number, json_string_value(value));
    }
    json_array_foreach(value, index, item)
    {
        if (number_in(number, item)) {
            return true;
        }
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        if (number_in(number, item)) {
            return true;
        }
    }
    return false;
}
