/* Answers of the Prometheus API as a stream. The first byte says into how large pieces the text is cut: whatever the cut,
 * the same series and points must come out, and what is accepted must be JSON for an independent parser too. Byte by byte
 * every point goes through the tokenizer and strtod; in larger pieces most take the short way of answer.c. */

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stages/collect/api/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out, as one number. */
struct digest {
    uint64_t sum;
};

static void mix(struct digest *digest, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        digest->sum = (digest->sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
}

static int take_series(void *context, const struct labels *labels, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < labels->count; i++) {
        mix(context, labels->names[i], strlen(labels->names[i]) + 1);
        mix(context, labels->values[i], strlen(labels->values[i]) + 1);
    }
    return 0;
}

static int take_point(void *context, int64_t time_ms, double value, struct err *err)
{
    (void)err;
    value = isnan(value) ? 0 : value;
    mix(context, &time_ms, sizeof time_ms);
    mix(context, &value, sizeof value);
    return 0;
}

static int read_all(const char *text, size_t size, size_t piece, uint64_t *sum)
{
    struct digest digest = {0};
    struct answer_listener listener = {.series = take_series, .point = take_point, .context = &digest};
    struct answer answer;
    struct err err = {0};
    answer_init(&answer, &listener, "the server");
    int failed = 0;
    for (size_t at = 0; at < size && !failed; at += piece) {
        failed = answer_feed(&answer, text + at, size - at < piece ? size - at : piece, &err);
    }
    failed = failed || answer_finish(&answer, &err);
    answer_release(&answer);
    *sum = digest.sum;
    return failed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    uint64_t whole;
    int failed = read_all(text, size - 1, size, &whole);
    const size_t pieces[] = {1, (size_t)data[0] + 1};
    for (size_t i = 0; i < 2; i++) {
        uint64_t cut;
        int failed_cut = read_all(text, size - 1, pieces[i], &cut);
        if ((failed != 0) != (failed_cut != 0) || (!failed && whole != cut)) {
            abort();
        }
    }
    if (!failed) {
        /* jansson refuses what it cannot hold (\u0000 in strings aside, numbers out of range); those are not
         * its business here. */
        json_error_t where;
        json_t *value =
            json_loadb(text, size - 1, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &where);
        if (value == NULL && json_error_code(&where) != json_error_numeric_overflow &&
            json_error_code(&where) != json_error_null_byte_in_key) {
            abort();
        }
        json_decref(value);
    }
    return 0;
}
