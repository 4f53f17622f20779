#ifndef TARE_STAGES_DIFF_ORIGIN_BENCH_H
#define TARE_STAGES_DIFF_ORIGIN_BENCH_H

/* What is needed to try edits of one folder: the plain files it is made of, a copy of them, what the copy
 * renders to. */

#include "stages/diff/origin/folder.h"
#include "stages/diff/origin/search.h"

/* The plain files of a run: those of the open folder, and those that were edited. */
struct plain_files {
    struct plain_file **items;
    size_t count;
    size_t capacity;
};

struct bench {
    struct workbench work;
    struct render_tree tree;
    bool ready;
    struct err why; /* why not, when it is not ready */
};

/* Prepares the bench for a folder; where that is not possible (too many files, it renders differently) `why`
 * says so. -1 only for ERR_IO and ERR_CANTCREAT. */
int bench_open(struct bench *bench, const struct folder *folder, const struct render_settings *settings,
               struct plain_files *files, const char *root, struct err *err);

/* Takes the copy away and forgets the folder; files without an accepted edit are dropped from `files`. */
void bench_close(struct bench *bench, struct plain_files *files);

/* The header's object of a folder, in its list `folders`; NULL when there is none. Borrowed. */
const json_t *bench_own(const json_t *folders, const char *path);

/* The names of other folders (of the header's list `folders`; `settings` are those of all) that come out
 * otherwise with what is tried on this bench now, added to `out`; nothing when there are none. ERR_IO,
 * ERR_CANTCREAT. */
int bench_others(const struct bench *bench, const struct folder *folder,
                 const struct render_settings *settings, const json_t *folders, struct buf *out,
                 struct err *err);

/* Frees all files. */
void plain_files_release(struct plain_files *files);

#endif
