#ifndef TARE_STAGES_COMMON_CLUSTER_KIND_H
#define TARE_STAGES_COMMON_CLUSTER_KIND_H

/* What is listed of a live cluster: every kind of workload, and what is joined to workloads. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/io/json.h"

struct cluster_kind {
    const char *kind;
    const char *group;       /* "" is the core group */
    const char *versions[4]; /* that are understood, the best first; NULL-terminated */
    const char *resource;    /* as in paths */
    const char *fields;      /* field selector, NULL for none */
    bool workload;           /* else it is joined to workloads */
    bool scoped;             /* it lies in a namespace */
};

/* The table; *count receives the number of rows. Borrowed, static. */
const struct cluster_kind *cluster_kinds(size_t *count);

/* Whether an object is made by a controller that is a workload of the table itself: a Deployment's
 * ReplicaSet, a CronJob's Job, anybody's Pod. Then its owner is listed, not it. */
bool cluster_kind_owned(const json_t *object);

#endif
