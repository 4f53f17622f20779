#ifndef TARE_STAGES_APPLY_WORK_H
#define TARE_STAGES_APPLY_WORK_H

/* One file of a plan under work: the records that change it, and its bytes before and after. */

#include <stddef.h>

#include "pipeline/base/buf.h"
#include "stages/apply/permit.h"
#include "stages/apply/plan.h"

struct file_work {
    struct apply_file *file;
    json_t **records;                  /* of the pending items; new references */
    struct ledger_workload *workloads; /* borrowed from the records */
    size_t count;
    struct buf before; /* empty for a file that is made */
    struct buf after;
    char before_sha256[DIGEST_HEX]; /* "" for a file that is made */
    char after_sha256[DIGEST_HEX];
    int64_t change; /* its row in the ledger */
    enum ledger_change_state state;
};

/* Collects the records of the pending items of a file. Free with file_work_release, also after a failure. ERR_IO, ERR_DATA. */
int file_work_open(const struct permit *permit, const struct apply_plan *plan, struct apply_file *file, struct file_work *work,
                   struct err *err);

/* Frees what it holds. */
void file_work_release(struct file_work *work);

/* Reads the file below `root` and works out the new bytes; one that is not the plan's any more is ERR_STALE. ERR_DATA. */
int file_work_read(const char *root, struct file_work *work, struct err *err);

/* The new bytes from `before`. ERR_DATA. */
int file_work_edit(struct file_work *work, struct err *err);

/* Locks all its workloads in the ledger. */
int file_work_lock(const struct permit *permit, const struct file_work *work, struct err *err);

/* Gives the locks back. */
int file_work_unlock(const struct permit *permit, const struct file_work *work, struct err *err);

/* What a rollback and a resumed apply need beside the bytes before. New object; `set` names what the file is undone with, NULL:
 * it stands alone. */
json_t *file_work_detail(const struct file_work *work, const char *root, const char *set);

/* Makes its row, in work->change and work->state. `detail` is borrowed. */
int file_work_begin(const struct permit *permit, struct file_work *work, const json_t *detail, struct err *err);

/* Moves its row on. */
int file_work_move(const struct permit *permit, struct file_work *work, enum ledger_change_state to, struct err *err);

#endif
