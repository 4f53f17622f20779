#include "pipeline/base/quantity.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"

/* Longest text that is looked at; the longest in earnest has about 25 characters. */
enum { TEXT_MAX = 1024, DIGITS_MAX = TEXT_MAX + 32, EXPONENT_MAX = 1 << 20 };

/* A non-negative decimal number digits × 10^exponent, most significant digit first, exact at any length. */
struct decimal {
    unsigned char digits[DIGITS_MAX];
    size_t count;
    long exponent;
    bool negative;
};

struct suffix {
    const char *text;
    int exponent; /* of ten */
    int kibi;     /* power of 1024 */
};

static const struct suffix suffixes[] = {
    {"", 0, 0},   {"m", -3, 0}, {"k", 3, 0},  {"M", 6, 0},  {"G", 9, 0},  {"Ki", 0, 1},
    {"Mi", 0, 2}, {"Gi", 0, 3}, {"Ti", 0, 4}, {"Pi", 0, 5}, {"Ei", 0, 6}, {"T", 12, 0},
    {"P", 15, 0}, {"E", 18, 0}, {"u", -6, 0}, {"n", -9, 0},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Adds a digit; leading zeros are not kept. */
static void add_digit(struct decimal *number, char c)
{
    if (number->count > 0 || c != '0') {
        number->digits[number->count++] = (unsigned char)(c - '0');
    }
}

/* Reads sign and digits with at most one point; *at moves past them. False when there is no digit. */
static bool read_number(const char *text, size_t length, size_t *at, struct decimal *number)
{
    bool any = false;
    bool fraction = false;
    if (*at < length && (text[*at] == '+' || text[*at] == '-')) {
        number->negative = text[(*at)++] == '-';
    }
    for (; *at < length; (*at)++) {
        if (text[*at] == '.' && !fraction) {
            fraction = true;
        } else if (is_digit(text[*at])) {
            any = true;
            add_digit(number, text[*at]);
            number->exponent -= fraction;
        } else {
            break;
        }
    }
    return any;
}

/* Reads "e3", "E-6" whole. */
static bool read_exponent(const char *text, size_t length, long *exponent)
{
    size_t at = 1;
    bool negative = false;
    long value = 0;
    if (length < 2 || (text[0] != 'e' && text[0] != 'E')) {
        return false;
    }
    if (text[at] == '+' || text[at] == '-') {
        negative = text[at++] == '-';
    }
    if (at == length) {
        return false;
    }
    for (; at < length; at++) {
        if (!is_digit(text[at])) {
            return false;
        }
        if (value < EXPONENT_MAX) {
            value = value * 10 + (text[at] - '0');
        }
    }
    *exponent = negative ? -value : value;
    return true;
}

/* Multiplies by 1024 in place. */
static void times_1024(struct decimal *number)
{
    unsigned char grown[DIGITS_MAX];
    size_t at = DIGITS_MAX;
    unsigned carry = 0;
    for (size_t i = number->count; i > 0 || carry > 0;) {
        unsigned sum = carry + (i > 0 ? number->digits[--i] * 1024U : 0);
        grown[--at] = (unsigned char)(sum % 10);
        carry = sum / 10;
    }
    number->count = DIGITS_MAX - at;
    memcpy(number->digits, grown + at, number->count);
}

/* Applies the suffix [text, text + length). False when there is no such suffix. */
static bool apply_suffix(const char *text, size_t length, struct decimal *number)
{
    for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
        if (strlen(suffixes[i].text) == length && memcmp(suffixes[i].text, text, length) == 0) {
            number->exponent += suffixes[i].exponent;
            for (int n = 0; n < suffixes[i].kibi; n++) {
                times_1024(number);
            }
            return true;
        }
    }
    long exponent;
    if (!read_exponent(text, length, &exponent)) {
        return false;
    }
    number->exponent += exponent;
    return true;
}

/* One step of value × 10 + digit. False when it does not fit. */
static bool push_digit(int64_t *value, int digit)
{
    if (*value > (INT64_MAX - digit) / 10) {
        return false;
    }
    *value = *value * 10 + digit;
    return true;
}

/* The number as an integer, rounded up. False when it does not fit int64. */
static bool round_up(const struct decimal *number, int64_t *out)
{
    int64_t value = 0;
    long kept = (long)number->count + (number->exponent < 0 ? number->exponent : 0);
    for (long i = 0; i < kept; i++) {
        if (!push_digit(&value, number->digits[i])) {
            return false;
        }
    }
    for (long n = 0; n < number->exponent && number->count > 0; n++) {
        if (!push_digit(&value, 0)) {
            return false;
        }
    }
    bool more = false;
    for (long i = kept > 0 ? kept : 0; i < (long)number->count; i++) {
        more = more || number->digits[i] != 0;
    }
    if (more && value == INT64_MAX) {
        return false;
    }
    *out = value + more;
    return true;
}

/* Reads a quantity in units of 10^-scale. `what` names the kind of amount in errors. */
static int read_quantity(const char *text, size_t length, int scale, const char *what, int64_t *out,
                         struct err *err)
{
    struct decimal number;
    number.count = 0;
    number.exponent = 0;
    number.negative = false;
    size_t at = 0;
    int shown = length > 60 ? 60 : (int)length;
    const char *more = length > 60 ? "…" : "";
    if (length > TEXT_MAX) {
        return err_set(err, ERR_DATA, "\"%.*s%s\" is too long for a %s", shown, text, more, what);
    }
    if (!read_number(text, length, &at, &number) || !apply_suffix(text + at, length - at, &number)) {
        return err_set(err, ERR_DATA, "\"%.*s%s\" is not a %s", shown, text, more, what);
    }
    if (number.negative && number.count > 0) {
        return err_set(err, ERR_DATA, "the %s \"%.*s%s\" is negative", what, shown, text, more);
    }
    number.exponent += scale;
    if (!round_up(&number, out)) {
        return err_set(err, ERR_DATA, "the %s \"%.*s%s\" is too large", what, shown, text, more);
    }
    return 0;
}

int quantity_cpu(const char *text, size_t length, int64_t *millicores, struct err *err)
{
    return read_quantity(text, length, 3, "CPU quantity", millicores, err);
}

int quantity_memory(const char *text, size_t length, int64_t *bytes, struct err *err)
{
    return read_quantity(text, length, 0, "memory quantity", bytes, err);
}

char *quantity_cpu_format(int64_t millicores, char out[QUANTITY_MAX])
{
    bool whole = millicores % 1000 == 0;
    snprintf(out, QUANTITY_MAX, whole ? "%lld" : "%lldm",
             (long long)(whole ? millicores / 1000 : millicores));
    return out;
}

char *quantity_memory_format(int64_t bytes, char out[QUANTITY_MAX])
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < ARRAY_COUNT(units)) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, QUANTITY_MAX, "%lld%s", (long long)bytes, units[unit]);
    return out;
}
