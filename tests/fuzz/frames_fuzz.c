/* Answers to remote reads, from the wire to the store. The first byte says into how large pieces they are
 * cut, the second whether checksums are made right, so that what lies behind them is reached. However it is
 * cut, the same must come out. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/crc32c.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/collect/remote/stream.h"
#include "stages/collect/remote/xor.h"
#include "stages/collect/scrapes.h"
#include "stages/collect/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What came out, as one number; and all of it into a store. */
struct digest {
    uint64_t sum;
    struct store store;
};

static void mix(struct digest *digest, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        digest->sum = (digest->sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
}

static bool take_series(void *context, const struct labels *labels)
{
    struct digest *digest = context;
    must(labels->count <= LABELS_MAX);
    for (size_t i = 0; i < labels->count; i++) {
        must(str_utf8_valid(labels->names[i], strlen(labels->names[i]), NULL) && labels->names[i][0] != '\0');
        must(str_utf8_valid(labels->values[i], strlen(labels->values[i]), NULL));
        mix(digest, labels->names[i], strlen(labels->names[i]) + 1);
        mix(digest, labels->values[i], strlen(labels->values[i]) + 1);
    }
    store_series(&digest->store, labels, METRIC_COUNT, SERIES_RAW);
    return true;
}

static int take_chunk(void *context, const struct stream_chunk *chunk, struct err *err)
{
    struct digest *digest = context;
    mix(digest, &chunk->first_ms, sizeof chunk->first_ms);
    mix(digest, &chunk->last_ms, sizeof chunk->last_ms);
    mix(digest, chunk->bytes, chunk->length);
    return store_chunk(&digest->store, CHUNK_XOR, chunk->bytes, chunk->length,
                       xor_count(chunk->bytes, chunk->length), chunk->first_ms, chunk->last_ms, err);
}

/* Reads what the store took. */
static void read_store(struct store *store)
{
    struct err err = {0};
    if (store_finish(store, &err) == 0) {
        for (size_t i = 0; i < store->count; i++) {
            struct points points = {0};
            const struct series *series = &store->series[i];
            store_points(series, &points);
            scrapes_interval(&series, 1);
            points_release(&points);
        }
    }
}

static int read_all(const struct namespace *namespace, const uint8_t *data, size_t size, size_t piece,
                    uint64_t *sum)
{
    struct digest digest = {0};
    struct stream_listener listener = {.series = take_series, .chunk = take_chunk, .context = &digest};
    struct stream stream;
    struct err err = {0};
    int failed = 0;
    store_init(&digest.store, 1 << 20);
    store_begin(&digest.store, namespace, NULL);
    stream_init(&stream, &listener);
    for (size_t at = 0; at < size && !failed; at += piece) {
        failed = stream_feed(&stream, data + at, size - at < piece ? size - at : piece, &err);
    }
    failed = failed || stream_finish(&stream, &err);
    must(!failed || (err.class == ERR_UNAVAILABLE && err.message[0] != '\0'));
    read_store(&digest.store);
    stream_release(&stream);
    store_release(&digest.store);
    *sum = digest.sum;
    return failed;
}

/* Makes the checksums of whole frames right. */
static void mend(uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = 0;
        unsigned shift = 0;
        for (; at < size && data[at] >= 0x80 && shift < 21; shift += 7) {
            length |= (size_t)(data[at++] & 0x7f) << shift;
        }
        if (size - at < 5) {
            return;
        }
        length |= (size_t)(data[at] & 0x7f) << shift;
        length = length < size - at - 5 ? length : size - at - 5;
        uint32_t crc = crc32c(0, data + at + 5, length);
        for (size_t i = 0; i < 4; i++) {
            data[at + 1 + i] = (uint8_t)(crc >> (24 - 8 * i));
        }
        at += 5 + length;
    }
}

static struct namespace *make_namespace(void)
{
    struct err err = {0};
    struct labels labels = {
        3, {"__name__", "pod", "container"}, {"container_cpu_usage_seconds_total", "p", "c"}};
    struct namespace *namespace = namespace_new("a");
    must(namespace_take(namespace, &labels, &err) == 0);
    namespace_settle(namespace);
    return namespace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct namespace *namespace;
    uint64_t whole = 0;
    uint64_t pieces = 0;
    if (namespace == NULL) {
        namespace = make_namespace();
    }
    if (size < 2) {
        return 0;
    }
    uint8_t *copy = xmalloc(size - 2);
    memcpy(copy, data + 2, size - 2);
    if (data[1] % 2 == 1) {
        mend(copy, size - 2);
    }
    int failed = read_all(namespace, copy, size - 2, SIZE_MAX / 2, &whole);
    must(read_all(namespace, copy, size - 2, 1 + data[0], &pieces) == failed && whole == pieces);
    free(copy);
    return 0;
}
