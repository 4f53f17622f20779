#ifndef TARE_STAGES_DIFF_ORIGIN_SEARCH_H
#define TARE_STAGES_DIFF_ORIGIN_SEARCH_H

/* Trying the places that may hold a container's numbers, one by one, on a copy that is rendered again: only
 * what changes these numbers to what is wanted, and nothing else in all that is rendered, is right. */

#include "stages/diff/origin/compare.h"
#include "stages/diff/origin/origin.h"
#include "stages/diff/origin/scratch.h"

/* The folder at work. */
struct workbench {
    struct scratch *scratch;
    struct plain_file **files; /* borrowed */
    size_t count;
    struct buf now; /* what the copy renders to as it stands, without what is unstable */
    struct unstable unstable;
    int64_t spent;  /* milliseconds of rendering so far, for a limit */
    size_t renders; /* so far, for a limit */
};

/* What a search came to. Strings live in its arena. */
struct search_result {
    bool found;        /* the edits stand in `trying` of the files, and in the copy */
    const char *place; /* where not: of the place that gives the numbers but gives others too, NULL when there
                          is none */
    const char *file;  /* … and its file, relative */
    const char *others; /* … and what else it changes */
    bool limited;       /* not all places were tried: a limit was reached */
};

/* Looks for the edits that make the requests (of one container, at most FIELD_COUNT, none of them so yet)
 * come true. *tries is how often it may still render. ERR_IO, ERR_CANTCREAT. */
int search_container(struct workbench *bench, const struct subject *subject,
                     const struct edit_request *requests, size_t count, size_t *tries, struct arena *arena,
                     struct search_result *out, struct err *err);

/* Writes a file of a copy with its accepted edits and, with `tried`, those that are tried. ERR_IO,
 * ERR_CANTCREAT. */
int search_put(struct scratch *scratch, const struct plain_file *file, bool tried, struct err *err);

/* Gives the files of the copy back their accepted edits only, and forgets those that are tried. ERR_IO. */
int search_undo(struct workbench *bench, struct err *err);

#endif
