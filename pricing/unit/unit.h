#ifndef TARE_PRICING_UNIT_UNIT_H
#define TARE_PRICING_UNIT_UNIT_H

/*
 * Unit prices: what one vCPU and one GiB cost an hour on the chosen node type.
 *
 * The list price of the node is split by the ratio of its family: with C and R the family's prices of a vCPU
 * and a GiB, ram = price / (vcpu × C/R + gib) and cpu = ram × C/R, each rounded half up to the micro-dollar
 * once, after the discounts and shares. So vcpu × cpu + gib × ram is the node's price within half a micro-dollar
 * for each of its units.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pricing/catalog/catalog.h"
#include "pricing/unit/on_prem.h"
#include "pricing/unit/terms.h"

/* The provider where nobody names one. */
#define DEFAULT_PROVIDER "aws"

/* How a price was found, the best first. */
enum price_path {
    PRICE_OVERRIDE,     /* unit prices that somebody stated */
    PRICE_EXACT,        /* list price of this type in this region */
    PRICE_OTHER_REGION, /* list price of this type in another region: flagged */
    PRICE_ESTIMATED,    /* the provider's unit price, the node type is not known: flagged */
    PRICE_DEFAULT,      /* nobody said anything: the default node type of the default provider */
    PRICE_SERVERLESS,   /* unit prices of a serverless product in this region */
    PRICE_ON_PREM       /* computed from what hardware and power cost */
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
    struct price_name serverless;  /* product */
    struct on_prem_costs on_prem;  /* in ranges */
    struct price_terms terms;      /* in ranges; missing discounts of shares are looked up */
    struct price_name terms_place; /* how messages call the section that the terms stand in; no text */
};

/* The answer. Strings are borrowed from the catalog, the query or static; region, instance, date and source
 * are NULL where they mean nothing. */
struct unit_price {
    int64_t microusd_per_vcpu_hour; /* after discounts and shares */
    int64_t microusd_per_gib_hour;
    int64_t node_microusd_per_hour; /* list price, 0 where no node type is known */
    int64_t node_paid_microusd_per_hour; /* after discounts and shares */
    int64_t vcpu_milli;
    int64_t gib_milli;
    int64_t discount_ppm; /* the discounts compounded, without shares */
    struct price_terms terms;
    enum price_path path;
    const char *pool; /* node pool that it is the price of; NULL: all that no pool is for */
    const char *provider;
    const char *region;        /* the region asked for */
    const char *priced_region; /* the region whose price it is */
    const char *instance;      /* node type; of a serverless price the product */
    bool serverless;
    const char *group; /* family group that gave the ratio; NULL: prices that need none */
    struct group_price ratio; /* the group's prices C and R, of which the ratio counts; 0: none was needed */
    int64_t list_microusd_per_vcpu_hour; /* stated unit prices before discounts and shares; 0 where they are made from a node's */
    int64_t list_microusd_per_gib_hour;
    struct on_prem_costs on_prem; /* where the path is PRICE_ON_PREM */
    const char *date;
    const char *source;
};

/* Finds the unit prices. Unknown names: the class of their price_name, with near names in the hint. */
int unit_price_find(const struct catalog *catalog, const struct price_query *query, struct unit_price *out,
                    struct err *err);

/*
 * How a price came about, step by step, so that anybody can compute it again: new array of {"step": code, "text": a sentence with
 * the exact figures, and the figures as integers whose names end in their unit}. Codes in order, as far as they apply: list,
 * hardware, power, node, ratio, split, stated, reserved, spot, discount, paid, unit, check.
 */
json_t *unit_price_steps(const struct unit_price *unit);

/* Name of a path as records carry it ("other-region"). Borrowed, static. */
const char *price_path_name(enum price_path path);

/* Whether a price found on this path is not the list price that was asked for. */
int price_path_flagged(enum price_path path);

#endif
