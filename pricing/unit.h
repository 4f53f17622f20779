#ifndef TARE_PRICING_UNIT_H
#define TARE_PRICING_UNIT_H

/*
 * Unit prices: what one vCPU and one GiB cost an hour on the chosen node type.
 *
 * The list price of the node is split by the ratio of its family: with C and R the family's prices of a vCPU
 * and a GiB, ram = price / (vcpu × C/R + gib) and cpu = ram × C/R, each rounded half up to the micro-dollar
 * once, after the discount. So vcpu × cpu + gib × ram is the node's price within half a micro-dollar for each
 * of its units.
 */

#include <stdint.h>

#include "pipeline/base/err.h"
#include "pricing/catalog.h"

/* Discounts are millionths of the price. */
enum { DISCOUNT_SCALE = 1000000 };

/* The provider where nobody names one. */
#define DEFAULT_PROVIDER "aws"

/* How a price was found, the best first. */
enum price_path {
    PRICE_OVERRIDE,     /* unit prices that somebody stated */
    PRICE_EXACT,        /* list price of this type in this region */
    PRICE_OTHER_REGION, /* list price of this type in another region: flagged */
    PRICE_ESTIMATED,    /* the provider's unit price, the node type is not known: flagged */
    PRICE_DEFAULT       /* nobody said anything: the default node type of the default provider */
};

/* A name from outside, and the class of error it makes when it is unknown (ERR_USAGE from an option,
 * ERR_CONFIG from a file). `text` is NULL when nobody gave it; `origin` is how messages call it ("--region",
 * "pricing.region"). */
struct price_name {
    const char *text;
    enum err_class blame;
    const char *origin;
};

/* What is asked for. Unit prices of one's own are −1 when there are none. */
struct price_query {
    struct price_name provider;
    struct price_name region;
    struct price_name instance;
    int64_t microusd_per_vcpu_hour;
    int64_t microusd_per_gib_hour;
    enum err_class override_blame;
    int64_t discount_ppm; /* 0 ≤ d < DISCOUNT_SCALE, already compounded */
};

/* The answer. Strings are borrowed from the catalog, the query or static; region, instance, date and source
 * are NULL where they mean nothing. */
struct unit_price {
    int64_t microusd_per_vcpu_hour; /* after the discount */
    int64_t microusd_per_gib_hour;
    int64_t node_microusd_per_hour; /* list price, 0 where no node type is known */
    int64_t vcpu_milli;
    int64_t gib_milli;
    int64_t discount_ppm;
    enum price_path path;
    const char *provider;
    const char *region;        /* the region asked for */
    const char *priced_region; /* the region whose price it is */
    const char *instance;
    const char *group; /* family group that gave the ratio */
    const char *date;
    const char *source;
};

/* Finds the unit prices. Unknown names: the class of their price_name, with near names in the hint. */
int unit_price_find(const struct catalog *catalog, const struct price_query *query, struct unit_price *out,
                    struct err *err);

/* Name of a path as records carry it ("other-region"). Borrowed, static. */
const char *price_path_name(enum price_path path);

/* Whether a price found on this path is not the list price that was asked for. */
int price_path_flagged(enum price_path path);

#endif
