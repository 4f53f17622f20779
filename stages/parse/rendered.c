#include "stages/parse/rendered.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "stages/common/manifest/render_tree.h"

/* The sorting at work. Sets are JSON objects: their keys are resolved paths. */
struct sorting {
    struct rendered *out;
    const struct file_list *files;
    json_t *charts; /* folder of a chart → the folder as it was reached */
    json_t *rules;  /* file of a kustomization → its index among the files */
    json_t *bases;  /* … → true: another kustomization names it */
    json_t *parts;  /* file → the folder that is rendered with it */
    json_t *noted;  /* folder as reached + owner → index of the entry that counts its parts */
};

static struct rendered_entry *add_entry(struct rendered *out, char *path)
{
    GROW(out->entries, out->capacity, out->count + 1);
    struct rendered_entry *entry = &out->entries[out->count++];
    *entry = (struct rendered_entry){.path = path};
    return entry;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* New resolved path; that itself where it cannot be. */
static char *resolved(const char *path)
{
    char *real = realpath(path, NULL);
    return real == NULL ? xstrdup(path) : real;
}

static void find_chart(struct sorting *sorting, const char *path)
{
    bool library;
    char *folder = fs_dirname(path);
    if (chart_is(folder, &library)) {
        char *real = resolved(folder);
        json_object_set_new(sorting->charts, real, json_string_safe(folder));
        free(real);
    }
    free(folder);
}

/* The folder of the chart that a resolved path lies in, as a key of `charts`; NULL when there is none. */
static const char *chart_around(const struct sorting *sorting, const char *real)
{
    char *folder = xstrdup(real);
    const char *found = NULL;
    for (char *slash = strrchr(folder, '/'); slash != NULL && found == NULL; slash = strrchr(folder, '/')) {
        *slash = '\0';
        json_t *reached = json_object_get(sorting->charts, folder);
        found = reached == NULL ? NULL : json_object_iter_key(json_object_iter_at(sorting->charts, folder));
    }
    free(folder);
    return found;
}

/* Whether a chart is a subchart: it lies in the folder charts/ of another one. */
static bool is_subchart(const struct sorting *sorting, const char *real)
{
    char *charts = fs_dirname(real);
    char *parent = fs_dirname(charts);
    bool is = str_equal(base_name(charts), "charts") && json_object_get(sorting->charts, parent) != NULL;
    free(parent);
    free(charts);
    return is;
}

/* Takes the subcharts out of the charts; nested ones too, as the chart above them is looked at before it
 * goes. */
static void drop_subcharts(struct sorting *sorting)
{
    json_t *kept = json_object();
    const char *real;
    json_t *folder;
    json_object_foreach(sorting->charts, real, folder)
    {
        if (!is_subchart(sorting, real)) {
            json_object_set(kept, real, folder);
        }
    }
    json_decref(sorting->charts);
    sorting->charts = kept;
}

static void add_charts(struct sorting *sorting)
{
    const char *real;
    json_t *folder;
    json_object_foreach(sorting->charts, real, folder)
    {
        struct rendered_entry *entry = add_entry(sorting->out, xstrdup(json_string_value(folder)));
        entry->tool = RENDER_HELM;
        entry->folder = true;
        chart_is(real, &entry->library);
    }
}

/* A kustomization among the files. */
struct kustomization {
    char *folder;      /* as reached */
    const char *rules; /* its file, resolved; borrowed */
    struct render_tree tree;
};

/* The rules of other kustomizations that one is made of are bases. */
static void mark_bases(struct sorting *sorting, const struct kustomization *kustomization)
{
    for (size_t i = 0; i < kustomization->tree.count; i++) {
        char *real = resolved(kustomization->tree.files[i].path);
        if (kustomization->tree.files[i].role == TREE_RULES && !str_equal(real, kustomization->rules)) {
            json_object_set_new(sorting->bases, real, json_true());
        }
        free(real);
    }
}

static char *trouble_of(const struct kustomization *kustomization)
{
    const char *folder = kustomization->folder;
    if (kustomization->tree.remote != NULL) {
        return xasprintf(
            "the kustomization %s names %s, which is not in the tree, and nothing is fetched: build it "
            "(kustomize build) and name the result",
            folder, kustomization->tree.remote);
    }
    return kustomization->tree.overflow ? xasprintf("the kustomization %s is made of too many files", folder)
                                        : NULL;
}

/* Adds a kustomization as a folder to render, and marks what it is made of. */
static void add_kustomization(struct sorting *sorting, const struct kustomization *kustomization)
{
    const struct render_tree *tree = &kustomization->tree;
    struct rendered_entry *entry = add_entry(sorting->out, xstrdup(kustomization->folder));
    entry->tool = RENDER_KUSTOMIZE;
    entry->folder = true;
    entry->trouble = trouble_of(kustomization);
    for (size_t i = 0; i < tree->count; i++) {
        char *real = resolved(tree->files[i].path);
        if (json_object_get(sorting->parts, real) == NULL) {
            json_object_set_new(sorting->parts, real, json_string_safe(kustomization->folder));
        }
        free(real);
    }
}

/* Those that are the base of another one, found before or after it, are none to render. */
static void add_kustomizations(struct sorting *sorting)
{
    struct kustomization *found = xcalloc_array(json_object_size(sorting->rules) + 1, sizeof *found);
    size_t count = 0;
    const char *real;
    json_t *index;
    json_object_foreach(sorting->rules, real, index)
    {
        if (chart_around(sorting, real) == NULL) {
            struct kustomization *one = &found[count++];
            one->folder = fs_dirname(sorting->files->paths[json_integer_value(index)]);
            one->rules = real;
            render_tree_read(RENDER_KUSTOMIZE, one->folder, &one->tree);
            mark_bases(sorting, one);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (json_object_get(sorting->bases, found[i].rules) == NULL) {
            add_kustomization(sorting, &found[i]);
        }
        render_tree_release(&found[i].tree);
        free(found[i].folder);
    }
    free(found);
}

/* Counts a file of a kustomization: a note per folder says whose part its files are, but for the
 * kustomization's own, of which its workloads or its own note speak. */
static void count_part(struct sorting *sorting, const char *path, const char *owner)
{
    char *folder = fs_dirname(path);
    if (!str_equal(folder, owner)) {
        char *key = xasprintf("%s\n%s", folder, owner);
        json_t *known = json_object_get(sorting->noted, key);
        if (known == NULL) {
            known = json_integer((json_int_t)sorting->out->count);
            json_object_set_new(sorting->noted, key, known);
            add_entry(sorting->out, xstrdup(folder))->owner = xstrdup(owner);
        }
        sorting->out->entries[json_integer_value(known)].parts++;
        free(key);
    }
    free(folder);
}

/* A file is part of a chart, part of a kustomization, or read by itself. */
static void sort_file(struct sorting *sorting, const char *path)
{
    char *real = resolved(path);
    const char *owner = json_string_value(json_object_get(sorting->parts, real));
    if (chart_around(sorting, real) == NULL) {
        if (owner == NULL) {
            add_entry(sorting->out, xstrdup(path));
        } else {
            count_part(sorting, path, owner);
        }
    }
    free(real);
}

static int kind_of(const struct rendered_entry *entry)
{
    return entry->owner != NULL ? 0 : 1; /* the note on the parts comes before what they make */
}

static int compare_entries(const void *a, const void *b)
{
    const struct rendered_entry *left = a;
    const struct rendered_entry *right = b;
    int paths = strcmp(left->path, right->path);
    if (paths != 0) {
        return paths;
    }
    return kind_of(left) != kind_of(right) ? kind_of(left) - kind_of(right)
                                           : str_compare(left->owner, right->owner);
}

void rendered_find(struct rendered *out, const struct file_list *files)
{
    struct sorting sorting = {.out = out,
                              .files = files,
                              .charts = json_object(),
                              .rules = json_object(),
                              .bases = json_object(),
                              .parts = json_object(),
                              .noted = json_object()};
    for (size_t i = 0; i < files->count; i++) {
        const char *path = files->paths[i];
        if (str_equal(base_name(path), "Chart.yaml")) {
            find_chart(&sorting, path);
        } else if (kustomization_is(path)) {
            char *real = resolved(path);
            json_object_set_new(sorting.rules, real, json_integer((json_int_t)i));
            free(real);
        }
    }
    drop_subcharts(&sorting);
    add_charts(&sorting);
    add_kustomizations(&sorting);
    for (size_t i = 0; i < files->count; i++) {
        sort_file(&sorting, files->paths[i]);
    }
    if (out->count > 1) {
        qsort(out->entries, out->count, sizeof *out->entries, compare_entries);
    }
    json_decref(sorting.charts);
    json_decref(sorting.rules);
    json_decref(sorting.bases);
    json_decref(sorting.parts);
    json_decref(sorting.noted);
}

/* The chart in a folder, NULL when it is none of those found. */
static struct rendered_entry *chart_in(struct rendered *rendered, const char *folder)
{
    struct rendered_entry *found = NULL;
    char *wanted = resolved(folder);
    for (size_t i = 0; i < rendered->count && found == NULL; i++) {
        struct rendered_entry *entry = &rendered->entries[i];
        if (entry->folder && entry->tool == RENDER_HELM) {
            char *real = resolved(entry->path);
            found = str_equal(real, wanted) ? entry : NULL;
            free(real);
        }
    }
    free(wanted);
    return found;
}

int rendered_configure(struct rendered *rendered, const json_t *charts, struct err *err)
{
    size_t index;
    json_t *chart;
    json_array_foreach(charts, index, chart)
    {
        struct render_settings ignored;
        const char *folder = json_string_or_null(chart, "folder");
        struct rendered_entry *entry = folder == NULL ? NULL : chart_in(rendered, folder);
        if (folder == NULL) {
            return err_set(err, ERR_CONFIG, "render.charts[%zu] names no folder", index);
        }
        if (render_settings_over(&rendered->settings, chart, &ignored, err)) {
            err->class = ERR_CONFIG;
            return err_prefix(err, "render.charts[%zu]", index);
        }
        if (entry != NULL) { /* another run may read other folders */
            entry->own = chart;
        }
    }
    return 0;
}

/* What the header says of a folder. */
static json_t *folder_settings(const struct rendered_entry *entry)
{
    static const char *const keys[] = {"release", "namespace", "values"};
    json_t *out = json_pack("{s:o, s:s}", "folder", json_string_safe(entry->path), "rendered",
                            render_tool_name(entry->tool));
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        json_t *value = json_object_get(entry->own, keys[i]);
        if (value != NULL && !json_is_null(value)) {
            json_object_set(out, keys[i], value);
        }
    }
    return out;
}

json_t *rendered_settings(const struct rendered *rendered)
{
    json_t *settings = render_settings_json(&rendered->settings);
    json_t *folders = json_array();
    for (size_t i = 0; i < rendered->count; i++) {
        const struct rendered_entry *entry = &rendered->entries[i];
        if (entry->folder && !entry->library) {
            json_array_append_new(folders, folder_settings(entry));
        }
    }
    json_object_set_new(settings, "folders", folders);
    return settings;
}

static int note_parts(struct intake *intake, const struct rendered_entry *entry, struct err *err)
{
    struct intake_place place = {.file = entry->path};
    bool one = entry->parts == 1;
    char *message = xasprintf(
        "%zu file%s of this folder %s part of the kustomization %s: read as that is rendered, not by %s",
        entry->parts, one ? "" : "s", one ? "is" : "are", entry->owner, one ? "itself" : "themselves");
    int failed = intake_note(intake, &place, "rendered", message, err);
    free(message);
    return failed;
}

/* The text of a folder, or a note why there is none: 1, 0, or -1 where the run ends. */
static int render(struct rendered *rendered, const struct rendered_entry *entry, struct intake *intake,
                  struct err *err)
{
    struct intake_place place = {.file = entry->path};
    struct err why = {0};
    buf_clear(&rendered->text);
    if (entry->trouble != NULL) {
        return intake_error(intake, &place, "render-failed", entry->trouble, err) ? -1 : 0;
    }
    struct render_settings settings;
    if (render_settings_over(&rendered->settings, entry->own, &settings, &why) == 0 &&
        render_folder(&settings, entry->tool, entry->path, &rendered->text, &why) == 0) {
        return 1;
    }
    char *message = xasprintf("%s%s%s", why.message, why.hint[0] == '\0' ? "" : "; ", why.hint);
    int failed = intake_error(
        intake, &place, why.class == ERR_UNAVAILABLE ? "render-missing" : "render-failed", message, err);
    free(message);
    return failed ? -1 : 0;
}

int rendered_take(struct rendered *rendered, const struct rendered_entry *entry, struct intake *intake,
                  struct err *err)
{
    struct intake_place place = {.file = entry->path};
    struct intake_found found;
    if (entry->owner != NULL) {
        return note_parts(intake, entry, err);
    }
    if (entry->library) {
        return intake_note(intake, &place, "no-workload",
                           "the folder is a library chart: it renders to nothing", err);
    }
    int got = render(rendered, entry, intake, err);
    if (got <= 0) {
        return got;
    }
    struct intake_text text = {.file = entry->path,
                               .rendered = render_tool_name(entry->tool),
                               .bytes = buf_str(&rendered->text),
                               .length = rendered->text.length};
    if (intake_text(intake, &text, &found, err)) {
        return -1;
    }
    bool empty = intake->records.count == found.records; /* not even a note */
    intake_accept(intake, &found);
    return empty ? intake_note(intake, &place, "no-workload", "what the folder renders to holds no workload",
                               err)
                 : 0;
}

void rendered_release(struct rendered *rendered)
{
    for (size_t i = 0; i < rendered->count; i++) {
        free(rendered->entries[i].path);
        free(rendered->entries[i].owner);
        free(rendered->entries[i].trouble);
    }
    free(rendered->entries);
    buf_release(&rendered->text);
    *rendered = (struct rendered){0};
}
