#include "pipeline/io/json_quick.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/str.h"

enum { DEPTH_MAX = 64, KEY_SIZE = 256, NUMBER_SIZE = 64, DIGITS_MAX = 18, EXACT_DIGITS = 15, POWERS = 23 };

/* Powers of ten that a double holds exactly. */
static const double powers[POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

struct reading {
    const char *at;
    const char *end;
    int depth;
};

static json_t *read_value(struct reading *in);

static void skip_blanks(struct reading *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t')) {
        in->at++;
    }
}

/* Passes the byte, where it comes next behind blanks. */
static bool take(struct reading *in, char byte)
{
    skip_blanks(in);
    if (in->at == in->end || *in->at != byte) {
        return false;
    }
    in->at++;
    return true;
}

/* What is in a run of bytes: nothing but plain ASCII, something else that is still plain text, or what needs a closer look. */
enum content { CONTENT_PLAIN, CONTENT_UTF8, CONTENT_ODD };

static enum content content_of(const char *text, size_t length)
{
    unsigned odd = 0;
    unsigned high = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        odd |= (unsigned)(c < 0x20) | (unsigned)(c == '\\');
        high |= c & 0x80U;
    }
    return odd != 0 ? CONTENT_ODD : high != 0 ? CONTENT_UTF8 : CONTENT_PLAIN;
}

/* The text up to the next quote, without it; NULL where it is none that can be taken as it is. */
static const char *plain_string(struct reading *in, size_t *length)
{
    const char *text = in->at + 1;
    const char *quote = memchr(text, '"', (size_t)(in->end - text));
    if (quote == NULL) {
        return NULL;
    }
    *length = (size_t)(quote - text);
    enum content content = content_of(text, *length);
    if (content == CONTENT_ODD || (content == CONTENT_UTF8 && !str_utf8_valid(text, *length, NULL))) {
        return NULL;
    }
    in->at = quote + 1;
    return text;
}

/* What a letter behind a backslash stands for; 0 for what is not told here. */
static char escaped(char letter)
{
    static const char letters[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    for (const char *at = letters; *at != '\0'; at += 2) {
        if (at[0] == letter) {
            return at[1];
        }
    }
    return '\0';
}

/* A string with escapes of one letter. */
static json_t *read_escaped(struct reading *in)
{
    struct buf text;
    buf_init(&text, (size_t)(in->end - in->at));
    const char *at = in->at + 1;
    bool whole = false;
    while (at < in->end && !whole) {
        const char *from = at;
        while (at < in->end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
            at++;
        }
        (void)buf_add(&text, from, (size_t)(at - from));
        whole = at < in->end && *at == '"';
        if (!whole) {
            char meant = at + 1 < in->end && *at == '\\' ? escaped(at[1]) : '\0';
            if (meant == '\0') {
                break;
            }
            (void)buf_add_char(&text, meant);
            at += 2;
        }
    }
    json_t *value = NULL;
    if (whole && str_utf8_valid(buf_str(&text), text.length, NULL)) {
        value = json_stringn_nocheck(buf_str(&text), text.length);
        in->at = at + 1;
    }
    buf_release(&text);
    return value;
}

static json_t *read_string(struct reading *in)
{
    size_t length = 0;
    const char *text = plain_string(in, &length);
    return text != NULL ? json_stringn_nocheck(text, length) : read_escaped(in);
}

static bool is_digit(const struct reading *in)
{
    return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

/* Digits onto a number; returns how many. */
static int read_digits(struct reading *in, int64_t *number, int so_far)
{
    int count = 0;
    for (; is_digit(in); in->at++, count++) {
        if (so_far + count < DIGITS_MAX) {
            *number = *number * 10 + (*in->at - '0');
        }
    }
    return count;
}

/* A real as the library reads it. */
static json_t *read_real(const char *from, const char *to)
{
    char text[NUMBER_SIZE];
    size_t length = (size_t)(to - from);
    if (length >= sizeof text) {
        return NULL;
    }
    memcpy(text, from, length);
    text[length] = '\0';
    char *end = NULL;
    double value = strtod(text, &end);
    return end == text + length && isfinite(value) ? json_real(value) : NULL;
}

static bool skip_exponent(struct reading *in)
{
    in->at++;
    if (in->at < in->end && (*in->at == '+' || *in->at == '-')) {
        in->at++;
    }
    int64_t ignored = 0;
    return read_digits(in, &ignored, 0) > 0;
}

/* Up to fifteen digits over a power of ten that is exact are one division, rounded once: what the library would find. */
static json_t *read_number(struct reading *in)
{
    const char *start = in->at;
    bool negative = *in->at == '-';
    in->at += negative;
    int64_t number = 0;
    const char *digits_at = in->at;
    int digits = read_digits(in, &number, 0);
    if (digits == 0 || digits > DIGITS_MAX || (digits > 1 && *digits_at == '0')) {
        return NULL;
    }
    bool point = in->at < in->end && *in->at == '.';
    int behind = 0;
    if (point) {
        in->at++;
        behind = read_digits(in, &number, digits);
        if (behind == 0) {
            return NULL;
        }
    }
    if (in->at < in->end && (*in->at == 'e' || *in->at == 'E')) {
        return skip_exponent(in) ? read_real(start, in->at) : NULL;
    }
    if (!point) {
        return json_integer(negative ? -number : number);
    }
    if (digits + behind > EXACT_DIGITS || behind >= POWERS) {
        return read_real(start, in->at);
    }
    double value = (double)number / powers[behind];
    return json_real(negative ? -value : value);
}

static json_t *read_word(struct reading *in, const char *word, json_t *value)
{
    size_t length = strlen(word);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0) {
        return NULL;
    }
    in->at += length;
    return value;
}

static bool read_items(struct reading *in, json_t *array)
{
    if (take(in, ']')) {
        return true;
    }
    do {
        json_t *item = read_value(in);
        if (item == NULL || json_array_append_new(array, item) != 0) {
            return false;
        }
    } while (take(in, ','));
    return take(in, ']');
}

static bool read_member(struct reading *in, json_t *object)
{
    char key[KEY_SIZE];
    size_t length = 0;
    skip_blanks(in);
    const char *text = in->at < in->end && *in->at == '"' ? plain_string(in, &length) : NULL;
    if (text == NULL || length >= sizeof key || !take(in, ':')) {
        return false;
    }
    memcpy(key, text, length);
    key[length] = '\0';
    size_t before = json_object_size(object);
    json_t *value = read_value(in);
    return value != NULL && json_object_set_new_nocheck(object, key, value) == 0 && json_object_size(object) > before;
}

static bool read_members(struct reading *in, json_t *object)
{
    if (take(in, '}')) {
        return true;
    }
    do {
        if (!read_member(in, object)) {
            return false;
        }
    } while (take(in, ','));
    return take(in, '}');
}

static json_t *read_nested(struct reading *in, json_t *value, bool (*read)(struct reading *in, json_t *value))
{
    in->at++;
    bool whole = ++in->depth <= DEPTH_MAX && read(in, value);
    in->depth--;
    if (!whole) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static json_t *read_value(struct reading *in)
{
    skip_blanks(in);
    if (in->at == in->end) {
        return NULL;
    }
    switch (*in->at) {
    case '{':
        return read_nested(in, json_object(), read_members);
    case '[':
        return read_nested(in, json_array(), read_items);
    case '"':
        return read_string(in);
    case 't':
        return read_word(in, "true", json_true());
    case 'f':
        return read_word(in, "false", json_false());
    case 'n':
        return read_word(in, "null", json_null());
    default:
        return read_number(in);
    }
}

json_t *json_quick(const char *text, size_t length)
{
    struct reading in = {.at = text, .end = text + length};
    json_t *value = read_value(&in);
    skip_blanks(&in);
    if (value != NULL && in.at != in.end) {
        json_decref(value);
        return NULL;
    }
    return value;
}
