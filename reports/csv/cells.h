#ifndef TARE_REPORTS_CSV_CELLS_H
#define TARE_REPORTS_CSV_CELLS_H

/* Cells of a CSV row, each with the comma behind it. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

/* RFC 4180 ends lines so. */
#define CSV_LINE_END "\r\n"

/* Text in quotes, no formula; empty for NULL. */
void csv_text(struct buf *out, const char *text);

/* A whole number, empty unless `present`. */
void csv_number(struct buf *out, bool present, int64_t number);

/* A number with 15 significant digits, empty unless `present`. */
void csv_real(struct buf *out, bool present, double number);

#endif
