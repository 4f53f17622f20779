#include "pricing/catalog.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "asset_embed.h"
#include "pipeline/base/arena.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/hash.h"
#include "pricing/csv.h"
#include "pricing/money.h"

/* Bounds that keep the products of unit.c inside 64 bits: $ 1 M a node-hour, $ 100 a unit-hour, 50,000 units.
 */
#define NODE_PRICE_MAX (INT64_C(1000000) * MICROUSD_PER_USD)
#define UNIT_PRICE_MAX (INT64_C(100) * MICROUSD_PER_USD)
#define SIZE_MAX_MICRO (INT64_C(50000) * INT64_C(1000000))

struct family {
    const char *provider;
    const char *pattern;
    const char *group;
};

struct catalog {
    struct arena arena;
    struct node_price *nodes; /* sorted by provider, region, instance */
    size_t node_count;
    size_t node_capacity;
    struct group_price *groups;
    size_t group_count;
    size_t group_capacity;
    struct family *families; /* in the order of the file: the first that fits counts */
    size_t family_count;
    size_t family_capacity;
    char digest[DIGEST_HEX];
};

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

/* Instance names compare without case and, for Azure, without their prefix. */
static int compare_instances(const char *a, const char *b)
{
    size_t prefix = sizeof azure_prefix - 1;
    a += strncasecmp(a, azure_prefix, prefix) == 0 ? prefix : 0;
    b += strncasecmp(b, azure_prefix, prefix) == 0 ? prefix : 0;
    return strcasecmp(a, b);
}

static int compare_nodes(const void *left, const void *right)
{
    const struct node_price *a = left;
    const struct node_price *b = right;
    int order = strcmp(a->provider, b->provider);
    order = order != 0 ? order : strcmp(a->region, b->region);
    return order != 0 ? order : compare_instances(a->instance, b->instance);
}

/* Sizes have at most three decimals worth keeping; money_parse gives six. */
static int parse_size(const struct csv *csv, size_t column, int64_t *milli, struct err *err)
{
    int64_t micro = 0;
    if (money_parse(csv->fields[column], &micro, NULL) != 0 || micro < 1000 || micro > SIZE_MAX_MICRO) {
        return err_set(err, ERR_CONFIG, "%s:%zu: '%s' is not a size above 0 and below 50000", csv->name,
                       csv->line, csv->fields[column]);
    }
    *milli = micro / 1000;
    return 0;
}

static int parse_price(const struct csv *csv, size_t column, int64_t highest, int64_t *microusd,
                       struct err *err)
{
    if (money_parse(csv->fields[column], microusd, NULL) != 0 || *microusd == 0 || *microusd > highest) {
        return err_set(err, ERR_CONFIG, "%s:%zu: '%s' is not a price above 0 and below a sane bound",
                       csv->name, csv->line, csv->fields[column]);
    }
    return 0;
}

static int check_row(const struct csv *csv, struct err *err)
{
    if (csv->rows_read > CATALOG_ROWS_MAX) {
        return err_set(err, ERR_CONFIG, "%s:%zu: more than %d rows", csv->name, csv->line, CATALOG_ROWS_MAX);
    }
    if (provider_find(csv->fields[0]) == NULL) {
        return err_set(err, ERR_CONFIG, "%s:%zu: unknown provider '%s'", csv->name, csv->line,
                       csv->fields[0]);
    }
    return 0;
}

static int add_node(struct catalog *catalog, const struct csv *csv, struct err *err)
{
    const char *const *f = csv->fields;
    struct node_price node = {
        .provider = f[0], .region = f[1], .instance = f[2], .date = f[6], .source = f[7]};
    if (check_row(csv, err) != 0 || parse_size(csv, 3, &node.vcpu_milli, err) != 0 ||
        parse_size(csv, 4, &node.gib_milli, err) != 0 ||
        parse_price(csv, 5, NODE_PRICE_MAX, &node.microusd_per_hour, err) != 0) {
        return -1;
    }
    GROW(catalog->nodes, catalog->node_capacity, catalog->node_count + 1);
    catalog->nodes[catalog->node_count++] = node;
    return 0;
}

/* "aws-gen5-intel(c5,m5,r5)" is the group "aws-gen5-intel". */
static int add_group(struct catalog *catalog, const struct csv *csv, struct err *err)
{
    const char *const *f = csv->fields;
    struct group_price group = {.provider = f[0], .region = f[1], .date = f[7], .method = f[8]};
    if (check_row(csv, err) != 0 ||
        parse_price(csv, 3, UNIT_PRICE_MAX, &group.microusd_per_vcpu_hour, err) != 0 ||
        parse_price(csv, 4, UNIT_PRICE_MAX, &group.microusd_per_gib_hour, err) != 0) {
        return -1;
    }
    group.group = arena_strndup(&catalog->arena, f[2], strcspn(f[2], "("));
    GROW(catalog->groups, catalog->group_capacity, catalog->group_count + 1);
    catalog->groups[catalog->group_count++] = group;
    return 0;
}

static int add_family(struct catalog *catalog, const struct csv *csv, struct err *err)
{
    if (check_row(csv, err) != 0) {
        return -1;
    }
    GROW(catalog->families, catalog->family_capacity, catalog->family_count + 1);
    catalog->families[catalog->family_count++] =
        (struct family){.provider = csv->fields[0], .pattern = csv->fields[1], .group = csv->fields[2]};
    return 0;
}

static int read_file(struct catalog *catalog, const struct catalog_file *file, const char *const *columns,
                     size_t count, int (*add)(struct catalog *, const struct csv *, struct err *),
                     struct err *err)
{
    struct csv csv;
    if (csv_init(&csv, file->name, file->text, file->length, &catalog->arena, columns, count, err) != 0) {
        return -1;
    }
    int row = 0;
    while ((row = csv_next(&csv, err)) == 1) {
        if (add(catalog, &csv, err) != 0) {
            return -1;
        }
    }
    return row;
}

static int sort_nodes(struct catalog *catalog, const char *name, struct err *err)
{
    if (catalog->node_count == 0) {
        return err_set(err, ERR_CONFIG, "%s: no prices in it", name);
    }
    qsort(catalog->nodes, catalog->node_count, sizeof *catalog->nodes, compare_nodes);
    for (size_t i = 1; i < catalog->node_count; i++) {
        const struct node_price *node = &catalog->nodes[i];
        if (compare_nodes(node - 1, node) == 0) {
            return err_set(err, ERR_CONFIG, "%s: two prices of %s in %s %s", name, node->instance,
                           node->provider, node->region);
        }
    }
    return 0;
}

static int fill(struct catalog *catalog, const struct catalog_file *nodes, const struct catalog_file *groups,
                const struct catalog_file *families, struct err *err)
{
    static const char *const node_columns[] = {"provider",   "region",       "instance_type", "vcpu",
                                               "memory_gib", "usd_per_hour", "date",          "source"};
    static const char *const group_columns[] = {
        "provider", "region", "family_group", "usd_per_vcpu_hour", "usd_per_gib_hour", "max_rel_error",
        "n_types",  "date",   "method"};
    static const char *const family_columns[] = {"provider", "pattern", "group"};
    if (read_file(catalog, nodes, node_columns, ARRAY_COUNT(node_columns), add_node, err) != 0 ||
        read_file(catalog, groups, group_columns, ARRAY_COUNT(group_columns), add_group, err) != 0 ||
        read_file(catalog, families, family_columns, ARRAY_COUNT(family_columns), add_family, err) != 0) {
        return -1;
    }
    return sort_nodes(catalog, nodes->name, err);
}

int catalog_load(const struct catalog_file *nodes, const struct catalog_file *groups,
                 const struct catalog_file *families, struct catalog **out, struct err *err)
{
    struct catalog *catalog = xcalloc(sizeof *catalog);
    arena_init(&catalog->arena);
    struct hash *hash = hash_new();
    hash_add(hash, nodes->text, nodes->length);
    hash_add(hash, groups->text, groups->length);
    hash_add(hash, families->text, families->length);
    hash_hex(hash, catalog->digest);
    hash_free(hash);
    if (fill(catalog, nodes, groups, families, err) != 0) {
        catalog_free(catalog);
        return -1;
    }
    *out = catalog;
    return 0;
}

int catalog_embedded(struct catalog **out, struct err *err)
{
    struct catalog_file nodes = {"on-demand.csv", (const char *)asset_on_demand_csv,
                                 asset_on_demand_csv_length};
    struct catalog_file groups = {"unit-prices.csv", (const char *)asset_unit_prices_csv,
                                  asset_unit_prices_csv_length};
    struct catalog_file families = {"families.csv", (const char *)asset_families_csv,
                                    asset_families_csv_length};
    return catalog_load(&nodes, &groups, &families, out, err);
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    free(catalog->nodes);
    free(catalog->groups);
    free(catalog->families);
    arena_release(&catalog->arena);
    free(catalog);
}

const char *catalog_digest(const struct catalog *catalog)
{
    return catalog->digest;
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

const struct node_price *catalog_node(const struct catalog *catalog, const char *provider, const char *region,
                                      const char *instance)
{
    struct node_price key = {.provider = provider, .region = region, .instance = instance};
    return bsearch(&key, catalog->nodes, catalog->node_count, sizeof key, compare_nodes);
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

static const struct group_price *find_group(const struct catalog *catalog, const char *region,
                                            const char *group)
{
    for (size_t i = 0; i < catalog->group_count; i++) {
        if (strcmp(catalog->groups[i].region, region) == 0 && strcmp(catalog->groups[i].group, group) == 0) {
            return &catalog->groups[i];
        }
    }
    return NULL;
}

const struct group_price *catalog_group(const struct catalog *catalog, const char *provider,
                                        const char *region, const char *group)
{
    const struct provider *known = provider_find(provider);
    if (known == NULL || known->home_region == NULL) {
        return NULL;
    }
    const struct group_price *found = find_group(catalog, region, group);
    found = found != NULL ? found : find_group(catalog, known->home_region, group);
    found = found != NULL ? found : find_group(catalog, region, known->default_group);
    return found != NULL ? found : find_group(catalog, known->home_region, known->default_group);
}

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
    for (size_t i = 0; i < ARRAY_COUNT(providers); i++) {
        near_offer(&near, providers[i].name);
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
