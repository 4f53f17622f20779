#ifndef TARE_STAGES_PARSE_NODE_WANTS_H
#define TARE_STAGES_PARSE_NODE_WANTS_H

/* What the workloads of an inventory speak of when they say on which nodes they run: these labels and names are told of
 * nodes, and only these keep nodes apart that are else alike. */

#include "stages/parse/scheduling.h"

/* Sets of texts; NULL: none. */
struct node_wants {
    json_t *labels;
    json_t *hosts; /* values of the label HOST_LABEL, which else every node has for itself */
    json_t *names;
};

#define HOST_LABEL "kubernetes.io/hostname"

/* Frees what it holds; a zeroed struct is ready for use. */
void node_wants_release(struct node_wants *wants);

/* Adds what a workload speaks of. `own`: it is a node's own Pod, whose node's name is no demand. */
void node_wants_add(struct node_wants *wants, const struct scheduling *scheduling, bool own);

#endif
