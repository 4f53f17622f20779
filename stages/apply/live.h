#ifndef TARE_STAGES_APPLY_LIVE_H
#define TARE_STAGES_APPLY_LIVE_H

/*
 * The objects of a cluster that a plan changes, as they are now, held against what the plan was made from (`workload.live`) before
 * anything is written. The cluster's id, the uid and the resources of each container have to be the same; the resourceVersion
 * moves with every write of a status and is evidence only.
 */

#include "stages/apply/cluster_write.h"

/* Reads and compares every object that the plan would change, those aside that an interrupted apply has begun; several of one kind and
 * namespace by one list. ERR_STALE naming the object, what moved and both values; ERR_UNAVAILABLE for a cluster that cannot be asked. */
int live_check(const struct cluster *cluster, const struct cluster_writer *writer, struct err *err);

#endif
