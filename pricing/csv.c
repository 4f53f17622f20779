#include "pricing/csv.h"

#include <string.h>

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

static int read_row(struct csv *csv, size_t *count, struct err *err)
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
        csv->fields[(*count)++] = arena_strndup(csv->arena, field, length);
    }
    return 0;
}

int csv_init(struct csv *csv, const char *name, const char *text, size_t length, struct arena *arena,
             const char *const *columns, size_t count, struct err *err)
{
    *csv = (struct csv){.name = name, .next = text, .end = text + length, .line = 1, .arena = arena};
    size_t found = 0;
    if (read_row(csv, &found, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (i >= found || strcmp(csv->fields[i], columns[i]) != 0) {
            return err_set(err, ERR_CONFIG, "%s:1: column %zu must be '%s'", name, i + 1, columns[i]);
        }
    }
    if (found != count) {
        return err_set(err, ERR_CONFIG, "%s:1: %zu columns where %zu are known", name, found, count);
    }
    csv->columns = count;
    return 0;
}

int csv_next(struct csv *csv, struct err *err)
{
    if (csv->next == csv->end) {
        return 0;
    }
    csv->line++;
    size_t found = 0;
    if (read_row(csv, &found, err) != 0) {
        return -1;
    }
    if (found != csv->columns) {
        return err_set(err, ERR_CONFIG, "%s:%zu: %zu fields where the header has %zu", csv->name, csv->line,
                       found, csv->columns);
    }
    csv->rows_read++;
    return 1;
}
