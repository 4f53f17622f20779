#ifndef TARE_STAGES_PRICE_QUERY_H
#define TARE_STAGES_PRICE_QUERY_H

/* What to price with, from options and configuration. */

#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "pricing/unit.h"

/*
 * Fills the query. An option comes before the configuration; what the configuration says of region, instance
 * and unit prices is about its own provider and is left aside when an option names another one. Strings are
 * borrowed from options and configuration. ERR_USAGE or ERR_CONFIG for a price or discount that is no number
 * or out of range.
 */
int price_query_make(const struct options *options, const struct config *config, struct price_query *query,
                     struct err *err);

#endif
