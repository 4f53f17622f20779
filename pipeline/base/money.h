#ifndef TARE_BASE_MONEY_H
#define TARE_BASE_MONEY_H

/* Money is held in integer micro-dollars (1 USD = 1,000,000); this is how people read it. */

#include <stdint.h>

enum { MONEY_TEXT = 40 };

/* Writes whole dollars from $1 up and cents below ("$1,234", "$0.42", "-$12", "$0"), rounded half away from zero. Returns `out`. */
char *money_format(int64_t microusd, char out[MONEY_TEXT]);

#endif
