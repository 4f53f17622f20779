#include <string.h>
#include <strings.h>

#include "pipeline/base/str.h"
#include "pricing/catalog/tables.h"

/* The nearest names seen so far, the best first. */
struct near {
    const char *word;
    const char *names[CATALOG_NEAR_MAX];
    size_t distances[CATALOG_NEAR_MAX];
    size_t count;
};

static void near_offer(struct near *near, const char *name)
{
    size_t distance = str_distance(near->word, name);
    size_t longer = strlen(name) > strlen(near->word) ? strlen(name) : strlen(near->word);
    for (size_t i = 0; i < near->count; i++) {
        if (strcmp(near->names[i], name) == 0) {
            return;
        }
    }
    if (2 * distance > longer) {
        return;
    }
    size_t at = near->count;
    while (at > 0 && near->distances[at - 1] > distance) {
        at--;
    }
    if (at == CATALOG_NEAR_MAX) {
        return;
    }
    near->count += near->count < CATALOG_NEAR_MAX ? 1 : 0;
    for (size_t i = near->count - 1; i > at; i--) {
        near->names[i] = near->names[i - 1];
        near->distances[i] = near->distances[i - 1];
    }
    near->names[at] = name;
    near->distances[at] = distance;
}

static void near_write(const struct near *near, struct buf *out)
{
    for (size_t i = 0; i < near->count; i++) {
        const char *between = i == 0 ? "" : i + 1 == near->count ? " or " : ", ";
        buf_printf(out, "%s'%s'", between, near->names[i]);
    }
}

void catalog_near_providers(const char *word, struct buf *out)
{
    struct near near = {.word = word};
    const struct provider *provider = NULL;
    for (size_t i = 0; (provider = provider_at(i)) != NULL; i++) {
        near_offer(&near, provider->name);
    }
    near_write(&near, out);
}

void catalog_near_regions(const struct catalog *catalog, const char *provider, const char *word,
                          struct buf *out)
{
    struct near near = {.word = word};
    for (size_t i = 0; i < catalog->group_count; i++) {
        if (strcmp(catalog->groups[i].provider, provider) == 0) {
            near_offer(&near, catalog->groups[i].region);
        }
    }
    near_write(&near, out);
}

void catalog_near_instances(const struct catalog *catalog, const char *provider, const char *region,
                            const char *word, struct buf *out)
{
    struct near near = {.word = word};
    static const char azure_prefix[] = "Standard_";
    size_t prefix =
        strncasecmp(word, azure_prefix, sizeof azure_prefix - 1) == 0 ? 0 : sizeof azure_prefix - 1;
    for (size_t i = 0; i < catalog->node_count; i++) {
        const struct node_price *node = &catalog->nodes[i];
        bool azure = strncmp(node->instance, azure_prefix, sizeof azure_prefix - 1) == 0;
        if (strcmp(node->provider, provider) == 0 && strcmp(node->region, region) == 0) {
            near_offer(&near, node->instance + (azure ? prefix : 0));
        }
    }
    near_write(&near, out);
}

void catalog_near_products(const struct catalog *catalog, const char *resource, const char *word,
                           struct buf *out)
{
    struct near near = {.word = word};
    for (size_t i = 0; i < catalog->serverless_count; i++) {
        if (strcmp(catalog->serverless[i].resource, resource) == 0) {
            near_offer(&near, catalog->serverless[i].product);
        }
    }
    near_write(&near, out);
}
