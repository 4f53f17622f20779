#ifndef TARE_STAGES_COMMON_MACHINE_RESIZE_H
#define TARE_STAGES_COMMON_MACHINE_RESIZE_H

/*
 * Running pods that take new resources where they are (policy.in_place). A Deployment: its own patch also pauses it, then its
 * ReplicaSet's template becomes the same, then (once its controller says that all pods are of that template) it goes on, and pods are
 * resized through pods/resize. Others whose controllers leave running pods alone: their patch, then the pods. The way back is the
 * same. Each step looks at what stands there first, so that after a kill the same steps go on; what was decided stands in the row's
 * detail: "in_place": {"way": "deployment"|"pods", "set": name of the ReplicaSet, "set_uid"}, null or absent: a rollout.
 */

#include "stages/common/machine/machine_internal.h"

/* What the work goes on with. */
typedef void resize_then(struct machine *machine, struct work *work);

/* Whether a phase is one of those here. */
bool resize_is(enum phase phase);

/* Frees what the steps need. */
void resize_free(struct resize *resize);

/* ---- Forward ---- */

/* Decides, before there is a row, whether the change (its dry run's answer is `answer`) goes in place; sets the detail's member or
 * notes why the object rolls out. Goes on with `then`. */
void resize_plan(struct machine *machine, struct work *work, const json_t *answer, resize_then *then);

/* Whether the row says that the object goes in place. */
bool resize_begun(const struct work *work);

/* The body of an object's own patch (stolen), which also pauses a Deployment that goes in place. */
json_t *resize_paused(const struct work *work, json_t *body);

/* The patch landed: the ReplicaSet follows, and the Deployment goes on. Fails the object, or goes on with `then`; for others at once. */
void resize_join(struct machine *machine, struct work *work, resize_then *then);

/* Resizes the pods, waits until their nodes have done it, and goes on with `then`. */
void resize_pods(struct machine *machine, struct work *work, resize_then *then);

/* Whether resize_pods is yet to be called in the direction of the phase. */
bool resize_pending(const struct work *work);

/* What a message about an object that is left as it is ends with: that it is paused, where the pause is ours; else "". */
const char *resize_left(const struct work *work);

/* ---- Back ---- */

/* Before the way back is written: whether the ReplicaSet of then is still the Deployment's; where it is not, the way back is a
 * rollout. Goes on with `then`. */
void resize_check(struct machine *machine, struct work *work, resize_then *then);

/* The way back is written: as resize_join and resize_pods in one. */
void resize_back(struct machine *machine, struct work *work, resize_then *then);

/* ---- For object_ask.c ---- */

/* Method, path, type and (new) body of the step's request. */
json_t *resize_request(const struct work *work, struct buf *path, struct api_request *request);

/* Whether the step's request writes. */
bool resize_writes(const struct work *work);

/* No answer came to the step's request: what is asked once the server is back. */
void resize_unanswered(struct work *work);

/* An answer to the step's request, and its time that has come. */
void resize_answer(struct machine *machine, struct work *work, struct machine_event *event);
void resize_wake(struct machine *machine, struct work *work);

/* It does not work: the object has failed, or could not be put back. */
void resize_fail(struct machine *machine, struct work *work, const char *text);

#endif
