#include "stages/diff/origin/bench.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "stages/common/edit/edit_splice.h"
#include "stages/diff/root_path.h"

enum { FILE_MAX = 16 * 1024 * 1024, OTHERS_MAX = 50, NAMED_RANK = 4, DEEPEST_RANK = 8 };

static void file_free(struct plain_file *file)
{
    free(file->path);
    free(file->relative);
    free(file->accepted.items);
    free(file->trying.items);
    buf_release(&file->bytes);
    arena_release(&file->arena);
    free(file);
}

void plain_files_release(struct plain_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        file_free(files->items[i]);
    }
    free(files->items);
    *files = (struct plain_files){0};
}

static struct plain_file *file_at(const struct plain_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->items[i]->path, path) == 0) {
            return files->items[i];
        }
    }
    return NULL;
}

/* Opens a plain file, or takes the one that an earlier folder edited. What cannot be read holds nothing. */
static void add_file(struct bench *bench, struct plain_files *files, const char *path, const char *root,
                     enum tree_role role, size_t depth, int rank)
{
    struct plain_file *file = file_at(files, path);
    struct err ignored = {0};
    for (size_t i = 0; i < bench->work.count; i++) {
        if (bench->work.files[i] == file && file != NULL) {
            file->rank = rank > file->rank ? rank : file->rank;
            return;
        }
    }
    if (file == NULL) {
        file = xcalloc(sizeof *file);
        file->path = xstrdup(path);
        file->relative = root_path(root, path);
        buf_init(&file->bytes, FILE_MAX);
        arena_init(&file->arena);
        if (fs_read(path, &file->bytes, &ignored)) {
            buf_clear(&file->bytes);
        }
        GROW(files->items, files->capacity, files->count + 1);
        files->items[files->count++] = file;
    }
    file->role = role;
    file->depth = depth;
    file->rank = rank;
    bench->work.files = xrealloc_array(bench->work.files, bench->work.count + 1, sizeof(struct plain_file *));
    bench->work.files[bench->work.count++] = file;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct plain_file *const *)a)->path, (*(struct plain_file *const *)b)->path);
}

/* Values files, patches and objects of the folder. What is nearer to it wins over what lies deeper. */
static void add_files(struct bench *bench, const struct render_settings *settings, enum render_tool tool,
                      struct plain_files *files, const char *root)
{
    for (size_t i = 0; i < bench->tree.count; i++) {
        const struct tree_file *file = &bench->tree.files[i];
        bool rules = file->role == TREE_RULES && tool == RENDER_KUSTOMIZE; /* with patches inside */
        if (rules || file->role == TREE_VALUES || file->role == TREE_PATCH || file->role == TREE_RESOURCE) {
            size_t depth = file->depth > DEEPEST_RANK ? DEEPEST_RANK : file->depth;
            add_file(bench, files, file->path, root, file->role, file->depth, -2 * (int)depth);
        }
    }
    for (size_t i = 0; tool == RENDER_HELM && i < settings->value_count; i++) {
        char *real = realpath(settings->values[i], NULL);
        if (real != NULL) {
            add_file(bench, files, real, root, TREE_VALUES, 0, NAMED_RANK + (int)i);
        }
        free(real);
    }
    if (bench->work.count > 1) {
        qsort(bench->work.files, bench->work.count, sizeof(struct plain_file *), by_path);
    }
}

/* Brings edits of earlier folders into the copy and renders it; it has to be what the folder renders to. */
static int first_rendering(struct bench *bench, const struct folder *folder, struct err *err)
{
    struct workbench *work = &bench->work;
    if (scratch_render(work->scratch, &work->now, &bench->why) ||
        rendered_unstable(&folder->text, &work->now, &work->unstable, &bench->why)) {
        return 0;
    }
    for (size_t i = 0; i < work->count; i++) {
        if (work->files[i]->accepted.count > 0 && search_put(work->scratch, work->files[i], false, err)) {
            return -1;
        }
    }
    buf_clear(&work->now);
    bench->ready = scratch_render(work->scratch, &work->now, &bench->why) == 0;
    unstable_mask(&work->unstable, &work->now);
    return 0;
}

int bench_open(struct bench *bench, const struct folder *folder, const struct render_settings *settings,
               struct plain_files *files, const char *root, struct err *err)
{
    struct workbench *work = &bench->work;
    *bench = (struct bench){.ready = false};
    buf_init(&work->now, folder->text.cap);
    render_tree_read(folder->tool, folder->path, &bench->tree);
    if (scratch_new(folder->tool, &bench->tree, settings, &work->scratch, &bench->why)) {
        if (bench->why.class == ERR_DATA) {
            return 0;
        }
        return err_set(err, bench->why.class, "%s", bench->why.message);
    }
    add_files(bench, settings, folder->tool, files, root);
    return first_rendering(bench, folder, err);
}

void bench_close(struct bench *bench, struct plain_files *files)
{
    size_t kept = 0;
    scratch_free(bench->work.scratch);
    free(bench->work.files);
    unstable_release(&bench->work.unstable);
    buf_release(&bench->work.now);
    render_tree_release(&bench->tree);
    *bench = (struct bench){.ready = false};
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i]->accepted.count > 0) {
            files->items[kept++] = files->items[i];
        } else {
            file_free(files->items[i]);
        }
    }
    files->count = kept;
}

static bool tree_has(const struct render_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->files[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_named(const struct render_settings *settings, const char *path)
{
    bool is = false;
    for (size_t i = 0; i < settings->value_count && !is; i++) {
        char *real = realpath(settings->values[i], NULL);
        is = str_equal(real, path);
        free(real);
    }
    return is;
}

/* Whether another folder uses a file that is tried. */
static bool uses_tried(const struct bench *bench, const struct render_tree *tree, enum render_tool tool,
                       const struct render_settings *settings)
{
    for (size_t i = 0; i < bench->work.count; i++) {
        const struct plain_file *file = bench->work.files[i];
        if (file->trying.count > 0 &&
            (tree_has(tree, file->path) || (tool == RENDER_HELM && is_named(settings, file->path)))) {
            return true;
        }
    }
    return false;
}

/* Whether a copy comes out otherwise than `before`; what comes out anew each time is found by rendering
 * twice. */
static bool comes_out_otherwise(const struct scratch *scratch, const struct buf *before,
                                const struct unstable *unstable)
{
    struct comparison seen;
    struct buf after;
    struct err why = {0};
    buf_init(&after, before->cap);
    bool same = scratch_render(scratch, &after, &why) == 0;
    unstable_mask(unstable, &after);
    if (same &&
        (before->length != after.length || memcmp(buf_str(before), buf_str(&after), before->length) != 0)) {
        same = rendered_compare(before, &after, unstable, NULL, 0, &seen, &why) == 0;
        if (same) {
            same = seen.clean;
            buf_release(&seen.others);
        }
    }
    buf_release(&after);
    return !same;
}

/* Brings the edits of the files that another folder uses too into its copy. */
static int put_files(const struct bench *bench, struct scratch *scratch, const struct render_tree *tree,
                     const struct render_settings *settings, bool tried, struct err *err)
{
    for (size_t i = 0; i < bench->work.count; i++) {
        const struct plain_file *file = bench->work.files[i];
        bool there = tree_has(tree, file->path) || is_named(settings, file->path);
        if (there && file->accepted.count + file->trying.count > 0 && search_put(scratch, file, tried, err)) {
            return -1;
        }
    }
    return 0;
}

/* Renders a copy of another folder without and with what is tried. *changes: it comes out otherwise, or
 * cannot be told. */
static int try_other(const struct bench *bench, const struct render_tree *tree, enum render_tool tool,
                     const struct render_settings *settings, bool *changes, struct err *err)
{
    struct scratch *scratch = NULL;
    struct unstable unstable = {.is = NULL};
    struct buf before;
    struct buf again;
    struct err why = {0};
    int failed = 0;
    *changes = true;
    if (scratch_new(tool, tree, settings, &scratch, &why)) {
        return why.class == ERR_DATA ? 0 : err_set(err, why.class, "%s", why.message);
    }
    buf_init(&before, bench->work.now.cap);
    buf_init(&again, bench->work.now.cap);
    if (put_files(bench, scratch, tree, settings, false, err)) {
        failed = -1;
    } else if (scratch_render(scratch, &before, &why) == 0 && scratch_render(scratch, &again, &why) == 0 &&
               rendered_unstable(&before, &again, &unstable, &why) == 0) {
        failed = put_files(bench, scratch, tree, settings, true, err);
        unstable_mask(&unstable, &before);
        *changes = failed || comes_out_otherwise(scratch, &before, &unstable);
    }
    unstable_release(&unstable);
    buf_release(&before);
    buf_release(&again);
    scratch_free(scratch);
    return failed;
}

const json_t *bench_own(const json_t *folders, const char *path)
{
    size_t index;
    json_t *one;
    json_array_foreach(folders, index, one)
    {
        if (str_equal(json_string_or_null(one, "folder"), path)) {
            return one;
        }
    }
    return NULL;
}

int bench_others(const struct bench *bench, const struct folder *folder,
                 const struct render_settings *settings, const json_t *folders, struct buf *out,
                 struct err *err)
{
    size_t index;
    json_t *one;
    size_t tried = 0;
    int failed = 0;
    json_array_foreach(folders, index, one)
    {
        struct render_tree tree;
        struct render_settings its;
        enum render_tool tool;
        const char *path = json_string_or_null(one, "folder");
        bool changes = false;
        if (failed || path == NULL || str_equal(path, folder->path) ||
            !render_tool_named(json_string_or_null(one, "rendered"), &tool) ||
            render_settings_over(settings, one, &its, NULL)) {
            continue;
        }
        render_tree_read(tool, path, &tree);
        if (uses_tried(bench, &tree, tool, &its)) {
            changes = ++tried > OTHERS_MAX;
            failed = changes ? 0 : try_other(bench, &tree, tool, &its, &changes, err);
        }
        if (changes) {
            buf_printf(out, "%s%.100s", out->length == 0 ? "" : ", ", path);
        }
        render_tree_release(&tree);
    }
    return failed;
}
