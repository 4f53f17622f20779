#ifndef TARE_IO_FS_H
#define TARE_IO_FS_H

/* Files: bounded reading, replacing atomically (temporary file, fsync, rename, fsync of the directory), spooling. */

#include <stddef.h>
#include <sys/types.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

/* Reads a whole regular file of at most `out->cap` bytes. ERR_NOINPUT when it is missing or unreadable, ERR_DATA when
 * it is larger or no regular file. */
int fs_read(const char *path, struct buf *out, struct err *err);

/* Reads a descriptor to its end, at most `out->cap` bytes. ERR_IO, ERR_DATA when larger; `what` names it. */
int fs_read_fd(int fd, const char *what, struct buf *out, struct err *err);

/* Writes all bytes, through short writes and EINTR. ERR_IO naming `what` (a full disk among them). */
int fs_write_fd(int fd, const void *bytes, size_t length, const char *what, struct err *err);

/* Replaces (or makes) a file so that either the old or the new bytes are there whatever happens: temporary file in
 * the same directory with `mode` (an existing file keeps its own mode and owner), fsync, rename, fsync of the
 * directory. A symbolic link is followed to the file it names. What is no file (a directory, a device, a pipe) is refused and
 * stays. ERR_CANTCREAT, ERR_IO. */
int fs_replace(const char *path, const void *bytes, size_t length, mode_t mode, struct err *err);

/* fs_replace with all the bytes of a regular file that is open (a spool), from its start; they are never in memory whole. */
int fs_replace_from(const char *path, int from, mode_t mode, struct err *err);

/* Whether fs_replace could make or replace a file of this name, asked before there is anything to write: what is no file, a link to
 * nothing and a folder that is not there are refused. ERR_CANTCREAT. */
int fs_replaceable(const char *path, struct err *err);

/* Makes a directory and its parents. ERR_CANTCREAT. */
int fs_make_dirs(const char *path, mode_t mode, struct err *err);

/* A new unlinked temporary file in $TMPDIR (default /tmp), for spooling; close it to free it. ERR_CANTCREAT. */
int fs_spool(int *fd, struct err *err);

/* Makes sure that descriptors 0, 1 and 2 are taken, so that no file that is opened later gets what is written to a stream that
 * the caller had closed. Reading or writing such a stream still fails. Call first in main. */
void fs_take_standard_streams(void);

/* New "dir/name" (or `name` alone when it is absolute or `dir` is empty). Free with free(). */
char *fs_join(const char *dir, const char *name);

/* New path of the directory of `path` ("." when it has none). Free with free(). */
char *fs_dirname(const char *path);

#endif
