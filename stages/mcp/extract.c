#include "stages/mcp/extract.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/mcp/mask.h"
#include "stages/mcp/item.h"

enum { LIMIT_DEFAULT = 20, CREATED_MOST = 64 };

int extract_cursor(const char *cursor, int64_t *run, size_t *offset, struct err *err)
{
    const char *dot = strchr(cursor, '.');
    char *first = dot == NULL ? NULL : xstrndup(cursor, (size_t)(dot - cursor));
    int64_t at = 0;
    bool good = first != NULL && str_int64(first, 1, INT64_MAX, run) == 0 && str_int64(dot + 1, 0, EXTRACT_OFFSET_MAX, &at) == 0;
    free(first);
    *offset = (size_t)at;
    return good ? 0 : err_set(err, ERR_USAGE, "the cursor is none that a page of this tool came with");
}

int extract_init(struct extract *extract, const json_t *arguments, extract_item *item, struct err *err)
{
    *extract = (struct extract){.arguments = arguments, .item = item};
    const char *cursor = json_string_or_null(arguments, "cursor");
    int64_t ignored;
    extract->limit = (size_t)json_int_or(arguments, "limit", LIMIT_DEFAULT);
    return cursor == NULL ? 0 : extract_cursor(cursor, &ignored, &extract->offset, err);
}

void extract_release(struct extract *extract)
{
    for (size_t i = 0; i < extract->count; i++) {
        json_decref(extract->entries[i].item);
    }
    free(extract->entries);
    json_decref(extract->created);
    *extract = (struct extract){0};
}

static bool fits(const char *pattern, const char *text)
{
    return pattern == NULL || str_glob(pattern, text == NULL ? "default" : text);
}

/* Whether the text at a path is the one that the argument asks for. */
static bool is_asked(const struct extract *extract, const char *argument, const json_t *record, const char *path)
{
    const char *asked = json_string_or_null(extract->arguments, argument);
    return asked == NULL || str_equal(asked, json_string_value(json_at(record, path)));
}

static bool matches(const struct extract *extract, const json_t *record)
{
    struct identity identity;
    struct err ignored = {0};
    double least;
    if (record_identity(record, &identity, &ignored)) {
        return false;
    }
    bool saves = !json_get_number(extract->arguments, "min_saving_usd", &least) ||
                 (double)json_int_or(json_object_get(record, "cost"), "monthly_saving_microusd", INT64_MIN) >= least * 1e6;
    return saves && fits(json_string_or_null(extract->arguments, "namespace"), identity.namespace) &&
           fits(json_string_or_null(extract->arguments, "kind"), identity.kind) &&
           fits(json_string_or_null(extract->arguments, "name"), identity.name) &&
           is_asked(extract, "action", record, "recommendation.action") && is_asked(extract, "risk", record, "recommendation.risk") &&
           is_asked(extract, "verdict", record, "gate.verdict");
}

/* What puts an item before others: the smaller, the earlier. */
static double key_of(const struct extract *extract, const json_t *record)
{
    const char *sort = json_string_or_null(extract->arguments, "sort");
    const char *risk = json_string_value(json_at(record, "recommendation.risk"));
    double saving = (double)json_int_or(json_object_get(record, "cost"), "monthly_saving_microusd", 0);
    if (extract->item != item_recommendation || str_equal(sort, "name")) {
        return 0;
    }
    if (str_equal(sort, "increase")) {
        return saving;
    }
    if (str_equal(sort, "risk")) {
        return str_equal(risk, "high") ? 0 : str_equal(risk, "medium") ? 1 : 2;
    }
    if (str_equal(sort, "confidence")) {
        double confidence = 0;
        json_get_number(json_object_get(record, "recommendation"), "confidence", &confidence);
        return confidence;
    }
    return -saving;
}

/* Keeps an item in its place after those of the same key; what falls off the end can be on no page up to this one. */
static void keep(struct extract *extract, double key, const json_t *record)
{
    size_t most = extract->offset + extract->limit;
    size_t at = extract->count;
    while (at > 0 && extract->entries[at - 1].key > key) {
        at--;
    }
    if (at >= most) {
        return;
    }
    GROW(extract->entries, extract->capacity, extract->count + 1);
    memmove(extract->entries + at + 1, extract->entries + at, (extract->count - at) * sizeof *extract->entries);
    extract->entries[at] = (struct extract_entry){.key = key, .item = extract->item(record)};
    if (++extract->count > most) {
        json_decref(extract->entries[--extract->count].item);
    }
}

static json_t *read_record(const char *line, size_t length)
{
    struct buf left;
    struct err ignored = {0};
    buf_init(&left, length + 1);
    bool told = json_skim(line, length, item_cut, &left);
    json_t *record = told ? json_read(buf_str(&left), left.length, "a record", &ignored) : NULL;
    buf_release(&left);
    return record;
}

void extract_line(struct extract *extract, const char *line, size_t length)
{
    json_t *record = line == NULL ? NULL : read_record(line, length);
    if (record == NULL) {
        extract->left_out++;
    } else if (json_string_or_null(record, "tare") != NULL) {
        json_decref(extract->created);
        extract->created = mask_text(json_string_or_null(record, "created"), CREATED_MOST);
    } else if (record_workload(record) != NULL && matches(extract, record)) {
        extract->matched++;
        extract->saving_microusd += json_int_or(json_object_get(record, "cost"), "monthly_saving_microusd", 0);
        keep(extract, key_of(extract, record), record);
    }
    json_decref(record);
}

json_t *extract_result(const struct extract *extract, int64_t run)
{
    json_t *items = json_array();
    size_t bytes = 0;
    size_t at = extract->offset;
    for (; at < extract->count; at++) {
        char *text = json_text(extract->entries[at].item);
        bytes += strlen(text);
        free(text);
        if (bytes > EXTRACT_BYTES_MAX && at > extract->offset) {
            break;
        }
        json_array_append(items, extract->entries[at].item);
    }
    char cursor[64];
    snprintf(cursor, sizeof cursor, "%" PRId64 ".%zu", run, at);
    bool more = (int64_t)at < extract->matched && at > extract->offset && at <= EXTRACT_OFFSET_MAX;
    json_t *out = json_object();
    json_object_set_new(out, "run", json_integer(run));
    json_object_set_new(out, "created", extract->created == NULL ? json_null() : json_incref(extract->created));
    json_object_set_new(out, "matched", json_integer(extract->matched));
    json_object_set_new(out, "items", items);
    json_object_set_new(out, "next_cursor", more ? json_string(cursor) : json_null());
    json_object_set_new(out, "left_out", json_integer(extract->left_out));
    if (extract->item == item_recommendation) {
        json_object_set_new(out, "monthly_saving_usd", json_real((double)extract->saving_microusd / 1e6));
    }
    return out;
}
