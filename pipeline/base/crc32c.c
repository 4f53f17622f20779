#include "pipeline/base/crc32c.h"

#include <pthread.h>
#include <string.h>

enum { SLICES = 8 };

static const uint32_t polynomial = 0x82f63b78; /* bits in reverse order, as the whole computation is */
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;
static uint32_t tables[SLICES][256]; /* [n][b]: what byte b does with n more bytes after it */

static void make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        }
        tables[0][byte] = crc;
    }
    for (size_t slice = 1; slice < SLICES; slice++) {
        for (size_t byte = 0; byte < 256; byte++) {
            uint32_t before = tables[slice - 1][byte];
            tables[slice][byte] = before >> 8 ^ tables[0][before & 0xff];
        }
    }
}

/* "Slicing by 8" (Kounavis and Berry, 2005), for any processor. */
static uint32_t portable(uint32_t crc, const unsigned char *at, size_t length)
{
    pthread_once(&tables_once, make_tables);
    for (; length >= 8; at += 8, length -= 8) {
        uint32_t low =
            crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
              tables[0][at[7]];
    }
    for (; length > 0; length--) {
        crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 0xff];
    }
    return crc;
}

#if defined __GNUC__ && defined __x86_64__

/* The same by the instruction that SSE 4.2 has for it. */
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const unsigned char *at,
                                                                 size_t length)
{
    uint64_t wide = crc;
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; length > 0; length--) {
        crc = __builtin_ia32_crc32qi(crc, *at++);
    }
    return crc;
}

static uint32_t update(uint32_t crc, const unsigned char *at, size_t length)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, at, length) : portable(crc, at, length);
}

#else

static uint32_t update(uint32_t crc, const unsigned char *at, size_t length)
{
    return portable(crc, at, length);
}

#endif

uint32_t crc32c(uint32_t before, const void *bytes, size_t length)
{
    return ~update(~before, bytes, length);
}
