#ifndef TARE_STAGES_REPORT_NODES_H
#define TARE_STAGES_REPORT_NODES_H

/* The nodes that an artifact's header knows: types and prices of `settings.price`, live ones of `settings.parse.nodes`. */

#include "pipeline/base/arena.h"
#include "pipeline/io/json.h"
#include "pricing/packing/fleet_input.h"

struct nodes_known {
    struct fleet_source *sources; /* pools that have a node type */
    size_t source_count;
    struct fleet_type *candidates;
    size_t candidate_count;
    struct fleet_live *live;
    size_t live_count;
    bool live_partly; /* there are live nodes, but not all of the cluster was looked at */
    bool serverless;  /* some pool has no nodes by nature */
    bool on_prem;     /* some pool is on premises, and the size of its nodes is not stated */
    bool by_default;  /* nobody chose the node type */
    bool spot;        /* some live nodes are spot capacity */
};

/* Reads them; everything is the arena's, but strings of the header are borrowed from it. */
void nodes_read(const json_t *settings, struct arena *arena, struct nodes_known *nodes);

/* The index of the source of a pool's name (NULL: the default pool), PACK_NONE where its nodes are not known. */
uint32_t nodes_source(const struct nodes_known *nodes, const char *pool);

#endif
