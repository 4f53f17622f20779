/* make_frames: the body of a remote-read answer (frames of streamed XOR chunks) from a description on standard input,
 * right or wrong in the places that the description says. One word and its arguments a line; '#' starts a comment:
 *
 *   series NAME="VALUE",…     begins a series; \xNN in a value is that byte. The same labels again go on with it.
 *   chunk [WORD…]             begins a chunk (otherwise every 120 samples), wrong in what the words say:
 *                             type=N (2, 3: histograms), flip=BIT (of its data, after the count), trim=BYTES, count=N,
 *                             min=MS, max=MS (what it says of itself)
 *   sample SECONDS VALUE      VALUE: a number, nan, inf, -inf or stale
 *   points SECONDS STEP COUNT VALUE GROWTH   that many samples, each GROWTH more than the one before
 *   frame [WORD…]             begins a frame: crc=wrong, length=N (announced), cut=N (its last N bytes are missing), times=N
 *   raw HEX…                  these bytes, between two frames
 */

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures/tsdb/xor_encode.h"
#include "pipeline/base/mem.h"

enum { LINE_MAX_BYTES = 65536, CHUNK_SAMPLES = 120, UNSET = -1 };

struct bytes {
    unsigned char *data;
    size_t length;
    size_t capacity;
};

struct faults {
    int64_t type, flip, trim, count, min, max;
    int64_t wrong_crc, length, cut, times;
};

static struct bytes frame;
static struct bytes series;
static struct xor_encoder chunk;
static struct faults faults;
static const struct faults no_chunk_faults = {.type = 1, .flip = UNSET, .count = UNSET, .min = UNSET, .max = UNSET};

static void put(struct bytes *to, const void *data, size_t length)
{
    GROW(to->data, to->capacity, to->length + length + 1);
    if (length > 0) {
        memcpy(to->data + to->length, data, length);
    }
    to->length += length;
}

static void put_byte(struct bytes *to, unsigned byte)
{
    unsigned char one = (unsigned char)byte;
    put(to, &one, 1);
}

static void put_number(struct bytes *to, uint64_t number)
{
    for (; number >= 0x80; number >>= 7) {
        put_byte(to, (unsigned)(number & 0x7f) | 0x80);
    }
    put_byte(to, (unsigned)number);
}

/* A protobuf field of bytes. */
static void put_field(struct bytes *to, unsigned number, const void *data, size_t length)
{
    put_number(to, number << 3 | 2);
    put_number(to, length);
    put(to, data, length);
}

static void put_integer(struct bytes *to, unsigned number, int64_t value)
{
    put_number(to, number << 3);
    put_number(to, (uint64_t)value);
}

/* CRC-32C, bit by bit. */
static uint32_t checksum(const struct bytes *bytes)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes->length; i++) {
        crc ^= bytes->data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        }
    }
    return ~crc;
}

static int64_t chosen(int64_t value, int64_t otherwise)
{
    return value == UNSET ? otherwise : value;
}

static void end_chunk(void)
{
    struct bytes out = {0};
    struct bytes data = {0};
    if (chunk.samples == 0 && faults.count == UNSET) {
        return;
    }
    xor_end(&chunk);
    put(&data, chunk.bytes, chunk.length);
    if (data.length < 2) {
        put(&data, "\0", 2 - data.length);
    }
    if (faults.count != UNSET) {
        data.data[0] = (unsigned char)(faults.count >> 8);
        data.data[1] = (unsigned char)faults.count;
    }
    if (faults.flip != UNSET && 2 + (size_t)faults.flip / 8 < data.length) {
        data.data[2 + faults.flip / 8] ^= (unsigned char)(0x80 >> faults.flip % 8);
    }
    data.length -= (size_t)faults.trim < data.length ? (size_t)faults.trim : data.length;
    put_integer(&out, 1, chosen(faults.min, chunk.first_ms));
    put_integer(&out, 2, chosen(faults.max, chunk.last_ms));
    put_integer(&out, 3, faults.type);
    put_field(&out, 4, data.data, data.length);
    put_field(&series, 2, out.data, out.length);
    free(out.data);
    free(data.data);
    xor_begin(&chunk);
}

static void end_series(void)
{
    end_chunk();
    if (series.length > 0) {
        put_field(&frame, 1, series.data, series.length);
    }
    series.length = 0;
}

static void end_frame(void)
{
    end_series();
    struct bytes head = {0};
    uint32_t crc = checksum(&frame) ^ (faults.wrong_crc ? 1 : 0);
    unsigned char big_end[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16), (unsigned char)(crc >> 8), (unsigned char)crc};
    put_number(&head, faults.length == UNSET ? frame.length : (uint64_t)faults.length);
    put(&head, big_end, 4);
    put(&head, frame.data, frame.length);
    size_t length = (size_t)faults.cut < head.length ? head.length - (size_t)faults.cut : 0;
    for (int64_t i = 0; frame.length > 0 && i < faults.times; i++) {
        fwrite(head.data, 1, length, stdout);
    }
    free(head.data);
    frame.length = 0;
}

static void begin_frame_faults(void)
{
    faults.wrong_crc = 0;
    faults.length = UNSET;
    faults.cut = 0;
    faults.times = 1;
}

static void begin_chunk_faults(void)
{
    struct faults of_frame = faults;
    faults = no_chunk_faults;
    faults.wrong_crc = of_frame.wrong_crc;
    faults.length = of_frame.length;
    faults.cut = of_frame.cut;
    faults.times = of_frame.times;
}

static void read_words(char *rest)
{
    const struct {
        const char *name;
        int64_t *value;
    } words[] = {{"type=", &faults.type},   {"flip=", &faults.flip}, {"trim=", &faults.trim}, {"count=", &faults.count},
                 {"min=", &faults.min},     {"max=", &faults.max},   {"length=", &faults.length}, {"cut=", &faults.cut},
                 {"times=", &faults.times}};
    char *next = NULL;
    for (char *word = strtok_r(rest, " ", &next); word != NULL; word = strtok_r(NULL, " ", &next)) {
        faults.wrong_crc |= strcmp(word, "crc=wrong") == 0;
        for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
            size_t length = strlen(words[i].name);
            if (strncmp(word, words[i].name, length) == 0) {
                *words[i].value = (int64_t)strtoull(word + length, NULL, 10);
            }
        }
    }
}

/* Copies a value up to its quote, with \xNN made bytes; returns what follows the quote. */
static const char *read_value(const char *at, struct bytes *out)
{
    out->length = 0;
    for (; *at != '"' && *at != '\0'; at++) {
        if (at[0] == '\\' && at[1] == 'x' && at[2] != '\0' && at[3] != '\0') {
            char hex[3] = {at[2], at[3], '\0'};
            put_byte(out, (unsigned)strtoul(hex, NULL, 16));
            at += 3;
        } else {
            put_byte(out, (unsigned char)*at);
        }
    }
    return at + (*at == '"');
}

static void begin_series(const char *at)
{
    struct bytes value = {0};
    end_series();
    while (*at != '\0') {
        struct bytes label = {0};
        const char *name = at;
        size_t length = strcspn(at, "=");
        at += length + strspn(at + length, "=\"");
        at = read_value(at - (at[-1] == '"' && at[-2] == '"'), &value);
        put_field(&label, 1, name, length);
        put_field(&label, 2, value.data, value.length);
        put_field(&series, 1, label.data, label.length);
        free(label.data);
        at += *at == ',';
    }
    free(value.data);
    begin_chunk_faults();
    xor_begin(&chunk);
}

static void add(int64_t ms, double value)
{
    if (chunk.samples == CHUNK_SAMPLES) {
        end_chunk();
        begin_chunk_faults();
    }
    xor_add(&chunk, ms, value);
}

static double read_number(const char *text)
{
    uint64_t stale = 0x7ff0000000000002;
    double value = strtod(text, NULL);
    if (strcmp(text, "stale") == 0) {
        memcpy(&value, &stale, sizeof value);
    }
    return value;
}

static void add_points(char *rest)
{
    double numbers[5] = {0};
    char *next = NULL;
    char *word = strtok_r(rest, " ", &next);
    for (int i = 0; i < 5 && word != NULL; i++, word = strtok_r(NULL, " ", &next)) {
        numbers[i] = strtod(word, NULL);
    }
    for (int64_t i = 0; i < (int64_t)numbers[2]; i++) {
        add(llround(numbers[0] * 1000) + i * llround(numbers[1] * 1000), numbers[3] + (double)i * numbers[4]);
    }
}

static void add_raw(const char *hex)
{
    end_frame();
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        putchar((int)strtoul(digits, NULL, 16));
    }
}

static void read_line(const char *word, char *rest)
{
    if (strcmp(word, "series") == 0) {
        begin_series(rest);
    } else if (strcmp(word, "chunk") == 0) {
        end_chunk();
        begin_chunk_faults();
        read_words(rest);
    } else if (strcmp(word, "sample") == 0) {
        char *value = NULL;
        double seconds = strtod(rest, &value);
        add(llround(seconds * 1000), read_number(value + strspn(value, " ")));
    } else if (strcmp(word, "points") == 0) {
        add_points(rest);
    } else if (strcmp(word, "frame") == 0) {
        end_frame();
        begin_frame_faults();
        read_words(rest);
    } else if (strcmp(word, "raw") == 0) {
        add_raw(rest);
    } else {
        fprintf(stderr, "make_frames: unknown word \"%s\"\n", word);
        exit(64);
    }
}

int main(void)
{
    char *line = xmalloc(LINE_MAX_BYTES);
    begin_frame_faults();
    begin_chunk_faults();
    xor_begin(&chunk);
    while (fgets(line, LINE_MAX_BYTES, stdin) != NULL) {
        char *word = line + strspn(line, " \t");
        word[strcspn(word, "\n")] = '\0';
        if (*word == '\0' || *word == '#') {
            continue;
        }
        char *rest = word + strcspn(word, " ");
        if (*rest != '\0') {
            *rest++ = '\0';
        }
        read_line(word, rest);
    }
    end_frame();
    free(line);
    free(frame.data);
    free(series.data);
    xor_release(&chunk);
    return fflush(stdout) == 0 ? 0 : 74;
}
