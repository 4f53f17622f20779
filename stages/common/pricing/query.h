#ifndef TARE_STAGES_COMMON_PRICING_QUERY_H
#define TARE_STAGES_COMMON_PRICING_QUERY_H

/* What to price with, from options and configuration. */

#include "pipeline/base/arena.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "pricing/unit/unit.h"

/*
 * Fills the query of the default price from options (NULL: none) and configuration. An option comes before the configuration;
 * what the configuration says of region, node type and prices is about its own provider and is left aside when an option
 * names another one. What a price is made from (node type, serverless product, unit prices, hardware) comes from one place as a
 * whole: an option that names one sets the configuration's aside. --discount stands in place of both discount and discounts.
 * Strings are borrowed from options and configuration or live in the arena. ERR_USAGE or ERR_CONFIG (with file and line) for a
 * number out of range.
 */
int price_query_make(const struct options *options, const struct config *config, struct arena *arena,
                     struct price_query *query, struct err *err);

/* Fills the query of an entry of pricing.pools. What it leaves out is as in `base`, the query of the default price, where it is
 * about the same provider: region, what a price is made from (as a whole), discounts (as a whole), and, for nodes that are bought,
 * reserved and spot shares. ERR_CONFIG as above. */
int price_query_pool(const struct config *config, size_t index, const struct price_query *base, struct arena *arena,
                     struct price_query *query, struct err *err);

/* Whether pools count: not where an option names another provider than the configuration. */
bool price_pools_count(const struct options *options, const struct config *config);

#endif
