#ifndef TARE_RUN_LEDGER_OBJECT_H
#define TARE_RUN_LEDGER_OBJECT_H

/*
 * Objects of a cluster in the ledger: as the verbs of ledger.h for changes, with few statements an object (sql/README.md). One
 * statement locks the workload, counts its approvals and stores the row; one moves it on and gives the workload back at its end.
 * Errors as in ledger.h.
 */

#include "pipeline/run/ledger.h"

/* Whether an object may be written now. */
struct ledger_object_check {
    bool approved;
    const char *reason; /* why, in one sentence, for either answer; in the arena */
    const char *now;    /* the ledger's clock, RFC 3339; in the arena */
};

/* Asks for the approvals of a workload and for the clock at once. -1 only where the ledger does not answer. */
int ledger_object_check(struct ledger *ledger, int64_t run, const struct ledger_workload *workload, struct arena *arena,
                        struct ledger_object_check *out, struct err *err);

/* An object that is about to be written. */
struct ledger_object_new {
    const char *object; /* NAMESPACE/KIND/NAME; unique within the run */
    struct ledger_workload workload;
    const void *before; /* exact bytes that stand there now, may be none */
    size_t before_size;
    const json_t *detail; /* borrowed; an object */
    const char *floor;    /* RFC 3339: a clock that reads less has gone backwards (ERR_TEMPFAIL); NULL: none */
};

/* Locks the workload, counts its approvals and stores the row as `writing`, durable when this returns. Called again for the same
 * object it gives the row that is there. ERR_REFUSED: not approved, or another run left it half changed. */
int ledger_object_begin(struct ledger *ledger, int64_t run, const struct ledger_object_new *object, int64_t *id,
                        enum ledger_change_state *state, struct err *err);

/* Takes the workloads of a row again (a resumed apply, a rollback). */
int ledger_object_lock(struct ledger *ledger, int64_t change, struct err *err);

/* How long a workload is left alone that was put back. */
struct ledger_backoff {
    int64_t seconds; /* the first time; twice as long each time in a row; 0: not at all */
    int64_t most;
    bool failed_only; /* only where its row has a `failure`; else whatever was put back */
};

/* Moves a row on, adding `detail` (borrowed or NULL), and gives its workloads back from `done`, `rolled-back` and
 * `rollback-failed` on. Durable when this returns. Where the row is there already only the detail is added. */
int ledger_object_move(struct ledger *ledger, int64_t change, enum ledger_change_state to, const json_t *detail,
                       const struct ledger_backoff *backoff, struct err *err);

/* Takes a run whose objects were put back, to write them again: its plan (NULL: whichever) and approvals must hold. Takes the apply
 * lock. */
int ledger_redo_begin(struct ledger *ledger, int64_t run, const char *plan, struct err *err);

/* Ends that; the run is `applied` again where all its objects are done. Releases the locks. */
int ledger_redo_end(struct ledger *ledger, int64_t run, const char *reason, struct err *err);

/* Workloads of a cluster (NULL: of all that this login sees) that are left alone now: [{"cluster","namespace","kind","name","times",
 * "run","at","until","reason"}]. */
int ledger_backoffs(struct ledger *ledger, const char *cluster, json_t **out, struct err *err);

#endif
