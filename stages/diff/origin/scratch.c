#include "stages/diff/origin/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"

enum { COPY_MAX = 64 * 1024 * 1024, LINKS_DEEP = 16 };

struct scratch {
    enum render_tool tool;
    char *top;    /* the private folder */
    char *folder; /* the chart's or kustomization's in it */
    size_t bytes;
    struct render_settings settings; /* values and the release are its own strings */
};

/* New place of an original in the copy. */
static char *place_of(const struct scratch *scratch, const char *path)
{
    return xasprintf("%s%s", scratch->top, path);
}

int scratch_put(struct scratch *scratch, const char *path, const char *bytes, size_t length, struct err *err)
{
    char *place = place_of(scratch, path);
    int fd = open(place, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int failed = fd < 0 ? err_errno(err, ERR_CANTCREAT, errno, "cannot write %s", place)
                        : fs_write_fd(fd, bytes, length, place, err);
    if (fd >= 0) {
        close(fd);
    }
    free(place);
    return failed;
}

static int copy_file(struct scratch *scratch, const char *path, struct err *err)
{
    struct buf bytes;
    char *place = place_of(scratch, path);
    char *folder = fs_dirname(place);
    buf_init(&bytes, COPY_MAX - scratch->bytes);
    int failed = fs_read(path, &bytes, err) || fs_make_dirs(folder, 0700, err) ||
                 scratch_put(scratch, path, buf_str(&bytes), bytes.length, err);
    scratch->bytes += bytes.length;
    buf_release(&bytes);
    free(folder);
    free(place);
    return failed ? -1 : 0;
}

/* Copies the values files, at the place of what they really are. */
static int copy_values(struct scratch *scratch, const struct render_settings *settings, struct err *err)
{
    for (size_t i = 0; i < settings->value_count; i++) {
        char *real = realpath(settings->values[i], NULL);
        if (real == NULL) {
            return err_errno(err, ERR_DATA, errno, "cannot read %s", settings->values[i]);
        }
        int failed = copy_file(scratch, real, err);
        scratch->settings.values[scratch->settings.value_count++] = place_of(scratch, real);
        free(real);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int copy_tree(struct scratch *scratch, const struct render_tree *tree, struct err *err)
{
    if (tree->folder == NULL || tree->overflow) {
        return err_set(err, ERR_DATA, "it is made of too many files to try an edit on a copy");
    }
    for (size_t i = 0; i < tree->count; i++) {
        if (copy_file(scratch, tree->files[i].path, err)) {
            return -1;
        }
    }
    return 0;
}

int scratch_new(enum render_tool tool, const struct render_tree *tree, const struct render_settings *settings,
                struct scratch **out, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *top = xasprintf("%s/tare-render.XXXXXX", tmp == NULL || tmp[0] != '/' ? "/tmp" : tmp);
    if (mkdtemp(top) == NULL) {
        err_errno(err, ERR_CANTCREAT, errno, "cannot make a folder like %s", top);
        free(top);
        return -1;
    }
    struct scratch *scratch = xcalloc(sizeof *scratch);
    *scratch = (struct scratch){.tool = tool, .top = top};
    scratch->settings = (struct render_settings){
        .namespace = settings->namespace, .release = settings->release, .seconds = settings->seconds};
    scratch->folder = xasprintf("%s%s", top, tree->folder == NULL ? "" : tree->folder);
    if (copy_tree(scratch, tree, err) || copy_values(scratch, settings, err)) {
        scratch_free(scratch);
        return -1;
    }
    *out = scratch;
    return 0;
}

int scratch_render(const struct scratch *scratch, struct buf *out, struct err *err)
{
    return render_folder(&scratch->settings, scratch->tool, scratch->folder, out, err);
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *where)
{
    (void)info;
    (void)flag;
    (void)where;
    remove(path);
    return 0;
}

void scratch_free(struct scratch *scratch)
{
    if (scratch == NULL) {
        return;
    }
    nftw(scratch->top, remove_one, LINKS_DEEP, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < scratch->settings.value_count; i++) {
        free((void *)(uintptr_t)scratch->settings.values[i]);
    }
    free(scratch->folder);
    free(scratch->top);
    free(scratch);
}
