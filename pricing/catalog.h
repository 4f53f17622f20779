#ifndef TARE_PRICING_CATALOG_H
#define TARE_PRICING_CATALOG_H

/*
 * The price catalog: list prices of node types, the price ratio of CPU to memory of each family, and which
 * family an instance type belongs to. It is embedded in the program (pricing/catalogs/); catalog_load takes
 * the same files from elsewhere. Money is micro-dollars per hour, sizes are thousandths of a vCPU and of a
 * GiB. Strings are borrowed from the catalog.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

enum { CATALOG_NEAR_MAX = 3, CATALOG_ROWS_MAX = 200000 };

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
};

/* A cloud provider and what stands for it where nobody said more. */
struct provider {
    const char *name;
    const char *home_region;
    const char *default_instance;
    const char *default_group;
};

/* The text of one file of a catalog. */
struct catalog_file {
    const char *name;
    const char *text;
    size_t length;
};

struct catalog;

/* New catalog made from the files embedded in the program. ERR_SOFTWARE where those are broken. Free with
 * catalog_free. */
int catalog_embedded(struct catalog **out, struct err *err);

/* New catalog from the text of three files of the embedded ones' form. ERR_CONFIG naming file and line:
 * missing columns, a price that is no number or negative, a size of 0, a duplicate row. */
int catalog_load(const struct catalog_file *nodes, const struct catalog_file *groups,
                 const struct catalog_file *families, struct catalog **out, struct err *err);

/* Frees; NULL is allowed. */
void catalog_free(struct catalog *catalog);

/* sha256 over the three files, in the order nodes, groups, families. Borrowed. */
const char *catalog_digest(const struct catalog *catalog);

/* A provider by name; NULL when there is none. Borrowed, static. */
const struct provider *provider_find(const char *name);

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

#endif
