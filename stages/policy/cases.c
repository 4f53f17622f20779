#include "stages/policy/cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/yaml.h"

enum { CASES_BYTES_MAX = 4 * 1024 * 1024, KEY_MAX = 256, NAMES_MAX = 16 };

enum shape { SHAPE_MAP, SHAPE_LIST, SHAPE_TEXT, SHAPE_CHOICE, SHAPE_TIME, SHAPE_COUNT, SHAPE_NUMBER, SHAPE_CPU, SHAPE_MEMORY };

/* Every key; `/` parts the levels, `*` stands for any name, `[]` for an entry of a list. Null says nothing, except where it is
 * taken as an answer. */
static const struct row {
    const char *path;
    enum shape shape;
    const char *choices;
    bool null; /* null is an answer: an absent amount, no opening, no role */
} rows[] = {
    {"", SHAPE_MAP, NULL, false},
    {"/cases", SHAPE_LIST, NULL, false},
    {"/cases/[]", SHAPE_MAP, NULL, false},
    {"/cases/[]/name", SHAPE_TEXT, NULL, false},
    {"/cases/[]/at", SHAPE_TIME, NULL, false},
    {"/cases/[]/approved", SHAPE_COUNT, NULL, false},
    {"/cases/[]/workload", SHAPE_MAP, NULL, false},
    {"/cases/[]/workload/cluster", SHAPE_TEXT, NULL, false},
    {"/cases/[]/workload/namespace", SHAPE_TEXT, NULL, false},
    {"/cases/[]/workload/kind", SHAPE_TEXT, NULL, false},
    {"/cases/[]/workload/name", SHAPE_TEXT, NULL, false},
    {"/cases/[]/workload/labels", SHAPE_MAP, NULL, false},
    {"/cases/[]/workload/labels/*", SHAPE_TEXT, NULL, false},
    {"/cases/[]/workload/annotations", SHAPE_MAP, NULL, false},
    {"/cases/[]/workload/annotations/*", SHAPE_TEXT, NULL, false},
    {"/cases/[]/workload/namespace_annotations", SHAPE_MAP, NULL, false},
    {"/cases/[]/workload/namespace_annotations/*", SHAPE_TEXT, NULL, false},
    {"/cases/[]/workload/class", SHAPE_TEXT, NULL, false},
    {"/cases/[]/workload/replicas", SHAPE_COUNT, NULL, false},
    {"/cases/[]/workload/advised_replicas", SHAPE_COUNT, NULL, false},
    {"/cases/[]/workload/risk", SHAPE_CHOICE, "low medium high", false},
    {"/cases/[]/workload/monthly_saving_usd", SHAPE_NUMBER, NULL, false},
    {"/cases/[]/change", SHAPE_MAP, NULL, false},
    {"/cases/[]/change/*", SHAPE_MAP, NULL, false},
    {"/cases/[]/change/*/requests.cpu", SHAPE_MAP, NULL, false},
    {"/cases/[]/change/*/requests.cpu/from", SHAPE_CPU, NULL, true},
    {"/cases/[]/change/*/requests.cpu/to", SHAPE_CPU, NULL, true},
    {"/cases/[]/change/*/requests.memory", SHAPE_MAP, NULL, false},
    {"/cases/[]/change/*/requests.memory/from", SHAPE_MEMORY, NULL, true},
    {"/cases/[]/change/*/requests.memory/to", SHAPE_MEMORY, NULL, true},
    {"/cases/[]/change/*/limits.cpu", SHAPE_MAP, NULL, false},
    {"/cases/[]/change/*/limits.cpu/from", SHAPE_CPU, NULL, true},
    {"/cases/[]/change/*/limits.cpu/to", SHAPE_CPU, NULL, true},
    {"/cases/[]/change/*/limits.memory", SHAPE_MAP, NULL, false},
    {"/cases/[]/change/*/limits.memory/from", SHAPE_MEMORY, NULL, true},
    {"/cases/[]/change/*/limits.memory/to", SHAPE_MEMORY, NULL, true},
    {"/cases/[]/expect", SHAPE_MAP, NULL, false},
    {"/cases/[]/expect/verdict", SHAPE_CHOICE, "allowed needs-approval blocked unchanged", false},
    {"/cases/[]/expect/approvals", SHAPE_COUNT, NULL, false},
    {"/cases/[]/expect/role", SHAPE_TEXT, NULL, true},
    {"/cases/[]/expect/rule", SHAPE_TEXT, NULL, true},
    {"/cases/[]/expect/window", SHAPE_CHOICE, "open closed", false},
    {"/cases/[]/expect/next_opening", SHAPE_TIME, NULL, true},
    {"/cases/[]/expect/reasons", SHAPE_LIST, NULL, false},
    {"/cases/[]/expect/reasons/[]", SHAPE_TEXT, NULL, false},
};

struct reader {
    const char *name; /* of the file */
    struct yaml_stream *stream;
    struct arena arena;
};

/* Where the walk is: the key as the table has it, and as people see it. */
struct place {
    char path[KEY_MAX];
    char shown[KEY_MAX];
};

static int walk(struct reader *reader, struct yaml_node *node, const struct place *place, json_t **out, struct err *err);

static int64_t line_of(struct reader *reader, const struct yaml_node *node)
{
    size_t line = 0;
    size_t column = 0;
    yaml_position(reader->stream, node->value, &line, &column);
    return (int64_t)line;
}

static int wrong(struct reader *reader, const struct yaml_node *node, const char *key, struct err *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static int wrong(struct reader *reader, const struct yaml_node *node, const char *key, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_vset(err, ERR_CONFIG, format, args);
    va_end(args);
    return err_prefix(err, "%s, line %lld: %s", reader->name, (long long)line_of(reader, node), *key == '\0' ? "the file" : key);
}

static const struct row *row_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (strcmp(rows[i].path, path) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* The place of a member; false where there is no such key. */
static bool below(const struct place *place, const char *name, struct place *out)
{
    snprintf(out->path, sizeof out->path, "%.120s/%.100s", place->path, name);
    snprintf(out->shown, sizeof out->shown, "%.130s%s%.100s", place->shown, *place->shown == '\0' ? "" : ".", name);
    if (strpbrk(name, "/*[") == NULL && row_of(out->path) != NULL) {
        return true;
    }
    snprintf(out->path, sizeof out->path, "%.120s/*", place->path);
    return row_of(out->path) != NULL;
}

static int unknown(struct reader *reader, const struct yaml_node *key, const struct place *place, const char *name, struct err *err)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    size_t length = strlen(place->path);
    for (size_t i = 1; i < ARRAY_COUNT(rows) && count < NAMES_MAX; i++) {
        const char *rest = rows[i].path + length;
        if (strncmp(rows[i].path, place->path, length) == 0 && *rest == '/' && strchr(rest + 1, '/') == NULL) {
            names[count++] = rest + 1;
        }
    }
    const char *near = str_nearest(name, names, count);
    wrong(reader, key, name, err, "there is no such key%s%s", *place->shown == '\0' ? "" : " in ", place->shown);
    return near != NULL ? err_hint(err, "did you mean %s?", near) : err_hint(err, "stages/policy/README.md lists every key of a case");
}

static int read_map(struct reader *reader, struct yaml_node *node, const struct place *place, json_t **out, struct err *err)
{
    if (node->kind != YAML_KIND_MAPPING) {
        return wrong(reader, node, place->shown, err, "must be a map of keys");
    }
    *out = json_object();
    for (struct yaml_node *key = node->first; key != NULL; key = key->next->next) {
        struct place next;
        json_t *value = NULL;
        const char *name = yaml_scalar(&reader->arena, yaml_resolve(key));
        if (name == NULL || !below(place, name, &next)) {
            return unknown(reader, key, place, name == NULL ? "?" : name, err);
        }
        if (walk(reader, yaml_resolve(key->next), &next, &value, err)) {
            json_decref(value);
            return -1;
        }
        if (value != NULL) {
            json_object_set_new(*out, name, value);
        }
    }
    if (strcmp(place->path, "/cases/[]") == 0) {
        json_object_set_new(*out, "line", json_integer(line_of(reader, node)));
    }
    return 0;
}

static int read_list(struct reader *reader, struct yaml_node *node, const struct place *place, json_t **out, struct err *err)
{
    if (node->kind != YAML_KIND_SEQUENCE) {
        return wrong(reader, node, place->shown, err, "must be a list");
    }
    size_t index = 0;
    *out = json_array();
    for (struct yaml_node *item = node->first; item != NULL; item = item->next, index++) {
        struct place next;
        json_t *value = NULL;
        snprintf(next.path, sizeof next.path, "%.200s/[]", place->path);
        snprintf(next.shown, sizeof next.shown, "%.200s[%zu]", place->shown, index);
        if (yaml_type_of(yaml_resolve(item)) == YAML_TYPE_NULL) {
            return wrong(reader, item, next.shown, err, "is empty: write a value or take the entry out");
        }
        if (walk(reader, yaml_resolve(item), &next, &value, err)) {
            json_decref(value);
            return -1;
        }
        json_array_append_new(*out, value);
    }
    return 0;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = choices; length > 0 && (at = strstr(at, text)) != NULL; at += length) {
        if ((at == choices || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* A number, negative ones too. */
static json_t *number_of(const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    bool whole = *text != '\0' && *end == '\0' && strspn(text, "0123456789.eE+-") == strlen(text);
    return whole && isfinite(value) && fabs(value) <= 1e12 ? json_real(value) : NULL;
}

/* One value by its shape. *out new. The error is a sentence without its place. */
static int convert(const struct row *row, const char *text, json_t **out, struct err *err)
{
    int64_t value = 0;
    switch (row->shape) {
    case SHAPE_CHOICE:
        if (!is_choice(row->choices, text)) {
            return err_set(err, ERR_CONFIG, "must be one of %s, not \"%s\"", row->choices, text);
        }
        break;
    case SHAPE_TIME:
        if (time_parse(text, &value, err)) {
            return -1;
        }
        break;
    case SHAPE_COUNT:
        if (str_int64(text, 0, INT64_MAX, &value)) {
            return err_set(err, ERR_CONFIG, "must be a whole number from 0 up, not \"%s\"", text);
        }
        *out = json_integer(value);
        return 0;
    case SHAPE_NUMBER:
        *out = number_of(text);
        return *out != NULL ? 0 : err_set(err, ERR_CONFIG, "must be a number, not \"%s\"", text);
    case SHAPE_CPU:
        if (quantity_cpu(text, strlen(text), &value, err)) {
            return -1;
        }
        break;
    case SHAPE_MEMORY:
        if (quantity_memory(text, strlen(text), &value, err)) {
            return -1;
        }
        break;
    case SHAPE_MAP:
    case SHAPE_LIST:
    case SHAPE_TEXT:
        break;
    }
    *out = json_string_safe(text);
    return 0;
}

static int read_scalar(struct reader *reader, struct yaml_node *node, const struct row *row, const char *shown, json_t **out,
                       struct err *err)
{
    if (node->kind != YAML_KIND_SCALAR) {
        return wrong(reader, node, shown, err, "must be a single value, not a list or a map");
    }
    const char *text = yaml_scalar(&reader->arena, node);
    if (text == NULL) {
        return wrong(reader, node, shown, err, "must not have a NUL character in it");
    }
    if (convert(row, text, out, err)) {
        err->class = ERR_CONFIG;
        return err_prefix(err, "%s, line %lld: %s", reader->name, (long long)line_of(reader, node), shown);
    }
    return 0;
}

/* *out is new even on failure, or NULL; NULL also for what a null does not say. */
static int walk(struct reader *reader, struct yaml_node *node, const struct place *place, json_t **out, struct err *err)
{
    const struct row *row = row_of(place->path);
    if (yaml_type_of(node) == YAML_TYPE_NULL) {
        *out = row->null ? json_null() : NULL;
        return 0;
    }
    return row->shape == SHAPE_MAP    ? read_map(reader, node, place, out, err)
           : row->shape == SHAPE_LIST ? read_list(reader, node, place, out, err)
                                      : read_scalar(reader, node, row, place->shown, out, err);
}

/* What one case cannot do without. */
static int check_case(const struct reader *reader, const json_t *one, size_t index, struct err *err)
{
    static const char *const needed[] = {"name", "change", "expect"};
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        const json_t *value = json_object_get(one, needed[i]);
        bool empty = json_is_object(value) ? json_object_size(value) == 0 : value == NULL;
        if (empty && (i != 1 || value == NULL)) {
            err_set(err, ERR_CONFIG, "%s, line %lld: cases[%zu].%s: is missing", reader->name,
                    (long long)json_int_or(one, "line", 0), index, needed[i]);
            return err_hint(err, "a case has name, change and expect; at, approved and workload may be left out");
        }
    }
    return 0;
}

static int read_document(struct reader *reader, json_t **out, struct err *err)
{
    struct yaml_fault fault = {0};
    struct yaml_document document;
    struct place top = {{0}, {0}};
    int got = yaml_next(reader->stream, &reader->arena, &document, &fault, err);
    if (got < 0) {
        err->class = ERR_CONFIG;
        return err_prefix(err, "%s, line %zu, column %zu", reader->name, fault.line, fault.column);
    }
    if (got == 0 || document.root == NULL) {
        return 0;
    }
    struct yaml_node *twice = yaml_duplicate(document.root);
    if (twice != NULL) {
        const char *name = yaml_scalar(&reader->arena, twice);
        return wrong(reader, twice, name == NULL ? "?" : name, err, "this key stands here twice");
    }
    return walk(reader, yaml_resolve(document.root), &top, out, err);
}

static int read_cases(struct reader *reader, json_t **out, struct err *err)
{
    json_t *whole = NULL;
    int failed = read_document(reader, &whole, err);
    const json_t *cases = json_object_get(whole, "cases");
    size_t index = 0;
    const json_t *one = NULL;
    if (!failed && json_array_size(cases) == 0) {
        failed = err_set(err, ERR_CONFIG, "%s: there are no cases in it", reader->name);
        err_hint(err, "it begins with cases: and a list; stages/policy/README.md has an example");
    }
    json_array_foreach(cases, index, one)
    {
        failed = failed || check_case(reader, one, index, err);
    }
    *out = failed ? NULL : json_deep_copy(cases);
    json_decref(whole);
    return failed ? -1 : 0;
}

int cases_load(const char *path, json_t **out, struct err *err)
{
    struct buf text;
    struct yaml_fault fault = {0};
    struct reader reader = {.name = path};
    buf_init(&text, CASES_BYTES_MAX);
    arena_init(&reader.arena);
    int failed = fs_read(path, &text, err);
    if (!failed && yaml_open(buf_str(&text), text.length, NULL, &reader.stream, &fault, err)) {
        err->class = ERR_CONFIG;
        failed = err_prefix(err, "%s, line %zu", path, fault.line);
    }
    failed = failed || read_cases(&reader, out, err);
    yaml_close(reader.stream);
    arena_release(&reader.arena);
    buf_release(&text);
    return failed ? -1 : 0;
}
