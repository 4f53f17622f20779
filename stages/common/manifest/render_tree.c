#include "stages/common/manifest/render_tree.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/yaml.h"

enum {
    RULES_MAX = 1024 * 1024,
    FILES_MAX = 5000,
    FOLDERS_DEEP = 32,
    REFERENCE_MAX = 1024,
    VALUES_MAX = 100000
};

/* Keys of a kustomization that name files or folders, and what those are. */
static const struct {
    const char *key;
    enum tree_role role;
} keys[] = {
    {"resources", TREE_RESOURCE},
    {"bases", TREE_RESOURCE},
    {"components", TREE_RESOURCE},
    {"patches", TREE_PATCH},
    {"patchesJson6902", TREE_PATCH},
    {"patchesStrategicMerge", TREE_PATCH},
    {"configurations", TREE_OTHER},
    {"crds", TREE_OTHER},
    {"generators", TREE_OTHER},
    {"transformers", TREE_OTHER},
    {"validators", TREE_OTHER},
    {"replacements", TREE_OTHER},
    {"configMapGenerator", TREE_OTHER},
    {"secretGenerator", TREE_OTHER},
    {"openapi", TREE_OTHER},
};

/* Keys below them whose text is never the name of a file. */
static const char *const texts[] = {"literals",  "patch",    "target", "options", "name",
                                    "namespace", "behavior", "type",   "source",  "targets"};

/* A small YAML file that is open. */
struct rules {
    struct buf bytes;
    struct arena arena;
    struct yaml_stream *stream;
    struct yaml_document document;
    size_t seen; /* values, those behind aliases each time */
};

static void rules_close(struct rules *rules)
{
    yaml_close(rules->stream);
    arena_release(&rules->arena);
    buf_release(&rules->bytes);
}

/* Opens a file and reads its first document; a close is due either way. False when there is none. */
static bool rules_open(const char *path, struct rules *rules)
{
    struct yaml_fault fault;
    struct err ignored = {0};
    *rules = (struct rules){.stream = NULL};
    buf_init(&rules->bytes, RULES_MAX);
    arena_init(&rules->arena);
    return fs_read(path, &rules->bytes, &ignored) == 0 &&
           yaml_open(buf_str(&rules->bytes), rules->bytes.length, NULL, &rules->stream, &fault, &ignored) ==
               0 &&
           yaml_next(rules->stream, &rules->arena, &rules->document, &fault, &ignored) == 1 &&
           rules->document.root != NULL;
}

static const char *rules_text(struct rules *rules, const char *key)
{
    return yaml_string(&rules->arena, yaml_get(rules->stream, rules->document.root, key));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool kustomization_named(const char *path)
{
    const char *name = base_name(path);
    return str_equal(name, "kustomization.yaml") || str_equal(name, "kustomization.yml") ||
           str_equal(name, "Kustomization");
}

bool kustomization_is(const char *path)
{
    struct rules rules;
    bool is = kustomization_named(path) && rules_open(path, &rules);
    if (kustomization_named(path)) {
        const char *version = is ? rules_text(&rules, "apiVersion") : NULL;
        is = is && yaml_resolve(rules.document.root)->kind == YAML_KIND_MAPPING &&
             (version == NULL || str_starts(version, "kustomize.config.k8s.io/"));
        rules_close(&rules);
    }
    return is;
}

bool chart_is(const char *folder, bool *library)
{
    struct rules rules;
    char *path = fs_join(folder, "Chart.yaml");
    bool is = rules_open(path, &rules);
    is = is && rules_text(&rules, "name") != NULL && rules_text(&rules, "apiVersion") != NULL;
    *library = is && str_equal(rules_text(&rules, "type"), "library");
    rules_close(&rules);
    free(path);
    return is;
}

char *chart_name(const char *folder)
{
    struct rules rules;
    char *path = fs_join(folder, "Chart.yaml");
    char *name = rules_open(path, &rules) ? xstrdup_null(rules_text(&rules, "name")) : NULL;
    rules_close(&rules);
    free(path);
    return name;
}

/* Whether a file is in the tree already. */
static bool has_file(const struct render_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->files[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds a file; steals `path`. */
static void add_file(struct render_tree *tree, char *path, enum tree_role role, size_t depth)
{
    if (tree->count == FILES_MAX) {
        tree->overflow = true;
        free(path);
        return;
    }
    GROW(tree->files, tree->capacity, tree->count + 1);
    tree->files[tree->count++] = (struct tree_file){.path = path, .role = role, .depth = depth};
}

/* The role of a file of a chart; `subcharts` is how many charts/ lead to it. */
static enum tree_role chart_role(const char *name, bool at_root)
{
    if (!at_root) {
        return TREE_OTHER;
    }
    return str_equal(name, "Chart.yaml")                                     ? TREE_RULES
           : str_equal(name, "values.yaml") || str_equal(name, "values.yml") ? TREE_VALUES
                                                                             : TREE_OTHER;
}

/* Everything below a chart's folder. Links to folders are not followed. `charts` counts the charts around. */
static void walk_chart(struct render_tree *tree, const char *folder, size_t depth, size_t charts,
                       bool at_root)
{
    DIR *dir = depth > FOLDERS_DEEP ? NULL : opendir(folder);
    tree->overflow = tree->overflow || depth > FOLDERS_DEEP;
    for (const struct dirent *entry = dir == NULL ? NULL : readdir(dir); entry != NULL && !tree->overflow;
         entry = readdir(dir)) {
        struct stat info;
        const char *name = entry->d_name;
        if (str_equal(name, ".") || str_equal(name, "..") || str_equal(name, ".git")) {
            continue;
        }
        char *path = fs_join(folder, name);
        if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
            bool subchart = str_equal(base_name(folder), "charts");
            walk_chart(tree, path, depth + 1, charts + subchart, subchart);
            free(path);
        } else if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            add_file(tree, path, chart_role(name, at_root), charts);
        } else {
            free(path);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* New absolute path without "." and ".." steps. */
static char *absolute(const char *folder, const char *reference)
{
    char *joined = fs_join(folder, reference);
    char *out = xcalloc(strlen(joined) + 2);
    size_t length = 0;
    for (const char *at = joined; *at != '\0';) {
        at += strspn(at, "/");
        size_t step = strcspn(at, "/");
        if (step == 2 && at[0] == '.' && at[1] == '.') {
            while (length > 0 && out[--length] != '/') {
            }
        } else if (step > 0 && !(step == 1 && at[0] == '.')) {
            out[length++] = '/';
            memcpy(out + length, at, step);
            length += step;
        }
        at += step;
    }
    out[length] = '\0';
    free(joined);
    return out;
}

/* Whether kustomize would fetch it. */
static bool is_remote(const char *text, enum tree_role role)
{
    return strstr(text, "://") != NULL ||
           (role == TREE_RESOURCE &&
            (str_starts(text, "git@") || str_starts(text, "git::") || str_starts(text, "github.com/") ||
             strstr(text, "?ref=") != NULL || strstr(text, "//") != NULL));
}

static void read_kustomization(struct render_tree *tree, const char *folder, size_t depth);

/* One text that may name a file or a folder. */
static void take_reference(struct render_tree *tree, const char *folder, const char *text,
                           enum tree_role role, size_t depth)
{
    struct stat info;
    const char *equals = role == TREE_OTHER ? strchr(text, '=') : NULL;
    if (strchr(text, '\n') != NULL || strlen(text) > REFERENCE_MAX || text[0] == '\0') {
        return;
    }
    char *path = absolute(folder, equals == NULL ? text : equals + 1);
    if (stat(path, &info) != 0) {
        if (is_remote(text, role) && tree->remote == NULL) {
            tree->remote = xstrdup(text);
        }
    } else if (S_ISDIR(info.st_mode)) {
        read_kustomization(tree, path, depth + 1);
    } else if (S_ISREG(info.st_mode) && !has_file(tree, path)) {
        add_file(tree, path, role, depth);
        return;
    }
    free(path);
}

static bool is_text_key(const struct yaml_node *key)
{
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (yaml_text_is(key, texts[i])) {
            return true;
        }
    }
    return false;
}

/* All texts below a node. */
static void take_value(struct render_tree *tree, struct rules *rules, const char *folder,
                       struct yaml_node *node, enum tree_role role, size_t depth)
{
    node = yaml_resolve(node);
    tree->overflow = tree->overflow || ++rules->seen > VALUES_MAX;
    if (node == NULL || tree->overflow) {
        return;
    }
    if (node->kind == YAML_KIND_SCALAR) {
        const char *text = yaml_string(&rules->arena, node);
        if (text != NULL) {
            take_reference(tree, folder, text, role, depth);
        }
    } else if (node->kind == YAML_KIND_SEQUENCE) {
        for (struct yaml_node *item = node->first; item != NULL; item = item->next) {
            take_value(tree, rules, folder, item, role, depth);
        }
    } else {
        for (struct yaml_node *key = node->first; key != NULL && key->next != NULL; key = key->next->next) {
            if (!is_text_key(key)) {
                take_value(tree, rules, folder, key->next, role, depth);
            }
        }
    }
}

/* The file of a folder's kustomization; NULL when there is none. free(). */
static char *rules_of(const char *folder)
{
    static const char *const names[] = {"kustomization.yaml", "kustomization.yml", "Kustomization"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct stat info;
        char *path = fs_join(folder, names[i]);
        if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            return path;
        }
        free(path);
    }
    return NULL;
}

/* What the kustomization of a folder names; a folder is read once. */
static void read_kustomization(struct render_tree *tree, const char *folder, size_t depth)
{
    char *path = rules_of(folder);
    struct rules rules;
    if (path == NULL || depth > FOLDERS_DEEP || has_file(tree, path)) {
        tree->overflow = tree->overflow || depth > FOLDERS_DEEP;
        free(path);
        return;
    }
    bool open = rules_open(path, &rules);
    add_file(tree, path, TREE_RULES, depth);
    for (size_t i = 0; open && i < ARRAY_COUNT(keys); i++) {
        take_value(tree, &rules, folder, yaml_get(rules.stream, rules.document.root, keys[i].key),
                   keys[i].role, depth);
    }
    rules_close(&rules);
}

void render_tree_read(enum render_tool tool, const char *folder, struct render_tree *out)
{
    *out = (struct render_tree){.folder = realpath(folder, NULL)};
    if (out->folder == NULL) {
        return;
    }
    if (tool == RENDER_HELM) {
        walk_chart(out, out->folder, 0, 0, true);
    } else {
        read_kustomization(out, out->folder, 0);
    }
}

void render_tree_release(struct render_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->files[i].path);
    }
    free(tree->files);
    free(tree->folder);
    free(tree->remote);
    *tree = (struct render_tree){0};
}
