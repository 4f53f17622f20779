#include "stages/collect/api/json_pull.h"

#include <string.h>

#include "pipeline/base/str.h"

/* What is in work between two pieces. */
enum { MODE_NONE, MODE_STRING, MODE_ESCAPE, MODE_UNICODE, MODE_PLAIN };

void json_pull_init(struct json_pull *json)
{
    memset(json, 0, sizeof *json);
    buf_init(&json->text, JSON_PULL_TOKEN_MAX);
}

void json_pull_release(struct json_pull *json)
{
    buf_release(&json->text);
}

void json_pull_reset(struct json_pull *json)
{
    struct buf text = json->text;
    buf_clear(&text);
    memset(json, 0, sizeof *json);
    json->text = text;
}

bool json_pull_done(const struct json_pull *json)
{
    return json->expect == JSON_EXPECT_NOTHING;
}

static enum json_token bad(struct json_pull *json, const char *problem)
{
    json->problem = problem;
    return JSON_TOKEN_BAD;
}

/* What follows a whole value, given where it stands. */
static void after_value(struct json_pull *json)
{
    json->expect = json->depth == 0                   ? JSON_EXPECT_NOTHING
                   : json->in_object[json->depth - 1] ? JSON_EXPECT_MEMBER_END
                                                      : JSON_EXPECT_ELEMENT_END;
}

static bool value_may_start(const struct json_pull *json)
{
    return json->expect == JSON_EXPECT_VALUE || json->expect == JSON_EXPECT_FIRST_ELEMENT;
}

static enum json_token open_container(struct json_pull *json, bool object)
{
    if (!value_may_start(json)) {
        return bad(json, "a value where none belongs");
    }
    if (json->depth == JSON_PULL_DEPTH) {
        return bad(json, "nested too deeply");
    }
    json->in_object[json->depth++] = object;
    json->expect = object ? JSON_EXPECT_FIRST_KEY : JSON_EXPECT_FIRST_ELEMENT;
    return object ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY;
}

static enum json_token close_container(struct json_pull *json, bool object)
{
    enum json_expect first = object ? JSON_EXPECT_FIRST_KEY : JSON_EXPECT_FIRST_ELEMENT;
    enum json_expect last = object ? JSON_EXPECT_MEMBER_END : JSON_EXPECT_ELEMENT_END;
    if (json->expect != first && json->expect != last) {
        return bad(json, "a closing bracket where none belongs");
    }
    json->depth--;
    after_value(json);
    return object ? JSON_TOKEN_OBJECT_END : JSON_TOKEN_ARRAY_END;
}

static enum json_token separator(struct json_pull *json, char c)
{
    if (c == ':' && json->expect == JSON_EXPECT_COLON) {
        json->expect = JSON_EXPECT_VALUE;
        return JSON_TOKEN_MORE;
    }
    if (c == ',' && json->expect == JSON_EXPECT_MEMBER_END) {
        json->expect = JSON_EXPECT_KEY;
        return JSON_TOKEN_MORE;
    }
    if (c == ',' && json->expect == JSON_EXPECT_ELEMENT_END) {
        json->expect = JSON_EXPECT_VALUE;
        return JSON_TOKEN_MORE;
    }
    return bad(json, "a comma or colon where none belongs");
}

static enum json_token end_string(struct json_pull *json)
{
    if (json->high != 0) {
        return bad(json, "half a surrogate pair");
    }
    if (!str_utf8_valid(buf_str(&json->text), json->text.length, NULL)) {
        return bad(json, "a string that is not UTF-8");
    }
    json->mode = MODE_NONE;
    if (json->expect == JSON_EXPECT_KEY || json->expect == JSON_EXPECT_FIRST_KEY) {
        json->expect = JSON_EXPECT_COLON;
        return JSON_TOKEN_KEY;
    }
    after_value(json);
    return JSON_TOKEN_STRING;
}

static void add_code_point(struct buf *out, unsigned c)
{
    char bytes[4];
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length; i-- > 1; c >>= 6) {
        bytes[i] = (char)(0x80 | (c & 0x3f));
    }
    bytes[0] = (char)(lead[length] | c);
    buf_add(out, bytes, length);
}

/* A whole \uXXXX: pairs of surrogates make one code point. */
static enum json_token end_unicode(struct json_pull *json)
{
    unsigned unit = json->unit;
    bool low = unit >= 0xdc00 && unit <= 0xdfff;
    json->mode = MODE_STRING;
    if (low != (json->high != 0)) {
        return bad(json, "half a surrogate pair");
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        json->high = unit;
        return JSON_TOKEN_MORE;
    }
    add_code_point(&json->text, low ? 0x10000 + ((json->high - 0xd800) << 10) + (unit - 0xdc00) : unit);
    json->high = 0;
    return JSON_TOKEN_MORE;
}

static enum json_token take_hex(struct json_pull *json, char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    if (found == NULL) {
        return bad(json, "a bad escape in a string");
    }
    json->unit = json->unit << 4 | ((unsigned)(found - digits) & 15);
    return --json->escape == 0 ? end_unicode(json) : JSON_TOKEN_MORE;
}

static enum json_token take_escape(struct json_pull *json, char c)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
        json->mode = MODE_UNICODE;
        json->escape = 4;
        json->unit = 0;
        return JSON_TOKEN_MORE;
    }
    const char *found = c == '\0' ? NULL : strchr(from, c);
    if (json->high != 0 || found == NULL) {
        return bad(json, found == NULL ? "a bad escape in a string" : "half a surrogate pair");
    }
    json->mode = MODE_STRING;
    buf_add_char(&json->text, to[found - from]);
    return JSON_TOKEN_MORE;
}

/* Goes on with a string that was begun, as far as the piece reaches. */
static enum json_token take_string(struct json_pull *json, const char **at, const char *end)
{
    const char *p = *at;
    enum json_token token = JSON_TOKEN_MORE;
    while (p < end && token == JSON_TOKEN_MORE && json->mode != MODE_NONE) {
        if (json->mode != MODE_STRING) {
            token = json->mode == MODE_ESCAPE ? take_escape(json, *p) : take_hex(json, *p);
            p++;
            continue;
        }
        const char *run = p;
        while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= ' ') {
            p++;
        }
        if (p > run && (json->high != 0 || buf_add(&json->text, run, (size_t)(p - run)))) {
            token = bad(json, json->high != 0 ? "half a surrogate pair" : "a string that is too long");
        } else if (p < end && *p == '"') {
            p++;
            token = end_string(json);
        } else if (p < end && *p == '\\') {
            p++;
            json->mode = MODE_ESCAPE;
        } else if (p < end) {
            token = bad(json, "a control character in a string");
        }
    }
    *at = p;
    return json->text.overflow ? bad(json, "a string that is too long") : token;
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

static const char *digits(const char *p)
{
    return p + strspn(p, "0123456789");
}

/* The number grammar of JSON. */
static bool is_number(const char *text)
{
    const char *p = text + (*text == '-');
    const char *whole = p;
    p = digits(p);
    if (p == whole || (*whole == '0' && p > whole + 1)) {
        return false;
    }
    if (*p == '.') {
        const char *fraction = ++p;
        p = digits(p);
        if (p == fraction) {
            return false;
        }
    }
    if (*p == 'e' || *p == 'E') {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        const char *exponent = p;
        p = digits(p);
        if (p == exponent) {
            return false;
        }
    }
    return *p == '\0';
}

static enum json_token end_plain(struct json_pull *json)
{
    const char *text = buf_str(&json->text);
    json->mode = MODE_NONE;
    after_value(json);
    if (is_number(text)) {
        return JSON_TOKEN_NUMBER;
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || strcmp(text, "null") == 0) {
        return JSON_TOKEN_WORD;
    }
    return bad(json, "a word that is no JSON value");
}

/* Goes on with a number or word. It ends where another character comes. */
static enum json_token take_plain(struct json_pull *json, const char **at, const char *end)
{
    const char *p = *at;
    while (p < end && is_plain(*p)) {
        p++;
    }
    buf_add(&json->text, *at, (size_t)(p - *at));
    *at = p;
    if (json->text.overflow || json->text.length > 256) {
        return bad(json, "a number that is too long");
    }
    return p < end ? end_plain(json) : JSON_TOKEN_MORE;
}

static enum json_token start_string(struct json_pull *json)
{
    bool key = json->expect == JSON_EXPECT_KEY || json->expect == JSON_EXPECT_FIRST_KEY;
    if (!key && !value_may_start(json)) {
        return bad(json, "a string where none belongs");
    }
    buf_clear(&json->text);
    json->mode = MODE_STRING;
    json->high = 0;
    return JSON_TOKEN_MORE;
}

static enum json_token start_token(struct json_pull *json, const char **at)
{
    char c = **at;
    if (is_plain(c)) {
        if (!value_may_start(json)) {
            return bad(json, "a value where none belongs");
        }
        buf_clear(&json->text);
        json->mode = MODE_PLAIN;
        return JSON_TOKEN_MORE;
    }
    ++*at;
    switch (c) {
    case '{':
    case '[':
        return open_container(json, c == '{');
    case '}':
    case ']':
        return close_container(json, c == '}');
    case ',':
    case ':':
        return separator(json, c);
    case '"':
        return start_string(json);
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return JSON_TOKEN_MORE;
    default:
        return bad(json, "a character that no JSON value starts with");
    }
}

enum json_token json_pull_next(struct json_pull *json, const char **at, const char *end)
{
    enum json_token token = JSON_TOKEN_MORE;
    while (token == JSON_TOKEN_MORE && *at < end) {
        if (json->mode == MODE_NONE) {
            token = start_token(json, at);
        } else if (json->mode == MODE_PLAIN) {
            token = take_plain(json, at, end);
        } else {
            token = take_string(json, at, end);
        }
    }
    return token;
}
