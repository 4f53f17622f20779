#ifndef TARE_DRIVER_SIZE_H
#define TARE_DRIVER_SIZE_H

/* How large the ledger is, in words. */

#include "pipeline/base/buf.h"
#include "pipeline/io/json.h"

enum { SIZE_TEXT = 32 };

/* "1.2 GiB": bytes in the largest unit of which there is one. Returns `out`. */
char *size_text(int64_t bytes, char out[SIZE_TEXT]);

/* Adds "the database is 2.0 GiB, the largest part: artifacts 1.2 GiB in 340 runs" for what ledger_size gave. */
void size_sentence(const json_t *size, struct buf *out);

#endif
