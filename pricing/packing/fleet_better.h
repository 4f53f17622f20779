#ifndef TARE_PRICING_PACKING_FLEET_BETTER_H
#define TARE_PRICING_PACKING_FLEET_BETTER_H

/* A node type that would carry the plan for less. Private to this folder. */

#include "pricing/packing/fleet.h"
#include "pricing/packing/fleet_input.h"

/* Looks for it among the candidates and fills fleet->better; the sides and pools of the fleet stand. `left_out`, by workload:
 * what fits no node and was not packed either. */
void better_find(const struct fleet_input *input, const bool *left_out, struct fleet *fleet);

/* Money a month of so much an hour; −1 where it is not known or too much to count. */
int64_t better_monthly(int64_t microusd_per_hour);

#endif
