#ifndef TARE_STAGES_APPLY_WRITE_H
#define TARE_STAGES_APPLY_WRITE_H

/*
 * The machine that writes: one file after the other through planned → writing → written → verifying → done,
 * each state durable in the ledger before the step it names. After a kill it finds out from the ledger's row
 * and the file's digest where it stood, and never guesses.
 *
 * A ledger that does not answer ends everything at once (-1): nothing further is touched, `--resume` goes on
 * later. A file that cannot be written is undone, and by policy those before it.
 */

#include <stdbool.h>

#include "stages/apply/permit.h"
#include "stages/apply/plan.h"

enum on_failure { ON_FAILURE_OBJECT, ON_FAILURE_RUN, ON_FAILURE_STOP };

struct writer {
    struct permit *permit;
    struct apply_plan *plan;
    const char *root;          /* paths are relative to it */
    const char *absolute_root; /* the same, for the ledger */
    enum on_failure policy;
    struct ledger_changes changes; /* of an apply that is resumed; in the stage's arena */
    json_t *begun;                 /* their paths with the index in `changes`; owned: writer_release */
};

/* How the writing ended. */
enum write_end {
    WRITE_ALL,        /* every pending file is done */
    WRITE_STOPPED,    /* a window or an approval stopped it before a file */
    WRITE_FAILED,     /* a file could not be written; undone as the policy says */
    WRITE_UNDO_FAILED /* some file could not be restored: a person is needed */
};

struct write_result {
    enum write_end end;
    bool touched;     /* something was written, or was about to be */
    bool rolled_back; /* nothing is left written */
    struct err cause; /* class, message and hint of what went wrong */
};

/* Reads what an interrupted apply of the run has begun. ERR_USAGE where it worked in another folder than
 * `root`. */
int writer_init(struct writer *writer, struct err *err);

/* Frees what it holds. */
void writer_release(struct writer *writer);

/* The change that an interrupted apply began on a file, NULL where there is none. Borrowed. */
const struct ledger_change *writer_begun(const struct writer *writer, const char *path);

/* Before a set of files (indexes in the plan's): does everything still permit it? *stop: it does not, and out->end and out->cause say
 * so. Returns -1 where the ledger does not answer, or a signal asks to end. */
int writer_permitted(struct writer *writer, const size_t *set, size_t count, struct write_result *out, bool *stop, struct err *err);

/* Sets the fate of files that apply did not come to. */
void writer_leave(struct writer *writer, const size_t *files, size_t count, const char *why);

/* Undoes by policy what was written: the set of the file `failed_path` (NULL: whatever is half done), or everything. Returns -1 only
 * where the ledger does not answer. */
int writer_undo(struct writer *writer, enum on_failure policy, const char *failed_path, struct write_result *out, struct err *err);

/* Works out the new bytes of every pending file without writing any. ERR_DATA where one cannot be changed as
 * planned. */
int write_rehearse(struct writer *writer, struct err *err);

/* Writes every pending file, low risk first, and sets the fates. The run must be `applying` and its apply
 * lock held. Returns -1 only where the ledger does not answer, or a signal asks to end (ERR_TEMPFAIL). */
int write_all(struct writer *writer, struct write_result *out, struct err *err);

#endif
