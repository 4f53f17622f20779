#ifndef TARE_STAGES_PRICES_SHEET_H
#define TARE_STAGES_PRICES_SHEET_H

/* Rows of figures in the three forms of --format. */

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "reports/text/sink.h"

enum sheet_format { SHEET_TABLE, SHEET_JSON, SHEET_CSV };

/* How a member is written for people; in JSON it stays as it is. */
enum column_kind {
    COLUMN_TEXT,
    COLUMN_COUNT,   /* an integer */
    COLUMN_DOLLARS, /* micro-dollars as exact dollars */
    COLUMN_MILLI    /* thousandths as a decimal number */
};

/* A column: the member of each row that it shows, and its head in a table and in CSV. */
struct column {
    const char *member;
    const char *head;
    const char *csv_head;
    enum column_kind kind;
};

/* Writes an array of objects as an aligned table or as CSV (RFC 4180, formulas made text); a member that is missing or null is "-"
 * in a table and an empty cell in CSV. Everything is made safe to show. ERR_IO, ERR_CANTCREAT. */
int sheet_write(enum sheet_format format, const struct column *columns, size_t count, const json_t *rows,
                struct report_sink *sink, struct err *err);

#endif
