#ifndef TARE_STAGES_COMMON_PRICING_PLACE_H
#define TARE_STAGES_COMMON_PRICING_PLACE_H

/* A section of the configuration that says what to price with: `pricing` itself or an entry of pricing.pools. */

#include "pipeline/base/arena.h"
#include "pipeline/cli/config.h"
#include "pricing/unit/unit.h"

struct place {
    const struct config *config;
    const json_t *section; /* its value; NULL: nothing counts */
    const char *name;      /* "pricing", "pricing.pools[0]" */
    struct arena *arena;   /* of the strings that are made here */
};

/* `pricing` itself, and an entry of its pools. */
struct place place_top(const struct config *config, struct arena *arena);
struct place place_pool(const struct config *config, size_t index, struct arena *arena);

/* Value at a dotted key of the section, NULL where it is null or absent. Borrowed. */
const json_t *place_value(const struct place *place, const char *key);

/* Text at a key, with what messages call it. */
struct price_name place_name(const struct place *place, const char *key);

/* What messages call the section; no text. */
struct price_name place_itself(const struct place *place);

/* Refuses the value of a key with file and line. Returns −1. */
int place_error(const struct place *place, struct err *err, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Number at a key in units of 1/scale (rounded), between `min` and `max` of those; `absent` where there is none. */
int place_number(const struct place *place, const char *key, int64_t scale, int64_t min, int64_t max, int64_t absent,
                 int64_t *out, struct err *err);

/* Discounts, reserved and spot shares of the section. *given tells whether it names a discount, reserved and spot shares. */
struct terms_given {
    bool discounts;
    bool reserved;
    bool spot;
};
int place_terms(const struct place *place, struct price_terms *terms, struct terms_given *given, struct err *err);

/* Hardware and power of the section. */
int place_on_prem(const struct place *place, struct on_prem_costs *costs, struct err *err);

#endif
