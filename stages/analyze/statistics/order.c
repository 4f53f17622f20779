#include "stages/analyze/statistics/order.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { FEW = 24, MANY = 128 };

static double middle_of(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* A value near the middle of values [low, high]: the middle of three, or of three middles. */
static double pivot_of(const double *values, size_t low, size_t high)
{
    size_t step = (high - low) / 8;
    const double *v = values + low;
    if (high - low < MANY) {
        return middle_of(v[0], v[4 * step], values[high]);
    }
    return middle_of(middle_of(v[0], v[step], v[2 * step]), middle_of(v[3 * step], v[4 * step], v[5 * step]),
                     middle_of(v[6 * step], v[7 * step], values[high]));
}

/* Brings what is less than the pivot, or with `equal` no more than it, to the front of [low, high]; returns where the
 * rest begins. Every value is moved, whichever side it is of: a branch would be guessed wrong half of the time. Source:
 * Lomuto's partition. */
static size_t part(double *values, size_t low, size_t high, double pivot, bool equal)
{
    size_t rest = low;
    for (size_t i = low; i <= high; i++) {
        double value = values[i];
        values[i] = values[rest];
        values[rest] = value;
        rest += equal ? value <= pivot : value < pivot;
    }
    return rest;
}

static void sort_few(double *values, size_t low, size_t high)
{
    for (size_t i = low + 1; i <= high; i++) {
        double value = values[i];
        size_t j = i;
        for (; j > low && values[j - 1] > value; j--) {
            values[j] = values[j - 1];
        }
        values[j] = value;
    }
}

double order_select(double *values, size_t count, size_t k)
{
    size_t low = 0;
    size_t high = count - 1;
    while (high - low >= FEW) {
        double pivot = pivot_of(values, low, high);
        size_t rest = part(values, low, high, pivot, false);
        if (k < rest) {
            high = rest - 1;
            continue;
        }
        low = part(values, rest, high, pivot, true);
        if (k < low) {
            return pivot;
        }
    }
    sort_few(values, low, high);
    return values[k];
}

double order_quantile(double *values, size_t count, double q)
{
    if (count == 0) {
        return NAN;
    }
    double rank = ceil(q * (double)count - 1e-9);
    size_t k = rank < 1 ? 0 : (size_t)rank - 1;
    return order_select(values, count, k < count ? k : count - 1);
}

double order_median(double *values, size_t count)
{
    if (count == 0) {
        return NAN;
    }
    double upper = order_select(values, count, count / 2);
    if (count % 2) {
        return upper;
    }
    double lower = values[0];
    for (size_t i = 1; i < count / 2; i++) {
        lower = values[i] > lower ? values[i] : lower;
    }
    return (upper + lower) / 2;
}

static int by_value(const void *a, const void *b)
{
    const struct weighted *x = a;
    const struct weighted *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

double order_weighted(struct weighted *entries, size_t count, double q)
{
    if (count == 0) {
        return NAN;
    }
    qsort(entries, count, sizeof *entries, by_value);
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        total += entries[i].weight;
    }
    double needed = q * total * (1 - 1e-12);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += entries[i].weight;
        if (sum >= needed) {
            return entries[i].value;
        }
    }
    return entries[count - 1].value;
}
