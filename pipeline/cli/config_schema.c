#include "pipeline/cli/config_schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"

enum { NAMES_MAX = 64, NAME_MAX_BYTES = 64 };

static const struct config_row rows[] = {
#define X(path, kind, words, value, text) {.key = path, .type = kind, .choices = words, .fallback = value, .help = text},
#include "pipeline/cli/config.def"
#undef X
};

const struct config_row *config_rows(size_t *count)
{
    *count = ARRAY_COUNT(rows);
    return rows;
}

static const char entry[] = "clusters[]";

/* What follows "clusters[]." in a key: the same key of the file. NULL for one that is not inside an entry of `clusters`. */
static const char *inside_cluster(const char *key)
{
    return str_starts(key, entry) && key[strlen(entry)] == '.' ? key + strlen(entry) + 1 : NULL;
}

bool config_of_whole_file(const char *key)
{
    static const char *const names[] = {"version", "clusters", "database", "notify"};
    size_t length = strcspn(key, ".[");
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strlen(names[i]) == length && strncmp(names[i], key, length) == 0) {
            return true;
        }
    }
    return false;
}

enum config_shape config_shape_of(const char *key, const struct config_row **row)
{
    const char *inside = inside_cluster(key);
    if (inside != NULL) {
        return config_of_whole_file(inside) ? CONFIG_UNKNOWN : config_shape_of(inside, row);
    }
    size_t length = strlen(key);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (strncmp(rows[i].key, key, length) != 0) {
            continue;
        }
        const char *rest = rows[i].key + length;
        if (row != NULL) {
            *row = &rows[i];
        }
        if (*rest == '\0') {
            return rows[i].type == CONFIG_KEYS ? CONFIG_SECTION : CONFIG_LEAF;
        }
        if (strcmp(rest, "[]") == 0) {
            return CONFIG_LEAF_LIST;
        }
        if (*rest == '.') {
            return CONFIG_SECTION;
        }
        if (str_starts(rest, "[].")) {
            return CONFIG_SECTION_LIST;
        }
    }
    return CONFIG_UNKNOWN;
}

const char *config_nearest(const char *section, const char *word)
{
    static char names[NAMES_MAX][NAME_MAX_BYTES];
    const char *list[NAMES_MAX];
    size_t count = 0;
    const char *inside = inside_cluster(section);
    section = inside != NULL ? inside : strcmp(section, entry) == 0 ? "" : section;
    size_t length = strlen(section);
    for (size_t i = 0; i < ARRAY_COUNT(rows) && count < NAMES_MAX; i++) {
        const char *rest = rows[i].key;
        if (length > 0) {
            if (strncmp(rest, section, length) != 0 || rest[length] != '.') {
                continue;
            }
            rest += length + 1;
        }
        size_t name = strcspn(rest, ".[");
        if (name >= NAME_MAX_BYTES) {
            continue;
        }
        memcpy(names[count], rest, name);
        names[count][name] = '\0';
        list[count] = names[count];
        count++;
    }
    return str_nearest(word, list, count);
}

static int convert_choice(const struct config_row *row, const char *text, json_t **out, struct err *err)
{
    char *copy = xstrdup(row->choices);
    const char *words[16];
    size_t count = 0;
    char *rest = copy;
    for (char *word; count < ARRAY_COUNT(words) && (word = strtok_r(rest, "|", &rest)) != NULL;) {
        words[count++] = word;
    }
    const char *near = str_nearest(text, words, count);
    int failed = 0;
    if (near != NULL && strcmp(near, text) == 0) {
        *out = json_string(text);
    } else {
        failed = err_set(err, ERR_CONFIG, "must be one of %s, not \"%s\"", row->choices, text);
        if (near != NULL) {
            err_hint(err, "did you mean %s?", near);
        }
    }
    free(copy);
    return failed;
}

static int convert_bool(const char *text, json_t **out, struct err *err)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0) {
        return err_set(err, ERR_CONFIG, "must be true or false, not \"%s\"", text);
    }
    *out = json_boolean(yes);
    return 0;
}

static int convert_number(const char *text, json_t **out, struct err *err)
{
    char *end;
    double value = strtod(text, &end);
    if (strspn(text, "0123456789.eE+-") != strlen(text) || *text == '\0' || *end != '\0' || !isfinite(value) || value < 0) {
        return err_set(err, ERR_CONFIG, "must be a number from 0 up, not \"%s\"", text);
    }
    *out = json_real(value);
    return 0;
}

/* Conversions that give an integer in the type's unit. */
static int convert_integer(const struct config_row *row, const char *text, json_t **out, struct err *err)
{
    int64_t value = 0;
    struct err inner = {0};
    int failed;
    switch (row->type) {
    case CONFIG_DURATION:
        failed = duration_parse(text, &value, &inner);
        break;
    case CONFIG_CPU:
        failed = quantity_cpu(text, strlen(text), &value, &inner);
        break;
    case CONFIG_MEMORY:
        failed = quantity_memory(text, strlen(text), &value, &inner);
        break;
    default:
        failed = str_int64(text, 0, INT64_MAX, &value);
        if (failed) {
            err_set(&inner, ERR_CONFIG, "must be a whole number from 0 up, not \"%s\"", text);
        }
        break;
    }
    if (failed) {
        err_set(err, ERR_CONFIG, "%s", inner.message);
        return err_hint(err, "%s", inner.hint);
    }
    *out = json_integer(value);
    return 0;
}

int config_convert(const struct config_row *row, const char *text, json_t **out, struct err *err)
{
    int64_t instant;
    switch (row->type) {
    case CONFIG_CHOICE:
        return convert_choice(row, text, out, err);
    case CONFIG_BOOL:
        return convert_bool(text, out, err);
    case CONFIG_NUMBER:
        return convert_number(text, out, err);
    case CONFIG_INTEGER:
    case CONFIG_DURATION:
    case CONFIG_CPU:
    case CONFIG_MEMORY:
        return convert_integer(row, text, out, err);
    case CONFIG_TIME:
        if (time_parse(text, &instant, err)) {
            err->class = ERR_CONFIG;
            return -1;
        }
        break;
    case CONFIG_STRING:
    case CONFIG_PATH:
    case CONFIG_MAP:
    case CONFIG_KEYS:
        break;
    }
    *out = json_string_safe(text);
    return 0;
}

const char *config_type_name(enum config_type type)
{
    static const char *const names[] = {
        [CONFIG_STRING] = "text",   [CONFIG_PATH] = "path",         [CONFIG_BOOL] = "true or false",
        [CONFIG_INTEGER] = "whole number", [CONFIG_NUMBER] = "number", [CONFIG_DURATION] = "duration",
        [CONFIG_CPU] = "CPU",       [CONFIG_MEMORY] = "memory",     [CONFIG_TIME] = "time",
        [CONFIG_CHOICE] = "choice", [CONFIG_MAP] = "map of texts",  [CONFIG_KEYS] = "map of keys",
    };
    return names[type];
}
