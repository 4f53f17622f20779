#include "pipeline/run/ics.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* Where the reader is. */
struct reader {
    struct ics *ics;
    struct arena *arena;
    const char *at;
    const char *end;
    size_t number; /* of the line that begins at `at` */
    size_t open[ICS_DEPTH_MAX];
    size_t depth;
};

int ics_fault(struct ics *ics, size_t number)
{
    ics->fault = number;
    return -1;
}

static int refuse(struct ics *ics, size_t number, struct err *err, const char *sentence)
{
    err_set(err, ERR_CONFIG, "%s", sentence);
    return ics_fault(ics, number);
}

/* Adds the physical line at the reader to `out`, without its end. */
static int take_physical(struct reader *reader, struct buf *out, struct err *err)
{
    size_t left = (size_t)(reader->end - reader->at);
    const char *newline = memchr(reader->at, '\n', left);
    const char *stop = newline == NULL ? reader->end : newline;
    size_t length = (size_t)(stop - reader->at);
    length -= newline != NULL && length > 0 && stop[-1] == '\r' ? 1 : 0;
    if (buf_add(out, reader->at, length)) {
        return refuse(reader->ics, reader->number, err, "the line is longer than 64 KiB");
    }
    reader->at = newline == NULL ? reader->end : newline + 1;
    reader->number++;
    return 0;
}

/* Puts the next line together: those that begin with a blank belong to the one before. */
static int take_line(struct reader *reader, struct buf *out, size_t *number, struct err *err)
{
    buf_clear(out);
    *number = reader->number;
    if (take_physical(reader, out, err)) {
        return -1;
    }
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t')) {
        reader->at++;
        if (out->length == 0) {
            return refuse(reader->ics, reader->number, err, "the line goes on one that is empty");
        }
        if (take_physical(reader, out, err)) {
            return -1;
        }
    }
    for (size_t i = 0; i < out->length; i++) {
        unsigned char c = (unsigned char)out->data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return refuse(reader->ics, *number, err, "there is a control character in the line");
        }
    }
    return str_utf8_valid(out->data, out->length, NULL) ? 0
                                                        : refuse(reader->ics, *number, err, "the line is not UTF-8");
}

/* A name of letters, digits and dashes in capitals, and the text moved past it; NULL where there is none. */
static char *take_name(struct arena *arena, const char **text)
{
    size_t length = 0;
    while (isalnum((unsigned char)(*text)[length]) || (*text)[length] == '-') {
        length++;
    }
    if (length == 0) {
        return NULL;
    }
    char *name = arena_strndup(arena, *text, length);
    for (char *p = name; *p != '\0'; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
    *text += length;
    return name;
}

/* The values of a parameter: runs of other characters than ",;:" and the quote, or a quoted text; separated by commas. The
 * first is kept. */
static char *take_values(struct arena *arena, const char **text)
{
    char *first = NULL;
    for (;;) {
        bool quoted = **text == '"';
        *text += quoted ? 1 : 0;
        size_t length = strcspn(*text, quoted ? "\"" : "\",;:");
        if (quoted && (*text)[length] != '"') {
            return NULL;
        }
        first = first == NULL ? arena_strndup(arena, *text, length) : first;
        *text += length + (quoted ? 1 : 0);
        if (**text != ',') {
            return first;
        }
        (*text)++;
    }
}

static bool keep(const char **slot, const char *value)
{
    bool again = *slot != NULL;
    *slot = value;
    return !again;
}

/* Reads ";NAME=value" until the colon. */
static int take_parameters(struct reader *reader, const char **text, struct ics_line *line, struct err *err)
{
    while (**text == ';') {
        (*text)++;
        const char *name = take_name(reader->arena, text);
        if (name == NULL || **text != '=') {
            return refuse(reader->ics, line->number, err, "a parameter of the line cannot be read");
        }
        (*text)++;
        const char *value = take_values(reader->arena, text);
        if (value == NULL) {
            return refuse(reader->ics, line->number, err, "a quote in the line is not closed");
        }
        const char **slot = str_equal(name, "TZID")    ? &line->tzid
                            : str_equal(name, "VALUE") ? &line->type
                            : str_equal(name, "RANGE") ? &line->range
                                                       : NULL;
        if (slot != NULL && !keep(slot, value)) {
            return refuse(reader->ics, line->number, err, "a parameter stands in the line twice");
        }
    }
    return 0;
}

static int begin_part(struct reader *reader, const struct ics_line *line, const char *name, struct err *err)
{
    struct ics *ics = reader->ics;
    bool calendar = str_equal(name, "VCALENDAR");
    if (calendar != (reader->depth == 0)) {
        return refuse(ics, line->number, err, calendar ? "VCALENDAR begins inside of a component" : "this stands outside of a VCALENDAR");
    }
    if (reader->depth == ICS_DEPTH_MAX) {
        return refuse(ics, line->number, err, "components are nested more than 4 deep");
    }
    if (ics->part_count == ICS_PARTS_MAX) {
        return refuse(ics, line->number, err, "the calendar has more than 40000 components");
    }
    GROW(ics->parts, ics->part_capacity, ics->part_count + 1);
    size_t parent = reader->depth == 0 ? ics->part_count : reader->open[reader->depth - 1];
    ics->parts[ics->part_count] = (struct ics_part){name, line->number, parent, ics->line_count, ics->line_count};
    reader->open[reader->depth++] = ics->part_count++;
    return 0;
}

static int end_part(struct reader *reader, const struct ics_line *line, const char *name, struct err *err)
{
    struct ics *ics = reader->ics;
    struct ics_part *part = reader->depth == 0 ? NULL : &ics->parts[reader->open[reader->depth - 1]];
    if (part == NULL || !str_equal(part->name, name)) {
        err_set(err, ERR_CONFIG, "%s ends, but %s is open", name, part == NULL ? "nothing" : part->name);
        return ics_fault(ics, line->number);
    }
    part->last = ics->line_count;
    reader->depth--;
    return 0;
}

static int take_in(struct reader *reader, struct ics_line *line, struct err *err)
{
    struct ics *ics = reader->ics;
    if (str_equal(line->name, "BEGIN") || str_equal(line->name, "END")) {
        const char *rest = line->value;
        const char *name = take_name(reader->arena, &rest);
        if (name == NULL || *rest != '\0') {
            return refuse(ics, line->number, err, "the name of the component cannot be read");
        }
        return line->name[0] == 'B' ? begin_part(reader, line, name, err) : end_part(reader, line, name, err);
    }
    if (reader->depth == 0) {
        return refuse(ics, line->number, err, "this stands outside of a VCALENDAR");
    }
    line->part = reader->open[reader->depth - 1];
    GROW(ics->lines, ics->line_capacity, ics->line_count + 1);
    ics->lines[ics->line_count++] = *line;
    return 0;
}

static int read_line(struct reader *reader, const char *text, size_t number, struct err *err)
{
    struct ics_line line = {.number = number};
    line.name = take_name(reader->arena, &text);
    if (line.name == NULL) {
        return refuse(reader->ics, number, err, "the line does not begin with a name");
    }
    if (take_parameters(reader, &text, &line, err)) {
        return -1;
    }
    if (*text != ':') {
        return refuse(reader->ics, number, err, "the line has no value: a colon is missing");
    }
    line.value = arena_strdup(reader->arena, text + 1);
    return take_in(reader, &line, err);
}

int ics_read(const char *text, size_t length, struct arena *arena, struct ics *out, struct err *err)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* some programs put it before UTF-8 */
    size_t skip = length >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
    struct reader reader = {.ics = out, .arena = arena, .at = text + skip, .end = text + length, .number = 1};
    struct buf line;
    int failed = 0;
    *out = (struct ics){.fault = 1};
    if (length > ICS_BYTES_MAX) {
        return refuse(out, 1, err, "the calendar is larger than 1 MiB");
    }
    buf_init(&line, ICS_LINE_MAX);
    while (!failed && reader.at < reader.end) {
        size_t number = 0;
        failed = take_line(&reader, &line, &number, err) ||
                 (line.length > 0 && read_line(&reader, buf_str(&line), number, err));
    }
    buf_release(&line);
    if (!failed && reader.depth > 0) {
        struct ics_part *part = &out->parts[reader.open[reader.depth - 1]];
        err_set(err, ERR_CONFIG, "%s does not end", part->name);
        return ics_fault(out, part->number);
    }
    if (!failed && out->part_count == 0) {
        return refuse(out, 1, err, "there is no VCALENDAR in it");
    }
    return failed ? -1 : 0;
}

void ics_release(struct ics *ics)
{
    free(ics->lines);
    free(ics->parts);
    *ics = (struct ics){0};
}

int ics_one(struct ics *ics, size_t part, const char *name, const struct ics_line **out, struct err *err)
{
    *out = NULL;
    for (size_t i = ics->parts[part].first; i < ics->parts[part].last; i++) {
        if (ics->lines[i].part != part || !str_equal(ics->lines[i].name, name)) {
            continue;
        }
        if (*out != NULL) {
            err_set(err, ERR_CONFIG, "%s stands twice in one %s", name, ics->parts[part].name);
            return ics_fault(ics, ics->lines[i].number);
        }
        *out = &ics->lines[i];
    }
    return 0;
}
