#ifndef TARE_ANALYZE_SCALING_NAMES_H
#define TARE_ANALYZE_SCALING_NAMES_H

/* Names of objects, as the API server wants them (RFC 1123). */

#include <stdbool.h>
#include <stddef.h>

enum { NAME_LABEL_MAX = 63, NAME_SUBDOMAIN_MAX = 253 };

/* Small letters, digits and '-', beginning and ending with a letter or digit, at most 63 bytes. */
bool name_is_label(const char *text);

/* Labels with dots between them, at most 253 bytes in all. */
bool name_is_subdomain(const char *text);

/* "base" and "suffix" in at most `most` bytes (64 ≤ size of `out`): where they are longer, base is cut and told apart by a
 * digest of it. Returns `out`. */
char *name_make(const char *base, const char *suffix, size_t most, char out[NAME_SUBDOMAIN_MAX + 1]);

#endif
