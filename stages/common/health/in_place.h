#ifndef TARE_STAGES_COMMON_HEALTH_IN_PLACE_H
#define TARE_STAGES_COMMON_HEALTH_IN_PLACE_H

/*
 * Whether the running pods of a workload can take new resources where they are (pods/resize, Kubernetes 1.33 and later), and how far
 * each of them is; pure. What is asked for is always both ways: a change that could not be taken back in place is none in place.
 * Source of the rules: ValidatePodResize of Kubernetes 1.34 and "Resize CPU and Memory Resources assigned to Containers" of its
 * documentation.
 */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum in_place_way {
    IN_PLACE_NOT,       /* the workload rolls out */
    IN_PLACE_PODS,      /* its controller leaves running pods alone: the template is patched, then pods are resized */
    IN_PLACE_DEPLOYMENT /* paused with its template patched, then the template of its ReplicaSet to the same, then it goes on, and pods
                           are resized: the controller finds the ReplicaSet equal and makes no other */
};

struct in_place_question {
    int64_t minor;        /* of Kubernetes 1.minor; 0: not known */
    const json_t *before; /* the workload as it is … */
    const json_t *after;  /* … and as it will be (the answer of a dry run) */
    const json_t *pods;   /* array of its own pods */
    const json_t *sets;   /* array of ReplicaSets that fit a Deployment's selector; else NULL */
};

/* Whether the question needs ReplicaSets. */
bool in_place_asks_sets(const json_t *object);

/* Decides. IN_PLACE_NOT: `why` receives a clause of what stands against it; else *set (may be NULL) receives the Deployment's
 * ReplicaSet, borrowed from the question, NULL for other kinds; and `why` what happens besides, or "". */
enum in_place_way in_place_decide(const struct in_place_question *question, const json_t **set, char why[ERR_MESSAGE_MAX]);

/* Whether the workload's controller leaves this pod of it as it is although the template changes; of a Deployment's pod: in the way
 * above. */
bool in_place_keeps(const json_t *object, const json_t *pod);

/* Whether the template of a ReplicaSet is that of the Deployment, but for the label that tells ReplicaSets apart. */
bool in_place_same_template(const json_t *deployment, const json_t *set);

enum in_place_pod {
    IN_PLACE_POD_DONE,    /* it has what the template says, and its kubelet has given it */
    IN_PLACE_POD_ASK,     /* its spec says something else: to be resized */
    IN_PLACE_POD_WAITS,   /* asked for, not given yet */
    IN_PLACE_POD_REFUSED, /* its node cannot give it (Infeasible) */
    IN_PLACE_POD_OVER     /* it is being deleted or has ended: its successor is made from the template */
};

/* How far a pod is on its way to what the template of `object` says. `why` receives a clause, "" where there is nothing to say. */
enum in_place_pod in_place_pod_judge(const json_t *object, const json_t *pod, char why[ERR_MESSAGE_MAX]);

/* New strategic merge patch for the pod's `resize`, with its uid and resourceVersion: what differs from the template of `object`. */
json_t *in_place_pod_patch(const json_t *object, const json_t *pod);

#endif
