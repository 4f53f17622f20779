#ifndef TARE_COLLECT_FIGURES_ORDER_H
#define TARE_COLLECT_FIGURES_ORDER_H

/*
 * Order statistics without sorting. Values are put into classes by splitters drawn from the values themselves (as
 * samplesort does: Frazer, McKellar 1970): class k holds what k splitters are at or below. So classes are in order of
 * value and hold about as many values each whatever their distribution. A value that is frequent is a splitter together with
 * the next larger number, so it has a class of its own. Sums over classes tell in which class a percentile lies; only that
 * class has to be looked at more closely.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stages/collect/figures/samples.h"

enum { ORDER_CLASSES = 256, ORDER_CELLS = 4096 };

struct order {
    uint64_t splitters[2 * ORDER_CLASSES]; /* bits of values, ascending; those not needed are above all values */
    /* Where the search begins: the range of splitters is cut into cells of equal width, each knows how many splitters
     * are in those before it. */
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

/* What a search needs, for those who make many. */
struct order_search {
    const uint64_t *splitters;
    const unsigned char *below;
    uint64_t low;
    unsigned shift;
    unsigned step;
};

static inline struct order_search order_search(const struct order *order)
{
    return (struct order_search){order->splitters, order->below, order->low, order->shift, order->step};
}

/* The cell of bits. */
static inline size_t order_cell(uint64_t bits, uint64_t low, unsigned shift)
{
    uint64_t cell = bits > low ? (bits - low) >> shift : 0;
    return cell < ORDER_CELLS ? cell : ORDER_CELLS - 1;
}

/* The class of a value ≥ 0: a search without branches but for its length, which is the same for all values. */
static inline unsigned order_class(const struct order_search *search, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t at = search->below[order_cell(bits, search->low, search->shift)];
    for (size_t step = search->step; step > 0; step /= 2) {
        at += search->splitters[at + step - 1] <= bits ? step : 0;
    }
    return (unsigned)at;
}

/* Whether a class can hold one value only: then that is *value. */
static inline bool order_single(const struct order *order, unsigned class, double *value)
{
    if (class == 0 || order->splitters[class] != order->splitters[class - 1] + 1) {
        return false;
    }
    memcpy(value, &order->splitters[class - 1], sizeof *value);
    return true;
}

/* Going down from the largest value, the first at which the sum of amounts is more than `beyond`; the least value when
 * none is. Puts `portions` (one at least) into another order. */
double order_pick(struct portion *portions, size_t count, double beyond);

#endif
