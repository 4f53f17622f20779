#ifndef TARE_PRICING_MONEY_QUOTIENT_H
#define TARE_PRICING_MONEY_QUOTIENT_H

/* Products of many factors over products of many divisors, rounded once. */

#include <stddef.h>
#include <stdint.h>

enum { QUOTIENT_TERMS_MAX = 16 };

/*
 * Exact product of `factors` over the product of `divisors` (none 0, each list at most QUOTIENT_TERMS_MAX long), rounded
 * half up once. The result must be below 2^63.
 */
int64_t money_quotient(const uint64_t *factors, size_t factor_count, const uint64_t *divisors, size_t divisor_count);

#endif
