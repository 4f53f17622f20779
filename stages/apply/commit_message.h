#ifndef TARE_STAGES_APPLY_COMMIT_MESSAGE_H
#define TARE_STAGES_APPLY_COMMIT_MESSAGE_H

/* What a commit of a plan says of itself. */

#include "pipeline/base/buf.h"
#include "stages/apply/write.h"

/* Adds the message: first line as apply.git.message says, then the workloads and what each saves a month, the run and the plan's
 * digest as trailers. ERR_IO. */
int commit_message(const struct writer *writer, struct buf *out, struct err *err);

/* New name of the branch of the run: apply.git.branch with the run's number in the place of {run}. */
char *commit_branch(const struct writer *writer, const char *pattern);

#endif
