#ifndef TARE_DRIVER_ROWS_H
#define TARE_DRIVER_ROWS_H

/* Lists of the ledger as people and programs get them: a table, or JSON. */

#include "pipeline/driver/table.h"
#include "pipeline/io/json.h"

/* Prints a JSON value (stolen) on a line of its own. Always 0, so that `return rows_json(…)` works. */
int rows_json(json_t *value);

/* Prints a list (stolen) as a table, a row for each object; `none` (may be NULL) is said where there is none. Always 0. */
int rows_print(json_t *rows, const char *const *heads, size_t columns, void (*cells)(struct table *table, const json_t *row),
               const char *none);

/* Sets the next cell to member `key`, an integer; what is none shows as "-". */
void rows_int_cell(struct table *table, const json_t *row, const char *key);

#endif
