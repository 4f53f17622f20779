/*
 * The configuration as one of its clusters sees it: the entry of `clusters` over the rest of the file, and defaults below both. Sections
 * are merged key by key; a list, a map of texts and a value take the place of what stands above; null is as if nobody had given the
 * key. So what a cluster sees is what a file of its own would say, and every reader of a configuration serves for it.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/config_internal.h"
#include "pipeline/cli/config_schema.h"

enum { KEY_MAX = 256, PREFIX_MAX = 32 };

/* Ways to do one thing, of which a place has one: an entry that gives the first does not get the second from the top. */
static const char *const instead[][2] = {
    {"metrics.basic", "metrics.bearer_token_file"},
    {"metrics.bearer_token_file", "metrics.basic"},
};

static bool is_section(const char *key)
{
    return config_shape_of(key, NULL) == CONFIG_SECTION;
}

/* Takes the value at a dotted key away. */
static void drop(json_t *root, const char *key)
{
    char parent[KEY_MAX];
    const char *last = strrchr(key, '.');
    snprintf(parent, sizeof parent, "%.*s", last == NULL ? 0 : (int)(last - key), key);
    json_object_del(last == NULL ? root : json_at(root, parent), last == NULL ? key : last + 1);
}

/* Puts the members of an entry's section over those of the same section of the file. `above` is where it stands ("" the top). */
static void merge(json_t *into, const json_t *entry, const char *above)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)entry, name, value)
    {
        char key[KEY_MAX];
        snprintf(key, sizeof key, "%s%s%s", above, *above == '\0' ? "" : ".", name);
        json_t *there = json_object_get(into, name);
        if (json_is_object(value) && json_is_object(there) && is_section(key)) {
            merge(there, value, key);
        } else {
            json_object_set_new(into, name, json_deep_copy(value));
        }
    }
}

/* What stands at a dotted key, the null of a section above it included: NULL where nothing is given there. */
static const json_t *given_at(const json_t *entry, const char *key)
{
    const json_t *at = entry;
    while (json_is_object(at)) {
        char step[KEY_MAX];
        size_t length = strcspn(key, ".");
        snprintf(step, sizeof step, "%.*s", (int)length, key);
        at = json_object_get(at, step);
        if (key[length] == '\0' || at == NULL) {
            return at;
        }
        key += length + 1;
    }
    return at;
}

static void drop_instead(json_t *root, const json_t *entry)
{
    for (size_t i = 0; i < ARRAY_COUNT(instead); i++) {
        const json_t *gives = given_at(entry, instead[i][0]);
        if (gives != NULL && !json_is_null(gives) && given_at(entry, instead[i][1]) == NULL) {
            drop(root, instead[i][1]);
        }
    }
}

/* Whether `key` is `above` or stands below it. */
static bool stands_in(const char *key, const char *above)
{
    size_t length = strlen(above);
    return strncmp(key, above, length) == 0 && (key[length] == '\0' || key[length] == '.' || key[length] == '[');
}

/* Forgets where the file gives what the entry has taken the place of. */
static void drop_lines(json_t *lines, const char *above)
{
    const char *key;
    json_t *line;
    void *next;
    json_object_foreach_safe(lines, next, key, line)
    {
        if (stands_in(key, above)) {
            json_object_del(lines, key);
        }
    }
}

/* Whether a key of the entry is merged with the one of the file, and not put in its place. */
static bool is_merged(const json_t *entry, const char *key)
{
    return is_section(key) && json_is_object(given_at(entry, key));
}

/* Where every key stands now: those of the entry there, the others where they stood. */
static void take_lines(struct config *view, const struct config *config, const json_t *entry, size_t index)
{
    char prefix[PREFIX_MAX];
    snprintf(prefix, sizeof prefix, "clusters[%zu].", index);
    view->lines = json_copy(config->lines);
    view->own = json_object();
    drop_lines(view->lines, "clusters");
    const char *key;
    json_t *line;
    json_object_foreach(config->lines, key, line)
    {
        const char *inside = str_starts(key, prefix) ? key + strlen(prefix) : NULL;
        if (inside != NULL && strchr(inside, '[') == NULL && !is_merged(entry, inside)) {
            drop_lines(view->lines, inside);
        }
    }
    json_object_foreach(config->lines, key, line)
    {
        if (str_starts(key, prefix)) {
            json_object_set(view->lines, key + strlen(prefix), line);
            json_object_set_new(view->own, key + strlen(prefix), json_string_safe(key));
        }
    }
}

struct config *config_for_cluster(const struct config *config, const char *name)
{
    const json_t *clusters = json_object_get(config->given, "clusters");
    size_t index = 0;
    while (index < json_array_size(clusters) && !str_equal(json_string_or_null(json_array_get(clusters, index), "cluster"), name)) {
        index++;
    }
    if (config->cluster != NULL || index == json_array_size(clusters)) {
        return NULL;
    }
    const json_t *entry = json_array_get(clusters, index);
    struct config *view = config_new(config->path, config->name);
    view->cluster = xstrdup(name);
    view->given = json_deep_copy(config->given);
    json_object_del(view->given, "clusters");
    drop_instead(view->given, entry);
    merge(view->given, entry, "");
    json_decref(view->lines);
    take_lines(view, config, entry, index);
    view->root = json_deep_copy(view->given);
    config_fill_defaults(view);
    return view;
}

/* Offers the near one of the names there are. */
static int unknown_cluster(const struct config *config, const char *name, struct err *err)
{
    const json_t *clusters = config_value(config, "clusters");
    const char **names = xcalloc_array(json_array_size(clusters), sizeof *names);
    for (size_t i = 0; i < json_array_size(clusters); i++) {
        names[i] = json_string_or_null(json_array_get(clusters, i), "cluster");
    }
    const char *near = str_nearest(name, names, json_array_size(clusters));
    err_set(err, ERR_USAGE, "--cluster: %s has no cluster \"%s\"", config->name, name);
    if (near != NULL) {
        err_hint(err, "did you mean %s?", near);
    } else {
        err_hint(err, "its clusters begin with %s; each is an entry of `clusters`", names[0]);
    }
    free(names);
    return -1;
}

int config_check_cluster(const struct config *config, const char *name, struct err *err)
{
    const json_t *clusters = config_value(config, "clusters");
    bool known = json_array_size(clusters) == 0 || str_equal(config_string(config, "cluster"), name);
    for (size_t i = 0; i < json_array_size(clusters) && !known; i++) {
        known = str_equal(json_string_or_null(json_array_get(clusters, i), "cluster"), name);
    }
    return known ? 0 : unknown_cluster(config, name, err);
}

int config_take_cluster(struct config **config, const char *name, struct err *err)
{
    struct config *view = config_for_cluster(*config, name);
    if (view == NULL) {
        return config_check_cluster(*config, name, err);
    }
    config_free(*config);
    *config = view;
    return 0;
}

const char *config_cluster(const struct config *config)
{
    return config->cluster;
}

bool config_own(const struct config *config, const char *key)
{
    return json_object_get(config->own, key) != NULL;
}
