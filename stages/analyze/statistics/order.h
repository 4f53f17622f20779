#ifndef TARE_ANALYZE_STATISTICS_ORDER_H
#define TARE_ANALYZE_STATISTICS_ORDER_H

/* Order statistics of numbers in memory, without a sort. Arrays are scratch and are reordered; no value is NaN. */

#include <stddef.h>

/* Moves the k-th smallest value (from 0, k < count) to its place, smaller ones before it, and returns it. Expected
 * time O(count), with any number of equal ones. Source: Hoare's quickselect. */
double order_select(double *values, size_t count, size_t k);

/* The first value in order with at least the share q (0 to 1) of the values at or below it; NaN of none. */
double order_quantile(double *values, size_t count, double q);

/* The middle value, of an even number the mean of the two in the middle; NaN of none. */
double order_median(double *values, size_t count);

struct weighted {
    double value;
    double weight; /* > 0 */
};

/* The first value in order with at least the share q of all weight at or below it (less one part in 10¹², which is for
 * rounding, as tare-collect does it); NaN of none. Sorts: O(count log count). */
double order_weighted(struct weighted *entries, size_t count, double q);

#endif
