#include "pricing/catalog/catalog.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/catalog/tables.h"

/* The home region and node type are what people most often start with; on-prem has no list prices at all. */
static const struct provider providers[] = {
    {"aws", "us-east-1", "m6i.xlarge", "aws-gen6-intel"},
    {"gcp", "us-central1", "e2-standard-4", "gcp-e2"},
    {"azure", "eastus", "Standard_D4s_v5", "azure-v5-intel"},
    {"on-prem", NULL, NULL, NULL},
};

static const char azure_prefix[] = "Standard_";

const struct provider *provider_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(providers); i++) {
        if (strcmp(providers[i].name, name) == 0) {
            return &providers[i];
        }
    }
    return NULL;
}

const struct provider *provider_at(size_t index)
{
    return index < ARRAY_COUNT(providers) ? &providers[index] : NULL;
}

/* Without case and, for Azure, without their prefix. */
static int compare_instances(const char *a, const char *b)
{
    size_t prefix = sizeof azure_prefix - 1;
    a += strncasecmp(a, azure_prefix, prefix) == 0 ? prefix : 0;
    b += strncasecmp(b, azure_prefix, prefix) == 0 ? prefix : 0;
    return strcasecmp(a, b);
}

int catalog_compare_nodes(const void *left, const void *right)
{
    const struct node_price *a = left;
    const struct node_price *b = right;
    int order = strcmp(a->provider, b->provider);
    order = order != 0 ? order : strcmp(a->region, b->region);
    return order != 0 ? order : compare_instances(a->instance, b->instance);
}

int catalog_compare_groups(const void *left, const void *right)
{
    const struct group_price *a = left;
    const struct group_price *b = right;
    int order = strcmp(a->provider, b->provider);
    order = order != 0 ? order : strcmp(a->region, b->region);
    return order != 0 ? order : strcmp(a->group, b->group);
}

int catalog_compare_serverless(const void *left, const void *right)
{
    const struct serverless_price *a = left;
    const struct serverless_price *b = right;
    int order = strcmp(a->product, b->product);
    order = order != 0 ? order : strcmp(a->region, b->region);
    return order != 0 ? order : strcmp(a->resource, b->resource);
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    free(catalog->nodes);
    free(catalog->groups);
    free(catalog->families);
    free(catalog->serverless);
    free(catalog->limits);
    arena_release(&catalog->arena);
    free(catalog);
}

const char *catalog_digest(const struct catalog *catalog)
{
    return catalog->digest;
}

const struct catalog_part *catalog_part_at(const struct catalog *catalog, enum catalog_table table)
{
    return &catalog->parts[table];
}

size_t catalog_node_count(const struct catalog *catalog)
{
    return catalog->node_count;
}

const struct node_price *catalog_node_at(const struct catalog *catalog, size_t index)
{
    return &catalog->nodes[index];
}

size_t catalog_serverless_count(const struct catalog *catalog)
{
    return catalog->serverless_count;
}

const struct serverless_price *catalog_serverless_at(const struct catalog *catalog, size_t index)
{
    return &catalog->serverless[index];
}

bool catalog_has_region(const struct catalog *catalog, const char *provider, const char *region)
{
    for (size_t i = 0; i < catalog->group_count; i++) {
        if (strcmp(catalog->groups[i].provider, provider) == 0 &&
            strcmp(catalog->groups[i].region, region) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < catalog->node_count; i++) {
        if (strcmp(catalog->nodes[i].provider, provider) == 0 &&
            strcmp(catalog->nodes[i].region, region) == 0) {
            return true;
        }
    }
    return false;
}

/* The price of exactly this product: of the region, else of all, else of the first region. */
static const struct serverless_price *serverless_of(const struct catalog *catalog, const char *product, size_t length,
                                                    const char *region, const char *resource)
{
    const struct serverless_price *best = NULL;
    int best_rank = 0;
    for (size_t i = 0; i < catalog->serverless_count; i++) {
        const struct serverless_price *price = &catalog->serverless[i];
        if (strncmp(price->product, product, length) == 0 && price->product[length] == '\0' &&
            strcmp(price->resource, resource) == 0) {
            int rank = region != NULL && strcmp(price->region, region) == 0 ? 3 : strcmp(price->region, "all") == 0 ? 2 : 1;
            best = rank > best_rank ? price : best;
            best_rank = rank > best_rank ? rank : best_rank;
        }
    }
    return best;
}

const struct serverless_price *catalog_serverless(const struct catalog *catalog, const char *product,
                                                  const char *region, const char *resource)
{
    size_t length = strlen(product);
    const struct serverless_price *found = serverless_of(catalog, product, length, region, resource);
    while (found == NULL && length > 0) {
        length--;
        if (product[length] == '-') {
            found = serverless_of(catalog, product, length, region, resource);
        }
    }
    return found;
}

int64_t catalog_max_pods(const struct catalog *catalog, const char *provider, const char *instance)
{
    for (size_t i = 0; i < catalog->limit_count; i++) {
        if (strcmp(catalog->limits[i].provider, provider) == 0 && str_glob(catalog->limits[i].pattern, instance)) {
            return catalog->limits[i].max_pods;
        }
    }
    return 0;
}

const struct node_price *catalog_node(const struct catalog *catalog, const char *provider, const char *region,
                                      const char *instance)
{
    struct node_price key = {.provider = provider, .region = region, .instance = instance};
    return bsearch(&key, catalog->nodes, catalog->node_count, sizeof key, catalog_compare_nodes);
}

const struct node_price *catalog_node_elsewhere(const struct catalog *catalog, const char *provider,
                                                const char *instance)
{
    const struct provider *known = provider_find(provider);
    if (known == NULL || known->home_region == NULL) {
        return NULL;
    }
    const struct node_price *home = catalog_node(catalog, provider, known->home_region, instance);
    for (size_t i = 0; home == NULL && i < catalog->node_count; i++) {
        const struct node_price *node = &catalog->nodes[i];
        if (strcmp(node->provider, provider) == 0 && compare_instances(node->instance, instance) == 0) {
            home = node;
        }
    }
    return home;
}

const char *catalog_other_provider(const struct catalog *catalog, const char *provider, const char *instance)
{
    for (size_t i = 0; i < ARRAY_COUNT(providers); i++) {
        if (strcmp(providers[i].name, provider) != 0 &&
            catalog_node_elsewhere(catalog, providers[i].name, instance) != NULL) {
            return providers[i].name;
        }
    }
    return NULL;
}

const char *catalog_group_of(const struct catalog *catalog, const char *provider, const char *instance)
{
    for (size_t i = 0; i < catalog->family_count; i++) {
        const struct family *family = &catalog->families[i];
        if (strcmp(family->provider, provider) == 0 && str_glob(family->pattern, instance)) {
            return family->group;
        }
    }
    const struct provider *known = provider_find(provider);
    return known == NULL ? NULL : known->default_group;
}

static const struct group_price *find_group(const struct catalog *catalog, const char *provider, const char *region,
                                            const char *group)
{
    struct group_price key = {.provider = provider, .region = region, .group = group};
    return bsearch(&key, catalog->groups, catalog->group_count, sizeof key, catalog_compare_groups);
}

const struct group_price *catalog_group(const struct catalog *catalog, const char *provider,
                                        const char *region, const char *group)
{
    const struct provider *known = provider_find(provider);
    if (known == NULL || known->home_region == NULL) {
        return NULL;
    }
    const struct group_price *found = find_group(catalog, provider, region, group);
    found = found != NULL ? found : find_group(catalog, provider, known->home_region, group);
    found = found != NULL ? found : find_group(catalog, provider, region, known->default_group);
    return found != NULL ? found : find_group(catalog, provider, known->home_region, known->default_group);
}
