#ifndef TARE_STAGES_COMMON_CLUSTER_H
#define TARE_STAGES_COMMON_CLUSTER_H

/* The cluster that a stage's options name, and which one it is. */

#include "pipeline/cli/stage.h"
#include "pipeline/kube/kube_api.h"
#include "pipeline/kube/kube_list.h"

struct cluster {
    struct kube_api *api;
    struct kube_groups *groups;
    char *id;         /* uid of the namespace kube-system, NULL where it may not be read … */
    struct err no_id; /* … and why */
};

/* Connects, and asks which cluster it is. *out new, free with cluster_free. Errors of kube_access_find and kube_api_new;
 * ERR_UNAVAILABLE. */
int cluster_open(struct stage *stage, struct cluster **out, struct err *err);

/* Frees; NULL is allowed. */
void cluster_free(struct cluster *cluster);

/* Whether this is the cluster with the id `then` (NULL: it was not known then either). ERR_STALE where it is another one; what it is
 * made from is called `what` ("the plan was made from"). */
int cluster_is(const struct cluster *cluster, const char *then, const char *what, struct err *err);

/* Version that the server has of a kind of workload and tare knows best, with the kind's row (borrowed, static); NULL where the server
 * has none. Borrowed. */
struct cluster_kind;
const char *cluster_version(const struct cluster *cluster, const char *kind, const struct cluster_kind **row);

#endif
