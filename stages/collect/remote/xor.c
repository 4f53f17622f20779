/*
 * Bits are read at a position, not from a buffer that is shifted: the position of a sample follows from the
 * widths of the one before, which the processor predicts, so that the loads of several samples are under way
 * at once.
 */
#include "stages/collect/remote/xor.h"

#include <stdbool.h>
#include <string.h>

enum {
    HEADER = 2,
    PEEK_BITS = 57, /* what one load of 8 bytes gives wherever it begins in its byte */
    SAMPLE_BYTES =
        32, /* more than reading one sample can touch: 4 + 64 + 2 + 11 + 64 bits, and one load of 8 bytes */
    SAMPLE_BITS_MIN = 2,
    DELTA_BITS_MAX = 45, /* about a thousand years of milliseconds; times 65,535 samples it fits 63 bits */
    TIME_BITS_MAX = 60
};

#define BROKEN SIZE_MAX /* no position */

struct decoder {
    uint64_t delta; /* between the last two times */
    uint64_t bits;  /* the last value */
    int64_t time;
    unsigned significant; /* width of the window in which the last XOR differed */
    unsigned trailing;
    struct point *at; /* where the next sample goes */
    size_t left;      /* samples still to come */
    bool second;      /* the next one is the second: its distance is known, its value follows */
};

/* Compilers make one load of it. */
static inline uint64_t load64(const unsigned char *b)
{
    return (uint64_t)b[0] << 56 | (uint64_t)b[1] << 48 | (uint64_t)b[2] << 40 | (uint64_t)b[3] << 32 |
           (uint64_t)b[4] << 24 | (uint64_t)b[5] << 16 | (uint64_t)b[6] << 8 | (uint64_t)b[7];
}

/* Zero bits at the high end of a word that is not 0. */
static inline unsigned leading_zeros(uint64_t word)
{
#if defined __GNUC__
    return (unsigned)__builtin_clzll(word);
#else
    unsigned zeros = 0;
    for (; word >> 63 == 0; word <<= 1) {
        zeros++;
    }
    return zeros;
#endif
}

/* The bits from a position on, PEEK_BITS of them for certain, at the high end. */
static inline uint64_t peek(const unsigned char *bytes, size_t position)
{
    return load64(bytes + position / 8) << position % 8;
}

/* `width` bits, 1 to 64. */
static inline uint64_t bits_at(const unsigned char *bytes, size_t position, unsigned width)
{
    if (width <= PEEK_BITS) {
        return peek(bytes, position) >> (64 - width);
    }
    return peek(bytes, position) >> 32 << (width - 32) | peek(bytes, position + 32) >> (96 - width);
}

static inline void put(struct decoder *decoder)
{
    decoder->at->time_ms = decoder->time;
    memcpy(&decoder->at->value, &decoder->bits, sizeof decoder->bits);
    decoder->at++;
    decoder->left--;
}

/* The value that begins at a position; returns the position after it, BROKEN when its window cannot be. */
static inline size_t read_value(struct decoder *decoder, const unsigned char *bytes, size_t position)
{
    uint64_t word = peek(bytes, position);
    if (word >> 63 == 0) {
        return position + 1;
    }
    if (word >> 62 == 2) {
        position += 2;
    } else {
        unsigned leading = word >> 57 & 31;
        unsigned significant = word >> 51 & 63;
        decoder->significant = significant == 0 ? 64 : significant;
        if (leading + decoder->significant > 64) {
            return BROKEN;
        }
        decoder->trailing = 64 - leading - decoder->significant;
        position += 13;
    }
    decoder->bits ^= bits_at(bytes, position, decoder->significant) << decoder->trailing;
    return position + decoder->significant;
}

/* The change of the distance, whose prefix of `prefix` bits was seen; the position after it, BROKEN when time
 * runs wild. The ranges of the encoder are (−2^(n−1), 2^(n−1)]: only what is larger than 2^(n−1) is negative.
 */
static inline size_t read_change(struct decoder *decoder, const unsigned char *bytes, size_t position,
                                 unsigned prefix, unsigned width)
{
    uint64_t change = bits_at(bytes, position + prefix, width);
    if (width < 64 && change > UINT64_C(1) << (width - 1)) {
        change -= UINT64_C(1) << width;
    }
    decoder->delta += change;
    return decoder->delta >> DELTA_BITS_MAX == 0 ? position + prefix + width : BROKEN;
}

/* The time that begins at a position, `word` being what stands there; as read_change. */
static inline size_t read_time(struct decoder *decoder, const unsigned char *bytes, size_t position,
                               uint64_t word)
{
    if (word >> 63 == 0) {
        position++;
    } else if (word >> 62 == 2) {
        position = read_change(decoder, bytes, position, 2, 14);
    } else if (word >> 61 == 6) {
        position = read_change(decoder, bytes, position, 3, 17);
    } else if (word >> 60 == 14) {
        position = read_change(decoder, bytes, position, 4, 20);
    } else {
        position = read_change(decoder, bytes, position, 4, 64);
    }
    decoder->time = (int64_t)((uint64_t)decoder->time + decoder->delta); /* wild ones may pass any bound */
    return position;
}

/* Samples that repeat distance and value are two zero bits each: as many as stand at the high end of `word`.
 * Returns the position after them. */
static inline size_t repeat(struct decoder *decoder, size_t position, uint64_t word)
{
    size_t run = leading_zeros(word | UINT64_C(1) << (63 - PEEK_BITS)) / 2;
    run = run < decoder->left ? run : decoder->left;
    for (size_t i = 0; i < run; i++) {
        decoder->time += (int64_t)decoder->delta;
        put(decoder);
    }
    return position + 2 * run;
}

/* Reads samples that begin before `end`, SAMPLE_BYTES after which have to be readable. Returns the position
 * after the last one, BROKEN for damage. */
static size_t read_samples(struct decoder *shared, const unsigned char *bytes, size_t position, size_t end)
{
    struct decoder decoder = *shared; /* so that its members can live in registers */
    while (decoder.left > 0 && position < end) {
        uint64_t word = peek(bytes, position);
        if (decoder.second) {
            decoder.time += (int64_t)decoder.delta;
            decoder.second = false;
        } else if (word >> 62 == 0) {
            position = repeat(&decoder, position, word);
            continue;
        } else {
            position = read_time(&decoder, bytes, position, word);
        }
        if (position == BROKEN || (position = read_value(&decoder, bytes, position)) == BROKEN) {
            return BROKEN;
        }
        put(&decoder);
    }
    *shared = decoder;
    return position;
}

/* A varint of at most 10 bytes at *place; false when it does not end in time. */
static bool read_varint(const unsigned char *bytes, size_t length, size_t *place, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && *place < length; shift += 7) {
        unsigned char byte = bytes[(*place)++];
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return shift < 63 || byte <= 1;
        }
    }
    return false;
}

/* The first sample, in whole bytes, and the distance to the second one. */
static bool read_first(struct decoder *decoder, const unsigned char *bytes, size_t length, size_t *place)
{
    uint64_t time;
    if (!read_varint(bytes, length, place, &time) || length - *place < 8) {
        return false;
    }
    decoder->time = (int64_t)(time >> 1 ^ (0 - (time & 1)));
    decoder->bits = load64(bytes + *place);
    *place += 8;
    put(decoder);
    decoder->second = decoder->left > 0;
    return time >> (TIME_BITS_MAX + 1) == 0 &&
           (decoder->left == 0 ||
            (read_varint(bytes, length, place, &decoder->delta) && decoder->delta >> DELTA_BITS_MAX == 0));
}

/* Whether nothing but zero bits stand from a position to the end. */
static bool only_padding(const unsigned char *bytes, size_t length, size_t position)
{
    size_t place = position / 8;
    if (position % 8 != 0 && (unsigned char)(bytes[place++] << position % 8) != 0) {
        return false;
    }
    for (; place < length; place++) {
        if (bytes[place] != 0) {
            return false;
        }
    }
    return true;
}

/* All samples after the first: in place while there is room behind them, the last ones in a copy that has it.
 */
static bool read_rest(struct decoder *decoder, const unsigned char *bytes, size_t length, size_t place)
{
    size_t position = 8 * place;
    if (length - place > SAMPLE_BYTES) {
        position = read_samples(decoder, bytes, position, 8 * (length - SAMPLE_BYTES));
    }
    if (position == BROKEN || decoder->left == 0) {
        return position != BROKEN && only_padding(bytes, length, position);
    }
    unsigned char tail[2 * SAMPLE_BYTES] = {0};
    size_t skip = position / 8;
    size_t size = length - skip;
    memcpy(tail, bytes + skip, size);
    position = read_samples(decoder, tail, position % 8, 8 * size);
    return position <= 8 * size && decoder->left == 0 && only_padding(tail, size, position);
}

size_t xor_count(const unsigned char *bytes, size_t length)
{
    return length < HEADER ? 0 : (size_t)bytes[0] << 8 | bytes[1];
}

int xor_decode(const unsigned char *bytes, size_t length, struct points *out)
{
    size_t count = xor_count(bytes, length);
    if (count == 0) {
        return length >= HEADER && only_padding(bytes, length, 8 * HEADER) ? 0 : -1;
    }
    if (count / (8 / SAMPLE_BITS_MIN) > length) {
        return -1; /* the count is not believed further than the bytes go */
    }
    GROW(out->items, out->capacity, out->count + count);
    struct decoder decoder = {.significant = 64, .at = out->items + out->count, .left = count};
    size_t place = HEADER;
    if (!read_first(&decoder, bytes, length, &place) || !read_rest(&decoder, bytes, length, place)) {
        return -1;
    }
    out->count += count;
    return 0;
}
