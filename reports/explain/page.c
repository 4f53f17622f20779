#include "reports/explain/page.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "reports/escape.h"

enum { COLUMNS = 100, LABEL = 14, TEXT_MAX = 1024 * 1024 };

/* What has a year of four digits. */
static const int64_t instant_min = INT64_C(-62167219200);
static const int64_t instant_max = INT64_C(253402300799);

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

char *page_share(double share, char out[FIGURE_MAX])
{
    double percent = share * 100;
    int digits = fabs(percent) >= 9.95 || !(fabs(percent) > 0) ? 0 : fabs(percent) >= 0.095 ? 1 : 2;
    if (!isfinite(share)) {
        snprintf(out, FIGURE_MAX, "%s", unknown);
    } else {
        snprintf(out, FIGURE_MAX, "%.*f%%", digits, percent);
    }
    return out;
}

char *page_duration(double seconds, char out[FIGURE_MAX])
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t unit = 0;
    if (!isfinite(seconds)) {
        snprintf(out, FIGURE_MAX, "%s", unknown);
        return out;
    }
    while (unit + 1 < sizeof units / sizeof units[0] && seconds < units[unit].seconds * 2) {
        unit++;
    }
    snprintf(out, FIGURE_MAX, "%.3g %s", seconds / units[unit].seconds, units[unit].name);
    return out;
}

char *page_instant(const json_t *object, const char *key, char out[FIGURE_MAX])
{
    int64_t seconds = 0;
    char text[RFC3339_MAX];
    const char *instant = json_string_or_null(object, key);
    bool whole = json_get_int(object, key, &seconds) && seconds >= instant_min && seconds <= instant_max;
    if (!whole && (instant == NULL || time_parse(instant, &seconds, NULL))) {
        snprintf(out, FIGURE_MAX, "%.40s", instant == NULL ? unknown : instant);
        str_trim_utf8(out);
        return out;
    }
    time_format(seconds, text);
    snprintf(out, FIGURE_MAX, "%.10s %.5s", text, text + 11);
    return out;
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

char *page_plain(double number, char out[FIGURE_MAX])
{
    if (!isfinite(number)) {
        snprintf(out, FIGURE_MAX, "%s", unknown);
    } else if (fabs(number) >= 1000) {
        snprintf(out, FIGURE_MAX, "%.0f", number);
    } else {
        snprintf(out, FIGURE_MAX, "%.3g", number);
    }
    return out;
}
