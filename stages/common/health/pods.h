#ifndef TARE_STAGES_COMMON_HEALTH_PODS_H
#define TARE_STAGES_COMMON_HEALTH_PODS_H

/* What pods say of a change: restarts, OOM kills, crash loops, images that cannot be pulled, pods that no node has room for; pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

/* ---- Whose pods ---- */

/* Adds the label selector of an object's pods as lists take it ("app=cart,tier in (a,b)", not escaped) to `out`. False where the
 * object selects none (CronJob, Pod, an empty selector), and past the cap of `out`. */
bool pods_selector(const json_t *object, struct buf *out);

/* Whether a pod is one of the object's own, by its controlling owner: labels alone may fit others' pods, too. */
bool pod_is_of(const json_t *object, const json_t *pod);

/* Whether the object's controller will not go on while this pod is as it is, and will not take it away either: a pod of a former
 * template of a StatefulSet (podManagementPolicy OrderedReady) that is not ready. Putting the template back does not help such a set:
 * the pod has to be deleted (the API's documentation: "Forced rollback"). The object's status has to be of its `generation`, or a
 * newer one: before, the template that failed is the newest one to it. */
bool pod_blocks(const json_t *object, int64_t generation, const json_t *pod);

/* Whether a pod was never ready, as far as its status tells: its condition Ready is not true, and has not changed since the pod was
 * started, or is not there yet. */
bool pod_never_ready(const json_t *pod);

/* ---- What was there before ---- */

/* Pods as they were before the change: which there were, restarts and OOM kills of their containers, what was wrong with them already,
 * so that only what is new counts. */
struct pods_baseline;

/* New, empty. Free with pods_baseline_free. */
struct pods_baseline *pods_baseline_new(void);

/* Frees; NULL is allowed. */
void pods_baseline_free(struct pods_baseline *baseline);

/* Takes a pod as it was before the change. */
void pods_baseline_add(struct pods_baseline *baseline, const json_t *pod);

/* New object of at most about 100 kB, for the row of the change: after a kill it is what went before. */
json_t *pods_baseline_json(const struct pods_baseline *baseline);

/* New baseline from what pods_baseline_json made; of anything else it is empty. */
struct pods_baseline *pods_baseline_read(const json_t *saved);

/* Whether a pod was there before the change. */
bool pods_baseline_has(const struct pods_baseline *baseline, const json_t *pod);

/* ---- A pod ---- */

enum pod_health {
    POD_GOING,    /* it is being deleted, or its node took it away: it says nothing of the change */
    POD_FINE,     /* ready, or ended well */
    POD_STARTING, /* not ready yet; nothing speaks against it */
    POD_UNPLACED, /* Pending: no node has room (PodScheduled false, Unschedulable); a node may come */
    POD_FAILING   /* crash loop, OOM kill, image pull failure, new restarts, Failed, evicted for memory */
};

/* Judges a pod of the workload against the baseline (NULL: nothing was there). `why` receives a clause that names pod and container;
 * "" where there is nothing to say. Restarts of a new pod count beyond those that every former pod had, too (three at most): some
 * programs wait for a neighbour that way. */
enum pod_health pod_judge(const struct pods_baseline *baseline, const json_t *pod, char why[ERR_MESSAGE_MAX]);

/* ---- All pods of a workload, over time ---- */

/* A pod that was ready this often and then was not flaps: it is failing. */
enum { PODS_FALLS = 2 };

struct pods_seen;

/* New; `baseline` (borrowed, NULL: none) outlives it. `replaced`: the change makes new pods, those of the baseline do not count.
 * Free with pods_seen_free. */
struct pods_seen *pods_seen_new(const struct pods_baseline *baseline, bool replaced);

/* Frees; NULL is allowed. */
void pods_seen_free(struct pods_seen *seen);

/* A pod of the workload as it is now. */
void pods_seen_take(struct pods_seen *seen, const json_t *pod);

/* A pod that is there no more. */
void pods_seen_gone(struct pods_seen *seen, const json_t *pod);

/* The worst of all pods that count, POD_FINE where there is none. `why` receives what that pod says; once a pod was failing it stays
 * said although that pod may be gone since (a controller replaces it). */
enum pod_health pods_seen_judge(const struct pods_seen *seen, char why[ERR_MESSAGE_MAX]);

#endif
