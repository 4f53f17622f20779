#include "reports/explain/page.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "reports/text/escape.h"

enum { COLUMNS = 100, LABEL = 14, TEXT_MAX = 1024 * 1024 };

static const char unknown[] = "\xe2\x80\x93";

static void spaces(struct buf *out, int count)
{
    for (int i = 0; i < count; i++) {
        buf_add_char(out, ' ');
    }
}

/* Characters, not bytes. */
static int characters(const char *text, size_t length)
{
    int count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)text[i] & 0xc0U) != 0x80U;
    }
    return count;
}

void page_heading(struct buf *out, const char *format, ...)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_add_char(out, '\n');
    escape_terminal(out, buf_str(&text), COLUMNS);
    buf_add_char(out, '\n');
    buf_release(&text);
}

/* Words of one line, broken where the next would pass the last column. */
static void wrap(struct buf *out, int margin, const char *text)
{
    int at = margin;
    bool fresh = true;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        int width = characters(text, length);
        if (!fresh && at + 1 + width > COLUMNS) {
            buf_add_char(out, '\n');
            spaces(out, margin);
            at = margin;
        } else if (!fresh) {
            buf_add_char(out, ' ');
            at++;
        }
        buf_add(out, text, length);
        at += width;
        fresh = false;
        text += length;
        text += strspn(text, " ");
    }
    buf_add_char(out, '\n');
}

void page_line(struct buf *out, int indent, const char *label, const char *format, ...)
{
    struct buf text;
    struct buf safe;
    buf_init(&text, TEXT_MAX);
    buf_init(&safe, (size_t)8 * TEXT_MAX);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (text.length > 0) {
        escape_terminal(&safe, buf_str(&text), SIZE_MAX);
        spaces(out, indent);
        int used = (int)escape_terminal(out, label, LABEL - 1);
        spaces(out, label[0] == '\0' ? 0 : LABEL - used);
        wrap(out, indent + (label[0] == '\0' ? 0 : LABEL), buf_str(&safe));
    }
    buf_release(&text);
    buf_release(&safe);
}

void page_block(struct buf *out, int indent, const char *text)
{
    struct buf line;
    buf_init(&line, strlen(text) + 1);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        buf_clear(&line);
        buf_add(&line, text, length);
        spaces(out, indent);
        escape_terminal(out, buf_str(&line), SIZE_MAX);
        buf_add_char(out, '\n');
        text += length + (text[length] == '\n');
    }
    buf_release(&line);
}

void page_cell(struct buf *out, int width, const char *text)
{
    int used = characters(text, strlen(text));
    spaces(out, width - used);
    buf_add_str(out, text);
    spaces(out, -width - used);
}

double page_number(const json_t *object, const char *key)
{
    double number = NAN;
    return json_get_number(object, key, &number) ? number : NAN;
}

const char *page_string(const json_t *object, const char *key)
{
    const char *text = json_string_or_null(object, key);
    return text == NULL ? "" : text;
}

enum report_field page_field(const char *resource)
{
    return str_starts(resource, "mem") ? MEMORY_REQUEST : CPU_REQUEST;
}

char *page_amount(enum report_field field, double amount, char out[FIGURE_MAX])
{
    double unit = amount >= 1048576 ? 1048576 : 1024;
    if (!isfinite(amount) || amount < 0 || amount > 9e15) {
        snprintf(out, FIGURE_MAX, "%s", unknown);
    } else if (field == CPU_REQUEST || field == CPU_LIMIT) {
        quantity_cpu_format((int64_t)ceil(amount - 1e-9), out);
    } else {
        quantity_memory_format((int64_t)(ceil(amount / unit - 1e-9) * unit), out);
    }
    return out;
}
