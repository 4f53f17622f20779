#ifndef TARE_REPORTS_TABLE_LAYOUT_H
#define TARE_REPORTS_TABLE_LAYOUT_H

/* How the table lies on a screen of a width; only the files of this folder use it. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"
#include "reports/text/figures.h"

enum table_column {
    COLUMN_CPU,
    COLUMN_MEMORY,
    COLUMN_NOW,
    COLUMN_NEW,
    COLUMN_CHANGE,
    COLUMN_PERCENT,
    COLUMN_CONFIDENCE,
    COLUMN_RISK,
    COLUMNS
};

/* Cells of a row after its name. */
struct table_cells {
    char text[COLUMNS][FIGURE_MAX];
};

struct table_layout {
    size_t screen;
    size_t widths[COLUMNS]; /* of the widest cell */
    bool shown[COLUMNS];
    size_t longest; /* name */
    size_t name;    /* columns for names */
    bool two_lines; /* the name stands above its numbers */
};

/* Columns of the screen: $COLUMNS, else the terminal that standard output is, else 80. At least 40. */
size_t table_screen(void);

/* Starts with the heads' widths. */
void table_layout_init(struct table_layout *layout, size_t screen);

/* Lets a row have its room. */
void table_measure(struct table_layout *layout, const char *name, const struct table_cells *cells);

/* Decides, after all rows are measured: beside each other where names keep enough room, else on two lines, and the least needed
 * columns left out where even those are too wide. */
void table_decide(struct table_layout *layout);

/* Adds a row; the head of the table with `cells` NULL. */
void table_row(const struct table_layout *layout, const char *name, const struct table_cells *cells, struct buf *out);

/* Adds a sentence (not escaped yet) in lines that are no wider than the screen; nothing for an empty one. */
void table_sentence(const struct table_layout *layout, const struct buf *text, struct buf *out);

#endif
