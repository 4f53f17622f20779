#include "stages/analyze/history/past.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"

enum { LINE_MAX_BYTES = 1024 * 1024, KEY_MAX = 2048, DAY_SECONDS = 86400, NONE = 0, FIRST_SLOTS = 1024 };
static const size_t keys_max = (size_t)256 << 20;

/* A day of a series; `before` is the place of the series' row that came before it, counted from 1. */
struct row {
    uint32_t before;
    int32_t day;
    float low, high;
};

/* A series: where its key lies in the text of all keys, its last row, and how many it has. */
struct entry {
    size_t key;
    uint32_t last, count;
};

struct history_past {
    struct row *rows;
    size_t row_count, row_capacity;
    struct entry *slots; /* open addressing; last NONE: free */
    size_t slot_count, used;
    char *keys; /* each NUL-terminated */
    size_t keys_length, keys_capacity;
    int64_t lines; /* of the header and of series */
    bool models;   /* there are rows about models */
};

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *key)
{
    uint64_t hash = 14695981039346656037U;
    for (; *key; key++) {
        hash = (hash ^ (unsigned char)*key) * 1099511628211U;
    }
    return hash ^ hash >> 29;
}

/* The slot of a key, or the free one where it belongs. */
static struct entry *slot_of(const struct history_past *past, const char *key)
{
    size_t mask = past->slot_count - 1;
    for (size_t i = hash_of(key) & mask;; i = (i + 1) & mask) {
        struct entry *entry = &past->slots[i];
        if (entry->last == NONE || str_equal(past->keys + entry->key, key)) {
            return entry;
        }
    }
}

static void slots_grow(struct history_past *past)
{
    struct entry *old = past->slots;
    size_t count = past->slot_count;
    past->slot_count = count == 0 ? FIRST_SLOTS : 2 * count;
    past->slots = xcalloc_array(past->slot_count, sizeof *past->slots);
    for (size_t i = 0; i < count; i++) {
        if (old[i].last != NONE) {
            *slot_of(past, past->keys + old[i].key) = old[i];
        }
    }
    free(old);
}

/* The entry of a key, a new one where there is none. */
static struct entry *entry_for(struct history_past *past, const char *key)
{
    if (2 * past->used >= past->slot_count) {
        slots_grow(past);
    }
    struct entry *entry = slot_of(past, key);
    if (entry->last == NONE) {
        size_t length = strlen(key) + 1;
        GROW(past->keys, past->keys_capacity, past->keys_length + length);
        memcpy(past->keys + past->keys_length, key, length);
        entry->key = past->keys_length;
        past->keys_length += length;
        past->used++;
    }
    return entry;
}

/* "namespace\nkind\nname\ncontainer\nseries"; false when it is too long. */
static bool key_make(char key[KEY_MAX], const char *namespace, const char *kind, const char *name,
                     const char *container, const char *series)
{
    int length = snprintf(key, KEY_MAX, "%s\n%s\n%s\n%s\n%s", namespace ? namespace : "default", kind, name,
                          container, series);
    return length > 0 && length < KEY_MAX;
}

/* "2026-11-15" as days since 1970. */
static bool day_read(const char *text, int32_t *out)
{
    char instant[RFC3339_MAX];
    int64_t seconds;
    if (text == NULL || strlen(text) != 10) {
        return false;
    }
    (void)snprintf(instant, sizeof instant, "%sT00:00:00Z", text);
    if (time_parse(instant, &seconds, NULL)) {
        return false;
    }
    *out = (int32_t)(seconds / DAY_SECONDS);
    return true;
}

/* A member that is a number of the range that is kept, or null (NaN); false for anything else. */
static bool number_read(const json_t *row, const char *key, double *out)
{
    *out = NAN;
    return json_is_null(json_object_get(row, key)) || (json_get_number(row, key, out) && fabs(*out) <= (double)FLT_MAX);
}

/* Rows about models: answers.h reads them. */
static bool of_models(const json_t *row)
{
    return json_object_get(row, "llm") || json_object_get(row, "answer") || json_object_get(row, "spent") ||
           json_object_get(row, "batch");
}

/* Keeps a row; false when it is none. A row of a series that is not known says nothing here. */
static bool row_add(struct history_past *past, const json_t *json)
{
    const char *kind = json_string_or_null(json, "kind");
    const char *name = json_string_or_null(json, "name");
    const char *container = json_string_or_null(json, "container");
    const char *series = json_string_or_null(json, "series");
    char key[KEY_MAX];
    double low;
    double high;
    struct row row = {.before = NONE};
    if (!json_is_object(json)) {
        return false;
    }
    if (!kind || !name || !container || !series || !day_read(json_string_or_null(json, "day"), &row.day) ||
        !number_read(json, "minimum", &low) || !number_read(json, "maximum", &high) ||
        !key_make(key, json_string_or_null(json, "namespace"), kind, name, container, series) || low > high) {
        return false;
    }
    if (isnan(low) || isnan(high) ||
        (!str_equal(series, resource_key(CPU)) && !str_equal(series, resource_key(MEMORY)))) {
        return true;
    }
    row.low = (float)low;
    row.high = (float)high;
    struct entry *entry = entry_for(past, key);
    row.before = entry->last;
    GROW(past->rows, past->row_capacity, past->row_count + 1);
    past->rows[past->row_count++] = row;
    entry->last = (uint32_t)past->row_count;
    entry->count++;
    return true;
}

/* One line: the header or a row. *counts: it belongs into the digest. */
static int line_read(struct history_past *past, const char *path, int64_t number, const char *line,
                     size_t length, bool *counts, struct err *err)
{
    struct err inner = {0};
    json_t *json = json_read(line, length, "line", &inner);
    bool header =
        str_equal(json_string_or_null(json, "tare"), "history") && json_int_or(json, "version", 0) == 1;
    *counts = number == 1 || !of_models(json);
    bool good = json != NULL && (number == 1 ? header : !*counts || row_add(past, json));
    json_decref(json);
    if (!good) {
        return err_set(err, ERR_DATA, "%s is no history of this version: line %lld cannot be read", path,
                       (long long)number);
    }
    if (past->row_count > PAST_ROWS_MAX || past->keys_length > keys_max) {
        return err_set(err, ERR_DATA, "history file %s has more than %d rows", path, PAST_ROWS_MAX);
    }
    return 0;
}

/* Reads the lines of an open history, one buffer of LINE_MAX_BYTES at a time. */
static int lines_read(struct history_past *past, FILE *file, const char *path, char *line, struct hash *hash,
                      struct err *err)
{
    int64_t number = 0;
    while (fgets(line, LINE_MAX_BYTES, file)) {
        size_t length = strlen(line);
        bool counts;
        number++;
        if (length == 0 || line[length - 1] != '\n') {
            return err_set(err, ERR_DATA, "line %lld of history file %s is too long or not ended",
                           (long long)number, path);
        }
        if (line_read(past, path, number, line, length, &counts, err)) {
            return -1;
        }
        if (counts) {
            hash_add(hash, line, length);
        }
        past->models = past->models || !counts;
        past->lines += counts;
    }
    if (ferror(file)) {
        return err_errno(err, ERR_IO, errno, "cannot read history file %s", path);
    }
    return number > 0 ? 0 : err_set(err, ERR_DATA, "history file %s is empty", path);
}

int history_past_open(const char *path, struct history_past **out, char digest[DIGEST_HEX], struct err *err)
{
    *out = NULL;
    FILE *file = fopen(path, "r");
    if (!file) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot read history file %s", path);
    }
    struct history_past *past = xcalloc(sizeof *past);
    struct hash *hash = hash_new();
    char *line = xmalloc(LINE_MAX_BYTES);
    int status = lines_read(past, file, path, line, hash, err);
    (void)hash_hex(hash, digest);
    if (past->models && past->lines == 1) {
        digest[0] = '\0';
    }
    hash_free(hash);
    free(line);
    (void)fclose(file);
    if (status) {
        history_past_free(past);
        return -1;
    }
    *out = past;
    return 0;
}

void history_past_free(struct history_past *past)
{
    if (!past) {
        return;
    }
    free(past->rows);
    free(past->slots);
    free(past->keys);
    free(past);
}

/* Puts a day in its place; of two rows of one day the wider counts. */
static void day_insert(struct past_days *days, const struct row *row, int32_t *day, float *low, float *high)
{
    size_t place = days->count;
    while (place > 0 && day[place - 1] >= row->day) {
        place--;
    }
    if (place < days->count && day[place] == row->day) {
        low[place] = row->low < low[place] ? row->low : low[place];
        high[place] = row->high > high[place] ? row->high : high[place];
        return;
    }
    memmove(day + place + 1, day + place, (days->count - place) * sizeof *day);
    memmove(low + place + 1, low + place, (days->count - place) * sizeof *low);
    memmove(high + place + 1, high + place, (days->count - place) * sizeof *high);
    day[place] = row->day;
    low[place] = row->low;
    high[place] = row->high;
    days->count++;
}

void history_past_days(const struct history_past *past, const struct subject *subject,
                       const struct container *container, enum resource resource, struct arena *arena,
                       struct past_days *out)
{
    char key[KEY_MAX];
    *out = (struct past_days){.count = 0};
    if (!past || past->used == 0 ||
        !key_make(key, subject->looked_up_in, subject->kind, subject->name, container->name,
                  resource_key(resource))) {
        return;
    }
    const struct entry *entry = slot_of(past, key);
    int32_t *day = arena_alloc_array(arena, entry->count + 1U, sizeof *day);
    float *low = arena_alloc_array(arena, entry->count + 1U, sizeof *low);
    float *high = arena_alloc_array(arena, entry->count + 1U, sizeof *high);
    for (uint32_t place = entry->last; place != NONE; place = past->rows[place - 1].before) {
        if (((int64_t)past->rows[place - 1].day + 1) * DAY_SECONDS <= subject->window_start) {
            day_insert(out, &past->rows[place - 1], day, low, high);
        }
    }
    out->day = day;
    out->low = low;
    out->high = high;
}
