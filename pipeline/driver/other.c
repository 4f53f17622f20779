#include "pipeline/driver/other.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"

static int make_folder(struct other *other, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    char *made = xasprintf("%s/tare-other.XXXXXX", parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
    /* The stage works in the run's folder: what it is told must not be relative to this one. */
    other->folder = mkdtemp(made) == NULL ? NULL : realpath(made, NULL);
    int failed = other->folder == NULL ? err_errno(err, ERR_CANTCREAT, errno, "cannot make the folder %s", made) : 0;
    free(made);
    return failed;
}

int other_open(struct session *session, int64_t run, const char *digest, struct other *other, struct err *err)
{
    *other = (struct other){0};
    if (make_folder(other, err)) {
        return -1;
    }
    other->file = xasprintf("%s/run-%" PRId64, other->folder, run);
    int fd = open(other->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_errno(err, ERR_CANTCREAT, errno, "cannot create %s", other->file);
    }
    int failed = ledger_artifact_copy(session->ledger, digest, fd, err);
    close(fd);
    return failed;
}

void other_close(struct other *other)
{
    if (other->file != NULL) {
        (void)unlink(other->file);
        free(other->file);
    }
    if (other->folder != NULL) {
        (void)rmdir(other->folder);
        free(other->folder);
    }
    *other = (struct other){0};
}
