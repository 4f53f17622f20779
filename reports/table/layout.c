#include "reports/table/layout.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/text/escape.h"

enum { SCREEN_DEFAULT = 80, SCREEN_MIN = 40, SCREEN_MAX = 1000, GAP = 2, INDENT = 4, NAME_LEAST = 24, SENTENCE_MAX = 8192 };

static const char *const heads[COLUMNS] = {"CPU", "MEMORY", "NOW", "NEW", "CHANGE", "%", "CONF", "RISK"};

size_t table_screen(void)
{
    int64_t columns = 0;
    struct winsize size;
    const char *given = getenv("COLUMNS");
    if (given != NULL && str_int64(given, SCREEN_MIN, SCREEN_MAX, &columns) == 0) {
        return (size_t)columns;
    }
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col < SCREEN_MIN ? SCREEN_MIN : size.ws_col;
    }
    return SCREEN_DEFAULT;
}

/* Characters, not bytes: figures hold "→" and "–". */
static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0U) != 0x80U;
    }
    return count;
}

void table_layout_init(struct table_layout *layout, size_t screen)
{
    *layout = (struct table_layout){.screen = screen, .longest = strlen("WORKLOAD")};
    for (int i = 0; i < COLUMNS; i++) {
        layout->widths[i] = strlen(heads[i]);
        layout->shown[i] = true;
    }
}

void table_measure(struct table_layout *layout, const char *name, const struct table_cells *cells)
{
    size_t length = characters(name);
    layout->longest = length > layout->longest ? length : layout->longest;
    for (int i = 0; i < COLUMNS; i++) {
        size_t width = characters(cells->text[i]);
        layout->widths[i] = width > layout->widths[i] ? width : layout->widths[i];
    }
}

static size_t numbers_width(const struct table_layout *layout)
{
    size_t width = 0;
    for (int i = 0; i < COLUMNS; i++) {
        width += layout->shown[i] ? layout->widths[i] + GAP : 0;
    }
    return width;
}

void table_decide(struct table_layout *layout)
{
    static const enum table_column least_needed[] = {COLUMN_CONFIDENCE, COLUMN_PERCENT, COLUMN_NOW, COLUMN_MEMORY, COLUMN_CPU};
    size_t numbers = numbers_width(layout);
    size_t least = layout->longest < NAME_LEAST ? layout->longest : NAME_LEAST;
    layout->two_lines = numbers + least > layout->screen;
    if (!layout->two_lines) {
        size_t room = layout->screen - numbers;
        layout->name = layout->longest < room ? layout->longest : room;
        return;
    }
    layout->name = INDENT - GAP;
    for (size_t i = 0; i < ARRAY_COUNT(least_needed) && numbers_width(layout) + layout->name > layout->screen; i++) {
        layout->shown[least_needed[i]] = false;
    }
}

static void pad(struct buf *out, size_t used, size_t width)
{
    for (size_t i = used; i < width; i++) {
        buf_add_char(out, ' ');
    }
}

void table_row(const struct table_layout *layout, const char *name, const struct table_cells *cells, struct buf *out)
{
    size_t used = escape_terminal(out, cells == NULL ? "WORKLOAD" : name, layout->two_lines ? layout->screen : layout->name);
    if (layout->two_lines) {
        buf_add_char(out, '\n');
        used = 0;
    }
    pad(out, used, layout->name);
    for (int i = 0; i < COLUMNS; i++) {
        const char *text = cells == NULL ? heads[i] : cells->text[i];
        if (!layout->shown[i]) {
            continue;
        }
        pad(out, 0, GAP);
        /* All but the last are numbers and end in one line. */
        pad(out, i + 1 == COLUMNS ? layout->widths[i] : characters(text), layout->widths[i]);
        buf_add_str(out, text);
    }
    while (out->length > 0 && out->data[out->length - 1] == ' ') {
        out->length--;
    }
    buf_add_char(out, '\n');
}

void table_sentence(const struct table_layout *layout, const struct buf *text, struct buf *out)
{
    struct buf safe;
    buf_init(&safe, (size_t)4 * SENTENCE_MAX);
    escape_terminal(&safe, buf_str(text), SENTENCE_MAX);
    size_t column = 0;
    for (const char *c = buf_str(&safe); *c != '\0';) {
        size_t length = strcspn(c, " ");
        char *word = xstrndup(c, length);
        size_t width = characters(word);
        if (column > 0 && column + 1 + width > layout->screen) {
            buf_add_char(out, '\n');
            column = 0;
        }
        buf_printf(out, "%s%s", column > 0 ? " " : "", word);
        column += width + (column > 0);
        free(word);
        c += length + strspn(c + length, " ");
    }
    buf_add_str(out, column > 0 ? "\n" : "");
    buf_release(&safe);
}
