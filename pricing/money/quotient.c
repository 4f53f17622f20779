#include "pricing/money/quotient.h"

/* Both compilers have it on every 64-bit target; the keyword keeps -Wpedantic quiet. */
__extension__ typedef unsigned __int128 wide;

/* Room for 16 factors and a doubling. */
enum { LIMBS = QUOTIENT_TERMS_MAX + 1 };

/* number × factor + carry. */
static void times(uint64_t number[LIMBS], uint64_t factor)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        wide product = (wide)number[i] * factor + carry;
        number[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
}

static void over(uint64_t number[LIMBS], uint64_t divisor)
{
    uint64_t rest = 0;
    for (size_t i = LIMBS; i-- > 0;) {
        wide part = ((wide)rest << 64) | number[i];
        number[i] = (uint64_t)(part / divisor);
        rest = (uint64_t)(part % divisor);
    }
}

static void plus(uint64_t number[LIMBS], const uint64_t other[LIMBS])
{
    uint64_t carry = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        wide sum = (wide)number[i] + other[i] + carry;
        number[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

/* Half up: (2 × product + divisor) / (2 × divisor), whole. Dividing by one divisor after the other loses nothing, since
 * floor(floor(n / a) / b) is floor(n / ab). */
int64_t money_quotient(const uint64_t *factors, size_t factor_count, const uint64_t *divisors, size_t divisor_count)
{
    uint64_t number[LIMBS] = {2};
    uint64_t divisor[LIMBS] = {1};
    for (size_t i = 0; i < factor_count; i++) {
        times(number, factors[i]);
    }
    for (size_t i = 0; i < divisor_count; i++) {
        times(divisor, divisors[i]);
    }
    plus(number, divisor);
    over(number, 2);
    for (size_t i = 0; i < divisor_count; i++) {
        over(number, divisors[i]);
    }
    return (int64_t)number[0];
}
