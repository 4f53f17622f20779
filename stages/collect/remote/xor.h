#ifndef TARE_COLLECT_REMOTE_XOR_H
#define TARE_COLLECT_REMOTE_XOR_H

/*
 * Chunks in Prometheus' XOR encoding (tsdb/chunkenc/xor.go; the idea is Gorilla's,
 * doi 10.14778/2824032.2824078). After a count of two bytes come samples of varying numbers of bits: the
 * change of the distance in time, and the XOR with the value before. The bytes are untrusted: no read goes
 * past them, and what could not have been written by the encoder is damage, not a sample.
 */

#include <stddef.h>

#include "stages/collect/points.h"

/* How many samples a chunk says it has; 0 when it is too short to say so. */
size_t xor_count(const unsigned char *bytes, size_t length);

/* Adds the samples of a chunk to `out`. Returns 0; -1 for a chunk that is damaged (cut, windows of impossible
 * width, time that runs backwards or further than 2^45 ms at once, something after the last sample): `out` is
 * as before then. */
int xor_decode(const unsigned char *bytes, size_t length, struct points *out);

#endif
