#ifndef TARE_BASE_QUANTITY_H
#define TARE_BASE_QUANTITY_H

/*
 * Kubernetes quantities as exact integers: CPU in millicores, memory in bytes. Grammar and rounding are those of
 * the Kubernetes API ("Quantity" in its resource API): a signed decimal number and a suffix: n u m (none) k M G T
 * P E, Ki Mi Gi Ti Pi Ei, or an exponent e/E with an integer. Results round up, as the scheduler does.
 */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

enum { QUANTITY_MAX = 32 };

/* Reads `length` bytes as CPU in millicores, rounded up. ERR_DATA for what is not a quantity, is negative, or
 * does not fit int64. */
int quantity_cpu(const char *text, size_t length, int64_t *millicores, struct err *err);

/* Reads `length` bytes as memory in bytes, rounded up. Errors as quantity_cpu. */
int quantity_memory(const char *text, size_t length, int64_t *bytes, struct err *err);

/* Writes millicores as people do: "250m", "2" (whole cores without suffix). Returns `out`. */
char *quantity_cpu_format(int64_t millicores, char out[QUANTITY_MAX]);

/* Writes bytes as people do: the largest of Ki Mi Gi Ti Pi Ei that divides exactly and keeps the number whole, else
 * plain bytes: "512Mi", "1536Mi", "2Gi". Returns `out`. */
char *quantity_memory_format(int64_t bytes, char out[QUANTITY_MAX]);

#endif
