#ifndef TARE_STAGES_COMMON_TARGET_GIT_H
#define TARE_STAGES_COMMON_TARGET_GIT_H

/*
 * Changes of files that were committed to a branch (apply.git), and undoing them: a commit that nobody can have seen is taken off
 * its branch again, one that was finished is reverted by another commit on top of the branch, pushed where the first one was. The
 * work tree is not touched.
 *
 * The detail of such a change has `git`: {branch, path, mode, before_blob ("" where the file was made), after_blob, remote (null:
 * not pushed), author (null: as git says), commit, parent, old ("" where the branch was made)}.
 */

#include "stages/common/target_undo.h"

/* Whether a change was committed rather than written. */
bool target_git_is(const struct ledger_change *change);

/* Undoes those of the wanted changes (`wanted` tells by index) that were committed; counts and tells each as undo_changes does. All
 * of them are of one branch. Returns -1 only where the ledger does not answer. */
int target_git_undo(const struct undo_order *order, const struct ledger_changes *changes, const bool *wanted, struct undo_report *out,
                    struct err *err);

#endif
