#ifndef TARE_STAGES_APPLY_COMMIT_H
#define TARE_STAGES_APPLY_COMMIT_H

/*
 * Files of a plan as one commit on a branch (apply.git), in place of writing them: the work tree, the index and HEAD stay as they
 * are. The rows of the files go through the same states: all of them are `writing`, with the commit's id, before the branch
 * moves; after a kill it is told by the branch whether it did. Undoing is stages/common/target_git.
 */

#include "stages/apply/write.h"

/* Whether the plan is committed: apply.git.branch is set, or an interrupted apply of the run began to. */
bool commit_is_wanted(const struct writer *writer);

/* Everything that a commit needs, without making it: repository, author, branch, remote, and that every file is committed as it is.
 * `order` as of apply_plan_order. ERR_CONFIG, ERR_REFUSED, ERR_STALE, ERR_DATA, ERR_UNAVAILABLE. */
int commit_rehearse(struct writer *writer, const size_t *order, size_t count, struct err *err);

/* Commits, and pushes where that is configured, and sets the fates; as write_all. A push that finds nobody leaves the rows `written`:
 * -1 with ERR_TEMPFAIL, --resume pushes again. */
int commit_all(struct writer *writer, const size_t *order, size_t count, struct write_result *out, struct err *err);

#endif
