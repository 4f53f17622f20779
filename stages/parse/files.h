#ifndef TARE_STAGES_PARSE_FILES_H
#define TARE_STAGES_PARSE_FILES_H

/* Which files are read: those named, and below directories every *.yaml, *.yml and *.json. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"

struct file_list {
    size_t most;    /* files */
    size_t deepest; /* folders below the one named */
    bool overflow;  /* there are more files than `most` */
    bool links;     /* two of the paths may lead to one file */
    char **paths;
    size_t count;
    size_t capacity;
};

/* Frees the paths; the list is empty and can be used again. */
void file_list_release(struct file_list *list);

/* Adds a file, or what is below a directory. Hidden entries are left out; symbolic links to files are
 * followed, those to directories are not (no loops, nothing twice). What cannot be looked into is added all
 * the same: reading it then tells why; a folder that lies too deep with a "/" at its end. ERR_NOINPUT when `path` is
 * missing, unreadable, or neither a regular file nor a directory; ERR_DATA when there are too many files. */
int file_list_add(struct file_list *list, const char *path, struct err *err);

/* Sorts bytewise and drops what is there twice, under one name or as a link to a file that is there as well. */
void file_list_sort(struct file_list *list);

#endif
