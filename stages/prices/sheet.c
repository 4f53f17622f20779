#include "stages/prices/sheet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"

enum { CELL_COLUMNS = 100, GAP = 2 };

/* 7500 → "7.5". */
static char *milli_text(int64_t milli)
{
    char *text = xasprintf("%" PRId64 ".%03" PRId64, milli / 1000, milli % 1000);
    size_t length = strlen(text);
    while (text[length - 1] == '0') {
        text[--length] = '\0';
    }
    if (text[length - 1] == '.') {
        text[length - 1] = '\0';
    }
    return text;
}

/* Text of one member as people read it, "" where it is missing or null. New string. */
static char *cell_text(const struct column *column, const json_t *row)
{
    int64_t number = 0;
    char money[FIGURE_MAX];
    if (column->kind == COLUMN_TEXT) {
        const char *text = json_string_or_null(row, column->member);
        return xstrdup(text == NULL ? "" : text);
    }
    if (!json_get_int(row, column->member, &number)) {
        return xstrdup("");
    }
    return column->kind == COLUMN_DOLLARS ? xstrdup(figure_dollars(number, money))
           : column->kind == COLUMN_MILLI ? milli_text(number)
                                          : xasprintf("%" PRId64, number);
}

/* Safe text of a cell, cut to CELL_COLUMNS. Returns its width. */
static size_t shown(const struct column *column, const json_t *row, struct buf *out)
{
    buf_clear(out);
    char *text = cell_text(column, row);
    size_t width = escape_terminal(out, text[0] == '\0' ? "-" : text, CELL_COLUMNS);
    free(text);
    return width;
}

static void pad(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, ' ');
    }
}

/* Numbers end, text begins at its column. */
static void add_cell(struct buf *out, const struct column *column, const char *text, size_t used, size_t width,
                     bool last)
{
    bool right = column->kind != COLUMN_TEXT;
    pad(out, right ? width - used : 0);
    buf_add_str(out, text);
    pad(out, right || last ? 0 : width - used);
    if (last) {
        buf_add_char(out, '\n');
    } else {
        pad(out, GAP);
    }
}

static void measure(const struct column *columns, size_t count, const json_t *rows, size_t *widths)
{
    struct buf text;
    buf_init(&text, 4096);
    for (size_t c = 0; c < count; c++) {
        widths[c] = strlen(columns[c].head);
        for (size_t r = 0; r < json_array_size(rows); r++) {
            size_t width = shown(&columns[c], json_array_get(rows, r), &text);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    buf_release(&text);
}

static int write_table(const struct column *columns, size_t count, const json_t *rows, struct report_sink *sink,
                       struct err *err)
{
    size_t *widths = xcalloc_array(count, sizeof *widths);
    struct buf text;
    int failed = 0;
    buf_init(&text, 4096);
    measure(columns, count, rows, widths);
    for (size_t c = 0; c < count; c++) {
        add_cell(&sink->out, &columns[c], columns[c].head, strlen(columns[c].head), widths[c], c + 1 == count);
    }
    for (size_t r = 0; !failed && r < json_array_size(rows); r++) {
        for (size_t c = 0; c < count; c++) {
            size_t used = shown(&columns[c], json_array_get(rows, r), &text);
            add_cell(&sink->out, &columns[c], buf_str(&text), used, widths[c], c + 1 == count);
        }
        failed = sink_poll(sink, err);
    }
    buf_release(&text);
    free(widths);
    return failed;
}

static int write_csv(const struct column *columns, size_t count, const json_t *rows, struct report_sink *sink,
                     struct err *err)
{
    for (size_t c = 0; c < count; c++) {
        buf_printf(&sink->out, "%s%s", c == 0 ? "" : ",", columns[c].csv_head);
    }
    buf_add_str(&sink->out, "\r\n");
    int failed = 0;
    for (size_t r = 0; !failed && r < json_array_size(rows); r++) {
        for (size_t c = 0; c < count; c++) {
            char *text = cell_text(&columns[c], json_array_get(rows, r));
            buf_add_str(&sink->out, c == 0 ? "" : ",");
            if (columns[c].kind == COLUMN_TEXT && text[0] != '\0') {
                escape_csv(&sink->out, text);
            } else {
                buf_add_str(&sink->out, text);
            }
            free(text);
        }
        buf_add_str(&sink->out, "\r\n");
        failed = sink_poll(sink, err);
    }
    return failed;
}

int sheet_write(enum sheet_format format, const struct column *columns, size_t count, const json_t *rows,
                struct report_sink *sink, struct err *err)
{
    if (format == SHEET_JSON) {
        int failed = json_write(rows, &sink->out, err);
        buf_add_char(&sink->out, '\n');
        return failed;
    }
    return format == SHEET_CSV ? write_csv(columns, count, rows, sink, err)
                               : write_table(columns, count, rows, sink, err);
}
