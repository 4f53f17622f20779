#include "pipeline/driver/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/log.h"

int rows_json(json_t *value)
{
    char *text = json_text(value);
    puts(text);
    free(text);
    json_decref(value);
    return 0;
}

int rows_print(json_t *rows, const char *const *heads, size_t columns, void (*cells)(struct table *table, const json_t *row),
               const char *none)
{
    struct table *table = table_new(columns, heads);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        cells(table, row);
    }
    table_print(table, stdout);
    if (index == 0 && none != NULL) {
        log_info("%s", none);
    }
    table_free(table);
    json_decref(rows);
    return 0;
}

void rows_int_cell(struct table *table, const json_t *row, const char *key)
{
    int64_t value;
    if (json_get_int(row, key, &value)) {
        table_cellf(table, "%" PRId64, value);
    } else {
        table_cell(table, NULL);
    }
}
