#ifndef TARE_STAGES_COMMON_MACHINE_MACHINE_H
#define TARE_STAGES_COMMON_MACHINE_MACHINE_H

/*
 * The machine that changes objects of a cluster and takes changes back: one object at a time or several side by side, each
 * through planned → writing → written → verifying → done, or → rolling-back → rolled-back | rollback-failed. Every state is
 * durable in the ledger before the step it names; after a kill the machine finds out from the row and from the live object where
 * it stood, and never guesses. What it knows of the world are its ends (ends.h).
 */

#include "stages/common/machine/ends.h"

enum machine_failure { MACHINE_UNDO_OBJECT, MACHINE_UNDO_RUN, MACHINE_STOP };

/* Durations are milliseconds. */
struct machine_policy {
    size_t parallel;                 /* objects under way at once, ≥ 1 */
    size_t canary;                   /* objects that go first, before a pause of `settle`; 0: none */
    bool canary_namespace;           /* instead: all objects of the namespace with the lowest risk */
    size_t failure_budget;           /* objects that may fail (each is undone) before the apply stops; 0: the first stops it */
    enum machine_failure on_failure; /* once it stops */
    bool wait;                       /* watch rollouts; false: done once written */
    bool rehearse;                   /* up to the server's dry run of each object and no further: MACHINE_DONE would be written,
                                        MACHINE_REFUSED not (tells all, stops at none) */
    bool redo;                       /* apply: objects that are rolled back are written again, from their rows */
    bool in_place;                   /* resize running pods where that works */
    int64_t rollout_timeout;
    int64_t settle;
    size_t verify_count;             /* Prometheus queries (ends.measure) … */
    const double *verify_below;      /* … and their limits */
    size_t room_check;               /* 1: nodes must have room for an increase */
};

enum machine_action {
    MACHINE_CHANGE, /* patch an object that is there */
    MACHINE_CREATE  /* make an object that the advice has (HPA, VPA, CronJob, …); undone by removing it */
};

/* What became of an object. */
enum machine_fate {
    MACHINE_PENDING,   /* nothing yet, or open as its row says: ledger or API server were lost */
    MACHINE_DONE,
    MACHINE_LEFT,      /* never begun: `why` says what stopped the apply before it */
    MACHINE_REFUSED,   /* stale, approval, rollout of somebody else …: not touched */
    MACHINE_PUT_BACK,
    MACHINE_CONFLICT,  /* somebody else changed it since it was written: left as it is, its row, too (undo: rollback-failed, or done) */
    MACHINE_NOT_PUT_BACK /* failed and still written: it could not be put back, or the policy leaves it */
};

/* One object. Strings are owned by whoever made the object (an arena) and outlive the machine. */
struct machine_object {
    const char *name;                /* NAMESPACE/KIND/NAME, as the ledger and people call it */
    struct ledger_workload workload; /* whose approval covers it */
    const char *group;
    const char *version;
    const char *resource;
    const char *kind;
    const char *namespace;
    const char *object_name;
    const char *uid;                 /* of the plan; of a created one once it is known */
    enum machine_action action;
    int risk;                        /* enum risk: low first */
    const json_t *record;            /* borrowed: the gated record of its workload (change.merge_patch or json_patch, workload.live), which
                                        windows are asked about, too; NULL in a rollback */
    const json_t *manifest;          /* borrowed: what is created */
    const json_t *detail;            /* borrowed: the row's detail, of an object that was begun earlier */
    const char *before;              /* the row's before-image, NULL where it has none yet */
    size_t before_size;
    int64_t change;                  /* id of the row, 0: none yet */
    enum ledger_change_state state;  /* of the row */
    bool force;                      /* undo although somebody changed it since */
    bool wanted;                     /* in a rollback: to be undone */

    enum machine_fate fate;          /* receives what became of it … */
    struct err why;                  /* … and why */
    char note[ERR_MESSAGE_MAX];      /* what to know besides: "resized in place", "3 pods restarted"; "" */
};

/* How it ended. */
enum machine_end {
    MACHINE_ALL,        /* every object is done (apply) or put back (undo) */
    MACHINE_STOPPED,    /* stopped before an object; those before it stay */
    MACHINE_FAILED,     /* an object failed; undone as the policy says */
    MACHINE_UNDO_FAILED /* some object could not be put back: a person is needed */
};

struct machine_result {
    enum machine_end end;
    bool touched;   /* something was written, or may have been */
    bool left;      /* something is still written */
    struct err cause;
};

/* Applies `count` objects (order, canary and parallel by the policy), resuming those that have rows. -1 (ERR_TEMPFAIL or
 * ERR_UNAVAILABLE) where ledger or API server are lost: what is known is in the rows. */
int machine_apply(const struct machine_ends *ends, const struct machine_policy *policy, struct machine_object *objects, size_t count,
                  struct machine_result *out, struct err *err);

/* Puts back the wanted objects, last begun first. As machine_apply. */
int machine_undo(const struct machine_ends *ends, const struct machine_policy *policy, struct machine_object *objects, size_t count,
                 struct machine_result *out, struct err *err);

#endif
