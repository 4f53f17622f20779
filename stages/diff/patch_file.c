#include "stages/diff/patch_file.h"

#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"

enum { PATCH_FILE_MODE = 0644 };

int patch_file_open(struct patch_file *file, const char *path, struct err *err)
{
    int fd = -1;
    if (fs_replaceable(path, err) || fs_spool(&fd, err)) {
        return -1;
    }
    *file = (struct patch_file){.path = xstrdup(path), .fd = fd};
    return 0;
}

int patch_file_add(struct patch_file *file, const char *bytes, size_t length, struct err *err)
{
    return file->path == NULL ? 0 : fs_write_fd(file->fd, bytes, length, file->path, err);
}

int patch_file_finish(struct patch_file *file, struct err *err)
{
    return file->path == NULL ? 0 : fs_replace_from(file->path, file->fd, PATCH_FILE_MODE, err);
}

void patch_file_release(struct patch_file *file)
{
    if (file->path != NULL) {
        close(file->fd);
    }
    free(file->path);
    *file = (struct patch_file){0};
}
