#ifndef TARE_DRIVER_PRIVATE_FILE_H
#define TARE_DRIVER_PRIVATE_FILE_H

/* A file that hands a program something too long for its words: in a folder of its own that only this user can enter. */

#include "pipeline/base/err.h"

/* Makes folder and file (mode 0600) with `text`. *path receives its absolute name, new; hand it to private_file_remove. ERR_CANTCREAT,
 * ERR_IO. */
int private_file_make(const char *text, char **path, struct err *err);

/* Removes file and folder and frees the name. NULL is allowed. */
void private_file_remove(char *path);

#endif
