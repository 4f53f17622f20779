#ifndef TARE_STAGES_COMMON_MACHINE_RESIZE_STEPS_H
#define TARE_STAGES_COMMON_MACHINE_RESIZE_STEPS_H

/* The inside of resizing in place: what resize.c, resize_set.c and resize_pods.c share. */

#include "stages/common/machine/resize.h"

/* What was asked last. */
enum resize_step {
    STEP_SERVER,      /* which Kubernetes it is */
    STEP_SETS,        /* the Deployment's ReplicaSets */
    STEP_TRY,         /* dry run of the first pod's resize */
    STEP_CHECK,       /* back: the ReplicaSet, before the way back is written */
    STEP_SET_READ,
    STEP_SET_WRITE,
    STEP_FENCE_SET,   /* back: the ReplicaSet is as it was, and what was sent to it must not land any more */
    STEP_FENCE_CLEAR,
    STEP_MEET,        /* the Deployment, until its controller has found the ReplicaSet equal */
    STEP_GO,          /* the Deployment goes on */
    STEP_LIST,        /* pods */
    STEP_POD_WRITE,
    STEP_POD_READ
};

struct resize {
    enum resize_step step;
    resize_then *then;
    int64_t minor;    /* of the server */
    json_t *target;   /* the workload with the template that is meant */
    json_t *sets;
    json_t *pods;
    char *more;       /* where the list of pods goes on */
    size_t at;        /* the pod under way */
    json_t *set;      /* the ReplicaSet as read last */
    json_t *current;  /* the Deployment as read last */
    int64_t deadline;
    unsigned looks;
    bool doubt;       /* a write to the ReplicaSet may be on its way */
    bool pods_too;    /* pods follow */
    bool edited;      /* somebody changed the Deployment while it was paused: it goes on, and is left */
    bool dropped;     /* it was to go in place, and rolls out */
    bool forward;     /* pods are resized … */
    bool back;        /* … and back */
};

/* Asks a step's request. */
void resize_step(struct machine *machine, struct work *work, enum resize_step step);

/* Asks the same request again, a little later. */
void resize_later(struct machine *machine, struct work *work);

/* Whether the time for it is over. */
bool resize_is_late(const struct machine *machine, const struct work *work);

/* The steps are done. */
void resize_end(struct machine *machine, struct work *work);

/* The object rolls out instead. */
void resize_drop(struct work *work, const char *text);

/* Takes a page of pods; whether there is another one. */
bool resize_pods_page(struct work *work, const struct machine_event *event);

/* Answers of the steps of the ReplicaSet and Deployment, and of pods. */
void resize_set_answer(struct machine *machine, struct work *work, struct machine_event *event);
void resize_pods_answer(struct machine *machine, struct work *work, struct machine_event *event);

#endif
