#include "pipeline/io/yaml_text.h"

#include <stdint.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* Refuses the two-byte and four-byte encodings by their marks, or by the NUL that ASCII text gets in them. */
static int check_wide(const char *bytes, size_t length, struct err *err)
{
    bool wide = length >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0 ||
                                (bytes[0] == '\0') != (bytes[1] == '\0'));
    if (wide) {
        return err_set(err, ERR_DATA, "the file is not UTF-8 but UTF-16 or UTF-32 text");
    }
    return 0;
}

/* Whether a character of two or more bytes is one that YAML does not allow: C1 controls but NEL, U+FFFE and
 * U+FFFF. */
static bool forbidden(const unsigned char *p)
{
    return (p[0] == 0xc2 && p[1] < 0xa0 && p[1] != 0x85) || (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
}

static bool control(unsigned char c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

/* How many bytes from `at` are plain ASCII text without controls, eight at a time: a byte is out of range when it, or
 * what is left of it after taking 0x20, has the high bit, or when it is 0x7f. Line feeds are let through; tabs and
 * carriage returns end the run. */
static size_t plain_run(const unsigned char *at, size_t length)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    const uint64_t feeds = UINT64_C(0x0a0a0a0a0a0a0a0a);
    size_t run = 0;
    for (uint64_t word; run + sizeof word <= length; run += sizeof word) {
        memcpy(&word, at + run, sizeof word);
        uint64_t ascii = word & ~high;
        uint64_t low = ~((word | high) - UINT64_C(0x2020202020202020)); /* high bit where the byte is below 0x20 */
        uint64_t other = (ascii ^ feeds) + ~high;                       /* high bit where it is no line feed */
        uint64_t delete = ascii + UINT64_C(0x0101010101010101);
        if (((word | (low & other) | delete) & high) != 0) {
            break;
        }
    }
    return run;
}

int yaml_text_check(const char *bytes, size_t length, size_t *base, bool *ascii, size_t *bad, struct err *err)
{
    const unsigned char *p = (const unsigned char *)bytes;
    *bad = 0;
    *base = 0;
    *ascii = true;
    if (check_wide(bytes, length, err)) {
        return -1;
    }
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        *base = 3;
    }
    for (size_t at = *base; at < length;) {
        at += plain_run(p + at, length - at);
        if (at == length) {
            break;
        }
        size_t step = 1;
        *bad = at;
        if (control(p[at])) {
            return err_set(err, ERR_DATA, "the control character 0x%02x at byte %zu is not allowed in YAML",
                           p[at], at);
        }
        if (p[at] >= 0x80) {
            *ascii = false;
            step = str_utf8_length(p + at, length - at);
            if (step == 0) {
                return err_set(err, ERR_DATA, "the byte 0x%02x at byte %zu is not valid UTF-8", p[at], at);
            }
            if (forbidden(p + at)) {
                return err_set(err, ERR_DATA, "the character at byte %zu is not allowed in YAML", at);
            }
        }
        at += step;
    }
    return 0;
}

static bool continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Moves forward over runs of ASCII, where eight bytes are eight characters. */
static void skip_ascii(struct yaml_cursor *cursor, const char *bytes, size_t length, size_t character)
{
    uint64_t word;
    while (cursor->character + sizeof word <= character && cursor->byte + sizeof word <= length) {
        memcpy(&word, bytes + cursor->byte, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            return;
        }
        cursor->byte += sizeof word;
        cursor->character += sizeof word;
    }
}

size_t yaml_cursor_seek(struct yaml_cursor *cursor, const char *bytes, size_t length, size_t character)
{
    while (cursor->character < character && cursor->byte < length) {
        skip_ascii(cursor, bytes, length, character);
        if (cursor->character == character) {
            break;
        }
        cursor->byte++;
        while (cursor->byte < length && continuation(bytes[cursor->byte])) {
            cursor->byte++;
        }
        cursor->character++;
    }
    while (cursor->character > character && cursor->byte > 0) {
        cursor->byte--;
        while (cursor->byte > 0 && continuation(bytes[cursor->byte])) {
            cursor->byte--;
        }
        cursor->character--;
    }
    return cursor->byte;
}

static bool is_marker(const char *at, size_t left)
{
    return left >= 3 && memcmp(at, "---", 3) == 0 && (left == 3 || strchr(" \t\r\n", at[3]) != NULL);
}

size_t yaml_next_marker(const char *bytes, size_t length, size_t from, size_t floor)
{
    while (from > 0 && bytes[from - 1] != '\n') {
        from--;
    }
    while (from < length) {
        if (from >= floor && is_marker(bytes + from, length - from)) {
            return from;
        }
        const char *feed = memchr(bytes + from, '\n', length - from);
        from = feed == NULL ? length : (size_t)(feed - bytes) + 1;
    }
    return length;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Whether twelve bytes are "\ud8xx\udcxx": a high and a low surrogate. */
static bool is_pair(const char *p)
{
    static const char shape[] = "\\uDhxx\\uDlxx";
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        char lower = (char)(p[i] | 0x20);
        bool fits = shape[i] == 'x'   ? is_hex(p[i])
                    : shape[i] == 'h' ? strchr("89ab", lower) != NULL
                    : shape[i] == 'l' ? strchr("cdef", lower) != NULL
                    : shape[i] == 'D' ? lower == 'd'
                                      : p[i] == shape[i];
        if (!fits) {
            return false;
        }
    }
    return true;
}

/* Bytes as libyaml gets them: the given ones until something has to be masked. */
struct masking {
    const char *bytes;
    size_t length;
    char *copy;
};

static void put(struct masking *mask, size_t at, const char *text, size_t length)
{
    mask->copy = mask->copy == NULL ? xstrndup(mask->bytes, mask->length) : mask->copy;
    memcpy(mask->copy + at, text, length);
}

static void mask_surrogates(struct masking *mask)
{
    for (size_t at = 0; at + 12 <= mask->length;) {
        const char *slash = memchr(mask->bytes + at, '\\', mask->length - at);
        at = slash == NULL ? mask->length : (size_t)(slash - mask->bytes);
        if (at + 12 <= mask->length && is_pair(slash)) {
            put(mask, at, "\\ufffd\\ufffd", 12);
            at += 10;
        }
        at += 2;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_blank(const char *bytes, size_t length, size_t at)
{
    while (at < length && is_blank(bytes[at])) {
        at++;
    }
    return at;
}

/* Tabs in [from, to), all of it blanks. */
static void mask_tabs(struct masking *mask, size_t from, size_t to)
{
    for (size_t at = from; at < to; at++) {
        if (mask->bytes[at] == '\t') {
            put(mask, at, " ", 1);
        }
    }
}

/* "\n<mark>" becomes "   \n": blanks before the line's end instead of a mark after it. */
static void mask_marks(struct masking *mask, size_t base)
{
    const char *bytes = mask->bytes;
    for (size_t at = base; at + 3 <= mask->length; at++) {
        const char *mark = memchr(bytes + at, '\xef', mask->length - at);
        at = mark == NULL ? mask->length : (size_t)(mark - bytes);
        if (at + 3 <= mask->length && at > base && bytes[at - 1] == '\n' && memcmp(mark, "\xef\xbb\xbf", 3) == 0) {
            size_t end = at - 1 > base && bytes[at - 2] == '\r' ? 2 : 1;
            put(mask, at - end, "   ", 3);
            put(mask, at - end + 3, bytes + at - end, end);
        }
    }
}

char *yaml_mask(const char *bytes, size_t length, size_t base, bool ascii, bool *json)
{
    struct masking mask = {.bytes = bytes, .length = length};
    size_t first = skip_blank(bytes, length, base);
    *json = first < length && (bytes[first] == '{' || bytes[first] == '[');
    if (*json || first == length) {
        size_t end = length;
        while (end > first && is_blank(bytes[end - 1])) {
            end--;
        }
        mask_tabs(&mask, base, first);
        mask_tabs(&mask, end, length);
    }
    if (*json) {
        mask_surrogates(&mask);
    }
    if (!ascii) {
        mask_marks(&mask, base);
    }
    return mask.copy;
}

const struct yaml_place yaml_place_start = {.offset = 0, .line = 1, .column = 1};

static void move_forward(struct yaml_place *place, const char *bytes, size_t offset)
{
    const char *at = bytes + place->offset;
    const char *end = bytes + offset;
    for (const char *feed; at < end && (feed = memchr(at, '\n', (size_t)(end - at))) != NULL; at = feed + 1) {
        place->line++;
        place->column = 1;
    }
    for (; at < end; at++) {
        place->column += !continuation(*at);
    }
    place->offset = offset;
}

static void move_back(struct yaml_place *place, const char *bytes, size_t offset)
{
    size_t lines = 0;
    for (size_t at = offset; at < place->offset; at++) {
        lines += bytes[at] == '\n';
        place->column -= !continuation(bytes[at]) && lines == 0;
    }
    place->line -= lines;
    place->offset = offset;
    if (lines > 0) {
        place->column = 1;
        for (size_t at = offset; at > 0 && bytes[at - 1] != '\n'; at--) {
            place->column += !continuation(bytes[at - 1]);
        }
    }
}

void yaml_place_seek(struct yaml_place *place, const char *bytes, size_t length, size_t offset)
{
    offset = offset < length ? offset : length;
    if (offset < place->offset && offset < place->offset - offset) {
        *place = yaml_place_start;
    }
    if (offset < place->offset) {
        move_back(place, bytes, offset);
    } else {
        move_forward(place, bytes, offset);
    }
}

size_t yaml_place_column(const struct yaml_place *place, const char *bytes)
{
    bool marked = place->line == 1 && place->offset >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
    return marked ? place->column - 1 : place->column;
}

/* Bytes of the line break at `at`: NEL, LS and PS are breaks to libyaml, too. 0 where there is none. */
static uint32_t break_length(const char *bytes, uint32_t at, uint32_t end)
{
    static const char *const breaks[] = {"\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    for (size_t i = 0; i < ARRAY_COUNT(breaks); i++) {
        size_t length = strlen(breaks[i]);
        if (end - at >= length && memcmp(bytes + at, breaks[i], length) == 0) {
            return (uint32_t)length;
        }
    }
    return 0;
}

/* Bytes of the blank or line break at `at`; 0 where there is none. */
static uint32_t space_length(const char *bytes, uint32_t at, uint32_t end)
{
    return bytes[at] == ' ' || bytes[at] == '\t' ? 1 : break_length(bytes, at, end);
}

static uint32_t skip_comment(const char *bytes, uint32_t at, uint32_t end)
{
    while (at < end && break_length(bytes, at, end) == 0) {
        at++;
    }
    return at;
}

static uint32_t skip_blanks(const char *bytes, uint32_t at, uint32_t end)
{
    while (at < end) {
        uint32_t next = bytes[at] == '#' ? skip_comment(bytes, at, end) : at + space_length(bytes, at, end);
        if (next == at) {
            break;
        }
        at = next;
    }
    return at;
}

static uint32_t skip_tag(const char *bytes, uint32_t at, uint32_t end)
{
    bool verbatim = at + 1 < end && bytes[at + 1] == '<';
    while (at < end && space_length(bytes, at, end) == 0 && (verbatim || bytes[at] != ',')) {
        at++;
    }
    return at;
}

uint32_t yaml_skip_properties(const char *bytes, uint32_t start, uint32_t end, const char *anchor, bool tag)
{
    uint32_t at = start;
    for (int left = (anchor != NULL) + tag; left > 0 && at < end; left--) {
        at = skip_blanks(bytes, at, end);
        if (at < end && bytes[at] == '&' && anchor != NULL) {
            at += (uint32_t)strlen(anchor) + 1;
        } else if (at < end && bytes[at] == '!') {
            at = skip_tag(bytes, at, end);
        }
    }
    at = skip_blanks(bytes, at, end);
    return at < end ? at : end;
}

size_t yaml_excess_tag(const char *bytes, size_t length, size_t most)
{
    const char *end = bytes + length;
    for (const char *at = bytes; (at = memchr(at, '%', (size_t)(end - at))) != NULL; at++) {
        bool directive = (at == bytes || at[-1] == '\n' || at[-1] == '\r') && end - at > 4 && memcmp(at, "%TAG", 4) == 0;
        if (directive && most-- == 0) {
            return (size_t)(at - bytes);
        }
    }
    return length;
}
