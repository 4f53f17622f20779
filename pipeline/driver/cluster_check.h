#ifndef TARE_DRIVER_CLUSTER_CHECK_H
#define TARE_DRIVER_CLUSTER_CHECK_H

/* What the account of the configured cluster may not do of that which a run, and an apply to the cluster, will do. */

#include "pipeline/driver/command.h"

/* A check of tare doctor. *found says whom it asked; ERR_REFUSED names every right that is missing, with the role that has them as
 * hint; ERR_UNAVAILABLE, ERR_CONFIG as the client says. Where nothing of a cluster is configured, nothing is asked. */
int cluster_check(struct session *session, struct buf *found, struct err *err);

#endif
