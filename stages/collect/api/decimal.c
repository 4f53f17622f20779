#include "stages/collect/api/decimal.h"

#include <string.h>

struct wide {
    uint64_t high;
    uint64_t low;
};

/* 2^b / 5^n as 128 bits, rounded up, b such that the highest bit is set. */
static const struct wide reciprocals[DECIMALS_MAX + 1] = {
    {0x8000000000000000, 0x0000000000000000}, {0xcccccccccccccccc, 0xcccccccccccccccd},
    {0xa3d70a3d70a3d70a, 0x3d70a3d70a3d70a4}, {0x83126e978d4fdf3b, 0x645a1cac083126ea},
    {0xd1b71758e219652b, 0xd3c36113404ea4a9}, {0xa7c5ac471b478423, 0x0fcf80dc33721d54},
    {0x8637bd05af6c69b5, 0xa63f9a49c2c1b110}, {0xd6bf94d5e57a42bc, 0x3d32907604691b4d},
    {0xabcc77118461cefc, 0xfdc20d2b36ba7c3e}, {0x89705f4136b4a597, 0x31680a88f8953031},
    {0xdbe6fecebdedd5be, 0xb573440e5a884d1c}, {0xafebff0bcb24aafe, 0xf78f69a51539d749},
    {0x8cbccc096f5088cb, 0xf93f87b7442e45d4}, {0xe12e13424bb40e13, 0x2865a5f206b06fba},
    {0xb424dc35095cd80f, 0x538484c19ef38c95}, {0x901d7cf73ab0acd9, 0x0f9d37014bf60a11},
    {0xe69594bec44de15b, 0x4c2ebe687989a9b4}, {0xb877aa3236a4b449, 0x09befeb9fad487c3},
    {0x9392ee8e921d5d07, 0x3aff322e62439fd0}, {0xec1e4a7db69561a5, 0x2b31e9e3d06c32e6},
    {0xbce5086492111aea, 0x88f4bb1ca6bcf585}, {0x971da05074da7bee, 0xd3f6fc16ebca5e04},
    {0xf1c90080baf72cb1, 0x5324c68b12dd6339}, {0xc16d9a0095928a27, 0x75b7053c0f178294},
    {0x9abe14cd44753b52, 0xc4926a9672793543}, {0xf79687aed3eec551, 0x3a83ddbd83f52205},
    {0xc612062576589dda, 0x95364afe032a819e}, {0x9e74d1b791e07e48, 0x775ea264cf55347e},
};

/* The whole product, by halves. */
static struct wide multiply(uint64_t a, uint64_t b)
{
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    uint64_t across = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    uint64_t other = (a & UINT32_MAX) * (b >> 32) + (across & UINT32_MAX);
    return (struct wide){(a >> 32) * (b >> 32) + (across >> 32) + (other >> 32), other << 32 | (low & UINT32_MAX)};
}

/* How far a number other than 0 must be moved for its highest bit to be set. */
static unsigned leading_zeros(uint64_t x)
{
    unsigned count = 0;
    for (unsigned half = 32; half > 0; half /= 2) {
        unsigned by = x >> (64 - half) == 0 ? half : 0;
        x <<= by;
        count += by;
    }
    return count;
}

/* The highest 55 bits are what is needed: 53, one to round by and one that may be lost to the leading zero. Only where the
 * 9 bits below them are all set can the second half of the reciprocal change them. */
static struct wide approximate(uint64_t digits, const struct wide *reciprocal)
{
    struct wide product = multiply(digits, reciprocal->high);
    if ((product.high & 0x1ff) == 0x1ff) {
        struct wide rest = multiply(digits, reciprocal->low);
        product.low += rest.high;
        product.high += product.low < rest.high;
    }
    return product;
}

double decimal_value(uint64_t digits, unsigned decimals)
{
    if (digits == 0) {
        return 0;
    }
    unsigned zeros = leading_zeros(digits);
    struct wide product = approximate(digits << zeros, &reciprocals[decimals]);
    unsigned top = (unsigned)(product.high >> 63);
    unsigned shift = top + 9;
    uint64_t mantissa = product.high >> shift;
    /* An exact half goes to the even neighbour; it can only be one while 5^n fits in the bits that are left. */
    if (product.low <= 1 && decimals <= 4 && (mantissa & 3) == 1 && mantissa << shift == product.high) {
        mantissa--;
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    /* floor(log2(10^-n)): 217706 / 65536 is log2(10), near enough for small n. */
    int power = -(int)((decimals * 217706u + 65535u) / 65536u) + 63 + (int)top - (int)zeros;
    uint64_t bits = mantissa + ((uint64_t)(power + 1022) << 52);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
