#include "pricing/catalog/csv.h"

#include <stdbool.h>
#include <string.h>

#include "pipeline/base/str.h"

/* Reads a quoted field whose opening quote is at csv->next; doubled quotes stand for one. */
static int read_quoted(struct csv *csv, char *out, size_t *length, struct err *err)
{
    const char *p = csv->next + 1;
    size_t n = 0;
    while (p < csv->end) {
        if (*p == '"') {
            if (p + 1 == csv->end || p[1] != '"') {
                csv->next = p + 1;
                *length = n;
                return 0;
            }
            p++;
        }
        if (*p == '\n' || n == CSV_FIELD_MAX) {
            break;
        }
        out[n++] = *p++;
    }
    return err_set(err, ERR_CONFIG, "%s:%zu: a quoted field does not end on its line or is too long",
                   csv->name, csv->line);
}

static int read_plain(struct csv *csv, char *out, size_t *length, struct err *err)
{
    size_t n = 0;
    while (csv->next < csv->end && strchr(",\n", *csv->next) == NULL) {
        if (n == CSV_FIELD_MAX) {
            return err_set(err, ERR_CONFIG, "%s:%zu: a field is longer than %d bytes", csv->name, csv->line,
                           CSV_FIELD_MAX);
        }
        out[n++] = *csv->next++;
    }
    *length = n > 0 && out[n - 1] == '\r' ? n - 1 : n;
    return 0;
}

/* strchr above stops at a NUL byte too, so one in the text ends up here as a separator that is none. */
static int read_separator(struct csv *csv, int *more, struct err *err)
{
    *more = 0;
    if (csv->next < csv->end && *csv->next == '\r') {
        csv->next++;
    }
    if (csv->next == csv->end) {
        return 0;
    }
    char c = *csv->next++;
    if (c != ',' && c != '\n') {
        return err_set(err, ERR_CONFIG, "%s:%zu: a field is followed by something else than a comma",
                       csv->name, csv->line);
    }
    *more = c == ',';
    return 0;
}

static int read_row(struct csv *csv, const char **fields, size_t *count, struct err *err)
{
    int more = 1;
    *count = 0;
    while (more != 0) {
        char field[CSV_FIELD_MAX + 1];
        size_t length = 0;
        int failed = csv->next < csv->end && *csv->next == '"' ? read_quoted(csv, field, &length, err)
                                                               : read_plain(csv, field, &length, err);
        if (failed != 0 || read_separator(csv, &more, err) != 0) {
            return -1;
        }
        if (*count == CSV_COLUMNS_MAX) {
            return err_set(err, ERR_CONFIG, "%s:%zu: more than %d columns", csv->name, csv->line,
                           CSV_COLUMNS_MAX);
        }
        fields[(*count)++] = arena_strndup(csv->arena, field, length);
    }
    return 0;
}

/* Binary files and other encodings end here, with the line of the first byte that is none of a text. */
static int check_text(struct csv *csv, const char *text, size_t length, struct err *err)
{
    size_t bad = length;
    size_t line = 1;
    str_utf8_valid(text, length, &bad);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool control = (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f;
        if (i == bad || control) {
            return err_set(err, ERR_CONFIG, "%s:%zu: not a text file in UTF-8 (byte 0x%02x)", csv->name, line, c);
        }
        line += c == '\n' ? 1 : 0;
    }
    return length == 0 ? err_set(err, ERR_CONFIG, "%s: the file is empty", csv->name) : 0;
}

static int find_column(struct csv *csv, const char *const *names, size_t column, const char *name, struct err *err)
{
    size_t at = 0;
    while (at < csv->known && strcmp(names[at], name) != 0) {
        at++;
    }
    if (at == csv->known) {
        err_set(err, ERR_CONFIG, "%s:1: column %zu, '%.64s', is not known", csv->name, column + 1, name);
        const char *near = str_nearest(name, names, csv->known);
        return near == NULL ? -1 : err_hint(err, "did you mean %s?", near);
    }
    for (size_t i = 0; i < column; i++) {
        if (csv->place[i] == at) {
            return err_set(err, ERR_CONFIG, "%s:1: column '%s' stands there twice", csv->name, name);
        }
    }
    csv->place[column] = at;
    return 0;
}

static int check_required(const struct csv *csv, const char *const *names, size_t required, struct err *err)
{
    for (size_t i = 0; i < required; i++) {
        size_t column = 0;
        while (column < csv->columns && csv->place[column] != i) {
            column++;
        }
        if (column == csv->columns) {
            return err_set(err, ERR_CONFIG, "%s:1: there is no column '%s'", csv->name, names[i]);
        }
    }
    return 0;
}

int csv_init(struct csv *csv, const char *name, const char *text, size_t length, struct arena *arena,
             const char *const *names, size_t required, size_t known, struct err *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors begin UTF-8 files with it */
    size_t skip = length >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0 ? sizeof mark - 1 : 0;
    *csv = (struct csv){
        .name = name, .next = text + skip, .end = text + length, .line = 1, .known = known, .arena = arena};
    const char *header[CSV_COLUMNS_MAX];
    if (check_text(csv, text + skip, length - skip, err) != 0 || read_row(csv, header, &csv->columns, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < csv->columns; i++) {
        if (find_column(csv, names, i, header[i], err) != 0) {
            return -1;
        }
    }
    return check_required(csv, names, required, err);
}

int csv_next(struct csv *csv, struct err *err)
{
    if (csv->next == csv->end) {
        return 0;
    }
    csv->line++;
    size_t found = 0;
    const char *row[CSV_COLUMNS_MAX];
    if (read_row(csv, row, &found, err) != 0) {
        return -1;
    }
    if (found != csv->columns) {
        return err_set(err, ERR_CONFIG, "%s:%zu: %zu fields where the header has %zu", csv->name, csv->line,
                       found, csv->columns);
    }
    for (size_t i = 0; i < csv->known; i++) {
        csv->fields[i] = NULL;
    }
    for (size_t i = 0; i < found; i++) {
        csv->fields[csv->place[i]] = row[i];
    }
    csv->rows_read++;
    return 1;
}
