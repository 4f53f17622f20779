#ifndef TARE_STAGES_DIFF_PATCH_FILE_H
#define TARE_STAGES_DIFF_PATCH_FILE_H

/* The run's combined patch: it grows in a spool, which takes the place of the file when it is whole. */

#include <stddef.h>

#include "pipeline/base/err.h"

struct patch_file {
    char *path; /* NULL: there is none */
    int fd;     /* the spool, where there is a path */
};

/* Begins the patch that becomes the file `path`. ERR_CANTCREAT, also where no file can stand there (a device, a folder). */
int patch_file_open(struct patch_file *file, const char *path, struct err *err);

/* Adds bytes; nothing when there is no file. ERR_IO. */
int patch_file_add(struct patch_file *file, const char *bytes, size_t length, struct err *err);

/* Puts the patch in its place, as fs_replace does: whole or not at all. ERR_CANTCREAT, ERR_IO. */
int patch_file_finish(struct patch_file *file, struct err *err);

/* Frees; where it was not finished, what stood under the name is as it was. */
void patch_file_release(struct patch_file *file);

#endif
