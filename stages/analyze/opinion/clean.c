#include "stages/analyze/opinion/clean.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* Characters that show nothing: format characters of Unicode (general category Cf) and fillers. Those that turn the direction of writing
 * around are str_mask_controls'. */
static const struct range {
    uint32_t first, last;
} unseen[] = {
    {0xad, 0xad},     {0x34f, 0x34f},   {0x600, 0x605},   {0x61c, 0x61c},   {0x6dd, 0x6dd},     {0x70f, 0x70f},
    {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2060, 0x206f},   {0x3164, 0x3164},
    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff}};

/* The code point of a valid sequence. */
static uint32_t code_point(const unsigned char *bytes, size_t length)
{
    uint32_t value = length == 1 ? bytes[0] : (uint32_t)bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        value = value << 6 | (bytes[i] & 0x3fU);
    }
    return value;
}

static bool is_unseen(uint32_t value)
{
    for (size_t i = 0; i < ARRAY_COUNT(unseen); i++) {
        if (value >= unseen[i].first && value <= unseen[i].last) {
            return true;
        }
    }
    return false;
}

/* Line breaks and tabs become blanks: they part words. */
static void blank_breaks(char *text)
{
    for (char *at = text + strcspn(text, "\t\n\r"); *at != '\0'; at += strcspn(at, "\t\n\r")) {
        *at = ' ';
    }
}

/* One '?' for each character that cannot be shown or seen. */
void clean_text(char *text)
{
    const unsigned char *from = (const unsigned char *)text;
    char *to = text;
    blank_breaks(text);
    while (*from != '\0') {
        size_t length = str_utf8_length(from, strnlen((const char *)from, 4));
        char one[5] = {0};
        memcpy(one, from, length > 0 ? length : 1);
        from += length > 0 ? length : 1;
        str_mask_controls(one);
        bool hidden = one[0] == '?' || is_unseen(code_point((const unsigned char *)one, length));
        size_t taken = hidden ? 1 : length;
        memcpy(to, hidden ? "?" : one, taken);
        to += taken;
    }
    *to = '\0';
}

char *clean_copy(const char *text, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", text ? text : "");
    str_trim_utf8(out);
    clean_text(out);
    return out;
}
