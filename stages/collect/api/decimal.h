#ifndef TARE_COLLECT_DECIMAL_H
#define TARE_COLLECT_DECIMAL_H

/* Decimal numbers to doubles, exactly rounded, without strtod's generality and cost. */

#include <stdint.h>

enum { DECIMALS_MAX = 27 };

/* The double nearest to digits / 10^decimals, ties to even; decimals ≤ DECIMALS_MAX. Source: Lemire, "Number parsing at a
 * gigabyte per second", 2021 (Eisel's algorithm), where it is shown that for these powers 128 bits always decide. */
double decimal_value(uint64_t digits, unsigned decimals);

#endif
