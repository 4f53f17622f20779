#ifndef TARE_STAGES_PARSE_CLUSTER_H
#define TARE_STAGES_PARSE_CLUSTER_H

/*
 * A live cluster as a source: its objects are listed kind by kind, page by page, and come in one by one in
 * the order of namespace, kind and name. What may not be listed is a note; what is made by another workload
 * is left out.
 */

#include "pipeline/kube/kube_list.h"
#include "stages/parse/intake.h"
#include "stages/parse/nodes.h"

struct cluster;

struct cluster_options {
    struct kube_choice choice;
    struct kube_limits limits;
    const char *selector;     /* label selector of workloads, NULL for none */
    const json_t *namespaces; /* array of names; empty or NULL: all of them */
    const json_t *wanted; /* kind → array of namespaces: these alone, and nothing that is joined to workloads,
                             but also what another workload makes; NULL: everything */
};

/* Connects, and asks which API groups and which cluster this is. *out new, free with cluster_close. Errors as
 * of kube_access_find, kube_api_new and kube_get. */
int cluster_open(const struct cluster_options *options, struct cluster **out, struct err *err);

/* Frees; NULL is allowed. */
void cluster_close(struct cluster *cluster);

/* New object for the header's settings: server, context, namespaces, selector, the cluster's id. */
json_t *cluster_settings(const struct cluster *cluster);

/* Hands everything over to `intake`. `options` as of cluster_open, but what is wanted may have changed.
 * ERR_UNAVAILABLE when the server is lost, or permits none of the lists. */
int cluster_take(struct cluster *cluster, const struct cluster_options *options, struct intake *intake,
                 struct err *err);

/* Whether every list of workloads was given, of the last cluster_take. */
bool cluster_is_whole(const struct cluster *cluster);

/* Adds all nodes to `nodes`. Errors as of kube_list: then there are none. */
int cluster_nodes(struct cluster *cluster, struct nodes *nodes, struct err *err);

#endif
