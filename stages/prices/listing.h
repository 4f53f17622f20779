#ifndef TARE_STAGES_PRICES_LISTING_H
#define TARE_STAGES_PRICES_LISTING_H

/* List prices of the catalog as rows: all of them, those that words fit, and the regions that have any. */

#include "pipeline/io/json.h"
#include "pricing/catalog/catalog.h"

/* What is asked for; NULL: everything. */
struct listing_filter {
    const char *provider;
    const char *region;
};

/* ERR_USAGE with near names where the catalog has no such provider or region. */
int listing_check(const struct catalog *catalog, const struct listing_filter *filter, struct err *err);

/*
 * New array of prices, by provider, region and type, serverless products after the nodes: {provider, region, name, of
 * ("node", "vCPU", "GiB", "cluster", …), vcpu_milli, gib_milli, microusd_per_hour, microusd_per_vcpu_hour,
 * microusd_per_gib_hour (a node's list price split by the ratio of its family, `family`), date, source}. ERR_CONFIG where the
 * catalog lacks a family's prices; ERR_USAGE where nothing is left.
 */
int listing_all(const struct catalog *catalog, const struct listing_filter *filter, json_t **out, struct err *err);

/*
 * The prices that every one of the words fits: a piece of provider, region, type, product or family, whatever the case and
 * the signs between. A word that nothing fits is taken for the name nearest to it, which is said in a message. ERR_USAGE where
 * none is near.
 */
int listing_search(const struct catalog *catalog, const struct listing_filter *filter, const char *const *words,
                   size_t count, json_t **out, struct err *err);

/* New array {provider, region, home, node_types, oldest, newest} of the regions that have prices of nodes. */
json_t *listing_regions(const struct catalog *catalog, const struct listing_filter *filter);

#endif
