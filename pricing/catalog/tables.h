#ifndef TARE_PRICING_CATALOG_TABLES_H
#define TARE_PRICING_CATALOG_TABLES_H

/* What a catalog is made of; for the files of this folder alone. */

#include "pipeline/base/arena.h"
#include "pipeline/io/hash.h"
#include "pricing/catalog/catalog.h"

/* Which family group the instance types that fit a pattern belong to. */
struct family {
    const char *provider;
    const char *pattern;
    const char *group;
};

/* How many pods a node of the types that fit a pattern takes. */
struct pod_limit {
    const char *provider;
    const char *pattern;
    int64_t max_pods;
};

struct catalog {
    struct arena arena;
    struct node_price *nodes; /* sorted by provider, region, instance */
    size_t node_count;
    size_t node_capacity;
    struct group_price *groups; /* sorted by provider, region, group */
    size_t group_count;
    size_t group_capacity;
    struct family *families; /* in the order of the file: the first that fits counts */
    size_t family_count;
    size_t family_capacity;
    struct serverless_price *serverless; /* sorted by product, region, resource */
    size_t serverless_count;
    size_t serverless_capacity;
    struct pod_limit *limits; /* in the order of the file */
    size_t limit_count;
    size_t limit_capacity;
    char digest[DIGEST_HEX];
    struct catalog_part parts[CATALOG_TABLES]; /* names in the arena */
};

/* Orders of the sorted tables, for qsort and bsearch. */
int catalog_compare_nodes(const void *left, const void *right);
int catalog_compare_groups(const void *left, const void *right);
int catalog_compare_serverless(const void *left, const void *right);

#endif
