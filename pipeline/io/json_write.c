/*
 * Canonical JSON. jansson could write it, but guards itself against loops by printing the address of every array and
 * object into a table, which costs more than all the rest; values of tare are trees.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"

enum { MEMBERS_HERE = 32, REAL_DIGITS = 15, REAL_DIGITS_ALL = 17 };

/* The largest real of fifteen digits: what is above it could be rounded past what a double can be. */
static const double largest_short = 1.79769313486231e308;

struct member {
    const char *key;
    const json_t *value;
};

static void write_value(const json_t *value, struct buf *out);

/* The escapes of one byte that must not stand in a string as it is. */
static void write_escape(unsigned char c, struct buf *out)
{
    static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *letter = letters; *letter != '\0'; letter += 2) {
        if ((unsigned char)letter[0] == c) {
            char escape[2] = {'\\', letter[1]};
            buf_add(out, escape, sizeof escape);
            return;
        }
    }
    buf_printf(out, "\\u%04X", (unsigned)c);
}

static void write_string(const char *text, size_t length, struct buf *out)
{
    size_t from = 0;
    buf_add_char(out, '"');
    for (size_t at = 0; at < length; at++) {
        unsigned char c = (unsigned char)text[at];
        if (c < 0x20 || c == '"' || c == '\\') {
            buf_add(out, text + from, at - from);
            write_escape(c, out);
            from = at + 1;
        }
    }
    buf_add(out, text + from, length - from);
    buf_add_char(out, '"');
}

static void write_integer(json_int_t value, struct buf *out)
{
    char digits[24];
    size_t at = sizeof digits;
    unsigned long long left = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    buf_add(out, digits + at, sizeof digits - at);
}

/* jansson knows how to make JSON of what printf gives. */
static void write_real(const json_t *value, struct buf *out)
{
    char text[64];
    size_t digits = fabs(json_real_value(value)) > largest_short ? REAL_DIGITS_ALL : REAL_DIGITS;
    size_t length = json_dumpb(value, text, sizeof text, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
    buf_add(out, text, length < sizeof text ? length : 0);
}

static void write_array(const json_t *array, struct buf *out)
{
    size_t index;
    json_t *item;
    buf_add_char(out, '[');
    json_array_foreach(array, index, item)
    {
        if (index > 0) {
            buf_add_char(out, ',');
        }
        write_value(item, out);
    }
    buf_add_char(out, ']');
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

/* Most objects are small and nearly in order. */
static void sort_members(struct member *members, size_t count)
{
    if (count > MEMBERS_HERE) {
        qsort(members, count, sizeof *members, compare_members);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct member moved = members[i];
        size_t at = i;
        for (; at > 0 && strcmp(members[at - 1].key, moved.key) > 0; at--) {
            members[at] = members[at - 1];
        }
        members[at] = moved;
    }
}

/* An object's members in their order; in `here`, or new where that is too small. */
static struct member *sorted_members(const json_t *object, struct member here[MEMBERS_HERE])
{
    size_t size = json_object_size(object);
    struct member *members = size > MEMBERS_HERE ? xcalloc_array(size, sizeof *members) : here;
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        members[count++] = (struct member){.key = key, .value = value};
    }
    sort_members(members, count);
    return members;
}

static void write_member(const struct member *member, struct buf *out)
{
    json_put_key(out, member->key);
    write_value(member->value, out);
}

static void write_object(const json_t *object, struct buf *out)
{
    struct member here[MEMBERS_HERE];
    struct member *members = sorted_members(object, here);
    size_t count = json_object_size(object);
    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        write_member(&members[i], out);
    }
    buf_add_char(out, '}');
    if (members != here) {
        free(members);
    }
}

static void write_value(const json_t *value, struct buf *out)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(value, out);
        break;
    case JSON_ARRAY:
        write_array(value, out);
        break;
    case JSON_STRING:
        write_string(json_string_value(value), json_string_length(value), out);
        break;
    case JSON_INTEGER:
        write_integer(json_integer_value(value), out);
        break;
    case JSON_REAL:
        write_real(value, out);
        break;
    case JSON_TRUE:
        buf_add_str(out, "true");
        break;
    case JSON_FALSE:
        buf_add_str(out, "false");
        break;
    case JSON_NULL:
        buf_add_str(out, "null");
        break;
    }
}

int json_write(const json_t *value, struct buf *out, struct err *err)
{
    if (value != NULL) {
        write_value(value, out);
    }
    if (value == NULL || out->overflow) {
        return err_set(err, ERR_DATA, "a JSON value is larger than %zu bytes or cannot be written", out->cap);
    }
    return 0;
}

void json_put_comma(struct buf *out)
{
    char last = out->length == 0 ? '{' : out->data[out->length - 1];
    if (last != '{' && last != '[') {
        buf_add_char(out, ',');
    }
}

void json_put_key(struct buf *out, const char *key)
{
    json_put_comma(out);
    write_string(key, strlen(key), out);
    buf_add_char(out, ':');
}

void json_put_string(struct buf *out, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (text != NULL && str_utf8_valid(text, length, NULL)) {
        write_string(text, length, out);
        return;
    }
    json_t *value = json_string_safe(text);
    write_value(value, out);
    json_decref(value);
}

void json_put_int(struct buf *out, bool present, int64_t value)
{
    if (present) {
        write_integer(value, out);
    } else {
        buf_add_str(out, "null");
    }
}

/* End of the string that begins at `at`, past its quote. */
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\';
    }
    return at < end ? at + 1 : end;
}

/* End of the value that begins at `at`, in an object: at the comma or brace behind it. */
static const char *value_end(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end && (depth > 0 || (*at != ',' && *at != '}'))) {
        if (*at == '"') {
            at = string_end(at, end);
        } else {
            depth += *at == '{' || *at == '[';
            depth -= *at == '}' || *at == ']';
            at++;
        }
    }
    return at;
}

/* Order of a name and of a key in a text, which is not terminated. */
static int compare_key(const char *name, const char *key, size_t length)
{
    int order = strncmp(name, key, length);
    return order == 0 && name[length] != '\0' ? 1 : order;
}

void json_write_over(const char *text, size_t length, const json_t *members, struct buf *out)
{
    struct member here[MEMBERS_HERE];
    struct member *set = sorted_members(members, here);
    const struct member *next = set;
    const struct member *last = set + json_object_size(members);
    const char *end = text + length;
    buf_add_char(out, '{');
    for (const char *at = text + 1, *stop; at < end && *at == '"'; at = stop + (stop < end && *stop == ',')) {
        const char *colon = string_end(at, end);
        size_t key = (size_t)(colon - at) - 2;
        stop = value_end(colon, end);
        while (next < last && compare_key(next->key, at + 1, key) < 0) {
            write_member(next++, out);
        }
        if (next < last && compare_key(next->key, at + 1, key) == 0) {
            write_member(next++, out);
        } else {
            json_put_comma(out);
            buf_add(out, at, (size_t)(stop - at));
        }
    }
    while (next < last) {
        write_member(next++, out);
    }
    buf_add_char(out, '}');
    if (set != here) {
        free(set);
    }
}

char *json_text(const json_t *value)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    if (value == NULL) {
        return xstrdup("null");
    }
    write_value(value, &out);
    return buf_steal(&out);
}
