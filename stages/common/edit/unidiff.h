#ifndef TARE_STAGES_COMMON_EDIT_UNIDIFF_H
#define TARE_STAGES_COMMON_EDIT_UNIDIFF_H

/* Unified diffs of splices, as `git apply` and `patch -p1` take them: headers a/PATH and b/PATH, three lines
 * of context, exact bytes of every line (also "\r\n"), "\ No newline at end of file". */

#include <stddef.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "stages/common/edit/edit.h"

/* Adds the diff of `splices` (sorted, not overlapping) over `bytes` to `out`; nothing when there are none.
 * `path` is relative to the root of the tree. ERR_DATA past the cap of `out`. */
int unidiff_write(const char *path, const char *bytes, size_t length, const struct edit_splices *splices,
                  struct buf *out, struct err *err);

/* Adds the diff of a file that is not there yet, with these bytes. ERR_DATA past the cap of `out`. */
int unidiff_new(const char *path, const char *bytes, size_t length, struct buf *out, struct err *err);

#endif
