#ifndef TARE_STAGES_COMMON_MACHINE_MACHINE_INTERNAL_H
#define TARE_STAGES_COMMON_MACHINE_MACHINE_INTERNAL_H

/* The machine's inside. README.md has the table of phases. Functions that may end the work on an object or stop the machine return
 * nothing: what happened stands in the work (phase) and in the machine (lost, stopping). */

#include "pipeline/io/hash.h"
#include "stages/common/health/pods.h"
#include "stages/common/health/rollout.h"
#include "stages/common/machine/machine.h"

enum phase {
    PHASE_WAITING,
    PHASE_READ,
    PHASE_BASELINE,
    PHASE_REHEARSE,
    PHASE_RESIZE_PLAN, /* may its pods stay? resize.h */
    PHASE_ROOM_PODS, /* the nodes must have room: its own pods as they are now … */
    PHASE_ROOM,      /* … and everybody's */
    PHASE_WRITE,
    PHASE_LOOK,
    PHASE_RESIZE, /* its pods are resized where they are */
    PHASE_PODS, /* resumed: the pods as they are now */
    PHASE_ROLLOUT,
    PHASE_SETTLE,
    PHASE_SETTLE_PODS, /* it has settled: its pods as they are, in case what is observed is late */
    PHASE_MEASURE,
    PHASE_UNDO_READ,
    PHASE_FENCE_SET,
    PHASE_FENCE_CLEAR,
    PHASE_UNDO_WRITE,
    PHASE_UNDO_RESIZE,
    PHASE_UNDO_PODS, /* the pods of a StatefulSet, one of which may block the way back */
    PHASE_UNDO_ROLLOUT,
    PHASE_OVER
};

enum { NONE = -1 };

/* The work on one object. */
struct work {
    struct machine_object *object;
    size_t index;
    enum phase phase;
    size_t slot;       /* in machine.active while it is under way */
    uint64_t sequence; /* number of the request that is waited for, 0: none */
    uint64_t asked;    /* number of the last request */
    bool wakes;        /* `wake` counts: the phase goes on then */
    int64_t wake;
    bool retries;      /* `retry` counts: the phase's request is asked again then */
    int64_t retry;
    bool outage;       /* the server does not answer, since … */
    int64_t since;
    unsigned tries;    /* … and so many tries */
    bool unwritten;    /* … a write: that what became of it can be read does not end the outage */
    unsigned rounds;   /* reads because of conflicts */
    int64_t deadline;  /* of the rollout */
    bool stuck;        /* pods cannot be made, since … */
    int64_t stuck_since;
    size_t measured;   /* numbers that held */
    unsigned falls;    /* how often a complete rollout was not any more */
    char text[ERR_MESSAGE_MAX]; /* what a rollout waits for */

    json_t *detail;    /* what the row has, or will have */
    json_t *was;       /* resources by container as before */
    json_t *after;     /* … as the server answered */
    char template[DIGEST_HEX]; /* digest of the pod template without resources, as written … */
    char former[DIGEST_HEX];   /* … and as read before */
    int64_t generation; /* of the write; older states are not news */
    json_t *live;       /* as last answered */
    json_t *seen;       /* as last observed */
    struct pods_baseline *baseline;
    struct pods_seen *pods;
    json_t *own;        /* its pods by uid, where they are needed */
    json_t *rehearsed;  /* the dry run's answer, while room is looked for */
    char *more;         /* where the list of pods goes on */
    struct resize *resize; /* resizing in place, NULL while nobody asked */

    bool landed;  /* the write is known to have happened */
    bool barred;  /* it is known that it cannot happen (any more) */
    bool turned;  /* to be undone as soon as possible */
    bool failed;  /* by its own failure */
    bool doubt;   /* a write was not answered */
    bool redone;  /* it was put back, and is written again */
    bool judged;  /* counted as a failure */
    bool begun;   /* by an earlier process */
    int64_t spared; /* no pod that blocks is removed until then, unless it is hopeless … */
    int64_t removed; /* … nor any until then, for another one was */
    bool removes; /* the request that is waited for removes a pod that blocks */
    bool canary;  /* one of those that go first */
    int watch[2]; /* observations: of the object, of pods; NONE */
    long next;    /* schedule: the object that follows this one, NONE */
    bool follows; /* it follows one */
};

/* Set and removed again to move an object on (README.md: fence). */
#define FENCE_LABEL "tare/fence"

struct watch;

struct machine {
    const struct machine_ends *ends;
    const struct machine_policy *policy;
    struct work *works;
    size_t count;
    bool undo;  /* machine_undo */

    size_t *active;
    size_t active_count;
    size_t *scratch; /* a copy of `active` to walk over */

    size_t *order;   /* to be begun */
    size_t order_count;
    size_t next;
    size_t canary;   /* so many of the order go first */
    bool pausing;    /* between canary and the rest, until … */
    int64_t pause_until;
    bool paused;     /* the pause has been */
    size_t *ready;   /* begun earlier, or following something that is over; last in first out */
    size_t ready_count;
    size_t *undoing; /* to be undone */
    size_t undoing_count;
    size_t undo_next;
    bool undo_ordered;

    struct nodes *nodes; /* room on the nodes, NULL while nobody asked */

    struct watch *watches;
    size_t watch_count;
    size_t watch_capacity;
    json_t *watch_index; /* by resource and namespace */
    uint64_t watch_clock;

    bool stopping;     /* nothing further is begun */
    bool undo_all;     /* what was done is undone */
    bool asked_to_end;
    size_t failures;
    bool failure;      /* an object failed */
    bool undo_failed;
    bool touched;
    struct err cause;  /* what stopped it, or the first failure */
    struct err broken; /* an undo that failed first */
    struct err lost;   /* ledger, API server: how it ends */
    bool quit;         /* at once */
};

/* ---- machine.c ---- */

/* Ends the work on an object. */
void work_over(struct machine *machine, struct work *work, enum machine_fate fate, const struct err *why);

/* Nothing further is begun. The first cause counts. */
void machine_stop(struct machine *machine, const struct err *cause);

/* Everything that was begun is to be undone. */
void machine_undo_run(struct machine *machine);

/* The ledger is lost: everything ends. */
void machine_lost(struct machine *machine, const struct err *why);

/* Whether a row of this object says that it was, or may have been written. */
bool work_has_row(const struct work *work);

/* Moves the row, adding members (steals `members`, may be NULL). False: the machine ends. */
bool work_move(struct machine *machine, struct work *work, enum ledger_change_state to, json_t *members);

/* Adds a clause to the object's note. */
void work_note(struct work *work, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes a new value for one of the work's objects; steals `value`. */
void work_keep(json_t **place, json_t *value);

/* ---- schedule.c ---- */

/* Puts the objects in order. */
void schedule_init(struct machine *machine);

/* Begins what may be begun now. */
void schedule_fill(struct machine *machine);

/* The work on an object is over: what follows it may begin. */
void schedule_over(struct machine *machine, const struct work *work);

/* ---- watch.c ---- */

/* Observes what an object needs (its own state; `pods`: its namespace's pods, too). False with *err where that cannot be asked. */
bool watch_join(struct machine *machine, struct work *work, bool pods, struct err *err);

/* The work needs them no more. */
void watch_leave(struct machine *machine, struct work *work);

/* Something of an observation: to the objects that it is about. */
void watch_event(struct machine *machine, struct machine_event *event);

/* Frees them. */
void watch_release(struct machine *machine);

/* ---- nodes.c ---- */

/* Whether what is on the nodes is known; else it is asked for, and object_room goes on with each object that waits. */
bool nodes_known(struct machine *machine);

/* Judges whether the nodes have room for the rehearsed change; *why receives why not. Without the right to see them it is noted. */
bool nodes_have_room(struct machine *machine, struct work *work, struct err *why);

/* An answer or an observation for the nodes; whether its tag is one of theirs. */
bool nodes_event(struct machine *machine, struct machine_event *event);

/* Sends again what was not answered, when its time has come; the instant of it. */
void nodes_wake(struct machine *machine, int64_t now);
int64_t nodes_instant(const struct machine *machine);

/* Frees them. */
void nodes_release(struct machine *machine);

/* ---- object_ask.c ---- */

/* Sends a request of an object's own; `body` is borrowed. */
void object_request(struct machine *machine, struct work *work, const struct api_request *request);

/* Goes to a phase and sends its request. */
void object_ask(struct machine *machine, struct work *work, enum phase phase);

/* Sends the phase's request (again). */
void object_send(struct machine *machine, struct work *work);

/* Looks what became of a write that was not done, in a while. */
void object_look_later(struct machine *machine, struct work *work, const struct err *why);

/* Nothing that was not answered counts any more: what was asked for is there, or is asked for no longer. */
void object_calm(struct work *work);

/* Time has come: a request again, or the phase goes on. */
void object_wake(struct machine *machine, struct work *work);

/* An answer to a request of this object. */
void object_answer(struct machine *machine, struct work *work, struct machine_event *event);

/* The server refuses to let this object be observed: refused where nothing is written yet, else it stays as its row says. */
void object_unseen(struct machine *machine, struct work *work, const struct err *why);

/* It stays as its row says; nothing further is begun. */
void object_give_up(struct machine *machine, struct work *work, const struct err *why);

/* Nothing of it is written, and nothing is begun any more. */
void object_leave(struct machine *machine, struct work *work);

/* ---- object_start.c ---- */

/* Begins (or goes on with) an object's apply. */
void object_start(struct machine *machine, struct work *work);

/* Not touched; apply stops before it. */
void object_refuse(struct machine *machine, struct work *work, const struct err *why);

/* It failed: undone as the policy says. */
void object_fail(struct machine *machine, struct work *work, const struct err *why);

/* Somebody else's hand: left as it is; apply stops. */
void object_left(struct machine *machine, struct work *work, const struct err *why);

/* Whether an answer's object is not the one of this work any more; *why tells. */
bool object_gone(const struct work *work, const struct machine_event *event, struct err *why);

/* Whether it may be written now. False: the work on it is over, or it is being undone. */
bool object_still_permitted(struct machine *machine, struct work *work);

/* Takes what the row of an object says. False: the work on it is over. */
bool object_recall(struct machine *machine, struct work *work);

/* Takes the lock for a row that is there. False: the work on it is over. */
bool object_lock(struct machine *machine, struct work *work);

/* ---- object_write.c ---- */

/* Answers of the phases read, baseline, rehearse, write and look. */
void object_write_answer(struct machine *machine, struct work *work, struct machine_event *event);

/* Hands the pods of a page of their list to `take`; whether there are more. */
bool object_pods_page(struct work *work, const struct machine_event *event, void (*take)(struct work *work, const json_t *pod));

/* Keeps a pod in work.own. */
void object_keep_pod(struct work *work, const json_t *pod);

/* What is on the nodes is known now. */
void object_room(struct machine *machine, struct work *work);

/* The rehearsal went well: row and write. */
void object_begin(struct machine *machine, struct work *work);

/* It is known to be written: the row moves on, with `members` (stolen). */
void object_written(struct machine *machine, struct work *work, json_t *members);

/* ---- object_watch.c ---- */

/* The object is written: watches its rollout. */
void object_watch(struct machine *machine, struct work *work);

/* The object, or a pod of it, as observed (`gone`: there no more). Borrowed. */
void object_seen(struct machine *machine, struct work *work, const json_t *object, bool gone);
void object_pod(struct machine *machine, struct work *work, const json_t *pod, bool gone);

/* Answers and timers of the phases pods, rollout, settle, measure. */
void object_watch_answer(struct machine *machine, struct work *work, struct machine_event *event);
void object_watch_wake(struct machine *machine, struct work *work);

/* ---- object_undo.c ---- */

/* Undoes what was begun in this apply. `failure`: its own one, or NULL. */
void object_undo(struct machine *machine, struct work *work, const struct err *failure);

/* Begins to undo an object whose row is there. */
void object_undo_start(struct machine *machine, struct work *work);

/* Answers and timers of the phases of undoing; the object as observed. */
void object_undo_answer(struct machine *machine, struct work *work, struct machine_event *event);
void object_undo_wake(struct machine *machine, struct work *work);
void object_undo_seen(struct machine *machine, struct work *work, const json_t *object);

/* A pod of it, while its rollout back is watched. */
void object_undo_pod(struct machine *machine, struct work *work, const json_t *pod, bool gone);

/* How undoing it ends. */
void object_put_back(struct machine *machine, struct work *work);
void object_undo_failed(struct machine *machine, struct work *work, const char *text);
void object_undo_conflict(struct machine *machine, struct work *work, const char *text);

/* Counts a read because of others' writes; whether it was the last (then it failed). */
bool object_undo_rounds(struct machine *machine, struct work *work);

#endif
