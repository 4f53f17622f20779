#ifndef TARE_PRICING_CATALOG_CATALOG_H
#define TARE_PRICING_CATALOG_CATALOG_H

/*
 * The price catalog: list prices of node types, the price ratio of CPU to memory of each family, which family
 * an instance type belongs to, prices of serverless products and fees of clusters, and how many pods a node
 * takes. It is embedded in the program (pricing/catalogs/); a folder may replace each of its files. Money is
 * micro-dollars per hour, sizes are thousandths of a vCPU and of a GiB. Strings are borrowed from the catalog.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

enum { CATALOG_NEAR_MAX = 3, CATALOG_ROWS_MAX = 200000, CATALOG_BYTES_MAX = 64 << 20 };

/* The list price of one node type. */
struct node_price {
    const char *provider;
    const char *region;
    const char *instance;
    int64_t vcpu_milli;
    int64_t gib_milli;
    int64_t microusd_per_hour;
    const char *date;
    const char *source;
    size_t line; /* of its file */
};

/* Least-squares unit prices of one family group in one region: only their ratio counts where a node type is
 * known. */
struct group_price {
    const char *provider;
    const char *region;
    const char *group;
    int64_t microusd_per_vcpu_hour;
    int64_t microusd_per_gib_hour;
    const char *date;
    const char *method;
    size_t line;
};

/* What one resource of a serverless product costs ("cpu" a vCPU, "memory" a GiB), or a cluster's fee ("cluster"). */
struct serverless_price {
    const char *provider;
    const char *product;
    const char *region; /* "all": the same everywhere */
    const char *resource;
    const char *unit;
    int64_t microusd_per_hour;
    const char *date;
    const char *source;
    size_t line;
};

/* Another currency, at a rate that somebody stated. */
struct currency {
    const char *code;    /* ISO 4217 */
    int64_t per_usd_ppm; /* millionths of it that make a dollar */
    const char *date;    /* of the rate */
};

/* A cloud provider and what stands for it where nobody said more. */
struct provider {
    const char *name;
    const char *home_region;
    const char *default_instance;
    const char *default_group;
};

/* The files of a catalog, in the order in which the digest takes them. */
enum catalog_table { CATALOG_NODES, CATALOG_GROUPS, CATALOG_FAMILIES, CATALOG_SERVERLESS, CATALOG_LIMITS, CATALOG_TABLES };

/* The text of one of them. */
struct catalog_file {
    const char *name; /* what errors call it */
    const char *text;
    size_t length;
};

/* What one file of a catalog is known by. */
struct catalog_part {
    const char *name; /* what errors call it */
    char sha256[65];
};

struct catalog;

/*
 * New catalog: the files embedded in the program, each replaced by the file of its name (on-demand.csv, unit-prices.csv,
 * families.csv, serverless.csv, max-pods.csv) in `folder` where there is one; NULL: the embedded ones. `currency` (NULL: none)
 * is one that prices of a file may be in besides USD. ERR_NOINPUT where the folder cannot be read; ERR_CONFIG naming file
 * and line as catalog_load has it, and for a folder without any of the files. Free with catalog_free.
 */
int catalog_open(const char *folder, const struct currency *currency, struct catalog **out, struct err *err);

/* New catalog from the text of the five files. ERR_CONFIG naming file and line: what is no text, missing or unknown
 * columns, a price that is no number or negative, a size beyond reason, a wrong date, another currency, a duplicate row. */
int catalog_load(const struct catalog_file files[CATALOG_TABLES], const struct currency *currency,
                 struct catalog **out, struct err *err);

/* Frees; NULL is allowed. */
void catalog_free(struct catalog *catalog);

/* sha256 over the files as they were used, in the order of enum catalog_table. Borrowed. */
const char *catalog_digest(const struct catalog *catalog);

/* One of the files that it was made from. Borrowed. */
const struct catalog_part *catalog_part_at(const struct catalog *catalog, enum catalog_table table);

/* A provider by name; NULL when there is none. Borrowed, static. */
const struct provider *provider_find(const char *name);

/* The providers in turn; NULL past the last. Borrowed, static. */
const struct provider *provider_at(size_t index);

/* Every list price, sorted by provider, region and instance type. Borrowed. */
size_t catalog_node_count(const struct catalog *catalog);
const struct node_price *catalog_node_at(const struct catalog *catalog, size_t index);

/* Every serverless price and cluster fee, sorted by product, region and resource. Borrowed. */
size_t catalog_serverless_count(const struct catalog *catalog);
const struct serverless_price *catalog_serverless_at(const struct catalog *catalog, size_t index);

/*
 * What a resource of a serverless product costs in a region: its own price, else that of the product whose name begins its
 * name (aws-fargate for aws-fargate-linux-arm); of this region, else of all, else of the first region that has one. NULL
 * where nothing is known.
 */
const struct serverless_price *catalog_serverless(const struct catalog *catalog, const char *product,
                                                  const char *region, const char *resource);

/* Pods that a node of this type takes by what its network cards can address; 0 unknown. */
int64_t catalog_max_pods(const struct catalog *catalog, const char *provider, const char *instance);

/* Whether the provider has any price in this region. */
bool catalog_has_region(const struct catalog *catalog, const char *provider, const char *region);

/* List price of an instance type in a region; Azure names may leave out "Standard_", case does not matter.
 * NULL when there is none. */
const struct node_price *catalog_node(const struct catalog *catalog, const char *provider, const char *region,
                                      const char *instance);

/* The same type in another region: the provider's home region, else the first one in bytewise order. NULL
 * when no region has it. */
const struct node_price *catalog_node_elsewhere(const struct catalog *catalog, const char *provider,
                                                const char *instance);

/* Provider (not `provider`) that has an instance type of this name; NULL when none has. Borrowed, static. */
const char *catalog_other_provider(const struct catalog *catalog, const char *provider, const char *instance);

/* Family group of an instance type; the provider's default group where no pattern fits. */
const char *catalog_group_of(const struct catalog *catalog, const char *provider, const char *instance);

/* Unit prices of a group in a region, else in the provider's home region, else of the provider's default
 * group; NULL for a provider without any. */
const struct group_price *catalog_group(const struct catalog *catalog, const char *provider,
                                        const char *region, const char *group);

/* Adds up to CATALOG_NEAR_MAX known names nearest to `word`, as "'a', 'b' or 'c'"; nothing when none is near.
 */
void catalog_near_providers(const char *word, struct buf *out);
void catalog_near_regions(const struct catalog *catalog, const char *provider, const char *word,
                          struct buf *out);
void catalog_near_instances(const struct catalog *catalog, const char *provider, const char *region,
                            const char *word, struct buf *out);

/* The same for serverless products that have a price of `resource`. */
void catalog_near_products(const struct catalog *catalog, const char *resource, const char *word,
                           struct buf *out);

#endif
