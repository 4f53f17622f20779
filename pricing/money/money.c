#include "pricing/money/money.h"

#include <math.h>

/* Both compilers have it on every 64-bit target; the keyword keeps -Wpedantic quiet. */
__extension__ typedef unsigned __int128 wide;

/* What is below 2^-30 counts as nothing; the last bit of the smallest real that counts has the place POINT. */
enum { LIMBS = 4, REAL_BITS = 53, TINY_EXPONENT = -30, POINT = REAL_BITS - TINY_EXPONENT };

/* An unsigned number of four 64-bit limbs, the least significant first. */
struct number {
    uint64_t limb[LIMBS];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int money_parse(const char *text, int64_t *microusd, struct err *err)
{
    const char *p = text;
    int64_t whole = 0;
    int64_t scale = MICROUSD_PER_USD;
    int64_t fraction = 0;
    bool digits = is_digit(*p);
    for (; is_digit(*p) && whole <= MONEY_MAX / MICROUSD_PER_USD; p++) {
        whole = whole * 10 + (*p - '0');
    }
    if (*p == '.') {
        p++;
        digits = digits && is_digit(*p);
        for (; is_digit(*p) && scale > 1; p++) {
            scale /= 10;
            fraction += (*p - '0') * scale;
        }
        fraction += is_digit(*p) && *p >= '5' ? 1 : 0;
        while (is_digit(*p)) {
            p++;
        }
    }
    if (!digits || *p != '\0' || whole > MONEY_MAX / MICROUSD_PER_USD) {
        return err_set(err, ERR_DATA,
                       "'%.40s' is not an amount of dollars (a plain decimal number, not negative)", text);
    }
    *microusd = whole * MICROUSD_PER_USD + fraction;
    return 0;
}

int money_from_real(double usd, int64_t *microusd, struct err *err)
{
    if (!isfinite(usd) || usd < 0 || usd > 1e9) {
        return err_set(err, ERR_DATA, "%g is not an amount of dollars", usd);
    }
    *microusd = (int64_t)llround(usd * 1e6);
    return 0;
}

/* number × factor; what does not fit is lost (callers' ranges keep 2^(62 + POINT) × 2^53 × 2^50 below 2^256). */
static void multiply(struct number *number, uint64_t factor)
{
    wide carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (wide)number->limb[i] * factor;
        number->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

/* number ÷ divisor, without what remains. */
static void divide(struct number *number, uint64_t divisor)
{
    wide rest = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        wide part = (rest << 64) | number->limb[i];
        number->limb[i] = (uint64_t)(part / divisor);
        rest = part % divisor;
    }
}

static void add_bit(struct number *number, int bit)
{
    wide carry = (wide)1 << (bit % 64);
    for (int i = bit / 64; i < LIMBS && carry != 0; i++) {
        carry += number->limb[i];
        number->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static void shift_right(struct number *number, int bits)
{
    int limbs = bits / 64;
    int rest = bits % 64;
    for (int i = 0; i < LIMBS; i++) {
        uint64_t low = i + limbs < LIMBS ? number->limb[i + limbs] : 0;
        uint64_t high = i + limbs + 1 < LIMBS ? number->limb[i + limbs + 1] : 0;
        number->limb[i] = rest == 0 ? low : (low >> rest) | (high << (64 - rest));
    }
}

static void shift_left(struct number *number, int bits)
{
    for (; bits >= 32; bits -= 32) {
        multiply(number, UINT64_C(1) << 32);
    }
    multiply(number, UINT64_C(1) << bits);
}

/* a − b, for b ≤ a. */
static void subtract(struct number *a, const struct number *b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        wide difference = (wide)a->limb[i] - b->limb[i] - borrow;
        a->limb[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1U;
    }
}

/* A real as integer × 2^exponent with exponent ≤ 0. */
static void split_real(double value, uint64_t *integer, int *exponent)
{
    int power = 0;
    double fraction = frexp(value, &power);
    *integer = power < TINY_EXPONENT ? 0 : (uint64_t)ldexp(fraction, REAL_BITS);
    *exponent = *integer == 0 ? 0 : power - REAL_BITS;
    while (*exponent > 0) {
        *integer <<= 1;
        (*exponent)--;
    }
}

/* A real × 2^POINT, which is whole. */
static struct number fixed_point(double value)
{
    int exponent = 0;
    struct number number = {{0}};
    split_real(value, &number.limb[0], &exponent);
    shift_left(&number, POINT + exponent);
    return number;
}

bool money_of_difference(double amount, double less, double factor, uint64_t price, uint64_t divisor, int64_t *result)
{
    if (!(amount >= less && less >= 0 && amount <= 0x1p62 && factor >= 0 && factor <= 0x1p31) ||
        price > UINT64_C(1) << 50 || divisor == 0 || divisor > UINT64_C(1) << 32) {
        return false;
    }
    uint64_t times = 0;
    int exponent = 0;
    split_real(factor, &times, &exponent);
    struct number number = fixed_point(amount);
    struct number taken = fixed_point(less);
    subtract(&number, &taken);
    multiply(&number, times);
    multiply(&number, price);
    /* What remains is less than one, and so never decides about a half of what is shifted out here. */
    divide(&number, divisor);
    add_bit(&number, POINT - exponent - 1);
    shift_right(&number, POINT - exponent);
    if (number.limb[1] != 0 || number.limb[2] != 0 || number.limb[3] != 0 ||
        number.limb[0] > (uint64_t)MONEY_MAX) {
        return false;
    }
    *result = (int64_t)number.limb[0];
    return true;
}

bool money_product(double amount, double factor, uint64_t price, uint64_t divisor, int64_t *result)
{
    return money_of_difference(amount, 0, factor, price, divisor, result);
}

int64_t money_ratio(uint64_t a, uint64_t b, uint64_t divisor)
{
    wide product = (wide)a * b;
    return (int64_t)((product + divisor / 2) / divisor);
}
