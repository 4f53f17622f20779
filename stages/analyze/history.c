#include "stages/analyze/history.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { HISTORY_LINE_MAX = 1024 * 1024, DAY_SECONDS = 86400 };

struct history_out {
    char *path;
    char *temporary;
    FILE *file;
};

int history_open(const char *path, struct history_out **out, struct err *err)
{
    *out = NULL;
    if (!path)
        return 0;
    struct history_out *history = xcalloc(sizeof *history);
    history->path = xstrdup(path);
    history->temporary = xasprintf("%s.XXXXXX", path);
    int fd = mkstemp(history->temporary);
    if (fd >= 0)
        history->file = fdopen(fd, "w");
    if (!history->file) {
        int saved = errno;
        if (fd >= 0) {
            (void)unlink(history->temporary);
            (void)close(fd);
        }
        free(history->temporary);
        history->temporary = NULL;
        history_drop(history);
        return err_errno(err, ERR_CANTCREAT, saved, "cannot create history file %s", path);
    }
    (void)fputs("{\"tare\":\"history\",\"version\":1}\n", history->file);
    *out = history;
    return 0;
}

void history_drop(struct history_out *history)
{
    if (!history)
        return;
    if (history->file)
        (void)fclose(history->file);
    if (history->temporary)
        (void)unlink(history->temporary);
    free(history->temporary);
    free(history->path);
    free(history);
}

/* Extremes of the hours [from, to) of a series. */
struct extremes {
    double low, high, sum;
    int64_t hours;
};

static void extremes_add(struct extremes *day, double low, double mean, double high)
{
    if (!isfinite(low) || !isfinite(high))
        return;
    day->low = day->hours == 0 ? low : fmin(day->low, low);
    day->high = day->hours == 0 ? high : fmax(day->high, high);
    day->sum += isfinite(mean) ? mean : (low + high) / 2;
    day->hours++;
}

/* One line of canonical JSON. */
static void write_line(struct history_out *history, const json_t *row)
{
    char *line = json_text(row);
    (void)fputs(line, history->file);
    (void)fputc('\n', history->file);
    free(line);
}

/* One row for a day that has hours. */
static void write_row(struct history_out *history, json_t *row, int64_t day, const struct extremes *of)
{
    int64_t year;
    int month;
    int date;
    char text[16];
    days_to_date(day, &year, &month, &date);
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", (int)year, month, date);
    json_object_set_new(row, "day", json_string(text));
    json_object_set_new(row, "minimum", json_real_or_null(of->low));
    json_object_set_new(row, "maximum", json_real_or_null(of->high));
    json_object_set_new(row, "mean", json_real_or_null(of->sum / (double)of->hours));
    json_object_set_new(row, "samples", json_integer(of->hours));
    write_line(history, row);
}

/* The days of one series; `row` carries what they share. */
static void add_series(struct history_out *history, json_t *row, const struct figures *use)
{
    struct extremes day = {.hours = 0};
    int64_t current = use->low.start / DAY_SECONDS;
    size_t count = use->low.count < use->high.count ? use->low.count : use->high.count;
    for (size_t i = 0; i < count; i++) {
        int64_t at = (use->low.start + (int64_t)i * 3600) / DAY_SECONDS;
        if (at != current && day.hours > 0)
            write_row(history, row, current, &day);
        if (at != current)
            day = (struct extremes){.hours = 0};
        current = at;
        extremes_add(&day, use->low.values[i], i < use->mean_hour.count ? use->mean_hour.values[i] : NAN,
                     use->high.values[i]);
    }
    if (day.hours > 0)
        write_row(history, row, current, &day);
}

void history_add(struct history_out *history, const struct subject *subject, const char *default_namespace)
{
    if (!history || !subject->has_usage)
        return;
    json_t *row = json_object();
    json_object_set_new(row, "namespace",
                        json_string_safe(subject->namespace ? subject->namespace : default_namespace));
    json_object_set_new(row, "kind", json_string_safe(subject->kind));
    json_object_set_new(row, "name", json_string_safe(subject->name));
    for (size_t i = 0; i < subject->container_count; i++) {
        const struct container *container = &subject->containers[i];
        for (int r = 0; r < RESOURCES && !container->duplicate; r++) {
            json_object_set_new(row, "container", json_string_safe(container->name));
            json_object_set_new(row, "series", json_string(resource_key((enum resource)r)));
            add_series(history, row, &container->use[r]);
        }
    }
    json_decref(row);
}

void history_exchange(struct history_out *history, json_t *row)
{
    if (!history)
        return;
    json_t *line = json_object();
    json_object_set(line, "llm", row);
    write_line(history, line);
    json_decref(line);
}

int history_finish(struct history_out *history, struct err *err)
{
    if (!history)
        return 0;
    int failed = ferror(history->file) || fflush(history->file) || fchmod(fileno(history->file), 0600) ||
                 fsync(fileno(history->file));
    failed = fclose(history->file) || failed;
    history->file = NULL;
    if (failed || rename(history->temporary, history->path)) {
        err_errno(err, ERR_IO, errno, "cannot write history file %s", history->path);
        history_drop(history);
        return -1;
    }
    free(history->temporary);
    history->temporary = NULL;
    history_drop(history);
    return 0;
}

/* Whether a line is a row (or, for the first, the header). */
static int check_line(const char *path, int64_t number, const char *line, size_t length, struct err *err)
{
    struct err inner = {0};
    json_t *row = json_read(line, length, "line", &inner);
    bool good = number == 1 ? str_equal(json_string_or_null(row, "tare"), "history") &&
                                  json_int_or(row, "version", 0) == 1
                            : json_is_object(row);
    json_decref(row);
    if (good)
        return 0;
    return err_set(err, ERR_DATA, "%s is no history of this version: line %d cannot be read", path,
                   (int)number);
}

/* Reads the lines of an open history, one buffer of HISTORY_LINE_MAX at a time. */
static int check_lines(FILE *file, const char *path, char *line, struct hash *hash, struct err *err)
{
    int64_t number = 0;
    while (fgets(line, HISTORY_LINE_MAX, file)) {
        size_t length = strlen(line);
        hash_add(hash, line, length);
        number++;
        if (length == 0 || line[length - 1] != '\n')
            return err_set(err, ERR_DATA, "line %d of history file %s is too long or not ended", (int)number,
                           path);
        if (check_line(path, number, line, length, err))
            return -1;
    }
    if (ferror(file))
        return err_errno(err, ERR_IO, errno, "cannot read history file %s", path);
    return number > 0 ? 0 : err_set(err, ERR_DATA, "history file %s is empty", path);
}

int history_check(const char *path, char digest[DIGEST_HEX], struct err *err)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return err_errno(err, ERR_NOINPUT, errno, "cannot read history file %s", path);
    struct hash *hash = hash_new();
    char *line = xmalloc(HISTORY_LINE_MAX);
    int status = check_lines(file, path, line, hash, err);
    (void)hash_hex(hash, digest);
    hash_free(hash);
    free(line);
    (void)fclose(file);
    return status;
}
