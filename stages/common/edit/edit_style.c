#include "stages/common/edit/edit_style.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"

struct unit {
    const char *suffix;
    int64_t bytes;
};

/* Units of memory, those of one family together, large to small. */
static const struct unit units[] = {
    {"Ei", (int64_t)1 << 60},
    {"Pi", (int64_t)1 << 50},
    {"Ti", (int64_t)1 << 40},
    {"Gi", (int64_t)1 << 30},
    {"Mi", (int64_t)1 << 20},
    {"Ki", (int64_t)1 << 10},
    {"E", 1000000000000000000},
    {"P", 1000000000000000},
    {"T", 1000000000000},
    {"G", 1000000000},
    {"M", 1000000},
    {"k", 1000},
    {"", 1},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Splits "1.5Gi" into its number and suffix. False when it is not of that plain form. */
static bool split(const char *text, size_t length, bool *fraction, const char **suffix, size_t *suffix_length)
{
    size_t at = 0;
    *fraction = false;
    while (at < length && (is_digit(text[at]) || text[at] == '.')) {
        *fraction = *fraction || text[at] == '.';
        at++;
    }
    *suffix = text + at;
    *suffix_length = length - at;
    return at > 0;
}

static bool suffix_is(const char *suffix, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(suffix, wanted, length) == 0;
}

/* value ÷ unit with at most three decimals; NULL when that is not exact. */
static const char *decimals(struct arena *arena, int64_t value, int64_t unit, const char *suffix)
{
    int64_t whole = value / unit;
    int64_t rest = value % unit;
    int64_t scale = 1;
    for (int digits = 1; digits <= 3; digits++) {
        scale *= 10;
        if (rest <= INT64_MAX / scale && rest * scale % unit == 0) {
            return arena_printf(arena, "%lld.%0*lld%s", (long long)whole, digits,
                                (long long)(rest * scale / unit), suffix);
        }
    }
    return NULL;
}

/* CPU with a suffix that is there, or in cores with decimals; NULL when it is written as usual. */
static const char *cpu_like(struct arena *arena, const char *suffix, size_t length, int64_t value,
                            bool fraction)
{
    if (suffix_is(suffix, length, "m")) {
        return arena_printf(arena, "%lldm", (long long)value);
    }
    return fraction && length == 0 && value % 1000 != 0 ? decimals(arena, value, 1000, "") : NULL;
}

/* In a unit or, where it does not fit, the next smaller ones of its decimal family; NULL when none fits. */
static const char *memory_in(struct arena *arena, size_t index, int64_t value, bool fraction)
{
    const struct unit *unit = &units[index];
    if (value % unit->bytes == 0) {
        return arena_printf(arena, "%lld%s", (long long)(value / unit->bytes), unit->suffix);
    }
    const char *exact = fraction ? decimals(arena, value, unit->bytes, unit->suffix) : NULL;
    bool smaller =
        strlen(unit->suffix) == 1 && unit->suffix[0] != 'k'; /* there is one in the decimal family */
    return exact != NULL || !smaller ? exact : memory_in(arena, index + 1, value, false);
}

/* Memory with a suffix that is there; NULL when it is none, or nothing fits. */
static const char *memory_like(struct arena *arena, const char *suffix, size_t length, int64_t value,
                               bool fraction)
{
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (suffix_is(suffix, length, units[i].suffix)) {
            return memory_in(arena, i, value, fraction);
        }
    }
    return NULL;
}

const char *edit_quantity_text(struct arena *arena, const char *old, size_t length, bool cpu, int64_t value)
{
    char text[QUANTITY_MAX];
    bool fraction;
    const char *suffix;
    size_t suffix_length;
    const char *same = NULL;
    if (old != NULL && split(old, length, &fraction, &suffix, &suffix_length)) {
        same = cpu ? cpu_like(arena, suffix, suffix_length, value, fraction)
                   : memory_like(arena, suffix, suffix_length, value, fraction);
    }
    return same != NULL ? same
                        : arena_strdup(arena, cpu ? quantity_cpu_format(value, text)
                                                  : quantity_memory_format(value, text));
}

/* Whether JSON reads the text as a number. Quantities have no other forms that could be one. */
static bool is_number(const char *text)
{
    size_t at = 0;
    while (is_digit(text[at])) {
        at++;
    }
    bool whole = at > 0 && (text[0] != '0' || at == 1);
    if (whole && text[at] == '.' && is_digit(text[at + 1])) {
        at++;
        while (is_digit(text[at])) {
            at++;
        }
    }
    return whole && text[at] == '\0';
}

const char *edit_quote(struct arena *arena, const char *text, enum yaml_style style, bool json)
{
    if (style == YAML_STYLE_SINGLE && !json) {
        return arena_printf(arena, "'%s'", text);
    }
    if (style == YAML_STYLE_DOUBLE || (json && !is_number(text))) {
        return arena_printf(arena, "\"%s\"", text);
    }
    return arena_strdup(arena, text);
}
