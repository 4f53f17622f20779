#include "stages/parse/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "stages/common/manifest/render_tree.h"

void file_list_release(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->paths[i]);
    }
    free(list->paths);
    *list = (struct file_list){.most = list->most, .deepest = list->deepest};
}

/* Steals `path`. */
static void add_path(struct file_list *list, char *path)
{
    if (list->count >= list->most) {
        list->overflow = true;
        free(path);
        return;
    }
    GROW(list->paths, list->capacity, list->count + 1);
    list->paths[list->count++] = path;
}

static bool is_manifest_name(const char *name)
{
    return str_ends(name, ".yaml") || str_ends(name, ".yml") || str_ends(name, ".json");
}

static void walk(struct file_list *list, const char *folder, size_t depth);

/* Takes in one entry of a folder. */
static void add_entry(struct file_list *list, const char *folder, const char *name, size_t depth)
{
    struct stat info;
    if (name[0] == '.') {
        return;
    }
    char *path = fs_join(folder, name);
    bool known = lstat(path, &info) == 0;
    bool link = known && S_ISLNK(info.st_mode);
    known = known && (!link || stat(path, &info) == 0);
    if (known && S_ISDIR(info.st_mode)) {
        if (link) {
            log_info("%s is a symbolic link to a folder: not followed", path);
        } else {
            walk(list, path, depth + 1);
        }
        free(path);
    } else if (is_manifest_name(name)) {
        list->links = list->links || link;
        add_path(list, path);
    } else {
        free(path);
    }
}

static void walk(struct file_list *list, const char *folder, size_t depth)
{
    if (depth > list->deepest) {
        add_path(list, xasprintf("%s/", folder));
        return;
    }
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        add_path(list, xstrdup(folder));
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL && !list->overflow;
         entry = readdir(dir)) {
        add_entry(list, folder, entry->d_name, depth);
    }
    closedir(dir);
}

/* Adds what is there. */
static int add_named(struct file_list *list, const char *path, struct err *err)
{
    struct stat info;
    if (stat(path, &info)) {
        err_errno(err, ERR_NOINPUT, errno, "cannot read %s", path);
        return err_hint(err, "name a manifest file or a folder that holds some: tare-parse deploy/");
    }
    if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)) {
        return err_set(err, ERR_NOINPUT, "%s is neither a regular file nor a folder", path);
    }
    if (access(path, S_ISDIR(info.st_mode) ? R_OK | X_OK : R_OK)) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot read %s", path);
    }
    if (S_ISREG(info.st_mode)) {
        add_path(list, xstrdup(path));
        return 0;
    }
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    char *folder = xstrndup(path, length);
    walk(list, folder, 0);
    free(folder);
    return 0;
}

int file_list_add(struct file_list *list, const char *path, struct err *err)
{
    list->links = list->links || list->count > 0; /* two names may lead to one file */
    if (add_named(list, path, err)) {
        return -1;
    }
    if (list->overflow) {
        err_set(err, ERR_DATA, "there are more than %zu manifest files below what was named", list->most);
        return err_hint(err, "name the folders that hold workloads, or allow more with --max-files");
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A path of the list, and the file it leads to. */
struct target {
    char *real; /* NULL: it leads nowhere */
    bool link;
    size_t index;
};

/* By file; of one file, what is no link comes first, then by path. */
static int compare_targets(const void *a, const void *b)
{
    const struct target *left = a;
    const struct target *right = b;
    int files = str_compare(left->real, right->real);
    if (files != 0) {
        return files;
    }
    if (left->link != right->link) {
        return left->link ? 1 : -1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Frees the path of a file that another path leads to. What is rendered is known by its folder, not by its file. */
static void drop_path(struct file_list *list, size_t index, size_t other)
{
    const char *path = list->paths[index];
    if (str_ends(path, "Chart.yaml") || kustomization_named(path)) {
        return;
    }
    log_info("%s is the same file as %s: read once", path, list->paths[other]);
    free(list->paths[index]);
    list->paths[index] = NULL;
}

/* Of paths that lead to one file keeps one: its workloads are there once, and a patch may name it once. */
static void drop_same(struct file_list *list)
{
    struct target *targets = xcalloc_array(list->count + 1, sizeof *targets);
    for (size_t i = 0; i < list->count; i++) {
        struct stat info;
        targets[i].real = realpath(list->paths[i], NULL);
        targets[i].link = lstat(list->paths[i], &info) == 0 && S_ISLNK(info.st_mode);
        targets[i].index = i;
    }
    if (list->count > 1) {
        qsort(targets, list->count, sizeof *targets, compare_targets);
    }
    size_t first = 0;
    for (size_t i = 1; i < list->count; i++) {
        if (targets[i].real == NULL || !str_equal(targets[i].real, targets[first].real)) {
            first = i;
        } else {
            drop_path(list, targets[i].index, targets[first].index);
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        free(targets[i].real);
    }
    free(targets);
}

/* Closes the gaps. */
static void close_up(struct file_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->paths[i] != NULL) {
            list->paths[kept++] = list->paths[i];
        }
    }
    list->count = kept;
}

void file_list_sort(struct file_list *list)
{
    if (list->count > 1) {
        qsort(list->paths, list->count, sizeof *list->paths, compare);
    }
    for (size_t i = 1, kept = 0; i < list->count; i++) {
        if (strcmp(list->paths[kept], list->paths[i]) == 0) {
            free(list->paths[i]);
            list->paths[i] = NULL;
        } else {
            kept = i;
        }
    }
    close_up(list);
    if (list->links) {
        drop_same(list);
        close_up(list);
    }
}
