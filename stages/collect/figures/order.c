#include "stages/collect/figures/order.h"

/* Values that splitters are chosen from; how few portions are sorted. */
enum { DRAWN = 512, SORTED = 16 };

static uint64_t bits_of(double value)
{
    uint64_t bits; /* of values ≥ 0: in the order of the values */
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Shell's sort with the gaps of Ciura (2001). */
static void sort_bits(uint64_t *bits, size_t count)
{
    static const size_t gaps[] = {301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        size_t gap = gaps[g];
        for (size_t i = gap; i < count; i++) {
            uint64_t moved = bits[i];
            size_t at = i;
            for (; at >= gap && bits[at - gap] > moved; at -= gap) {
                bits[at] = bits[at - gap];
            }
            bits[at] = moved;
        }
    }
}

/* Lays the cells over `made` ≥ 1 splitters. */
static void lay_cells(struct order *order, size_t made)
{
    size_t first = made > 1 && order->splitters[0] == 0 ? 1 : 0; /* 0 is far from any other number, as bits go */
    uint64_t range = order->splitters[made - 1] - order->splitters[first];
    order->low = order->splitters[first];
    order->shift = 0;
    while (range >> order->shift >= ORDER_CELLS) {
        order->shift++;
    }
    size_t most = 0;
    size_t cell = 0;
    for (size_t at = 0, to; at < made; at = to) {
        size_t next = order_cell(order->splitters[at], order->low, order->shift);
        memset(order->below + cell, (int)at, next + 1 - cell);
        cell = next + 1;
        for (to = at + 1; to < made && order_cell(order->splitters[to], order->low, order->shift) == next;) {
            to++;
        }
        most = to - at > most ? to - at : most;
    }
    memset(order->below + cell, (int)made, ORDER_CELLS - cell);
    order->step = 1;
    while (2 * order->step <= most) {
        order->step *= 2;
    }
}

void order_init(struct order *order, const struct sample *items, size_t count)
{
    uint64_t drawn[DRAWN];
    size_t draws = count < DRAWN ? count : DRAWN;
    for (size_t i = 0; i < draws; i++) {
        /* Multiples of the golden ratio spread evenly and keep no step with a period in the values. */
        uint64_t at = (uint32_t)(i * UINT32_C(2654435769)) * (uint64_t)count >> 32;
        drawn[i] = bits_of(items[count < DRAWN ? i : at].value);
    }
    sort_bits(drawn, draws);
    size_t made = 0;
    for (size_t i = 1; i < ORDER_CLASSES; i++) {
        uint64_t splitter = drawn[i * draws / ORDER_CLASSES];
        if (made == 0 || order->splitters[made - 1] < splitter) {
            order->splitters[made++] = splitter;
        } else if (order->splitters[made - 1] == splitter) {
            order->splitters[made++] = splitter + 1;
        }
    }
    lay_cells(order, made);
    while (made < sizeof order->splitters / sizeof *order->splitters) {
        order->splitters[made++] = UINT64_MAX;
    }
}

/* Sorts descending and walks. */
static double pick_sorted(struct portion *portions, size_t count, double beyond)
{
    for (size_t i = 1; i < count; i++) {
        struct portion moved = portions[i];
        size_t at = i;
        for (; at > 0 && portions[at - 1].value < moved.value; at--) {
            portions[at] = portions[at - 1];
        }
        portions[at] = moved;
    }
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += portions[i].amount;
        if (sum > beyond) {
            return portions[i].value;
        }
    }
    return portions[count - 1].value;
}

static double median_of(double a, double b, double c)
{
    double low = a < b ? a : b;
    double high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* Portions about a pivot: [0, above) are larger, [above, equal) are it. */
struct parts {
    size_t above;
    size_t equal;
    double above_sum;
    double equal_sum;
};

static struct parts part(struct portion *portions, size_t count, double pivot)
{
    struct parts parts = {0};
    for (size_t i = 0; i < count; i++) {
        struct portion at = portions[i];
        if (at.value < pivot) {
            continue;
        }
        portions[i] = portions[parts.equal];
        portions[parts.equal++] = at;
        if (at.value > pivot) {
            portions[parts.equal - 1] = portions[parts.above];
            portions[parts.above++] = at;
            parts.above_sum += at.amount;
        } else {
            parts.equal_sum += at.amount;
        }
    }
    return parts;
}

double order_pick(struct portion *portions, size_t count, double beyond)
{
    uint32_t random = 1;
    while (count > SORTED) {
        random = random * UINT32_C(1664525) + UINT32_C(1013904223);
        size_t third = count / 3;
        size_t at = (size_t)((uint64_t)random * third >> 32);
        double pivot = median_of(portions[at].value, portions[at + third].value, portions[at + 2 * third].value);
        struct parts parts = part(portions, count, pivot);
        if (parts.above_sum > beyond) {
            count = parts.above;
        } else if (parts.above_sum + parts.equal_sum > beyond || parts.equal == count) {
            return pivot;
        } else {
            beyond -= parts.above_sum + parts.equal_sum;
            portions += parts.equal;
            count -= parts.equal;
        }
    }
    return pick_sorted(portions, count, beyond);
}
