#ifndef TARE_STAGES_PARSE_LIVE_H
#define TARE_STAGES_PARSE_LIVE_H

/*
 * What the options want of a live cluster: nothing; the workloads themselves (no manifest is named); or,
 * beside manifests and with --target cluster, each of them as it is in the cluster.
 */

#include "pipeline/cli/stage.h"
#include "stages/parse/cluster.h"

enum live_use { LIVE_NONE, LIVE_SOURCE, LIVE_LOOKUP };

struct live {
    enum live_use use;
    struct cluster_options options;
    json_t *namespaces;
    struct cluster *cluster;
    struct intake found;     /* of a look-up: what the cluster has */
    struct node_wants wants; /* what workloads want of its nodes */
    json_t *settings;        /* of the header; borrowed */
};

/* Decides, and connects where it has to. ERR_USAGE; otherwise as cluster_open. */
int live_begin(struct live *live, struct stage *stage, struct err *err);

/* Frees; also what was never begun. */
void live_release(struct live *live);

/* Takes the cluster in: as the source, or what it has of the workloads that came into `intake` from
 * manifests; then what could not be listed is noted in `intake`. Its nodes go into the header's settings (`nodes`,
 * `whole_cluster`). Errors as of cluster_take. */
int live_take(struct live *live, struct intake *intake, struct err *err);

/* Of a look-up: adds `live` to a workload with this identity, null with a problem where there is none.
 * ERR_IO. */
int live_workload(struct live *live, const unsigned char id[SHELF_ID], json_t *record, struct err *err);

/* Sets ERR_DATA for a cluster without workloads, with the first of what went wrong there. Returns -1. */
int live_nothing_found(const struct live *live, const struct intake *intake, struct err *err);

#endif
