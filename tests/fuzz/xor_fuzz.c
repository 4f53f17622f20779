/* Chunks of samples. What is accepted has as many samples as it says, in order of time, and comes out the
 * same again once it is written by the encoder. What is refused adds nothing. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures/tsdb/xor_encode.h"
#include "stages/collect/remote/xor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_again(const struct points *points)
{
    struct xor_encoder encoder = {0};
    struct points again = {0};
    xor_begin(&encoder);
    for (size_t i = 1; i < points->count; i++) {
        xor_add(&encoder, points->items[i].time_ms, points->items[i].value);
        must(i == 1 || points->items[i].time_ms >= points->items[i - 1].time_ms);
    }
    xor_end(&encoder);
    must(xor_decode(encoder.bytes, encoder.length, &again) == 0 && again.count == points->count - 1);
    must(again.count == 0 || memcmp(again.items, points->items + 1, again.count * sizeof *again.items) == 0);
    xor_release(&encoder);
    points_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct points points = {0};
    points_add(&points, 1, 2);
    if (xor_decode(data, size, &points) == 0) {
        must(points.count == 1 + xor_count(data, size));
        check_again(&points);
    }
    must(points.count >= 1 && points.items[0].time_ms == 1);
    must(points.capacity < 64 + 16 * size);
    points_release(&points);
    return 0;
}
