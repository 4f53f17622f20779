#ifndef TARE_ANALYZE_SCALING_SETUP_H
#define TARE_ANALYZE_SCALING_SETUP_H

/* What scaling advice needs of the configuration, read and checked once a run. */

#include "pipeline/cli/config.h"
#include "pipeline/run/tz.h"
#include "pricing/unit/unit.h"

struct scaling_setup;

/* Reads `scaling` of the configuration (borrowed), and `pricing` where a policy speaks of money. *out new, free with
 * scaling_setup_free. ERR_CONFIG for an unknown zone, a policy that cannot be followed, an unknown price. */
int scaling_setup_new(const struct config *config, struct scaling_setup **out, struct err *err);

/* Frees; NULL is allowed. */
void scaling_setup_free(struct scaling_setup *setup);

/* The zone of schedules, and its name. Borrowed. */
const struct tz *scaling_zone(const struct scaling_setup *setup);
const char *scaling_zone_name(const struct scaling_setup *setup);

/* The entries of scaling.policies, NULL for none. Borrowed. */
const json_t *scaling_policies(const struct scaling_setup *setup);

/* The prices, NULL where no policy speaks of money. Borrowed. */
const struct unit_price *scaling_prices(const struct scaling_setup *setup);

/* An image that holds kubectl, and the address of the metrics server without a secret (NULL where it is not known or needs
 * one). Borrowed. */
const char *scaling_image(const struct scaling_setup *setup);
const char *scaling_server(const struct scaling_setup *setup);

#endif
