#ifndef TARE_STAGES_DIFF_ROOT_PATH_H
#define TARE_STAGES_DIFF_ROOT_PATH_H

/* New path of `file` relative to `root`; with ".." where it lies outside. Both are absolute and resolved.
 * free(). */
char *root_path(const char *root, const char *file);

#endif
