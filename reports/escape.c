#include "reports/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { SHOWN_MAX = 16 };

/* Inclusive ranges of code points that are invisible or steer the direction or the lines of text. */
static const uint32_t steering[][2] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x61c, 0x61c},   {0x115f, 0x1160},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e}, {0x2060, 0x206f},
    {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool is_steering(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_COUNT(steering); i++) {
        if (code >= steering[i][0] && code <= steering[i][1]) {
            return true;
        }
    }
    return false;
}

static uint32_t decode(const unsigned char *bytes, size_t length)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = bytes[0] & masks[length];
    for (size_t i = 1; i < length; i++) {
        code = (code << 6) | (bytes[i] & 0x3fU);
    }
    return code;
}

/* One character of the text: its code point in *code, what to show of it in `shown`. Returns the bytes taken.
 */
static size_t next_character(const char *text, uint32_t *code, char shown[SHOWN_MAX])
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = str_utf8_length(bytes, strnlen(text, 4));
    if (length == 0) {
        *code = 0xfffd;
        snprintf(shown, SHOWN_MAX, "\xef\xbf\xbd");
        return 1;
    }
    *code = decode(bytes, length);
    if (is_steering(*code)) {
        snprintf(shown, SHOWN_MAX, "\\u%04x", (unsigned)*code);
    } else {
        memcpy(shown, text, length);
        shown[length] = '\0';
    }
    return length;
}

void escape_html(struct buf *out, const char *text)
{
    char shown[SHOWN_MAX];
    uint32_t code = 0;
    for (size_t i = 0; text[i] != '\0';) {
        i += next_character(text + i, &code, shown);
        switch (code) {
        case '&':
            buf_add_str(out, "&amp;");
            break;
        case '<':
            buf_add_str(out, "&lt;");
            break;
        case '>':
            buf_add_str(out, "&gt;");
            break;
        case '"':
            buf_add_str(out, "&quot;");
            break;
        case '\'':
            buf_add_str(out, "&#39;");
            break;
        case '\n':
            buf_add_char(out, '\n');
            break;
        case '\t':
            buf_add_char(out, '\t');
            break;
        default:
            buf_add_str(out, shown);
            break;
        }
    }
}

/* What would start a mention, an issue reference or a link on GitHub, which look at the text after HTML
 * entities are resolved: an element around one character keeps them from seeing it whole. */
static bool starts_reference(const char *text, size_t at, uint32_t code)
{
    const char *next = text + at + 1;
    return code == '@' || (code == '#' && *next >= '0' && *next <= '9') ||
           (code == ':' && str_starts(next, "//")) ||
           (code == '.' && at >= 3 && str_starts(text + at - 3, "www"));
}

void escape_markdown(struct buf *out, const char *text)
{
    char shown[SHOWN_MAX];
    uint32_t code = 0;
    for (size_t i = 0; text[i] != '\0';) {
        size_t at = i;
        i += next_character(text + i, &code, shown);
        if (code == '\n' || code == '\t') {
            buf_add_char(out, ' ');
        } else if (starts_reference(text, at, code)) {
            buf_printf(out, "<span>%s</span>", shown);
        } else if (code < 0x80 && strchr("&<>|", (int)code) != NULL) {
            buf_printf(out, "&#%u;", (unsigned)code);
        } else if (code < 0x80 && strchr("\\`*_[]~#", (int)code) != NULL) {
            buf_printf(out, "\\%c", (char)code);
        } else if (code == '$' && (text[i] < '0' || text[i] > '9')) {
            buf_add_str(out, "\\$");
        } else {
            buf_add_str(out, shown);
        }
    }
}

void escape_csv(struct buf *out, const char *text)
{
    char shown[SHOWN_MAX];
    uint32_t code = 0;
    buf_add_char(out, '"');
    if (text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL) {
        buf_add_char(out, '\'');
    }
    for (size_t i = 0; text[i] != '\0';) {
        i += next_character(text + i, &code, shown);
        buf_add_str(out, code == '"' ? "\"\"" : code == '\n' || code == '\t' ? " " : shown);
    }
    buf_add_char(out, '"');
}

size_t escape_terminal(struct buf *out, const char *text, size_t columns)
{
    char shown[SHOWN_MAX];
    uint32_t code = 0;
    size_t used = 0;
    for (size_t i = 0; text[i] != '\0';) {
        i += next_character(text + i, &code, shown);
        size_t width = is_steering(code) ? strlen(shown) : 1;
        if (code == '\n' || code == '\t') {
            snprintf(shown, SHOWN_MAX, " ");
            width = 1;
        }
        if (used + width > columns || (used + width == columns && text[i] != '\0')) {
            buf_add_str(out, "\xe2\x80\xa6");
            return used + 1;
        }
        buf_add_str(out, shown);
        used += width;
    }
    return used;
}
