#include "stages/common/pricing/query.h"

#include "pipeline/base/str.h"
#include "pricing/money/money.h"
#include "stages/common/pricing/place.h"

/* The most that a vCPU or a GiB may cost an hour: keeps products inside 64 bits, and catches prices of a month. */
#define UNIT_PRICE_MAX (INT64_C(10000) * MICROUSD_PER_USD)

static bool typed(const struct options *options, enum option_id id)
{
    return options != NULL && options_given(options, id);
}

/* The option where it is typed, else the key of the section. */
static struct price_name name_from(const struct options *options, enum option_id id, const char *flag,
                                   const struct place *place, const char *key)
{
    return typed(options, id) ? (struct price_name){options_string(options, id), ERR_USAGE, flag} : place_name(place, key);
}

static int typed_price(const struct options *options, enum option_id id, const char *flag, int64_t *microusd, struct err *err)
{
    struct err inner = {0};
    *microusd = -1;
    if (!typed(options, id)) {
        return 0;
    }
    if (money_parse(options_string(options, id), microusd, &inner) != 0) {
        return err_set(err, ERR_USAGE, "%s: %s", flag, inner.message);
    }
    return *microusd <= UNIT_PRICE_MAX ? 0 : err_set(err, ERR_USAGE, "%s: more than $10000 for an hour", flag);
}

/* Unit prices, a product, a node type or hardware that options name. */
static int options_source(const struct options *options, struct price_query *query, struct err *err)
{
    query->override_blame = ERR_USAGE;
    if (typed(options, OPT_INSTANCE)) {
        query->instance = (struct price_name){options_string(options, OPT_INSTANCE), ERR_USAGE, "--instance"};
    }
    if (typed(options, OPT_SERVERLESS)) {
        query->serverless = (struct price_name){options_string(options, OPT_SERVERLESS), ERR_USAGE, "--serverless"};
    }
    return typed_price(options, OPT_USD_PER_VCPU_HOUR, "--usd-per-vcpu-hour", &query->microusd_per_vcpu_hour, err) ||
                   typed_price(options, OPT_USD_PER_GIB_HOUR, "--usd-per-gib-hour", &query->microusd_per_gib_hour, err)
               ? -1
               : 0;
}

/* The same that a section names. */
static int place_source(const struct place *place, struct price_query *query, struct err *err)
{
    query->override_blame = ERR_CONFIG;
    query->instance = place_name(place, "instance");
    query->serverless = place_name(place, "serverless");
    return place_number(place, "usd_per_vcpu_hour", MICROUSD_PER_USD, 0, UNIT_PRICE_MAX, -1, &query->microusd_per_vcpu_hour,
                        err) ||
                   place_number(place, "usd_per_gib_hour", MICROUSD_PER_USD, 0, UNIT_PRICE_MAX, -1,
                                &query->microusd_per_gib_hour, err) ||
                   place_on_prem(place, &query->on_prem, err)
               ? -1
               : 0;
}

static bool names_a_source(const struct price_query *query)
{
    return query->instance.text != NULL || query->serverless.text != NULL || query->microusd_per_vcpu_hour >= 0 ||
           query->microusd_per_gib_hour >= 0 || query->on_prem.given;
}

static void take_source(struct price_query *query, const struct price_query *from)
{
    struct price_query taken = *from;
    taken.provider = query->provider;
    taken.region = query->region;
    taken.terms = query->terms;
    taken.terms_place = query->terms_place;
    *query = taken;
}

static int check_shares(const struct place *place, const struct price_terms *terms, struct err *err)
{
    if (terms->reserved.share_ppm + terms->spot.share_ppm > DISCOUNT_SCALE) {
        return place_error(place, err, terms->spot.share_ppm > 0 ? "spot.share" : "reserved.share",
                           "reserved and spot shares are together more than all nodes");
    }
    return 0;
}

static int typed_discount(const struct options *options, struct price_terms *terms, struct err *err)
{
    int64_t ppm = 0;
    if (!typed(options, OPT_DISCOUNT)) {
        return 0;
    }
    if (money_parse(options_string(options, OPT_DISCOUNT), &ppm, NULL) != 0 || ppm >= DISCOUNT_SCALE) {
        err_set(err, ERR_USAGE, "--discount is not a share from 0 to below 1");
        return err_hint(err, "write 30 percent off as 0.3; several discounts compound: 1 - (1 - a)(1 - b)");
    }
    terms->discounts_ppm[0] = ppm;
    terms->discount_count = ppm > 0 ? 1 : 0;
    return 0;
}

/* Whether an option names another provider than the configuration: then its places and prices are not about it. */
static bool is_elsewhere(const struct options *options, const struct config *config)
{
    const char *configured = config_string(config, "pricing.provider");
    return typed(options, OPT_PROVIDER) &&
           !str_equal(options_string(options, OPT_PROVIDER), configured == NULL ? DEFAULT_PROVIDER : configured);
}

bool price_pools_count(const struct options *options, const struct config *config)
{
    return !is_elsewhere(options, config);
}

int price_query_make(const struct options *options, const struct config *config, struct arena *arena,
                     struct price_query *query, struct err *err)
{
    struct place place = place_top(config, arena);
    struct place about = place;
    if (is_elsewhere(options, config)) {
        about.section = NULL;
    }
    struct terms_given given;
    struct price_query own = {.microusd_per_vcpu_hour = -1, .microusd_per_gib_hour = -1};
    *query = (struct price_query){.provider = name_from(options, OPT_PROVIDER, "--provider", &place, "provider"),
                                  .region = name_from(options, OPT_REGION, "--region", &about, "region"),
                                  .terms_place = place_itself(&place)};
    if (options_source(options, &own, err) || place_source(&about, query, err) ||
        place_terms(&place, &query->terms, &given, err) || typed_discount(options, &query->terms, err)) {
        return -1;
    }
    /* One of two typed unit prices may have the other in the configuration. */
    if (own.microusd_per_vcpu_hour >= 0 || own.microusd_per_gib_hour >= 0) {
        own.microusd_per_vcpu_hour = own.microusd_per_vcpu_hour >= 0 ? own.microusd_per_vcpu_hour : query->microusd_per_vcpu_hour;
        own.microusd_per_gib_hour = own.microusd_per_gib_hour >= 0 ? own.microusd_per_gib_hour : query->microusd_per_gib_hour;
        own.instance = own.instance.text != NULL ? own.instance : query->instance;
        own.on_prem = query->on_prem;
    }
    if (names_a_source(&own)) {
        take_source(query, &own);
    }
    return check_shares(&place, &query->terms, err);
}

static void take_discounts(struct price_terms *terms, const struct price_terms *base)
{
    for (size_t i = 0; i < base->discount_count; i++) {
        terms->discounts_ppm[i] = base->discounts_ppm[i];
    }
    terms->discount_count = base->discount_count;
}

/* Shares are of nodes that are bought: serverless products and hardware of one's own have none but what they say themselves. */
static void take_shares(struct price_terms *terms, const struct terms_given *given, const struct price_terms *base)
{
    if (!given->reserved) {
        terms->reserved = base->reserved;
        terms->reserved_years = base->reserved_years;
    }
    if (!given->spot) {
        terms->spot = base->spot;
    }
}

int price_query_pool(const struct config *config, size_t index, const struct price_query *base, struct arena *arena,
                     struct price_query *query, struct err *err)
{
    struct place place = place_pool(config, index, arena);
    struct terms_given given;
    *query = (struct price_query){.provider = place_name(&place, "provider"),
                                  .region = place_name(&place, "region"),
                                  .terms_place = place_itself(&place)};
    if (place_source(&place, query, err) || place_terms(&place, &query->terms, &given, err)) {
        return -1;
    }
    const char *usual = base->provider.text == NULL ? DEFAULT_PROVIDER : base->provider.text;
    bool same = query->provider.text == NULL ? !query->on_prem.given : str_equal(query->provider.text, usual);
    if (same) {
        query->provider = query->provider.text == NULL ? base->provider : query->provider;
        query->region = query->region.text == NULL ? base->region : query->region;
        if (!names_a_source(query)) {
            take_source(query, base);
        }
        if (!given.discounts) {
            take_discounts(&query->terms, &base->terms);
        }
        if (query->serverless.text == NULL && !query->on_prem.given) {
            take_shares(&query->terms, &given, &base->terms);
        }
    }
    return check_shares(&place, &query->terms, err);
}
