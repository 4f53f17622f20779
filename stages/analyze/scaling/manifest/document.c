#include "stages/analyze/scaling/manifest/document.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { INDENT = 2, PLAIN_MAX = 200 };

void document_begin(struct document *document, struct buf *text)
{
    *document = (struct document){.text = text};
}

/* Words that YAML 1.1 takes for something else than a string. */
static bool is_word_of_yaml(const char *text)
{
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a text is a string without quotes, whoever reads it: it begins with a letter, and only letters, digits and single
 * marks between them follow. */
static bool is_plain(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > PLAIN_MAX || is_word_of_yaml(text) || !isalpha((unsigned char)text[0])) {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        bool mark = strchr("-./", text[i]) != NULL;
        if (!mark && !isalnum((unsigned char)text[i])) {
            return false;
        }
        if (mark && !isalnum((unsigned char)text[i + 1])) {
            return false;
        }
    }
    return true;
}

/* The character of a valid sequence of `length` bytes. */
static uint32_t decode(const unsigned char *bytes, size_t length)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t value = bytes[0] & masks[length];
    for (size_t i = 1; i < length; i++) {
        value = value << 6 | (bytes[i] & 0x3fu);
    }
    return value;
}

/* In double quotes, everything but printable ASCII escaped; bytes that are no UTF-8 become question marks. */
static void put_quoted(struct buf *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    (void)buf_add_char(out, '"');
    while (left > 0) {
        size_t length = str_utf8_length(at, left);
        uint32_t c = length == 0 ? '?' : decode(at, length);
        if (c == '"' || c == '\\') {
            (void)buf_printf(out, "\\%c", (char)c);
        } else if (c >= 0x20 && c < 0x7f) {
            (void)buf_add_char(out, (char)c);
        } else {
            (void)buf_printf(out, c > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32, c);
        }
        length = length == 0 ? 1 : length;
        at += length;
        left -= length;
    }
    (void)buf_add_char(out, '"');
}

static void put_scalar(struct buf *out, const char *text)
{
    if (is_plain(text)) {
        (void)buf_add_str(out, text);
    } else {
        put_quoted(out, text);
    }
}

/* The blanks of a line, and the mark of an item where one begins. */
static void begin_line(struct document *document)
{
    int depth = document->item ? document->depth - 1 : document->depth;
    (void)buf_printf(document->text, "%*s%s", depth * INDENT, "", document->item ? "- " : "");
    document->item = 0;
}

void document_open(struct document *document, const char *key)
{
    begin_line(document);
    (void)buf_printf(document->text, "%s:\n", key);
    document->depth++;
}

void document_close(struct document *document)
{
    document->depth--;
}

void document_item(struct document *document)
{
    document->depth++;
    document->item = 1;
}

void document_item_end(struct document *document)
{
    document->depth--;
    document->item = 0;
}

void document_string(struct document *document, const char *key, const char *value)
{
    begin_line(document);
    (void)buf_printf(document->text, "%s: ", key);
    put_scalar(document->text, value);
    (void)buf_add_char(document->text, '\n');
}

void document_integer(struct document *document, const char *key, int64_t value)
{
    begin_line(document);
    (void)buf_printf(document->text, "%s: %" PRId64 "\n", key, value);
}

void document_flag(struct document *document, const char *key, bool value)
{
    begin_line(document);
    (void)buf_printf(document->text, "%s: %s\n", key, value ? "true" : "false");
}

void document_entry(struct document *document, const char *value)
{
    document_item(document);
    begin_line(document);
    put_scalar(document->text, value);
    (void)buf_add_char(document->text, '\n');
    document_item_end(document);
}
