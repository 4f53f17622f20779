#include "pipeline/driver/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"

/* New absolute path of a new folder, NULL with *err. */
static char *make_folder(struct err *err)
{
    const char *parent = getenv("TMPDIR");
    char *made = xasprintf("%s/tare-file.XXXXXX", parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
    char *folder = mkdtemp(made) == NULL ? NULL : realpath(made, NULL);
    if (folder == NULL) {
        err_errno(err, ERR_CANTCREAT, errno, "cannot make the folder %s", made);
    }
    free(made);
    return folder;
}

int private_file_make(const char *text, char **path, struct err *err)
{
    char *folder = make_folder(err);
    if (folder == NULL) {
        return -1;
    }
    *path = fs_join(folder, "file");
    free(folder);
    int fd = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int failed = fd < 0 ? err_errno(err, ERR_CANTCREAT, errno, "cannot create %s", *path)
                        : fs_write_fd(fd, text, strlen(text), *path, err);
    if (fd >= 0) {
        close(fd);
    }
    if (failed) {
        private_file_remove(*path);
        *path = NULL;
    }
    return failed ? -1 : 0;
}

void private_file_remove(char *path)
{
    if (path == NULL) {
        return;
    }
    (void)unlink(path);
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        *slash = '\0';
        (void)rmdir(path);
    }
    free(path);
}
