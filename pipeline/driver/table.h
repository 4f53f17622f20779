#ifndef TARE_DRIVER_TABLE_H
#define TARE_DRIVER_TABLE_H

/* Aligned tables on a terminal. */

#include <stddef.h>
#include <stdio.h>

struct table;

/* New table with `columns` columns and these heads (borrowed for the call). A head that starts with '>' makes its column right-aligned.
 * Free with table_free. */
struct table *table_new(size_t columns, const char *const *heads);

/* Frees; NULL is allowed. */
void table_free(struct table *table);

/* Sets the next cell, row after row; `text` is copied, NULL shows as "-", control bytes are masked. */
void table_cell(struct table *table, const char *text);

/* table_cell with formatted text. */
void table_cellf(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints heads and rows, columns as wide as their widest cell. */
void table_print(const struct table *table, FILE *out);

#endif
