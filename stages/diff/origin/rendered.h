#ifndef TARE_STAGES_DIFF_ORIGIN_RENDERED_H
#define TARE_STAGES_DIFF_ORIGIN_RENDERED_H

/*
 * Changes of workloads that helm or kustomize rendered. The folder is rendered again, as the inventory's
 * header says; the edit is planned over that text, and then looked for in the plain files behind it: values,
 * patches, objects. An edit of a file is shown only where it was tried on a copy and changes these numbers
 * alone; else there is advice.
 */

#include "stages/diff/patch_file.h"
#include "stages/diff/wishes.h"

struct rendered;

/* What becomes of a workload. Everything is new. */
struct rendered_plan {
    const struct edit_done
        *done;     /* for each wish, borrowed until the next call; NULL: a problem was noted instead */
    json_t *patch; /* of the plain files, null where there is only advice */
    json_t *files; /* the same as replacements of bytes, for tare-apply:
                      [{file,sha256,edits:[{start,end,text}]}] */
    json_t *rendered_patch; /* of the rendered text: to be read, not to be applied */
    json_t *advice;         /* what to do by hand, or null */
};

/* New state. `settings` (borrowed while it lives, may be NULL) is what the inventory's header says on
 * rendering; `root` (borrowed) is what paths in patches are relative to. */
struct rendered *rendered_new(const json_t *settings, const char *root);

/* Frees, and takes its temporary folders away; NULL is allowed. */
void rendered_free(struct rendered *rendered);

/* Whether a record's workload was rendered. */
bool rendered_is(const json_t *record);

/* Plans the wishes of a record; problems are noted in it. ERR_IO, ERR_CANTCREAT. */
int rendered_change(struct rendered *rendered, json_t *record, const struct wishes *wishes,
                    struct rendered_plan *out, struct err *err);

/* Adds the edits of all plain files to the combined patch, file by file in the order of their paths. ERR_IO.
 */
int rendered_finish(struct rendered *rendered, struct patch_file *patch, struct err *err);

#endif
