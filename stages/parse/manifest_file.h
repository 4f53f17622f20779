#ifndef TARE_STAGES_PARSE_MANIFEST_FILE_H
#define TARE_STAGES_PARSE_MANIFEST_FILE_H

/* One manifest file: its text goes to the intake, whole or, where it is a template, not at all. */

#include "pipeline/base/buf.h"
#include "stages/parse/intake.h"

/* Reads one file into the intake, or notes why not; every file leaves a record or a note. `bytes` (its cap is the
 * largest file) is used for the file's content. -1 only for what ends the run (ERR_IO). */
int manifest_file_take(struct intake *intake, const char *path, struct buf *bytes, struct err *err);

#endif
