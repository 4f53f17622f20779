#ifndef TARE_REPORTS_EXPLAIN_PAGE_H
#define TARE_REPORTS_EXPLAIN_PAGE_H

/* Text for a terminal: headings, labelled lines that are wrapped, cells of tables, and numbers as they stand
 * in records. All that is printed goes through here and is made safe to show. */

#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/io/json.h"
#include "reports/text/figures.h"

/* An empty line and a title. */
void page_heading(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A label (at most 13 characters, "" none, " " below the line before) at `indent`, then the text, wrapped at
 * 100 columns and indented below itself. Nothing where the text is empty. */
void page_line(struct buf *out, int indent, const char *label, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Text of several lines as it stands, indented; only what steers a terminal is masked. */
void page_block(struct buf *out, int indent, const char *text);

/* A cell of a table: padded to `width` on its left, to −width on its right. */
void page_cell(struct buf *out, int width, const char *text);

/* Member `key` as a number; NaN where it is none. */
double page_number(const json_t *object, const char *key);

/* Member `key` as text, "" where it is none. Borrowed. */
const char *page_string(const json_t *object, const char *key);

/* CPU_REQUEST or MEMORY_REQUEST for the member names of resources. */
enum report_field page_field(const char *resource);

/* An amount as a manifest has it, rounded up to millicores and MiB as a recommendation's own words do:
 * "1747m", "2953Mi"; "–" unknown. Returns `out`. */
char *page_amount(enum report_field field, double amount, char out[FIGURE_MAX]);

#endif
