#include "pricing/unit/on_prem.h"

#include "pricing/money/money.h"
#include "pricing/money/quotient.h"
#include "pricing/unit/terms.h"

enum { HOURS_OF_MONTH = 730 };

struct on_prem_price on_prem_price(const struct on_prem_costs *costs)
{
    struct on_prem_price price;
    price.hardware_microusd_per_hour =
        money_ratio((uint64_t)costs->hardware_microusd, 1000, (uint64_t)costs->months_milli * HOURS_OF_MONTH);
    const uint64_t power[] = {(uint64_t)costs->milliwatts, (uint64_t)costs->pue_ppm, (uint64_t)costs->microusd_per_kwh};
    const uint64_t units[] = {1000000 /* mW of a kW */, DISCOUNT_SCALE};
    price.power_microusd_per_hour = money_quotient(power, 3, units, 2);
    price.node_microusd_per_hour = money_ratio((uint64_t)(price.hardware_microusd_per_hour + price.power_microusd_per_hour),
                                               (uint64_t)(DISCOUNT_SCALE + costs->overhead_ppm), DISCOUNT_SCALE);
    return price;
}
