#include "pipeline/base/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Writes a number with a comma between thousands. */
static void group(uint64_t value, char out[MONEY_TEXT])
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t length = strlen(digits);
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

char *money_format(int64_t microusd, char out[MONEY_TEXT])
{
    uint64_t amount = microusd < 0 ? (uint64_t) - (microusd + 1) + 1 : (uint64_t)microusd;
    const char *sign = microusd < 0 ? "-" : "";
    char number[MONEY_TEXT];
    uint64_t cents = (amount + 5000) / 10000;
    if (cents >= 100) {
        group((amount + 500000) / 1000000, number);
        snprintf(out, MONEY_TEXT, "%s$%.36s", sign, number);
    } else if (cents == 0) {
        snprintf(out, MONEY_TEXT, "$0");
    } else {
        snprintf(out, MONEY_TEXT, "%s$0.%02d", sign, (int)cents);
    }
    return out;
}
