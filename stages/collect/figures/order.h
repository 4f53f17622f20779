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

enum { ORDER_SPLITTERS = 127, ORDER_CLASSES = 256, ORDER_CELLS = 1024 };

struct order {
    uint64_t splitters[2 * ORDER_SPLITTERS + 2]; /* bits of values, ascending; those not needed are above all values */
    /* Where the search begins: the range of splitters is cut into cells of equal width, each knows how many splitters
     * are below it. */
    uint64_t low;
    unsigned shift;
    unsigned step; /* the first of the search: a power of 2 */
    unsigned char below[ORDER_CELLS];
};

/* A value and how much it counts. */
struct portion {
    double value;
    double amount;
};

/* Draws splitters from `count` samples. */
void order_init(struct order *order, const struct sample *items, size_t count);

/* The class of a value ≥ 0: a search without branches but for its length, which is the same for all values. */
static inline unsigned order_class(const struct order *order, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t cell = bits > order->low ? (bits - order->low) >> order->shift : 0;
    const uint64_t *at = order->splitters + order->below[cell < ORDER_CELLS ? cell : ORDER_CELLS - 1];
    for (size_t step = order->step; step > 0; step /= 2) {
        at += -(size_t)(at[step - 1] < bits) & step;
    }
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
