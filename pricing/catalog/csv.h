#ifndef TARE_PRICING_CATALOG_CSV_H
#define TARE_PRICING_CATALOG_CSV_H

/* Reading comma-separated price files (RFC 4180 quoting, LF or CRLF): bounded, with file and line in every
 * error. */

#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"

enum { CSV_COLUMNS_MAX = 16, CSV_FIELD_MAX = 512 };

struct csv {
    const char *name; /* what errors call the file; borrowed */
    const char *next;
    const char *end;
    size_t line; /* of the row read last, from 1 */
    size_t rows_read;
    size_t columns; /* number of columns the header has */
    size_t known;   /* number of columns the reader knows */
    size_t place[CSV_COLUMNS_MAX]; /* of each column of the file among the known ones */
    struct arena *arena;
    const char *fields[CSV_COLUMNS_MAX]; /* in the order of the known columns; NULL where the file has no such column */
};

/*
 * Prepares reading `length` bytes (borrowed), which must be UTF-8 text, and finds its columns by their names, in any order:
 * the first `required` of the `known` names must be there, the others may be, and no other column may. Fields are copied
 * into the arena. ERR_CONFIG naming the file and the column.
 */
int csv_init(struct csv *csv, const char *name, const char *text, size_t length, struct arena *arena,
             const char *const *names, size_t required, size_t known, struct err *err);

/* Next row into csv->fields: 1, 0 at the end, -1 with ERR_CONFIG (wrong number of fields, an open quote, a
 * field that is too long, a control character). */
int csv_next(struct csv *csv, struct err *err);

#endif
