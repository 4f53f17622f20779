#ifndef TARE_PRICING_UNIT_ON_PREM_H
#define TARE_PRICING_UNIT_ON_PREM_H

/*
 * What a node of one's own costs an hour:
 *   hardware = price / (months × 730 h)
 *   power    = watts / 1000 × PUE × price of a kWh    (PUE: power of the whole site / power of its machines)
 *   node     = (hardware + power) × (1 + overhead)    (overhead: staff, space, network, as a share)
 * Each of the three is rounded half up to the micro-dollar, so that anybody can compute them again one by one.
 */

#include <stdbool.h>
#include <stdint.h>

struct on_prem_costs {
    bool given;
    int64_t hardware_microusd;
    int64_t months_milli;
    int64_t milliwatts;
    int64_t pue_ppm;
    int64_t microusd_per_kwh;
    int64_t overhead_ppm;
    int64_t vcpu_milli;
    int64_t gib_milli;
    int64_t ratio_ppm; /* price of a vCPU over that of a GiB, in millionths; 0: nobody said */
};

/* The amounts that the costs come to. */
struct on_prem_price {
    int64_t hardware_microusd_per_hour;
    int64_t power_microusd_per_hour;
    int64_t node_microusd_per_hour;
};

/* Computes them; the costs must be in the ranges that stages/common/pricing/on_prem.c checks. */
struct on_prem_price on_prem_price(const struct on_prem_costs *costs);

#endif
