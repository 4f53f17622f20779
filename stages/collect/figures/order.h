#ifndef TARE_COLLECT_FIGURES_ORDER_H
#define TARE_COLLECT_FIGURES_ORDER_H

/*
 * Order statistics without sorting. Values are put into classes by splitters drawn from the values themselves (as
 * samplesort does: Frazer, McKellar 1970; classes of single values: Sanders, Winkel 2004): with S splitters class 2k
 * holds what lies between the splitters k − 1 and k, class 2k + 1 what equals splitter k. So classes are in order of value,
 * hold about as many values each whatever their distribution, and where one value is frequent it has a class of its own.
 * Sums over classes tell in which class a percentile lies; only that class has to be looked at more closely.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stages/collect/figures/samples.h"

enum { ORDER_SPLITTERS = 127, ORDER_CLASSES = 256 };

struct order {
    uint64_t splitters[ORDER_SPLITTERS + 1]; /* bits of values, ascending; those not needed are above all values */
};

/* A value and how much it counts. */
struct portion {
    double value;
    double amount;
};

/* Draws splitters from `count` samples. */
void order_init(struct order *order, const struct sample *items, size_t count);

/* The class of a value ≥ 0: a search without branches. */
static inline unsigned order_class(const struct order *order, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t *at = order->splitters;
    at += (at[63] < bits) * 64;
    at += (at[31] < bits) * 32;
    at += (at[15] < bits) * 16;
    at += (at[7] < bits) * 8;
    at += (at[3] < bits) * 4;
    at += (at[1] < bits) * 2;
    at += (at[0] < bits) * 1;
    return 2 * (unsigned)(at - order->splitters) + (*at == bits);
}

/* The only value of an odd class. */
static inline double order_value(const struct order *order, unsigned class)
{
    double value;
    memcpy(&value, &order->splitters[class / 2], sizeof value);
    return value;
}

/* Going down from the largest value, the first at which the sum of amounts is more than `beyond`; the least value when
 * none is. Puts `portions` (one at least) into another order. */
double order_pick(struct portion *portions, size_t count, double beyond);

#endif
