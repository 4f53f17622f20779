#include "pipeline/cli/config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/config_internal.h"
#include "pipeline/cli/config_schema.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/yaml.h"

enum { CONFIG_BYTES_MAX = 1024 * 1024, KEY_MAX = 256 };

/* Where the walk through the file is: the key as config.def writes it, and as people see it. */
struct place {
    char schema[KEY_MAX];
    char shown[KEY_MAX];
};

struct loader {
    struct config *config;
    struct yaml_stream *stream;
    struct arena arena;
};

static int walk(struct loader *loader, struct yaml_node *node, const struct place *place, json_t **out, struct err *err);

static long line_of(struct loader *loader, const struct yaml_node *node)
{
    size_t line;
    size_t column;
    yaml_position(loader->stream, node->value, &line, &column);
    return (long)line;
}

/* Prefixes an error with file, line and key. */
static int locate(struct loader *loader, const struct yaml_node *node, const char *key, struct err *err)
{
    err->class = ERR_CONFIG;
    return err_prefix(err, "%s, line %ld: %s", loader->config->name, line_of(loader, node), key);
}

static int wrong(struct loader *loader, const struct yaml_node *node, const char *key, struct err *err, const char *sentence)
{
    err_set(err, ERR_CONFIG, "%s", sentence);
    return locate(loader, node, key, err);
}

static struct place below(const struct place *place, const char *name)
{
    struct place next;
    const char *dot = place->schema[0] == '\0' ? "" : ".";
    snprintf(next.schema, sizeof next.schema, "%.150s%s%.90s", place->schema, dot, name);
    snprintf(next.shown, sizeof next.shown, "%.150s%s%.90s", place->shown, dot, name);
    return next;
}

static struct place entry(const struct place *place, size_t index)
{
    struct place next;
    snprintf(next.schema, sizeof next.schema, "%.200s[]", place->schema);
    snprintf(next.shown, sizeof next.shown, "%.200s[%zu]", place->shown, index);
    return next;
}

static json_t *path_value(const struct loader *loader, const char *text)
{
    if (loader->config->directory == NULL || strcmp(loader->config->directory, ".") == 0) {
        return json_string_safe(text);
    }
    char *joined = fs_join(loader->config->directory, text);
    json_t *value = json_string_safe(joined);
    free(joined);
    return value;
}

static int leaf(struct loader *loader, struct yaml_node *node, const struct config_row *row, const char *shown,
                json_t **out, struct err *err)
{
    node = yaml_resolve(node);
    if (yaml_type_of(node) == YAML_TYPE_NULL) {
        *out = json_null();
        return 0;
    }
    if (node->kind != YAML_KIND_SCALAR) {
        return wrong(loader, node, shown, err, "must be a single value, not a list or a map");
    }
    const char *text = yaml_scalar(&loader->arena, node);
    if (text == NULL) {
        return wrong(loader, node, shown, err, "must not have a NUL character in it");
    }
    if (config_convert(row, text, out, err)) {
        return locate(loader, node, shown, err);
    }
    if (row->type == CONFIG_PATH) {
        json_decref(*out);
        *out = path_value(loader, text);
    }
    return 0;
}

static int string_map(struct loader *loader, struct yaml_node *node, const char *shown, json_t **out, struct err *err)
{
    node = yaml_resolve(node);
    if (yaml_type_of(node) == YAML_TYPE_NULL) {
        *out = json_null();
        return 0;
    }
    if (node->kind != YAML_KIND_MAPPING) {
        return wrong(loader, node, shown, err, "must be a map of names to texts");
    }
    json_t *map = json_object();
    for (struct yaml_node *key = node->first; key != NULL; key = key->next->next) {
        const char *name = yaml_scalar(&loader->arena, yaml_resolve(key));
        const char *text = yaml_scalar(&loader->arena, yaml_resolve(key->next));
        if (name == NULL || text == NULL) {
            json_decref(map);
            return wrong(loader, key, shown, err, "must be a map of names to texts");
        }
        json_object_set_new(map, name, json_string_safe(text));
    }
    *out = map;
    return 0;
}

static int list(struct loader *loader, struct yaml_node *node, const struct place *place, json_t **out, struct err *err)
{
    node = yaml_resolve(node);
    if (yaml_type_of(node) == YAML_TYPE_NULL) {
        *out = json_null();
        return 0;
    }
    if (node->kind != YAML_KIND_SEQUENCE) {
        return wrong(loader, node, place->shown, err, "must be a list");
    }
    json_t *array = json_array();
    *out = array;
    size_t index = 0;
    for (struct yaml_node *item = node->first; item != NULL; item = item->next) {
        struct place next = entry(place, index++);
        json_t *value = NULL;
        json_object_set_new(loader->config->lines, next.shown, json_integer(line_of(loader, item)));
        if (yaml_type_of(item) == YAML_TYPE_NULL) {
            return wrong(loader, item, next.shown, err, "is empty: write a value or take the entry out");
        }
        if (walk(loader, item, &next, &value, err)) {
            json_decref(value);
            return -1;
        }
        json_array_append_new(array, value);
    }
    return 0;
}

static int unknown_key(struct loader *loader, struct yaml_node *key, const struct place *place, const char *name,
                       struct err *err)
{
    const char *near = config_nearest(place->schema, name);
    char sentence[KEY_MAX * 2];
    snprintf(sentence, sizeof sentence, "there is no such key%s%s", place->schema[0] == '\0' ? "" : " in ", place->shown);
    wrong(loader, key, name, err, sentence);
    if (strcmp(place->schema, "clusters[]") == 0 && config_of_whole_file(name)) {
        return err_hint(err, "%s stands at the top of the file, for all clusters", name);
    }
    return near != NULL ? err_hint(err, "did you mean %s?", near) : err_hint(err, "the README lists every key");
}

/* The default of a row as a value; lists are words with blanks between. NULL where there is none. */
static json_t *default_value(const struct config_row *row, bool is_list)
{
    json_t *value = NULL;
    struct err none = {0};
    if (!is_list) {
        if (row->fallback != NULL) {
            config_convert(row, row->fallback, &value, &none);
        }
        return value;
    }
    value = json_array();
    char *copy = xstrdup(row->fallback == NULL ? "" : row->fallback);
    char *rest = copy;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        json_array_append_new(value, json_string(word));
    }
    free(copy);
    return value;
}

static int member(struct loader *loader, struct yaml_node *key, const struct place *place, json_t *object, struct err *err)
{
    const char *name = yaml_scalar(&loader->arena, yaml_resolve(key));
    if (name == NULL || strpbrk(name, ".[") != NULL) {
        return unknown_key(loader, key, place, name == NULL ? "?" : name, err);
    }
    struct place next = below(place, name);
    const struct config_row *row = NULL;
    enum config_shape shape = config_shape_of(next.schema, &row);
    if (shape == CONFIG_UNKNOWN) {
        return unknown_key(loader, key, place, name, err);
    }
    json_object_set_new(loader->config->lines, next.shown, json_integer(line_of(loader, key)));
    json_t *value = NULL;
    if (walk(loader, key->next, &next, &value, err)) {
        json_decref(value);
        return -1;
    }
    json_object_set_new(object, name, value);
    return 0;
}

static int section(struct loader *loader, struct yaml_node *node, const struct place *place, json_t **out, struct err *err)
{
    node = yaml_resolve(node);
    if (yaml_type_of(node) == YAML_TYPE_NULL) {
        *out = json_null();
        return 0;
    }
    if (node->kind != YAML_KIND_MAPPING) {
        return wrong(loader, node, place->shown[0] == '\0' ? "the file" : place->shown, err, "must be a map of keys");
    }
    *out = json_object();
    for (struct yaml_node *key = node->first; key != NULL; key = key->next->next) {
        if (member(loader, key, place, *out, err)) {
            return -1;
        }
    }
    return 0;
}

/* One value of the file by what config.def says of its key. *out is new even on failure, or NULL. */
static int walk(struct loader *loader, struct yaml_node *node, const struct place *place, json_t **out, struct err *err)
{
    const struct config_row *row = NULL;
    if (place->schema[0] == '\0') {
        return section(loader, node, place, out, err);
    }
    switch (config_shape_of(place->schema, &row)) {
    case CONFIG_LEAF:
        return row->type == CONFIG_MAP ? string_map(loader, node, place->shown, out, err)
                                       : leaf(loader, node, row, place->shown, out, err);
    case CONFIG_LEAF_LIST:
    case CONFIG_SECTION_LIST:
        return list(loader, node, place, out, err);
    case CONFIG_SECTION:
        return section(loader, node, place, out, err);
    case CONFIG_UNKNOWN:
        break;
    }
    return err_set(err, ERR_SOFTWARE, "config.def does not know \"%s\"", place->schema);
}

/* Sections whose presence says something: they stay null unless the file gives them. */
static bool optional_section(const char *name)
{
    static const char *const names[] = {"basic", "tls", "cluster_label", "automatic", "git", "match", "when"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Puts a row's default below `object`, where the file gave nothing; entries of lists of sections are filled one by one. */
static void fill_default(json_t *object, const char *key, const struct config_row *row)
{
    size_t length = strcspn(key, ".[");
    char name[KEY_MAX];
    snprintf(name, sizeof name, "%.*s", (int)length, key);
    const char *rest = key + length;
    json_t *at = json_object_get(object, name);
    if (*rest == '\0' || strcmp(rest, "[]") == 0) {
        json_t *value = at == NULL || json_is_null(at) ? default_value(row, *rest != '\0') : NULL;
        if (value != NULL) {
            json_object_set_new(object, name, value);
        }
        return;
    }
    if (*rest == '[') {
        if (!json_is_array(at)) {
            json_object_set_new(object, name, json_array());
            return;
        }
        size_t index;
        json_t *item;
        json_array_foreach(at, index, item)
        {
            fill_default(item, rest + 3, row);
        }
        return;
    }
    if ((at == NULL || json_is_null(at)) && !optional_section(name)) {
        at = json_object();
        json_object_set_new(object, name, at);
    }
    if (json_is_object(at)) {
        fill_default(at, rest + 1, row);
    }
}

void config_fill_defaults(struct config *config)
{
    size_t count;
    const struct config_row *rows = config_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].type != CONFIG_KEYS) {
            fill_default(config->root, rows[i].key, &rows[i]);
        }
    }
}

/* What stands in a second document would be ignored without a word. */
static int only_document(struct loader *loader, struct err *err)
{
    struct yaml_fault fault = {0};
    struct yaml_document document;
    int got;
    while ((got = yaml_next(loader->stream, &loader->arena, &document, &fault, err)) > 0) {
        if (document.root != NULL) {
            return wrong(loader, document.root, "the file", err, "has a second document; only one is read");
        }
    }
    if (got < 0) {
        err->class = ERR_CONFIG;
        return err_prefix(err, "%s, line %zu, column %zu", loader->config->name, fault.line, fault.column);
    }
    return 0;
}

static int load_document(struct loader *loader, const char *text, size_t length, struct err *err)
{
    struct yaml_fault fault = {0};
    struct config *config = loader->config;
    struct yaml_limits limits = yaml_default_limits;
    limits.max_document_bytes = CONFIG_BYTES_MAX; /* aliases make no more of a file than a file may be */
    if (yaml_open(text, length, &limits, &loader->stream, &fault, err)) {
        err->class = ERR_CONFIG;
        return err_prefix(err, "%s, line %zu", config->name, fault.line);
    }
    struct yaml_document document;
    int got = yaml_next(loader->stream, &loader->arena, &document, &fault, err);
    if (got < 0) {
        err->class = ERR_CONFIG;
        return err_prefix(err, "%s, line %zu, column %zu", config->name, fault.line, fault.column);
    }
    if (got == 0 || document.root == NULL) {
        config->root = json_object();
        return got == 0 ? 0 : only_document(loader, err);
    }
    struct yaml_node *twice = yaml_duplicate(document.root);
    if (twice != NULL) {
        const char *name = yaml_scalar(&loader->arena, twice);
        return wrong(loader, twice, name == NULL ? "?" : name, err, "this key stands here twice");
    }
    struct place top = {0};
    return walk(loader, document.root, &top, &config->root, err) || only_document(loader, err) ? -1 : 0;
}

static int check_version(const struct config *config, struct err *err)
{
    int64_t version = json_int_or(config->root, "version", 1);
    if (version != 1) {
        err_set(err, ERR_CONFIG, "%s has version %" PRId64 "; this program reads version 1", config->name, version);
        return err_hint(err, "use a newer tare, or write version: 1");
    }
    return 0;
}

/* A record is told from those of other clusters by the name alone. */
static int check_clusters(const struct config *config, struct err *err)
{
    const json_t *clusters = config_value(config, "clusters");
    size_t index;
    json_t *item;
    json_array_foreach(clusters, index, item)
    {
        char key[KEY_MAX];
        snprintf(key, sizeof key, "clusters[%zu]", index);
        const char *name = json_string_or_null(item, "cluster");
        if (name == NULL || *name == '\0') {
            return config_error(config, err, key, "has no `cluster`, the name that its records bear");
        }
        for (size_t i = 0; i < index; i++) {
            if (str_equal(json_string_or_null(json_array_get(clusters, i), "cluster"), name)) {
                return config_error(config, err, key, "has the same `cluster` as clusters[%zu]: %s", i, name);
            }
        }
    }
    return 0;
}

static int parse_into(struct config *config, const char *text, size_t length, struct err *err)
{
    struct loader loader = {.config = config};
    arena_init(&loader.arena);
    int failed = load_document(&loader, text, length, err);
    yaml_close(loader.stream);
    arena_release(&loader.arena);
    if (failed) {
        return -1;
    }
    if (!json_is_object(config->root)) {
        json_decref(config->root);
        config->root = json_object();
    }
    config->given = json_deep_copy(config->root);
    config_fill_defaults(config);
    return check_version(config, err) || check_clusters(config, err) ? -1 : 0;
}

struct config *config_new(const char *path, const char *name)
{
    struct config *config = xcalloc(sizeof *config);
    config->path = xstrdup_null(path);
    config->name = xstrdup(name);
    config->directory = path == NULL ? NULL : fs_dirname(path);
    config->lines = json_object();
    return config;
}

int config_parse(const char *text, size_t length, const char *name, struct config **out, struct err *err)
{
    struct config *config = config_new(NULL, name);
    if (parse_into(config, text, length, err)) {
        config_free(config);
        return -1;
    }
    *out = config;
    return 0;
}

int config_load(const char *path, struct config **out, struct err *err)
{
    if (path == NULL) {
        return config_parse("", 0, "the defaults", out, err);
    }
    struct config *config = config_new(path, path);
    struct buf text;
    buf_init(&text, CONFIG_BYTES_MAX);
    int failed = fs_read(path, &text, err);
    if (failed) {
        err->class = err->class == ERR_DATA ? ERR_CONFIG : err->class;
        err_prefix(err, "configuration");
        err_hint(err, "it is named by --config, else by TARE_CONFIG; make one from the table in the README, or name another");
    }
    failed = failed || parse_into(config, buf_str(&text), text.length, err);
    buf_release(&text);
    if (failed) {
        config_free(config);
        return -1;
    }
    *out = config;
    return 0;
}

void config_free(struct config *config)
{
    if (config != NULL) {
        json_decref(config->root);
        json_decref(config->given);
        json_decref(config->lines);
        json_decref(config->own);
        free(config->cluster);
        free(config->directory);
        free(config->path);
        free(config->name);
        free(config);
    }
}

const char *config_path(const struct config *config)
{
    return config->path;
}

const json_t *config_value(const struct config *config, const char *key)
{
    const json_t *value = json_at(config->root, key);
    return json_is_null(value) ? NULL : value;
}

bool config_given(const struct config *config, const char *key)
{
    return json_object_get(config->lines, key) != NULL;
}

int config_error(const struct config *config, struct err *err, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_vset(err, ERR_CONFIG, format, args);
    va_end(args);
    char *place = config_place(config, key);
    int result = err_prefix(err, "%s", place);
    free(place);
    return result;
}

/* The line of a key; of one that the file does not give, that of the nearest entry or section around it which it does. */
static bool line_of_key(const struct config *config, const char *key, char **around, int64_t *line)
{
    *around = xstrdup(key);
    bool found = json_get_int(config->lines, *around, line);
    for (char *dot = strrchr(*around, '.'); !found && dot != NULL; dot = strrchr(*around, '.')) {
        *dot = '\0';
        found = json_get_int(config->lines, *around, line);
    }
    return found;
}

char *config_place(const struct config *config, const char *key)
{
    int64_t line;
    char *around;
    bool found = line_of_key(config, key, &around, &line);
    const char *own = found ? json_string_or_null(config->own, around) : NULL;
    const char *rest = own == NULL ? "" : key + strlen(around);
    const char *shown = own == NULL ? key : own;
    char *place = found ? xasprintf("%s, line %" PRId64 ": %s%s", config->name, line, shown, rest)
                        : xasprintf("%s: %s", config->name, shown);
    free(around);
    return place;
}

const char *config_string(const struct config *config, const char *key)
{
    return json_string_value(config_value(config, key));
}

int64_t config_integer(const struct config *config, const char *key, int64_t fallback)
{
    const json_t *value = config_value(config, key);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool config_flag(const struct config *config, const char *key)
{
    return json_is_true(config_value(config, key));
}

const json_t *config_root(const struct config *config)
{
    return config->root;
}

void config_reference(FILE *out)
{
    size_t count;
    const struct config_row *rows = config_rows(&count);
    fputs("| key | type | default | meaning |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "| `%s` | ", rows[i].key);
        for (const char *p = rows[i].choices == NULL ? config_type_name(rows[i].type) : rows[i].choices; *p != '\0'; p++) {
            fputs(*p == '|' ? ", " : (char[2]){*p, '\0'}, out);
        }
        fprintf(out, " | %s | %s |\n", rows[i].fallback == NULL ? "" : rows[i].fallback, rows[i].help);
    }
}
