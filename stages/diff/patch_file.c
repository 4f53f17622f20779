#include "stages/diff/patch_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"

int patch_file_open(struct patch_file *file, const char *path, struct err *err)
{
    file->path = xstrdup(path);
    char *temporary = xasprintf("%s.XXXXXX", path);
    file->fd = mkstemp(temporary);
    if (file->fd < 0) {
        int number = errno;
        free(temporary);
        return err_errno(err, ERR_CANTCREAT, number, "cannot write %s", path);
    }
    file->temporary = temporary;
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(file->fd, 0666 & ~mask)) {
        return err_errno(err, ERR_CANTCREAT, errno, "cannot write %s", path);
    }
    return 0;
}

int patch_file_add(struct patch_file *file, const char *bytes, size_t length, struct err *err)
{
    return file->temporary == NULL ? 0 : fs_write_fd(file->fd, bytes, length, file->path, err);
}

int patch_file_finish(struct patch_file *file, struct err *err)
{
    if (file->temporary == NULL) {
        return 0;
    }
    if (fsync(file->fd) || rename(file->temporary, file->path)) {
        return err_errno(err, ERR_IO, errno, "cannot write %s", file->path);
    }
    close(file->fd);
    free(file->temporary);
    file->temporary = NULL;
    return 0;
}

void patch_file_release(struct patch_file *file)
{
    if (file->temporary != NULL) {
        unlink(file->temporary);
        close(file->fd);
    }
    free(file->temporary);
    free(file->path);
    *file = (struct patch_file){0};
}
