#include "stages/analyze/rules/rounding.h"

#include "pipeline/base/mem.h"

/* From an amount up, its unit, at most a hundredth of it. */
static const struct {
    int64_t from[RESOURCES], unit[RESOURCES];
} rounding[] = {
    {{10000, (int64_t)16 << 30}, {100, 128 << 20}},
    {{5000, (int64_t)4 << 30}, {50, 32 << 20}},
    {{1000, (int64_t)1 << 30}, {10, 8 << 20}},
    {{0, 0}, {5, 4 << 20}},
};

/* Position in `rounding` of an amount. */
static size_t rounding_of(enum resource resource, int64_t amount)
{
    size_t at = 0;
    while (amount < rounding[at].from[resource] && at + 1 < ARRAY_COUNT(rounding)) {
        at++;
    }
    return at;
}

static int64_t up_to(int64_t amount, int64_t unit)
{
    return amount > INT64_MAX - unit ? amount : (amount + unit - 1) / unit * unit;
}

int64_t rounding_unit(enum resource resource, int64_t amount)
{
    return rounding[rounding_of(resource, amount)].unit[resource];
}

int64_t rounded_up(enum resource resource, int64_t amount)
{
    return up_to(amount, rounding_unit(resource, amount));
}

int64_t rounded_within(enum resource resource, int64_t value, int64_t min, int64_t max)
{
    for (size_t at = rounding_of(resource, value); at < ARRAY_COUNT(rounding); at++) {
        int64_t unit = rounding[at].unit[resource];
        int64_t up = up_to(value, unit);
        int64_t down = max / unit * unit;
        if (up <= max) {
            return up;
        }
        if (down >= min) {
            return down;
        }
    }
    return value;
}
