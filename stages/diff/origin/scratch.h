#ifndef TARE_STAGES_DIFF_ORIGIN_SCRATCH_H
#define TARE_STAGES_DIFF_ORIGIN_SCRATCH_H

/* A private copy of what a chart or kustomization is made of, in a folder below $TMPDIR: there an edit is
 * tried and rendered before it is shown. The originals are only read. */

#include "stages/common/manifest/render.h"
#include "stages/common/manifest/render_tree.h"

struct scratch;

/* New copy of the tree and the values files. ERR_DATA when it would be too large, or a file cannot be read;
 * ERR_CANTCREAT, ERR_IO. */
int scratch_new(enum render_tool tool, const struct render_tree *tree, const struct render_settings *settings,
                struct scratch **out, struct err *err);

/* Gives a file of the copy (by the absolute path of its original) other bytes. ERR_IO. */
int scratch_put(struct scratch *scratch, const char *path, const char *bytes, size_t length, struct err *err);

/* Renders the copy as it stands; adds to `out`. Errors as of render_folder. */
int scratch_render(const struct scratch *scratch, struct buf *out, struct err *err);

/* Takes the copy away and frees; NULL is allowed. */
void scratch_free(struct scratch *scratch);

#endif
