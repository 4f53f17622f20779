#include "stages/notify/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "pipeline/base/str.h"

/* The character at `bytes`, of `length` valid bytes. */
static uint32_t code_point(const unsigned char *bytes, size_t length)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = bytes[0] & masks[length];
    for (size_t i = 1; i < length; i++) {
        code = code << 6 | (bytes[i] & 0x3fU);
    }
    return code;
}

/* What has no shape of its own: line and paragraph separators, marks of direction, joiners, tags. */
static bool is_hidden(uint32_t code)
{
    return (code >= 0x80 && code < 0xa0) || code == 0xad || code == 0x61c || code == 0x180e || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe007f);
}

void text_visible(const char *text, struct buf *out)
{
    size_t left = text == NULL ? 0 : strlen(text);
    for (const unsigned char *p = (const unsigned char *)text; left > 0;) {
        size_t length = str_utf8_length(p, left);
        uint32_t code = length == 0 ? 0 : code_point(p, length);
        if (length == 0) {
            buf_add_str(out, "\xef\xbf\xbd");
        } else if (code < 0x20 || code == 0x7f) {
            unsigned picture = code == 0x7f ? 0x21 : code;
            buf_add(out, (char[]){'\xe2', '\x90', (char)(0x80 | picture)}, 3);
        } else if (is_hidden(code)) {
            buf_printf(out, "[U+%04X]", (unsigned)code);
        } else {
            buf_add(out, p, length);
        }
        p += length == 0 ? 1 : length;
        left -= length == 0 ? 1 : length;
    }
}

/* Units of the character at `bytes`; *length receives its bytes. */
static size_t units_at(const char *bytes, size_t left, size_t *length)
{
    *length = str_utf8_length((const unsigned char *)bytes, left);
    *length = *length == 0 ? 1 : *length;
    return *length == 4 ? 2 : 1;
}

size_t text_units(const char *text)
{
    size_t units = 0;
    size_t left = strlen(text);
    for (size_t length; left > 0; text += length, left -= length) {
        units += units_at(text, left, &length);
    }
    return units;
}

size_t text_clip(const char *text, size_t most, struct buf *out)
{
    static const char more[] = "\xe2\x80\xa6";
    size_t all = text_units(text);
    if (all <= most) {
        buf_add_str(out, text);
        return all;
    }
    size_t units = 0;
    size_t left = strlen(text);
    for (size_t length; left > 0 && most > 0; text += length, left -= length) {
        size_t next = units_at(text, left, &length);
        if (units + next > most - 1) {
            break;
        }
        buf_add(out, text, length);
        units += next;
    }
    if (most > 0) {
        buf_add_str(out, more);
        units++;
    }
    return units;
}

void text_plain(const char *text, struct buf *out)
{
    buf_add_str(out, text);
}

void text_slack(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            buf_add_str(out, "&amp;");
            break;
        case '<':
            buf_add_str(out, "&lt;");
            break;
        case '>':
            buf_add_str(out, "&gt;");
            break;
        default:
            buf_add_char(out, *text);
        }
    }
}

void text_discord(const char *text, struct buf *out)
{
    bool begins = true;
    for (; *text != '\0'; text++) {
        if (strchr("\\*_~`|<>[]()", *text) != NULL || (begins && strchr("#-+", *text) != NULL)) {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, *text);
        if (*text == '@') {
            buf_add_str(out, "\xe2\x80\x8b");
        }
        begins = *text == '\n' || (begins && *text == ' ');
    }
}
