#ifndef TARE_PRICING_MONEY_MONEY_H
#define TARE_PRICING_MONEY_MONEY_H

/* Money is integer micro-dollars. Products of amounts and prices are exact and rounded once, half up. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

#define MICROUSD_PER_USD INT64_C(1000000)

/* Largest amount of money that is accepted or computed: a billion dollars. */
#define MONEY_MAX (INT64_C(1000000000) * MICROUSD_PER_USD)

/* Reads a plain decimal number of dollars ("0.096"), not negative, at most MONEY_MAX, as micro-dollars
 * rounded half up. ERR_DATA for anything else (signs, exponents, NaN, blanks). */
int money_parse(const char *text, int64_t *microusd, struct err *err);

/* A non-negative number of dollars that was read as a real (from the configuration), rounded to the nearest
 * micro-dollar. ERR_DATA when it is not finite, negative or too large. */
int money_from_real(double usd, int64_t *microusd, struct err *err);

/*
 * amount × factor × price / divisor, the reals taken for exactly what their bits say, rounded once, half up.
 * `amount` (≤ 2^62) and `factor` (≤ 2^31) are not negative, `price` is at most 2^50, divisor at most 2^32 and
 * not 0. Returns false when an argument is out of range or the result is past MONEY_MAX.
 */
bool money_product(double amount, double factor, uint64_t price, uint64_t divisor, int64_t *result);

/* (amount − less) × factor × price / divisor, in the same way: the difference is exact too. False also where `less` is
 * negative or more than the amount. */
bool money_of_difference(double amount, double less, double factor, uint64_t price, uint64_t divisor, int64_t *result);

/* Exact a × b / divisor rounded half up for arguments up to 2^62; the result must fit. */
int64_t money_ratio(uint64_t a, uint64_t b, uint64_t divisor);

#endif
