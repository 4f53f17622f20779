#include "stages/collect/offline/exposition.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"

enum { NUMBER_MAX = 64 };

/* The year 9999; and what no time in seconds is before the year 5000, nor one in milliseconds after 1973. */
static const double latest_ms = 253402300800000.0;
static const double either_seconds_or_milliseconds = 1e11;

/* A line that is read from its beginning. */
struct cursor {
    const char *at;
    const char *end;
    struct err *err;
};

static int bad(struct cursor *cursor, const char *sentence)
{
    return err_set(cursor->err, ERR_DATA, "%s", sentence);
}

void exposition_init(struct exposition *exposition, bool seconds, bool (*wants)(const char *metric))
{
    *exposition = (struct exposition){.seconds = seconds, .wants = wants};
    buf_init(&exposition->text, EXPOSITION_LINE_MAX * 2);
    buf_init(&exposition->same, EXPOSITION_LINE_MAX);
}

void exposition_release(struct exposition *exposition)
{
    buf_release(&exposition->text);
    buf_release(&exposition->same);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_blank(*cursor->at)) {
        cursor->at++;
    }
}

static bool next_is(const struct cursor *cursor, char c)
{
    return cursor->at < cursor->end && *cursor->at == c;
}

static bool take(struct cursor *cursor, char c)
{
    bool there = next_is(cursor, c);
    cursor->at += there;
    return there;
}

/* A name of a metric (with colons) or label, added to `text` with its NUL. */
static int read_name(struct cursor *cursor, struct buf *text, const char *what)
{
    const char *start = cursor->at;
    while (cursor->at < cursor->end) {
        unsigned char c = (unsigned char)*cursor->at;
        bool fits = isalpha(c) || c == '_' || c == ':' || (isdigit(c) && cursor->at > start);
        if (!fits) {
            break;
        }
        cursor->at++;
    }
    if (cursor->at == start) {
        return bad(cursor, what);
    }
    buf_add(text, start, (size_t)(cursor->at - start));
    return buf_add_char(text, '\0');
}

/* A text in quotes, its escapes undone, added to `text` with its NUL. */
static int read_quoted(struct cursor *cursor, struct buf *text)
{
    if (!take(cursor, '"')) {
        return bad(cursor, "a label's value must stand in quotes");
    }
    while (cursor->at < cursor->end && *cursor->at != '"') {
        char c = *cursor->at++;
        if (c == '\\' && cursor->at < cursor->end) {
            char escaped = *cursor->at++;
            if (escaped != 'n' && escaped != '\\' && escaped != '"') {
                buf_add_char(text, '\\');
            }
            c = escaped == 'n' ? '\n' : escaped;
        }
        buf_add_char(text, c);
    }
    return take(cursor, '"') ? buf_add_char(text, '\0') : bad(cursor, "a quote is not closed");
}

/* Where labels are in `text` while it grows: pairs of offsets. */
struct places {
    size_t count;
    size_t names[LABELS_MAX];
    size_t values[LABELS_MAX];
    size_t metric; /* offset + 1 of the metric's name, 0 when there is none */
};

static int check_twice(struct cursor *cursor, const struct buf *text, const struct places *places)
{
    const char *name = text->data + places->names[places->count];
    for (size_t i = 0; i < places->count; i++) {
        if (strcmp(text->data + places->names[i], name) == 0) {
            return bad(cursor, "a label stands there twice");
        }
    }
    return 0;
}

/* One label. A name in quotes without a value is the metric's, as Prometheus 3 writes names of any letters. */
static int read_label(struct cursor *cursor, struct buf *text, struct places *places)
{
    if (places->count == LABELS_MAX - 1) {
        return bad(cursor, "a series has too many labels");
    }
    size_t start = text->length;
    bool quoted = next_is(cursor, '"');
    if (quoted ? read_quoted(cursor, text) : read_name(cursor, text, "a label's name is wrong")) {
        return -1;
    }
    skip_blanks(cursor);
    if (quoted && places->metric == 0 && (next_is(cursor, ',') || next_is(cursor, '}'))) {
        places->metric = start + 1;
        return 0;
    }
    if (!take(cursor, '=')) {
        return bad(cursor, "a label has no value");
    }
    skip_blanks(cursor);
    places->names[places->count] = start;
    places->values[places->count] = text->length;
    if (read_quoted(cursor, text) || check_twice(cursor, text, places)) {
        return -1;
    }
    places->count++;
    return 0;
}

static int read_labels(struct cursor *cursor, struct buf *text, struct places *places)
{
    skip_blanks(cursor);
    if (!take(cursor, '{')) {
        return 0;
    }
    skip_blanks(cursor);
    while (!take(cursor, '}')) {
        if (read_label(cursor, text, places)) {
            return -1;
        }
        skip_blanks(cursor);
        if (take(cursor, ',')) {
            skip_blanks(cursor);
        } else if (!next_is(cursor, '}')) {
            return bad(cursor, "labels are not parted by commas, or not closed");
        }
    }
    return 0;
}

/* Name and labels of a series: the part of a line that goes before the value. */
static int read_series(struct exposition *exposition, struct cursor *cursor)
{
    static const char name_label[] = "__name__";
    struct places places = {0};
    struct buf *text = &exposition->text;
    buf_clear(text);
    buf_add(text, name_label, sizeof name_label);
    if (!next_is(cursor, '{')) {
        places.metric = text->length + 1;
        if (read_name(cursor, text, "a line must begin with the name of a metric")) {
            return -1;
        }
    }
    if (read_labels(cursor, text, &places)) {
        return -1;
    }
    if (places.metric == 0) {
        return bad(cursor, "there is no name of a metric");
    }
    if (text->overflow || !str_utf8_valid(text->data, text->length, NULL)) {
        return bad(cursor, "the labels are no UTF-8 text");
    }
    struct labels *labels = &exposition->labels;
    labels->names[0] = text->data;
    labels->values[0] = text->data + places.metric - 1;
    labels->count = 1 + places.count;
    for (size_t i = 0; i < places.count; i++) {
        labels->names[i + 1] = text->data + places.names[i];
        labels->values[i + 1] = text->data + places.values[i];
    }
    exposition->wanted = exposition->wants(labels->values[0]);
    return 0;
}

/* A number up to the next blank: decimal, hexadecimal, or one of NaN, Inf in any case. */
static int read_number(struct cursor *cursor, double *value, const char *what)
{
    char text[NUMBER_MAX];
    size_t length = 0;
    skip_blanks(cursor);
    while (cursor->at < cursor->end && !is_blank(*cursor->at) && length < sizeof text - 1) {
        text[length++] = *cursor->at++;
    }
    text[length] = '\0';
    bool whole = cursor->at == cursor->end || is_blank(*cursor->at);
    char *end = text;
    *value = length > 0 && strchr(text, '(') == NULL && !isspace((unsigned char)*text) ? strtod(text, &end) : 0;
    return whole && end != text && *end == '\0' ? 0 : bad(cursor, what);
}

/* The time behind a value; behind it there may be an exemplar, which is passed over. */
static int read_time(struct exposition *exposition, struct cursor *cursor)
{
    double time;
    skip_blanks(cursor);
    if (cursor->at == cursor->end || *cursor->at == '#') {
        return bad(cursor, "the sample has no time: only text with times can be read in place of a server");
    }
    if (read_number(cursor, &time, "the time is no number")) {
        return -1;
    }
    bool large = fabs(time) >= either_seconds_or_milliseconds;
    if (exposition->seconds && large) {
        return bad(cursor, "the time is not in seconds, as it must be in text that ends with # EOF");
    }
    if (!exposition->seconds && !large && fabs(time) > 0) {
        return bad(cursor, "the time is in seconds, as in OpenMetrics, but the text does not end with # EOF: it was cut");
    }
    double ms = exposition->seconds ? time * 1000 : time;
    if (!(ms >= 0 && ms <= latest_ms)) {
        return bad(cursor, "the time is impossible");
    }
    exposition->time_ms = (int64_t)llround(ms);
    skip_blanks(cursor);
    bool exemplar = exposition->seconds && next_is(cursor, '#');
    return cursor->at == cursor->end || exemplar ? 0 : bad(cursor, "something follows the time");
}

/* Whether a line begins as the one before did: the same series then, which saves most of the work. */
static bool is_same(const struct exposition *exposition, const char *line, size_t length)
{
    const struct buf *same = &exposition->same;
    return same->length > 0 && same->data[same->length - 1] == '}' && length > same->length &&
           memcmp(line, same->data, same->length) == 0 && is_blank(line[same->length]);
}

enum exposition_line exposition_read(struct exposition *exposition, const char *line, size_t length, struct err *err)
{
    while (length > 0 && (line[length - 1] == '\r' || is_blank(line[length - 1]))) {
        length--;
    }
    struct cursor cursor = {.at = line, .end = line + length, .err = err};
    skip_blanks(&cursor);
    if (cursor.at < cursor.end && *cursor.at == '#' && !str_utf8_valid(line, length, NULL)) {
        bad(&cursor, "the line is not UTF-8");
        return EXPOSITION_BAD;
    }
    if (cursor.at == cursor.end || *cursor.at == '#') {
        return EXPOSITION_NOTHING;
    }
    if (memchr(line, '\0', length) != NULL) {
        bad(&cursor, "the line holds a NUL byte");
        return EXPOSITION_BAD;
    }
    bool same = is_same(exposition, line, length);
    if (same) {
        cursor.at = line + exposition->same.length;
    } else {
        buf_clear(&exposition->same);
        if (read_series(exposition, &cursor)) {
            return EXPOSITION_BAD;
        }
        buf_add(&exposition->same, line, (size_t)(cursor.at - line));
    }
    if (read_number(&cursor, &exposition->value, "the value is no number") || (exposition->wanted && read_time(exposition, &cursor))) {
        return EXPOSITION_BAD;
    }
    return !exposition->wanted ? EXPOSITION_NOTHING : same ? EXPOSITION_SAMPLE : EXPOSITION_SERIES;
}
