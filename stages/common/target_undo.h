#ifndef TARE_STAGES_COMMON_TARGET_UNDO_H
#define TARE_STAGES_COMMON_TARGET_UNDO_H

/* Undoing the changes of a run in the opposite order, for tare-rollback and for an apply that failed: files that were written, and
 * commits (target_git). */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"
#include "pipeline/run/ledger.h"
#include "stages/common/target_files.h"

/* What became of one change. */
typedef void undo_told(void *context, const struct ledger_change *change, enum undo_result result,
                       const char *why);

struct undo_order {
    struct ledger *ledger;
    int64_t run;
    const char *root; /* folder of the paths; NULL: the one each change was made in */
    bool (*wanted)(void *context, const struct ledger_change *change); /* NULL: all */
    undo_told *told;                                                   /* may be NULL */
    void *context;
};

struct undo_report {
    size_t undone;          /* put back now */
    size_t failed;          /* could not be put back, or were changed since by somebody else */
    size_t left;            /* still written after, whether wanted or not */
    char why[UNDO_WHY_MAX]; /* of the first that failed */
};

/* Undoes the wanted changes. Each workload is locked while its change is undone. Returns -1 only where the
 * ledger does not answer. */
int undo_changes(const struct undo_order *order, struct undo_report *out, struct err *err);

/* Locks the workloads of a change; the run's apply lock is held. */
int undo_lock(const struct undo_order *order, const struct ledger_change *change, struct err *err);

/* Gives these locks back. */
int undo_unlock(const struct undo_order *order, const struct ledger_change *change, struct err *err);

/* Adds what became of a change to a report, and tells it. */
void undo_count(const struct undo_order *order, const struct ledger_change *change, enum undo_result result, const char *why,
                struct undo_report *out);

/* Whether an error means that the ledger does not answer any more, rather than that it refused. */
bool undo_ledger_lost(struct ledger *ledger, const struct err *err);

#endif
