#include "reports/text/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { SHOWN_MAX = 16, COMMIT_MIN = 7, COMMIT_MAX = 40 };

/* Inclusive ranges of code points that are invisible or steer the direction or the lines of text. */
static const uint32_t steering[][2] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x61c, 0x61c},   {0x115f, 0x1160},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e}, {0x2060, 0x206f},
    {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xfffe, 0xffff},
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

/* What stands for a character that means something in HTML, NULL for others. */
static const char *entity(uint32_t code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void escape_html(struct buf *out, const char *text)
{
    char shown[SHOWN_MAX];
    uint32_t code = 0;
    for (size_t i = 0; text[i] != '\0';) {
        i += next_character(text + i, &code, shown);
        const char *stands = entity(code);
        if (stands != NULL) {
            buf_add_str(out, stands);
        } else if (code == '\n' || code == '\t') {
            buf_add_char(out, (char)code);
        } else {
            buf_add_str(out, shown);
        }
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ":name:" is drawn as a picture, ":100:" too; the minutes of a time are not. */
static bool starts_picture(const char *text)
{
    size_t length = 1;
    bool minutes = true;
    while (is_word(text[length]) || (text[length] != '\0' && strchr("_+-", text[length]) != NULL)) {
        minutes = minutes && is_digit(text[length]);
        length++;
    }
    return length > 1 && text[length] == ':' && !(minutes && length == 3);
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Where the number of a commit must be broken, which is 7 to 40 digits that stand alone: every few of them. */
static bool breaks_commit(const char *text, size_t at)
{
    size_t before = 0;
    size_t after = 0;
    while (before < COMMIT_MAX && before < at && is_hex(text[at - before - 1])) {
        before++;
    }
    while (before + after <= COMMIT_MAX && is_hex(text[at + after])) {
        after++;
    }
    size_t digits = before + after;
    return digits >= COMMIT_MIN && digits <= COMMIT_MAX && before % (COMMIT_MIN - 1) == 0 && !is_word(text[at + after]) &&
           (at == before || !is_word(text[at - before - 1]));
}

/* What would start a mention, an issue or commit reference, a picture or a link on GitHub, which looks at the text after
 * entities are resolved: an element around one character keeps it from being seen whole. */
static bool starts_reference(const char *text, size_t at, uint32_t code)
{
    const char *next = text + at + 1;
    switch (code) {
    case '@':
        return true;
    case '#':
        return is_digit(*next);
    case '-':
        return is_digit(*next) && at >= 2 && (text[at - 1] | 0x20) == 'h' && (text[at - 2] | 0x20) == 'g';
    case ':':
        return str_starts(next, "//") || starts_picture(text + at);
    case '.':
        return at >= 3 && (text[at - 1] | 0x20) == 'w' && (text[at - 2] | 0x20) == 'w' && (text[at - 3] | 0x20) == 'w';
    default:
        return code < 0x80 && is_hex((char)code) && breaks_commit(text, at);
    }
}

/* What begins a list, a title's line or code when a line begins with it; false where the character is nothing of that kind. */
static bool add_line_start(struct buf *out, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (text[0] == ' ' || text[0] == '\t' || text[0] == '\n') {
        buf_add_str(out, "&#32;");
        return true;
    }
    if (strchr("-+=", text[0]) != NULL) {
        buf_printf(out, "\\%c", text[0]);
        return true;
    }
    if (digits == 1 && (text[1] == '.' || text[1] == ')')) {
        buf_printf(out, "&#%d;", text[0]);
        return true;
    }
    return false;
}

void escape_markdown(struct buf *out, const char *text)
{
    char shown[SHOWN_MAX];
    uint32_t code = 0;
    size_t i = text[0] != '\0' && add_line_start(out, text) ? 1 : 0;
    while (text[i] != '\0') {
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
        } else if (code == '$' && !is_digit(text[i])) {
            buf_add_str(out, "\\$");
        } else {
            buf_add_str(out, shown);
        }
    }
}

void escape_markdown_html(struct buf *out, const char *text)
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
        } else if (code < 0x80 && strchr("&<>\"'$", (int)code) != NULL) {
            buf_printf(out, "&#%u;", (unsigned)code);
        } else {
            buf_add_str(out, shown);
        }
    }
}

void escape_label(struct buf *out, const char *text)
{
    char shown[SHOWN_MAX];
    uint32_t code = 0;
    for (size_t i = 0; text[i] != '\0';) {
        i += next_character(text + i, &code, shown);
        if (code == '\n') {
            buf_add_str(out, "\\n");
        } else if (code == '"' || code == '\\' || is_steering(code)) {
            buf_printf(out, "\\%s", shown);
        } else {
            buf_add_str(out, shown);
        }
    }
}

/* What spreadsheets take for the start of a formula, in its wide form too. */
static bool starts_formula(const char *text)
{
    static const char *const wide[] = {"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
    text += strspn(text, " ");
    for (size_t i = 0; i < ARRAY_COUNT(wide); i++) {
        if (str_starts(text, wide[i])) {
            return true;
        }
    }
    return text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL;
}

void escape_csv(struct buf *out, const char *text)
{
    char shown[SHOWN_MAX];
    uint32_t code = 0;
    buf_add_char(out, '"');
    if (starts_formula(text)) {
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
