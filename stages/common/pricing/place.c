#include "stages/common/pricing/place.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/money/money.h"

enum { KEY_BYTES = 200 };

/* Bounds that keep amounts sane and their products inside 64 bits. */
#define HARDWARE_MAX (INT64_C(10000000) * MICROUSD_PER_USD)
#define MILLI_MAX (INT64_C(50000) * 1000)
#define WATTS_MAX (INT64_C(1000000) * 1000)
#define KWH_MAX (INT64_C(100) * MICROUSD_PER_USD)

struct place place_top(const struct config *config, struct arena *arena)
{
    return (struct place){config, config_value(config, "pricing"), "pricing", arena};
}

struct place place_pool(const struct config *config, size_t index, struct arena *arena)
{
    return (struct place){config, json_array_get(config_value(config, "pricing.pools"), index),
                          arena_printf(arena, "pricing.pools[%zu]", index), arena};
}

const json_t *place_value(const struct place *place, const char *key)
{
    const json_t *value = json_at(place->section, key);
    return json_is_null(value) ? NULL : value;
}

/* A name whose origin lives in the arena. */
static struct price_name name_at(const struct place *place, const char *shown, const char *text)
{
    char *where = config_place(place->config, shown);
    struct price_name name = {text, ERR_CONFIG, arena_strdup(place->arena, where)};
    free(where);
    return name;
}

struct price_name place_name(const struct place *place, const char *key)
{
    char shown[KEY_BYTES];
    snprintf(shown, sizeof shown, "%s.%s", place->name, key);
    return name_at(place, shown, json_string_value(place_value(place, key)));
}

struct price_name place_itself(const struct place *place)
{
    return name_at(place, place->name, NULL);
}

int place_error(const struct place *place, struct err *err, const char *key, const char *format, ...)
{
    char shown[KEY_BYTES];
    char sentence[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    snprintf(shown, sizeof shown, "%s.%s", place->name, key);
    return config_error(place->config, err, shown, "%s", sentence);
}

int place_number(const struct place *place, const char *key, int64_t scale, int64_t min, int64_t max, int64_t absent,
                 int64_t *out, struct err *err)
{
    const json_t *value = place_value(place, key);
    *out = absent;
    if (value == NULL) {
        return 0;
    }
    double number = json_number_value(value) * (double)scale;
    if (!(number >= (double)min - 0.5 && number <= (double)max + 0.5)) {
        return place_error(place, err, key, "%g is not between %g and %g", json_number_value(value), (double)min / (double)scale,
                           (double)max / (double)scale);
    }
    *out = (int64_t)llround(number);
    return 0;
}

static int add_discount(const struct place *place, const char *key, double share, struct price_terms *terms, struct err *err)
{
    if (!(share >= 0 && share <= 1 - 1e-6)) {
        place_error(place, err, key, "is not a share from 0 to below 1");
        return err_hint(err, "write 30 percent off as 0.3; several discounts compound: 1 - (1 - a)(1 - b)");
    }
    if (terms->discount_count == DISCOUNTS_MAX) {
        return place_error(place, err, key, "makes more than %d discounts", DISCOUNTS_MAX);
    }
    int64_t ppm = (int64_t)llround(share * DISCOUNT_SCALE);
    if (ppm > 0) {
        terms->discounts_ppm[terms->discount_count++] = ppm;
    }
    return 0;
}

static int read_discounts(const struct place *place, struct price_terms *terms, bool *given, struct err *err)
{
    const json_t *one = place_value(place, "discount");
    const json_t *more = place_value(place, "discounts");
    *given = one != NULL || json_array_size(more) > 0;
    if (one != NULL && add_discount(place, "discount", json_number_value(one), terms, err)) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(more); i++) {
        char key[32];
        snprintf(key, sizeof key, "discounts[%zu]", i);
        if (add_discount(place, key, json_number_value(json_array_get(more, i)), terms, err)) {
            return -1;
        }
    }
    return 0;
}

static int read_share(const struct place *place, const char *kind, struct price_share *share, bool *given, struct err *err)
{
    char key[32];
    snprintf(key, sizeof key, "%s.share", kind);
    *given = place_value(place, key) != NULL;
    if (place_number(place, key, DISCOUNT_SCALE, 0, DISCOUNT_SCALE, 0, &share->share_ppm, err)) {
        return -1;
    }
    snprintf(key, sizeof key, "%s.discount", kind);
    if (place_number(place, key, DISCOUNT_SCALE, 0, DISCOUNT_SCALE - 1, -1, &share->discount_ppm, err)) {
        return -1;
    }
    if (share->discount_ppm >= 0 && !*given) {
        place_error(place, err, key, "says what comes off, and not off which share of the nodes");
        return err_hint(err, "add share, as in %s: {share: 0.3, discount: 0.4}", kind);
    }
    share->source = share->discount_ppm >= 0 ? "configuration" : NULL;
    return 0;
}

int place_terms(const struct place *place, struct price_terms *terms, struct terms_given *given, struct err *err)
{
    *terms = (struct price_terms){.reserved_years = 1};
    if (read_discounts(place, terms, &given->discounts, err) ||
        read_share(place, "reserved", &terms->reserved, &given->reserved, err) ||
        read_share(place, "spot", &terms->spot, &given->spot, err)) {
        return -1;
    }
    if (str_equal(json_string_value(place_value(place, "reserved.years")), "3")) {
        terms->reserved_years = 3;
    }
    return 0;
}

/* One of the two ways to say how long hardware is written off. */
static int read_months(const struct place *place, struct on_prem_costs *costs, struct err *err)
{
    int64_t years = 0;
    if (place_number(place, "on_prem.amortisation_months", 1000, 1000, 1200000, 0, &costs->months_milli, err) ||
        place_number(place, "on_prem.amortisation_years", 12000, 1000, 1200000, 0, &years, err)) {
        return -1;
    }
    if ((costs->months_milli > 0) == (years > 0)) {
        return place_error(place, err, "on_prem", "needs one of amortisation_months and amortisation_years");
    }
    costs->months_milli += years;
    return 0;
}

static int need(const struct place *place, const char *key, struct err *err)
{
    return place_value(place, key) != NULL ? 0 : place_error(place, err, "on_prem", "needs %s too", key);
}

static int read_power(const struct place *place, struct on_prem_costs *costs, struct err *err)
{
    if (place_number(place, "on_prem.watts", 1000, 0, WATTS_MAX, 0, &costs->milliwatts, err) ||
        place_number(place, "on_prem.pue", DISCOUNT_SCALE, DISCOUNT_SCALE, 10 * DISCOUNT_SCALE, DISCOUNT_SCALE, &costs->pue_ppm,
                     err) ||
        place_number(place, "on_prem.usd_per_kwh", MICROUSD_PER_USD, 0, KWH_MAX, 0, &costs->microusd_per_kwh, err)) {
        return -1;
    }
    return costs->milliwatts > 0 ? need(place, "on_prem.usd_per_kwh", err) : 0;
}

/* The size alone is for stated unit prices: then it says what a node of them costs. */
int place_on_prem(const struct place *place, struct on_prem_costs *costs, struct err *err)
{
    *costs = (struct on_prem_costs){.given = place_value(place, "on_prem.hardware_usd") != NULL};
    if (place_number(place, "on_prem.vcpu", 1000, 1, MILLI_MAX, 0, &costs->vcpu_milli, err) ||
        place_number(place, "on_prem.memory_gib", 1000, 1, MILLI_MAX, 0, &costs->gib_milli, err) ||
        place_number(place, "on_prem.hardware_usd", MICROUSD_PER_USD, 1, HARDWARE_MAX, 0, &costs->hardware_microusd, err) ||
        place_number(place, "on_prem.overhead", DISCOUNT_SCALE, 0, 10 * DISCOUNT_SCALE, 0, &costs->overhead_ppm, err) ||
        place_number(place, "on_prem.cpu_memory_ratio", DISCOUNT_SCALE, DISCOUNT_SCALE / 100, 100 * DISCOUNT_SCALE, 0,
                     &costs->ratio_ppm, err)) {
        return -1;
    }
    if (!costs->given) {
        return place_value(place, "on_prem.watts") != NULL ? need(place, "on_prem.hardware_usd", err) : 0;
    }
    return read_months(place, costs, err) || read_power(place, costs, err) || need(place, "on_prem.vcpu", err) ||
                   need(place, "on_prem.memory_gib", err)
               ? -1
               : 0;
}
