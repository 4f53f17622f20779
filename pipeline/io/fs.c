#include "pipeline/io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"

enum { READ_PIECE = 64 * 1024, TEMPORARY_TRIES = 100, COPY_PIECE = 64 * 1024 };

int fs_read_fd(int fd, const char *what, struct buf *out, struct err *err)
{
    char *piece = xmalloc(READ_PIECE);
    int failed = 0;
    while (!failed) {
        ssize_t got = read(fd, piece, READ_PIECE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            failed = err_errno(err, ERR_IO, errno, "cannot read %s", what);
        } else if (got == 0) {
            break;
        } else if (buf_add(out, piece, (size_t)got)) {
            failed = err_set(err, ERR_DATA, "%s is larger than %zu bytes", what, out->cap);
        }
    }
    free(piece);
    return failed;
}

int fs_read(const char *path, struct buf *out, struct err *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) { /* opening a device may do something */
        return err_set(err, ERR_DATA, "%s is not a regular file", path);
    }
    /* O_NONBLOCK: where it is a FIFO by now, opening must not hang; regular files do not notice. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot read %s", path);
    }
    int failed = 0;
    if (fstat(fd, &info)) {
        failed = err_errno(err, ERR_IO, errno, "cannot read %s", path);
    } else if (!S_ISREG(info.st_mode)) {
        failed = err_set(err, ERR_DATA, "%s is not a regular file", path);
    } else if ((uintmax_t)info.st_size > out->cap) {
        failed = err_set(err, ERR_DATA, "%s has %jd bytes, the limit is %zu", path, (intmax_t)info.st_size, out->cap);
    } else {
        failed = fs_read_fd(fd, path, out, err);
    }
    close(fd);
    return failed;
}

int fs_write_fd(int fd, const void *bytes, size_t length, const char *what, struct err *err)
{
    const char *p = bytes;
    while (length > 0) {
        ssize_t wrote = write(fd, p, length);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
            err_errno(err, ERR_IO, errno, "cannot write %s", what);
            return full ? err_hint(err, "make room there (temporary files are in $TMPDIR), then try again") : -1;
        }
        p += wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

void fs_take_standard_streams(void)
{
    /* The wrong way round on purpose: a closed output must give an error, not vanish. open() takes the lowest free number. */
    static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            open("/dev/null", flags[fd]);
        }
    }
}

char *fs_join(const char *dir, const char *name)
{
    size_t length = strlen(dir);
    if (*name == '/' || length == 0) {
        return xstrdup(name);
    }
    return xasprintf("%s%s%s", dir, dir[length - 1] == '/' ? "" : "/", name);
}

char *fs_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return xstrdup(".");
    }
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* A rename is durable only when the directory is written too. */
static int sync_dir(const char *dir, struct err *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd)) {
        int code = errno;
        if (fd >= 0) {
            close(fd);
        }
        return err_errno(err, ERR_IO, code, "cannot flush the directory %s", dir);
    }
    close(fd);
    return 0;
}

/* Gives the temporary file the mode and, where allowed, the owner of the file it replaces. */
static int copy_attributes(int fd, const char *target, struct err *err)
{
    struct stat info;
    if (stat(target, &info)) {
        return errno == ENOENT ? 0 : err_errno(err, ERR_IO, errno, "cannot look at %s", target);
    }
    if (fchown(fd, info.st_uid, info.st_gid) && geteuid() == 0) {
        return err_errno(err, ERR_IO, errno, "cannot keep the owner of %s", target);
    }
    if (fchmod(fd, info.st_mode & 07777)) {
        return err_errno(err, ERR_IO, errno, "cannot keep the mode of %s", target);
    }
    return 0;
}

/* What a file is replaced by: bytes, or all of an open file. */
struct content {
    const void *bytes; /* NULL: those of `from` */
    size_t length;
    int from;
};

static int write_content(int fd, const struct content *content, const char *target, struct err *err)
{
    if (content->bytes != NULL) {
        return fs_write_fd(fd, content->bytes, content->length, target, err);
    }
    char piece[COPY_PIECE];
    int failed = 0;
    off_t at = 0;
    for (ssize_t got = 1; !failed && got > 0; at += got) {
        do {
            got = pread(content->from, piece, sizeof piece, at);
        } while (got < 0 && errno == EINTR);
        failed = got < 0 ? err_errno(err, ERR_IO, errno, "cannot read what %s is to be", target)
                         : fs_write_fd(fd, piece, (size_t)got, target, err);
    }
    return failed;
}

static int write_and_rename(int fd, const char *temporary, const char *target, const struct content *content, struct err *err)
{
    int failed = copy_attributes(fd, target, err) || write_content(fd, content, target, err);
    if (!failed && fsync(fd)) {
        failed = err_errno(err, ERR_IO, errno, "cannot flush %s", target);
    }
    if (close(fd) && !failed) {
        failed = err_errno(err, ERR_IO, errno, "cannot write %s", target);
    }
    if (!failed && rename(temporary, target)) {
        failed = err_errno(err, ERR_CANTCREAT, errno, "cannot replace %s", target);
    }
    if (failed) {
        unlink(temporary);
    }
    return failed ? -1 : 0;
}

/* Opens a new file in `dir`; *name new. A name that is taken (left by a killed program that had the same seed) is passed over. */
static int open_temporary(const char *dir, mode_t mode, char **name)
{
    int fd = -1;
    for (int i = 0; i < TEMPORARY_TRIES && (i == 0 || (fd < 0 && errno == EEXIST)); i++) {
        free(*name);
        *name = xasprintf("%s/.tare-%016" PRIx64, dir, rng_next());
        fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    }
    return fd;
}

/* Whether a new file could be made: its folder must be there. */
static int folder_there(const char *path, struct err *err)
{
    char *dir = fs_dirname(path);
    int failed = access(dir, F_OK);
    if (failed) {
        err_errno(err, ERR_CANTCREAT, errno, "cannot write in the directory %s", dir);
        err_hint(err, "make it first: mkdir -p %s", dir);
    }
    free(dir);
    return failed ? -1 : 0;
}

/* A rename takes the place of whatever stands there, a device such as /dev/null among it: only files are replaced. stat, since
 * the target of a link such as /dev/stdout may have no path. */
int fs_replaceable(const char *path, struct err *err)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        if (S_ISREG(info.st_mode)) {
            return 0;
        }
        err_set(err, ERR_CANTCREAT, "%s is %s, not a file that could be replaced", path,
                S_ISDIR(info.st_mode) ? "a directory" : "a device, pipe or socket");
        return err_hint(err, "name a file");
    }
    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode)) {
        return folder_there(path, err);
    }
    err_set(err, ERR_CANTCREAT, "%s is a link to something that is not there", path);
    return err_hint(err, "remove the link, or name a file");
}

static int replace_target(const char *target, const struct content *content, mode_t mode, struct err *err)
{
    char *dir = fs_dirname(target);
    char *temporary = NULL;
    int fd = open_temporary(dir, mode, &temporary);
    int failed = fd < 0 ? err_errno(err, ERR_CANTCREAT, errno, "cannot write in the directory %s", dir)
                        : write_and_rename(fd, temporary, target, content, err);
    if (!failed) {
        failed = sync_dir(dir, err);
    }
    free(temporary);
    free(dir);
    return failed;
}

static int replace(const char *path, const struct content *content, mode_t mode, struct err *err)
{
    if (fs_replaceable(path, err)) {
        return -1;
    }
    char *target = realpath(path, NULL);
    int failed = replace_target(target == NULL ? path : target, content, mode, err);
    free(target);
    return failed;
}

int fs_replace(const char *path, const void *bytes, size_t length, mode_t mode, struct err *err)
{
    return replace(path, &(struct content){.bytes = bytes == NULL ? "" : bytes, .length = length}, mode, err);
}

int fs_replace_from(const char *path, int from, mode_t mode, struct err *err)
{
    return replace(path, &(struct content){.from = from}, mode, err);
}

int fs_make_dirs(const char *path, mode_t mode, struct err *err)
{
    char *copy = xstrdup(path);
    int failed = 0;
    for (char *p = copy + 1; !failed && copy[0] != '\0'; p++) {
        if (*p != '/' && *p != '\0') {
            continue;
        }
        char kept = *p;
        *p = '\0';
        struct stat info;
        if (mkdir(copy, mode) && (errno != EEXIST || stat(copy, &info) || !S_ISDIR(info.st_mode))) {
            failed = err_errno(err, ERR_CANTCREAT, errno, "cannot make the directory %s", copy);
        }
        *p = kept;
        if (kept == '\0') {
            break;
        }
    }
    free(copy);
    return failed;
}

int fs_spool(int *fd, struct err *err)
{
    const char *dir = getenv("TMPDIR");
    char *path = fs_join(dir == NULL || *dir == '\0' ? "/tmp" : dir, "tare-spool-XXXXXX");
    int got = mkstemp(path);
    int failed = 0;
    if (got < 0) {
        failed = err_errno(err, ERR_CANTCREAT, errno, "cannot make a temporary file %s", path);
        err_hint(err, "set TMPDIR to a directory with room");
    } else {
        unlink(path);
        fcntl(got, F_SETFD, FD_CLOEXEC);
        *fd = got;
    }
    free(path);
    return failed ? -1 : 0;
}
