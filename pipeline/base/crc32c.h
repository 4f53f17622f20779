#ifndef TARE_BASE_CRC32C_H
#define TARE_BASE_CRC32C_H

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4): what Prometheus puts beside what it stores and sends. */

#include <stddef.h>
#include <stdint.h>

/* The checksum of the bytes before, whose checksum is `before` (0: there are none), and of these. */
uint32_t crc32c(uint32_t before, const void *bytes, size_t length);

#endif
