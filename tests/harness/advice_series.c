#include "tests/harness/advice_series.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"

enum { FILE_MAX = 16 << 20, STEPS_MAX_READ = 1 << 20 };

/* "2014-02-14 14:30:00", with or without a fraction, as seconds since the epoch. */
static int instant_of(const char *text, int64_t *out)
{
    long long part[6];
    char *end;
    for (size_t i = 0; i < 6; i++) {
        part[i] = strtoll(text, &end, 10);
        if (end == text) {
            return -1;
        }
        text = end + (*end != '\0' && *end != ',');
    }
    *out = (date_to_days(part[0], (int)part[1], (int)part[2]) * 24 + part[3]) * 3600 + part[4] * 60 + part[5];
    return 0;
}

/* Puts a value on the grid, which starts at the first one. */
static int put(struct advice_series *series, size_t *capacity, int64_t at, double value)
{
    int64_t step = (at + ADVICE_STEP / 2) / ADVICE_STEP;
    if (series->count == 0) {
        series->start = step * ADVICE_STEP;
    }
    int64_t place = step - series->start / ADVICE_STEP;
    if (place < 0 || place >= STEPS_MAX_READ) {
        return -1;
    }
    GROW(series->values, *capacity, (size_t)place + 1);
    for (; series->count <= (size_t)place; series->count++) {
        series->values[series->count] = NAN;
    }
    series->values[place] = value;
    return 0;
}

static int read_csv(const char *folder, const char *name, struct advice_series *out, struct err *err)
{
    struct buf text;
    size_t capacity = 0;
    char *path = fs_join(folder, name);
    buf_init(&text, FILE_MAX);
    int failed = fs_read(path, &text, err);
    free(path);
    *out = (struct advice_series){.name = xstrdup(name), .share = strstr(name, "cpu") || strstr(name, "asg")};
    const char *line = failed ? NULL : strchr(buf_str(&text), '\n');
    for (; line != NULL && line[1] != '\0' && !failed; line = strchr(line + 1, '\n')) {
        const char *comma = strchr(line + 1, ',');
        int64_t at;
        if (comma == NULL || instant_of(line + 1, &at) || put(out, &capacity, at, strtod(comma + 1, NULL))) {
            failed = err_set(err, ERR_DATA, "%s/%s: a line is no timestamp and value in order of time", folder, name);
        }
    }
    buf_release(&text);
    return failed;
}

/* The windows that windows.json gives for a file. */
static void read_windows(const json_t *labels, struct advice_series *series)
{
    const json_t *list = json_object_get(labels, series->name);
    series->labelled = json_is_array(list);
    series->windows = xcalloc_array(json_array_size(list) + 1, sizeof *series->windows);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *start = json_string_value(json_array_get(json_array_get(list, i), 0));
        const char *end = json_string_value(json_array_get(json_array_get(list, i), 1));
        struct advice_window *window = &series->windows[series->window_count];
        if (start && end && !instant_of(start, &window->start) && !instant_of(end, &window->end)) {
            series->window_count++;
        }
    }
}

static json_t *read_labels(const char *folder)
{
    struct buf text;
    struct err err = {0};
    char *path = fs_join(folder, "windows.json");
    buf_init(&text, FILE_MAX);
    json_t *labels = fs_read(path, &text, &err) ? NULL : json_read(buf_str(&text), strlen(buf_str(&text)), path, &err);
    buf_release(&text);
    free(path);
    return labels;
}

static int is_csv(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && memcmp(entry->d_name + length - 4, ".csv", 4) == 0;
}

int advice_set_read(const char *folder, struct advice_set *out, struct err *err)
{
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, is_csv, alphasort);
    *out = (struct advice_set){0};
    if (found <= 0) {
        free(entries);
        return err_set(err, ERR_NOINPUT, "no series (*.csv) in %s", folder);
    }
    json_t *labels = read_labels(folder);
    int failed = 0;
    out->items = xcalloc_array((size_t)found, sizeof *out->items);
    for (int i = 0; i < found; i++) {
        if (!failed) {
            struct advice_series *series = &out->items[out->count++];
            failed = read_csv(folder, entries[i]->d_name, series, err);
            read_windows(labels, series);
        }
        free(entries[i]);
    }
    free(entries);
    json_decref(labels);
    return failed;
}

void advice_set_release(struct advice_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->items[i].name);
        free(set->items[i].values);
        free(set->items[i].windows);
    }
    free(set->items);
    *set = (struct advice_set){0};
}
