#include "stages/analyze/statistics/order.h"

#include <math.h>
#include <stdlib.h>

double order_select(double *values, size_t count, size_t k)
{
    size_t low = 0;
    size_t high = count - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        size_t i = low;
        size_t j = high;
        for (;;) {
            while (values[i] < pivot)
                i++;
            while (pivot < values[j])
                j--;
            if (i >= j)
                break;
            double swap = values[i];
            values[i++] = values[j];
            values[j--] = swap;
        }
        /* j is the last place of the lower part. */
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[k];
}

double order_quantile(double *values, size_t count, double q)
{
    if (count == 0)
        return NAN;
    double rank = ceil(q * (double)count - 1e-9);
    size_t k = rank < 1 ? 0 : (size_t)rank - 1;
    return order_select(values, count, k < count ? k : count - 1);
}

double order_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    double upper = order_select(values, count, count / 2);
    return count % 2 ? upper : (upper + order_select(values, count, count / 2 - 1)) / 2;
}

static int by_value(const void *a, const void *b)
{
    const struct weighted *x = a;
    const struct weighted *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

double order_weighted(struct weighted *entries, size_t count, double q)
{
    if (count == 0)
        return NAN;
    qsort(entries, count, sizeof *entries, by_value);
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += entries[i].weight;
    double needed = q * total * (1 - 1e-12);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += entries[i].weight;
        if (sum >= needed)
            return entries[i].value;
    }
    return entries[count - 1].value;
}
