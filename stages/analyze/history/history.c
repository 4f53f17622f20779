#include "stages/analyze/history/history.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600 };

struct history_out {
    char *path;
    char *temporary;
    FILE *file;
};

int history_open(const char *path, struct history_out **out, struct err *err)
{
    *out = NULL;
    if (!path) {
        return 0;
    }
    struct history_out *history = xcalloc(sizeof *history);
    history->path = xstrdup(path);
    history->temporary = xasprintf("%s.XXXXXX", path);
    int fd = mkstemp(history->temporary);
    if (fd >= 0) {
        history->file = fdopen(fd, "w");
    }
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
    if (!history) {
        return;
    }
    if (history->file) {
        (void)fclose(history->file);
    }
    if (history->temporary) {
        (void)unlink(history->temporary);
    }
    free(history->temporary);
    free(history->path);
    free(history);
}

/* Extremes of one day of a series, of entries of so many seconds. */
struct extremes {
    double low, high, sum;
    int64_t entries;
};

static void extremes_add(struct extremes *day, double low, double mean, double high)
{
    if (!isfinite(low) || !isfinite(high)) {
        return;
    }
    day->low = day->entries == 0 ? low : fmin(day->low, low);
    day->high = day->entries == 0 ? high : fmax(day->high, high);
    day->sum += isfinite(mean) ? mean : (low + high) / 2;
    day->entries++;
}

/* One line of canonical JSON. */
static void write_line(struct history_out *history, const json_t *row)
{
    char *line = json_text(row);
    (void)fputs(line, history->file);
    (void)fputc('\n', history->file);
    free(line);
}

/* A line that must not be lost with the process: it was paid for. */
static void write_now(struct history_out *history, const json_t *row)
{
    write_line(history, row);
    (void)fflush(history->file);
}

/* One row for a day that has entries of `seconds` each. */
static void write_row(struct history_out *history, json_t *row, int64_t day, const struct extremes *of,
                      int64_t seconds)
{
    int64_t year;
    int month;
    int date;
    char text[16];
    if (of->entries == 0) {
        return;
    }
    days_to_date(day, &year, &month, &date);
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", (int)year, month, date);
    json_object_set_new(row, "day", json_string(text));
    json_object_set_new(row, "minimum", json_real_or_null(of->low));
    json_object_set_new(row, "maximum", json_real_or_null(of->high));
    json_object_set_new(row, "mean", json_real_or_null(of->sum / (double)of->entries));
    json_object_set_new(row, "samples",
                        json_integer((of->entries * seconds + HOUR_SECONDS - 1) / HOUR_SECONDS));
    write_line(history, row);
}

/* What the extremes of a day are taken from: rows of equal length, `seconds` from one entry to the next. */
struct source {
    int64_t start, seconds;
    size_t count;
    const double *low, *mean, *high;
};

/* The five-minute means, which the detector looks at, or where there are none the hours. */
static struct source source_of(const struct figures *use)
{
    const struct steps *steps = &use->steps;
    if (steps->count > 0) {
        return (struct source){steps->start, steps->step_seconds, steps->count,
                               steps->mean,  steps->mean,         steps->mean};
    }
    size_t count = use->low.count < use->high.count ? use->low.count : use->high.count;
    bool means = use->mean_hour.count >= count;
    return (struct source){use->low.start,
                           HOUR_SECONDS,
                           count,
                           use->low.values,
                           means ? use->mean_hour.values : use->low.values,
                           use->high.values};
}

/* The days of one series; `row` carries what they share. */
static void add_series(struct history_out *history, json_t *row, const struct figures *use)
{
    const struct source from = source_of(use);
    struct extremes day = {.entries = 0};
    int64_t current = from.start / DAY_SECONDS;
    for (size_t i = 0; i < from.count; i++) {
        int64_t at = (from.start + (int64_t)i * from.seconds) / DAY_SECONDS;
        if (at != current) {
            write_row(history, row, current, &day, from.seconds);
            day = (struct extremes){.entries = 0};
        }
        current = at;
        extremes_add(&day, from.low[i], from.mean[i], from.high[i]);
    }
    write_row(history, row, current, &day, from.seconds);
}

void history_add(struct history_out *history, const struct subject *subject)
{
    if (!history || !subject->has_usage) {
        return;
    }
    json_t *row = json_object();
    json_object_set_new(row, "namespace", json_string_safe(subject->looked_up_in));
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
    if (!history) {
        return;
    }
    json_t *line = json_object();
    json_object_set(line, "llm", row);
    write_now(history, line);
    json_decref(line);
}

/* Random, and different too where the source of randomness is made repeatable. */
void history_call_key(char out[DIGEST_HEX])
{
    static uint64_t calls;
    const uint64_t parts[] = {rng_next(), (uint64_t)clock_monotonic_ms(), (uint64_t)getpid(), calls++};
    (void)hash_bytes(parts, sizeof parts, out);
}

void history_batch(struct history_out *history, const struct sent_batch *batch)
{
    char at[RFC3339_MAX];
    if (!history) {
        return;
    }
    json_t *row = json_object();
    json_object_set_new(row, "id", json_string_safe(batch->id));
    json_object_set_new(row, "provider", json_string_safe(batch->provider));
    json_object_set_new(row, "model", json_string_safe(batch->model));
    json_object_set_new(row, "questions", json_string(batch->questions));
    json_object_set_new(row, "at", json_string(time_format(batch->at, at)));
    json_t *line = json_pack("{s:o}", "batch", row);
    write_now(history, line);
    json_decref(line);
}

void history_answer(struct history_out *history, const struct subject *subject, const struct told *told)
{
    char at[RFC3339_MAX];
    if (!history) {
        return;
    }
    bool answered = told->outcome == TOLD_ANSWERED;
    json_t *row = json_object();
    json_object_set_new(row, "namespace", json_string_safe(subject->looked_up_in));
    json_object_set_new(row, "kind", json_string_safe(subject->kind));
    json_object_set_new(row, "name", json_string_safe(subject->name));
    json_object_set_new(row, "provider", json_string_safe(told->provider));
    json_object_set_new(row, "model", json_string_safe(told->model));
    json_object_set_new(row, "evidence", json_string(told->evidence));
    json_object_set_new(row, "key", json_string(told->key));
    json_object_set_new(row, "outcome", json_string(told_outcome_name(told->outcome)));
    json_object_set_new(row, "text", json_string_safe(answered ? told->text : NULL));
    json_object_set_new(row, "reason", json_string_safe(answered ? NULL : told->reason));
    json_object_set_new(row, "exchange", json_string_safe(told->exchange));
    json_object_set_new(row, "at", json_string(time_format(told->at, at)));
    json_t *line = json_pack("{s:o}", "answer", row);
    write_now(history, line);
    json_decref(line);
}

int history_finish(struct history_out *history, struct err *err)
{
    if (!history) {
        return 0;
    }
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
