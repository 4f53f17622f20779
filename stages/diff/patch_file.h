#ifndef TARE_STAGES_DIFF_PATCH_FILE_H
#define TARE_STAGES_DIFF_PATCH_FILE_H

/* The run's combined patch: written beside its name and renamed when it is whole. */

#include <stddef.h>

#include "pipeline/base/err.h"

struct patch_file {
    char *path;      /* NULL: there is none */
    char *temporary; /* NULL: nothing is open */
    int fd;
};

/* Opens the file beside `path`. ERR_CANTCREAT. */
int patch_file_open(struct patch_file *file, const char *path, struct err *err);

/* Adds bytes; nothing when there is no file. ERR_IO. */
int patch_file_add(struct patch_file *file, const char *bytes, size_t length, struct err *err);

/* Makes the file whole under its name. ERR_IO. */
int patch_file_finish(struct patch_file *file, struct err *err);

/* Frees; a file that was not finished is taken away. */
void patch_file_release(struct patch_file *file);

#endif
