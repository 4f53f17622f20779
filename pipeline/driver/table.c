#include "pipeline/driver/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { CELL_MAX = 400 };

struct table {
    size_t columns;
    bool *right;
    char **cells;
    size_t count;
    size_t capacity;
};

struct table *table_new(size_t columns, const char *const *heads)
{
    struct table *table = xcalloc(sizeof *table);
    table->columns = columns;
    table->right = xcalloc_array(columns, sizeof *table->right);
    for (size_t i = 0; i < columns; i++) {
        table->right[i] = heads[i][0] == '>';
        table_cell(table, heads[i] + (table->right[i] ? 1 : 0));
    }
    return table;
}

void table_free(struct table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    free(table->right);
    free(table);
}

void table_cell(struct table *table, const char *text)
{
    GROW(table->cells, table->capacity, table->count + 1);
    char *copy = xstrndup(text == NULL ? "-" : text, CELL_MAX);
    str_trim_utf8(copy);
    str_mask_controls(copy);
    table->cells[table->count++] = copy;
}

void table_cellf(struct table *table, const char *format, ...)
{
    char text[CELL_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_cell(table, text);
}

/* Code points, which is what a terminal shows for the names and numbers here. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

static void print_cell(const struct table *table, size_t column, const char *text, size_t width, FILE *out)
{
    int pad = (int)(width - width_of(text));
    bool last = column + 1 == table->columns;
    if (table->right[column]) {
        fprintf(out, "%*s%s", pad, "", text);
    } else {
        fprintf(out, "%s%*s", text, last ? 0 : pad, "");
    }
    fputs(last ? "\n" : "  ", out);
}

void table_print(const struct table *table, FILE *out)
{
    size_t *widths = xcalloc_array(table->columns, sizeof *widths);
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]);
        if (width > widths[i % table->columns]) {
            widths[i % table->columns] = width;
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        print_cell(table, i % table->columns, table->cells[i], widths[i % table->columns], out);
    }
    free(widths);
}
