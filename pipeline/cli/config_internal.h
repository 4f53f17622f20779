#ifndef TARE_CLI_CONFIG_INTERNAL_H
#define TARE_CLI_CONFIG_INTERNAL_H

/* What config.c and config_cluster.c share; nobody else includes it. */

#include "pipeline/cli/config.h"

struct config {
    char *path;      /* of the file, NULL for defaults */
    char *name;      /* what errors call it */
    char *directory; /* paths are relative to it; NULL: the current one */
    char *cluster;   /* whose view of the file this is, NULL: the file itself */
    json_t *root;    /* normalized values */
    json_t *given;   /* the same without defaults */
    json_t *lines;   /* key as shown ("windows[2].schedule") to line */
    json_t *own;     /* of a cluster's view: key to where its entry gives it ("clusters[1].windows[2].schedule"); else NULL */
};

/* New and empty. */
struct config *config_new(const char *path, const char *name);

/* Puts every default where `root` has nothing. */
void config_fill_defaults(struct config *config);

#endif
